"""Worksheets: a step of backpropagation to be worked by hand, with blanks, and its key.

The network, its weights and its data are drawn so that the numbers are pleasant: short decimals,
weighted inputs in which an activation is not flat, gradients that can be seen. Where the activation
allows it, every figure of the working is a decimal of at most four places.
"""

from __future__ import annotations

import itertools
import math
import shlex
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from chainrule.activations import activation as find_activation
from chainrule.backprop import backward, forward, gradient
from chainrule.explanation import explain
from chainrule.explanation.derivation_steps import Step
from chainrule.explanation.notation import Key
from chainrule.explanation.printed_digits import figure
from chainrule.explanation.result import Explanation
from chainrule.explanation.subjects import parameters
from chainrule.explanation.text import Text, line_text
from chainrule.explanation.unit_places import Places
from chainrule.explanation.writer import Line, Writer
from chainrule.html_page.notebook_part import Page
from chainrule.layers.dense_stack import stack
from chainrule.network import Network, Parameters
from chainrule.optimizers import SGD
from chainrule.streams import Seed, of_worksheet
from chainrule.trees import Array, leaves
from chainrule.value_types import read

EXACT = ("identity", "relu")
"""The activations with which every figure is a short decimal."""

MOST = 36
"""The most weights of a network that is worked by hand."""

DRAWS, PLACES, SMALLEST_GRADIENT = 20_000, 4, 1e-4

SMALLEST_Z, LARGEST_Z = 0.01, 2.0
"""Not at 0, where rounding would say on which side of a kink it is; not where σ is flat."""

BLANK, LONG_BLANK = "_" * 14, "_" * 30

SUFFIXES = {".txt": "text", ".html": "html", ".tex": "latex"}
"""The forms of a sheet by the end of a file's name."""


class Problem(NamedTuple):
    """A network with parameters, an example and the rate of its update."""

    net: Network
    params: Parameters
    X: Array
    y: Array
    rate: float


def worksheet(sizes: Sequence[int], seed: int = 0, activation: str = "sigmoid") -> Worksheet:
    """Return the worksheet of a network of some sizes, from the inputs to the outputs.

    The same seed gives the same sheet. Raises ValueError where the network is too large to be
    worked by hand, or where no pleasant numbers are found for it.

    >>> print(worksheet([1, 1], seed=7).text())
    Worksheet 7: a step of backpropagation
    network 1-1, sigmoid, half_squared_error
    ...
    """
    problem = draw(sizes, seed, activation)
    explanation = explain(*problem[:4], of="all", top=MOST, optimizer=SGD(problem.rate))
    return Worksheet(explanation, seed)


def draw(sizes: Sequence[int], seed: int, activation: str, draws: int = DRAWS) -> Problem:
    """Return a problem with pleasant numbers, from the seed alone.

    >>> draw([2, 2, 2], seed=0, activation="sigmoid").net.widths
    (2, 2, 2)
    """
    name = str(find_activation(activation))
    layers = stack(sizes[1:], [name] * (len(sizes) - 1))
    net = Network(sizes[0], layers, loss="half_squared_error")
    what = f"worksheet: {'-'.join(map(str, net.widths))}"
    count = sum(i * o for i, o in itertools.pairwise(net.widths))
    if count > MOST:
        raise ValueError(f"{what} has {count} weights; by hand, {MOST} are the most")
    seed = read(seed, Seed, "worksheet: seed")
    rng = of_worksheet(seed, net.widths)
    exact = name in EXACT
    for _ in range(draws):
        problem = _drawn(rng, net, count, exact=exact)
        if _is_pleasant(problem, exact=exact):
            return problem
    raise ValueError(
        f"{what} with {name} came to no pleasant numbers in {draws:,} draws; take fewer layers, or "
        "another activation"
    )


