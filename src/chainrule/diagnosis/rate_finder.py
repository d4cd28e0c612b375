r"""Which learning rate suits: the loss of each step while the rate grows from step to step.

L   (k,)   the loss of each step, before it is made      η   (k,)   the rate of each step
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from chainrule.arguments import reads_arguments
from chainrule.batches import Examples, Subset, check_examples
from chainrule.engine.session import Engine
from chainrule.extras import library
from chainrule.history import DivergenceError, History
from chainrule.network import Network, Parameters, check_parameters, frozen
from chainrule.optimizers import Rprop
from chainrule.schedules import Exponential
from chainrule.streams import Seed, shuffled
from chainrule.training import AnOptimizer, fit
from chainrule.value_types import AtLeastOne, Bounds, Flag, Positive

Vector = NDArray[np.float64]

AROUND = 20
"""A loss is smoothed over a twentieth of all steps to each side."""

LATELY, RISEN = 5, 4.0
"""The search ends where the mean of so many losses has risen by so many times that of the first."""

NOTICED = 0.1
"""Which share of the whole fall shows that the loss falls; as much of the loss is a fall."""

Steps = Annotated[int, Bounds(least=10)]


@dataclass(frozen=True)
class RateRange:
    """What `rate_range` found.

    Parameters
    ----------
    rates, losses
        The rate of each step made, and the cost C of its batch before it, as `fit` has it.
    smoothed
        The mean of the losses around each step.
    low, high
        The rates between which the loss falls: from where a tenth of its whole fall is done for
        good to where it is lowest. NaN where it does not fall by a tenth.
    suggested
        A tenth of `high`, but not less than `low`.
    diverged
        Whether the last step came to a value that is not finite.
    """

    rates: Vector
    losses: Vector
    smoothed: Vector
    low: float
    high: float
    suggested: float
    diverged: bool

    @property
    def found(self) -> bool:
        """Whether the loss falls at any of the rates."""
        return bool(np.isfinite(self.suggested))

    @property
    def still_falling(self) -> bool:
        """Whether the loss is lowest at the last of the rates, so that higher ones may do."""
        return self.found and not self.diverged and self.high == self.rates[-1]

    def __str__(self) -> str:
        if not self.found:
            tried = f"{self.rates[0]:.2g} and {self.rates[-1]:.2g}" if len(self.rates) else "those"
            return f"the loss falls at no rate between {tried}"
        more = "; it still falls at the last, so give a higher `highest`"
        return (
            f"rate {self.suggested:.2g}: the loss falls between {self.low:.2g} and {self.high:.2g}"
            + (more if self.still_falling else "")
        )

    def plot(self, ax: Any = None, **kwargs: Any) -> Any:
        """Draw the loss by the rate, with the range marked, and return the axes.

        Parameters
        ----------
        ax
            The axes to draw on; left out, a new figure.
        **kwargs
            What matplotlib's `plot` takes, for the smoothed losses.
        """
        if ax is None:
            _, ax = library("matplotlib.pyplot", "plot").subplots(layout="constrained")
        ax.plot(self.rates, self.losses, ".", color="0.6", label="loss of a batch")
        style = {"color": "C0", "linewidth": 2, "label": "smoothed", **kwargs}
        ax.plot(self.rates, self.smoothed, **style)
        if self.found:
            ax.axvspan(self.low, self.high, color="C0", alpha=0.1, label="the loss falls")
            ax.axvline(self.suggested, color="C1", linestyle="--", label="suggested")
            ax.set_ylim(top=1.1 * max(self.smoothed[0], np.median(self.losses)))
        ax.set(xscale="log", xlabel="learning rate", ylabel="loss, before the step")
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(axis="y", alpha=0.25)
        ax.legend(frameon=False)
        return ax


@reads_arguments
def rate_range(
    net: Network,
    params: Parameters,
    X: Any,
    y: Any,
    optimizer: AnOptimizer,
    *,
    lowest: Positive = 1e-6,
    highest: Positive = 10.0,
    steps: Steps = 200,
    batch_size: AtLeastOne | None = 32,
    seed: Seed = 0,
    shuffle: Flag = True,
    sample_weight: Any = None,
    clip_value: Positive | None = None,
    clip_norm: Positive | None = None,
    freeze: Iterable[str] = (),
    engine: Engine = "auto",
    threads: AtLeastOne | None = None,
) -> RateRange:
    r"""Return the loss while the learning rate grows, and the rate that this suggests.

    $$\eta_t = \mathrm{lowest} \left(\frac{\mathrm{highest}}{\mathrm{lowest}}\right)^{
      (t - 1) / (\mathrm{steps} - 1)}$$

    The steps are those that `fit` makes with this schedule. They end before `steps` where a value
    is not finite, or the loss has risen by more than four times what it was at first. The
    parameters given are not changed.

    Source: Smith (2017), Cyclical learning rates for training neural networks, arXiv:1506.01186.

    Parameters
    ----------
    net, params
        The network and the parameters to start from.
    X, y
        The examples and their targets, as `fit` takes them.
    optimizer
        The optimizer, whose own rate is not used.
    lowest, highest
        The rates of the first and of the last step.
    steps
        How many steps are made at most.
    batch_size, seed, shuffle
        As `fit` takes them.
    sample_weight, clip_value, clip_norm, freeze
        As `fit` takes them.
    engine, threads
        As `fit` takes them.

    Raises
    ------
    TypeError, ValueError
        Where an argument does not fit, as `fit` raises them; for `Rprop`, whose steps have sizes
        of their own.

    Examples
    --------
    >>> net = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
    >>> X = np.linspace(-1, 1, 40)[:, None]
    >>> found = rate_range(net, net.init(0), X, 2 * X, cr.SGD(), batch_size=None)
    >>> bool(found.low < found.suggested < found.high)
    True
    """
    if isinstance(optimizer, Rprop):
        raise ValueError(
            "rate_range: the steps of Rprop have sizes of their own after the first, so that no "
            "rate can be found; take another optimizer, such as cr.SGD()"
        )
    if not lowest < highest:
        raise ValueError(
            f"rate_range: lowest must be below highest, got {lowest:g} and {highest:g}"
        )
    check_parameters(net, params)
    data = check_examples(net, params, X, y, sample_weight)
    rule: Any = optimizer
    growing = Exponential(lowest, math.exp((math.log(highest) - math.log(lowest)) / (steps - 1)))
    options: dict[str, Any] = {
        "optimizer": dataclasses.replace(rule, learning_rate=growing),
        "mean_weight": data.mean_weight,
        "seed": seed,
        "clip_value": clip_value,
        "clip_norm": clip_norm,
        "freeze": frozen(params, freeze, of="rate_range"),
        "engine": engine,
        "threads": threads,
    }
    batches = _batches(data, batch_size or data.n, seed, shuffle=bool(shuffle))
    losses, diverged = _losses(net, params, itertools.islice(batches, steps), options)
    rates = np.array([growing(t) for t in range(1, len(losses) + 1)])
    return _range(rates, np.array(losses), diverged=diverged, around=steps // AROUND)


def _batches(data: Examples, size: int, seed: int, *, shuffle: bool) -> Iterator[Examples]:
    """The batches of one epoch after the other, in the order that `fit` takes them."""
    for epoch in itertools.count(1):
        order = shuffled(data.n, seed, epoch) if shuffle else np.arange(data.n)
        for start in range(0, data.n, size):
            yield Subset(data, order[start : start + size], without=False).whole()


def _losses(
    net: Network, params: Parameters, batches: Iterable[Examples], options: dict[str, Any]
) -> tuple[list[float], bool]:
    """Let `fit` go on by one batch after the other, until the loss has risen or diverges."""
    history: History | None = None
    losses, lowest = list[float](), np.inf
    for X, y, w in batches:
        try:
            params, history = fit(
                net, params, X, y, epochs=1, batch_size=None, shuffle=False, sample_weight=w,
                history=history, **options,
            )  # fmt: skip
        except DivergenceError:
            return losses, True
        losses = history.loss
        lately = float(np.mean(losses[-LATELY:]))
        lowest = min(lowest, lately)
        first = abs(float(np.mean(losses[:LATELY])))
        if len(losses) >= 2 * LATELY and lately - lowest > RISEN * first:
            break
    return losses, False


def _range(rates: Vector, losses: Vector, *, diverged: bool, around: int) -> RateRange:
    """Return what losses by rate say."""
    smoothed = _smoothed(losses, around)
    low = high = suggested = np.nan
    if len(losses):
        first, best = float(np.mean(losses[: 2 * around + 1])), int(np.argmin(smoothed))
        fall = first - float(smoothed[best])
        if fall > NOTICED * abs(first):
            above = np.flatnonzero(smoothed[:best] >= first - NOTICED * fall)
            begun = above[-1] + 1 if len(above) else 0
            low, high = float(rates[begun]), float(rates[best])
            suggested = max(low, high / 10)
    return RateRange(rates, losses, smoothed, low, high, suggested, diverged)


def _smoothed(losses: Vector, around: int) -> Vector:
    """Return the mean of so many losses to each side, of fewer at the ends.

    >>> _smoothed(np.array([1.0, 2.0, 6.0]), 1)
    array([1., 3., 6.])
    """
    n = len(losses)
    sides = (min(around, k, n - 1 - k) for k in range(n))
    return np.array([losses[k - s : k + s + 1].mean() for k, s in enumerate(sides)])
