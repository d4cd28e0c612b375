"""Reading back what an explanation prints as text: its lines, its formulas, its figures.

Nothing here is the library's: the grammar is that of a reader with a calculator.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from typing import Any, NamedTuple

import mpmath

mp = mpmath.MPContext()
mp.dps = 420  # 1 + e^−700 is not 1

UPPER = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
TOKEN = re.compile(r"\s*(\d+(?:\.\d+)?|[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+|[A-Za-zσΦφ]+|[½√+−·/^()|,])")
FIGURE = re.compile(r"(\d+(?:\.\d+)?)(?: · 10([⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+))?")
FUNCTIONS = {
    "ln": mp.log,
    "√": mp.sqrt,
    "tanh": mp.tanh,
    "cosh": mp.cosh,
    "sgn": mp.sign,
    "max": max,
    "min": min,
    "σ": lambda x: 1 / (1 + mp.exp(-x)),
    "Φ": mp.ncdf,
    "φ": mp.npdf,
}


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
            value = value + self.product() if sign == "+" else value - self.product()
        return value

    def product(self) -> Any:
        value = self.power()
        while sign := self.next("·", "/"):
            value = value * self.power() if sign == "·" else value / self.power()
        return value

    def power(self) -> Any:
        value = self.atom()
        if self.next("^"):
            self.must("(")
            value = value ** self.sum()
            self.must(")")
        elif self.tokens[0][:1] in "⁰¹²³⁴⁵⁶⁷⁸⁹⁻" and self.tokens[0]:
            value = value ** int(self.tokens.pop(0).translate(UPPER))
        return value

    def atom(self) -> Any:
        token = self.tokens.pop(0)
        if token[:1].isdecimal():
            return mp.mpf(token)
        if token in ("½", "e"):
            return mp.mpf("0.5") if token == "½" else mp.e
        if token in ("(", "|"):
            value = self.sum()
            self.must(")" if token == "(" else "|")
            return abs(value) if token == "|" else value
        if token not in FUNCTIONS:
            raise ValueError(f"no number or function: {token!r}")
        self.must("(")
        arguments = [self.sum()]
        while self.next(","):
            arguments.append(self.sum())
        self.must(")")
        return FUNCTIONS[token](*arguments)


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


def rounded(value: Any, to: int, way: str = ROUND_HALF_EVEN) -> Decimal:
    """Return a number, exact where it is a float, rounded to significant digits."""
    exact = Decimal(value) if isinstance(value, float) else Decimal(mp.nstr(value, 60))
    return Context(prec=to, rounding=way).plus(exact)


def agrees(numbers: str, result: str, to: int) -> bool:
    """Whether a formula of numbers gives a result, however one rounds the half between two."""
    got, wanted = read(numbers), rounded(read(result), to)
    return all(rounded(got, to, way) == wanted for way in (ROUND_HALF_UP, ROUND_HALF_DOWN))
