"""Records of JSON, a line each or in a list, as tables in memory."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import polars as pl

from chainrule.regular_files import PIECE
from chainrule.tabular.files.compression import opened
from chainrule.tabular.files.data_frames import FileInMemory, check_size
from chainrule.tabular.files.decode_errors import decoding
from chainrule.tabular.formats.column_values import shown
from chainrule.tabular.read_options import Reading
from chainrule.tabular.table_error import TableError

_BEGIN = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:\{\s*\"|\[\s*\{)")


def begins_as_records(head: bytes) -> bool:
    """Whether a file begins as records of JSON do.

    >>> begins_as_records(b'[ {"height": 3.5}]'), begins_as_records(b"{height},age")
    (True, False)
    """
    return _BEGIN.match(head) is not None


def records(name: str, path: Path, reading: Reading) -> FileInMemory:
    """Return a file of JSON lines, or a list of records in JSON, as a source.

    >>> path = getfixture("tmp_path") / "trees.jsonl"
    >>> _ = path.write_text('{"height": 3.5}' + chr(10) + '{"height": 2}')
    >>> records("trees.jsonl", path, Reading()).whole()["height"].to_list()
    [3.5, 2.0]
    """
    check_size(name, path.stat().st_size)
    text = _text_of(name, path, reading.encoding)
    read = pl.read_json if text.startswith("[") else pl.read_ndjson
    try:
        with decoding(f"{name}: cannot be read as records of JSON"):
            frame = read(io.BytesIO(text.encode()), infer_schema_length=None)
    except TableError:
        _check_flat(name, text)
        raise
    for column, kind in frame.schema.items():
        if kind.is_nested():
            raise _nested(name, column)
    return FileInMemory(name, path, frame)


def _text_of(name: str, path: Path, encoding: str) -> str:
    with decoding(f"{name}: cannot be read"), opened(path) as file:
        found = bytearray()
        while piece := file.read(PIECE):  # room for all that there may be is not asked for
            found += piece
            check_size(name, len(found))
        return found.decode(encoding).lstrip("\ufeff \t\r\n")


def _check_flat(name: str, text: str) -> None:
    """Raise TableError for the first field that holds more than one value, if there is one."""
    try:
        lines = [text] if text.startswith("[") else text.splitlines()
        found: list[Any] = [json.loads(line) for line in lines if line.strip()]
        for record in found[0] if text.startswith("[") else found:
            for column, value in record.items() if isinstance(record, dict) else ():
                if isinstance(value, list | dict):
                    raise _nested(name, column)
    except (json.JSONDecodeError, RecursionError):
        return


def _nested(name: str, column: str) -> TableError:
    must = "a field of a table must hold one value; write them as columns of their own"
    return TableError(f"{name}: column {shown(column)} holds lists or records; {must}")
