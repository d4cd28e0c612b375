r"""The table of activations: a = f(z), one row each.

    z   (n, o)   weighted input
    a   (n, o)   activation, f(z)
    xp           the array library of z

Each rule holds for |z| up to 1e4 in float32 and float64: nothing overflows, and no derivative
rounds to 0 while the true one can be represented. That rules out forms such as a(1 − a) for the
sigmoid, which is 0 as soon as a rounds to 1. Powers of e are therefore taken of −|z| only, and
where a factor multiplies one that may underflow before the product does, as z e^z for z ≪ 0,
the power is taken in two halves: (z e^(z/2)) e^(z/2).
"""

from __future__ import annotations

import functools
import importlib
import math
from collections.abc import Callable
from dataclasses import InitVar, dataclass
from typing import Any

import numpy as np
from array_api_compat import (
    array_namespace,
    is_cupy_namespace,
    is_jax_namespace,
    is_torch_namespace,
)

from chainrule.errors import check_number
from chainrule.rows import check_derivative, find_row, full_name, latex_number
from chainrule.trees import Array


@dataclass(frozen=True)
class Activation:
    r"""A row of the table: an activation function with everything that is known of it.

    $$a = f(z),\qquad \frac{\partial a}{\partial z} = f'(z)$$

    A row that you make is compared with central differences in float64 at once, and refused with
    a ValueError where its derivative is wrong.

    Parameters
    ----------
    name
        Its name in messages and tables.
    f
        `f(z, xp)` returns a, of the shape and dtype of z.
    df
        `df(z, a, xp)` returns ∂a/∂z from the input, the output, or both.
    latex, dlatex
        Value and derivative as functions of z in LaTeX.
    kinks, at_kinks
        The points where f or f′ has a corner, and what `df` returns there.
    initialiser
        How the weights that lead into it are drawn unless a layer says otherwise.
    parameters
        The numbers in its full name, `leaky_relu(0.2)`.

    Examples
    --------
    >>> sine = Activation("sine", f=lambda z, xp: xp.sin(z), df=lambda z, a, xp: xp.cos(z))
    >>> Activation("sine", f=lambda z, xp: xp.sin(z), df=lambda z, a, xp: -xp.cos(z))
    Traceback (most recent call last):
    ...
    ValueError: activation 'sine': the derivative at ...
    """

    name: str
    f: Callable[[Array, Any], Array]
    df: Callable[[Array, Array, Any], Array]
    latex: str = r"f(z)"
    dlatex: str = r"f'(z)"
    kinks: tuple[float, ...] = ()
    at_kinks: tuple[float, ...] = ()
    initialiser: str = "glorot_uniform"
    parameters: tuple[float, ...] = ()
    check: InitVar[bool] = True

    def __post_init__(self, check: bool) -> None:
        for field in ("kinks", "at_kinks", "parameters"):
            object.__setattr__(self, field, tuple(map(float, getattr(self, field))))
        if len(self.kinks) != len(self.at_kinks):
            raise ValueError(
                f"activation {self.name!r}: at_kinks must give one derivative for each of the "
                f"kinks {self.kinks}, got {self.at_kinks}"
            )
        if check:
            points = np.linspace(-8, 8, 160)  # an even number of points: 0 is not one of them
            for kink in self.kinks:
                points = points[np.abs(points - kink) > 1e-3]
            xp = array_namespace(points)
            what = f"activation {self.name!r}"

            def df(z: Array) -> Array:
                return self.df(z, self.f(z, xp), xp)

            check_derivative(what, lambda z: self.f(z, xp), df, points)
            for kink, given in zip(self.kinks, self.at_kinks, strict=True):
                found = float(df(np.array([kink]))[0])
                if abs(found - given) > 1e-12 * max(1.0, abs(given)):
                    raise ValueError(
                        f"{what}: df returns {found:g} at {kink:g}, at_kinks says {given:g}"
                    )

    def __str__(self) -> str:
        return full_name(self.name, self.parameters)


