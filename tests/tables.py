"""Oracles: what each row of the tables computes, written a second time from its source.

They work with 60 digits in a context of mpmath of their own, in the plainest formula, and share no
line with the library. A row without an oracle fails in the test of its module.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import mpmath
import numpy as np

from chainrule.activations import ACTIVATIONS

mp = mpmath.MPContext()
mp.dps = 60

ELEMENTWISE = [name for name, row in ACTIVATIONS.items() if row.pull is None]
ACTIVATION_NAMES = [
    *ELEMENTWISE,
    "sigmoid(4)",
    "sigmoid(0.5)",
    "bipolar_sigmoid(4)",
    "bipolar_sigmoid(0.5)",
    "leaky_relu(0)",
    "leaky_relu(0.2)",
    "leaky_relu(1.5)",
    "elu(0.5)",
    "elu(2)",
]

DTYPES = [np.float64, np.float32]
# e^x has the relative error |x| eps, and x goes down to -745 in float64 and -103 in float32.
RTOL = {np.float64: 1e-12, np.float32: 2e-5}


def exact(numbers: Any) -> list[Any]:
    """Return the numbers of a one-dimensional array in mpmath, unchanged."""
    return [mp.mpf(float(number)) for number in numbers]


def smallest(dtype: Any) -> Any:
    """Return the smallest positive number of a dtype; half of it and less rounds to 0."""
    return mp.mpf(float(np.finfo(dtype).smallest_subnormal))


def assert_near(got: Any, expected: Any, dtype: Any, size: Any = 0, floor: Any = None) -> None:
    """Assert that a number is right but for rounding.

    `size` is that of terms that cancel, each of which is right to a few eps; below `floor` numbers
    lose their digits, by default to underflow.
    """
    allowed = (
        RTOL[dtype] * abs(expected)
        + 8 * float(np.finfo(dtype).eps) * size
        + (4 * smallest(dtype) if floor is None else floor)
    )
    error = abs(mp.mpf(float(got)) - expected)
    assert error <= allowed, f"{float(got)!r} must be {mp.nstr(expected, 17)}"


# ---- activations ---------------------------------------------------------------------------------


class ActivationOracle(NamedTuple):
    """f(z), and the terms whose sum is its derivative: near a zero of f' they cancel."""

    f: Callable[..., Any]
    terms: Callable[..., list[Any]]


def _sigmoid(z: Any) -> Any:
    return 1 / (1 + mp.exp(-z))


def _normal_below(z: Any) -> Any:
    """Φ(z), which beyond |z| = 1e9 is 0 or 1 to more digits than mpmath's own can hold."""
    return mp.ncdf(max(mp.mpf(-1e9), min(z, mp.mpf(1e9))))


def _gelu_tanh_v(z: Any) -> Any:
    return mp.sqrt(2 / mp.pi) * (z + mp.mpf("0.044715") * z**3)


def _gelu_tanh_dv(z: Any) -> Any:
    return mp.sqrt(2 / mp.pi) * (1 + 3 * mp.mpf("0.044715") * z**2)


def _mish_t(z: Any) -> Any:
    return mp.tanh(mp.log1p(mp.exp(z)))


def _elu(z: Any, alpha: Any = 1) -> Any:
    return z if z > 0 else alpha * mp.expm1(z)


def _elu_slope(z: Any, alpha: Any = 1) -> Any:
    return mp.one if z > 0 else alpha * mp.exp(z)


def _selu_constants() -> tuple[Any, Any]:
    """λ and α, for which mean 0 and variance 1 are a fixed point: equation 14 of the paper."""
    half, one = mp.erfc(mp.sqrt(0.5)) * mp.sqrt(mp.e), mp.erfc(mp.sqrt(2)) * mp.e**2
    alpha = mp.sqrt(2 / mp.pi) / (1 - half)
    scale = (1 - half) * mp.sqrt(2 * mp.pi)
    scale /= mp.sqrt(2 * one + mp.pi * half**2 - 2 * (2 + mp.pi) * half + mp.pi + 2)
    return scale, alpha


