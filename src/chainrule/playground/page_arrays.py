"""The arrays of a page's start: taken out of it, and written as a model file is, in base64."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.serialization import file_parts


def arrays_apart(start: dict[str, Any]) -> dict[str, Any]:
    """Return a start as JSON has it: its arrays under `arrays`, by their places, and null there.

    The arrays are those of a model file of the kind `page`, in base64. Numbers of six digits at
    most are kept in single precision, of which the page reads the same digits.

    >>> arrays_apart({"given": {"X": np.ones(2)}})["given"], arrays_apart({"state": {}})
    ({'X': None}, {'state': {}})
    """
    arrays = dict(_arrays("", start))
    if not arrays:
        return start
    text = base64.b64encode(b"".join(file_parts(arrays, {"kind": "page"}))).decode()
    return {**_without(start), "arrays": text}


def _arrays(path: str, part: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(part, np.ndarray):
        yield path.removeprefix("."), _brief(part)
    elif isinstance(part, dict | list):
        pairs = part.items() if isinstance(part, dict) else enumerate(part)
        for name, each in pairs:
            yield from _arrays(f"{path}.{name}", each)


def _brief(array: Any) -> Any:
    if array.dtype != np.float64:
        return array
    short = np.array([float(f"{x:.6g}") for x in array.tolist()])
    with np.errstate(over="ignore", under="ignore"):
        single = array.astype(np.float32)
    tiniest, greatest = np.finfo(np.float32).tiny, np.finfo(np.float32).max
    size = np.abs(array)
    normal = (array == 0) | ((size >= tiniest) & (size <= greatest))
    return single if np.array_equal(short, array) and normal.all() else array


def _without(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: _without(each) for name, each in part.items()}
    if isinstance(part, list):
        return [_without(each) for each in part]
    return None if isinstance(part, np.ndarray) else part
