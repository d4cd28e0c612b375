"""Warnings that point at the caller's line."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

BETWEEN = ("chainrule.", "contextlib.", "importlib._bootstrap.", "sklearn.callback.")
"""The modules that stand between the caller's line and a warning."""


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the line outside of the package that led here.

    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     warn("the disk is full", RuntimeWarning)
    >>> print(caught[0].message)
    the disk is full
    """
    frame = sys._getframe()
    while frame.f_back and _is_between(frame):
        frame = frame.f_back
    warnings.warn_explicit(
        message,
        category,
        frame.f_code.co_filename,
        frame.f_lineno,
        frame.f_globals.get("__name__"),
        frame.f_globals.setdefault("__warningregistry__", {}),
    )


def _is_between(frame: FrameType) -> bool:
    return f"{frame.f_globals.get('__name__')}.".startswith(BETWEEN)


@contextmanager
def only_warned(what: str, but: type[Exception] | tuple[()] = ()) -> Iterator[None]:
    """Warn of an error in place of raising it, where it is of something that only looks on.

    Errors of the kind `but` are raised.

    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     with only_warned("Watch.end"):
    ...         raise ValueError("no figures")
    >>> print(caught[0].message)
    Watch.end failed, and the training goes on without it: ValueError: no figures
    """
    try:
        yield
    except but:
        raise
    except Exception as error:
        said = f"{what} failed, and the training goes on without it: {type(error).__name__}"
        warn(f"{said}: {error}" if str(error) else said, RuntimeWarning)
