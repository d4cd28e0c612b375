"""Records as data of JSON and back, strictly: each value is what its type says, or refused.

A text says one thing and takes little room. What it holds is read by types, as annotations declare
them (`value_types`), TypedDicts and dataclasses among them: the data of a dataclass name it by its
`kind`. What is refused is named by its place: `decisions[3].role`.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import reprlib
import types
import typing
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, get_args, get_origin

from chainrule.value_types import (
    EitherType,
    InstanceType,
    MappingType,
    Must,
    Type,
    is_union,
    refusal,
    type_of,
)

LONGEST = 100_000
"""The most characters of a text: what is said of a model is wrapped, and compared, and printed."""

MOST_SAID = 500
"""The most characters of what is said of a value that a record refuses, which it may quote."""

# Records


class Makes(NamedTuple):
    """What a value must be taken by: a function that raises TypeError or ValueError otherwise.

    >>> read("2,5", typing.Annotated[str, Makes(float)], "scale")
    Traceback (most recent call last):
    ...
    ValueError: scale: could not convert string to float: '2,5'
    """

    make: Callable[[Any], Any]
    words: str = ""

    def check(self, value: Any, given: Any, what: str) -> None:
        """Raise ValueError, with the place, for what the function does not take."""
        with named(what):
            self.make(value)


def all_differ(values: Any) -> bool:
    """Whether no two of some values are the same; true is not 1.

    >>> all_differ([True, 1]), all_differ(["a", "a"])
    (True, False)
    """
    return len({(type(each), each) for each in values}) == len(values)


Different: Must = Must("different values", all_differ)


def read(value: Any, annotation: Any, place: str) -> Any:
    """Return what data stands for by its type: lists as tuples, objects as records.

    Raises ValueError, with the place, for what is not of that type, for keys that are missing, and
    for those that nothing knows.

    >>> read([1, 2.5], tuple[float, ...], "weights"), read({"a": None}, dict[str, int | None], "of")
    ((1.0, 2.5), {'a': None})
    >>> read({"a": ["x", 3]}, dict[str, list[str]], "orders")
    Traceback (most recent call last):
    ...
    ValueError: orders.a[1] must be a text, got 3 of type int
    """
    try:
        return type_of(annotation, _of_data).read(value, place)
    except TypeError as error:
        raise ValueError(str(error)) from None


def to_data(record: Any) -> dict[str, Any]:
    """Return a dataclass as data, with its kind.

    >>> from chainrule.tabular.encoding.target_encoding import QuantityEncoder
    >>> to_data(QuantityEncoder("price", centre=100.0, scale=50.0))
    {'kind': 'Quantity', 'column': 'price', 'centre': 100.0, 'scale': 50.0, 'quantiles': []}
    """
    values = dataclasses.asdict(record)
    return {"kind": _kind(type(record))} | {
        key: list(value) if isinstance(value, tuple) else value for key, value in values.items()
    }


def _kind(record: Any) -> str:
    """Return what data call a dataclass: as it says itself, or by its name."""
    return str(vars(record).get("kind", record.__name__))


def within(what: str, name: str) -> str:
    """Return what a value is called that stands under a name.

    >>> within("forms", "size"), within("forms", "a b")
    ('forms.size', "forms['a b']")
    """
    return f"{what}.{name}".lstrip(".") if name.isidentifier() else f"{what}[{reprlib.repr(name)}]"


def check_keys(
    given: Any, known: Collection[str], what: str, *, more: Collection[str] = ()
) -> None:
    """Raise ValueError where an object lacks a key that it must have, or has one that none knows.

    It must have those known, but for some `more`.

    >>> check_keys({"a": 1, "c": 2}, ["a", "b"], "forms", more=["b"])
    Traceback (most recent call last):
    ...
    ValueError: forms must have the keys a, b: the key 'c' is not known
    """
    if not isinstance(given, dict):
        wrong = f"; got {reprlib.repr(given)}"
    elif missing := sorted(set(known) - set(more) - set(given)):
        wrong = f": the key {missing[0]!r} is missing"
    elif unknown := sorted(set(given) - set(known)):
        wrong = f": the key {reprlib.repr(unknown[0])} is not known"
    else:
        return
    raise ValueError(f"{what or 'it'} must have the keys {', '.join(known)}{wrong}")


@contextmanager
def named(place: str) -> Iterator[None]:
    """Make one ValueError, with the place, of what functions raise for values, which may be long.

    >>> with named("scale"):
    ...     float("a")
    Traceback (most recent call last):
    ...
    ValueError: scale: could not convert string to float: 'a'
    """
    try:
        yield
    except (TypeError, ValueError, OverflowError) as error:
        said = str(error)
        short = said if len(said) <= MOST_SAID else f"{said[: MOST_SAID - 100]}…{said[-100:]}"
        raise ValueError(f"{place}: {short}") from None


@dataclass(frozen=True)
class _TextType(Type):
    """A text that is not too long."""

    words = "a text"

    def may_be(self, value: Any) -> bool:
        return isinstance(value, str)

    def made(self, value: Any, what: str) -> Any:
        if len(value) > LONGEST:
            raise ValueError(
                refusal(value, f"{self.words} of at most {LONGEST:,} characters", what)
            )
        return value


@dataclass(frozen=True)
class _NamedValuesType(MappingType):
    """Values of one type by their names."""

    words: str = "an object"

    def place(self, what: str, name: Any) -> str:
        return within(what, name)


@dataclass(frozen=True)
class _ObjectType(Type):
    """An object by the keys that a TypedDict or a dataclass declares."""

    of: Any
    words = "an object"

    def may_be(self, value: Any) -> bool:
        return isinstance(value, dict)

    @property
    def keys(self) -> dict[str, Type]:
        """The types of what stands under each key."""
        return _types_of_keys(self.of)

    @functools.cached_property
    def more(self) -> frozenset[str]:
        """The keys that need not be there."""
        if typing.is_typeddict(self.of):
            return frozenset(self.of.__optional_keys__)
        none = dataclasses.MISSING
        defaults = {f.name: (f.default, f.default_factory) for f in dataclasses.fields(self.of)}
        return frozenset(name for name, each in defaults.items() if each != (none, none))

    def made(self, value: Any, what: str) -> Any:
        check_keys(value, self.keys, what, more=self.more)
        return {key: self.keys[key].read(each, within(what, key)) for key, each in value.items()}


@functools.cache
def _types_of_keys(of: Any) -> dict[str, Type]:
    """Return the types that a class declares, found once: they have to be evaluated."""
    declared = typing.get_type_hints(of, include_extras=True)
    if not typing.is_typeddict(of):
        declared = {each.name: declared[each.name] for each in dataclasses.fields(of)}
    return {key: type_of(annotation, _of_data) for key, annotation in declared.items()}


@dataclass(frozen=True)
class _RecordType(Type):
    """One of some dataclasses, the one that the data's `kind` names."""

    kinds: Mapping[str, _ObjectType]
    words = "an object"

    def may_be(self, value: Any) -> bool:
        return isinstance(value, dict)

    def made(self, value: Any, what: str) -> Any:
        kind = value.get("kind")
        if not isinstance(kind, str) or kind not in self.kinds:
            known = f"one of {', '.join(self.kinds)}"
            raise ValueError(refusal(kind, known, within(what, "kind")))
        fields = {key: each for key, each in value.items() if key != "kind"}
        made = self.kinds[kind].made(fields, what)
        with named(what):
            return self.kinds[kind].of(**made)


