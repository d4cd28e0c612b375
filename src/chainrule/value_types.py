"""Types of values, as annotations declare them: what a value must be, in words and as a check.

A type is `str`, `int`, `float`, `bool`, `None`, `Any`, `Literal`, `list`, `tuple`, `Mapping`, a
class, or several of them, `float | Schedule`. `Annotated` adds what else a value must be:

    Annotated[float, Bounds(least=0, below=1)]      a number within bounds
    Annotated[str, OneOf(OPTIMIZERS)]               a name that a table holds
    Annotated[str, Must("a word", str.isalpha)]     what passes a test
    Annotated[str, Takes(activation)]               what a function takes
"""

from __future__ import annotations

import reprlib
import types
import typing
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

import numpy as np

from chainrule.errors import is_number, number_in_words, number_within, unknown_name


class Bounds:
    """The bounds of a number, named as `check_number` and `check_whole` have them.

    >>> read(1.5, Annotated[float, Bounds(least=0, below=1)], "Dropout: rate")
    Traceback (most recent call last):
    ...
    ValueError: Dropout: rate must be a finite number >= 0 and < 1, got 1.5
    """

    def __init__(self, **bounds: float) -> None:
        self.given = bounds


class Must(NamedTuple):
    """What a value must be beside its type, in words and as a test.

    >>> read("a b", Annotated[str, Must("a word", str.isalpha)], "name")
    Traceback (most recent call last):
    ...
    ValueError: name must be a word, got 'a b'
    """

    words: str
    holds: Callable[[Any], bool] = lambda value: True
    error: type[Exception] = ValueError

    def check(self, value: Any, given: Any, what: str) -> None:
        """Raise the error for a value that does not pass, as it was given."""
        if not self.holds(value):
            raise self.error(refusal(given, self.words, what))


class OneOf:
    """The names that a text may be, such as those of a table.

    >>> read("sdg", Annotated[str, OneOf(["adam", "sgd"])], "optimizer")
    Traceback (most recent call last):
    ...
    ValueError: unknown optimizer 'sdg'; did you mean 'sgd'? Known: adam, sgd
    """

    def __init__(self, names: Collection[str]) -> None:
        self.names = names

    @property
    def words(self) -> str:
        """What a value must be."""
        return f"one of {', '.join(self.names)}"

    def check(self, value: Any, given: Any, what: str) -> None:
        """Raise ValueError for another name."""
        if value not in self.names:
            owner, _, name = what.rpartition(": ")
            raise unknown_name(f"{name} of {owner}" if owner else name, value, self.names)


class Takes(NamedTuple):
    """A function that takes a value, and raises TypeError or ValueError for what it cannot take.

    >>> read("2,5", Annotated[str, Takes(float)], "scale")
    Traceback (most recent call last):
    ...
    ValueError: could not convert string to float: '2,5'
    """

    take: Callable[[Any], Any]
    words: str = ""

    def check(self, value: Any, given: Any, what: str) -> None:
        """Raise what the function raises."""
        self.take(value)


Count = Annotated[int, Bounds(least=0)]
AtLeastOne = Annotated[int, Bounds(least=1)]
NotNegative = Annotated[float, Bounds(least=0)]
Positive = Annotated[float, Bounds(above=0)]
Fraction = Annotated[float, Bounds(least=0, below=1)]
Flag = Annotated[bool | np.bool_, Must("True or False")]
Share = Annotated[float, Must("a number from 0 to 1", lambda share: 0 <= share <= 1)]


NONE = "None"


def refusal(value: Any, words: str, what: str) -> str:
    """Return what is said of a value that is not what it must be.

    >>> refusal(3, "a text", "name")
    'name must be a text, got 3'
    """
    return f"{what or 'it'} must be {words}, got {reprlib.repr(value)}"


# Annotations as objects


class Type:
    """A type of values: what they are in words, and what it makes of one."""

    words: str

    def may_be(self, value: Any) -> bool:
        """Whether a value is of the type, as far as one sees without looking into it."""
        raise NotImplementedError

    def made(self, value: Any, what: str) -> Any:
        """Return a value that may be of the type as the type has it."""
        return value

    def read(self, value: Any, what: str) -> Any:
        """Return a value as the type has it; raise TypeError or ValueError where it is none."""
        if not self.may_be(value):
            raise TypeError(f"{refusal(value, self.words, what)} of type {type(value).__name__}")
        return self.made(value, what)


@dataclass(frozen=True)
class InstanceType(Type):
    """What is of a class."""

    of: Any
    words: str

    def may_be(self, value: Any) -> bool:
        return isinstance(value, self.of)


class PathType(Type):
    """A path, given as one or as a text."""

    words = "a text"

    def may_be(self, value: Any) -> bool:
        return isinstance(value, str | Path)

    def made(self, value: Any, what: str) -> Path:
        return Path(value)


@dataclass(frozen=True)
class LiteralType(Type):
    """One of some values, and no other that is equal: 1 is not True."""

    values: tuple[Any, ...]

    @property
    def words(self) -> str:  # type: ignore[override]
        written = ", ".join(map(repr, self.values))
        return f"one of {written}" if len(self.values) > 1 else written

    def may_be(self, value: Any) -> bool:
        return any(type(value) is type(each) and value == each for each in self.values)


