"""Whether a column holds dates, and in which formats: found from its values, or asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from chainrule.errors import argument
from chainrule.tabular.columns.tallies import Tally
from chainrule.tabular.files.source import CHUNK
from chainrule.tabular.formats.column_values import as_words, shown
from chainrule.tabular.formats.date_formats import (
    OF_DIGITS,
    ZONE,
    DateFormat,
    format_asked,
    formats_of,
    order_of,
)
from chainrule.tabular.read_options import Reading
from chainrule.tabular.table_error import TableError
from chainrule.tabular.table_shards import UNPARTED, TableShards

DIFFERENT = 5
"""The least different whole numbers of eight digits that are dates by no chance."""

EXAMPLE = "2024-05-31 or 2024-05-31T12:30:00"

ChunksOf = Callable[[Sequence[str]], Iterator[pl.DataFrame]]


def date_format(
    name: str, tally: Tally, role: str, least: float, reading: Reading
) -> tuple[str, ...] | str | None:
    """Return the formats of a column of dates, or None where fewer than `least` of it are one.

    It is a text where they contradict each other, or have a zone that is not known. Raises
    TableError where day and month can be taken for each other, or, for a role that needs dates,
    where there are none.

    >>> tally = Tally(())
    >>> tally.add(pl.Series(["9/30/1990", "12/1/1990"]))
    >>> date_format("sold", tally, "", 0.9, Reading())
    ('%m/%d/%Y',)
    """
    if asked := format_asked(name, reading):
        form, alone = asked
        if share((form,), tally) >= (least if role != "date" and not alone else 1e-9):
            return (form,)
        if alone:
            raise _not_as_asked(name, form, tally.some[0])
    if (digits := _digits_in_text(tally, role)) is not None:
        return (digits,)
    found = formats_of(list(tally.shapes))
    dates = sum(tally.shapes[shape][0] for shape in found)
    if not dates or dates < least * tally.values:
        return _none(name, tally, role)
    orders = _orders(name, tally, found)
    formats = _chosen(found, orders, tally)
    if not formats and not orders and role == "":
        return ", no dates, as neither day nor month comes first in all of them"
    if not formats or share(formats, tally) < max(least, 1e-9):
        return _none(name, tally, role)
    return formats


def _not_as_asked(name: str, form: str, example: str) -> TableError:
    return TableError(
        f"no value of column {name!r} is written as {argument('date_format', form)} says, such as "
        f"{shown(example)}"
    )


def _none(name: str, tally: Tally, role: str) -> str | None:
    """Return what is said of a column without dates; raise TableError where it must have them."""
    zones = (ZONE.search(shape) for shape in tally.shapes)
    zone = next((found["zone"] for found in zones if found), None)
    if zone and role == "":
        return f", no dates, as the offset of the zone {zone!r} is not known"
    if role in ("date", "time") and zone:
        what = argument("time", name) if role == "time" else f"column {name!r}"
        raise TableError(
            f"{what} has times in the zone {zone!r}, whose offset is not known; write "
            "them with their offset from UTC, such as +01:00"
        )
    if role == "date":
        raise TableError(
            f"column {name!r} holds text such as {shown(tally.some[0])}, no dates such as "
            f"{EXAMPLE}; say how they are written by `date_format=`"
        )
    return None


def _digits_in_text(tally: Tally, role: str) -> str | None:
    """Return the format of a text of whole numbers that are dates."""
    if set(tally.shapes) != {"9"}:
        return None
    values = pl.Series(tally.some).cast(pl.Int64, strict=False)
    form = _format_of_digits(values, role)
    if form is None or role == "date":
        return form
    return form if len(values) >= DIFFERENT and share((form,), tally) == 1 else None


def share(formats: tuple[str, ...], tally: Tally) -> float:
    """Return the share of the values that were kept that formats read.

    >>> tally = Tally(())
    >>> tally.add(pl.Series(["31.12.2012", "12/31/2012"]))
    >>> share(("%d.%m.%Y",), tally)
    0.5
    """
    values = pl.Series(tally.some, dtype=pl.String)
    return DateFormat(formats).read(values).count() / max(len(values), 1)


def _orders(name: str, tally: Tally, found: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    """Return the orders of day, month and year that the values allow, in one reading of them."""
    first, second, third = tally.greatest
    day_first = first <= 31 and second <= 12
    month_first = first <= 12 and second <= 31
    ambiguous = any(order_of(form) for forms in found.values() for form in forms)
    if ambiguous and day_first and month_first and not tally.alike:
        raise _question(name, tally, found)
    if day_first:
        return frozenset({"day first", "day first, years of two digits"})
    if month_first:
        return frozenset({"month first", "month first, years of two digits"})
    return frozenset({"year first"} if second <= 12 and third <= 31 else ())


def _question(name: str, tally: Tally, found: Mapping[str, tuple[str, ...]]) -> TableError:
    """Return the error that asks which comes first, day or month."""
    ways = next(forms for forms in found.values() if order_of(forms[0]))[:2]
    values = pl.Series(tally.some)
    one, other = (DateFormat((way,)).read(values) for way in ways)
    row = (one != other).fill_null(value=False).arg_max() or 0
    days = [f"{moments[row]:%-d %B %Y}" if moments[row] else "no date" for moments in (one, other)]
    return TableError(
        f"column {name!r} can be read in two ways: {shown(values[row])} is {days[0]} or {days[1]}; "
        f"say which by {' or '.join(argument('date_format', f'{name}={way}') for way in ways[:2])}"
    )


def _chosen(
    found: Mapping[str, tuple[str, ...]], orders: frozenset[str], tally: Tally
) -> tuple[str, ...]:
    """Return a format for each shape, the most frequent first."""
    counts: dict[str, int] = {}
    for shape, forms in found.items():
        allowed = [form for form in forms if order_of(form) in (None, *orders)]
        if allowed:
            counts[allowed[0]] = counts.get(allowed[0], 0) + tally.shapes[shape][0]
    return tuple(sorted(counts, key=lambda form: (-counts[form], form)))


# Dates in whole numbers


def of_digits(
    schema: Mapping[str, pl.DataType],
    chunks: ChunksOf,
    roles: Mapping[str, str],
    reading: Reading,
    shards: TableShards = UNPARTED,
) -> dict[str, DateFormat]:
    """Return the formats of columns of whole numbers that are dates: 20240531, or as asked.

    Without a role, only numbers of eight digits are, where all are dates and some are different.

    >>> table = pl.DataFrame({"day": [20240528 + k for k in range(4)] + [20240602]})
    >>> found = of_digits(table.schema, lambda names: iter([table]), {}, Reading())
    >>> found == {"day": DateFormat(("%Y%m%d",))}
    True
    """
    may = [name for name in schema if roles.get(name, "") in ("", "date")]
    first = _first_rows(chunks(may), shards) if may else None
    if first is None:
        return {}
    with shards.alike():
        asked, found = _begun(first.select(may), roles, reading)
    for name in list(found):
        if roles.get(name) != "date" and name not in asked and not _all_dates(name, chunks, shards):
            del found[name]
    return found


def _begun(
    first: pl.DataFrame, roles: Mapping[str, str], reading: Reading
) -> tuple[dict[str, str], dict[str, DateFormat]]:
    """Return the formats asked of some columns, and those that their first rows have."""
    may = first.columns
    asked = {name: form[0] for name in may if (form := format_asked(name, reading)) and form[1]}
    found: dict[str, DateFormat] = {}
    for name in may:
        role = roles.get(name, "")
        digits = asked.get(name) or _format_of_digits(first[name], role)
        if role == "date" and not digits:
            raise _no_dates(name, first[name])
        if digits:
            found[name] = DateFormat((digits,), tuple(reading.missing or ()))
        if digits and name in asked and not found[name].read(as_words(first[name])).count():
            raise _not_as_asked(name, digits, str(first[name].min()))
    return asked, found


def _format_of_digits(values: pl.Series, role: str) -> str | None:
    """Return the format of whole numbers by how many digits they have."""
    least: Any = values.min()
    digits = {len(str(value)) for value in (least, values.max())}
    form = OF_DIGITS.get(digits.pop()) if least is not None and len(digits) == 1 else None
    if role == "date":
        return form
    return form if form == "%Y%m%d" and 1900 <= least // 10_000 <= 2100 else None


def _no_dates(name: str, column: pl.Series) -> TableError:
    return TableError(
        f"column {name!r} holds {column.dtype} such as {shown(column.min())}, no dates such as "
        f"{EXAMPLE}; say how they are written by `date_format=`"
    )


def _first_rows(chunks: Iterator[pl.DataFrame], shards: TableShards) -> pl.DataFrame | None:
    """Return the first chunk of a table, of which ranks may have a part each."""
    parts, missing = list[pl.DataFrame](), max(CHUNK - shards.first, 0)
    for chunk in chunks:
        parts.append(chunk.head(missing))
        missing -= parts[-1].height
        if not missing:
            break
    found = shards.values(pl.concat(parts) if parts else None)
    there = [each for each in found if each is not None]
    return pl.concat(there) if there else None


def _all_dates(name: str, chunks: ChunksOf, shards: TableShards) -> bool:
    """Whether all of a column's numbers are dates from 1900 to 2100, some of them different."""
    found = shards.values(_dates_in(name, chunks([name])))
    return None not in found and len(set().union(*found)) >= DIFFERENT  # type: ignore[arg-type]


def _dates_in(name: str, chunks: Iterator[pl.DataFrame]) -> set[int] | None:
    """Return some different numbers of a column, or None where one of all is no date."""
    different: set[int] = set()
    for chunk in chunks:
        values = chunk[name].drop_nulls().unique()
        if values.is_empty():
            continue
        if not values.is_between(19_000_101, 21_001_231).all():
            return None
        if DateFormat(("%Y%m%d",)).read(as_words(values)).null_count():
            return None
        different |= set(values.head(DIFFERENT))
    return different
