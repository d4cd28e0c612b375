r"""The table of optimizers: how a gradient becomes a step, one frozen class each.

    g    as w   gradient of C by a parameter array w
    dw   as w   the step: w⁺ = w − dw
    t           the number of the step, from 1
    η           the learning rate of step t

`init(w)` returns the state of w, a tuple of arrays; `step(g, state, t)` returns `(dw, state)`. Both
are pure.
"""

from __future__ import annotations

import abc
import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from array_api_compat import array_namespace

from chainrule.fields import documented, hold, option
from chainrule.network import Parameters
from chainrule.schedules import Rate, rate_at
from chainrule.trees import Array, leaves
from chainrule.value_types import Bounds, Fraction, NotNegative, Positive

State = tuple[Array, ...]


class Optimizer(abc.ABC):
    """A rule that turns gradients into steps."""

    learning_rate: Rate
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        hold(self, f"{type(self).__name__}: ")

    def rate(self, t: int) -> float:
        """Return the learning rate of a step.

        Parameters
        ----------
        t
            The number of the step, from 1.
        """
        return rate_at(self.learning_rate, t)

    def init(self, w: Array) -> State:
        """Return the state that goes with a parameter array before the first step: zeros.

        Parameters
        ----------
        w
            The parameter array.
        """
        return (_zeros(w),)

    @abc.abstractmethod
    def step(self, g: Array, state: State, t: int) -> tuple[Array, State]:
        """Return the step dw, to be subtracted from w, and the new state.

        Parameters
        ----------
        g
            The gradient of C by w.
        state
            What `init` or the step before returned.
        t
            The number of the step, from 1.
        """


RATE = "η: a number, or a schedule."
EPSILON = "ε, which keeps the quotient finite."
BETA_1 = "β₁, how much of the running mean of the gradient each step keeps."
BETA_2 = "β₂, how much of the running mean of its square each step keeps."
DECAY = "λ, of the weights; biases do not decay."


def _zeros(w: Array) -> Array:
    if isinstance(w, np.ndarray):  # for it, finding its library is what takes the time
        return np.zeros(w.shape, w.dtype)
    return array_namespace(w).zeros_like(w)


