"""A file of arrays with what is known of them: written whole, read with mistrust.

Reading runs nothing that a file holds. What is cheap to check comes first, then the SHA-256 of all
its bytes, and only then is there room made for its arrays: a file that is damaged or made to do
harm takes little time and little memory.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.atomic_write import check_kind, write_whole
from chainrule.errors import FileContentError
from chainrule.regular_files import digest, open_regular
from chainrule.serialization.file_header import (
    DTYPES,
    NO_DIGEST,
    Span,
    check_length,
    make_header,
    read_header,
)
from chainrule.trees import Array

MOST = 16 * 2**30
"""The most bytes of a file."""


class ModelFileError(FileContentError):
    """A file that cannot be read as a model: it is damaged, of another kind, or no model file.

    Parameters
    ----------
    message
        What is wrong, in one line.
    """


def write_file(
    path: str | Path,
    arrays: Mapping[str, Array],
    about: dict[str, Any],
    *,
    replace: bool = True,
) -> None:
    """Write arrays and what `about` says of them, whole or not at all; equal content, equal bytes.

    `about` is data as JSON has it, and tells the `kind` of the file. Raises OSError where the file
    cannot be written, FileExistsError where one is there and is not to be replaced, TypeError and
    ValueError for what a file cannot hold: arrays other than float32, float64 and int64, values
    that are not finite, data that is not JSON's.

    >>> write_file("sketch.model", {"w": [0.5, np.nan]}, {"kind": "sketch"})
    Traceback (most recent call last):
    ...
    ValueError: sketch.model: its array 'w' must be finite
    """
    try:
        parts = file_parts(arrays, about)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    write_whole(Path(path), parts, replace=replace)


def file_parts(arrays: Mapping[str, Array], about: dict[str, Any]) -> list[bytes | memoryview]:
    """Return what `write_file` writes, in parts: the head, and the bytes of each array.

    >>> len(file_parts({"w": np.zeros(3)}, {"kind": "sketch"})[1])
    24
    """
    ready, body, blank = _parts(arrays, about)
    sha = hashlib.sha256(blank)
    for part in body:
        sha.update(part)
    return [make_header(ready, about, sha.hexdigest()), *body]


def begins_as_model(head: bytes) -> bool:
    """Whether a file that begins with some bytes may be a model file.

    >>> begins_as_model(b"size,price"), begins_as_model(bytes([9, 1, 0, 0, 0, 0, 0, 0]) + b"{")
    (False, True)
    """
    return head[6:9] == b"\0\0{"


def check_model_replaceable(path: str | Path, *, force: bool) -> None:
    """Refuse to replace what is no model file by one, unless it is forced.

    >>> check_model_replaceable("missing.model", force=False)
    """
    check_kind(path, "a model file", begins_as_model, force=force)


def check_writable(arrays: Mapping[str, Array], about: dict[str, Any]) -> None:
    """Raise TypeError or ValueError where no file could hold arrays and what is said of them.

    >>> check_writable({"w": [1j]}, {"kind": "sketch"})
    Traceback (most recent call last):
    ...
    ValueError: its array 'w' must be of float64, int64, float32, got complex128
    """
    _parts(arrays, about)


def _parts(
    arrays: Mapping[str, Array], about: dict[str, Any]
) -> tuple[dict[str, NDArray[Any]], list[memoryview], bytes]:
    """Return the arrays of a file in their order, their bytes, and the head without a digest."""
    prepared = {name: _prepared(name, array) for name, array in arrays.items()}
    ready = dict(sorted(prepared.items(), key=lambda item: (-item[1].itemsize, item[0])))
    body = [raw_bytes(array) for array in ready.values()]
    blank = make_header(ready, about, NO_DIGEST)
    check_length(len(blank) - 8)
    read_header(blank[8:], sum(map(len, body)))
    if (size := len(blank) + sum(map(len, body))) > MOST:
        raise ValueError(f"must have at most {MOST:,} bytes, got {size:,}")
    return ready, body, blank


def raw_bytes(array: NDArray[Any]) -> memoryview:
    """Return the bytes of a contiguous array, where they lie.

    >>> bytes(raw_bytes(np.array([1, 256], "<i2")))
    b'\\x01\\x00\\x00\\x01'
    """
    return array.reshape(-1).view(np.uint8).data


def _prepared(name: str, given: Array) -> NDArray[Any]:
    """Return an array as it lies in a file."""
    if name == "__metadata__":
        raise ValueError("no array can be called '__metadata__'")
    array = np.asarray(given, order="C")
    dtype = array.dtype.newbyteorder("<")
    if dtype not in DTYPES.values():
        known = ", ".join(str(np.dtype(each.newbyteorder("="))) for each in DTYPES.values())
        raise ValueError(f"its array {name!r} must be of {known}, got {array.dtype}")
    _check_finite(name, array)
    return array.astype(dtype, copy=False)


def read_file(path: str | Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return the arrays of a file and what it says of them, with its `format` and `library`.

    Raises OSError where the file cannot be opened, and ModelFileError, with the reason, where it is
    anything but what `write_file` wrote.

    >>> read_file("/dev/zero")
    Traceback (most recent call last):
    ...
    chainrule.serialization.model_file.ModelFileError: /dev/zero: is not a regular file but ...
    """
    try:
        file = open_regular(path, MOST)
    except ValueError as error:
        raise ModelFileError(str(error)) from None
    try:
        with file:
            return _read(file)
    except ValueError as error:
        raise ModelFileError(f"{path}: {error}") from None


def _read(file: BufferedReader) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    size = os.fstat(file.fileno()).st_size
    length = file.read(8)
    if len(length) < 8:
        raise ValueError(f"is truncated: it must have at least 8 bytes, got {size}")
    if any(length[6:]):  # a length that no file has: text begins so
        raise ValueError("is no model file: it does not begin as one does")
    begin = 8 + int.from_bytes(length, "little")
    check_length(begin - 8)
    text = file.read(begin - 8)
    if len(text) < begin - 8:
        raise ValueError(f"is truncated: its header ends at byte {begin:,}, the file at {size:,}")
    header = read_header(text, size - begin)
    blank = hashlib.sha256(length + text.replace(header.digest.encode(), NO_DIGEST.encode()))
    digest(file, size - begin, blank)
    if blank.hexdigest() != header.digest:
        raise ValueError("is damaged: its SHA-256 is not the one that it was written with")
    file.seek(begin)
    return {span.name: _array(file, span) for span in header.spans}, header.about


def _array(file: BufferedReader, span: Span) -> NDArray[Any]:
    array = np.empty(span.shape, span.dtype)
    if file.readinto(raw_bytes(array)) != array.nbytes:
        raise ValueError("is truncated: it became shorter while it was read")
    _check_finite(span.name, array)
    return array.astype(span.dtype.newbyteorder("="), copy=False)


def _check_finite(name: str, array: NDArray[Any]) -> None:
    """Raise for NaN, which the lowest value then is too, or for an infinity; without a copy."""
    if array.size and not np.isfinite([array.min(), array.max()]).all():
        raise ValueError(f"its array {name!r} must be finite")