def _of_data(annotation: Any) -> Type | None:
    """Return the type of what data have otherwise than Python."""
    kinds = get_args(annotation) if is_union(annotation) else (annotation,)
    records = {_kind(each): _ObjectType(each) for each in kinds if dataclasses.is_dataclass(each)}
    if records:
        others = [type_of(each, _of_data) for each in kinds if not dataclasses.is_dataclass(each)]
        return EitherType((*others, _RecordType(records))) if others else _RecordType(records)
    if typing.is_typeddict(annotation):
        return _ObjectType(annotation)
    if get_origin(annotation) in (dict, Mapping):
        return _NamedValuesType(type_of(get_args(annotation)[1], _of_data))
    return _PLAIN.get(annotation) if isinstance(annotation, type) else None


_PLAIN: dict[Any, Type] = {
    str: _TextType(),
    bool: InstanceType(bool, "true or false"),
    types.NoneType: InstanceType(types.NoneType, "null"),
}


# Text

MOST_VALUES = 250_000
"""The most brackets and commas of a text: each may cost a hundred bytes when it is read."""

DEEPEST = 50
"""How many lists and objects may stand one within the other."""

MOST_DIGITS = 19
"""The most characters of a whole number; those of 64 bits have no more but their sign."""


def to_json(value: Any) -> str:
    """Return a value as text, the same for equal values; raise where it would not be read back.

    >>> to_json({"b": [1, 2.5], "a": None})
    '{"a":null,"b":[1,2.5]}'
    """
    text = json.dumps(value, allow_nan=False, sort_keys=True, separators=(",", ":"))
    if from_json(text.encode()) != value:
        raise ValueError("must be made of dict, list, str, int, float, bool and None alone")
    return text


def from_json(text: bytes) -> Any:
    """Return what a text holds, or raise ValueError with what is wrong with it.

    Refused are names that come twice, numbers that are not finite or too long for 64 bits, text
    that is no Unicode, and what is too long or too deep.

    >>> from_json(b'{"a": 1, "a": 2}')
    Traceback (most recent call last):
    ...
    ValueError: has the name 'a' twice
    """
    if sum(map(text.count, (b"[", b"{", b","))) > MOST_VALUES:
        raise ValueError(f"holds more than {MOST_VALUES:,} values")
    try:
        value = json.loads(
            text.decode(),
            object_pairs_hook=_object,
            parse_int=_whole,
            parse_float=_finite,
            parse_constant=_finite,
        )
        _check(value)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    except UnicodeError:
        raise ValueError("is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error}") from None
    return value


_TOO_DEEP = f"is nested more than {DEEPEST} deep"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"has the name {reprlib.repr(twice)} twice")
    return found


def _whole(digits: str) -> int:
    if len(digits.lstrip("-")) > MOST_DIGITS:
        raise ValueError(f"holds a whole number of {len(digits)} digits")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"holds a number that is not finite, {reprlib.repr(digits)}")
    return number


def _check(value: Any) -> None:
    """Go down level by level: a text that is no Unicode raises UnicodeError."""
    level = [value]
    for _ in range(DEEPEST):
        for each in level:
            if isinstance(each, str):
                each.encode()
        level = [inner for each in level for inner in _within(each)]
        if not level:
            return
    raise ValueError(_TOO_DEEP)


def _within(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return [*value, *value.values()]
    return value if isinstance(value, list) else ()