@documented
@dataclass(frozen=True)
class SGD(Optimizer):
    r"""Gradient descent, with momentum and Nesterov's look-ahead if wanted.

    $$v \leftarrow \mu v + \eta g,\qquad dw = v \quad\text{or, with Nesterov,}\quad \mu v + \eta g$$

    With dampening the velocity is of gradients, and η stands outside. As much dampening as momentum
    makes it their running mean, v ← β v + (1 − β) g:

    $$v \leftarrow \mu v + (1 - \mathrm{dampening})\, g,\qquad dw = \eta v$$

    Raises ValueError for dampening without momentum or with Nesterov's look-ahead.

    Source: Sutskever and others (2013), On the importance of initialization and momentum in deep
    learning.

    Examples
    --------
    >>> SGD(0.5).step(np.array([2.0]), (), t=1)
    (array([1.]), ())
    """

    learning_rate: Rate = option(0.01, RATE)
    momentum: Fraction = option(0.0, "μ, how much of the velocity each step keeps.")
    nesterov: bool = option(False, "Whether the step looks ahead along the velocity.")
    dampening: Fraction = option(0.0, "How much of each gradient the velocity leaves out.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.dampening and (self.nesterov or not self.momentum):
            raise ValueError(
                f"SGD: dampening={self.dampening:g} is of a momentum without nesterov, got "
                f"momentum={self.momentum:g}, nesterov={self.nesterov}"
            )

    def __repr__(self) -> str:
        """Leave out dampening where there is none, as runs named their optimizer before it."""
        more = f", dampening={self.dampening}" if self.dampening else ""
        return (
            f"{type(self).__name__}(learning_rate={self.learning_rate}, momentum={self.momentum}, "
            f"nesterov={self.nesterov}{more})"
        )

    def init(self, w: Array) -> State:
        return (_zeros(w),) if self.momentum else ()

    def step(self, g: Array, state: State, t: int) -> tuple[Array, State]:
        step = self.rate(t) * g
        if not self.momentum:
            return step, ()
        if self.dampening:
            v = self.momentum * state[0] + (1 - self.dampening) * g
            return self.rate(t) * v, (v,)
        v = self.momentum * state[0] + step
        return (self.momentum * v + step if self.nesterov else v), (v,)


@documented
@dataclass(frozen=True)
class Adagrad(Optimizer):
    r"""Each parameter's rate falls with the squares of all its gradients.

    $$s \leftarrow s + g^2,\qquad dw = \eta\, g / (\sqrt{s} + \varepsilon)$$

    Source: Duchi, Hazan and Singer (2011), Adaptive subgradient methods.

    Examples
    --------
    >>> Adagrad(0.5).init(np.array([2.0]))
    (array([0.]),)
    """

    learning_rate: Rate = option(0.01, RATE)
    epsilon: Positive = option(1e-10, EPSILON)

    def step(self, g: Array, state: State, t: int) -> tuple[Array, State]:
        s = state[0] + g * g
        return self.rate(t) * g / (s**0.5 + self.epsilon), (s,)


@documented
@dataclass(frozen=True)
class RMSprop(Optimizer):
    r"""Each parameter's rate falls with a running mean of its squared gradients.

    $$s \leftarrow \rho s + (1 - \rho) g^2,\qquad dw = \eta\, g / (\sqrt{s} + \varepsilon)$$

    Source: Tieleman and Hinton (2012), Neural Networks for Machine Learning, lecture 6.5.

    Examples
    --------
    >>> RMSprop(0.5).init(np.array([2.0]))
    (array([0.]),)
    """

    learning_rate: Rate = option(0.001, RATE)
    rho: Fraction = option(0.9, "ρ, how much of the running mean each step keeps.")
    epsilon: Positive = option(1e-8, EPSILON)

    def step(self, g: Array, state: State, t: int) -> tuple[Array, State]:
        s = self.rho * state[0] + (1 - self.rho) * (g * g)
        return self.rate(t) * g / (s**0.5 + self.epsilon), (s,)


@documented
@dataclass(frozen=True)
class Adam(Optimizer):
    r"""Running means of the gradient and of its square, both freed of their bias to 0.

    $$m \leftarrow \beta_1 m + (1 - \beta_1) g,\qquad v \leftarrow \beta_2 v + (1 - \beta_2) g^2,$$
    $$dw = \eta\, \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \varepsilon}$$

    Source: Kingma and Ba (2015), arXiv:1412.6980; the corrections are drawn out of the arrays, as
    in its section 2.

    Examples
    --------
    >>> Adam(0.5).step(np.array([4.0]), Adam(0.5).init(np.array([0.0])), t=1)[0].round(6)
    array([0.5])
    """

    learning_rate: Rate = option(0.001, RATE)
    beta1: Fraction = option(0.9, BETA_1)
    beta2: Fraction = option(0.999, BETA_2)
    epsilon: Positive = option(1e-8, EPSILON)

    def init(self, w: Array) -> State:
        return _zeros(w), _zeros(w)

    def step(self, g: Array, state: State, t: int) -> tuple[Array, State]:
        m, v = self._means(g, state)
        return self._scaled(m, 1 - self.beta1**t, v, t), (m, v)

    def _means(self, g: Array, state: State) -> State:
        m, v = state
        m = self.beta1 * m + (1 - self.beta1) * g
        v = self.beta2 * v + (1 - self.beta2) * (g * g)
        return m, v

    def _scaled(self, m: Array, share: float, v: Array, t: int) -> Array:
        """η (m/share) / (√(v/c²) + ε) = (η c/share) m / (√v + ε c), with c² = 1 − β₂ᵗ."""
        c = math.sqrt(1 - self.beta2**t)
        return (self.rate(t) * c / share) * m / (v**0.5 + self.epsilon * c)


@documented
@dataclass(frozen=True)
class AdamW(Adam):
    r"""Adam with weight decay that does not pass through the running means.

    $$dw = dw_{\text{Adam}} + \eta \lambda w$$

    Source: Loshchilov and Hutter (2019), arXiv:1711.05101.

    Examples
    --------
    >>> AdamW(0.001, weight_decay=0.1).weight_decay
    0.1
    """

    weight_decay: NotNegative = option(0.01, DECAY)


@documented
@dataclass(frozen=True)
class NAdam(Adam):
    r"""Adam with Nesterov's look-ahead in its running mean.

    $$dw = \eta\, \frac{\beta_1 m / (1 - \beta_1^{t+1}) + (1 - \beta_1) g / (1 - \beta_1^t)}
      {\sqrt{v / (1 - \beta_2^t)} + \varepsilon}$$

    Source: Dozat (2016), Incorporating Nesterov momentum into Adam, with a constant β₁.

    Examples
    --------
    >>> NAdam().beta1
    0.9
    """

    def step(self, g: Array, state: State, t: int) -> tuple[Array, State]:
        m, v = self._means(g, state)
        ahead = self.beta1 / (1 - self.beta1 ** (t + 1)) * m
        ahead = ahead + (1 - self.beta1) / (1 - self.beta1**t) * g
        return self._scaled(ahead, 1.0, v, t), (m, v)


@documented
@dataclass(frozen=True)
class Lion(Optimizer):
    r"""The sign of a running mean of the gradient; every weight moves by η or not at all.

    $$dw = \eta \operatorname{sgn}(\beta_1 m + (1 - \beta_1) g) + \eta \lambda w,\qquad
      m \leftarrow \beta_2 m + (1 - \beta_2) g$$

    Source: Chen and others (2023), arXiv:2302.06675.

    Examples
    --------
    >>> Lion(0.5).step(np.array([4.0]), Lion(0.5).init(np.array([0.0])), t=1)[0]
    array([0.5])
    """

    learning_rate: Rate = option(0.0001, RATE)
    beta1: Fraction = option(0.9, "β₁, how much of the running mean counts in the sign.")
    beta2: Fraction = option(0.99, "β₂, how much of the running mean each step keeps.")
    weight_decay: NotNegative = option(0.0, DECAY)

    def step(self, g: Array, state: State, t: int) -> tuple[Array, State]:
        direction = array_namespace(g).sign(self.beta1 * state[0] + (1 - self.beta1) * g)
        return self.rate(t) * direction, (self.beta2 * state[0] + (1 - self.beta2) * g,)


@documented
@dataclass(frozen=True)
class Rprop(Optimizer):
    r"""A step size for each parameter, from the sign of its gradient alone; for full batches.

    $$\Delta \leftarrow \begin{cases}
      \min(\eta^+ \Delta, \Delta_{\max}) & g\,g_{\text{before}} > 0 \\
      \max(\eta^- \Delta, \Delta_{\min}),\ g \leftarrow 0 & g\,g_{\text{before}} < 0 \end{cases}
      \qquad dw = \Delta \operatorname{sgn} g$$

    Source: Riedmiller and Braun (1993), A direct
    adaptive method for faster backpropagation learning, in the form iRprop⁻ of Igel and Hüsken
    (2000).

    Examples
    --------
    >>> Rprop(0.5).step(np.array([4.0]), Rprop(0.5).init(np.array([0.0])), t=1)[0]
    array([0.5])
    """

    learning_rate: Rate = option(0.01, "The first step size: that of step 1, of a schedule.")
    eta_minus: Annotated[float, Bounds(above=0, below=1)] = option(
        0.5, "η⁻, by what a step size is multiplied where the sign changes."
    )
    eta_plus: Annotated[float, Bounds(above=1)] = option(
        1.2, "η⁺, by what a step size is multiplied where the sign stays."
    )
    step_min: Positive = option(1e-6, "Δ_min, the least step size.")
    step_max: Positive = option(50.0, "Δ_max, the greatest step size.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.step_min > self.step_max:
            must = "Rprop: step_min must be at most step_max"
            raise ValueError(f"{must}, got {self.step_min:g} > {self.step_max:g}")

    def init(self, w: Array) -> State:
        return _zeros(w), array_namespace(w).full_like(w, self.rate(1))

    def step(self, g: Array, state: State, t: int) -> tuple[Array, State]:
        before, size = state
        xp = array_namespace(g)
        agreement = xp.sign(g) * xp.sign(before)
        grown = xp.minimum(self.eta_plus * size, self.step_max)
        shrunk = xp.maximum(self.eta_minus * size, self.step_min)
        size = xp.where(agreement > 0, grown, xp.where(agreement < 0, shrunk, size))
        g = xp.where(agreement < 0, xp.zeros_like(g), g)
        return size * xp.sign(g), (g, size)


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "adagrad": Adagrad,
    "rmsprop": RMSprop,
    "adam": Adam,
    "adamw": AdamW,
    "nadam": NAdam,
    "lion": Lion,
    "rprop": Rprop,
}


def init_states(optimizer: Optimizer, params: Parameters) -> list[State]:
    """Return the state of every parameter array, in the order of `leaves`."""
    return [optimizer.init(w) for w in leaves(params)]
