# Every target sets up what it needs, in .venv, on a machine with Python 3.11 or newer, make and,
# for the compiled engine, a C++20 compiler.
# Choose another interpreter with `make test PYTHON=python3.13`.
PYTHON ?= python3
ARGS ?=

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
ENGINE := CMakeLists.txt $(wildcard src/chainrule/engine/*.?pp)

# Where there is a compiler, what it refuses is an error, not a reason to leave the engine out.
export CHAINRULE_REQUIRE_ENGINE ?= $(if $(shell command -v $(CXX)),1,0)

# Every process that a test starts imports what Python has compiled before.
unexport PYTHONDONTWRITEBYTECODE

REQUIRED_BY_BUILD = $$($(BIN)/python -c 'import tomllib; \
	print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"])')

# The engine is compiled in one place, for the editable package and for the wheel: what has not
# changed is not compiled again. That takes its tools from .venv, whose paths stay.
BUILD := --no-build-isolation --config-settings=build-dir=build/engine

LOWEST := $(BIN)/uv pip install -q --python .venv-lowest/bin/python

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test test-lowest coverage release-check sanitize sanitize-address sanitize-thread lint format docs docs-open bench bench-estimators bench-tables bench-ranks playground playground-engine clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-21s %s\n", $$1, $$2 }' Makefile

# Where nothing is there yet, only this processor's instruction set is compiled: it takes a minute.
demo: $(if $(wildcard .venv/.installed),.venv/.installed .venv/.installed-demo,.venv/.installed-native) ## install the package in .venv and run its demonstration
	@$(BIN)/chainrule demo

test: .venv/.installed .venv/.installed-test .venv/.installed-interop ## run the tests and doctests; ARGS="-k name" selects
	$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

# Deprecations are between those libraries: old ones meet newer ones of others here.
test-lowest: .venv/.installed .venv/.installed-test .venv/.installed-release ## run some tests with the lowest versions of what is needed, and with each of scikit-learn
	rm -rf .venv-lowest
	$(BIN)/python .ci/requirements.py all > .venv/requirements-all.txt
	$(BIN)/uv pip compile -q --resolution lowest-direct --python $(BIN)/python -o .venv/lowest.txt .venv/requirements-all.txt
	$(BIN)/uv venv -q --python $(BIN)/python .venv-lowest
	$(LOWEST) --constraints .venv/lowest.txt --requirement .venv/requirements-test.txt
	$(PIP) wheel $(BUILD) --no-deps --wheel-dir .venv-lowest .
	$(LOWEST) --no-deps .venv-lowest/chainrule-*.whl
	.venv-lowest/bin/python -m pytest -n auto -W ignore::DeprecationWarning tests/test_sklearn_versions.py \
		tests/test_cli.py tests/test_estimators_layers.py tests/test_tabular_dialects.py tests/test_training.py \
		tests/test_tabular_forms_dates.py tests/test_tabular_reading_formats.py tests/test_worksheet.py $(ARGS)
	for minor in 7 8; do \
		$(LOWEST) "scikit-learn==1.$$minor.*" && \
		.venv-lowest/bin/python -m pytest -W ignore::DeprecationWarning tests/test_sklearn_versions.py || exit; \
	done

coverage: override ARGS += --cov
coverage: test ## list the lines and branches that no test runs

release-check: .venv/.installed .venv/.installed-release ## build what is released in dist, look into it, and use it with and without the engine
	$(BIN)/python .ci/release.py

sanitize: sanitize-address sanitize-thread ## run the engine's tests under sanitizers, for ISAS="v2 v4"

# AddressSanitizer does not see the masked loads of v4, but the same in lower instruction sets; threads
# share the work alike in all. Left out are a test of Python's lock, which a slow engine makes slow, and
# every activation with every loss: each of them alone is in other tests.
sanitize-address sanitize-thread: sanitize-%: .venv-%/.installed
	for isa in $(ISAS_$*); do \
		export CHAINRULE_ISA=$$isa; \
		.ci/sanitized $* .venv-$*/bin/python .ci/smoke.py native || exit; \
		.ci/sanitized $* .venv-$*/bin/python -m pytest -n auto --dist worksteal -s -x \
			-p no:cacheprovider tests/test_engine.py tests/test_engine_input_gradient.py tests/test_engine_kinds.py \
			tests/test_engine_processes.py tests/test_evaluation.py tests/test_fit_many.py tests/test_shards.py tests/test_sparse_rows.py \
			tests/test_sparse_rows_refused.py \
			--deselect tests/test_engine.py::test_training_does_not_wait_for_the_interpreter \
			--deselect tests/test_engine.py::test_every_cell_of_the_tables \
			$(ARGS) || exit; \
	done

lint: .venv/.installed-lint ## check style, format, types and the layering of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/python -m mypy
	PYTHONPATH=src $(BIN)/lint-imports --no-logo

format: .venv/.installed-lint ## sort the imports and format the code
	$(BIN)/ruff check --select I --fix
	$(BIN)/ruff format

docs: .venv/.installed .venv/.installed-docs .venv/.installed-interop ## build the site in docs/_build/html from nothing; warnings are errors
	rm -rf docs/_build docs/gallery docs/*/generated
	$(BIN)/sphinx-build --fail-on-warning --keep-going --jobs auto \
		-d docs/_build/doctrees docs docs/_build/html

docs-open: docs ## build the site and open it in a browser
	@$(BIN)/python -m webbrowser "file://$(CURDIR)/docs/_build/html/index.html"

bench: .venv/.installed .venv/.installed-bench ## time the reference loop and the peers; ARGS="--case 8-1" selects
	@$(BIN)/python benchmarks/reference_fit.py
	@$(BIN)/python benchmarks/validation_cost.py
	@$(BIN)/python benchmarks/many_networks.py
	@$(BIN)/python benchmarks/call_cost.py
	@$(BIN)/python benchmarks/sparse_rows.py
	@$(BIN)/python benchmarks/bfloat16.py
	@$(BIN)/python benchmarks/limit.py
	@$(BIN)/python benchmarks/peers.py $(ARGS)
	@$(BIN)/python benchmarks/busy_machine.py

bench-estimators: .venv/.installed .venv/.installed-all ## time and memory of the estimators beside scikit-learn's; ARGS="--case digits" selects
	@$(BIN)/python benchmarks/memory.py
	@$(BIN)/python benchmarks/estimators.py $(ARGS)

bench-tables: .venv/.installed .venv/.installed-bench-tables ## time training on a large CSV, and compare errors on public tables; ARGS="--again chainrule"
	@$(BIN)/python benchmarks/table_speed.py
	@$(BIN)/python benchmarks/table_defaults.py
	@$(BIN)/python benchmarks/table_prediction.py
	@$(BIN)/python benchmarks/table_accuracy.py
	@$(BIN)/python benchmarks/table_refit.py
	@$(BIN)/python benchmarks/table_peers.py $(ARGS)
	@$(BIN)/python benchmarks/table_intervals.py
	@$(BIN)/python benchmarks/bfloat16_accuracy.py

bench-ranks: .venv/.installed .venv/.installed-bench .venv/.installed-mpi ## train on several processes beside one and beside PyTorch's; ARGS="--again exchange"
	@$(BIN)/python benchmarks/ranks.py $(ARGS)
	@$(BIN)/python benchmarks/ranks_model.py
	@$(BIN)/python benchmarks/ranks_bits.py
	@$(BIN)/python benchmarks/ranks_table.py

playground: .venv/.installed ## build the playground, one page for the browser, in build/playground.html
	@mkdir -p build
	@$(BIN)/chainrule playground -o build/playground.html
	@echo "build/playground.html"

playground-engine: ## compile the engine for pages, to WebAssembly, as it is kept in the sources; ARGS="--check" compares
	@.ci/wasm_engine $(ARGS)

clean: ## remove .venv, caches and everything built
	rm -rf .venv .venv-* build dist docs/_build docs/gallery docs/*/generated htmlcov .coverage .coverage.* .hypothesis \
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

.venv/.build-tools: pyproject.toml | .venv/.created
	@$(PIP) install --no-compile cmake ninja $(REQUIRED_BY_BUILD)
	@touch $@

.venv/.installed: pyproject.toml $(ENGINE) .venv/.build-tools
	@echo "Setting up chainrule in .venv ..."
	@$(PIP) install $(BUILD) --editable .
	@touch $@

# What the demonstration needs is installed while the engine is compiled; of its Python only what runs
# is compiled, when it runs.
.venv/.installed-native: pyproject.toml $(ENGINE) .ci/requirements.py | .venv/.created
	@echo "Setting up chainrule and what its demonstration needs in .venv ..."
	@$(BIN)/python .ci/requirements.py demo > .venv/requirements-demo.txt
	@$(PIP) install --no-compile --requirement .venv/requirements-demo.txt & needed=$$!; \
		$(MAKE) --no-print-directory .venv/.build-tools && \
		CMAKE_ARGS=-DCHAINRULE_ISAS=native $(PIP) install --no-build-isolation --no-deps \
			--config-settings=build-dir=build/native --editable . && wait $$needed
	@touch $@

# What an extra and the package need, without the package: checking it takes no compiler.
.venv/.installed-%: pyproject.toml .ci/requirements.py | .venv/.created
	@echo "Setting up what chainrule[$*] needs in .venv ..."
	@$(BIN)/python .ci/requirements.py $* > .venv/requirements-$*.txt
	@$(PIP) install --requirement .venv/requirements-$*.txt
	@touch $@

# The engine as a sanitizer wants it, for the lowest and the highest instruction set that run here, beside
# the other packages of .venv.
ISAS ?= $(shell $(BIN)/python -c 'from chainrule import engine; lowest = engine._baseline(); \
	print(*sorted({lowest.isa(), lowest.best_isa()}))')
SANITIZE_address := address,undefined
SANITIZE_thread := thread
ISAS_address = $(ISAS)
ISAS_thread = $(lastword $(ISAS))

.venv-%/.installed: pyproject.toml $(ENGINE) .venv/.build-tools .venv/.installed-test
	@echo "Setting up chainrule in .venv-$*, watched by the $* sanitizer ..."
	@$(BIN)/python -m venv --without-pip .venv-$*
	@$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
		> $$(.venv-$*/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/packages.pth
	@CMAKE_ARGS="-DCHAINRULE_SANITIZE=$(SANITIZE_$*) -DCHAINRULE_ISAS=$$(echo $(ISAS_$*) | tr ' ' ';')" \
		SKBUILD_CMAKE_BUILD_TYPE=Debug CHAINRULE_REQUIRE_ENGINE=1 \
		.venv-$*/bin/python -m pip --disable-pip-version-check -qq install --no-deps \
		--no-build-isolation --config-settings=build-dir=build/$* --editable .
	@touch $@
