r"""Functions of e^z, in forms that neither overflow nor lose digits.

    z   (…)   any array      xp   its array library

They hold for any finite z in float32 and float64: none is NaN, and nothing rounds to 0 while the
true value can be represented. That rules out forms such as a(1 − a) for the derivative of the
sigmoid, which is 0 as soon as a rounds to 1. Powers of e are therefore taken of −|z| only, and
where a factor multiplies one that may underflow before the product does, as z e^z for z ≪ 0,
the power is taken in two halves: (z e^(z/2)) e^(z/2). Up to |z| = 1e4 no step overflows.
"""

from __future__ import annotations

import importlib
import math
from typing import Any

import numpy as np
from array_api_compat import is_cupy_namespace, is_jax_namespace

from chainrule.trees import Array


def exp(z: Array, xp: Any, factor: Array | float = 1.0) -> Array:
    """factor · e^min(z, 0), in two halves.

    >>> exp(np.array([-800.0]), np, 1e300)
    array([3.66787458e-48])
    """
    half = xp.exp(0.5 * xp.minimum(z, 0.0))
    return (factor * half) * half


def sigmoid(z: Array, xp: Any, factor: Array | float = 1.0) -> Array:
    """factor · σ(z), where σ(z) = e^min(z, 0) / (1 + e^−|z|).

    >>> sigmoid(np.array([0.0, -40.0]), np)
    array([5.00000000e-01, 4.24835426e-18])
    """
    return exp(z, xp, factor) / (1 + xp.exp(-xp.abs(z)))


def sigmoid_slope(z: Array, xp: Any, factor: Array | float = 1.0) -> Array:
    """factor · σ(z) σ(−z), which is even in z.

    >>> sigmoid_slope(np.array([0.0, 40.0]), np)
    array([2.50000000e-01, 4.24835426e-18])
    """
    return exp(-xp.abs(z), xp, factor) / (1 + xp.exp(-xp.abs(z))) ** 2


def sech(z: Array, xp: Any) -> Array:
    """1 / cosh z, even in z.

    >>> sech(np.array([0.0, 1000.0]), np)
    array([1., 0.])
    """
    e = xp.exp(-xp.abs(z))
    return 2 * e / (1 + e * e)


def softplus(z: Array, xp: Any) -> Array:
    """ln(1 + e^z) = max(z, 0) + ln(1 + e^−|z|).

    >>> softplus(np.array([-1000.0, 1000.0]), np)
    array([   0., 1000.])
    """
    return xp.maximum(z, 0.0) + xp.log1p(xp.exp(-xp.abs(z)))


def _bounded(z: Array, xp: Any) -> Array:
    """z as far as its cube is sure not to overflow: e^−|z| is 0 long before."""
    return xp.minimum(xp.maximum(z, -1600.0), 1600.0)


def inverse_square(r: Array, xp: Any) -> Array:
    """1 / r² for r >= 1, of which the square may overflow.

    >>> inverse_square(np.array([2.0, 1e155]), np)
    array([2.5e-001, 1.0e-310])
    """
    near = xp.minimum(r, 1e9)
    return 1 / near**2 * (near / r) ** 2


def _erfc(x: Array, xp: Any) -> Array:
    """1 − erf(x), which the array API lacks: from the library of x, from SciPy, or from C."""
    if hasattr(xp, "erfc"):  # as PyTorch has it
        return xp.erfc(x)
    if is_jax_namespace(xp):
        return importlib.import_module("jax.scipy.special").erfc(x)
    if is_cupy_namespace(xp):
        return importlib.import_module("cupyx.scipy.special").erfc(x)
    numbers = np.asarray(x)
    try:
        found = importlib.import_module("scipy.special").erfc(numbers)
    except ModuleNotFoundError:  # one by one, which takes longer
        found = np.asarray(np.frompyfunc(math.erfc, 1, 1)(numbers), numbers.dtype)
    return xp.asarray(found)


