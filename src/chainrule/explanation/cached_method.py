"""Methods whose results are kept for as long as their object lives."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

Self = TypeVar("Self")
P = ParamSpec("P")
T = TypeVar("T")


def cached_method(
    method: Callable[Concatenate[Self, P], T],
) -> functools.cached_property[Callable[P, T]]:
    """Let each object keep what its method returned, by the arguments.

    `functools.cache` would keep the objects too, and all that they hold, in the class.

    >>> class Square:
    ...     @cached_method
    ...     def of(self, x):
    ...         return [x * x]
    >>> square = Square()
    >>> square.of(3) is square.of(3)
    True
    """

    def bound(owner: Any) -> Callable[P, T]:
        return cast(Callable[P, T], functools.cache(functools.partial(method, owner)))

    return functools.cached_property(bound)
