"""Of what the figures of a place in a text are: after how many updates, and of which example.

A phrase such as "after 10,000 rounds" or "example 2" holds from the beginning of its sentence to
the end of the paragraph, and of the next one where a colon ends it; in a heading to the next one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from chainrule.diagnosis.text_marks import HEADING, PARAGRAPH

UNSAID = 0
"""After how many updates, where a text says only "after training"."""

_COUNTS = {"one": 1, "first": 1, "two": 2, "second": 2, "three": 3, "third": 3, "ten": 10}
_DIGITS = r"\d{1,3}(?:[, ]\d{3}){1,4}|\d{1,15}"
_N = rf"({_DIGITS}|{'|'.join(_COUNTS)})(?:st|nd|rd|th)?"
_AFTER = re.compile(
    rf"\b(?:after|repeat\w*)\b[^.!?:;{PARAGRAPH}{HEADING}]{{0,60}}?(?<![\w.]){_N}\s+(?:\w+\s+)?"
    r"(?:rounds?|iterations?|epochs?|steps?|updates?|passes|times|trainings?)\b",
    re.IGNORECASE,
)
_ALONE = re.compile(rf"\bafter\s+{_N}\s*$", re.IGNORECASE)
_TRAINED = re.compile(
    r"\b(?:after|once)\s+(?:the\s+)?(?:training|trained|many|several|some|enough|thousands)\b",
    re.IGNORECASE,
)
_EXAMPLE = re.compile(
    rf"\bexample\s+({_DIGITS})\b|\b(first|second|third)\s+example\b", re.IGNORECASE
)
_STOP = re.compile(rf"[.!?](?=\s|$)|[{PARAGRAPH}{HEADING}]")
_BETWEEN = re.compile(rf"[{PARAGRAPH}\s]*")

LONGEST = 2000
"""How far back the beginning of a sentence is looked for."""

Span = tuple[int, int, int]
"""From where to where a phrase holds, and its number."""


class Scope(NamedTuple):
    """After how many updates, and of which example; None where it is left open."""

    after: int | None = None
    example: int | None = None


class Scopes:
    """The phrases of a text.

    Parameters
    ----------
    text
        The text in the plain form.

    Examples
    --------
    >>> Scopes("After 10,000 rounds, E is small.").at(22)
    Scope(after=10000, example=None)
    """

    def __init__(self, text: str) -> None:
        self._after = sorted([*_spans(text, _AFTER), *_spans(text, _TRAINED)])
        self._example = list(_spans(text, _EXAMPLE))

    def at(self, i: int, header: str = "") -> Scope:
        """Return of what the figures at a place are, or below a header there.

        Parameters
        ----------
        i, header
            The place in the text, and the header's text, which may say so itself.
        """
        said = _AFTER.search(header) or _ALONE.search(header)
        after = _number(said) if said else _within(self._after, i)
        return Scope(after, _within(self._example, i))


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Yield where each sentence begins and ends.

    >>> list(sentences("It is. So."))
    [(0, 5), (6, 9), (10, 10)]
    """
    start = 0
    for stop in _STOP.finditer(text):
        yield start, stop.start()
        start = stop.end()
    yield start, len(text)


def _spans(text: str, pattern: re.Pattern[str]) -> Iterator[Span]:
    for found in pattern.finditer(text):
        first = max(0, found.start() - LONGEST)
        stops = [stop.end() for stop in _STOP.finditer(text, first, found.start())]
        start = stops[-1] if stops else first
        end = _end(text, PARAGRAPH + HEADING, found.end())
        if start and text[start - 1] == HEADING:
            end = _end(text, HEADING, found.end())
        elif text[max(0, end - 80) : end].rstrip().endswith(":"):
            behind = _BETWEEN.match(text, end)
            end = _end(text, PARAGRAPH + HEADING, behind.end() if behind else end)
        yield start, end, _number(found)


def _number(found: re.Match[str]) -> int:
    said = next(filter(None, found.groups()), "0")
    return _COUNTS.get(said.lower()) or int(re.sub(r"\D", "", said))


def _end(text: str, marks: str, i: int) -> int:
    found = re.compile(f"[{marks}]").search(text, i)
    return found.start() if found else len(text)


def _within(spans: list[Span], i: int) -> int | None:
    """The number of the last phrase before a place that still holds there."""
    return next((number for start, end, number in reversed(spans) if start <= i < end), None)
