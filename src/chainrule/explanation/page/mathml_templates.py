"""Formulas as MathML with holes: what Python writes, and the page puts names and figures in.

A template is `[level, parts]`: how tightly the formula holds together, and text and holes in turn.

| hole | is |
|---|---|
| `[least, quantity]` | its name or its figure, in brackets if that binds less than `least` |
| `[least, ["t", after]]` | the number of a step |
| `[least, cases, all, rows]` | `all` cases, a template, or the value of the one that holds |

Each of the rows is two templates: the value, and the condition with figures put in.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from chainrule.explanation.expressions import Cases, Expression, Quantity, StepNumber
from chainrule.explanation.mathml import MathML
from chainrule.explanation.page.json_formulas import Tree, tree
from chainrule.explanation.typeset import unbroken
from chainrule.explanation.writer import Precedence, Put, Written, WrittenCase

_HOLE = re.compile("\ue000([0-9]+)\ue001")

SHAPES: dict[str, Callable[[MathML], str]] = {
    "number": lambda writer: writer.number("$1"),
    "letter": lambda writer: writer.number("∞").replace("∞", "$1"),
    "minus": lambda writer: writer.minus("$1"),
    "product": lambda writer: unbroken(writer.product(["$1", "$2"])),
    "power": lambda writer: writer.power("$1", "$2"),
    "ratio": lambda writer: writer.ratio("$1", "$2"),
    "brackets": lambda writer: writer.brackets("$1"),
}
"""What figures, ratios and brackets are made of, with $1 and $2 for what is put in."""


def shapes() -> dict[str, str]:
    """Return the shapes as MathML.

    >>> shapes()["minus"]
    '<mo form="prefix">−</mo>$1'
    """
    writer = MathML()
    return {name: make(writer) for name, make in SHAPES.items()}


def template(e: Expression, leaf: Callable[[Quantity], Tree]) -> list[Any]:
    """Return a formula with a hole for each of its quantities.

    >>> from chainrule.explanation.expressions import Number
    >>> from chainrule.explanation.notation import Key
    >>> template(-Quantity(Key("b"), 0.5), lambda quantity: ["q", 7])
    [0, ['<mo form="prefix">−</mo>', [1, ['q', 7]]]]
    """
    return _Template(leaf).template(e)


class _Template(MathML):
    """MathML in which quantities and cases are holes, by their numbers."""

    def __init__(self, leaf: Callable[[Quantity], Tree]) -> None:
        self.leaf = leaf
        self.holes: list[list[Any]] = []

    def template(self, e: Expression) -> list[Any]:
        return self.cut(self.write(e, self.put, chosen=False))

    def cut(self, written: Written) -> list[Any]:
        """Text and holes in turn."""
        parts = _HOLE.split(written.text)
        whole = [self.holes[int(part)] if k % 2 else part for k, part in enumerate(parts)]
        return [int(written.level), [part for part in whole if part != ""]]

    def hole(self, *what: Any) -> Written:
        self.holes.append([int(Precedence.SUM), *what])
        return Written(f"\ue000{len(self.holes) - 1}\ue001", Precedence.SUM)

    def put(self, quantity: Quantity) -> Written:
        return self.hole(self.leaf(quantity))

    def bracketed(self, written: Written, least: Precedence) -> str:
        """A hole takes its brackets when it is filled."""
        if not (found := _HOLE.fullmatch(written.text)):
            return super().bracketed(written, least)
        self.holes[int(found[1])][0] = int(least)
        return written.text

    def write(self, e: Expression, put: Put, *, chosen: bool) -> Written:
        if isinstance(e, StepNumber):
            return self.hole(tree(e, self.leaf))
        if not isinstance(e, Cases):
            return super().write(e, put, chosen=chosen)
        every = self.cut(super().write(e, put, chosen=False))
        rows = [[self.template(value), self._condition(c)] for value, c in e.rows]
        return self.hole(tree(e, self.leaf), every, rows)

    def _condition(self, c: Any) -> list[Any]:
        left, right = (self.write(side, self.put, chosen=True).text for side in (c.left, c.right))
        return self.cut(Written(self.cases([WrittenCase("", left, c.sign, right)]), Precedence.SUM))
