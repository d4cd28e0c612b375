"""The right values of what a text names: at each step and of each example that it may mean."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from chainrule.activations import activation
from chainrule.diagnosis.claims import Printed, Quantity, quantity
from chainrule.diagnosis.formula_values import Formula, NotUnderstoodError
from chainrule.diagnosis.mistake import Mistake
from chainrule.diagnosis.mistake_search import MistakeSearch
from chainrule.diagnosis.mistakes import MISTAKES
from chainrule.diagnosis.text_names import Symbol, claimed_name
from chainrule.diagnosis.text_scopes import UNSAID, Scope
from chainrule.diagnosis.text_statements import Statement
from chainrule.diagnosis.text_tokens import Token
from chainrule.explanation.core_numbers import at_path
from chainrule.explanation.notation import COST, Key, derivative
from chainrule.explanation.unit_places import is_parameter
from chainrule.network import Network, Parameters

if TYPE_CHECKING:
    from chainrule.explanation.unit_places import Places

MOST_EXAMPLES = 100
"""Up to how many examples a figure without one is compared with each."""

MOST_ROUNDS = 100_000
"""The most updates that are made again."""

LATE = ("order", "steps", "biases")
"""The seams of the mistakes that are tried of a late step, each of which makes all steps before."""

LATE_FROM = 100
"""Up to which step all mistakes are tried."""


class Source(NamedTuple):
    """Where values are read: of a search, and where it has several examples of one row of them."""

    search: MistakeSearch
    row: int | None = None


class Candidate(NamedTuple):
    """What a figure may be: its right value, and where it is read, None for what is given.

    `meant` says whether the text says so, and does not only leave it open.
    """

    value: float
    search: MistakeSearch
    quantity: Quantity | None
    meant: bool


class Values:
    """The right values of a network's quantities.

    Takes what `find_mistake` does.
    """

    net: Network
    params: Parameters
    options: dict[str, Any]
    at: Places

    def __init__(
        self,
        net: Network,
        params: Parameters,
        X: Any,
        y: Any,
        *,
        sample_weight: Any = None,
        **options: Any,
    ) -> None:
        self.net, self.params, self.options = net, params, options
        self.whole: MistakeSearch = MistakeSearch(
            net, params, X, y, sample_weight=sample_weight, **options
        )
        self.at, self._weights = self.whole.at, sample_weight
        self._X = np.atleast_2d(np.asarray(X))
        self._y = np.asarray(y) if np.ndim(X) > 1 else np.asarray(y)[None]
        self._searches: dict[tuple[int | None, int], MistakeSearch] = {(None, 1): self.whole}

    @property
    def examples(self) -> int:
        """How many examples there are."""
        return self.whole.right.data.n

    @property
    def trains(self) -> bool:
        """Whether there is an update."""
        return self.whole.right.optimizer is not None

    def search(self, example: int | None, step: int = 1) -> MistakeSearch:
        """Return what works out an example, from 1, or all of them, at a step.

        Raises ValueError where a layer takes no example by itself.

        Parameters
        ----------
        example, step
            Which; None is all of them.
        """
        if (example, step) not in self._searches:
            if example is None:
                what = (self.net, self.params, self._X, self._y)
                options = {"sample_weight": self._weights, **self.options, "step": step}
            else:  # the loss of one example alone, to which no penalty belongs
                rows = slice(example - 1, example)
                net = replace(self.net, l1=0.0, l2=0.0)
                what = (net, self.params, self._X[rows], self._y[rows])
                options = self.options | {"step": None, "batch_size": None}
            self._searches[example, step] = MistakeSearch(*what, **options)
        return self._searches[example, step]

    # What a figure may be

    def candidates(self, symbol: Symbol, scope: Scope) -> list[Candidate]:
        """Return what a figure of a symbol may be, what is meant first.

        Parameters
        ----------
        symbol, scope
            The name, and what the text says around it.
        """
        if scope.after == UNSAID:
            return []
        found = [c for key in symbol.keys for c in self._of_key(key, symbol.after, scope)]
        return sorted(found, key=lambda candidate: not candidate.meant)

    def _of_key(self, key: Key, after: bool, scope: Scope) -> Iterator[Candidate]:
        if scope.after and self.trains:
            for step in self._steps(scope.after):
                yield from self._read(Source(self.search(None, step)), key, True, meant=True)
        for source in self._sources(key, scope):
            if not after:
                yield from self._read(source, key, False, meant=not scope.after)
            if self.trains:
                yield from self._read(source, key, True, meant=after and not scope.after)

    def _steps(self, rounds: int) -> Iterator[int]:
        """The steps that rounds may be: that many, or so many passes through all batches."""
        for step in dict.fromkeys((rounds, rounds * len(self.whole.task.batches))):
            if step <= MOST_ROUNDS:
                yield step

    def _sources(self, key: Key, scope: Scope) -> Iterator[Source]:
        """Where a quantity may be read: of all examples, and of one, or of each of them."""
        n, own = self.examples, key.of[0] if key.kind == "d" else key
        example = own.example or scope.example
        if n == 1 or example is None:
            yield Source(self.whole)
        if n == 1 or (example is None and n > MOST_EXAMPLES):
            return
        for k in range(n) if example is None else range(max(example - 1, 0), min(example, n)):
            yield Source(self.whole, k)
            try:
                yield Source(self.search(k + 1))
            except ValueError:  # as of a batch normalisation
                continue

    def _read(self, source: Source, key: Key, after: bool, *, meant: bool) -> Iterator[Candidate]:
        """The value of a key there, if it has one."""
        key, search = _of_all(key), source.search
        if not after and (given := _given(source, key)) is not None:
            yield Candidate(given, search, None, meant)
        of_all = source.row is not None and key.kind in ("loss", "C")
        if of_all or key.kind in "xy" or (is_parameter(key) and not after):
            return
        row = "" if source.row is None else f",{source.row + 1}"
        name = claimed_name(key, self.at) + row + "+" * after
        try:
            found = quantity(name, self.at, search.examples)
        except ValueError:
            return
        worked = search.worked()
        assert worked is not None
        value = found.value(worked)
        if math.isfinite(value):
            yield Candidate(value, search, found, meant)

    def usual(self) -> list[Symbol]:
        """Return the quantities that a derivation goes through; none of a large network."""
        at, found = self.at, []
        if sum(at.widths) > MOST_EXAMPLES:
            return []
        for layer, width in enumerate(at.widths[1:]):
            for j in range(width):
                a, z, unit = Key("a", layer, j), Key("z", layer, j), at.unit(layer, j)
                found += [
                    Symbol(f"∂out_{unit}/∂net_{unit}", (derivative(a, z),)),
                    Symbol(f"∂E/∂out_{unit}", (derivative(COST, a),)),
                    Symbol(f"δ_{unit}", (derivative(COST, z),)),
                    Symbol(f"out_{unit}", (a,)),
                    Symbol(f"net_{unit}", (z,)),
                ]
        return found

    # Formulas

    def formulas(
        self, statement: Statement, tokens: tuple[Token, ...]
    ) -> Iterator[tuple[Candidate, float]]:
        """Yield what a formula should give and what it gives, for each way to read its names.

        Parameters
        ----------
        statement, tokens
            Where the formula stands, and its tokens.
        """
        symbol = statement.names[0]
        for key in symbol.keys:
            for source in self._sources(key, statement.scope):
                for left in self._lefts(source, key, symbol.after):
                    for reading in (0, -1):
                        value_of = functools.partial(self._one, source, reading, symbol.general)
                        try:
                            yield left, Formula(tokens, value_of, self._rate, self._sigma).value()
                        except NotUnderstoodError:
                            continue

    def _lefts(self, source: Source, key: Key, after: bool) -> Iterator[Candidate]:
        """What a formula should give; of a weight, also its new value: w = w − η ∂E/∂w."""
        yield from self._read(source, key, after, meant=True)
        if is_parameter(key) and not after and self.trains:
            yield from self._read(source, key, True, meant=True)

    def _one(self, source: Source, reading: int, general: bool, symbol: Symbol) -> float:
        """The value of a name in a formula, in its first or its last meaning."""
        if symbol.general and not general:
            raise NotUnderstoodError
        for candidate in self._read(source, symbol.keys[reading], symbol.after, meant=True):
            return candidate.value
        raise NotUnderstoodError

    @functools.cached_property
    def _rate(self) -> float | None:
        rate = getattr(self.whole.right.optimizer, "learning_rate", None)
        return float(rate) if isinstance(rate, (int, float)) else None

    @functools.cached_property
    def _sigma(self) -> Callable[[float], float] | None:
        """The activation, where all layers with weights have one."""
        names = {getattr(place.layer, "activation", None) for place in self.at.layers}
        if len(names) != 1 or not isinstance(name := names.pop(), str):
            return None
        row = activation(name)
        if r"\sigma(z)" in row.latex:  # of which the sigmoid is a part
            row = activation("sigmoid")
        return lambda z: float(row.f(np.asarray([[z]]), np)[0, 0])

    # Mistakes

    def mistakes(self, candidate: Candidate, printed: Printed) -> list[Mistake]:
        """Return the mistakes that give a figure, each alone.

        Parameters
        ----------
        candidate, printed
            What it should be, and what is printed.
        """
        if candidate.quantity is None:
            return []
        claims = ((candidate.quantity, printed),)
        if candidate.search.task.step <= LATE_FROM:
            return [MISTAKES[name] for (name,) in candidate.search.alone(claims)]
        for seam in LATE:
            for row in MISTAKES.values():
                if row.seam == seam and candidate.search.fits((row.name,), claims):
                    return [row]
        return []


def _of_all(key: Key) -> Key:
    """A key without its example, which the source says."""
    if key.kind == "d":
        return key._replace(of=tuple(_of_all(part) for part in key.of))
    return key._replace(example=0)


def _given(source: Source, key: Key) -> float | None:
    """What the network file gives: weights, biases, and of one example inputs and targets."""
    search, data = source.search, source.search.right.data
    if is_parameter(key):
        leaf, entry = search.at.leaf(key)
        return float(at_path(search.task.params, leaf)[entry])
    if key.kind in "xy" and (data.n == 1 or source.row is not None):
        return float((data.X if key.kind == "x" else data.y)[source.row or 0, key.unit])
    return None
