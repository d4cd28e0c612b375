r"""The table of activations: a = f(z), one row each.

    z   (n, o)   weighted input
    a   (n, o)   activation, f(z)
    xp           the array library of z

Each rule holds for any finite z in float32 and float64: nothing is NaN, and no derivative rounds to
0 while the true one can be represented; `stable` has the forms that this takes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from chainrule import stable_exp
from chainrule.activation_row import Activation
from chainrule.errors import check_number
from chainrule.rows import find_row, latex_number

_row = functools.partial(Activation, check=False)  # the tests check the table


def sigmoid(slope: float = 1.0) -> Activation:
    r"""Return the logistic function of a slope, which has the derivative k/4 at 0.

    $$a = \sigma(kz) = \frac{1}{1 + e^{-kz}}$$

    Source: Rumelhart, Hinton and Williams (1986), Learning representations by back-propagating
    errors.

    >>> str(sigmoid(4)), str(sigmoid(1))
    ('sigmoid(4)', 'sigmoid')
    """
    return _sigmoid_of_slope(check_number("sigmoid: slope", slope, above=0))


@functools.cache
def _sigmoid_of_slope(k: float) -> Activation:
    times = "" if k == 1 else latex_number(k) + r"\,"
    return _row(
        "sigmoid",
        f=lambda z, xp: stable_exp.sigmoid(k * z, xp),
        df=lambda z, a, xp: stable_exp.sigmoid_slope(k * z, xp, k),
        latex=rf"\frac{{1}}{{1 + e^{{-{times}z}}}}",
        dlatex=rf"{times}\sigma({times}z)\,\sigma(-{times}z)",
        parameters=() if k == 1 else (k,),  # the name alone means 1
    )


def bipolar_sigmoid(slope: float = 1.0) -> Activation:
    r"""Return the logistic function stretched to between −1 and 1: tanh(kz/2).

    $$a = 2\,\sigma(kz) - 1 = \frac{2}{1 + e^{-kz}} - 1$$

    Source: Fausett (1994), Fundamentals of Neural Networks, 1.4.3.

    >>> str(bipolar_sigmoid()), str(bipolar_sigmoid(2))
    ('bipolar_sigmoid', 'bipolar_sigmoid(2)')
    """
    return _bipolar_sigmoid(check_number("bipolar_sigmoid: slope", slope, above=0))


@functools.cache
def _bipolar_sigmoid(k: float) -> Activation:
    times = "" if k == 1 else latex_number(k) + r"\,"
    return _row(
        "bipolar_sigmoid",
        f=lambda z, xp: xp.tanh(0.5 * k * z),
        df=lambda z, a, xp: stable_exp.sigmoid_slope(k * z, xp, 2 * k),
        latex=rf"\frac{{2}}{{1 + e^{{-{times}z}}}} - 1",
        dlatex=rf"2 \cdot {times}\sigma({times}z)\,\sigma(-{times}z)",
        parameters=() if k == 1 else (k,),  # the name alone means 1
    )


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
        df=lambda z, a, xp: xp.where(z > 0, xp.ones_like(z), xp.full_like(z, s)),
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
        df=lambda z, a, xp: xp.where(z > 0, xp.ones_like(z), stable_exp.exp(z, xp, alpha)),
        latex=rf"\begin{{cases}} z & z > 0 \\ {text}\,(e^z - 1) & z \le 0 \end{{cases}}",
        dlatex=rf"\begin{{cases}} 1 & z > 0 \\ {text}\,e^z & z \le 0 \end{{cases}}",
        kinks=(0.0,),
        at_kinks=(alpha,),
        initialiser="he_normal",
        parameters=(alpha,),
    )


_SELU_SCALE, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
_SELU_LEFT = _SELU_SCALE * _SELU_ALPHA

ACTIVATIONS: dict[str, Activation] = {
    row.name: row
    for row in (
        _row(
            "identity",
            f=lambda z, xp: z,
            df=lambda z, a, xp: xp.ones_like(z),
            latex=r"z",
            dlatex=r"1",
            source="Widrow and Hoff (1960), Adaptive switching circuits.",
        ),
        sigmoid(),
        bipolar_sigmoid(),
        _row(
            "tanh",
            f=lambda z, xp: xp.tanh(z),
            df=lambda z, a, xp: stable_exp.sech(z, xp) ** 2,
            latex=r"\tanh z",
            dlatex=r"\operatorname{sech}^2 z",
            source="LeCun and others (1998), Efficient BackProp.",
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
            source=(
                "Nair and Hinton (2010), Rectified linear units improve restricted Boltzmann "
                "machines."
            ),
        ),
        leaky_relu(),
        elu(),
        _row(
            "selu",
            f=lambda z, xp: xp.where(
                z > 0, _SELU_SCALE * z, _SELU_LEFT * xp.expm1(xp.minimum(z, 0.0))
            ),
            df=lambda z, a, xp: xp.where(
                z > 0, xp.full_like(z, _SELU_SCALE), stable_exp.exp(z, xp, _SELU_LEFT)
            ),
            latex=(
                r"\lambda \begin{cases} z & z > 0 \\ \alpha (e^z - 1) & z \le 0 \end{cases},"
                r"\quad \lambda \approx 1.0507,\ \alpha \approx 1.6733"
            ),
            dlatex=r"\lambda \begin{cases} 1 & z > 0 \\ \alpha e^z & z \le 0 \end{cases}",
            kinks=(0.0,),
            at_kinks=(_SELU_LEFT,),
            initialiser="lecun_normal",
            source="Klambauer, Unterthiner, Mayr and Hochreiter (2017), arXiv:1706.02515.",
        ),
        _row(
            "gelu",
            f=lambda z, xp: z * stable_exp.normal_below(z, xp),
            df=lambda z, a, xp: stable_exp.gelu_slope(z, xp),
            latex=r"z\,\Phi(z)",
            dlatex=r"\Phi(z) + z\,\varphi(z)",
            initialiser="he_normal",
            source="Hendrycks and Gimpel (2016), arXiv:1606.08415.",
        ),
        _row(  # ½(1 + tanh(u/2)) = σ(u)
            "gelu_tanh",
            f=lambda z, xp: stable_exp.sigmoid(stable_exp.gelu_u(z, xp), xp, z),
            df=lambda z, a, xp: stable_exp.gelu_tanh_slope(z, xp),
            latex=r"z\,\sigma(u),\quad u = 2\sqrt{2/\pi}\,(z + 0.044715\,z^3)",
            dlatex=r"\sigma(u) + z\,\sigma(u)\,\sigma(-u)\,u'(z)",
            initialiser="he_normal",
            source="Hendrycks and Gimpel (2016), arXiv:1606.08415: their approximation of gelu.",
        ),
        _row(
            "silu",
            f=lambda z, xp: stable_exp.sigmoid(z, xp, z),
            df=lambda z, a, xp: stable_exp.sigmoid(z, xp, 1 + z * stable_exp.sigmoid(-z, xp)),
            latex=r"z\,\sigma(z)",
            dlatex=r"\sigma(z)\,(1 + z\,\sigma(-z))",
            initialiser="he_normal",
            source="Elfwing, Uchibe and Doya (2018), arXiv:1702.03118.",
        ),
        _row(
            "softplus",
            f=stable_exp.softplus,
            df=lambda z, a, xp: stable_exp.sigmoid(z, xp),
            latex=r"\ln(1 + e^z)",
            dlatex=r"\sigma(z)",
            initialiser="he_normal",
            source=(
                "Dugas and others (2001), Incorporating second-order functional knowledge for "
                "better option pricing."
            ),
        ),
        _row(
            "softsign",
            f=lambda z, xp: z / (1 + xp.abs(z)),
            df=lambda z, a, xp: stable_exp.inverse_square(1 + xp.abs(z), xp),
            latex=r"\frac{z}{1 + |z|}",
            dlatex=r"\frac{1}{(1 + |z|)^2}",
            kinks=(0.0,),
            at_kinks=(1.0,),
            source="Bergstra and others (2009), Quadratic polynomials learn better image features.",
        ),
        _row(
            "mish",
            f=lambda z, xp: stable_exp.exp(z, xp, z * stable_exp.mish_gate(z, xp)),
            df=lambda z, a, xp: stable_exp.mish_slope(z, xp),
            latex=r"z\,t,\quad t = \tanh(\ln(1 + e^z))",
            dlatex=r"t + z\,(1 - t^2)\,\sigma(z)",
            initialiser="he_normal",
            source="Misra (2019), arXiv:1908.08681.",
        ),
        _row(
            "hard_tanh",
            f=lambda z, xp: xp.minimum(xp.maximum(z, -1.0), 1.0),
            df=lambda z, a, xp: xp.astype((z > -1) & (z < 1), z.dtype),
            latex=r"\max(-1, \min(z, 1))",
            dlatex=r"\begin{cases} 1 & |z| < 1 \\ 0 & |z| \ge 1 \end{cases}",
            kinks=(-1.0, 1.0),
            at_kinks=(0.0, 0.0),
            source="Collobert (2004), Large scale machine learning.",
        ),
        _row(  # over the outputs of the layer
            "softmax",
            f=stable_exp.softmax,
            pull=lambda z, a, da, xp: a * (da - xp.sum(a * da, axis=-1, keepdims=True)),
            latex=r"\frac{e^{z_j}}{\sum_k e^{z_k}}",
            dlatex=r"a_j\,([j = k] - a_k)",
            source=(
                "Bridle (1990), Probabilistic interpretation of feedforward classification network "
                "outputs."
            ),
        ),
    )
}

FAMILIES: dict[str, Callable[..., Activation]] = {
    "sigmoid": sigmoid,
    "bipolar_sigmoid": bipolar_sigmoid,
    "leaky_relu": leaky_relu,
    "elu": elu,
}


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
