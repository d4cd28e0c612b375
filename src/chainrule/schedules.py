r"""The table of schedules: the learning rate η as a function of the step t = 1, 2, ….

A schedule knows its own length in steps, so that it does not matter in how many calls of `fit`
the steps are made. With N examples in batches of B, an epoch has ⌈N/B⌉ steps.
"""

from __future__ import annotations

import abc
import math
from dataclasses import dataclass
from typing import Annotated

from chainrule.fields import documented, hold, option, required
from chainrule.value_types import AtLeastOne, Bounds, Must, NotNegative, type_of


class Schedule(abc.ABC):
    """A learning rate for each step."""

    def __post_init__(self) -> None:
        hold(self, f"{type(self).__name__}: ")

    @abc.abstractmethod
    def __call__(self, t: int) -> float:
        """Return the learning rate of a step.

        Parameters
        ----------
        t
            The number of the step, from 1.
        """


Rate = Annotated[NotNegative | Schedule, Must(type_of(NotNegative).words)]
"""A learning rate: a number for every step, or a schedule."""


def rate_at(given: Rate, t: int) -> float:
    """Return the learning rate of step t.

    >>> rate_at(0.1, 5), rate_at(Constant(0.1), 5)
    (0.1, 0.1)
    """
    return given(t) if isinstance(given, Schedule) else given


@documented
@dataclass(frozen=True)
class Constant(Schedule):
    r"""The same rate at every step: η_t = η.

    Examples
    --------
    >>> Constant(0.5)(1000)
    0.5
    """

    rate: NotNegative = required("The learning rate.")

    def __call__(self, t: int) -> float:
        return self.rate


