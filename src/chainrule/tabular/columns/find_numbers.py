"""Whether a column of text holds numbers, and in which form: found from its shapes."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Collection
from typing import NamedTuple

import polars as pl

from chainrule.errors import argument
from chainrule.tabular.columns.decision import weight_must
from chainrule.tabular.columns.tallies import Tally, shapes_of
from chainrule.tabular.columns.task import is_few
from chainrule.tabular.formats.column_values import shown
from chainrule.tabular.formats.number_formats import (
    PERCENT,
    UNITS,
    Evidence,
    NumberFormat,
    evidence,
    pairs_of,
    parts_of,
)
from chainrule.tabular.formats.number_signs import CURRENCIES, POINTED, Separators
from chainrule.tabular.read_options import Reading
from chainrule.tabular.table_error import TableError

MOST_UNITS = 3
"""More units than these are words that follow numbers, as in addresses."""

FEW_OTHERS = 0.1
"""The share of values below which those with a unit are not read, and said."""

MIXED = 0.5
"""The share of numbers in a column of text from which on they are said."""


class UndecidedError(Exception):
    """Numbers that can be read in two ways, with the error where nothing else decides.

    >>> UndecidedError(TableError("say which")).error
    TableError('say which')
    """

    def __init__(self, error: TableError) -> None:
        super().__init__(error)
        self.error = error


class Convention(NamedTuple):
    """What says from outside how numbers are written: options, the format, the other columns.

    `mark` is the decimal separator of the other columns.

    >>> Convention(Reading(), pointed=True, mark=",").mark
    ','
    """

    reading: Reading
    pointed: bool
    mark: str | None


def number_format(
    name: str, tally: Tally, role: str, least: float, convention: Convention
) -> NumberFormat | str | None:
    """Return the format of a column of numbers, of which a share of at least `least` must be one.

    It is None where there are too few, and a text where many are, or contradict each other, which
    says it. Raises UndecidedError where two formats fit, and TableError where numbers have units
    or, for a role that needs numbers, are none.

    >>> tally = Tally(())
    >>> tally.add(pl.Series(["$1,173.50", "$574"]))
    >>> found = number_format("price", tally, "", 0.9, Convention(Reading(), True, None))
    >>> found == NumberFormat(".", ",", "$")
    True
    """
    found = evidence(tally.shapes)
    if role in ("number", "regression", "weight") and not found.count:
        raise _no_numbers(name, role, shown(tally.some[0]))
    if found.padded and role in ("", "target", "time"):
        return None
    strange = _strange(found)
    if strange and sum(found.units[unit] for unit in strange) < FEW_OTHERS * tally.values:
        found, strange = evidence(tally.shapes, strange), []
    share = found.count / max(tally.values, 1)
    if not found.count or share < min(least, 1 - FEW_OTHERS):
        return _mixed(tally, found) if role == "" and share >= MIXED else None
    if strange:
        if role in ("", "target") and _are_labels(tally, found):
            return None
        if len(strange) > MOST_UNITS and role == "":
            return None
        raise _with_units(name, tally, role, strange)
    if share < least:
        if role == "time":
            return None
        raise _with_others(name, tally)
    unit = _unit(name, tally, role, found)
    return _separated(name, tally, role, found, unit, convention)


def _with_others(name: str, tally: Tally) -> TableError:
    return TableError(
        f"target {name!r} holds numbers, and others such as {shown(_other(tally))}; leave those "
        "rows out, or say by `missing=` what means none"
    )


def _mixed(tally: Tally, found: Evidence) -> str | None:
    """Return what is said of text among which there are many numbers, unless it has few values."""
    if is_few(len(tally.some), tally.values):
        return None
    return (
        f", with {found.count:,} numbers; say by `missing=` what means none, such as "
        f"{shown(_other(tally))}"
    )


def _no_numbers(name: str, role: str, example: str) -> TableError:
    if role == "weight":
        return TableError(f"{weight_must(name)}, got text such as {example}")
    use = "`task='classification'`" if role == "regression" else "`categories=`"
    return TableError(f"{_what(role)} {name!r} holds text such as {example}, no numbers; use {use}")


def _other(tally: Tally) -> str:
    """Return a value that is no number."""
    others = (value for shape, (_, value) in tally.shapes.items() if parts_of(shape) is None)
    return min(others, default=tally.some[0])


# Units


def _strange(found: Evidence) -> list[str]:
    """Return the units that are neither a currency nor %."""
    known = {"", PERCENT, *CURRENCIES}
    return sorted(set(found.units) - known, key=lambda unit: (-found.units[unit], unit))


def _are_labels(tally: Tally, found: Evidence) -> bool:
    """Whether each unit stands with one number alone: 1 low, 2 mid, 3 high are numbered words.

    Of units that are known, as in 5 kg and 7 lb, that tells nothing.
    """
    shapes = shapes_of(pl.Series(tally.some, dtype=pl.String))
    units = [parts.unit for shape in shapes if (parts := parts_of(shape)) is not None]
    once = len(units) == len({*units}) and "" not in found.units
    return once and (len(units) == 1 or not UNITS.issuperset(units))


def _with_units(name: str, tally: Tally, role: str, units: list[str]) -> TableError:
    said = " and ".join(repr(_written(tally, unit)) for unit in units[:2])
    several = "units" if len(units) > 1 else "the unit"
    return TableError(
        f"{_what(role)} {name!r} holds numbers with {several} {said}, such as "
        f"{shown(_with(tally, units[0]))}; write the numbers alone{_or_else(name, role)}"
    )


def _what(role: str) -> str:
    return {"regression": "target", "target": "target", "weight": "weight"}.get(role, "column")


def _or_else(name: str, role: str) -> str:
    if role in ("target", "regression"):
        return ", or use `task='classification'`"
    if role == "weight":
        return ""
    return f", or use {argument('categories', [name])} or {argument('leave_out', [name])}"


def _with(tally: Tally, unit: str) -> str:
    """Return a value that has a unit."""
    found = ((value, parts_of(shape)) for shape, (_, value) in tally.shapes.items())
    return min(value for value, parts in found if parts and parts.unit == unit)


def _written(tally: Tally, unit: str) -> str:
    """Return a unit of a shape as a value has it, such as m2 for m9."""
    found = re.search(re.escape(unit).replace("9", "[0-9]"), _with(tally, unit))
    return found[0] if found else unit


def _unit(name: str, tally: Tally, role: str, found: Evidence) -> str:
    """Return the currency of numbers, or %, or "" for none."""
    units = sorted(unit for unit in found.units if unit)
    if len(units) > 1 or (units == [PERCENT] and "" in found.units):
        two = [*units, ""][:2]
        examples = " and ".join(shown(_with(tally, unit)) for unit in two)
        what = "numbers with % and without" if not two[1] else f"numbers in {' and in '.join(two)}"
        raise TableError(
            f"{_what(role)} {name!r} holds {what}, such as {examples}; write all of them in one"
            f"{_or_else(name, role)}"
        )
    return units[0] if units else ""


# Separators


def _separated(
    name: str, tally: Tally, role: str, found: Evidence, unit: str, convention: Convention
) -> NumberFormat | str:
    pairs = _as_asked(name, role, found, convention.reading)
    if not pairs:
        one, other = _contradicting(found)
        if role:
            raise TableError(
                f"{_what(role)} {name!r} holds numbers that contradict each other: {shown(one)} "
                f"and {shown(other)}; write them in one way{_or_else(name, role)}"
            )
        return f", no numbers, as {shown(one)} and {shown(other)} contradict each other"
    ways = found.distinct(pairs)
    for likely in (_by_format(convention), _by_currency(unit), _by_columns(convention.mark)):
        if len(ways) > 1:
            ways = tuple(pair for pair in ways if likely(pair)) or ways
    if len(ways) > 1:
        raise UndecidedError(_question(name, tally, role, unit, ways))
    others = found.count < tally.values
    return NumberFormat(*ways[0], unit, whole=found.is_whole(ways[0]), others=others)


def _as_asked(name: str, role: str, found: Evidence, reading: Reading) -> Collection[Separators]:
    """Return the pairs that the options allow."""
    pairs = {pair for pair in found.pairs if _allowed(pair, reading)}
    if not pairs and (reading.decimal or reading.thousands):
        others = (v for body, v in found.bodies.items()
                  if not any(_allowed(pair, reading) for pair in pairs_of(body)))  # fmt: skip
        asked = " and ".join(
            f"{argument(option, sign)}"
            for option in ("decimal", "thousands")
            if (sign := getattr(reading, option)) is not None
        )
        value = next(others, next(iter(found.bodies.values())))
        raise TableError(
            f"{_what(role)} {name!r} holds {shown(value)}, which is no number with {asked}; leave "
            f"the option out{_or_else(name, role)}"
        )
    return pairs


def _allowed(pair: Separators, reading: Reading) -> bool:
    decimal, thousands = pair
    return (reading.decimal or decimal) == decimal and (
        reading.thousands is None
        or thousands == reading.thousands
        or (not thousands and decimal != reading.thousands)
    )


def _contradicting(found: Evidence) -> tuple[str, str]:
    """Return two values that no pair reads."""
    values = list(found.bodies.items())
    two = (
        (one, other)
        for (a, one), (b, other) in itertools.combinations(values, 2)
        if not pairs_of(a) & pairs_of(b)
    )
    return next(two, (values[0][1], values[-1][1]))


Likely = Callable[[Separators], bool]


def _by_format(convention: Convention) -> Likely:
    """Where a point is the decimal separator by the format of the table, it parts no thousands."""
    return lambda pair: not convention.pointed or pair[1] != "."


def _by_currency(unit: str) -> Likely:
    """Of some currencies, a comma before three digits parts thousands."""
    return lambda pair: unit in POINTED and pair[1] == ","


def _by_columns(mark: str | None) -> Likely:
    """The other columns of a table are written as this one is."""
    return lambda pair: pair[0] == mark


def _question(
    name: str, tally: Tally, role: str, unit: str, ways: tuple[Separators, ...]
) -> TableError:
    """Return the error that asks which of two ways is meant."""
    values = pl.Series(tally.some)
    one, other = (NumberFormat(*way, unit).read(values) for way in ways[:2])
    differ = (one != other).fill_null(value=False)
    rows = zip(values.filter(differ), one.filter(differ), other.filter(differ), strict=True)
    examples = [f"{shown(value)} is {a:.12g} or {b:.12g}" for value, a, b in list(rows)[:2]]
    options = [argument("thousands", t) if t else argument("decimal", d) for d, t in ways[:2]]
    return TableError(
        f"{_what(role)} {name!r} can be read in two ways: {', '.join(examples)}; say which by "
        f"{' or '.join(options)}"
    )


def mark_of(form: NumberFormat, seen: Evidence) -> str | None:
    """Return the decimal separator that a column shows the others, if it shows one.

    >>> mark_of(NumberFormat(".", ","), evidence({"9,999,999": (1, "$1,234,567")}))
    '.'
    """
    shows = form.thousands in (".", ",") or any(form.decimal in body for body in seen.bodies)
    return form.decimal if shows else None