SELU_SCALE, SELU_ALPHA = _selu_constants()

ACTIVATION_ORACLES: dict[str, ActivationOracle] = {
    "identity": ActivationOracle(lambda z: z, lambda z: [mp.one]),
    "sigmoid": ActivationOracle(
        lambda z, k=1: _sigmoid(k * z),
        lambda z, k=1: [k * mp.exp(-k * z) / (1 + mp.exp(-k * z)) ** 2],
    ),
    "bipolar_sigmoid": ActivationOracle(  # Fausett's: 2/(1 + e^(-kz)) - 1 and k/2 (1 - a)(1 + a)
        lambda z, k=1: mp.tanh(mp.mpf(k) / 2 * z),
        lambda z, k=1: [2 * k * mp.exp(-k * z) / (1 + mp.exp(-k * z)) ** 2],
    ),
    "tanh": ActivationOracle(mp.tanh, lambda z: [1 / mp.cosh(z) ** 2]),
    "relu": ActivationOracle(lambda z: max(z, mp.zero), lambda z: [mp.mpf(z > 0)]),
    "leaky_relu": ActivationOracle(
        lambda z, s=0.01: z if z > 0 else s * z, lambda z, s=0.01: [mp.one if z > 0 else mp.mpf(s)]
    ),
    "elu": ActivationOracle(_elu, lambda z, alpha=1: [_elu_slope(z, alpha)]),
    "selu": ActivationOracle(
        lambda z: SELU_SCALE * _elu(z, SELU_ALPHA),
        lambda z: [SELU_SCALE * _elu_slope(z, SELU_ALPHA)],
    ),
    "gelu": ActivationOracle(
        lambda z: z * _normal_below(z), lambda z: [_normal_below(z), z * mp.npdf(z)]
    ),
    "gelu_tanh": ActivationOracle(  # ½(1 + tanh v) = σ(2v), which 60 digits hold for any v
        lambda z: z * _sigmoid(2 * _gelu_tanh_v(z)),
        lambda z: [
            _sigmoid(2 * _gelu_tanh_v(z)),
            z / 2 * mp.sech(_gelu_tanh_v(z)) ** 2 * _gelu_tanh_dv(z),
        ],
    ),
    "silu": ActivationOracle(
        lambda z: z * _sigmoid(z), lambda z: [_sigmoid(z), z * mp.exp(-z) / (1 + mp.exp(-z)) ** 2]
    ),
    "softplus": ActivationOracle(lambda z: mp.log(1 + mp.exp(z)), lambda z: [_sigmoid(z)]),
    "softsign": ActivationOracle(lambda z: z / (1 + abs(z)), lambda z: [1 / (1 + abs(z)) ** 2]),
    "mish": ActivationOracle(
        lambda z: z * _mish_t(z), lambda z: [_mish_t(z), z * (1 - _mish_t(z) ** 2) * _sigmoid(z)]
    ),
    "hard_tanh": ActivationOracle(
        lambda z: max(-mp.one, min(z, mp.one)), lambda z: [mp.mpf(abs(z) < 1)]
    ),
}


# ---- losses --------------------------------------------------------------------------------------


class LossOracle(NamedTuple):
    """The loss of one example, from its row of a and of y, and the link of a row of a.

    `value_size` and `grad_size` are the sizes of terms that cancel, the second for one output.
    """

    total: Callable[..., Any]
    link: Callable[[list[Any]], list[Any]] = lambda a: a
    value_size: Callable[..., Any] = lambda *_: 0
    grad_size: Callable[..., Any] = lambda *_: 0


def _residuals(loss: Callable[..., Any]) -> Callable[..., Any]:
    """The sum of a loss of r = a_j - y_j."""
    return lambda a, y, *parameters: mp.fsum(
        loss(a_j - y_j, *parameters) for a_j, y_j in zip(a, y, strict=True)
    )


