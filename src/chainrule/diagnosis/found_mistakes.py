"""What `find_mistake` returns: each figure, right or not, and the mistakes that give them."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any

from chainrule.diagnosis.mistake import Mistake

SHOWN = 8
"""How many findings are written."""


@dataclass(frozen=True)
class Finding:
    """A mistake, or two together, that give the figures.

    Parameters
    ----------
    mistakes
        The rows of the catalogue: one, or two.
    """

    mistakes: tuple[Mistake, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the mistakes."""
        return tuple(mistake.name for mistake in self.mistakes)

    @property
    def sentence(self) -> str:
        """What was done, and what to do."""
        done = "; and ".join(mistake.sentence for mistake in self.mistakes)
        fix = "; and ".join(mistake.fix for mistake in self.mistakes)
        return f"{done}. To mend it: {fix}."


@dataclass(frozen=True)
class Figure:
    """A figure that somebody computed.

    Parameters
    ----------
    name
        The name of its quantity.
    printed
        The figure as it was given.
    right
        The right value.
    is_right
        Whether the right value, rounded, is the figure.
    findings
        What gives this figure by itself, where nothing gives all.
    """

    name: str
    printed: str
    right: float
    is_right: bool
    findings: tuple[Finding, ...] = ()

    @property
    def sentence(self) -> str:
        """Whether it is right, and what is."""
        said = f"{self.name} = {self.printed} is "
        return said + ("right." if self.is_right else f"not right: it is {self.right:.12g}.")


@dataclass(frozen=True)
class FoundMistakes:
    """What gives the figures that somebody computed; `print` writes it in sentences.

    Parameters
    ----------
    figures
        Each figure, in the order given.
    findings
        The mistakes that give every printed digit of every figure: single ones, or else pairs, the
        commonest first.
    tried_pairs
        Whether pairs were tried where none alone fits.
    """

    figures: tuple[Figure, ...]
    findings: tuple[Finding, ...]
    tried_pairs: bool

    @property
    def right(self) -> bool:
        """Whether every figure is right."""
        return all(figure.is_right for figure in self.figures)

    @property
    def names(self) -> tuple[tuple[str, ...], ...]:
        """The names of the mistakes of each finding."""
        return tuple(finding.names for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """Return it as dictionaries and lists of text and numbers, for JSON."""

        def found(findings: tuple[Finding, ...]) -> list[Any]:
            return [
                [
                    {"mistake": m.name, "sentence": m.sentence, "fix": m.fix}
                    for m in finding.mistakes
                ]
                for finding in findings
            ]

        return {
            "right": self.right,
            "figures": [
                {
                    "name": each.name,
                    "printed": each.printed,
                    "right": each.right,
                    "is_right": each.is_right,
                    "findings": found(each.findings),
                }
                for each in self.figures
            ],
            "findings": found(self.findings),
            "tried_pairs": self.tried_pairs,
        }

    def text(self, width: int = 80) -> str:
        """Return it in sentences.

        Parameters
        ----------
        width
            How many columns a line has at most.
        """
        rows = [figure.sentence for figure in self.figures]
        if self.right:
            rows += ["", "Every figure is right to its last printed digit."]
        elif self.findings:
            rows += ["", *_listed(self.findings, "every figure" if len(rows) > 1 else "it")]
        else:
            rows += ["", self._none()]
            for figure in self.figures:
                if figure.findings:
                    rows += ["", f"By itself, {figure.name} = {figure.printed}:"]
                    rows += _listed(figure.findings, "it")
        return "\n".join(line for row in rows for line in _wrapped(row, width)) + "\n"

    def _none(self) -> str:
        """Say what was tried."""
        tried = "alone or with another, " if self.tried_pairs else "alone, "
        what = "all of these figures" if len(self.figures) > 1 else "this figure"
        return f"No known mistake, {tried}gives every printed digit of {what}."

    def __str__(self) -> str:
        return self.text().rstrip("\n")


def _listed(findings: tuple[Finding, ...], what: str) -> list[str]:
    """The findings as rows."""
    if len(findings) == 1:
        one = findings[0]
        mistakes = "A known mistake gives" if len(one.mistakes) == 1 else "Two known mistakes give"
        return [f"{mistakes} {what}: {one.sentence}"]
    each = "each of these" if len(findings[0].mistakes) == 1 else "each of these pairs"
    rows = [f"Known mistakes: {each} gives {what}, and the figures cannot tell them apart."]
    rows += [f"- {finding.sentence}" for finding in findings[:SHOWN]]
    more = [", with ".join(finding.names) for finding in findings[SHOWN:]]
    if more:
        rows.append(f"- and {len(more)} more: {'; '.join(more)}.")
    return rows


def _wrapped(row: str, width: int) -> list[str]:
    indent = "  " if row.startswith("- ") else ""
    return textwrap.wrap(row, width, subsequent_indent=indent, break_on_hyphens=False) or [""]
