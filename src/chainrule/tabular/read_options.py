"""How a table is to be read: one frozen record, from the command line, a TOML file or a call."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, Any

from chainrule.fields import Names, Record, documented, option
from chainrule.value_types import Count, OneOf


@documented
@dataclass(frozen=True, kw_only=True)
class Reading(Record):
    """How a table is to be read; what is None, the table decides.

    Examples
    --------
    >>> Reading(delimiter=";").changed()
    {'delimiter': ';'}
    """

    delimiter: str | None = option(None, "The delimiter of a text file.")
    encoding: str = option("utf-8", "The encoding of a text file.")
    header: bool | None = option(None, "Whether the first row holds the column names.")
    skip_lines: Count | None = option(None, "Lines to skip at the top of a text file.")
    sheet: str | None = option(None, "The sheet of a workbook.")
    number_duplicates: bool = option(
        False, "Whether to number duplicate column names, as in x, x_2."
    )
    missing: Names | None = option(
        None, 'Words that mean a missing value, such as NA,-999; "" for the empty field alone.'
    )
    decimal: Annotated[str, OneOf((".", ","))] | None = option(
        None, "The decimal separator of numbers."
    )
    thousands: Annotated[str, OneOf((".", ",", "'", " "))] | None = option(
        None, "The thousands separator of numbers."
    )
    date_format: Names | None = option(
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

    @property
    def parts_by_point(self) -> bool:
        """Whether a point is not the decimal separator of numbers."""
        return self.decimal == "," or self.thousands == "."

    def changed(self) -> dict[str, Any]:
        """Return the options that are not at their defaults."""
        return {f.name: v for f in fields(self) if (v := getattr(self, f.name)) != f.default}


def column_name(name: Any) -> str:
    """Return the text by which a column is known, of a name as data frames have it.

    >>> column_name("size"), column_name(3), column_name(("size", "mean")), column_name(None)
    ('size', '3', 'size.mean', '')
    """
    if isinstance(name, tuple):
        return ".".join(filter(None, map(column_name, name)))
    missing = name is None or name != name  # noqa: PLR0124
    return "" if missing else str(name)
