"""All that a diagnosis looks at: measured once, and read by the rules."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import backprop
from chainrule.batches import Examples, steps_of_epoch
from chainrule.diagnose.course_measures import (
    FirstStep,
    Options,
    Rates,
    first_step,
    frozen_share,
    measure_rates,
)
from chainrule.diagnose.data_measures import (
    NEIGHBOURS,
    ColumnMeasures,
    Dependence,
    batch_spread,
    dependence,
    disagreeing,
    measure_columns,
    nearest,
    standard,
    target_size,
)
from chainrule.diagnose.example_measures import ExampleMeasures, measure_examples
from chainrule.diagnose.layer_measures import LayerMeasures, measure_layers
from chainrule.history import DivergenceError, History
from chainrule.network import Network, Parameters
from chainrule.schedules import Schedule
from chainrule.sparse_rows import dense
from chainrule.targets import encode
from chainrule.training import fit
from chainrule.trees import leaves

FEWEST_IN_ORDER = 16
"""Over how many rows in order sorting shows, at least."""

TRIED = 1e9
"""Another training is tried where its examples times the parameters, over all epochs, are fewer."""


@dataclass(frozen=True)
class Pass:
    """What one pass forward and back says, with one set of parameters.

    Parameters
    ----------
    params
        The parameters.
    cost
        C.
    layers
        What is measured of each layer.
    examples
        What is measured of the gradients of the examples.
    without_gradient
        The share of parameters whose gradient is 0.
    """

    params: Parameters
    cost: float
    layers: tuple[LayerMeasures, ...]
    examples: ExampleMeasures
    without_gradient: float

    @property
    def broken(self) -> NDArray[np.intp]:
        """The rows whose gradient is not finite."""
        return np.flatnonzero(~np.isfinite(self.examples.squared_norms))


def measure_pass(net: Network, params: Parameters, data: Examples) -> Pass:
    """Return what is measured of a pass forward and back.

    Parameters
    ----------
    net, params
        The network and its parameters.
    data
        The examples, checked.

    Examples
    --------
    >>> from chainrule.batches import check_examples
    >>> net = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
    >>> params = net.parameters([([[2.0]], [0.0])])
    >>> measure_pass(net, params, check_examples(net, params, [[1.0]], [0.0], None)).cost
    2.0
    """
    with np.errstate(all="ignore"):
        trace = backprop.forward(net, params, data.X, check=False)
        deltas = backprop.backward(trace, data.y, data.w, check=False)
        cost = backprop.trace_cost(trace, data.y, data.w, check=False)
        layers, examples = measure_layers(trace, deltas), measure_examples(trace, deltas)
        grads = leaves(backprop.gradient(trace, deltas))
    zero = np.concatenate([np.ravel(g) == 0 for g in grads]) if grads else np.zeros(1)
    return Pass(params, float(cost), layers, examples, float(np.mean(zero)))


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
    validation
        Examples held out, checked.
    """

    net: Network
    params: Parameters
    initial: Parameters | None
    data: Examples
    options: Options
    history: History | None
    diverged: bool
    validation: Examples | None

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
    def X(self) -> NDArray[np.float64]:
        """The examples, (n, i)."""
        return np.asarray(dense(self.data.X), np.float64)

    @cached_property
    def Y(self) -> NDArray[np.float64]:
        """The targets as numbers, (n, o)."""
        return np.asarray(encode(self.data.y, self.net.outputs, np.float64, np), np.float64)

    @cached_property
    def columns(self) -> ColumnMeasures:
        """What is measured of the columns of X."""
        return measure_columns(self.X)

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
    def target(self) -> float:
        """The root mean square of the targets without their ends."""
        return target_size(self.Y)

    @cached_property
    def near(self) -> NDArray[np.intp]:
        """The rows nearest to each, (n, k)."""
        return nearest(standard(self.X), min(NEIGHBOURS, self.data.n - 1))

    @cached_property
    def dependence(self) -> Dependence:
        """How far the targets depend on the examples."""
        return dependence(self.X, self.Y, self.near)

    @cached_property
    def disagreeing(self) -> NDArray[np.intp]:
        """The rows whose label is not that of most of their neighbours."""
        if self.labels is None:
            return np.zeros(0, np.intp)
        return np.flatnonzero(disagreeing(self.near, self.labels))

    @property
    def batch(self) -> int:
        """How many examples make a step."""
        return min(self.options.batch_size or self.data.n, self.data.n)

    @cached_property
    def spread(self) -> float:
        """Which share of the targets' variance lies between batches of rows as they stand."""
        rows = max(self.batch, FEWEST_IN_ORDER)
        return batch_spread(self.Y, rows) / rows

    @property
    def epochs(self) -> int:
        """How often training goes through the examples; 0 where nothing says so."""
        return self.options.epochs or (self.history.epochs if self.history else 0)

    @cached_property
    def steps(self) -> int:
        """How many steps are made; 0 where nothing says so."""
        return self.epochs * steps_of_epoch(self.data.n, self.options.batch_size)

    @cached_property
    def rates(self) -> Rates | None:
        """What becomes of the rate."""
        if self.options.optimizer is None or not self.steps:
            return None
        return measure_rates(self.options.optimizer, self.steps)

    @cached_property
    def first(self) -> FirstStep | None:
        """What the first step does."""
        if self.options.optimizer is None or len(self.start.broken):
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

    @cached_property
    def trained(self) -> bool:
        """Whether the parameters come of a training."""
        return self.history is not None and bool(self.history.loss)

    def tried(self, rate: float = 1.0, batch: int | None = None) -> float | None:
        """Return the cost after the same training with a part of the rate, or larger batches.

        None where the training is too large to be made again, or not known well enough. The cost
        is infinite where it diverges.

        Parameters
        ----------
        rate
            The part of the rate.
        batch
            How many examples make a step; left out, as many as now.
        """
        options, start, size = self.options, self.initial, max(self.net.size, 1)
        rule: Any = options.optimizer
        if start is None and not self.trained:
            start = self.params
        if rule is None or start is None or not 0 < self.epochs * self.data.n * size <= TRIED:
            return None
        rule = dataclasses.replace(rule, learning_rate=_Part(rule.learning_rate, rate))
        try:
            params, _ = fit(
                self.net, start, self.data.X, self.data.y, rule,
                epochs=self.epochs, batch_size=batch or self.batch,
                seed=options.seed, shuffle=options.shuffle, sample_weight=options.sample_weight,
                clip_value=options.clip_value, clip_norm=options.clip_norm, freeze=options.freeze,
                threads=1,
            )  # fmt: skip
        except DivergenceError:
            return np.inf
        return measure_pass(self.net, params, self.data).cost

    @cached_property
    def slower(self) -> float | None:
        """The cost after the same training at a tenth of the rate."""
        return self.tried(0.1)

    @cached_property
    def in_batches(self) -> float | None:
        """The cost after the same training in batches sixteen times as large."""
        return self.tried(batch=min(16 * self.batch, self.data.n))


@dataclass(frozen=True)
class _Part(Schedule):
    """A part of another rate."""

    of: Any
    part: float

    def __call__(self, t: int) -> float:
        rate = self.of(t) if isinstance(self.of, Schedule) else self.of
        return float(self.part * rate)
