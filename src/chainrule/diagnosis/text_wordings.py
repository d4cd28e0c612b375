"""Slips of words and signs that no figure shows: the error's sign, and a mean that is a sum."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from chainrule.diagnosis.text_marks import HEADING, PARAGRAPH, Lines

_A = r"(?:actual|output|out|predicted|prediction|computed)(?:_\{?[ho]?\d\}?)?"
_Y = r"(?:desired|target|expected|ideal|true|correct)(?:_\{?o?\d\}?)?"
_NOUN = r"(?:\s+(?:output|value|result|answer))?"
_A_MINUS_Y = re.compile(rf"\berror\s*=\s*\(?\s*{_A}{_NOUN}\s*-\s*{_Y}\b", re.IGNORECASE)
_Y_MINUS_A = re.compile(rf"\b{_Y}{_NOUN}\s*-\s*{_A}(?![A-Za-z])", re.IGNORECASE)
_MSE = r"\b(?:MSE|mean[- ]squared?[- ]error)\b"
_CALLED_MEAN = re.compile(
    rf"{_MSE}[^=.;\n{PARAGRAPH}{HEADING}]{{0,30}}?(?:=|\bis\b)"
    rf"([^.,;\n{PARAGRAPH}{HEADING}]*)"
    rf"|([^.,;=\n{PARAGRAPH}{HEADING}]{{0,60}}Σ[^.;=\n{PARAGRAPH}{HEADING}]{{0,60}}?)"
    rf"(?:[,(]|\bis\b|\bcalled\b)\s*(?:the\s+)?{_MSE}",
    re.IGNORECASE,
)
_SUM = re.compile(r"Σ|\bsum\b", re.IGNORECASE)
_DIVIDED = re.compile(r"/|\b(?:mean|average|divided)\b", re.IGNORECASE)


class Wording(NamedTuple):
    """A slip: where it stands, what is written, and what is wrong with it."""

    start: int
    text: str
    mistake: str


def wordings(text: str, lines: Lines) -> Iterator[Wording]:
    """Yield the slips of a text in the plain form.

    >>> text = "MSE = Σ(a - y)^2, as we know."
    >>> [slip.text for slip in wordings(text, Lines(text))]
    ['MSE = Σ(a - y)^2']
    """
    if reverse := _Y_MINUS_A.search(text):
        other = f"{_short(reverse[0])}, on line {lines.number(reverse.start())}"
        for found in _A_MINUS_Y.finditer(text):
            yield Wording(
                found.start(),
                _short(found[0]),
                f"the sign is the other way round in {other}. To mend it: take one of the two in "
                "the whole text",
            )
    for found in _CALLED_MEAN.finditer(text):
        formula = found[1] or found[2] or ""
        if _SUM.search(formula) and not _DIVIDED.search(formula):
            yield Wording(
                found.start(),
                _short(found[0]),
                "a mean squared error is divided by the number of its terms, and this is a sum. To "
                "mend it: divide by it, or call it the sum of the squares",
            )


def _short(text: str) -> str:
    """A text on one line, without marks."""
    return re.sub(r"[\s\x1a-\x1f]+", " ", text).strip()