def _drawn(rng: np.random.Generator, net: Network, count: int, *, exact: bool) -> Problem:
    """Weights that differ, inputs, biases and targets: decimals of two places; for exact working of
    one place, with whole inputs."""
    unit = 10 if exact else 20  # tenths, or steps of 0.05

    def numbers(size: int, low: int, high: int, per: int = unit) -> Array:
        grid = [k for k in range(low, high + 1) if k]
        return rng.choice(grid, size, replace=size > len(grid)) / per

    reach = max(unit - 1, math.ceil(count / 2))
    weights, params = numbers(count, -reach, reach), []
    for i, o in itertools.pairwise(net.widths):
        params.append((weights[: i * o].reshape(o, i), numbers(o, 1, unit // 2)))
        weights = weights[i * o :]
    X = numbers(net.inputs, 1, 3, 1) if exact else numbers(net.inputs, 1, unit - 1)
    y = numbers(net.outputs, 1, unit - 1)
    return Problem(net, net.parameters(params), X[None], y[None], 0.1 if exact else 0.5)


def _is_pleasant(problem: Problem, *, exact: bool) -> bool:
    net, params, X, y, rate = problem
    trace = forward(net, params, X, check=False)
    z = np.abs(np.concatenate([record.z[0] for record in trace]))
    if np.min(z) < SMALLEST_Z or np.max(z) > LARGEST_Z:
        return False
    grads = leaves(gradient(trace, backward(trace, y, check=False)))
    if min(float(np.min(np.abs(g))) for g in grads) < SMALLEST_GRADIENT:
        return False
    if not exact:
        return True
    working = explain(net, params, X, y, of="all", top=MOST, optimizer=SGD(rate))
    return _is_short(np.array([step.value for step in working.derivation.steps()]))


def _is_short(values: Array) -> bool:
    """Whether numbers are decimals of few places, but for the rounding of doubles."""
    scaled = values * 10**PLACES
    return bool(np.all(np.abs(scaled - np.round(scaled)) < 1e-6))


class GivenNumbers(NamedTuple):
    """What a sheet gives: a kind of numbers, each with its symbol."""

    what: str
    numbers: list[tuple[str, str]]


@dataclass(frozen=True)
class Worksheet:
    """A problem with blanks and its key, in three forms.

    >>> sheet = worksheet([1, 1], seed=7)
    >>> "____" in sheet.text(), "____" in sheet.text(key=True)
    (True, False)
    """

    explanation: Explanation
    seed: int

    @property
    def at(self) -> Places:
        """The places of the network."""
        return self.explanation.derivation.at

    @property
    def title(self) -> str:
        """What stands above the sheet."""
        return f"Worksheet {self.seed}: a step of backpropagation"

    @property
    def command(self) -> str:
        """The command that makes the sheet."""
        sizes = "-".join(map(str, self.at.widths))
        options = ["--network", sizes, "--activation", self.activation, "--seed", str(self.seed)]
        return shlex.join(["chainrule", "worksheet", *options])

    @property
    def activation(self) -> str:
        """The name of the activation of every unit."""
        net = self.explanation.derivation.net
        return net.layers[0].words(net.inputs).function

    @property
    def instructions(self) -> str:
        """What is to be done."""
        asked = [f"w{self.at.weight(key.layer, key.unit, key.source)}" for key in self.asked]
        digits = f"Every figure has at most {PLACES} decimals."
        return (
            "Put the numbers in, and work out each line: forward to the cost, backward to each "
            f"unit's δ, the cost's derivatives by {_listed(asked)}, and these after the update. "
            f"{digits if self.activation in EXACT else 'Carry six significant digits.'}"
        )

    @property
    def asked(self) -> list[Key]:
        """The weights whose gradient is asked for: the first and the last of each layer."""
        found = []
        for layer, (i, o) in enumerate(itertools.pairwise(self.at.widths)):
            ends = [Key("w", layer, 0, 0), Key("w", layer, o - 1, i - 1)]
            found += list(dict.fromkeys(ends))
        return found

    def given(self, writer: Writer) -> list[GivenNumbers]:
        """Return the numbers that the sheet gives, as a format writes them."""
        d = self.explanation.derivation
        keys = parameters(self.at)
        weights, biases = ([key for key in keys if key.kind == kind] for kind in "wb")
        inputs = [Key("x", -1, k) for k in range(self.at.widths[0])]
        targets = [Key("y", self.at.last, j) for j in range(self.at.widths[-1])]
        params = d.params
        assert d.made is not None
        return [
            self._row(writer, "inputs", inputs, d.data.X[0]),
            self._row(writer, "targets", targets, d.data.y[0]),
            self._row(
                writer, "weights", weights, [params[k.layer].W[k.unit, k.source] for k in weights]
            ),
            self._row(writer, "biases", biases, [params[k.layer].b[k.unit] for k in biases]),
            self._row(
                writer, "rate", [Key("letter", text="η")], [d.made.optimizer.rate(d.made.step)]
            ),
        ]

    def _row(self, writer: Writer, what: str, keys: list[Key], values: Any) -> GivenNumbers:
        symbols = [writer.named(self.explanation.name(key)).text for key in keys]
        figures = [writer.figure(figure(float(value))).text for value in values]
        return GivenNumbers(what, list(zip(symbols, figures, strict=True)))

    def parts(
        self, writer: Writer, *, key: bool, blanks: tuple[str, str] = (LONG_BLANK, BLANK)
    ) -> Iterator[tuple[str, list[Line]]]:
        """Yield the title and the lines of each part, with figures in the key, else with blanks.

        The first of the two blanks stands for the numbers put in, the second for a result.
        """
        for number, part in enumerate(self.explanation.derivation.parts, start=1):
            steps = [step for step in part.steps if self._is_asked(step)]
            lines = [
                self.explanation.line(each, writer)._replace(note="")
                for step in steps
                for each in step.walk()
            ]
            if not key:
                lines = [_blanked(line, *blanks) for line in lines]
            yield f"{number}. {part.title}", lines

    def _is_asked(self, step: Step) -> bool:
        """Whether a step is on the sheet: any but those of weights that are not asked for."""
        parts = step.key.of[-1:] if step.key.kind in ("d", "new") else ()
        return all(part in self.asked or part.kind not in ("w", "b") for part in parts)

    # The forms

    def text(self, *, key: bool = False, width: int = 80) -> str:
        """Return the sheet as text."""
        from chainrule.explanation import drawing

        rows = [self.title + (" (key)" if key else ""), self.explanation.network, ""]
        rows += [*textwrap.wrap(self.instructions, width), "", "The network"]
        for row in drawing.words(self.at):
            rows += textwrap.wrap(f"  {row}", width, subsequent_indent=" " * 6)
        rows += ["", "Given"]
        for what, numbers in self.given(Text()):
            row = "  ".join(f"{symbol}\xa0=\xa0{value}" for symbol, value in numbers)
            wrapped = textwrap.wrap(f"  {what:8} {row}", width, subsequent_indent=" " * 11)
            rows += [each.replace("\xa0", " ") for each in wrapped]
        for title, lines in self.parts(Text(), key=key):
            rows += ["", title]
            rows += [row for line in lines for row in line_text(line, width)]
        return "\n".join([*rows, "", self.command]) + "\n"

    def html(self, *, key: bool = False) -> Page:
        """Return the sheet as a page of its own, to be printed."""
        from chainrule.explanation.worksheet_html import html

        return html(self, key=key)

    def _repr_html_(self) -> str:
        return self.html()._repr_html_()

    def latex(self, *, key: bool = False) -> str:
        """Return the sheet as a document that pdflatex compiles."""
        from chainrule.explanation.worksheet_latex import latex

        return latex(self, key=key)


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _blanked(line: Line, numbers: str, result: str) -> Line:
    """A line with blanks where its figures stand."""
    return Line(
        line.symbol,
        line.formula,
        numbers if line.numbers else "",
        result if line.result else "",
        note="",
        rounded=False,
    )
