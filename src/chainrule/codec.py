"""Data of JSON read by the types that records declare: each value is what it must be, or refused.

A type is what annotations say: `str`, `int`, `float`, `bool`, `None`, `Literal`, `list`, `tuple`,
`dict`, a TypedDict, or a dataclass, whose data have the name of the class as `kind`. `Annotated`
adds what else a value must be. What is refused is named by its place: `decisions[3].role`.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import reprlib
import types
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

LONGEST = 100_000
"""The most characters of a text: what is said of a model is wrapped, and compared, and printed."""


class Must(NamedTuple):
    """What a value must be beside its type, in words and as a test.

    >>> read(0.5, Annotated[float, Must("a number > 1", lambda x: x > 1)], "scale")
    Traceback (most recent call last):
    ...
    ValueError: scale must be a number > 1, got 0.5
    """

    words: str
    holds: Callable[[Any], bool]


class Makes(NamedTuple):
    """A function that takes a value, and raises TypeError or ValueError for what it cannot take.

    >>> read("2,5", Annotated[str, Makes(float)], "scale")
    Traceback (most recent call last):
    ...
    ValueError: scale: could not convert string to float: '2,5'
    """

    make: Callable[[Any], Any]


Count = Annotated[int, Must("a whole number >= 0", lambda n: n >= 0)]
Positive = Annotated[float, Must("a finite number > 0", lambda x: x > 0)]
Share = Annotated[float, Must("a number from 0 to 1", lambda x: 0 <= x <= 1)]


def all_differ(values: Any) -> bool:
    """Whether no two of some values are the same; true is not 1.

    >>> all_differ([True, 1]), all_differ(["a", "a"])
    (True, False)
    """
    return len({(type(each), each) for each in values}) == len(values)


Different = Must("different values", all_differ)


def read(value: Any, kind: Any, place: str) -> Any:
    """Return what a value of JSON stands for by its type: lists as tuples, objects as dataclasses.

    Raises ValueError, with the place, for what is not of that type, for keys that are missing, and
    for those that nothing knows.

    >>> read([1, 2.5], tuple[float, ...], "weights"), read({"a": None}, dict[str, int | None], "of")
    ((1.0, 2.5), {'a': None})
    >>> read({"a": ["x", 3]}, dict[str, list[str]], "orders")
    Traceback (most recent call last):
    ...
    ValueError: orders.a[1] must be a text, got 3
    """
    bare, more = (kind.__origin__, kind.__metadata__) if _is_annotated(kind) else (kind, ())
    words = next((each.words for each in more if isinstance(each, Must)), _words(bare))
    made = _read(value, bare, place, words)
    for each in more:
        if isinstance(each, Makes):
            _take(each.make, made, place)
        elif not each.holds(made):
            raise _refusal(place, words, value)
    return made


def inner(place: str, key: str) -> str:
    """Return the place of a value in an object.

    >>> inner("forms", "size"), inner("forms", "a b")
    ('forms.size', "forms['a b']")
    """
    return f"{place}.{key}".lstrip(".") if key.isidentifier() else f"{place}[{reprlib.repr(key)}]"


def _is_annotated(kind: Any) -> bool:
    return get_origin(kind) is Annotated


def _refusal(place: str, words: str, value: Any) -> ValueError:
    return ValueError(f"{place or 'it'} must be {words}, got {reprlib.repr(value)}")


def _take(make: Callable[[Any], Any], value: Any, place: str) -> Any:
    try:
        return make(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{place}: {error}") from None


_SCALARS: dict[Any, tuple[str, tuple[type, ...]]] = {
    str: (f"a text of at most {LONGEST:,} characters", (str,)),
    int: ("a whole number", (int,)),
    float: ("a finite number", (int, float)),
    bool: ("true or false", (bool,)),
    types.NoneType: ("null", (types.NoneType,)),
}
"""What is no list and no object: in words, and the exact types of Python that it may have."""


def _words(kind: Any) -> str:
    """Return what a type is, in words."""
    if _is_annotated(kind):
        return next((each.words for each in kind.__metadata__ if isinstance(each, Must)), "")
    if kind is str:
        return "a text"
    if kind in _SCALARS:
        return _SCALARS[kind][0]
    if get_origin(kind) is Literal:
        return f"one of {', '.join(map(repr, get_args(kind)))}"
    if _is_union(kind):
        return " or ".join(dict.fromkeys(map(_words, get_args(kind))))
    return "a list" if get_origin(kind) in (list, tuple) else "an object"


def _is_union(kind: Any) -> bool:
    return get_origin(kind) in (typing.Union, types.UnionType)


def _read(value: Any, kind: Any, place: str, words: str) -> Any:
    origin = get_origin(kind)
    if kind is Any:
        return value
    if kind in _SCALARS:
        return _scalar(value, kind, place, words)
    if _is_union(kind):
        return _one_of(get_args(kind), value, place, words)
    if not _may_be(kind, value):
        raise _refusal(place, words, value)
    if origin is Literal:
        return value
    inside: Callable[[Any, Any, str], Any] = _INSIDE.get(origin, _fields)
    return inside(value, kind, place)


def _items(value: list[Any] | tuple[Any, ...], kind: Any, place: str) -> Any:
    of = get_args(kind)[0]
    return get_origin(kind)(read(each, of, f"{place}[{k}]") for k, each in enumerate(value))


def _values(value: dict[str, Any], kind: Any, place: str) -> dict[str, Any]:
    of = get_args(kind)[1]
    return {name: read(each, of, inner(place, name)) for name, each in value.items()}


_INSIDE: dict[Any, Callable[[Any, Any, str], Any]] = {
    **dict.fromkeys((list, tuple), _items),
    **dict.fromkeys((dict, Mapping), _values),
}
"""What reads what stands within a list or an object; records declare their fields."""


def _scalar(value: Any, kind: Any, place: str, words: str) -> Any:
    if type(value) not in _SCALARS[kind][1]:
        raise _refusal(place, words, value)
    if kind is str and len(value) > LONGEST:
        raise _refusal(place, _SCALARS[str][0], value)
    if kind is float and not math.isfinite(value):
        raise _refusal(place, words, value)
    return float(value) if kind is float else value


def _is_record(kind: Any) -> bool:
    return dataclasses.is_dataclass(kind)


def _one_of(kinds: tuple[Any, ...], value: Any, place: str, words: str) -> Any:
    """Return a value by the one of some types that its own type, or its `kind`, says."""
    records = {getattr(kind, "__name__", ""): kind for kind in kinds if _is_record(kind)}
    if records and isinstance(value, dict):
        name = value.get("kind")
        if not isinstance(name, str) or name not in records:
            known = ", ".join(records)
            raise ValueError(
                f"{inner(place, 'kind')} must be one of {known}, got {reprlib.repr(name)}"
            )
        return read(value, records[name], place)
    for kind in kinds:
        if _may_be(kind, value):
            return read(value, kind, place)
    raise _refusal(place, words, value)


def _may_be(kind: Any, value: Any) -> bool:
    """Whether a value is of a type, as far as one sees without looking into it."""
    bare = kind.__origin__ if _is_annotated(kind) else kind
    if bare in _SCALARS:
        return type(value) in _SCALARS[bare][1]
    if get_origin(bare) is Literal:
        return any(type(value) is type(each) and value == each for each in get_args(bare))
    return isinstance(value, list | tuple if get_origin(bare) in (list, tuple) else dict)


@functools.cache
def _declared(kind: Any) -> tuple[dict[str, Any], frozenset[str]]:
    """Return the types of a record's fields, and which of them must be there."""
    hints = typing.get_type_hints(kind, include_extras=True)
    if typing.is_typeddict(kind):
        return hints, kind.__required_keys__
    fields = dataclasses.fields(kind)
    missing = dataclasses.MISSING
    needed = (f.name for f in fields if f.default is missing and f.default_factory is missing)
    return {field.name: hints[field.name] for field in fields}, frozenset(needed)


def _fields(value: dict[str, Any], kind: Any, place: str) -> Any:
    """Return a record of a type that declares its fields."""
    known, needed = _declared(kind)
    is_dict = typing.is_typeddict(kind)
    given = value if is_dict else {name: v for name, v in value.items() if name != "kind"}
    missing = sorted(needed - set(given))
    unknown = sorted(set(given) - set(known))
    if missing or unknown:
        wrong = (
            f"the key {missing[0]!r} is missing"
            if missing
            else f"the key {reprlib.repr(unknown[0])} is not known"
        )
        raise ValueError(f"{place or 'it'} must have the keys {', '.join(known)}: {wrong}")
    made = {name: read(each, known[name], inner(place, name)) for name, each in given.items()}
    return made if is_dict else _take(lambda fields: kind(**fields), made, place)
