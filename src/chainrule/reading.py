"""How a table is to be read: one frozen record, from the command line, a TOML file or a call."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from chainrule.errors import check_whole
from chainrule.records import Record, told


@dataclass(frozen=True, kw_only=True)
class Reading(Record):
    """How a table is to be read; what is None, the table decides.

    >>> Reading(delimiter=";").changed()
    {'delimiter': ';'}
    """

    delimiter: str | None = told(None, "The delimiter of a text file.")
    encoding: str = told("utf-8", "The encoding of a text file.")
    header: bool | None = told(None, "Whether the first row holds the column names.")
    skip_lines: int | None = told(None, "Lines to skip at the top of a text file.")
    sheet: str | None = told(None, "The sheet of a workbook.")
    number_duplicates: bool = told(False, "Whether to number duplicate column names, as in x, x_2.")
    missing: tuple[str, ...] | None = told(None, "Words that mean a missing value.")
    decimal: str | None = told(None, "The decimal separator of numbers, such as ','.")
    thousands: str | None = told(None, "The thousands separator of numbers, such as '.'.")
    date_format: str | None = told(None, "The format of dates, such as %d.%m.%Y.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.skip_lines is not None:
            check_whole("skip_lines", self.skip_lines, least=0)

    def changed(self) -> dict[str, Any]:
        """Return the options that are not at their defaults."""
        return {f.name: v for f in fields(self) if (v := getattr(self, f.name)) != f.default}
