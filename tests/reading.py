"""Reading back what an explanation prints as text: its lines, its formulas, its figures.

Nothing here is the library's: the grammar is that of a reader with a calculator. What is worked
out with + − · / and whole powers alone is a fraction, and so exact; what a function gives is a
number of 420 digits, which is never taken for 0: that takes a function at a point where it is a
fraction, such as ln 1.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import mpmath

mp = mpmath.MPContext()
mp.dps = 420  # 1 + e^−700 is not 1

MOST = 1000  # what a fraction is raised to, at most

UPPER = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
TOKEN = re.compile(r"\s*(\d+(?:\.\d+)?|[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+|[A-Za-zσΦφ]+|[½√+−·/^()|,])")
FIGURE = re.compile(r"(\d+(?:\.\d+)?)(?: · 10([⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+))?")
FUNCTIONS = {
    "exp": mp.exp,
    "ln": mp.log,
    "√": mp.sqrt,
    "tanh": mp.tanh,
    "cosh": mp.cosh,
    "sin": mp.sin,
    "cos": mp.cos,
    "σ": lambda x: 1 / (1 + mp.exp(-x)),
    "Φ": lambda x: mp.erfc(-x / mp.sqrt(2)) / 2 if abs(x) < 1e9 else mp.mpf(x > 0),
    "φ": lambda x: mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi),
}
AT_POINTS = {
    **{(name, Fraction(0)): Fraction(0) for name in ("√", "tanh", "sin")},
    **{(name, Fraction(0)): Fraction(1) for name in ("exp", "cosh", "cos")},
    **{(name, Fraction(0)): Fraction(1, 2) for name in ("σ", "Φ")},
    ("ln", Fraction(1)): Fraction(0),
    ("√", Fraction(1)): Fraction(1),
}
CHOICES: dict[str, Callable[..., Any]] = {
    "max": max,
    "min": min,
    "sgn": lambda x: Fraction((x > 0) - (x < 0)),
}


def wide(x: Any) -> Any:
    """A fraction as a number of many digits."""
    return mp.mpf(x.numerator) / x.denominator if isinstance(x, Fraction) else x


def exact(*x: Any) -> list[Fraction]:
    return [each for each in x if isinstance(each, Fraction)]


def both(how: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    """What two numbers give: of two fractions a fraction."""
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return how(a, b)
    if (how is operator.mul and 0 in exact(a, b)) or (how is operator.truediv and 0 in exact(a)):
        return Fraction(0)
    return how(wide(a), wide(b))


def power(base: Any, exponent: Any) -> Any:
    whole = isinstance(exponent, Fraction) and exponent.denominator == 1
    if whole and isinstance(base, Fraction) and abs(exponent) <= MOST:
        return base**exponent
    return wide(base) ** wide(exponent)


def applied(name: str, *x: Any) -> Any:
    """A function of numbers."""
    if name in CHOICES:
        return CHOICES[name](*(map(wide, x) if len(set(map(type, x))) > 1 else x))
    if isinstance(x[0], Fraction) and (name, x[0]) in AT_POINTS:
        return AT_POINTS[name, x[0]]
    return FUNCTIONS[name](*map(wide, x))


class _Reader:
    """Recursive descent: a sum of products of powers; · and / from left to right."""

    def __init__(self, text: str) -> None:
        self.tokens, place = [], 0
        while place < len(text.rstrip()):
            found = TOKEN.match(text, place)
            if not found:
                raise ValueError(f"no formula of numbers: {text!r}")
            self.tokens.append(found[1])
            place = found.end()
        self.tokens.append("")

    def next(self, *wanted: str) -> str:
        """Take the next token, if it is one of those wanted."""
        return self.tokens.pop(0) if self.tokens[0] in wanted else ""

    def must(self, token: str) -> None:
        if not self.next(token):
            raise ValueError(f"expected {token!r} before {' '.join(self.tokens)!r}")

    def sum(self) -> Any:
        value = -self.product() if self.next("−") else self.product()
        while sign := self.next("+", "−"):
            value = both(operator.add if sign == "+" else operator.sub, value, self.product())
        return value

    def product(self) -> Any:
        value = self.power()
        while sign := self.next("·", "/"):
            value = both(operator.mul if sign == "·" else operator.truediv, value, self.power())
        return value

    def power(self) -> Any:
        if self.next("e"):
            exponent = self.exponent()
            return applied("exp", Fraction(1) if exponent is None else exponent)
        value = self.atom()
        exponent = self.exponent()
        return value if exponent is None else power(value, exponent)

    def exponent(self) -> Any:
        if self.next("^"):
            self.must("(")
            value = self.sum()
            self.must(")")
            return value
        if self.tokens[0][:1] in "⁰¹²³⁴⁵⁶⁷⁸⁹⁻" and self.tokens[0]:
            return Fraction(int(self.tokens.pop(0).translate(UPPER)))
        return None

    def atom(self) -> Any:
        token = self.tokens.pop(0)
        if token[:1].isdecimal():
            return Fraction(token)
        if token == "½":
            return Fraction(1, 2)
        if token in ("(", "|"):
            value = self.sum()
            self.must(")" if token == "(" else "|")
            return abs(value) if token == "|" else value
        if token not in {**FUNCTIONS, **CHOICES}:
            raise ValueError(f"no number or function: {token!r}")
        self.must("(")
        arguments = [self.sum()]
        while self.next(","):
            arguments.append(self.sum())
        self.must(")")
        return applied(token, *arguments)


def read(text: str) -> Any:
    """Return the value of a formula of numbers; raise ValueError where it is none."""
    reader = _Reader(text)
    value = reader.sum()
    if reader.tokens != [""]:
        raise ValueError(f"more than a formula: {' '.join(reader.tokens)!r}")
    return value


def holds(condition: str) -> bool:
    """Whether a condition of numbers such as 0.5 > 0 holds."""
    left, sign, right = re.split(r" ([<>=≤≥]) ", condition)
    a, b = read(left), read(right)
    return {"<": a < b, ">": a > b, "=": a == b, "≤": a <= b, "≥": a >= b}[sign]


class Printed(NamedTuple):
    """The rows of one step as they are printed."""

    symbol: str
    formula: str
    numbers: str
    result: str
    remark: str

    @property
    def rounded(self) -> bool:
        return self.remark.endswith("rounded")

    @property
    def condition(self) -> str:
        """The case that holds, where there are several."""
        found = re.match(r"for ([^;]*[<>=≤≥][^;]*)", self.remark)
        return found[1] if found else ""


def steps(text: str) -> list[Printed]:
    """Return the steps of a text whose rows are not wrapped."""
    found: list[list[str]] = []
    for row in text.splitlines()[1:]:
        if re.match(r"  \S", row) and not row.startswith(("  ×", "  (")):
            found.append([row.strip()])
        elif row.startswith("   "):
            found[-1].append(row.strip())
    return [_printed(rows) for rows in found]


def _printed(rows: list[str]) -> Printed:
    symbol, _, first = re.split(r" ([=≈]) ", rows[0], maxsplit=1)
    *formulas, last = [first, *(re.sub(r"^[=≈] ", "", row) for row in rows[1:])]
    result, _, remark = last.partition("   (")
    formula, numbers, *none = [*formulas, "", ""]
    assert not any(none)
    return Printed(symbol, formula, numbers, result, remark.removesuffix(")"))


def figures(text: str) -> list[Decimal]:
    """Return the figures of a formula of numbers, without their signs."""
    return [
        Decimal(mantissa).scaleb(int(power.translate(UPPER)) if power else 0)
        for mantissa, power in FIGURE.findall(text)
    ]


def digits(figure: str) -> int:
    """Return how many significant digits a printed figure has."""
    mantissa = figure.lstrip("−").partition(" ")[0]
    return len(mantissa.replace(".", "").lstrip("0"))


def rounded(value: float | Fraction, to: int) -> Decimal:
    """Return an exact number rounded to significant digits."""
    context = Context(prec=to, rounding=ROUND_HALF_EVEN)
    above, below = Fraction(value).as_integer_ratio()
    return context.divide(Decimal(above), Decimal(below))


def agrees(numbers: str, result: str, to: int) -> bool:
    """Whether a formula of numbers gives a result."""
    return gives(read(numbers), read(result), to)


def gives(got: Any, wanted: Fraction, to: int) -> bool:
    """Whether a number is rounded to another one, however one rounds the half between two.

    It lies nearer than half a unit of the last digit, which below a power of ten is a tenth of that
    above it. Only an exact 0 is 0.
    """
    if not wanted:
        return isinstance(got, Fraction) and not got
    if (got > 0) != (wanted > 0):
        return False
    size, power = abs(wanted), _power(wanted)
    unit = Fraction(10) ** (power - to + 1)
    lower = unit / 10 if size == Fraction(10) ** power else unit
    away = both(operator.sub, abs(got), size)
    return bool(wide(-lower / 2) < wide(away) < wide(unit / 2))


def _power(x: Fraction) -> int:
    """The power of ten of the first digit."""
    above, below = abs(x).as_integer_ratio()
    return Context(prec=30).divide(Decimal(above), Decimal(below)).adjusted()
