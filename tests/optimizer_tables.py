"""Oracles of schedules and optimizers: what each row computes, step after step, from its source."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from chainrule.schedules import SCHEDULES
from tables import mp

# ---- schedules -----------------------------------------------------------------------------------


def _cosine_between(start: Any, end: Any, progress: Any) -> Any:
    """From start (progress 0) to end (1) along half a cosine."""
    return start + (end - start) * (1 - mp.cospi(progress)) / 2


def _one_cycle(t: int, peak: Any, steps: int, share: Any) -> Any:
    """A share of the way from the first step to the last up, the rest of it down."""
    first, last, top = peak / mp.mpf(25), peak / mp.mpf(250_000), 1 + share * mp.mpf(steps - 1)
    if t == 1:
        return first
    if t >= steps:
        return last
    if t <= top:
        return _cosine_between(first, peak, (t - 1) / (top - 1))
    return _cosine_between(peak, last, (t - top) / (steps - top))


def _step_decay(t: int, rate: Any, every: int, factor: Any) -> Any:
    """Lower the rate each time that `every` steps are done."""
    for done in range(1, t):
        rate = rate * mp.mpf(factor) if done % every == 0 else rate
    return rate


SCHEDULE_ORACLES: dict[str, Callable[..., Any]] = {
    "constant": lambda t, rate: rate,
    "step": _step_decay,
    "exponential": lambda t, rate, factor: mp.fprod([rate, *[factor] * (t - 1)]),
    "inverse_scaling": lambda t, rate, power: rate / mp.mpf(t) ** power,
    "cosine": lambda t, rate, steps, final: (
        final if t > steps else _cosine_between(rate, final, mp.mpf(t - 1) / steps)
    ),
    "coslog4": lambda t, rate, steps: _cosine_between(
        0, rate, 2 * mp.log(1 + mp.mpf(15 * min(t, steps + 1)) / (steps + 1), 2)
    ),
    "warm_up": lambda t, steps, then: (
        true_rate(then, 1) * t / steps if t < steps else true_rate(then, max(t - steps, 1))
    ),
    "resumed": lambda t, after, then: true_rate(then, t + after),
    "one_cycle": _one_cycle,
}

_SCHEDULE_NAMES = {kind: name for name, kind in SCHEDULES.items()}


def fields_of(specification: Any) -> dict[str, Any]:
    """Return the fields of a specification by name, its floats as exact numbers."""
    values = {f.name: getattr(specification, f.name) for f in dataclasses.fields(specification)}
    return {name: mp.mpf(v) if isinstance(v, float) else v for name, v in values.items()}


def true_rate(given: Any, t: int) -> Any:
    """Return the rate of step t of a schedule or of a number."""
    if isinstance(given, (int, float, mp.mpf)):
        return mp.mpf(given)
    return SCHEDULE_ORACLES[_SCHEDULE_NAMES[type(given)]](t, **fields_of(given))


# ---- optimizers ----------------------------------------------------------------------------------

# Each gives the weight after each of n steps from the weight w, where g(w, t) is the gradient and
# eta(t) the learning rate.


def _averaging(g: Any, w: Any, eta: Any, n: int, momentum: Any, dampening: Any) -> list[Any]:
    """v ← βv + (1 − β)g, as courses have it, with β and 1 − β as two numbers, as PyTorch's SGD."""
    v, path = mp.zero, []
    for t in range(1, n + 1):
        v = momentum * v + (1 - dampening) * g(w, t)
        w = w - eta(t) * v
        path.append(w)
    return path


def _sgd(
    g: Any, w: Any, eta: Any, n: int, momentum: Any, nesterov: bool, dampening: Any
) -> list[Any]:
    """Sutskever and others (2013), equations 1 to 4: theta is their weight, w where they look."""
    if dampening:
        return _averaging(g, w, eta, n, momentum, dampening)
    theta, v, path = w, mp.zero, []
    for t in range(1, n + 1):
        look = theta + momentum * v if nesterov else theta
        v = momentum * v - eta(t) * g(look, t)
        theta = theta + v
        path.append(theta + momentum * v if nesterov else theta)
    return path


def _adagrad(g: Any, w: Any, eta: Any, n: int, epsilon: Any) -> list[Any]:
    squares, path = [], []
    for t in range(1, n + 1):
        gradient = g(w, t)
        squares.append(gradient**2)
        w = w - eta(t) * gradient / (mp.sqrt(mp.fsum(squares)) + epsilon)
        path.append(w)
    return path


def _rmsprop(g: Any, w: Any, eta: Any, n: int, rho: Any, epsilon: Any) -> list[Any]:
    mean_square, path = mp.zero, []
    for t in range(1, n + 1):
        gradient = g(w, t)
        mean_square = rho * mean_square + (1 - rho) * gradient**2
        w = w - eta(t) / (mp.sqrt(mean_square) + epsilon) * gradient
        path.append(w)
    return path


def _adam(
    g: Any,
    w: Any,
    eta: Any,
    n: int,
    beta1: Any,
    beta2: Any,
    epsilon: Any,
    weight_decay: Any = 0,
    nesterov: bool = False,
) -> list[Any]:
    """Algorithm 1 of Kingma and Ba, algorithm 2 of Loshchilov and Hutter, algorithm 8 of Dozat."""
    m, v, path = mp.zero, mp.zero, []
    for t in range(1, n + 1):
        gradient = g(w, t)
        m = beta1 * m + (1 - beta1) * gradient
        v = beta2 * v + (1 - beta2) * gradient**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        if nesterov:
            m_hat = beta1 * m / (1 - beta1 ** (t + 1)) + (1 - beta1) * gradient / (1 - beta1**t)
        w = w - eta(t) * (m_hat / (mp.sqrt(v_hat) + epsilon) + weight_decay * w)
        path.append(w)
    return path


def _lion(g: Any, w: Any, eta: Any, n: int, beta1: Any, beta2: Any, weight_decay: Any) -> list[Any]:
    """Algorithm 2 of Chen and others."""
    m, path = mp.zero, []
    for t in range(1, n + 1):
        gradient = g(w, t)
        update = mp.sign(beta1 * m + (1 - beta1) * gradient)
        w = w - eta(t) * (update + weight_decay * w)
        m = beta2 * m + (1 - beta2) * gradient
        path.append(w)
    return path


def _rprop(
    g: Any, w: Any, eta: Any, n: int, eta_minus: Any, eta_plus: Any, step_min: Any, step_max: Any
) -> list[Any]:
    """Igel and Hüsken (2000), iRprop⁻."""
    size, before, path = eta(1), mp.zero, []
    for t in range(1, n + 1):
        gradient = g(w, t)
        if gradient * before > 0:
            size = min(size * eta_plus, step_max)
        elif gradient * before < 0:
            size = max(size * eta_minus, step_min)
            gradient = mp.zero
        w = w - mp.sign(gradient) * size
        before = gradient
        path.append(w)
    return path


OPTIMIZER_ORACLES: dict[str, Callable[..., list[Any]]] = {
    "sgd": _sgd,
    "adagrad": _adagrad,
    "rmsprop": _rmsprop,
    "adam": _adam,
    "adamw": _adam,
    "nadam": lambda *arguments, **fields: _adam(*arguments, nesterov=True, **fields),
    "lion": _lion,
    "rprop": _rprop,
}
