"""All that a diagnosis looks at: measured once, and read by the rules."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import backprop
from chainrule.batches import Examples, steps_of_epoch
from chainrule.diagnosis.course_measures import (
    FirstStep,
    Options,
    Rates,
    first_step,
    frozen_share,
    measure_rates,
)
from chainrule.diagnosis.data_measures import (
    NEIGHBOURS,
    ColumnMeasures,
    Dependence,
    among_others,
    among_their_own,
    batch_spread,
    dependence,
    directions,
    disagreeing,
    kinship,
    measure_columns,
    nearest,
    standard,
    target_size,
    without_ends,
)
from chainrule.diagnosis.network_pass import Pass, measure_pass
from chainrule.diagnosis.not_finite import NotFinite
from chainrule.diagnosis.other_trainings import Change, OtherTrainings, plain_cost
from chainrule.diagnosis.simple_models import constant_cost, linear_cost
from chainrule.history import History
from chainrule.network import Network, Parameters
from chainrule.targets import encode

FEWEST_IN_ORDER = 16
"""Over how many rows in order sorting shows, at least."""

TRIED = 1e9
"""Another training is tried where its examples times the parameters, over all epochs, are fewer."""

FAR_LESS, LESS, NOTICEABLE = 0.6, 0.8, 0.1
"""A training learns far less than another with 6/10 of its gain on the best constant, where nothing
else speaks for it, and with 8/10 where its cause is plain, or of few rows, set aside; the
difference is a tenth of that constant's cost at least."""

LEARNED = 0.5
"""A cost below half of that at the start has learned something."""


