r"""What the optimizer, the options and the history of a training say.

η_t   the rate of step t      w   all parameters      Δw   the first step      T   how many steps
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from chainrule.diagnosis.layer_measures import update_ratios
from chainrule.evaluation import cost_and_gradient
from chainrule.history import DivergenceError, History
from chainrule.network import Network, Parameters
from chainrule.network import frozen as frozen_names
from chainrule.optimizers import Optimizer, init_states
from chainrule.record import Plan
from chainrule.reference import clipped
from chainrule.schedules import Schedule
from chainrule.streams import shuffled
from chainrule.trees import leaves, named_leaves
from chainrule.update import apply

SAMPLED = 400
"""At how many steps a schedule is looked at."""

LATER = (2, 10, 100, 1000)
"""After how many times the steps of the run, too."""


@dataclasses.dataclass(frozen=True)
class Options:
    """The options of `fit` that a diagnosis looks at, under the names that they have there."""

    optimizer: Optimizer | None = None
    epochs: int | None = None
    batch_size: int | None = 32
    seed: int = 0
    shuffle: bool = True
    sample_weight: Any = None
    clip_value: float | None = None
    clip_norm: float | None = None
    freeze: Iterable[str] = ()


class FirstStep(NamedTuple):
    r"""What the first step of a training does.

    Parameters
    ----------
    ratio
        $\lVert\Delta w\rVert / \lVert w\rVert$, of all parameters together.
    gradient
        The root mean square of the entries of the gradient of the first batch.
    norm
        Its norm.
    clipped
        The norm that the bounds leave of it, over that.
    layers
        The ratio of each layer by itself; None of one without parameters.
    """

    ratio: float
    gradient: float
    norm: float
    clipped: float
    layers: tuple[float | None, ...]


def first_step(net: Network, params: Parameters, X: Any, y: Any, options: Options) -> FirstStep:
    r"""Return what the first step does: that of the first batch, which the optimizer makes.

    Source: Bottou (2010), Large-scale machine learning with stochastic gradient descent, on steps
    of a thousandth of the weights.

    Parameters
    ----------
    net, params
        The network and the parameters it starts from.
    X, y
        The examples and their targets.
    options
        How it is trained, with an optimizer.

    Examples
    --------
    >>> net = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
    >>> params = net.parameters([([[2.0]], [0.0])])
    >>> options = Options(cr.SGD(0.25), clip_value=1.0)
    >>> first_step(net, params, np.ones((4, 1)), np.zeros(4), options)
    FirstStep(ratio=0.17..., gradient=2.0, norm=2.8..., clipped=0.5, layers=(0.17...,))
    """
    assert options.optimizer is not None
    n = len(X)
    order = shuffled(n, options.seed, 1) if options.shuffle else np.arange(n)
    rows = np.sort(order[: options.batch_size or n])
    w = None if options.sample_weight is None else np.asarray(options.sample_weight)[rows]
    _, grads = cost_and_gradient(net, params, X[rows], y[rows], w)
    stay = frozen_names(params, options.freeze, of="diagnose")
    plan = Plan(
        net, options.optimizer, options.seed, stay, options.clip_value, options.clip_norm
    )  # fmt: skip
    bounded = clipped(plan, grads, np)
    states = init_states(options.optimizer, params)
    after, _ = apply(options.optimizer, params, bounded, states, 1, net.roles, stay)
    step = _norm([b - a for a, b in zip(leaves(params), leaves(after), strict=True)])
    norm, size = _norm(leaves(grads)), sum(g.size for g in leaves(grads))
    return FirstStep(
        _share(step, _norm(leaves(params))),
        norm / size**0.5,
        norm,
        _share(_norm(leaves(bounded)), norm),
        update_ratios(params, after),
    )


def _norm(arrays: Iterable[Any]) -> float:
    return float(np.sqrt(sum(float(np.sum(np.asarray(a, np.float64) ** 2)) for a in arrays)))


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 1.0 if not part else np.inf


class Rates(NamedTuple):
    r"""What a schedule makes of the steps of a training.

    Parameters
    ----------
    steps
        T.
    first, peak, last, ahead
        The rate of the first step (of the highest, where that is 0), the highest, that of the last,
        and the highest of those that would follow.
    travel
        $\sum_t \eta_t / \eta_1$: how many first steps the rates are worth.
    ended
        Which share of the steps comes after the peak with less than a hundredth of its rate.
    left
        The travel of these steps.
    """

    steps: int
    first: float
    peak: float
    last: float
    ahead: float
    travel: float
    ended: float
    left: float

    @property
    def mean(self) -> float:
        """The mean rate of all steps."""
        return self.travel * self.first / self.steps


def measure_rates(optimizer: Optimizer, steps: int) -> Rates:
    """Return what becomes of the rate over so many steps.

    Parameters
    ----------
    optimizer
        The optimizer with its rate.
    steps
        How many steps are made.

    Examples
    --------
    >>> measure_rates(cr.SGD(cr.Cosine(0.5, 10)), 40).ended
    0.75
    """
    at = np.unique(np.linspace(1, steps, min(steps, SAMPLED)).round().astype(int))
    rates = np.array([optimizer.rate(int(t)) for t in at])
    peak = int(np.argmax(rates))
    ended = (np.arange(len(at)) > peak) & (rates < rates[peak] / 100)
    first = rates[0] if rates[0] > 0 else rates[peak] or 1.0
    each = steps / len(at) / first
    ahead = rates[-1]
    if isinstance(optimizer.learning_rate, Schedule):
        ahead = max(optimizer.rate(steps * k) for k in LATER)
    return Rates(
        steps, float(first), float(rates[peak]), float(rates[-1]), float(ahead),
        float(rates.sum() * each), float(np.mean(ended)), float(rates[ended].sum() * each),
    )  # fmt: skip


def frozen_share(net: Network, params: Parameters, freeze: Iterable[str]) -> float:
    """Return which share of the parameters stay as they are.

    Parameters
    ----------
    net, params
        The network and its parameters.
    freeze
        The patterns of names that `fit` takes.

    Examples
    --------
    >>> net = cr.Network(3, [cr.Dense(1)], loss="squared_error")
    >>> frozen_share(net, net.init(), ["*.W"])
    0.75
    """
    names = frozen_names(params, freeze, of="diagnose")
    sizes = {name: value.size for name, value in named_leaves(params)}
    return float(sum(sizes[name] for name in names) / max(sum(sizes.values()), 1))


def course(given: History | DivergenceError | None) -> tuple[History | None, bool]:
    """Return the history, and whether the training ended in a value that is not finite.

    Parameters
    ----------
    given
        What `fit` returned or raised.

    Examples
    --------
    >>> course(cr.DivergenceError("…", (), cr.History(loss=[2.0])))[1]
    True
    """
    if isinstance(given, DivergenceError):
        return given.history, True
    return given, given is not None and not all(np.isfinite(given.loss))
