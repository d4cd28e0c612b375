"""Libraries that only parts of Chainrule need, and the extra that installs each.

The core needs NumPy and little else. What needs more imports it where it is used, within
`needed_by`, so that one sentence says what to install where it is missing.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

EXTRAS: dict[str, tuple[str, ...]] = {
    "demo": ("plotext",),
    "estimators": ("scipy", "sklearn"),
    "excel": ("fastexcel",),
    "explain": ("mpmath", "rich"),
    "jax": ("jax",),
    "keras": ("keras",),
    "mpi": ("mpi4py",),
    "notebooks": ("ipywidgets",),
    "onnx": ("onnx",),
    "plots": ("matplotlib",),
    "tables": ("narwhals", "polars"),
    "torch": ("torch",),
}
"""The modules that an extra brings, each under the smallest one that has it."""

INSTALLED_AS = {"sklearn": "scikit-learn"}
"""The modules that are installed by another name."""


class MissingLibraryError(ImportError):
    """A library is not installed that something needs; the message says which extra has it.

    >>> isinstance(MissingLibraryError(), ImportError)
    True
    """


def install(extra: str) -> str:
    """Return the command that installs an extra.

    >>> install("tables")
    "pip install 'chainrule[tables]'"
    """
    return f"pip install 'chainrule[{extra}]'"


@contextmanager
def needed_by(what: str, extra: str = "") -> Iterator[None]:
    """Raise MissingLibraryError where a module of an extra is imported that is not installed.

    `what` is the function, command or option that needs it. The extra is one that brings all of
    this; left out, it is the one that brings the module.

    >>> with needed_by("train", "tables"):
    ...     raise ModuleNotFoundError(name="polars")
    Traceback (most recent call last):
    ...
    chainrule.extras.MissingLibraryError: train needs polars, which is not installed: pip install \
'chainrule[tables]'
    """
    try:
        yield
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
        by_itself = next((name for name, modules in EXTRAS.items() if module in modules), "")
        if not by_itself:
            raise
        name = INSTALLED_AS.get(module, module)
        raise MissingLibraryError(
            f"{what} needs {name}, which is not installed: {install(extra or by_itself)}"
        ) from None


def check_installed(extra: str, what: str) -> None:
    """Raise MissingLibraryError where a module of an extra is not installed; import none.

    `what` is the function that will need them.

    >>> check_installed("estimators", "Watch")
    """
    with needed_by(what, extra):
        for name in EXTRAS[extra]:
            if importlib.util.find_spec(name) is None:
                raise ModuleNotFoundError(name=name)


def is_installed(extra: str) -> bool:
    """Whether the modules of an extra are installed; none is imported.

    >>> is_installed("estimators")
    True
    """
    try:
        check_installed(extra, "")
    except MissingLibraryError:
        return False
    return True


def library(name: str, what: str) -> Any:
    """Return a module of an extra; raise MissingLibraryError where it is not installed.

    `what` is the function or option that needs it.

    >>> library("json", "from_json").__name__
    'json'
    """
    with needed_by(what):
        return importlib.import_module(name)
