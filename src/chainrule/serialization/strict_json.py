"""JSON that says one thing and takes little room: what a file from anywhere may hold."""

from __future__ import annotations

import json
import math
import reprlib
from collections import Counter
from collections.abc import Iterable
from typing import Any

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
