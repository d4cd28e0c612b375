"""How a table is to be read: one frozen record, from the command line, a TOML file or a call."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from chainrule.errors import check_whole
from chainrule.fields import Record, told


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
    missing: tuple[str, ...] | None = told(
        None, 'Words that mean a missing value, such as NA,-999; "" for the empty field alone.'
    )
    decimal: str | None = told(None, "The decimal separator of numbers.", choices=(".", ","))
    thousands: str | None = told(
        None, "The thousands separator of numbers.", choices=(".", ",", "'", " ")
    )
    date_format: tuple[str, ...] | None = told(
        None, "The format of dates, such as %d.%m.%Y, or sold=%d.%m.%Y for a column.", whole=True
    )

    def __post_init__(self) -> None:
        formats: Any = self.date_format
        if isinstance(formats, str):
            object.__setattr__(self, "date_format", (formats,))
        missing: Any = self.missing
        words = missing.split(",") if isinstance(missing, str) else missing
        if isinstance(words, tuple | list):
            object.__setattr__(self, "missing", tuple(word for word in words if word != ""))
        super().__post_init__()
        if self.decimal is not None and self.decimal == self.thousands:
            raise ValueError(
                f"`decimal=` and `thousands=` must differ, got {self.decimal!r} for both"
            )
        if self.skip_lines is not None:
            check_whole("skip_lines", self.skip_lines, least=0)

    @property
    def parts_by_point(self) -> bool:
        """Whether a point is not the decimal separator of numbers."""
        return self.decimal == "," or self.thousands == "."

    def changed(self) -> dict[str, Any]:
        """Return the options that are not at their defaults."""
        return {f.name: v for f in fields(self) if (v := getattr(self, f.name)) != f.default}
