"""Tables made at random, written in every format, and files changed at random.

The same seed makes the same table, and the same change of a file.
"""

from __future__ import annotations

import bz2
import datetime
import gzip
import io
import json
import lzma
import random
import zipfile

import numpy as np
import polars as pl
import xlsxwriter

BIG = (2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 10**19, 10**20, 10**30)
ODD = ("", " ", "NA", "null", "-", "?", "nan", "inf", "#N/A", '"', "'", ",", ";", "\n", "\t", "\r")
ODD += ("a\nb", 'a"b', "\x1b[31m", "\ufeff", "\0", "é", "日本", "🙂", "\u202e", "=1+1", "x" * 300)
NAMES = ("x", "Y", "id", "count", "value", "shape", "prediction", "probability_1", "row", "date")
NAMES += ("a,b", 'q"', "a\nb", "\x1b[2J", "é", "🙂", "n" * 200, "1", "1.5", "nan", "", " ")


def _moment(draw: random.Random) -> datetime.datetime:
    return datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=draw.randrange(2**31))


def _zoned(draw: random.Random) -> str:
    zone = draw.choice(("Z", "+02:00", "-05:30", "+0530", "+25:00", " UTC", ""))
    return _moment(draw).isoformat() + zone


KINDS = {
    "small": lambda draw: draw.randrange(4),
    "whole": lambda draw: draw.randrange(-1000, 1000),
    "big": lambda draw: draw.choice(BIG) * draw.choice((1, -1)),
    "class of big": lambda draw: draw.choice(BIG[-4:-1]),
    "number": lambda draw: round(draw.gauss(0, 100), 3),
    "extreme": lambda draw: draw.choice((1e308, -1e308, 5e-324, 0.0, -0.0, 1e38, 1.0, 1e-300)),
    "not finite": lambda draw: draw.choice((float("nan"), float("inf"), float("-inf"), 1.5, 2.5)),
    "flag": lambda draw: draw.random() < 0.5,
    "word": lambda draw: draw.choice(("red", "green", "blue")),
    "odd": lambda draw: draw.choice(ODD),
    "text": lambda draw: "".join(chr(draw.randrange(1, 0x2FF)) for _ in range(draw.randrange(9))),
    "figure": lambda draw: draw.choice(("1,5", "1.417,77", "€ 3", "12%", "1 000", "-", "5e400")),
    "padded": lambda draw: f"{draw.randrange(200):04}",
    "day": lambda draw: _moment(draw).date(),
    "moment": _moment,
    "written day": lambda draw: _moment(draw).strftime(draw.choice(("%d.%m.%Y", "%m/%d/%y"))),
    "far day": lambda draw: draw.choice(("9999-12-31", "0001-01-01", "10000-01-01", "2024-02-30")),
    "zoned": _zoned,
    "clock": lambda draw: _moment(draw).time(),
    "empty": lambda draw: None,
    "same": lambda draw: 7,
    "mixed": lambda draw: KINDS[draw.choice(("small", "number", "word", "odd", "flag"))](draw),
}
"""The kinds of column, with what draws a value."""


class Table:
    """Names and columns of Python values."""

    def __init__(self, names, columns):
        self.names, self.columns = names, columns

    @property
    def rows(self):
        return list(zip(*self.columns, strict=True))

    def text(self):
        """Each value as a text has it; nothing for None."""
        return [["" if x is None else str(x) for x in row] for row in self.rows]


def table(draw: random.Random) -> Table:
    """A table with a target, which is a column `y`, mostly one to be learnt."""
    height, width = draw.choice((1, 2, 5, 12, 30, 60)), draw.choice((0, 1, 2, 3, 5))
    names = [draw.choice(NAMES) if draw.random() < 0.6 else f"c{k}" for k in range(width)]
    if draw.random() < 0.9:
        names = list(dict.fromkeys(names))
    names.insert(draw.randrange(len(names) + 1), "y")
    return Table(names, [_column(name, height, draw) for name in names])


def _column(name: str, height: int, draw: random.Random) -> list:
    kinds = list(KINDS) if draw.random() < 0.5 else ["small", "number", "word"]
    lost = draw.choice((0, 0, 0.2, 0.9))
    if name == "y" and draw.random() < 0.7:
        kinds, lost = ["number", "word", "small", "class of big"], 0
    value = KINDS[draw.choice(kinds)]
    return [None if draw.random() < lost else value(draw) for _ in range(height)]


def options(draw: random.Random, made: Table) -> dict:
    """What may be asked of a training with a table, none of it against the rest."""
    asked = {}
    if draw.random() < 0.3:
        asked["task"] = draw.choice(("classification", "regression"))
    for name in ("numbers", "categories", "dates", "leave_out", "weight"):
        if draw.random() < 0.08:
            column = draw.choice(made.names)
            asked[name] = column if name == "weight" else (column,)
    if draw.random() < 0.12:
        asked[draw.choice(("groups", "time"))] = draw.choice(made.names)
    if draw.random() < 0.1:
        asked["missing"] = draw.choice((("NA",), ("-999", "7"), ()))
    if draw.random() < 0.05:
        asked["decimal"] = ","
    if draw.random() < 0.2:
        asked["memory"] = 1000
    if draw.random() < 0.2:
        asked["number_duplicates"] = True
    return asked


# Files


