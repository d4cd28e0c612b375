# Every target sets up what it needs, in .venv, on a machine with Python 3.11 or newer and make.
# Choose another interpreter with `make test PYTHON=python3.13`.
PYTHON ?= python3
ARGS ?=

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test lint format bench clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' Makefile

demo: .venv/.installed ## install the package in .venv and run its demonstration
	@$(BIN)/chainrule demo

test: .venv/.installed-test ## run the tests and doctests, with coverage; ARGS="-k name" selects
	$(BIN)/python -m pytest -n auto --cov $(ARGS)

lint: .venv/.installed-lint ## check style, format, types and the layering of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/python -m mypy
	$(BIN)/lint-imports --no-logo

format: .venv/.installed-lint ## sort the imports and format the code
	$(BIN)/ruff check --select I --fix
	$(BIN)/ruff format

bench: .venv/.installed ## time the reference loop
	@$(BIN)/python benchmarks/reference_fit.py $(ARGS)

clean: ## remove .venv, caches and everything built
	rm -rf .venv build dist htmlcov .coverage .coverage.* .hypothesis \
		.import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps. Each is newer than pyproject.toml once what that file asks for is installed.

.venv/.created:
	@command -v "$(PYTHON)" >/dev/null || { \
		echo "Chainrule needs Python 3.11 or newer; '$(PYTHON)' was not found." \
			"Name one with 'make PYTHON=...'." >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Chainrule needs Python 3.11 or newer; '$(PYTHON)' is" \
			"$$("$(PYTHON)" --version 2>&1). Name a newer one with 'make PYTHON=...'." >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "'$(PYTHON)' cannot make virtual environments: its venv module is missing." \
			"On Debian and Ubuntu, install the package python3-venv." >&2; exit 1; }
	@echo "Setting up .venv ..."
	@"$(PYTHON)" -m venv .venv
	@touch $@

.venv/.installed: pyproject.toml | .venv/.created
	@echo "Setting up chainrule in .venv ..."
	@$(PIP) install --editable .
	@touch $@

.venv/.installed-%: pyproject.toml | .venv/.created
	@echo "Setting up chainrule[$*] in .venv ..."
	@$(PIP) install --editable '.[$*]'
	@touch $@
