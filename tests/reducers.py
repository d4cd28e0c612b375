"""Two readers, of formulas in LaTeX and in MathML: both give one row of tokens.

A part that is raised, lowered or in a fraction becomes tokens in braces of its own; what only
spaces or groups is left out. `value` works a row of tokens out.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any
from xml.etree import ElementTree as ET

from reading import applied, both, power

# LaTeX

SAME = {
    r"\cdot": "·",
    r"\partial": "∂",
    r"\leq": "≤",
    r"\geq": "≥",
    r"\sum": "∑",
    r"\infty": "∞",
    r"\prime": "′",
    r"\varphi": "φ",
    r"\eta": "η",
    r"\beta": "β",
    r"\gamma": "γ",
    r"\mu": "μ",
    r"\theta": "θ",
    r"\pi": "π",
    r"\sigma": "σ",
    r"\delta": "δ",
    r"\Delta": "Δ",
    r"\Phi": "Φ",
    r"\lvert": "|",
    r"\rvert": "|",
    r"\_": "_",
    "-": "−",
}
SILENT = {r"\left", r"\right", r"\textstyle", r"\\", "&"}
NUMBER = r"\d+(?:\.\d+)?"
TOKEN = re.compile(rf"\\[A-Za-z]+|\\.|{NUMBER}|\S")


def of_latex(text: str) -> list[str]:
    """Return the tokens of a formula in LaTeX; raise for a command that has no equal in MathML."""
    return list(_latex(_Words(text)))


class _Words:
    """Text that is read from the left."""

    def __init__(self, text: str) -> None:
        self.left = text.lstrip()

    def next(self) -> str:
        found = TOKEN.match(self.left)
        assert found, self.left
        self.left = self.left[found.end() :].lstrip()
        return found[0]

    def verbatim(self) -> str:
        """The text of a group in braces, blanks and all."""
        assert self.left[0] == "{"
        text, _, self.left = self.left[1:].partition("}")
        self.left = self.left.lstrip()
        return text

    def group(self) -> list[str]:
        assert self.next() == "{"
        return list(_latex(self, end="}"))


def _latex(words: _Words, end: str = "") -> Iterator[str]:
    while words.left:
        token = words.next()
        if token == end:
            return
        yield from _latex_token(token, words)
    assert not end, "a group is not closed"


def _latex_token(token: str, words: _Words) -> Iterator[str]:
    match token:
        case r"\frac" | r"\tfrac":
            yield from ["frac", "{", *words.group(), "}", "{", *words.group(), "}"]
        case "^" | "_":
            yield from [token, "{", *words.group(), "}"]
        case r"\sqrt" | r"\hat":
            yield from [token[1:], "{", *words.group(), "}"]
        case r"\texttt" | r"\text":
            yield from TOKEN.findall(words.verbatim().replace(r"\_", "_"))
        case r"\mathrm":
            yield words.verbatim()
        case r"\begin" | r"\end":
            if words.verbatim() == "cases" and token == r"\begin":
                yield "cases"
        case "{":
            yield from _latex(words, end="}")
        case _ if token in SILENT:
            pass
        case r"\tanh" | r"\cosh" | r"\cos" | r"\sin" | r"\ln" | r"\max" | r"\min":
            yield token[1:]
        case _ if token.startswith("\\"):
            yield SAME[token]
        case _:
            yield SAME.get(token, token)


# MathML


def of_mathml(text: str) -> list[str]:
    """Return the tokens of a formula in MathML; raise for what is not well formed."""
    return list(_element(ET.fromstring(f"<math>{text}</math>")))


def _element(e: ET.Element) -> Iterator[str]:
    if e.tag == "mtext":
        yield from TOKEN.findall("".join(e.itertext()))
        return
    parts = [list(_element(child)) for child in e]
    match e.tag:
        case "mi" | "mn":
            yield (e.text or "")
        case "mo":
            yield {"{": "cases", "\u2061": ""}.get(e.text or "", e.text or "")
        case "mfrac":
            yield from ["frac", "{", *parts[0], "}", "{", *parts[1], "}"]
        case "msup":
            yield from [*parts[0], "^", "{", *parts[1], "}"]
        case "msub":
            yield from [*parts[0], "_", "{", *parts[1], "}"]
        case "msubsup":
            yield from [*parts[0], "_", "{", *parts[1], "}", "^", "{", *parts[2], "}"]
        case "msqrt":
            yield from ["sqrt", "{", *(token for part in parts for token in part), "}"]
        case "mover":
            yield from ["hat", "{", *parts[0], "}"]
        case "math" | "mrow" | "mtable" | "mtr" | "mtd":
            yield from (token for part in parts for token in part if token)
        case _:
            raise AssertionError(f"{e.tag} is not of MathML Core")


# Working out


NAMES = {"ln", "tanh", "cosh", "cos", "sin", "max", "min", "sgn", "σ", "Φ", "φ"}


def value(tokens: list[str]) -> Any:
    """Return what a row of tokens with figures comes to, by the rules of arithmetic."""
    return _Calculator(tokens).whole()


class _Calculator:
    def __init__(self, tokens: list[str]) -> None:
        self.tokens = [*tokens, ""]

    def whole(self) -> Any:
        result = self.sum()
        assert self.tokens == [""], f"{self.tokens} is left over"
        return result

    def take(self, expected: str = "") -> str:
        token = self.tokens.pop(0)
        assert expected in ("", token), f"{expected!r} must stand where {token!r} does"
        return token

    def sum(self) -> Any:
        result = self.signed()
        while self.tokens[0] in ("+", "−"):
            how = operator.add if self.take() == "+" else operator.sub
            result = both(how, result, self.product())
        return result

    def signed(self) -> Any:
        if self.tokens[0] == "−":
            self.take()
            return -self.product()
        return self.product()

    def product(self) -> Any:
        result = self.power()
        while self.tokens[0] == "·":
            self.take()
            result = both(operator.mul, result, self.power())
        return result

    def power(self) -> Any:
        if self.tokens[:2] == ["e", "^"]:
            del self.tokens[:2]
            return applied("exp", self.enclosed("{", "}"))
        base = self.atom()
        if self.tokens[0] != "^":
            return base
        self.take()
        return power(base, self.enclosed("{", "}"))

    def enclosed(self, opening: str, closing: str) -> Any:
        self.take(opening)
        result = self.sum()
        self.take(closing)
        return result

    def atom(self) -> Any:
        token = self.tokens[0]
        if token == "(":
            return self.enclosed("(", ")")
        if token == "|":
            return abs(self.enclosed("|", "|"))
        self.take()
        if token == "frac":
            above = self.enclosed("{", "}")
            return both(operator.truediv, above, self.enclosed("{", "}"))
        if token == "sqrt":
            return applied("√", self.enclosed("{", "}"))
        if token in NAMES:
            self.take("(")
            arguments = [self.sum()]
            while self.take() == ",":
                arguments.append(self.sum())
            return applied(token, *arguments)
        return Fraction(token)