def _pinball(a: Any, y: Any, q: Any) -> Any:
    return max((1 - q) * (a - y), q * (y - a))


def _softmax(a: list[Any]) -> list[Any]:
    total = mp.fsum(map(mp.exp, a))
    return [mp.exp(a_j) / total for a_j in a]


def _cross_entropy(a: list[Any], y: list[Any], smoothing: Any = 0) -> Any:
    t = [(1 - mp.mpf(smoothing)) * y_j + mp.mpf(smoothing) / len(y) for y_j in y]
    return -mp.fsum(t_j * mp.log(p_j) for t_j, p_j in zip(t, _softmax(a), strict=True))


def _binary_cross_entropy(a: list[Any], y: list[Any]) -> Any:
    return -mp.fsum(
        y_j * mp.log(_sigmoid(a_j)) + (1 - y_j) * mp.log(1 - _sigmoid(a_j))
        for a_j, y_j in zip(a, y, strict=True)
    )


LOSS_ORACLES: dict[str, LossOracle] = {
    "half_squared_error": LossOracle(_residuals(lambda r: r**2 / 2)),
    "squared_error": LossOracle(_residuals(lambda r: r**2)),
    "mean_squared_error": LossOracle(lambda a, y: _residuals(lambda r: r**2)(a, y) / len(a)),
    "absolute_error": LossOracle(_residuals(abs)),
    "huber": LossOracle(
        _residuals(lambda r, d=1: r**2 / 2 if abs(r) <= d else d * (abs(r) - mp.mpf(d) / 2))
    ),
    "quantile": LossOracle(lambda a, y, *q: mp.fsum(map(_pinball, a, y, np.resize(q, len(a))))),
    "log_cosh": LossOracle(_residuals(lambda r: mp.log(mp.cosh(r)))),
    "poisson": LossOracle(
        lambda a, y: mp.fsum(mp.exp(a_j) - y_j * a_j for a_j, y_j in zip(a, y, strict=True)),
        link=lambda a: [mp.exp(a_j) for a_j in a],
        value_size=lambda a, y: mp.fsum(map(mp.exp, a)) + abs(mp.fdot(a, y)),
        grad_size=lambda a, y: mp.exp(a) + y,
    ),
    "hinge": LossOracle(
        lambda a, y: mp.fsum(max(1 - y_j * a_j, mp.zero) for a_j, y_j in zip(a, y, strict=True))
    ),
    "binary_cross_entropy": LossOracle(
        _binary_cross_entropy,
        link=lambda a: [_sigmoid(a_j) for a_j in a],
        grad_size=lambda a, y: (1 - y) * _sigmoid(a) + y * _sigmoid(-a),
    ),
    "cross_entropy": LossOracle(
        _cross_entropy,
        link=_softmax,
        value_size=lambda a, y, *_: 1 + max(a) - min(a),
        grad_size=lambda a, y, *_: 1,
    ),
}


def true_gradient(total: Callable[..., Any], a: list[Any], y: list[Any], *parameters: Any) -> Any:
    """Return the derivative of a loss of one example by each a_j, by differences of its value."""
    return [
        mp.diff(lambda t, j=j: total([*a[:j], t, *a[j + 1 :]], y, *parameters), a[j])
        for j in range(len(a))
    ]


# ---- initialisers --------------------------------------------------------------------------------

# The variance of a weight of a layer from i inputs to o outputs.
INITIALISER_VARIANCES: dict[str, Callable[[int, int], float]] = {
    "glorot_uniform": lambda i, o: 2 / (i + o),
    "glorot_normal": lambda i, o: 2 / (i + o),
    "he_uniform": lambda i, o: 2 / i,
    "he_normal": lambda i, o: 2 / i,
    "lecun_uniform": lambda i, o: 1 / i,
    "lecun_normal": lambda i, o: 1 / i,
    "zeros": lambda i, o: 0.0,
}
