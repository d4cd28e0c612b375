r"""The working of an update: how an optimizer makes a step of a gradient, line by line.

    w   the parameter      g   its gradient      t   the number of the step, from 1
    w⁺ = w − dw

A row for each optimizer of the table. The values of the state are those of the optimizer's own
`step`; the tests hold its lines to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.explanation.derivation_steps import Step, Update
from chainrule.explanation.expressions import (
    Either,
    Expression,
    Quantity,
    StepNumber,
    call,
    in_double,
)
from chainrule.explanation.formulas import cases, number, when
from chainrule.explanation.forward_backward import Passes
from chainrule.explanation.notation import COST, Key, derivative
from chainrule.explanation.unit_places import Places
from chainrule.layers import Role
from chainrule.optimizers import OPTIMIZERS, Optimizer, State
from chainrule.ties import summed
from chainrule.trees import named_leaves

FROZEN = "frozen: it stays"
"""What is said of a parameter that no step moves."""


class UpdateLines:
    """The lines of one step, and the letters that they use."""

    optimizer: Any
    g: Expression
    t: int

    def __init__(self, optimizer: Any, g: Expression, state: State, t: int) -> None:
        self.optimizer, self.g, self.t = optimizer, g, t
        self.steps: list[Step] = []
        array = np.array([in_double(g)])
        before = tuple(np.array([part]) for part in state)
        dw, after = optimizer.step(array, before, t)
        self.dw: float = float(dw[0])
        self.before: list[float] = [float(part[0]) for part in before]
        self.state: dict[int, str] = {}
        self.after: list[float] = [float(part[0]) for part in after]
        self.rate: Quantity = letter("η", optimizer.rate(t))

    def old(self, name: str, k: int) -> Quantity:
        """Part k of the state, as the step before left it."""
        self.state[k] = name
        return letter(name, self.before[k])

    def count(self, after: int = 0) -> StepNumber:
        """The number of the step, or of one after it."""
        return StepNumber(str(self.t + after), after)

    def line(self, name: str, formula: Expression, value: float | None = None) -> Quantity:
        """Add a line, and return what it is of; without a value it is worked out."""
        quantity = letter(name, in_double(formula) if value is None else value)
        self.steps.append(Step(quantity.key, formula, quantity.value))
        return quantity

    def new(self, name: str, k: int, formula: Expression) -> Quantity:
        """Add the line of part k of the state."""
        return self.line(f"{name}+", formula, self.after[k])


NAMES = {kind: name for name, kind in OPTIMIZERS.items()}


def letter(text: str, value: float) -> Quantity:
    """Return a quantity named by a letter of its own.

    >>> letter("m", 0.5).value
    0.5
    """
    return Quantity(Key("letter", text=text), float(value))


def _sgd(k: UpdateLines) -> Expression:
    o = k.optimizer
    if not o.momentum:
        return k.rate * k.g
    if o.dampening:
        share = 1 - number(o.dampening)
        return k.rate * k.new("v", 0, number(o.momentum) * k.old("v", 0) + share * k.g)
    v = k.new("v", 0, number(o.momentum) * k.old("v", 0) + k.rate * k.g)
    return number(o.momentum) * v + k.rate * k.g if o.nesterov else v


def _adagrad(k: UpdateLines) -> Expression:
    s = k.new("s", 0, k.old("s", 0) + k.g**2)
    return k.rate * k.g / (call("sqrt", s) + number(k.optimizer.epsilon))


def _rmsprop(k: UpdateLines) -> Expression:
    rho = number(k.optimizer.rho)
    s = k.new("s", 0, rho * k.old("s", 0) + (1 - rho) * k.g**2)
    return k.rate * k.g / (call("sqrt", s) + number(k.optimizer.epsilon))


def _means(k: UpdateLines) -> tuple[Quantity, Quantity, Expression]:
    """Adam's m and v, and the root of v freed of its bias to 0, with ε."""
    beta1, beta2, t = number(k.optimizer.beta1), number(k.optimizer.beta2), k.count()
    m = k.new("m", 0, beta1 * k.old("m", 0) + (1 - beta1) * k.g)
    v = k.new("v", 1, beta2 * k.old("v", 1) + (1 - beta2) * k.g**2)
    v_hat = k.line("v^", v / (1 - beta2**t))
    return m, v, call("sqrt", v_hat) + number(k.optimizer.epsilon)


def _adam(k: UpdateLines) -> Expression:
    m, _, root = _means(k)
    m_hat = k.line("m^", m / (1 - number(k.optimizer.beta1) ** k.count()))
    return k.rate * m_hat / root


def _nadam(k: UpdateLines) -> Expression:
    beta1 = number(k.optimizer.beta1)
    m, _, root = _means(k)
    ahead = beta1 * m / (1 - beta1 ** k.count(1))
    now = (1 - beta1) * k.g / (1 - beta1 ** k.count())
    m_hat = k.line("m^", ahead + now)
    return k.rate * m_hat / root


def _lion(k: UpdateLines) -> Expression:
    beta1, beta2 = number(k.optimizer.beta1), number(k.optimizer.beta2)
    direction = k.line("c", beta1 * k.old("m", 0) + (1 - beta1) * k.g)
    k.new("m", 0, beta2 * k.old("m", 0) + (1 - beta2) * k.g)
    return k.rate * call("sgn", direction)