_row = functools.partial(Activation, check=False)  # the tests check the table


def _exp(z: Array, xp: Any, factor: Array | float = 1.0) -> Array:
    """factor · e^min(z, 0), in two halves."""
    half = xp.exp(0.5 * xp.minimum(z, 0.0))
    return (factor * half) * half


def _sigmoid(z: Array, xp: Any, factor: Array | float = 1.0) -> Array:
    """factor · σ(z), where σ(z) = e^min(z, 0) / (1 + e^−|z|)."""
    return _exp(z, xp, factor) / (1 + xp.exp(-xp.abs(z)))


def _sigmoid_slope(z: Array, xp: Any, factor: Array | float = 1.0) -> Array:
    """factor · σ(z) σ(−z), which is even in z."""
    return _exp(-xp.abs(z), xp, factor) / (1 + xp.exp(-xp.abs(z))) ** 2


def _sech(z: Array, xp: Any) -> Array:
    e = xp.exp(-xp.abs(z))
    return 2 * e / (1 + e * e)


def _softplus(z: Array, xp: Any) -> Array:
    return xp.maximum(z, 0.0) + xp.log1p(xp.exp(-xp.abs(z)))


def _step(z: Array, low: float, xp: Any) -> Array:
    """1 where z > 0, and `low` elsewhere, 0 included."""
    return xp.where(z > 0, xp.ones_like(z), xp.full_like(z, low))


def leaky_relu(slope: float = 0.01) -> Activation:
    r"""Return the leaky rectifier, which lets a share of a negative input through.

    $$a = \max(z, 0) + s\,\min(z, 0)$$

    Source: Maas, Hannun and Ng (2013), Rectifier nonlinearities improve neural network acoustic
    models.

    >>> str(leaky_relu(0.2))
    'leaky_relu(0.2)'
    """
    return _leaky_relu(check_number("leaky_relu: slope", slope, least=0))


@functools.cache
def _leaky_relu(s: float) -> Activation:
    text = latex_number(s)
    return _row(
        "leaky_relu",
        f=lambda z, xp: xp.where(z > 0, z, s * z),
        df=lambda z, a, xp: _step(z, s, xp),
        latex=rf"\max(z, 0) + {text}\min(z, 0)",
        dlatex=rf"\begin{{cases}} 1 & z > 0 \\ {text} & z \le 0 \end{{cases}}",
        kinks=(0.0,),
        at_kinks=(s,),
        initialiser="he_normal",
        parameters=(s,),
    )


def elu(alpha: float = 1.0) -> Activation:
    r"""Return the exponential linear unit, which tends to −α on the left.

    $$a = \max(z, 0) + \alpha\,(e^{\min(z, 0)} - 1)$$

    Source: Clevert, Unterthiner and Hochreiter (2016), arXiv:1511.07289.

    >>> str(elu(0.5))
    'elu(0.5)'
    """
    return _elu(check_number("elu: alpha", alpha, above=0))


@functools.cache
def _elu(alpha: float) -> Activation:
    text = latex_number(alpha)
    return _row(
        "elu",
        f=lambda z, xp: xp.where(z > 0, z, alpha * xp.expm1(xp.minimum(z, 0.0))),
        df=lambda z, a, xp: xp.where(z > 0, xp.ones_like(z), _exp(z, xp, alpha)),
        latex=rf"\begin{{cases}} z & z > 0 \\ {text}\,(e^z - 1) & z \le 0 \end{{cases}}",
        dlatex=rf"\begin{{cases}} 1 & z > 0 \\ {text}\,e^z & z \le 0 \end{{cases}}",
        kinks=(0.0,),
        at_kinks=(alpha,),
        initialiser="he_normal",
        parameters=(alpha,),
    )


_SELU_SCALE, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
_SELU_LEFT = _SELU_SCALE * _SELU_ALPHA


