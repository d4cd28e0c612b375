"""Warnings that point at the caller's line, and names that are others now."""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

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


def deprecated(old: str, new: str) -> None:
    """Warn of a call or a name that works for one release more, and say what to write.

    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     deprecated("mean(a, n)", "mean(a)")
    >>> print(caught[0].message)
    mean(a, n) is deprecated; write mean(a)
    """
    warn(f"{old} is deprecated; write {new}", DeprecationWarning)


def renamed(**names: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Let a function take arguments by their old names too, `@renamed(old="new")`, with a warning.

    >>> @renamed(eta="rate")
    ... def step(rate):
    ...     return rate
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     step(eta=0.1)
    0.1
    >>> print(caught[0].message)
    step: eta= is deprecated; write rate=
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        name = function.__qualname__.rpartition("<locals>.")[2].removesuffix(".__init__")

        @functools.wraps(function)
        def call(*args: P.args, **given: P.kwargs) -> T:
            for old in names.keys() & given.keys():
                new = names[old]
                if new in given:
                    raise TypeError(f"{name}: {old} is {new} now; give {new} alone")
                deprecated(f"{name}: {old}=", f"{new}=")
                given[new] = given.pop(old)
            return function(*args, **given)

        return call

    return decorate


def renamed_fields(**names: str) -> Callable[[type[T]], type[T]]:
    """Let the fields of a class have their old names too, `@renamed_fields(old="new")`.

    Arguments and attributes warn; pickles of before are read as they are. `former` has the names.

    >>> cr.Rprop.former["shrink"]
    'eta_minus'
    """

    def attribute(self: Any, name: str) -> Any:
        kind = type(self).__name__
        if name not in names:
            raise AttributeError(f"{kind} has no attribute {name!r}")
        deprecated(f"{kind}.{name}", f"{kind}.{names[name]}")
        return getattr(self, names[name])

    def take_in(self: Any, state: dict[str, Any]) -> None:
        vars(self).update({names.get(name, name): value for name, value in state.items()})

    def decorate(kind: Any) -> Any:
        kind.former, kind.__getattr__, kind.__setstate__ = names, attribute, take_in
        kind.__init__ = renamed(**names)(kind.__init__)
        return kind

    return decorate