def normal_below(z: Array, xp: Any) -> Array:
    """Φ(z), the standard normal distribution.

    >>> normal_below(np.array([0.0, 9.0]), np)
    array([0.5, 1. ])
    """
    return 0.5 * _erfc(-math.sqrt(0.5) * z, xp)


def gelu_slope(z: Array, xp: Any) -> Array:
    """Φ(z) + z φ(z), with φ(z) in two halves.

    >>> gelu_slope(np.array([0.0]), np)
    array([0.5])
    """
    near = _bounded(z, xp)
    half = xp.exp(-0.25 * near * near - 0.25 * math.log(2 * math.pi))
    return normal_below(z, xp) + (z * half) * half


_GELU_K, _GELU_C = 2 * math.sqrt(2 / math.pi), 0.044715


def gelu_u(z: Array, xp: Any) -> Array:
    """u = k z (1 + c z²), of which gelu_tanh takes the sigmoid, with z bounded.

    >>> gelu_u(np.array([1.0]), np).round(6)
    array([1.667124])
    """
    z = _bounded(z, xp)
    return _GELU_K * z * (1 + _GELU_C * z * z)


def gelu_tanh_slope(z: Array, xp: Any) -> Array:
    """σ(u) + z σ(u) σ(−u) u′, with z bounded.

    >>> gelu_tanh_slope(np.array([0.0, 1e300]), np)
    array([0.5, 1. ])
    """
    z = _bounded(z, xp)
    u, du = gelu_u(z, xp), _GELU_K * (1 + 3 * _GELU_C * z * z)
    return sigmoid(u, xp) + sigmoid_slope(u, xp, z * du)


def mish_gate(z: Array, xp: Any) -> Array:
    """tanh(softplus(z)) e^−min(z, 0), a ratio of polynomials in e^−|z|.

    >>> mish_gate(np.array([0.0]), np)
    array([0.6])
    """
    e = xp.exp(-xp.abs(z))
    right = (1 + 2 * e) / (1 + 2 * e + 2 * e * e)
    return xp.where(z >= 0, right, (e + 2) / (e * e + 2 * e + 2))


def mish_slope(z: Array, xp: Any) -> Array:
    """t + z(1 − t²)σ(z), with e^min(z, 0) drawn out of both terms.

    >>> mish_slope(np.array([0.0]), np)
    array([0.6])
    """
    gate = mish_gate(z, xp)
    t = exp(z, xp, gate)
    return exp(z, xp, gate + z * (1 - t * t) / (1 + xp.exp(-xp.abs(z))))


def softmax(a: Array, xp: Any) -> Array:
    r"""Return the probabilities of logits, (n, o).

    $$p_j = \frac{e^{a_j}}{\sum_k e^{a_k}}$$

    >>> softmax(np.array([[0.0, 0.0]]), np)
    array([[0.5, 0.5]])
    """
    e = xp.exp(a - xp.max(a, axis=-1, keepdims=True))
    return e / xp.sum(e, axis=-1, keepdims=True)


def minus_log_softmax(a: Array, xp: Any) -> Array:
    """−ln p of the softmax p, (n, o).

    >>> minus_log_softmax(np.array([[0.0, 1000.0]]), np)
    array([[1000.,    0.]])
    """
    a = a - xp.max(a, axis=-1, keepdims=True)
    return xp.log(xp.sum(xp.exp(a), axis=-1, keepdims=True)) - a


def log_cosh(r: Array, xp: Any) -> Array:
    """ln cosh r = ln(1 + 2 sinh²(r/2)), which keeps its digits where r is small.

    >>> log_cosh(np.array([1e-9, 1000.0]), np)
    array([5.00000000e-19, 9.99306853e+02])
    """
    near = xp.minimum(xp.abs(r), 1.0)
    far = xp.abs(r) + xp.log1p(xp.exp(-2 * xp.abs(r))) - math.log(2)
    return xp.where(xp.abs(r) > 1, far, xp.log1p(2 * xp.sinh(0.5 * near) ** 2))
