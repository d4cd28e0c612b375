"""What `lint` returns: each figure and formula of a text, right or not."""

from __future__ import annotations

import textwrap
from dataclasses import asdict, dataclass
from typing import Any

RIGHT, ROUNDED, WRONG, UNKNOWN = "right", "rounding slip", "wrong", "not understood"


@dataclass(frozen=True)
class TextFigure:
    """A figure, a formula or a wording of a text.

    Parameters
    ----------
    name
        Its name as the text has it, without marks; "" where it has none that is understood.
    printed
        The figure, or the formula, as it is printed.
    verdict
        "right", "rounding slip", "wrong" or "not understood".
    right
        The right value; None of a wording and of what is not understood.
    mistake
        What gives what is printed, or "".
    kind
        "figure", "formula" or "wording".
    place
        Where it stands, such as "tutorial.md:3".
    """

    name: str
    printed: str
    verdict: str
    right: float | None = None
    mistake: str = ""
    kind: str = "figure"
    place: str = ""

    @property
    def sentence(self) -> str:
        """It in a line, with what is right."""
        said = f"{self.name} = {self.printed}" if self.name else self.printed
        if self.verdict == UNKNOWN:
            return f"{self.place}: {said}; not understood."
        right = "" if self.right is None else f" right is {self.right:.12g};"
        slip = self.verdict == ROUNDED and "round" not in self.mistake
        mistake = "a rounding slip: " * slip + (self.mistake or "no known mistake gives it")
        return f"{self.place}: {said};{right} {mistake}."


@dataclass(frozen=True)
class TextReport:
    """What is found in a text; `print` writes it in lines.

    Parameters
    ----------
    figures
        Every figure, formula and wording that was found, in the order of the text.
    unnamed
        How many figures with a point stand by themselves: no name is tied to them.
    """

    figures: tuple[TextFigure, ...]
    unnamed: int

    @property
    def right(self) -> bool:
        """Whether nothing is wrong and nothing a slip."""
        return not self.of(WRONG, ROUNDED)

    def of(self, *verdicts: str, kind: str | None = None) -> list[TextFigure]:
        """Return those of some verdicts.

        Parameters
        ----------
        *verdicts
            Which.
        kind
            Of which kind; None is every.
        """
        return [f for f in self.figures if f.verdict in verdicts and kind in (None, f.kind)]

    @property
    def counts(self) -> dict[str, int]:
        """How many there are of each verdict, and how many figures have no name."""
        counted = {verdict: len(self.of(verdict)) for verdict in (RIGHT, ROUNDED, WRONG, UNKNOWN)}
        return counted | {"without a name": self.unnamed}

    @property
    def summary(self) -> str:
        """How many were found, and how they are."""
        known = [f.kind for f in self.of(RIGHT, ROUNDED, WRONG)]
        words = ("figure", "figures"), ("formula", "formulas"), ("wording", "wordings")
        kinds = [
            f"{count:,} {several if count != 1 else one}"
            for one, several in words
            if (count := known.count(one))
        ]
        n = self.counts
        said = "No figure or formula of this network's quantities was found"
        if kinds:
            slips = f"{n[ROUNDED]} rounding slip{'s' * (n[ROUNDED] != 1)}"
            said = f"{', '.join(kinds)}: {n[RIGHT]} right, {slips}, {n[WRONG]} wrong"
        left = [f"{n[what]:,} {what}" for what in (UNKNOWN, "without a name") if n[what]]
        return f"{said}{'; skipped: ' + ', '.join(left) if left else ''}."

    def text(self, *, unknown: bool = False, width: int = 80) -> str:
        """Return a line for each that is not right, and a summary.

        Parameters
        ----------
        unknown
            Whether those that are not understood have lines too.
        width
            How many columns a line has at most.
        """
        shown = self.of(WRONG, ROUNDED, *[UNKNOWN] * unknown)
        rows = [*(figure.sentence for figure in shown), self.summary]
        return "".join(
            textwrap.fill(
                row, width, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False
            )
            + "\n"
            for row in rows
        )

    def as_dict(self, *, unknown: bool = False) -> dict[str, Any]:
        """Return it as dictionaries and lists of text and numbers, for JSON.

        Parameters
        ----------
        unknown
            Whether those that are not understood are listed too.
        """
        listed = self.of(RIGHT, ROUNDED, WRONG, *[UNKNOWN] * unknown)
        return {
            "right": self.right,
            "counts": self.counts,
            "figures": [asdict(figure) for figure in listed],
        }

    def __str__(self) -> str:
        return self.text().rstrip("\n")