@dataclass(frozen=True)
class NumberType(Type):
    """A number within bounds, of any library, as Python's int or float; True is none."""

    of: type
    bounds: Mapping[str, Any]

    @property
    def words(self) -> str:  # type: ignore[override]
        return number_in_words(self.of, self.bounds)

    def may_be(self, value: Any) -> bool:
        return is_number(value, self.of)

    def made(self, value: Any, what: str) -> Any:
        return number_within(what, value, self.of, self.bounds)


@dataclass(frozen=True)
class ListType(Type):
    """A list or a tuple of values of one type, as one of the two."""

    make: Callable[[Any], Any]
    of: Type
    words: str = "a list"

    def may_be(self, value: Any) -> bool:
        return isinstance(value, list | tuple)

    def made(self, value: Any, what: str) -> Any:
        return self.make(self.of.read(each, f"{what}[{k}]") for k, each in enumerate(value))


@dataclass(frozen=True)
class MappingType(Type):
    """Values of one type by their names."""

    of: Type
    words: str = "a mapping"

    def may_be(self, value: Any) -> bool:
        return isinstance(value, Mapping)

    def made(self, value: Any, what: str) -> Any:
        return {name: self.of.read(each, self.place(what, name)) for name, each in value.items()}

    def place(self, what: str, name: Any) -> str:
        """Return what the value under a name is called."""
        return f"{what} of {name!r}"


@dataclass(frozen=True)
class EitherType(Type):
    """One of several types, the first that a value may be; None goes without saying."""

    types: tuple[Type, ...]

    @property
    def words(self) -> str:  # type: ignore[override]
        words = dict.fromkeys(each.words for each in self.types)
        return " or ".join(each for each in words if each != NONE or len(words) == 1)

    def may_be(self, value: Any) -> bool:
        return any(each.may_be(value) for each in self.types)

    def made(self, value: Any, what: str) -> Any:
        return next(each for each in self.types if each.may_be(value)).made(value, what)

    def read(self, value: Any, what: str) -> Any:
        for each in self.types:
            if each.may_be(value):
                return each.made(value, what)
        return super().read(value, what)


@dataclass(frozen=True)
class CheckedType(Type):
    """A type with checks of what it makes of a value."""

    of: Type
    checks: tuple[Any, ...]

    @property
    def words(self) -> str:  # type: ignore[override]
        return next((each.words for each in self.checks if each.words), self.of.words)

    def may_be(self, value: Any) -> bool:
        return self.of.may_be(value)

    def made(self, value: Any, what: str) -> Any:
        try:
            made = self.of.made(value, what)
        except ValueError:
            if not isinstance(self.of, NumberType) or self.of.bounds:
                raise
            raise ValueError(refusal(value, self.words, what)) from None  # it is not finite
        for each in self.checks:
            each.check(made, value, what)
        return made


# From annotations to types


def is_union(annotation: Any) -> bool:
    """Whether an annotation is of several types.

    >>> is_union(int | None), is_union(int)
    (True, False)
    """
    return get_origin(annotation) in (typing.Union, types.UnionType)


Special = Callable[[Any], "Type | None"]
"""What makes some types otherwise, such as those of data in a file."""


def type_of(annotation: Any, special: Special = lambda annotation: None) -> Type:
    """Return the type that an annotation declares.

    >>> type_of(list[int] | None).words
    'a list'
    """
    origin = get_origin(annotation) or annotation
    return (
        special(annotation)
        or (origin in _MADE and _MADE[origin](annotation, lambda each: type_of(each, special)))
        or InstanceType(origin, f"a {origin.__name__}")
    )


def _checked(annotation: Any, inner: Callable[[Any], Type]) -> Type:
    of, *more = get_args(annotation)
    bounds = [each.given for each in more if isinstance(each, Bounds)]
    checks = tuple(each for each in more if not isinstance(each, Bounds))
    made = NumberType(of, bounds[0]) if bounds else inner(of)
    return CheckedType(made, checks) if checks else made


def _either(annotation: Any, inner: Callable[[Any], Type]) -> Type:
    return EitherType(tuple(map(inner, get_args(annotation))))


def _mapping(annotation: Any, inner: Callable[[Any], Type]) -> Type:
    return MappingType(inner(get_args(annotation)[1]))


def _list(annotation: Any, inner: Callable[[Any], Type]) -> Type:
    return ListType(get_origin(annotation), inner(get_args(annotation)[0]))


_MADE: dict[Any, Callable[[Any, Callable[[Any], Type]], Type]] = {
    Any: lambda *_: InstanceType(object, "anything"),
    str: lambda *_: InstanceType(str, "a text"),
    bool: lambda *_: InstanceType(bool, "True or False"),
    None: lambda *_: InstanceType(types.NoneType, NONE),
    types.NoneType: lambda *_: InstanceType(types.NoneType, NONE),
    Path: lambda *_: PathType(),
    int: lambda *_: NumberType(int, {}),
    float: lambda *_: NumberType(float, {}),
    Literal: lambda annotation, _: LiteralType(get_args(annotation)),
    **dict.fromkeys((list, tuple), _list),
    **dict.fromkeys((dict, Mapping), _mapping),
    **dict.fromkeys((typing.Union, types.UnionType), _either),
    Annotated: _checked,
}
"""What makes the types of annotations, by their origins; those of classes are left."""


def read(value: Any, annotation: Any, what: str) -> Any:
    """Return a value as its type has it: of a list a tuple, of any library's number Python's.

    Raises TypeError or ValueError, with what it is, where it is none.

    >>> read([1, np.float32(2.5)], tuple[float, ...], "weights")
    (1.0, 2.5)
    """
    return type_of(annotation).read(value, what)