def _erfc(x: Array, xp: Any) -> Array:
    """1 − erf(x), which the array API lacks: from the library of x, or from SciPy."""
    if is_torch_namespace(xp):
        return importlib.import_module("torch").special.erfc(x)
    if is_jax_namespace(xp):
        return importlib.import_module("jax.scipy.special").erfc(x)
    if is_cupy_namespace(xp):
        return importlib.import_module("cupyx.scipy.special").erfc(x)
    return xp.asarray(importlib.import_module("scipy.special").erfc(np.asarray(x)))


def _normal_below(z: Array, xp: Any) -> Array:
    """Φ(z), the standard normal distribution."""
    return 0.5 * _erfc(-math.sqrt(0.5) * z, xp)


def _gelu_slope(z: Array, xp: Any) -> Array:
    """Φ(z) + z φ(z), with φ(z) in two halves."""
    half = xp.exp(-0.25 * z * z - 0.25 * math.log(2 * math.pi))
    return _normal_below(z, xp) + (z * half) * half


_GELU_K, _GELU_C = 2 * math.sqrt(2 / math.pi), 0.044715


def _gelu_u(z: Array) -> Array:
    return _GELU_K * z * (1 + _GELU_C * z * z)


def _gelu_tanh_slope(z: Array, xp: Any) -> Array:
    u, du = _gelu_u(z), _GELU_K * (1 + 3 * _GELU_C * z * z)
    return _sigmoid(u, xp) + _sigmoid_slope(u, xp, z * du)


def _mish_gate(z: Array, xp: Any) -> Array:
    """tanh(softplus(z)) e^−min(z, 0), a ratio of polynomials in e^−|z|."""
    e = xp.exp(-xp.abs(z))
    right = (1 + 2 * e) / (1 + 2 * e + 2 * e * e)
    return xp.where(z >= 0, right, (e + 2) / (e * e + 2 * e + 2))


def _mish_slope(z: Array, xp: Any) -> Array:
    """t + z(1 − t²)σ(z), with e^min(z, 0) drawn out of both terms."""
    gate = _mish_gate(z, xp)
    t = _exp(z, xp, gate)
    return _exp(z, xp, gate + z * (1 - t * t) / (1 + xp.exp(-xp.abs(z))))


