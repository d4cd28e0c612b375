"""What `explain` returns: the working of a derivative, in every form."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from chainrule import losses
from chainrule.explanation.derivation_steps import Derivation, Part, Step
from chainrule.explanation.escaping import plain
from chainrule.explanation.expressions import Quantity, walk
from chainrule.explanation.notation import (
    COST,
    Key,
    Name,
    Notation,
    Ratio,
    derivative,
    name_of,
    notation,
)
from chainrule.explanation.printed_digits import DIGITS, figure
from chainrule.explanation.text import Text, legend_text, line_text, note_text
from chainrule.explanation.writer import Line, Writer, write_step
from chainrule.html_page.notebook_part import Page
from chainrule.layers.layer_words import in_words


class View(NamedTuple):
    """A step in the words of a convention: symbol, formula, the numbers put in, value, note."""

    symbol: str
    formula: str
    numbers: str
    result: str
    value: float
    note: str
    rounded: bool


class Label(NamedTuple):
    """A name that the user gave, the symbol that stands for it, and its value or ""."""

    name: str
    symbol: str
    value: str


class Sentence(NamedTuple):
    """A formula, and the words around it."""

    before: str
    formula: str
    after: str


@dataclass(frozen=True)
class Explanation:
    """The working of a derivative: a tree of steps, and the forms in which it is written.

    Parameters
    ----------
    derivation
        The tree itself: parts, each of steps with their formulas.
    notation
        The name of the convention.
    digits
        The significant digits of every figure, or None: as many as the line needs.
    about
        Which step of a training it is, or "".
    """

    derivation: Derivation
    notation: str = "mazur"
    digits: int | None = None
    about: str = ""

    # The steps as data

    @property
    def convention(self) -> Notation:
        """The convention."""
        return notation(self.notation)

    @property
    def steps(self) -> list[View]:
        """Every step, in the order in which they are written."""
        return [self._view(step) for step in self.derivation.steps()]

    def _view(self, step: Step) -> View:
        line = self.line(step, Text())
        return View(*line[:4], step.value, line.note, line.rounded)

    def line(self, step: Step, writer: Writer) -> Line:
        """Return a step as a format writes it.

        Parameters
        ----------
        step
            The step.
        writer
            The format.
        """
        d = self.derivation
        return write_step(step, writer, d.at, self.convention, self.digits)

    def written(self, writer: Writer) -> Iterator[tuple[Part, list[Line]]]:
        """Yield each part with its lines as a format writes them.

        Parameters
        ----------
        writer
            The format.
        """
        for part in self.derivation.parts:
            yield part, [self.line(s, writer) for step in part.steps for s in step.walk()]

    # What stands above and below them

    def symbol(self, writer: Writer) -> str:
        """Return what is explained.

        Parameters
        ----------
        writer
            The format.
        """
        d = self.derivation
        if d.subject.kind == "all":
            return writer.name(Name("every weight and bias"))
        key = COST if d.subject == COST else derivative(d.of, d.subject)
        return writer.named(self.name(key)).text

    def name(self, key: Key) -> Name | Ratio:
        """Return what the convention calls a quantity.

        Parameters
        ----------
        key
            The key of the quantity.
        """
        return name_of(key, self.derivation.at, self.convention)

    @property
    def network(self) -> str:
        """The network in one line."""
        d = self.derivation
        words = [place.layer.words(place.inputs) for place in d.at.layers]
        loss = str(losses.loss(d.net.loss)) if d.of == COST else ""
        if all(word.are_units for word in words):
            sizes = "-".join(map(str, d.at.widths))
            kinds = " and ".join(dict.fromkeys(word.function for word in words))
            return f"network {sizes}, {kinds}{loss and f', {loss}'}"
        layers = ", ".join(word.short for word in in_words(d.net.layers, d.net.inputs))
        of = "1 input" if d.net.inputs == 1 else f"{d.net.inputs} inputs"
        return f"network of {of}: {layers}{loss and f'; {loss}'}"

    @property
    def examples(self) -> str:
        """Which step and which of several examples are worked out; "" of one."""
        d = self.derivation
        n, titles = len(d.data.X), "\n".join(part.title for part in d.parts)
        worked = len(set(re.findall(r" of (example \d+)$", titles, re.MULTILINE)))
        if n == 1:
            return self.about
        verb = "are" if 1 < worked < n else "is"
        if d.of == COST:
            which = "each" if worked == n else f"the {worked} that give most to it"
            whole = d.net.reduction
            sentence = (
                f"The {whole} over {n} examples: {which} {verb} worked out, and then the {whole}."
            )
        else:
            which = "each" if worked == n else f"{worked}"
            sentence = f"Of {n} examples, {which} {verb} worked out."
        return f"{self.about} {sentence}".lstrip()

    @property
    def closing(self) -> list[str]:
        """What to know when comparing with another text: the factor between the losses."""
        sentences = map("".join, self.comparison(Text()))
        return [f"  {sentence}" if k else sentence for k, sentence in enumerate(sentences)]

    def comparison(self, writer: Writer) -> list[Sentence]:
        """Return the closing sentences as a format writes their formulas.

        Parameters
        ----------
        writer
            The format.
        """
        return comparison(self, writer)

    def legend(self, writer: Writer) -> list[Label]:
        """Return the user's names of the inputs and outputs that the working has.

        Each has its symbol and, of one example, its value.

        Parameters
        ----------
        writer
            The format.
        """
        d, single = self.derivation, len(self.derivation.data.X) == 1
        values = _values(d) if d.labels else {}
        return [
            Label(
                name,
                writer.named(self.name(key)).text,
                writer.figure(figure(values[key], self.digits or DIGITS)).text if single else "",
            )
            for key, name in d.labels.items()
            if key in values
        ]

    # The forms

    def text(self, width: int = 80) -> str:
        """Return the explanation as text for a terminal.

        Parameters
        ----------
        width
            How many columns a line has at most.
        """
        writer = Text()
        head = f"{self.symbol(writer)} — {plain(self.network)}"
        of_any = self.network.startswith("network of ")  # whose layers may take several rows
        rows = textwrap.wrap(head, width) if of_any else [head]
        rows += textwrap.wrap(self.examples, width)
        rows += legend_text(self.legend(writer))
        for part, lines in self.written(writer):
            rows += ["", part.title, *note_text(part.note, width)]
            rows += [row for line in lines for row in line_text(line, width)]
        if self.closing:
            rows += ["", *self.closing]
        return "\n".join(rows) + "\n"

    def markdown(self) -> str:
        """Return the explanation as Markdown, with its formulas in LaTeX between dollars."""
        from chainrule.explanation.markdown import markdown

        return markdown(self)

    def latex(self, *, document: bool = True) -> str:
        """Return the explanation as LaTeX.

        Parameters
        ----------
        document
            Whether it is a document of its own, which pdflatex compiles, or the body of another.
        """
        from chainrule.explanation.latex import latex

        return latex(self, document=document)

    def notebook(self) -> str:
        """Return the explanation as a Jupyter notebook, in JSON."""
        from chainrule.explanation.notebook import notebook

        return notebook(self)

    def html(self, rounds: int = 10_000) -> Page:
        """Return the explanation as a page of its own, with the network drawn and live.

        Parameters
        ----------
        rounds
            Through how many steps of the optimizer the slider over the training goes.
        """
        from chainrule.explanation.page import page

        return page(self, rounds)

    def _repr_html_(self) -> str:
        from chainrule.explanation.html_snippet import snippet

        return snippet(self)

    def __str__(self) -> str:
        return self.text()


def _values(derivation: Derivation) -> dict[Key, float]:
    """The quantities that stand in the working, with their values."""
    found = {}
    for step in derivation.steps():
        found[step.key] = step.value
        for part in walk(step.formula) if step.formula else ():
            if isinstance(part, Quantity):
                found[part.key] = part.value
    return found


SQUARES = {
    "half_squared_error": "Mazur, Nielsen",
    "squared_error": "3Blue1Brown",
    "mean_squared_error": "PyTorch",
}
"""The squared errors, which differ only by a factor, and who writes each."""


def comparison(explanation: Explanation, writer: Writer) -> list[Sentence]:
    """Return how this loss's gradients compare with those of the other squared errors."""
    net = explanation.derivation.net
    sizes = dict(zip(SQUARES, (1.0, 2.0, 2.0 / net.outputs), strict=True))
    own = losses.loss(net.loss).name
    if own not in sizes or explanation.derivation.of != COST:
        return []
    others = [
        (f"× {size / sizes[own]:g} with ", name, f" ({SQUARES[name]})")
        for name, size in sizes.items()
        if name != own
    ]
    sentences = [("The loss is ", own, ". Its gradients are"), *others]
    return [_squares(writer, *sentence) for sentence in sentences]


def _squares(writer: Writer, before: str, loss: str, after: str) -> Sentence:
    """A sentence with the formula of a squared error in it."""
    a, y = writer.name(Name("a")), writer.name(Name("y"))
    difference = writer.brackets(writer.sum([(False, a), (True, y)]))
    square = writer.power(difference, writer.number("2"))
    if loss == "mean_squared_error":
        return Sentence(f"{before}the mean of ", square, f" over the outputs{after}")
    half = writer.quotient(writer.number("1"), writer.number("2"))
    summed = writer.name(Name("Σ")) + square
    return Sentence(before, half + summed if loss == "half_squared_error" else summed, after)
