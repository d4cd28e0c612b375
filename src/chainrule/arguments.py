"""Arguments of functions, held to the constraints that their annotations declare.

    @reads_arguments
    def train(net: Network, *, epochs: AtLeastOne, seed: Seed = 0) -> Parameters: ...

An argument without a constraint, as `net` is, is passed on as it came: the function looks into it.
"""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any, NamedTuple, ParamSpec, TypeVar, get_args, get_origin

from chainrule.value_types import Type, is_union, type_of

P = ParamSpec("P")
T = TypeVar("T")

_BY_PLACE = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def reads_arguments(function: Callable[P, T]) -> Callable[P, T]:
    """Let a function take each argument that is given as its annotation has it.

    Raises TypeError or ValueError, with the names of both, where it is none. Defaults are not read.

    >>> from chainrule.value_types import AtLeastOne
    >>> @reads_arguments
    ... def train(X: Any, *, epochs: AtLeastOne) -> int:
    ...     return epochs
    >>> train([[1.0]], epochs=np.int64(3))
    3
    >>> train([[1.0]], epochs=0)
    Traceback (most recent call last):
    ...
    ValueError: train: epochs must be a whole number >= 1, got 0
    """
    parameters = inspect.signature(function).parameters.values()
    names = [each.name for each in parameters if each.kind in _BY_PLACE]

    @functools.wraps(function)
    def reading(*args: P.args, **options: P.kwargs) -> T:
        of = _constraints(function)
        given = zip(names, args, strict=False)
        first: Any = (*(_read(of, *each) for each in given), *args[len(names) :])
        more: Any = {name: _read(of, name, value) for name, value in options.items()}
        return function(*first, **more)

    return reading


def arguments_as_read(function: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments by name as a function that reads its arguments would take them.

    >>> from chainrule.value_types import AtLeastOne
    >>> @reads_arguments
    ... def train(*, epochs: AtLeastOne) -> int: ...
    >>> arguments_as_read(train, {"epochs": np.int64(3)})
    {'epochs': 3}
    """
    constraints = _constraints(inspect.unwrap(function))
    return {name: _read(constraints, name, value) for name, value in given.items()}


def _read(constraints: dict[str, _Constraint], name: str, value: Any) -> Any:
    """Return an argument as its constraint has it, or as it came."""
    found = constraints.get(name)
    return value if found is None else found.type.read(value, found.what)


class _Constraint(NamedTuple):
    """The type of an argument, and what messages call it."""

    type: Type
    what: str


@functools.cache
def _constraints(function: Callable[..., Any]) -> dict[str, _Constraint]:
    """Return those of the arguments that have one, found at the first call."""
    annotations = typing.get_type_hints(function, include_extras=True)
    return {
        name: _Constraint(type_of(each), f"{function.__name__}: {name}")
        for name, each in annotations.items()
        if _constrains(each)
    }


def _constrains(annotation: Any) -> bool:
    parts = get_args(annotation) if is_union(annotation) else (annotation,)
    return any(get_origin(each) is Annotated for each in parts)