def _rprop(k: UpdateLines) -> Expression:
    o, before, size = k.optimizer, k.old("g_before", 0), k.old("Δ", 1)
    agreement = k.line("s", call("sgn", k.g) * call("sgn", before))
    grown = call("min", number(o.eta_plus) * size, number(o.step_max))
    shrunk = call("max", number(o.eta_minus) * size, number(o.step_min))
    new = k.new(
        "Δ",
        1,
        cases((grown, agreement, ">", 0), (shrunk, agreement, "<", 0), (size, agreement, "=", 0)),
    )
    kept = k.line("g_kept", cases((k.g, agreement, "≥", 0), (0, agreement, "<", 0)))
    return new * call("sgn", kept)


WORKINGS: dict[str, Callable[[UpdateLines], Expression]] = {
    "sgd": _sgd,
    "adagrad": _adagrad,
    "rmsprop": _rmsprop,
    "adam": _adam,
    "adamw": _adam,
    "nadam": _nadam,
    "lion": _lion,
    "rprop": _rprop,
}
"""What adds an optimizer's lines and returns the formula of dw, without weight decay."""


def state_letters(optimizer: Optimizer) -> list[str]:
    """Return what the lines of an optimizer call the numbers of its state, in order.

    >>> state_letters(cr.Adam())
    ['m', 'v']
    """
    state = tuple(float(part[0]) for part in optimizer.init(np.array([0.5])))
    lines = UpdateLines(optimizer, number(0.5), state, 1)
    WORKINGS[NAMES[type(optimizer)]](lines)
    return [lines.state[k] for k in range(len(state))]


def updated(made: Update, key: Key, passes: Passes) -> list[Step]:
    """Return the lines of the update of one parameter."""
    at, roles = passes.at, passes.net.roles
    name, _ = at.leaf(key)
    w = Quantity(key, passes.value(key))
    if name in made.frozen:
        return [Step(Key("new", of=(key,)), w, w.value, FROZEN)]
    bounds, g = _bounded(made, Quantity(derivative(COST, key), passes.gradient(key)), passes)
    decays = roles[name] is Role.WEIGHT
    steps = update(made.optimizer, w, g, _state(made, key, w, at), made.step, decays=decays)
    *before, last = (math.isfinite(step.value) for step in steps)
    if all(before) and not last:
        raise ValueError(
            f"explain: {name} after the update is {steps[-1].value}; make the learning rate smaller"
        )
    return [*bounds, *steps]


def update(
    optimizer: Optimizer, w: Quantity, g: Expression, state: State, t: int, *, decays: bool
) -> list[Step]:
    """Return the lines of step t on one parameter, the last of w⁺; weights alone decay."""
    with np.errstate(all="ignore"):
        lines = UpdateLines(optimizer, g, state, t)
    name = NAMES.get(type(optimizer), "")
    decays = bool(optimizer.weight_decay) and decays
    decay = lines.rate.value * optimizer.weight_decay * w.value if decays else 0.0
    new = Quantity(Key("new", of=(w.key,)), w.value - (lines.dw + decay))
    if not name:
        return [Step(new.key, None, new.value, f"by {optimizer!r}, of your own")]
    dw = WORKINGS[name](lines)
    if not lines.steps and not decays:
        return [Step(new.key, w - dw, new.value)]
    if decays:
        dw = dw + lines.rate * number(optimizer.weight_decay) * w
    step = lines.line("dw", dw, lines.dw + decay)
    return [*lines.steps, Step(new.key, w - step, new.value)]


def _state(made: Update, key: Key, w: Quantity, at: Places) -> State:
    """One parameter's part of the optimizer's state."""
    if made.states is None:
        return tuple(float(part[0]) for part in made.optimizer.init(np.array([w.value])))
    return tuple(float(part[0]) for part in state_of(made.states, key, at))


def state_of(states: list[State], key: Key, at: Places) -> State:
    """Return one parameter's part of the states of all, in arrays of one entry.

    >>> at = Places.of(cr.Network(1, [cr.Dense(2)], loss="huber"))
    >>> state_of([(), (np.array([0.5, 0.25]),)], Key("b", unit=1), at)
    (array([0.25]),)
    """
    name, entry = at.leaf(key)
    return tuple(np.asarray(part)[entry].reshape(1) for part in states[[*at.shapes].index(name)])


def _bounded(made: Update, g: Quantity, passes: Passes) -> tuple[list[Step], Expression]:
    """The gradient within its bounds, first of each entry, then of its length."""
    steps: list[Step] = []
    grads = summed(passes.grads, made.ties)  # a shared value counts once
    moving = [leaf for name, leaf in named_leaves(grads) if name not in made.frozen]
    if made.clip_value is not None:
        c, bound = number(made.clip_value), made.clip_value
        within = call("max", -c, call("min", g, c))
        g = letter("g_bounded", max(-bound, min(g.value, bound)))
        steps.append(Step(g.key, within, g.value, "clip_value"))
        moving = [np.clip(leaf, -bound, bound) for leaf in moving]
    if made.clip_norm is not None:
        norm = letter("|g|", math.hypot(*(float(v) for leaf in moving for v in leaf.ravel())))
        steps.append(Step(norm.key, None, norm.value, "the length of the whole gradient"))
        too_long = when(norm, ">", made.clip_norm)
        scaled = letter("g_scaled", float(g.value * np.divide(made.clip_norm, norm.value)))
        shorter = number(made.clip_norm) / norm * g
        steps.append(Step(scaled.key, shorter, scaled.value, "clip_norm", when=too_long))
        return steps, Either(too_long, scaled, g)
    return steps, g