def _delimited(made: Table, draw: random.Random) -> bytes:
    delimiter, end = draw.choice(",,,;\t|"), draw.choice(("\n", "\n", "\r\n", "\r"))
    quoted = draw.random() < 0.8

    def field(text):
        if quoted and any(each in text for each in f'{delimiter}"\r\n'):
            return '"' + text.replace('"', '""') + '"'
        return text

    lines = [delimiter.join(map(field, row)) for row in (made.names, *made.text())]
    encoding = draw.choice(("utf-8",) * 4 + ("utf-8-sig", "utf-16", "latin-1"))
    return (end.join(lines) + draw.choice((end, ""))).encode(encoding, "replace")


def _zipped(data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("table.csv", data)
    return file.getvalue()


def frame(made: Table) -> pl.DataFrame:
    """The table as polars has it: a column of several types is text, a name comes once."""
    names = [f"{name}{k}" if name in made.names[:k] else name for k, name in enumerate(made.names)]
    series = []
    for name, values in zip(names, made.columns, strict=True):
        try:
            series.append(pl.Series(name, values, strict=True))
        except (TypeError, OverflowError, pl.exceptions.PolarsError):
            texts = [None if value is None else str(value) for value in values]
            series.append(pl.Series(name, texts, dtype=pl.String))
    return pl.DataFrame(series)


def _written(method: str, **choices):
    def write(made: Table, draw: random.Random) -> bytes:
        file = io.BytesIO()
        chosen = {name: draw.choice(some) for name, some in choices.items()}
        getattr(frame(made), method)(file, **chosen)
        return file.getvalue()

    return write


def _workbook(made: Table, draw: random.Random) -> bytes:
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, BOOK)
    sheet = book.add_worksheet()
    for line, row in enumerate((made.names, *made.rows)):
        for place, value in enumerate(row):
            great = isinstance(value, int) and abs(value) > 2**53
            if value is not None:
                sheet.write(line, place, str(value) if great else value)
    book.close()
    return file.getvalue()


def _json(made: Table, draw: random.Random) -> bytes:
    records = [dict(zip(made.names, row, strict=True)) for row in made.rows]
    if draw.random() < 0.5:
        return json.dumps(records, default=str).encode()
    return "\n".join(json.dumps(each, default=str) for each in records).encode()


def _array(values: list) -> np.ndarray:
    try:
        return np.array(values)
    except (ValueError, OverflowError):
        return np.array(list(map(str, values)))


def _npz(made: Table, draw: random.Random) -> bytes:
    file = io.BytesIO()
    names = [name.replace("/", "_").replace("\0", "")[:50] or "_" for name in made.names]
    np.savez(file, **dict(zip(names, map(_array, made.columns), strict=True)))
    return file.getvalue()


def _idx(made: Table, draw: random.Random) -> bytes:
    code = draw.choice(list(IDX))
    height = len(made.columns[0])
    data = np.array([draw.randrange(100) for _ in range(height * 4)]).astype(IDX[code])
    sizes = np.array([height, 2, 2], ">u4").tobytes()
    return bytes([0, 0, code, 3]) + sizes + data.tobytes()


IDX = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
BOOK = {"in_memory": True, "default_date_format": "yyyy-mm-dd", "nan_inf_to_errors": True}
PARQUET = {"compression": ("zstd", "snappy", "uncompressed"), "row_group_size": (3, 100)}
ARROW = {"compression": ("uncompressed", "lz4", "zstd")}
FORMATS = {
    "csv": _delimited,
    "tsv": _delimited,
    "csv.gz": lambda made, draw: gzip.compress(_delimited(made, draw)),
    "csv.bz2": lambda made, draw: bz2.compress(_delimited(made, draw)),
    "csv.xz": lambda made, draw: lzma.compress(_delimited(made, draw)),
    "csv.zip": lambda made, draw: _zipped(_delimited(made, draw)),
    "parquet": _written("write_parquet", **PARQUET),
    "arrow": _written("write_ipc", **ARROW),
    "jsonl": _json,
    "json": _json,
    "xlsx": _workbook,
    "npz": _npz,
    "idx": _idx,
}
"""What writes a table, by the ending of the file."""


# Changes of files


def _flipped(data: bytes, draw: random.Random) -> bytes:
    data = bytearray(data)
    for _ in range(draw.choice((1, 1, 3, 20))):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    return bytes(data)


def _set(data, draw):
    data = bytearray(data)
    for _ in range(draw.choice((1, 4))):
        data[draw.randrange(len(data))] = draw.choice((0, 255, 127, 128, 10, 34, 44))
    return bytes(data)


def _part(data, draw):
    start, end = sorted(draw.randrange(len(data) + 1) for _ in range(2))
    return start, min(end, start + draw.choice((1, 4, 16, 1000)))


def _removed(data, draw):
    start, end = _part(data, draw)
    return data[:start] + data[end:]


def _doubled(data, draw):
    start, end = _part(data, draw)
    return data[:end] + data[start:end] * draw.choice((1, 2, 5)) + data[end:]


def _swapped(data, draw):
    start, end = _part(data, draw)
    at = draw.randrange(len(data) + 1)
    return data[:at] + data[start:end] + data[at + end - start :]


CHANGES = (
    _flipped, _flipped, _set, _removed, _doubled, _swapped,
    lambda data, draw: data[: draw.randrange(len(data))],
    lambda data, draw: data + draw.randbytes(draw.choice((1, 10, 100))),
    lambda data, draw: draw.randbytes(draw.choice((1, 10, 100))) + data,
    lambda data, draw: data[: draw.randrange(9)],
)  # fmt: skip


def changed(data: bytes, draw: random.Random) -> bytes:
    """The bytes of a file with one change."""
    return draw.choice(CHANGES)(data, draw) if data else data
