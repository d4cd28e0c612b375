"""Frozen dataclasses as JSON values, and back: what comes back is checked, not trusted."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from chainrule.tables.encoders import CYCLES

T = TypeVar("T")


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _all(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: (
        isinstance(value, (list, tuple))
        and all(map(holds, value))
        and len({(type(part), part) for part in value}) == len(value)
    )


_HOLDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "str": ("text", lambda value: isinstance(value, str)),
    "bool": ("true or false", lambda value: isinstance(value, bool)),
    "float": ("a finite number", _is_number),
    "Positive": ("a finite number > 0", lambda value: _is_number(value) and value > 0),
    "str | None": ("text or null", lambda value: value is None or isinstance(value, str)),
    "tuple[str, ...]": ("different texts", _all(lambda part: isinstance(part, str))),
    "tuple[str, ...] | None": (
        "different texts or null",
        lambda value: value is None or _all(lambda part: isinstance(part, str))(value),
    ),
    "Quantiles": (
        "rising numbers between 0 and 1",
        lambda value: (
            isinstance(value, (list, tuple))
            and all(_is_number(q) and 0 < q < 1 for q in value)
            and all(low < high for low, high in itertools.pairwise(value))
        ),
    ),
    "Cycles": ("different cycles of dates", _all(lambda part: part in CYCLES)),
    "tuple[Label, ...]": (
        "different texts, whole numbers or Booleans",
        _all(lambda part: isinstance(part, (str, int))),
    ),
}
"""What a field of each type must be, in words and as a test."""


def to_data(thing: Any) -> dict[str, Any]:
    """Return a frozen dataclass as JSON values, with the name of its class as `kind`.

    >>> from chainrule.tables.targets import Quantity
    >>> to_data(Quantity("price", centre=100.0, scale=50.0))
    {'kind': 'Quantity', 'column': 'price', 'centre': 100.0, 'scale': 50.0, 'quantiles': []}
    """
    values = dataclasses.asdict(thing)
    return {"kind": type(thing).__name__} | {
        key: list(value) if isinstance(value, tuple) else value for key, value in values.items()
    }


def from_data(kinds: Mapping[str, type[T]], data: Any) -> T:
    """Return what `to_data` made of one of some classes.

    What has a default may be left out. Raises ValueError where it is not such data.

    >>> from chainrule.tables.targets import Quantity
    >>> from_data({"Quantity": Quantity}, {"kind": "Quantity", "column": "price", "centre": 1})
    Traceback (most recent call last):
    ...
    ValueError: Quantity must have the keys column, centre, scale, quantiles
    """
    if not isinstance(data, dict) or not isinstance(data.get("kind"), str):
        raise ValueError(f"the kind must be one of {', '.join(kinds)}")
    if data["kind"] not in kinds:
        raise ValueError(f"the kind must be one of {', '.join(kinds)}, got {data['kind']!r}")
    cls = kinds[data["kind"]]
    fields = {field.name: str(field.type) for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    given = {name: type_ for name, type_ in fields.items() if name in data}
    needed = {f.name for f in dataclasses.fields(cls) if f.default is dataclasses.MISSING}  # type: ignore[arg-type]
    if not needed <= set(given) or set(data) - {"kind", *fields}:
        raise ValueError(f"{data['kind']} must have the keys {', '.join(fields)}")
    for name, type_ in given.items():
        must, holds = _HOLDS[type_]
        if not holds(data[name]):
            raise ValueError(f"{name} of {data['kind']} must be {must}, got {data[name]!r:.60}")
    return cls(**{name: _frozen(type_, data[name]) for name, type_ in given.items()})


def _frozen(type_: str, value: Any) -> Any:
    if type_ in ("float", "Positive"):
        return float(value)
    return tuple(value) if isinstance(value, list) else value
