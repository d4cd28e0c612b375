"""What LaTeX and MathML share: how a name falls into letters, words and signs."""

from __future__ import annotations

import abc
import re
from collections.abc import Iterator

from chainrule.explanation.notation import Name, Ratio
from chainrule.explanation.writer import Line, Precedence, Writer, Written

BREAK = "\n"
"""Where a line may be broken: between the terms of a sum that nothing encloses."""

WEAK = "\t"
"""Where a term that is too long for a line may be broken."""

_PIECES = re.compile(r"[A-Za-z][²′]|[A-Za-z][A-Za-z0-9]+|[0-9.]+|[^\s\\]")


class Typeset(Writer):
    """Formulas with fractions, raised and lowered parts."""

    fractions = True

    # What each format says

    @abc.abstractmethod
    def words(self, text: str) -> str:
        """Write words within a formula."""

    @abc.abstractmethod
    def code(self, text: str) -> str:
        """Write a name of a program."""

    @abc.abstractmethod
    def sign(self, text: str) -> str:
        """Write a letter, a word or a sign of a name."""

    @abc.abstractmethod
    def hat(self, text: str) -> str:
        """Write a letter with a hat."""

    @abc.abstractmethod
    def scripts(self, base: str, sub: str, sup: str) -> str:
        """Write what stands below and above; "" for nothing."""

    # What they share

    def named(self, name: Name | Ratio) -> Written:
        """Write a name; one with something above it takes brackets before a power."""
        text, level = super().named(name)
        raised = isinstance(name, Name) and name.sup
        return Written(text, Precedence.POWER if raised else level)

    def name(self, name: Name) -> str:
        if name.code:
            return self.code(name.base)
        if " " in name.base and not name.base.startswith("Σ"):
            return self.words(name.base)
        letter, _, index = name.base.partition("_")
        base = self.hat(self.pieces(letter)) if name.hat else self.pieces(letter)
        sub, sup = self.pieces(name.sub or index), self.pieces(name.sup.removesuffix("+"))
        plus = self.pieces("+") if name.sup.endswith("+") else ""
        if sup and plus:
            return self.scripts(self.scripts(base, sub, sup), "", plus)
        return self.scripts(base, sub, sup or plus)

    def pieces(self, text: str) -> str:
        """Write letters, words, numbers and signs one after the other."""
        return "".join(map(self._piece, _PIECES.findall(text)))

    def _piece(self, text: str) -> str:
        if text[0].isdigit():
            return self.number(text)
        if text[-1] in "²′":
            raised = self.number("2") if text[-1] == "²" else self.sign("′")
            return self.scripts(self.sign(text[0]), "", raised)
        return self.sign(text)


def unbroken(text: str) -> str:
    r"""Return a formula that must stay on one line.

    >>> unbroken("a\n+ b")
    'a + b'
    """
    return text.replace(BREAK, " ").replace(WEAK, " ")


def equals(line: Line) -> Iterator[tuple[str, str]]:
    """Yield what a line's symbol equals, one after the other: a sign and a formula.

    >>> list(equals(Line("δ", "2 · a", "2 · 3", "6", "", False)))
    [('=', '2 · a'), ('=', '2 · 3'), ('=', '6')]
    """
    yield from (("=", part) for part in (line.formula, line.numbers) if part)
    if line.result:
        yield "≈" if line.rounded else "=", line.result


def remarks(line: Line) -> list[str]:
    """Return what a line has to say in words.

    >>> remarks(Line("δ", "2 · a", "2 · 3", "6", "∂C/∂z", True))
    ['∂C/∂z', 'rounded']
    """
    return [text for text in (line.note, "rounded" if line.rounded else "") if text]
