r"""How text becomes numbers: which character is the decimal separator, which parts thousands.

shape   a text with 9 for each digit, and 0 for a nought with which it begins: 1,417.77 is 9,999.99
pair    a decimal separator and a separator of thousands, "" for none
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, ClassVar, NamedTuple

import polars as pl

from chainrule.tabular.formats.date_parts import MONTHS
from chainrule.tabular.formats.number_signs import CURRENCIES, PAIRS, SPELLED, Separators
from chainrule.value_types import Must

ShapeCount = tuple[int, str]
"""How often a shape comes, and a value that has it."""

Decimal = Annotated[str, Must("'.' or ','", lambda sign: sign in (".", ","))]
Thousands = Annotated[
    str, Must("a separator of thousands", lambda sign: any(sign == pair[1] for pair in PAIRS))
]

PERCENT = "%"

UnitSign = Annotated[
    str, Must("a currency or %", lambda unit: unit in ("", PERCENT) or unit in CURRENCIES)
]

CURRENCY_OF = {written: name for name, ways in CURRENCIES.items() for written in ways}


def spelled(text: pl.Series) -> pl.Series:
    """Return texts without blanks around them, in the characters of a keyboard.

    >>> spelled(pl.Series([" −1\u202f234"])).to_list()
    ['-1 234']
    """
    if (text.str.len_bytes() != text.str.len_chars()).any():
        text = text.str.replace_many(list(SPELLED), list(SPELLED.values()))
    text = text.str.strip_chars()
    if text.str.ends_with("-").any():  # 5,- is no less than 5
        text = text.str.replace(r"([0-9])[.,]-+$", "${1}")
    return text


@cache
def body_of(decimal: str, thousands: str) -> str:
    """Return the pattern of digits with separators: groups of three, or India's of two.

    >>> [bool(re.fullmatch(body_of(".", ","), text)) for text in ("1,234.5", "1,00,000", "0,500")]
    [True, True, False]
    """
    d, t = re.escape(decimal), re.escape(thousands)
    whole = r"\d+"
    if thousands:
        grouped = rf"[1-9]\d{{0,2}}(?:{t}\d{{3}})+|[1-9]\d?(?:{t}\d{{2}})+{t}\d{{3}}"
        whole = rf"(?:{grouped}|\d+)"
    return rf"(?:{whole}(?:{d}\d*)?|{d}\d+)"


@cache
def _allows(pair: Separators) -> re.Pattern[str]:
    return re.compile(body_of(*pair))


def pairs_of(body: str) -> frozenset[Separators]:
    """Return the pairs under which digits with separators are a number.

    >>> sorted(pairs_of("9,999.99"))
    [('.', ',')]
    """
    return frozenset(pair for pair in PAIRS if _allows(pair).fullmatch(body))


def value_of(body: str, pair: Separators) -> str:
    """Return a body as it is written with a decimal point alone.

    >>> value_of("1.417,77", (",", "."))
    '1417.77'
    """
    decimal, thousands = pair
    return (body.replace(thousands, "") if thousands else body).replace(decimal, ".")


class Parts(NamedTuple):
    """What a shape of a number is made of.

    >>> Parts("9,999.99", exponent=False, unit="$", brackets=False).unit
    '$'
    """

    body: str
    exponent: bool
    unit: str
    brackets: bool


_BODY = r"[09](?:[.,' ]?[09])*[.,]?|[.,][09]+"
_BEFORE = "|".join(map(re.escape, sorted(CURRENCY_OF, key=len, reverse=True)))
_PARTS = re.compile(
    rf"(?P<a>[+-]|\()?\s*(?P<before>{_BEFORE})?\s*(?P<b>[+-]|\()?\s*(?P<body>{_BODY})"
    r"(?P<exponent>[eE][+-]?[09]+)?(?P<blank>\s*)(?P<close1>\))?"
    r"\s*(?P<after>[^\W\d_]\S{0,15}(?:\s?/\s?\S+)?|[%‰°\"'′″€$£¥₹₽₩₪][^\s()]{0,9})?"
    r"(?P<close2>\))?\s*(?P<trail>-)?"
)

_OF_TIMES = re.compile(rf"(?i)[ap]\.?m|{MONTHS}|sept|bc|ad|bce|ce")
"""What stands behind the numbers of dates and times."""

UNITS = frozenset(
    re.split(
        r"\s+",
        "kg g mg µg t lb lbs oz km m cm mm µm nm mi yd ft in ha l L ml mL cl gal s ms µs min h "
        "hr hrs d A mA V mV kV W kW MW kWh MWh Wh J kJ MJ kcal cal N kN Pa kPa hPa MPa bar psi Hz "
        "kHz MHz GHz K °C °F ° B kB KB MB GB TB k M bn mio Mio Mrd mph kmh km/h m/s mol mmol ppm "
        "dB px",
    )
)
"""Units that are known where no blank stands before them: 4WD has none."""

LENGTHS = ("mm", "cm", "dm", "m", "km", "in", "ft", "yd", "mi")
"""Units that a digit may follow, as in m2."""


def parts_of(shape: str) -> Parts | None:
    """Return what a shape is made of, or None where it is no number.

    >>> parts_of("-$9,999"), parts_of("9.9e-9 kg").unit, parts_of("9th"), parts_of("9. floor")
    (Parts(body='9,999', exponent=False, unit='$', brackets=False), 'kg', None, None)
    """
    found = _PARTS.fullmatch(shape)
    if found is None or not pairs_of(found["body"]):
        return None
    opened = (found["a"] == "(") + (found["b"] == "(")
    signs = sum(bool(found[name]) for name in ("a", "b", "trail"))
    if opened != (found["close1"] is not None) + (found["close2"] is not None) or signs > 1:
        return None
    before, after = found["before"], (found["after"] or "").rstrip(".")
    if before and CURRENCY_OF.get(after, CURRENCY_OF[before]) != CURRENCY_OF[before]:
        return None
    unit = CURRENCY_OF.get(found["after"] or before or "", after)
    if not _is_unit(unit, found["body"], bool(found["blank"]) or found["exponent"] is not None):
        return None
    return Parts(found["body"], found["exponent"] is not None, unit, bool(opened))


def _is_unit(unit: str, body: str, apart: bool) -> bool:
    """Whether what stands behind digits is a unit, and not the rest of a word."""
    if not unit or unit in CURRENCIES or unit in UNITS or unit == PERCENT:
        return True
    if body[-1] in ".,":  # 1. Industrial
        return False
    if _OF_TIMES.fullmatch(unit) or any(c.isdigit() for c in unit[:-1]):
        return False
    if unit[-1] in "09" and unit[:-1].rpartition("/")[2] not in LENGTHS:  # 2020 Q1
        return False
    return apart or any(separator in body for separator in ".,")


@dataclass(frozen=True)
class NumberFormat:
    """How text becomes numbers. In brackets, and with a minus behind, they are negative.

    `unit` is a currency or %: it may stand before a number or behind it, and % must stand at all
    but 0. `missing` are the words that mean no value besides those that do so by themselves, and
    `others` says that training had text besides, which is missing.

    >>> NumberFormat(decimal=",", thousands=".").read(
    ...     pl.Series(["1.234,5", "(7)", "1.5"])
    ... ).to_list()
    [1234.5, -7.0, None]
    """

    kind: ClassVar[str] = "NumberForm"
    decimal: Decimal = "."
    thousands: Thousands = ""
    unit: UnitSign = ""
    whole: bool = False
    missing: tuple[str, ...] = ()
    others: bool = False

    def __post_init__(self) -> None:
        if self.decimal == self.thousands:
            raise ValueError(f"decimal and thousands must differ, got {self.decimal!r} for both")

    @property
    def said(self) -> str:
        """What is said of the form, behind a comma each."""
        words = []
        if self.decimal == ",":
            words.append("decimal comma")
        if self.thousands:
            words.append(
                "thousands blank" if self.thousands == " " else f"thousands {self.thousands!r}"
            )
        if self.unit:
            words.append(f"in {self.unit}")
        return "".join(f", {word}" for word in words)

    def read(self, text: pl.Series) -> pl.Series:
        """Return numbers, whole ones as Int64 where all are; null for what is none."""
        text = spelled(text)
        if self.decimal == "." and self.unit != PERCENT:
            numbers = text.cast(pl.Float64, strict=False).fill_nan(None)
        else:
            numbers = pl.Series(text.name, [None], dtype=pl.Float64).new_from_index(0, len(text))
        ways = (self._dressed,) if self.unit == PERCENT else (self._separated, self._dressed)
        for way in ways:
            rest = (numbers.is_null() & text.is_not_null()).arg_true()
            if len(rest):
                numbers = numbers.scatter(rest, way(text.gather(rest)))
        return _whole(numbers) if self.whole else numbers

    def _separated(self, text: pl.Series) -> pl.Series:
        """Return the numbers of texts with separators alone: much faster."""
        pattern = rf"^[+-]?{body_of(self.decimal, self.thousands)}(?:[eE][+-]?\d+)?$"
        return self._cast(text.set(~text.str.contains(pattern), None))

    def _cast(self, text: pl.Series) -> pl.Series:
        if self.thousands:
            text = text.str.replace_all(self.thousands, "", literal=True)
        if self.decimal == ",":
            text = text.str.replace(",", ".", literal=True)
        return text.cast(pl.Float64, strict=False)

    def _dressed(self, text: pl.Series) -> pl.Series:
        """Return the numbers of texts with separators, signs, brackets and units."""
        found = text.str.extract_groups(self._pattern).struct.unnest()
        number = self._cast(found["body"] + found["exponent"].fill_null(""))
        opened = found["open"].is_not_null() | found["open2"].is_not_null()
        closed = found["close"].is_not_null() | found["close2"].is_not_null()
        minus = pl.Series([False]).new_from_index(0, len(text))
        for sign in ("sign", "sign2", "trail"):
            minus |= found[sign].eq_missing("-")
        number = number.set(opened != closed, None)
        if self.unit == PERCENT:
            bare = found["before"].is_null() & found["after"].is_null() & found["after2"].is_null()
            number = number.set(bare & number.ne_missing(0.0), None)
        return pl.select(pl.when(minus | opened).then(-number).otherwise(number)).to_series()

    @property
    def _pattern(self) -> str:
        ways = CURRENCIES.get(self.unit, (self.unit,) if self.unit else ())
        unit = "|".join(map(re.escape, sorted(ways, key=len, reverse=True))) or r"\b\B"
        return (
            rf"^(?:(?P<sign>[+-])|(?P<open>\())?\s*(?P<before>{unit})?\s*"
            rf"(?:(?P<sign2>[+-])|(?P<open2>\())?\s*"
            rf"(?P<body>{body_of(self.decimal, self.thousands)})(?P<exponent>[eE][+-]?\d+)?"
            rf"\s*(?P<after>{unit})?(?P<close>\))?\s*(?P<after2>{unit})?(?P<close2>\))?\s*(?P<trail>-)?$"
        )


def _whole(numbers: pl.Series) -> pl.Series:
    """Return numbers as Int64 where each of them is one."""
    whole = numbers.cast(pl.Int64, strict=False)
    same = whole.cast(pl.Float64).eq_missing(numbers)
    return whole if same.all() else numbers


# Found from shapes


@dataclass(frozen=True)
class Evidence:
    """What the shapes of a column say of its numbers.

    Attributes
    ----------
    count
        How many values are numbers under some pair.
    units
        How many there are of each unit, "" for none.
    pairs
        The pairs that read all of them.
    bodies
        The digits with separators, each with a value that has them.
    padded, short, brackets
        Whether noughts stand before whole numbers or all have more digits than are exact, whether
        none has an exponent or so many digits, and whether some stand in brackets.

    >>> evidence({"9,9 €": (1, "4,5 €")}).units
    {'€': 1}
    """

    count: int
    units: Mapping[str, int]
    pairs: frozenset[Separators]
    bodies: Mapping[str, str]
    padded: bool
    short: bool
    brackets: bool

    def distinct(self, pairs: Collection[Separators]) -> tuple[Separators, ...]:
        """Return one pair of those that read all bodies alike, the plainest."""
        readings: dict[tuple[str, ...], Separators] = {}
        for pair in PAIRS:
            if pair in pairs:
                reading = tuple(value_of(body, pair) for body in self.bodies)
                readings.setdefault(reading, pair)
        return tuple(readings.values())

    def is_whole(self, pair: Separators) -> bool:
        """Whether all numbers are whole ones."""
        return self.short and all(value_of(body, pair).isdigit() for body in self.bodies)


def evidence(shapes: Mapping[str, ShapeCount], without: Collection[str] = ()) -> Evidence:
    """Return what shapes say, those left out that have some units.

    >>> found = evidence({"9,999": (2, "6,050"), "999": (1, "574")})
    >>> found.distinct(found.pairs)
    ((',', ''), ('.', ','))
    """
    units: dict[str, int] = {}
    bodies: dict[str, str] = {}
    count, short, brackets = 0, True, False
    pairs = frozenset(PAIRS)
    for shape, (times, value) in shapes.items():
        parts = parts_of(shape)
        if parts is None or parts.unit in without:
            continue
        count += times
        bare_nought = not parts.unit and not parts.body.strip("0.,")
        units[parts.unit] = units.get(parts.unit, 0) + (0 if bare_nought else times)
        bodies.setdefault(parts.body, value)
        allowed = pairs_of(parts.body)
        pairs &= {pair for pair in allowed if not pair[1]} if parts.exponent else allowed
        short &= not parts.exponent and len(parts.body) < 16
        brackets |= parts.brackets
    long = bool(bodies) and all(re.fullmatch(r"9{16,}", body) for body in bodies)
    padded = long or any(re.match(r"0[09]", body) for body in bodies)
    used = {unit: times for unit, times in units.items() if times}
    return Evidence(count, used, pairs, bodies, padded, short, brackets)
