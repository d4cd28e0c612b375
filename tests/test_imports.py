"""What `import chainrule` loads, and that every public name is documented with an example."""

import importlib
import inspect
import itertools
import pkgutil
import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

import chainrule as cr
from chainrule.extras import EXTRAS
from explanation_without_example import EXPLANATION_WITHOUT_EXAMPLE
from tabular_without_example import TABULAR_WITHOUT_EXAMPLE
from without_example import OF_A_LAYER, WITHOUT_EXAMPLE

ROOT = Path(__file__).parents[1]

HEAVY = ("numpy.testing", "click", "threadpoolctl", *itertools.chain(*EXTRAS.values()))

WITHOUT = WITHOUT_EXAMPLE | EXPLANATION_WITHOUT_EXAMPLE | TABULAR_WITHOUT_EXAMPLE

TOP = ("cli", "demo")  # what a person starts: shown by running it
EVERY_MODULE = [
    importlib.import_module(name)
    for _, name, _ in pkgutil.walk_packages(cr.__path__, "chainrule.")
    if not name.startswith("chainrule.engine._")
]
MODULES = [module for module in EVERY_MODULE if module.__name__.split(".")[1] not in TOP]


def public(module):
    """The functions and classes that a module defines and does not hide."""
    for name, thing in vars(module).items():
        defined = getattr(thing, "__module__", None) == module.__name__
        thing = inspect.unwrap(thing) if callable(thing) else thing  # noqa: PLW2901
        if (
            defined
            and not name.startswith("_")
            and inspect.isroutine(thing) | inspect.isclass(thing)
        ):
            yield f"{module.__name__}.{name}", thing


PUBLIC = dict(pair for module in MODULES for pair in public(module))


def test_import_is_lean():
    code = f"import sys, chainrule; print(*set(sys.modules) & set({HEAVY!r}))"
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_map_of_the_rooms_has_the_rows_that_imports_are_held_to():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contract = project["tool"]["importlinter"]["contracts"][0]
    rooms = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## The rooms")[2]
    rows = re.findall(r"^\| (`.*?`) \|", rooms, re.MULTILINE)[: len(contract["layers"])]
    assert [set(re.findall(r"`(\w+)/?`", row)) for row in rows] == [
        set(row.split(" | ")) for row in contract["layers"]
    ]


PACKAGES = [module for module in EVERY_MODULE if hasattr(module, "__path__")]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_the_table_of_a_package_has_each_of_its_files(package):
    """In the sources: an installed package has no C++."""
    folder = ROOT / "src" / Path(*package.__name__.split("."))
    table = inspect.getdoc(package).partition("| file | what it is for |\n")[2].partition("\n\n")[0]
    named = [
        name for row in table.splitlines() for name in re.findall("`([^`]+)`", row.split("|")[1])
    ]
    files = {path.name + "/" * path.is_dir() for path in folder.iterdir()}
    assert sorted(named) == sorted(files - {"__init__.py", "__pycache__/"})


def test_the_name_of_a_file_is_said_once():
    """In the sources: an installed package has no C++."""
    files = (path for path in (ROOT / "src").rglob("*.*") if "__pycache__" not in path.parts)
    times = Counter(path.name for path in files if path.name != "__init__.py")
    assert [name for name, n in times.items() if n > 1] == []


def test_the_last_name_of_a_module_is_said_once():
    times = Counter(module.__name__.rpartition(".")[2] for module in EVERY_MODULE)
    assert [name for name, n in times.items() if n > 1] == []


def test_names_that_wait_are_listed_and_others_unknown():
    assert dir(cr) == sorted(cr.__all__)
    with pytest.raises(
        AttributeError, match="module 'chainrule' has no attribute 'MLPTransformer'"
    ):
        cr.MLPTransformer  # noqa: B018


def is_under_its_name(module):
    package, _, name = module.__name__.rpartition(".")
    return getattr(sys.modules[package], name) is module


def test_a_module_is_found_under_its_name_and_hides_nothing():
    assert [module for module in EVERY_MODULE if not is_under_its_name(module)] == []


def is_where_it_says(thing):
    if not callable(thing):
        return True
    return getattr(sys.modules[thing.__module__], thing.__qualname__) is thing


def test_an_exported_callable_is_found_where_it_says():
    assert [name for name in cr.__all__ if not is_where_it_says(getattr(cr, name))] == []


@pytest.mark.parametrize(
    "table", ["activations", "initialisers", "losses", "optimizers", "schedules"]
)
def test_the_tables_are_exported(table):
    assert table in cr.__all__
    assert len(getattr(getattr(cr, table), table.upper())) > 1


@pytest.mark.parametrize("table", ["layers", "optimizers", "schedules"])
def test_each_class_of_a_table_is_exported(table):
    rows = getattr(getattr(cr, table), table.upper()).values()
    assert {kind.__name__ for kind in rows} <= set(cr.__all__)


def test_an_exported_name_exists_and_is_documented():
    assert [name for name in cr.__all__ if not inspect.getdoc(getattr(cr, name))] == []


def test_every_public_name_is_exported_once_and_in_order():
    assert len(set(cr.__all__)) == len(cr.__all__)
    visible = {name for name, thing in vars(cr).items() if not name.startswith("_")}
    modules = {name for name in visible if inspect.ismodule(getattr(cr, name))}
    assert visible - modules <= set(cr.__all__)


def test_a_module_says_what_it_is_for():
    assert [module for module in MODULES if not inspect.getdoc(module)] == []


def is_documented(name, thing):
    doc = vars(thing).get("__doc__") or thing.__doc__ or ""
    made = doc.startswith(f"{thing.__name__}(")  # by dataclass or NamedTuple
    without = name in WITHOUT or bool(OF_A_LAYER.fullmatch(name))
    return doc and not made and (">>>" in doc) != without


def test_a_public_function_or_class_is_documented_with_an_example():
    assert [name for name, thing in PUBLIC.items() if not is_documented(name, thing)] == []


def methods(kind):
    """The methods of a class that it defines and does not hide."""
    fields = kind.__annotations__
    for name, thing in vars(kind).items():
        if not name.startswith("_") and callable(thing) and name not in fields:
            yield name


def test_public_methods_are_documented():
    assert [
        f"{name}.{method}"
        for name, thing in PUBLIC.items()
        if inspect.isclass(thing)
        for method in methods(thing)
        if not inspect.getdoc(getattr(thing, method))
    ] == []


def test_the_exceptions_exist():
    assert set(WITHOUT) <= set(PUBLIC)


def test_docstrings_hold_no_control_characters():
    """A backslash of LaTeX that Python reads as an escape: an r before the quotes is missing."""
    controls = set("\a\b\f\r\t\v")
    assert [name for name, thing in PUBLIC.items() if controls & {*thing.__doc__}] == []
