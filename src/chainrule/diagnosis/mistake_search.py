"""Which known mistake gives the figures that somebody computed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from chainrule.batches import Examples, Subset, batches
from chainrule.diagnosis.claims import Printed, Quantity, figures
from chainrule.diagnosis.found_mistakes import Figure, Finding, FoundMistakes
from chainrule.diagnosis.mistakes import MISTAKES
from chainrule.diagnosis.worked_rules import Rules, Task, Worked
from chainrule.docstrings import documented_by
from chainrule.explanation import explain
from chainrule.explanation.derivation import check_layers, in_double
from chainrule.explanation.tied_names import tied_places
from chainrule.explanation.training_step import TrainingStep
from chainrule.explanation.unit_places import Places
from chainrule.network import Network, Parameters, check_parameters
from chainrule.optimizers import Optimizer
from chainrule.targets import encode

MOST_STEPS = 100
"""Up to which step pairs of mistakes are tried."""

MOST_PAIRS = 20
"""The most pairs that are named."""

FITS = {
    "rounded": Printed.rounds,
    "truncated": Printed.truncates,
    "next": Printed.is_next_to,
    "single": Printed.is_single,
}
"""Whether a figure comes of a number, by how it was read."""

Claims = tuple[tuple[Quantity, Printed], ...]


@documented_by(explain)
def find_mistake(
    net: Network,
    params: Parameters,
    X: Any,
    y: Any,
    claimed: Mapping[str, Any],
    *,
    pairs: bool = True,
    sample_weight: Any = None,
    optimizer: Optimizer | None = None,
    freeze: Collection[str] = (),
    velocity: Parameters | None = None,
    step: int | None = None,
    batch_size: int | None = None,
    ties: Collection[Collection[str]] = (),
) -> FoundMistakes:
    r"""Return which known mistake gives the figures that somebody computed, or that they are right.

    $$\mathrm{round}(q_{\text{mistake}}) = \text{figure, for each figure}$$

    Each mistake of a catalogue is made on purpose, and all is worked out with it by the functions
    of the core. Those are named, alone or in pairs, that give every printed digit of every figure;
    where none does, what gives each figure by itself. For a late step, each mistake makes all the
    steps before it.

    Parameters
    ----------
    {net, params}
    X, y
        One example, (inputs,) and its target, or a data set, (n, inputs) and its targets.
    claimed
        The figures by the names of their quantities, as text: `{"w5": "0.0821670"}` has 7 decimals,
        the last a 0. `"w5"` is ∂C/∂w5, as in `explain`, `"w5+"` the weight after the update;
        `"out_h1"`, `"net_h1"` and `"delta_h1"` are a, z and δ of a unit, `"cost"` is C, and
        `"dE/dout_h1"`, `"dE_o1/dout_h1"` and `"dout_o1/dnet_o1"` are derivatives. Of several
        examples, `"out_h1,2"` is that of the second.
    pairs
        Whether pairs of mistakes are tried where none alone fits, up to step 100.
    {sample_weight}
    {optimizer, freeze}
    {velocity}
    {step, batch_size}
    {ties}

    Raises
    ------
    TypeError, ValueError
        Where something does not fit, a name is of nothing that the network has, or a figure is no
        number; the message says which.

    Examples
    --------
    >>> net = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
    >>> params = net.parameters([([[0.5]], [0.25])])
    >>> found = find_mistake(net, params, [3.0], [1.0], {"w1": "-2.25"})
    >>> found.findings[0].names
    ('sign of the error',)
    """
    search = MistakeSearch(
        net, params, X, y, sample_weight=sample_weight, optimizer=optimizer, freeze=freeze,
        velocity=velocity, step=step, batch_size=batch_size, ties=ties,
    )  # fmt: skip
    return search.find(claimed, pairs=pairs)


class MistakeSearch:
    """What is worked out by each mistake, for any number of figures of one network.

    Takes what `find_mistake` does, and raises as it does.
    """

    def __init__(
        self,
        net: Network,
        params: Parameters,
        X: Any,
        y: Any,
        *,
        sample_weight: Any = None,
        optimizer: Optimizer | None = None,
        freeze: Collection[str] = (),
        velocity: Parameters | None = None,
        step: int | None = None,
        batch_size: int | None = None,
        ties: Collection[Collection[str]] = (),
    ) -> None:
        if y is None:
            raise ValueError("find_mistake: y is missing: give targets, or in a file targets")
        check_parameters(net, params)
        with _said_here():
            check_layers(net)
            self.at: Places = tied_places(ties, Places.of(net))
            params, data = in_double(net, params, X, y, sample_weight)
            training = TrainingStep(optimizer, freeze, velocity, step, batch_size, self.at)
            training.begin(net, params, data)  # refuses a step that the training does not reach
            made = training._replace(step=None, batch_size=None).begin(net, params, data).made
        data = data._replace(y=encode(data.y, net.outputs, np.float64, np))
        self.task: Task = Task(
            params,
            made.states if made else None,
            _batches(data, batch_size),
            training.is_later,
            step or 1,
            made.ties if made else (),
            data.mean_weight,
        )
        frozen = made.frozen if made else frozenset()
        self.right: Rules = Rules(net, net.layers, data, optimizer, frozen, net.row)
        self._worked: dict[tuple[str, ...], Worked | None] = {}

    @property
    def examples(self) -> int:
        """How many examples the step is made of."""
        part = self.task.batches[(self.task.step - 1) % len(self.task.batches)]
        return self.right.data.take(part).n

    # What mistakes give

    def worked(self, names: tuple[str, ...] = ()) -> Worked | None:
        """Return what is worked out by mistakes; None where one of them does not apply."""
        if names not in self._worked:
            rules: Rules | None = self.right
            for name in names:
                rules = rules and MISTAKES[name].change(rules)
            self._worked[names] = Worked(rules, self.task) if rules else None
        return self._worked[names]

    def fits(self, names: tuple[str, ...], claims: Claims) -> bool:
        """Return whether mistakes give every figure."""
        worked = self.worked(names)
        if worked is None:
            return False
        fits = FITS[worked.rules.reading]
        return all(fits(printed, quantity.value(worked)) for quantity, printed in claims)

    def alone(self, claims: Claims) -> list[tuple[str, ...]]:
        """Return the single mistakes that give every figure."""
        return [(name,) for name in MISTAKES if self.fits((name,), claims)]

    def in_pairs(self, claims: Claims) -> Iterator[tuple[str, ...]]:
        """Yield the pairs that give every figure, of the commonest first."""
        rows = [(k, m) for k, m in enumerate(MISTAKES.values()) if m.name != "last digit"]
        applied = [(k, m) for k, m in rows if self.worked((m.name,)) is not None]
        couples = sorted(itertools.combinations(applied, 2), key=lambda p: p[0][0] + p[1][0])
        for (_, one), (_, other) in couples:
            if one.seam != other.seam:
                names = (one.name, other.name)
                if self.fits(names, claims):
                    yield names
                del self._worked[names]  # there are too many to keep

    # The search

    def find(self, claimed: Mapping[str, Any], *, pairs: bool = True) -> FoundMistakes:
        """Return what gives the figures; see `find_mistake`."""
        claims = figures(claimed, self.at, self.examples, trains=self.right.optimizer is not None)
        known = Worked(self.right, self.task)
        right = [quantity.value(known) for quantity, _ in claims]
        for (quantity, _), value in zip(claims, right, strict=True):
            if not math.isfinite(value):
                raise ValueError(
                    f"find_mistake: {quantity.name} is {value} by right rules: scale the inputs, "
                    "the weights or the rate"
                )
        wrong = [k for k, (_, p) in enumerate(claims) if not p.rounds(right[k])]
        findings = self._findings(claims, pairs=pairs) if wrong else []
        apart: dict[int, list[Finding]] = {}
        if wrong and not findings and len(claims) > 1:
            apart = {k: self._findings(claims[k : k + 1], pairs=False) for k in wrong}
        return FoundMistakes(
            tuple(
                Figure(q.name, printed.text, value, k not in wrong, tuple(apart.get(k, ())))
                for k, ((q, printed), value) in enumerate(zip(claims, right, strict=True))
            ),
            tuple(findings),
            pairs and self.task.step <= MOST_STEPS,
        )

    def _findings(self, claims: Claims, *, pairs: bool) -> list[Finding]:
        found = self.alone(claims)
        if not found and pairs and self.task.step <= MOST_STEPS:
            found = list(itertools.islice(self.in_pairs(claims), MOST_PAIRS))
        return [Finding(tuple(MISTAKES[name] for name in names)) for names in found]


@contextmanager
def _said_here() -> Iterator[None]:
    """Let what `explain` refuses be said by `find_mistake`."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise type(error)(f"find_mistake: {str(error).removeprefix('explain: ')}") from None


def _batches(data: Examples, size: int | None) -> tuple[Any, ...]:
    """Return the rows of the examples of each step, in their order."""
    if size is None:
        return (slice(None),)
    numbered = Subset(data._replace(y=np.arange(data.n), w=None))
    return tuple(part.y for part in batches(numbered, size, 0, 1, shuffle=False))