@dataclass(frozen=True)
class Evidence:
    """All that is known of a network that is diagnosed.

    Parameters
    ----------
    net
        The network.
    params, initial
        Its parameters, and those that training began with, if they are known.
    data
        The examples that are looked at, checked.
    options
        How it is trained.
    history, diverged
        What fit left, and whether it met a value that is not finite.
    rows
        The numbers of the examples that are looked at, among those that were given.
    n
        How many there are to train with.
    broke
        What stopped being finite, if that is known.
    tries
        Whether other trainings and models may be made, to compare.
    """

    net: Network
    params: Parameters
    initial: Parameters | None
    data: Examples
    options: Options
    history: History | None
    diverged: bool
    rows: NDArray[np.intp]
    n: int
    broke: NotFinite | None = None
    tries: bool = True

    # ---- what passes say -------------------------------------------------------------------------

    @cached_property
    def now(self) -> Pass:
        """A pass with the parameters as they are."""
        return measure_pass(self.net, self.params, self.data)

    @cached_property
    def start(self) -> Pass:
        """A pass with those that training began with, else as they are."""
        if self.initial is None:
            return self.now
        return measure_pass(self.net, self.initial, self.data)

    @cached_property
    def trained(self) -> bool:
        """Whether the parameters come of a training."""
        return self.history is not None and bool(self.history.loss)

    @property
    def knows_start(self) -> bool:
        """Whether `start` is what training begins with."""
        return self.initial is not None or not (self.trained or self.diverged)

    @cached_property
    def reached(self) -> float:
        """The cost without the penalty, with the parameters as they are."""
        return self._cost(self.params)

    @property
    def learned(self) -> bool:
        """Whether training has come to half of the cost at the start."""
        return self.trained and self.reached < LEARNED * self.begun_at

    @cached_property
    def begun_at(self) -> float:
        """The cost without the penalty at the start."""
        return self._cost(self.start.params)

    @cached_property
    def chance(self) -> float:
        """The cost of the best constant."""
        return constant_cost(self.net, self.data)

    @cached_property
    def linear(self) -> float:
        """The cost that a linear model comes to."""
        return linear_cost(self.net, self.data)

    def _cost(self, params: Parameters) -> float:
        """Return the cost without the penalty."""
        return plain_cost(self.net, params, self.data)

    # ---- what the data say -----------------------------------------------------------------------

    @cached_property
    def X(self) -> NDArray[np.float64]:
        """The examples, (n, i)."""
        return np.asarray(self.data.X, np.float64)

    @cached_property
    def Y(self) -> NDArray[np.float64]:
        """The targets as numbers, (n, o)."""
        return np.asarray(encode(self.data.y, self.net.outputs, np.float64, np), np.float64)

    @cached_property
    def passed(self) -> NDArray[np.intp]:
        """The numbers of the inputs that count by their size, as those of an embedding do not."""
        layout = self.net.layers[0].layout(self.net.inputs)
        return np.asarray(range(self.net.inputs) if layout is None else layout.passed, np.intp)

    @cached_property
    def columns(self) -> ColumnMeasures:
        """What is measured of these columns of X."""
        if not len(self.passed):
            return ColumnMeasures(0.0, 0.0, 0, 0.0, 0.0)
        return measure_columns(self.X[:, self.passed])

    @cached_property
    def target(self) -> float:
        """The root mean square of the targets without their ends."""
        return target_size(self.Y)

    @cached_property
    def deviation(self) -> float:
        """The deviation of the targets, the root mean square of that of each column."""
        return float(np.sqrt(np.mean(self.Y.var(axis=0))))

    @cached_property
    def labels(self) -> NDArray[np.intp] | None:
        """The number of the class of each example, where it has one."""
        kind = self.net.row.target
        if kind == "class":
            return np.asarray(np.argmax(self.Y, axis=1), np.intp)
        if kind in ("probability", "sign") and self.net.outputs == 1:
            low = -1.0 if kind == "sign" else 0.0
            if np.all((low == self.Y) | (self.Y == 1)):
                return np.asarray(self.Y[:, 0] == 1, np.intp)
        return None

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        """The share of each class in the cost, by the weights of the examples."""
        assert self.labels is not None
        w = np.ones(self.data.n) if self.data.w is None else np.asarray(self.data.w, np.float64)
        count = np.bincount(self.labels, w, minlength=self.net.outputs)
        return np.asarray(count / count.sum(), np.float64)

    def recall(self, label: int) -> float:
        """Return which share of a class is said to be it.

        Parameters
        ----------
        label
            The class.
        """
        assert self.labels is not None
        trace = backprop.forward(self.net, self.params, self.data.X, check=False)
        said = np.asarray(backprop.prediction(trace))
        cut = 0.0 if self.net.row.target == "sign" else 0.5
        classes = np.argmax(said, axis=1) if said.shape[1] > 1 else said[:, 0] > cut
        return float(np.mean(classes[self.labels == label] == label))

    @cached_property
    def near(self) -> NDArray[np.intp]:
        """The rows nearest to each, (n, k)."""
        return nearest(directions(standard(self.X)), min(NEIGHBOURS, self.data.n - 1))

    @cached_property
    def dependence(self) -> Dependence:
        """How far the targets depend on the examples; of numbers, without their ends."""
        Y = self.Y if self.labels is not None else without_ends(self.Y)
        return dependence(self.X, Y, self.near)

    @cached_property
    def disagreeing(self) -> NDArray[np.intp]:
        """The examples whose label is not that of most of their neighbours."""
        if self.labels is None:
            return np.zeros(0, np.intp)
        return np.flatnonzero(disagreeing(self.near, self.labels))

    @cached_property
    def among_others(self) -> NDArray[np.bool_]:
        """Whether hardly any of the neighbours of each has its label."""
        if self.labels is None:
            return np.zeros(self.data.n, np.bool_)
        return among_others(self.near, self.labels)

    @cached_property
    def kinship(self) -> float:
        """How far labels that differ are those that come second nearby, from 0, chance, to 1."""
        return 1.0 if self.labels is None else kinship(self.near, self.labels)

    @cached_property
    def among_their_own(self) -> float:
        """The share of examples whose neighbours all have their label."""
        return 1.0 if self.labels is None else among_their_own(self.near, self.labels)

    # ---- what the options say --------------------------------------------------------------------

    @property
    def batch(self) -> int:
        """How many examples make a step."""
        return min(self.options.batch_size or self.n, self.n)

    @cached_property
    def spread(self) -> float:
        """Which share of the targets' variance lies between batches of rows as they stand."""
        rows = min(max(self.batch, FEWEST_IN_ORDER), self.data.n)
        return batch_spread(self.Y, rows) / rows

    @property
    def epochs(self) -> int:
        """How often training goes through the examples; 0 where nothing says so."""
        return self.options.epochs or (self.history.epochs if self.history else 0)

    @cached_property
    def steps(self) -> int:
        """How many steps are made; 0 where nothing says so."""
        return self.epochs * steps_of_epoch(self.n, self.options.batch_size)

    @cached_property
    def rates(self) -> Rates | None:
        """What becomes of the rate."""
        if self.options.optimizer is None or not self.steps:
            return None
        return measure_rates(self.options.optimizer, self.steps)

    @cached_property
    def first(self) -> FirstStep | None:
        """What the first step does, where training begins with `start`."""
        if self.options.optimizer is None or not self.knows_start or len(self.start.broken):
            return None
        with np.errstate(all="ignore"):
            return first_step(
                self.net, self.start.params, self.data.X, self.data.y, self.options
            )  # fmt: skip

    @cached_property
    def travel(self) -> float | None:
        """How far all steps could go, in sizes of the parameters, if none went back."""
        if self.first is None or self.rates is None:
            return None
        return self.first.ratio * self.rates.travel

    @cached_property
    def frozen(self) -> float:
        """The share of parameters that stay as they are."""
        return frozen_share(self.net, self.params, self.options.freeze)

    # ---- what other trainings come to ------------------------------------------------------------

    @property
    def other(self) -> OtherTrainings | None:
        """What makes the same training with one thing changed; None where that cannot be made."""
        if self.options.optimizer is None or self.initial is None or self.n > self.data.n:
            return None
        work = self.epochs * self.n * self.net.size
        known = self.tries and self.trained and not self.diverged
        return self._other if known and 0 < work <= TRIED else None

    @cached_property
    def _other(self) -> OtherTrainings:
        assert self.initial is not None
        return OtherTrainings(self.net, self.initial, self.data, self.options, self.epochs)

    def tried(self, **change: Any) -> float | None:
        """Return the cost, without the penalty, after the same training with one thing changed.

        None where the training is too large to be made again, or not known well enough. The cost
        is infinite where it diverges.

        Parameters
        ----------
        change
            What is changed, a field of `Change`.
        """
        return None if self.other is None else self.other.cost(Change(**change))

    @cached_property
    def slower(self) -> float | None:
        """The cost after the same training at a tenth of the rate."""
        return self.tried(rate=0.1)

    @cached_property
    def faster(self) -> float | None:
        """The cost after the same training at ten times the rate."""
        return self.tried(rate=10.0)

    @cached_property
    def in_batches(self) -> float | None:
        """The cost after the same training in batches sixteen times as large."""
        return self.tried(batch=min(16 * self.batch, self.n))

    @cached_property
    def free(self) -> float | None:
        """The cost after the same training without penalty and decay."""
        return self.tried(free=True)

    def falls_short(self, share: float = FAR_LESS, **change: Any) -> bool:
        r"""Return whether the training learns far less than with one thing changed.

        $$C_0 - C \le s (C_0 - C'),\qquad C - C' \ge \tfrac{1}{10} C_0$$

        with C₀ that of the best constant and s a share; of the rows of training, and after
        trainings without a quarter of these, with 8/10, of that quarter: what is learned by heart
        does not count.

        Parameters
        ----------
        share
            s, which share of what the other gains is far less.
        change
            What is changed, a field of `Change`.
        """
        if self.other is None or not _falls(self.chance, self.reached, 0.0, share):
            return False  # not even a cost of 0 were far less
        if not _falls(self.chance, self.reached, self.other.cost(Change(**change)), share):
            return False
        here, there = (self.other.cost_apart(each) for each in (Change(), Change(**change)))
        return _falls(self.other.chance_apart, here, there, LESS)


def _falls(chance: float, here: float, there: float, share: float) -> bool:
    least = NOTICEABLE * abs(chance)
    return here - there >= least and chance - here <= share * (chance - there)
