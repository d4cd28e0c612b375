"""Workbooks of Excel and OpenDocument: one of their sheets as a table in memory."""

from __future__ import annotations

import logging
import zipfile
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

import polars as pl

from chainrule.errors import unknown_name
from chainrule.extras import MissingLibraryError, library
from chainrule.tabular.files.compression import check_archive
from chainrule.tabular.files.data_frames import FileInMemory, check_size
from chainrule.tabular.files.decode_errors import decoding
from chainrule.tabular.files.heading import ROWS, heading
from chainrule.tabular.files.workbook_extents import check_extents
from chainrule.tabular.formats.column_values import shown
from chainrule.tabular.read_options import Reading
from chainrule.tabular.table_error import TableError

UNREADABLE = "cannot be read as a workbook"


def workbook(name: str, path: Path, reading: Reading) -> FileInMemory:
    """Return a sheet of an Excel or OpenDocument workbook as a source.

    What stands above the header is told as in a text. Raises TableError where fastexcel is not
    installed, and where several sheets hold data and none is named.
    """
    try:
        fastexcel = library("fastexcel", f"{name}: is a workbook of Excel or its kin; reading it")
    except MissingLibraryError as error:
        raise TableError(str(error)) from None
    check_size(name, path.stat().st_size)
    logging.getLogger("fastexcel").addHandler(logging.NullHandler())
    with decoding(f"{name}: {UNREADABLE}", fastexcel.FastExcelError, ExpatError):
        if zipfile.is_zipfile(path):
            check_archive(path)
            check_extents(path)
        book = fastexcel.read_excel(path.read_bytes())
    sheet = _chosen(name, book, reading.sheet)
    frame, notes = _table(name, book, sheet, reading)
    made = FileInMemory(name, path, frame, notes)
    made.typed = False
    return made


def _chosen(name: str, book: Any, sheet: str | None) -> str:
    """Return the name of the sheet that is asked for, or of the only one that holds data."""
    names: list[str] = book.sheet_names
    if sheet is not None:
        if sheet not in names and sheet.isdecimal() and 0 < int(sheet) <= len(names):
            return names[int(sheet) - 1]
        if sheet not in names:
            raise TableError(f"{name}: {unknown_name('sheet', sheet, names)}")
        return sheet
    filled = [each for each in names if any(_fields(name, book, each, 2))]
    if len(filled) != 1:
        which = f"{len(filled)} sheets hold data: {', '.join(map(shown, filled))}"
        raise TableError(f"{name}: {f'{which}; name one by `sheet=`' if filled else 'has no rows'}")
    return filled[0]


def _loaded(name: str, book: Any, sheet: str, **options: Any) -> pl.DataFrame:
    """Return a sheet without a header."""
    from fastexcel import FastExcelError

    with decoding(f"{name}: {UNREADABLE}", FastExcelError):
        frame: pl.DataFrame = book.load_sheet(sheet, header_row=None, **options).to_polars()
    return frame


def _fields(name: str, book: Any, sheet: str, most: int | None) -> list[list[str]]:
    """Return the first rows of a sheet as text."""
    frame = _loaded(name, book, sheet, skip_rows=0, n_rows=most, dtypes="string")
    return [["" if field is None else field for field in row] for row in frame.rows()]


def _table(
    name: str, book: Any, sheet: str, reading: Reading
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return the table in a sheet, and what is said of it."""
    skipped = reading.skip_lines or 0
    rows = [
        (place, row)
        for place, row in enumerate(_fields(name, book, sheet, skipped + ROWS))
        if any(row) and place >= skipped
    ]
    if not rows:
        raise TableError(f"{name}: has no rows in the sheet {shown(sheet)}")
    columns = zip(*(row for _, row in rows), strict=True)
    used = [k for k, column in enumerate(columns) if any(column)]
    found = heading(name, [[row[k] for k in used] for _, row in rows], reading)
    first = rows[found.above][0] + found.header
    frame = _loaded(name, book, sheet, skip_rows=first, schema_sample_rows=None)
    frame = frame[:, used]
    frame = frame.rename(dict(zip(frame.columns, found.columns, strict=True)))
    return _refined(frame), found.notes


def _refined(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a sheet without blank rows, its whole numbers as such, and its days as dates."""
    frame = frame.filter(~pl.all_horizontal(pl.all().is_null()))
    whole = [
        column.name
        for column in frame.select(pl.col(pl.Float64)).iter_columns()
        if ((column == column.round()) & (column.abs() < 2**53)).all()
    ]
    days = [
        column.name
        for column in frame.select(pl.col(pl.Datetime)).iter_columns()
        if (column == column.dt.truncate("1d")).all()
    ]
    kinds: Any = {**dict.fromkeys(whole, pl.Int64), **dict.fromkeys(days, pl.Date)}
    return frame.cast(kinds)