ACTIVATIONS: dict[str, Activation] = {
    row.name: row
    for row in (
        _row(
            "identity",
            f=lambda z, xp: z,
            df=lambda z, a, xp: xp.ones_like(z),
            latex=r"z",
            dlatex=r"1",
        ),
        _row(
            "sigmoid",
            f=_sigmoid,
            df=lambda z, a, xp: _sigmoid_slope(z, xp),
            latex=r"\frac{1}{1 + e^{-z}}",
            dlatex=r"\sigma(z)\,\sigma(-z)",
        ),
        _row(
            "tanh",
            f=lambda z, xp: xp.tanh(z),
            df=lambda z, a, xp: _sech(z, xp) ** 2,
            latex=r"\tanh z",
            dlatex=r"\operatorname{sech}^2 z",
        ),
        _row(
            "relu",
            f=lambda z, xp: xp.maximum(z, 0.0),
            df=lambda z, a, xp: xp.astype(z > 0, z.dtype),
            latex=r"\max(z, 0)",
            dlatex=r"\begin{cases} 1 & z > 0 \\ 0 & z \le 0 \end{cases}",
            kinks=(0.0,),
            at_kinks=(0.0,),
            initialiser="he_normal",
        ),
        leaky_relu(),
        elu(),
        _row(  # Klambauer, Unterthiner, Mayr and Hochreiter (2017), arXiv:1706.02515
            "selu",
            f=lambda z, xp: xp.where(
                z > 0, _SELU_SCALE * z, _SELU_LEFT * xp.expm1(xp.minimum(z, 0.0))
            ),
            df=lambda z, a, xp: xp.where(
                z > 0, xp.full_like(z, _SELU_SCALE), _exp(z, xp, _SELU_LEFT)
            ),
            latex=r"\lambda \begin{cases} z & z > 0 \\ \alpha (e^z - 1) & z \le 0 \end{cases}",
            dlatex=r"\lambda \begin{cases} 1 & z > 0 \\ \alpha e^z & z \le 0 \end{cases}",
            kinks=(0.0,),
            at_kinks=(_SELU_LEFT,),
            initialiser="lecun_normal",
        ),
        _row(  # Hendrycks and Gimpel (2016), arXiv:1606.08415
            "gelu",
            f=lambda z, xp: z * _normal_below(z, xp),
            df=lambda z, a, xp: _gelu_slope(z, xp),
            latex=r"z\,\Phi(z)",
            dlatex=r"\Phi(z) + z\,\varphi(z)",
            initialiser="he_normal",
        ),
        _row(  # the same paper's approximation: ½(1 + tanh(u/2)) = σ(u)
            "gelu_tanh",
            f=lambda z, xp: _sigmoid(_gelu_u(z), xp, z),
            df=lambda z, a, xp: _gelu_tanh_slope(z, xp),
            latex=r"z\,\sigma(u),\quad u = 2\sqrt{2/\pi}\,(z + 0.044715\,z^3)",
            dlatex=r"\sigma(u) + z\,\sigma(u)\,\sigma(-u)\,u'(z)",
            initialiser="he_normal",
        ),
        _row(  # Elfwing, Uchibe and Doya (2018), arXiv:1702.03118
            "silu",
            f=lambda z, xp: _sigmoid(z, xp, z),
            df=lambda z, a, xp: _sigmoid(z, xp, 1 + z * _sigmoid(-z, xp)),
            latex=r"z\,\sigma(z)",
            dlatex=r"\sigma(z)\,(1 + z\,\sigma(-z))",
            initialiser="he_normal",
        ),
        _row(
            "softplus",
            f=_softplus,
            df=lambda z, a, xp: _sigmoid(z, xp),
            latex=r"\ln(1 + e^z)",
            dlatex=r"\sigma(z)",
            initialiser="he_normal",
        ),
        _row(
            "softsign",
            f=lambda z, xp: z / (1 + xp.abs(z)),
            df=lambda z, a, xp: 1 / (1 + xp.abs(z)) ** 2,
            latex=r"\frac{z}{1 + |z|}",
            dlatex=r"\frac{1}{(1 + |z|)^2}",
            kinks=(0.0,),
            at_kinks=(1.0,),
        ),
        _row(  # Misra (2019), arXiv:1908.08681
            "mish",
            f=lambda z, xp: _exp(z, xp, z * _mish_gate(z, xp)),
            df=lambda z, a, xp: _mish_slope(z, xp),
            latex=r"z\,t,\quad t = \tanh(\ln(1 + e^z))",
            dlatex=r"t + z\,(1 - t^2)\,\sigma(z)",
            initialiser="he_normal",
        ),
        _row(
            "hard_tanh",
            f=lambda z, xp: xp.minimum(xp.maximum(z, -1.0), 1.0),
            df=lambda z, a, xp: xp.astype((z > -1) & (z < 1), z.dtype),
            latex=r"\max(-1, \min(z, 1))",
            dlatex=r"\begin{cases} 1 & |z| < 1 \\ 0 & |z| \ge 1 \end{cases}",
            kinks=(-1.0, 1.0),
            at_kinks=(0.0, 0.0),
        ),
    )
}

FAMILIES: dict[str, Callable[..., Activation]] = {"leaky_relu": leaky_relu, "elu": elu}


def activation(given: str | Activation) -> Activation:
    """Return the row that a full name specifies, or the row given.

    Raises ValueError for an unknown name, with the nearest known ones, and TypeError for anything
    that is neither.

    >>> activation("leaky_relu(0.2)").parameters
    (0.2,)
    """
    if isinstance(given, Activation):
        return given
    if isinstance(given, str):
        return ACTIVATIONS.get(given) or find_row("activation", given, ACTIVATIONS, FAMILIES)
    raise TypeError(
        f"an activation must be a name such as 'relu' or an Activation, got {given!r} of type "
        f"{type(given).__name__}"
    )
