"""Frozen dataclasses as JSON values; `schema.read` reads them back."""

from __future__ import annotations

import dataclasses
from typing import Any


def to_data(thing: Any) -> dict[str, Any]:
    """Return a frozen dataclass as JSON values, with the name of its class as `kind`.

    >>> from chainrule.tabular.encoding.target_encoding import Quantity
    >>> to_data(Quantity("price", centre=100.0, scale=50.0))
    {'kind': 'Quantity', 'column': 'price', 'centre': 100.0, 'scale': 50.0, 'quantiles': []}
    """
    values = dataclasses.asdict(thing)
    return {"kind": type(thing).__name__} | {
        key: list(value) if isinstance(value, tuple) else value for key, value in values.items()
    }