@documented
@dataclass(frozen=True)
class StepDecay(Schedule):
    r"""The rate is multiplied by a factor after every so many steps.

    $$\eta_t = \eta\, k^{\lfloor (t - 1) / \mathrm{every} \rfloor}$$

    Examples
    --------
    >>> [StepDecay(1.0, every=2, factor=0.5)(t) for t in (1, 2, 3, 4, 5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    rate: NotNegative = required("η, the learning rate of the first step.")
    every: AtLeastOne = required("After how many steps the rate is multiplied.")
    factor: NotNegative = option(0.1, "k, by what it is multiplied.")

    def __call__(self, t: int) -> float:
        return self.rate * _power(self.factor, (t - 1) // self.every)


@documented
@dataclass(frozen=True)
class Exponential(Schedule):
    r"""The rate is multiplied by a factor after every step.

    $$\eta_t = \eta\, k^{t - 1}$$

    Examples
    --------
    >>> [Exponential(1.0, factor=0.5)(t) for t in (1, 2, 3)]
    [1.0, 0.5, 0.25]
    """

    rate: NotNegative = required("η, the learning rate of the first step.")
    factor: NotNegative = required("k, by what the rate is multiplied.")

    def __call__(self, t: int) -> float:
        return self.rate * _power(self.factor, t - 1)


@documented
@dataclass(frozen=True)
class InverseScaling(Schedule):
    r"""The rate falls with a power of the step.

    $$\eta_t = \eta / t^{p}$$

    Source: Robbins and Monro (1951), A stochastic approximation method, for ½ < p <= 1.

    Examples
    --------
    >>> InverseScaling(1.0, power=0.5)(4)
    0.5
    """

    rate: NotNegative = required("η, the learning rate of the first step.")
    power: NotNegative = option(0.5, "p, the power of the step.")

    def __call__(self, t: int) -> float:
        return self.rate / math.pow(t, self.power)


@documented
@dataclass(frozen=True)
class Cosine(Schedule):
    r"""The rate falls along half a cosine to its final value, and stays there.

    $$\eta_t = \eta_{\text{final}} + \tfrac12 (\eta - \eta_{\text{final}})
      \left(1 + \cos \pi \min\!\left(\tfrac{t - 1}{\text{steps}}, 1\right)\right)$$

    Source: Loshchilov and Hutter (2017), SGDR, arXiv:1608.03983.

    Examples
    --------
    >>> [round(Cosine(1.0, steps=2)(t), 12) for t in (1, 2, 3, 4)]
    [1.0, 0.5, 0.0, 0.0]
    """

    rate: NotNegative = required("η, the learning rate of the first step.")
    steps: AtLeastOne = required("After how many steps the rate is final.")
    final: NotNegative = option(0.0, "The final rate.")

    def __call__(self, t: int) -> float:
        return _half_cosine(self.rate, self.final, (t - 1) / self.steps)


VALLEYS = (1, 3, 7, 15)
"""Where `CosLog4` is 0, in fifteenths of its steps."""


@documented
@dataclass(frozen=True)
class CosLog4(Schedule):
    r"""The rate rises and falls four times, each time for twice as long.

    $$\eta_t = \eta\, \tfrac12 \left(1 - \cos 2\pi \log_2 (1 + 15 \tau)\right),\qquad
      \tau = \min\!\left(\tfrac{t}{\text{steps} + 1}, 1\right)$$

    It is η at the peaks and 0 where τ is 1/15, 3/15, 7/15 and 1, and stays there.

    Source: Holzmüller, Grinsztajn and Steinwart (2024), Better by default, arXiv:2407.04491.

    Examples
    --------
    >>> [round(CosLog4(1.0, steps=29)(t), 3) for t in (1, 2, 3, 4, 6, 14, 30)]
    [0.93, 0.0, 0.718, 0.93, 0.0, 0.0, 0.0]
    """

    rate: NotNegative = required("η, the highest learning rate.")
    steps: AtLeastOne = required("How many steps the four cycles have.")

    def __call__(self, t: int) -> float:
        progress = min(t / (self.steps + 1), 1.0)
        return self.rate * 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + 15 * progress)))


@documented
@dataclass(frozen=True)
class WarmUp(Schedule):
    r"""The rate rises in equal steps to where another schedule begins, which then takes over.

    $$\eta_t = \tfrac{t}{\text{steps}}\, \eta^{\text{then}}_1\ (t \le \text{steps}),\qquad
      \eta^{\text{then}}_{t - \text{steps}}\ (t > \text{steps})$$

    Source: Goyal and others (2017), arXiv:1706.02677.

    Examples
    --------
    >>> [WarmUp(2, then=1.0)(t) for t in (1, 2, 3)]
    [0.5, 1.0, 1.0]
    """

    steps: AtLeastOne = required("How many steps the rate rises.")
    then: Rate = required(
        "The learning rate after them: a number, or a schedule, which then begins at its step 1."
    )

    def __call__(self, t: int) -> float:
        if t > self.steps:
            return rate_at(self.then, t - self.steps)
        return t / self.steps * rate_at(self.then, 1)


@documented
@dataclass(frozen=True)
class Resumed(Schedule):
    r"""Another schedule as it goes on behind its first steps.

    $$\eta_t = \eta^{\text{then}}_{\text{after} + t}$$

    Weights that have so many steps behind them go on with its rates in a run of their own.

    Examples
    --------
    >>> [Resumed(2, then=Exponential(1.0, factor=0.5))(t) for t in (1, 2)]
    [0.25, 0.125]
    """

    after: AtLeastOne = required("How many steps of the schedule are over.")
    then: Rate = required("The schedule, or a number, which is the rate of every step.")

    def __call__(self, t: int) -> float:
        return rate_at(self.then, self.after + t)


@documented
@dataclass(frozen=True)
class OneCycle(Schedule):
    r"""The rate rises along half a cosine to its peak over a share of the steps, then falls.

    $$\eta_1 = \text{peak} / 25,\qquad
      \eta_{1 + \text{share}\,(\text{steps} - 1)} = \text{peak},\qquad
      \eta_{\text{steps}} = \text{peak} / 250\,000$$

    Source: Smith and Topin (2018), Super-convergence, arXiv:1708.07120.

    Examples
    --------
    >>> [round(OneCycle(1.0, steps=11, share=0.5)(t), 6) for t in (1, 6, 11)]
    [0.04, 1.0, 4e-06]
    """

    peak: NotNegative = required("The highest learning rate.")
    steps: AtLeastOne = required("How many steps the cycle has.")
    share: Annotated[float, Bounds(above=0, below=1)] = option(
        0.3, "The share of them in which the rate rises."
    )

    def __call__(self, t: int) -> float:
        first, last = self.peak / 25, self.peak / 250_000
        progress = min((t - 1) / max(self.steps - 1, 1), 1.0)
        if progress <= self.share:
            return _half_cosine(first, self.peak, progress / self.share)
        return _half_cosine(self.peak, last, (progress - self.share) / (1 - self.share))


def _power(base: float, exponent: int) -> float:
    """base^exponent, infinite where it is too large: training then names the step that diverges."""
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return math.inf


def _half_cosine(start: float, end: float, progress: float) -> float:
    return end + 0.5 * (start - end) * (1 + math.cos(math.pi * min(progress, 1.0)))


SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "step": StepDecay,
    "exponential": Exponential,
    "inverse_scaling": InverseScaling,
    "cosine": Cosine,
    "coslog4": CosLog4,
    "warm_up": WarmUp,
    "resumed": Resumed,
    "one_cycle": OneCycle,
}
