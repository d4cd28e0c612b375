"""The head of a model file, to the byte.

A model file is a safetensors file, which other programs read too:

    8 bytes     the length of the header, little-endian
    header      JSON: for each array its dtype, shape and place; under `__metadata__` two texts,
                `chainrule`, JSON that says what the file holds, and `sha256`; spaces at its end
    the rest    the arrays, little-endian, each row after row, one after the other without a gap

The SHA-256 is that of the whole file with 64 times `0` where it stands itself.
"""

from __future__ import annotations

import json
import math
import re
import reprlib
from collections.abc import Mapping
from importlib import metadata
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.codec import from_json, to_json

FORMAT = 1
"""The version of what stands in `chainrule`; a library reads its own and those before."""

LIBRARY = metadata.version("chainrule")

DTYPES = {name: np.dtype(code) for name, code in {"F64": "<f8", "I64": "<i8", "F32": "<f4"}.items()}
NAMES = {dtype: name for name, dtype in DTYPES.items()}

MOST_BYTES = 4 << 20
"""The most bytes of a header."""

MOST_AXES = 32
LONGEST_NAME = 100
NO_DIGEST = "0" * 64


class Span(NamedTuple):
    """An array of a file: its name, form, and the place where its bytes end."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    end: int


class Header(NamedTuple):
    """What a header says: what the file holds, its arrays in their order, its digest."""

    about: dict[str, Any]
    spans: list[Span]
    digest: str


def make_header(arrays: Mapping[str, NDArray[Any]], about: dict[str, Any], digest: str) -> bytes:
    """Return the head of a file, its length included, for arrays of the known dtypes.

    >>> head = make_header({"w": np.zeros(2, "<f4")}, {"kind": "sketch"}, NO_DIGEST)
    >>> len(head) % 8, read_header(head[8:], 8).spans
    (0, [Span(name='w', dtype=dtype('float32'), shape=(2,), end=8)])
    """
    told = to_json({**about, "format": FORMAT, "library": LIBRARY})
    entries: dict[str, Any] = {"__metadata__": {"chainrule": told, "sha256": digest}}
    end = 0
    for name, array in arrays.items():
        begin, end = end, end + array.nbytes
        entries[name] = {
            "dtype": NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [begin, end],
        }
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def check_length(length: int) -> None:
    """Raise where a header is too long to be read.

    >>> check_length(2**40)
    Traceback (most recent call last):
    ...
    ValueError: its header must have at most 4,194,304 bytes, got 1,099,511,627,776
    """
    if length > MOST_BYTES:
        raise ValueError(f"its header must have at most {MOST_BYTES:,} bytes, got {length:,}")


def read_header(text: bytes, room: int) -> Header:
    """Return what a header says, without its length, of a file with so many bytes behind it.

    Raises ValueError for all that `make_header` does not write.
    """
    if not text.startswith(b"{"):
        raise ValueError(f"its header must begin with '{{', got {reprlib.repr(text[:8])}")
    try:
        entries = from_json(text)
    except ValueError as error:
        raise ValueError(f"its header {error}") from None
    told, digest = _metadata(entries.pop("__metadata__", None))
    about = _about(told)
    spans: list[Span] = []
    end = 0
    for name, entry in entries.items():
        try:
            span = _span(name, entry, end)
        except ValueError as error:
            raise ValueError(f"its array {reprlib.repr(name)} {error}") from None
        spans.append(span)
        end = span.end
    if end != room:
        wrong = "is truncated" if end > room else "has bytes behind its arrays"
        raise ValueError(f"{wrong}: they take {end:,} bytes, got {room:,}")
    return Header(about, spans, digest)


def _metadata(given: Any) -> tuple[str, str]:
    if not isinstance(given, dict) or set(given) != {"chainrule", "sha256"}:
        raise ValueError(
            "is not a file of Chainrule: its metadata must be 'chainrule' and 'sha256'"
        )
    told, digest = given["chainrule"], given["sha256"]
    if not isinstance(told, str) or not isinstance(digest, str):
        raise ValueError("its metadata must be texts")
    if not re.fullmatch("[0-9a-f]{64}", digest):
        raise ValueError(f"its sha256 must be 64 digits of 0-9a-f, got {reprlib.repr(digest)}")
    return told, digest


def _about(told: str) -> dict[str, Any]:
    try:
        about = from_json(told.encode())
    except ValueError as error:
        raise ValueError(f"its metadata 'chainrule' {error}") from None
    if not isinstance(about, dict):
        raise ValueError("its metadata 'chainrule' must be an object")
    library, version = about.get("library"), about.get("format")
    if not _is_name(library) or type(version) is not int or version < 1:
        raise ValueError("its metadata must tell the format and the library that wrote it")
    if version > FORMAT:
        raise ValueError(
            f"is of format {version}, and Chainrule {LIBRARY} reads up to format {FORMAT}; "
            f"install Chainrule {reprlib.repr(library)[1:-1]}, which wrote it, or a newer one"
        )
    if not _is_name(about.get("kind")):
        raise ValueError("its metadata must tell its kind")
    return about


def _is_name(given: Any) -> bool:
    return isinstance(given, str) and len(given) <= LONGEST_NAME


def _span(name: str, entry: Any, begin: int) -> Span:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise ValueError("must have dtype, shape and data_offsets, and no more")
    dtype, shape, place = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise ValueError(f"must be of {', '.join(DTYPES)}, got dtype {reprlib.repr(dtype)}")
    if not _are_wholes(shape) or len(shape) > MOST_AXES:
        raise ValueError(
            f"must have a shape of at most {MOST_AXES} whole numbers >= 0, "
            f"got {reprlib.repr(shape)}"
        )
    end = begin + math.prod(shape) * DTYPES[dtype].itemsize
    if not _are_wholes(place) or place != [begin, end]:
        raise ValueError(
            f"must lie at [{begin}, {end}] by its shape and the arrays before it, "
            f"got {reprlib.repr(place)}"
        )
    return Span(name, DTYPES[dtype], tuple(shape), end)


def _are_wholes(given: Any) -> bool:
    return isinstance(given, list) and all(type(n) is int and n >= 0 for n in given)
