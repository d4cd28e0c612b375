r"""The table of losses: what one example costs, one row each.

    a   (n, o)   activation of the last layer; for the cross-entropies these are the logits
    y   (n, o)   target
    xp           the array library of a

`value` gives each output's share of an example's loss, unreduced: the sum over the outputs and
the mean over the examples are taken in one place, `backprop.cost`. `grad` is the derivative of
that sum by a. `link` turns a into a prediction.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from array_api_compat import device

from chainrule import heads as joined_heads
from chainrule.errors import check_number
from chainrule.loss_row import Loss
from chainrule.rows import find_row, latex_number
from chainrule.stable_exp import log_cosh, minus_log_softmax, sigmoid, softmax, softplus
from chainrule.trees import Array

_row = functools.partial(Loss, check=False)  # the tests check the table


def huber(delta: float = 1.0) -> Loss:
    r"""Return Huber's loss: quadratic up to a residual of δ, linear beyond.

    $$\ell(r) = \tfrac12 r^2\ (|r| \le \delta),\quad \delta(|r| - \tfrac12\delta)\ (|r| > \delta)$$

    Source: Huber (1964), Robust estimation of a location parameter.

    >>> str(huber(0.5))
    'huber(0.5)'
    """
    return _huber(check_number("huber: delta", delta, above=0))


@functools.cache
def _huber(d: float) -> Loss:
    text, half = latex_number(d), latex_number(0.5 * d)

    def value(a: Array, y: Array, xp: Any) -> Array:
        r = xp.abs(a - y)
        return xp.where(r > d, d * (r - 0.5 * d), 0.5 * r * r)

    return _row(
        "huber",
        value=value,
        grad=lambda a, y, xp: xp.minimum(xp.maximum(a - y, -d), d),
        latex=(
            rf"\sum_j \begin{{cases}} \tfrac12 (a_j - y_j)^2 & |a_j - y_j| \le {text} \\"
            rf" {text}\,(|a_j - y_j| - {half}) & |a_j - y_j| > {text} \end{{cases}}"
        ),
        dlatex=rf"\max(-{text}, \min(a_j - y_j, {text}))",
        kink=lambda a, y, xp: xp.abs(a - y) - d,
        parameters=(d,),
    )


def check_quantiles(what: str, given: Any) -> tuple[float, ...]:
    """Return quantiles, or raise where they are not different numbers between 0 and 1.

    >>> check_quantiles("MLPRegressor: quantiles", [0.9, 0.1])
    (0.9, 0.1)
    """
    levels = given if isinstance(given, Iterable) else ()
    numbers = tuple(check_number(what, q, above=0, below=1) for q in levels)
    if not numbers or len(set(numbers)) < len(numbers):
        raise ValueError(
            f"{what} must be different numbers between 0 and 1, such as (0.1, 0.5), got {given!r}"
        )
    return numbers


def quantile(*q: float) -> Loss:
    r"""Return the quantile (pinball) loss, whose minimum is the q-quantile of y; q is 0.5 if none.

    $$\ell_j = (1 - q_j)\max(r_j, 0) + q_j\max(-r_j, 0),\qquad r_j = a_j - y_j$$

    Outputs take turns in several quantiles: with three of them, outputs 0, 3, 6, … have the first.
    The number of outputs must be a multiple of theirs.

    Source: Koenker and Bassett (1978), Regression quantiles.

    >>> str(quantile(0.9))
    'quantile(0.9)'
    >>> quantile(0.1, 0.9).value(np.array([[1.0, 1.0]]), np.zeros((1, 2)), np)
    array([[0.9, 0.1]])
    """
    return _quantile(check_quantiles("quantile: q", q or (0.5,)))


@functools.cache
def _quantile(levels: tuple[float, ...]) -> Loss:
    count = len(levels)

    def of_outputs(a: Array, xp: Any) -> Any:
        if count == 1:
            return levels[0]
        turns = [levels[j % count] for j in range(a.shape[1])]
        return xp.asarray(turns, dtype=a.dtype, device=device(a))

    def value(a: Array, y: Array, xp: Any) -> Array:
        q = of_outputs(a, xp)
        return xp.maximum((1 - q) * (a - y), q * (y - a))

    def grad(a: Array, y: Array, xp: Any) -> Array:
        q = of_outputs(a, xp)
        return (1 - q) * xp.astype(a > y, a.dtype) - q * xp.astype(a < y, a.dtype)

    over, under, where = latex_number(round(1 - levels[0], 15)), latex_number(levels[0]), ""
    if count > 1:
        over, under = "(1 - q_j)", "q_j"
        where = rf",\quad q = ({', '.join(map(latex_number, 2 * levels))}, \ldots)"
    return _row(
        "quantile",
        value=value,
        grad=grad,
        latex=rf"\sum_j \max({over}\,(a_j - y_j),\ {under}\,(y_j - a_j)){where}",
        dlatex=(
            rf"\begin{{cases}} {over.strip('()')} & a_j > y_j \\ 0 & a_j = y_j \\"
            rf" -{under} & a_j < y_j \end{{cases}}"
        ),
        kink=lambda a, y, xp: a - y,
        parameters=levels,
        group=count,
    )


def cross_entropy(smoothing: float = 0.0) -> Loss:
    r"""Return the cross-entropy of the softmax of logits, with smoothed labels if wanted.

    $$L = -\sum_j t_j \ln p_j,\qquad t = (1 - \varepsilon)\,y + \varepsilon / o$$

    Source: Bishop (2006), Pattern Recognition and Machine Learning, 5.2; label smoothing: Szegedy
    and others (2016), arXiv:1512.00567.

    >>> str(cross_entropy(0.1))
    'cross_entropy(0.1)'
    """
    return _cross_entropy(check_number("cross_entropy: smoothing", smoothing, least=0, below=1))


@functools.cache
def _cross_entropy(s: float) -> Loss:

    def smoothed(y: Array) -> Array:
        return (1 - s) * y + s / y.shape[1] if s else y

    rest, share = latex_number(round(1 - s, 15)), latex_number(s)
    t = rf"\left({rest}\,y_j + \tfrac{{{share}}}{{o}}\right)" if s else "y_j"
    return _row(
        "cross_entropy",
        value=lambda a, y, xp: smoothed(y) * minus_log_softmax(a, xp),
        grad=lambda a, y, xp: softmax(a, xp) - smoothed(y),
        link=softmax,
        link_name="softmax",
        latex=rf"-\sum_j {t} \ln p_j,\quad p_j = \frac{{e^{{a_j}}}}{{\sum_k e^{{a_k}}}}",
        dlatex=rf"p_j - {t}",
        target="class",
        parameters=(s,) if s else (),
    )


LOSSES: dict[str, Loss] = {
    row.name: row
    for row in (
        _row(
            "half_squared_error",
            value=lambda a, y, xp: 0.5 * (a - y) ** 2,
            grad=lambda a, y, xp: a - y,
            latex=r"\tfrac12 \sum_j (a_j - y_j)^2",
            dlatex=r"a_j - y_j",
            source=(
                "Rumelhart, Hinton and Williams (1986), Learning representations by "
                "back-propagating errors."
            ),
        ),
        _row(
            "squared_error",
            value=lambda a, y, xp: (a - y) ** 2,
            grad=lambda a, y, xp: 2 * (a - y),
            latex=r"\sum_j (a_j - y_j)^2",
            dlatex=r"2\,(a_j - y_j)",
            source=(
                "Legendre (1805), Nouvelles méthodes pour la détermination des orbites des comètes."
            ),
        ),
        _row(
            "mean_squared_error",
            value=lambda a, y, xp: (a - y) ** 2 / a.shape[1],
            grad=lambda a, y, xp: 2 * (a - y) / a.shape[1],
            latex=r"\tfrac{1}{o} \sum_j (a_j - y_j)^2",
            dlatex=r"\tfrac{2}{o}\,(a_j - y_j)",
            source="Widrow and Hoff (1960), Adaptive switching circuits.",
        ),
        _row(
            "absolute_error",
            value=lambda a, y, xp: xp.abs(a - y),
            grad=lambda a, y, xp: xp.sign(a - y),
            latex=r"\sum_j |a_j - y_j|",
            dlatex=r"\operatorname{sgn}(a_j - y_j)",
            kink=lambda a, y, xp: a - y,
            source="Bloomfield and Steiger (1983), Least Absolute Deviations.",
        ),
        huber(),
        quantile(),
        _row(
            "log_cosh",
            value=lambda a, y, xp: log_cosh(a - y, xp),
            grad=lambda a, y, xp: xp.tanh(a - y),
            latex=r"\sum_j \ln\cosh(a_j - y_j)",
            dlatex=r"\tanh(a_j - y_j)",
            source=(
                "Green (1990), Bayesian reconstructions from emission tomography data using a "
                "modified EM algorithm."
            ),
        ),
        _row(  # the negative log-likelihood of the rate e^a, less ln y!, which is constant
            "poisson",
            value=lambda a, y, xp: xp.exp(a) - y * a,
            grad=lambda a, y, xp: xp.exp(a) - y,
            link=lambda a, xp: xp.exp(a),
            link_name="exp",
            latex=r"\sum_j (e^{a_j} - y_j a_j)",
            dlatex=r"e^{a_j} - y_j",
            target="count",
            source="McCullagh and Nelder (1989), Generalized Linear Models, chapter 6.",
        ),
        _row(
            "hinge",
            value=lambda a, y, xp: xp.maximum(1 - y * a, 0.0),
            grad=lambda a, y, xp: -y * xp.astype(y * a < 1, a.dtype),
            latex=r"\sum_j \max(1 - y_j a_j, 0)",
            dlatex=r"\begin{cases} -y_j & y_j a_j < 1 \\ 0 & y_j a_j \ge 1 \end{cases}",
            target="sign",
            kink=lambda a, y, xp: 1 - y * a,
            source="Cortes and Vapnik (1995), Support-vector networks.",
        ),
        _row(  # both terms in logits: σ(a) − y would round to 0 where y = 1 and a is large
            "binary_cross_entropy",
            value=lambda a, y, xp: (1 - y) * softplus(a, xp) + y * softplus(-a, xp),
            grad=lambda a, y, xp: (1 - y) * sigmoid(a, xp) - y * sigmoid(-a, xp),
            link=sigmoid,
            link_name="sigmoid",
            latex=r"-\sum_j \left(y_j \ln \sigma(a_j) + (1 - y_j) \ln \sigma(-a_j)\right)",
            dlatex=r"\sigma(a_j) - y_j",
            target="probability",
            source="Bishop (2006), Pattern Recognition and Machine Learning, 4.3.2.",
        ),
        cross_entropy(),
    )
}

FAMILIES: dict[str, Callable[..., Loss]] = {
    "huber": huber,
    "quantile": quantile,
    "cross_entropy": cross_entropy,
}


def heads(*parts: tuple[str | Loss, int]) -> Loss:
    r"""Return the sum of several losses, each of some of the outputs, which follow each other.

    $$L = \sum_h L_h(a_h, y_h)$$

    Each part is a loss and the number of its outputs. y is (n, outputs), a class in it a row of
    probabilities: 1 for the class and 0 for the others.

    Raises TypeError or ValueError for a part that is not such a pair, and for heads within heads.

    >>> both = heads(("huber", 1), ("cross_entropy(0.1)", 3))
    >>> str(both)
    'heads(huber(1): 1, cross_entropy(0.1): 3)'
    >>> both.link(np.array([[7.0, 0.0, 0.0, 0.0]]), np).round(3)
    array([[7.   , 0.333, 0.333, 0.333]])
    """
    return joined_heads.joined(tuple(joined_heads.checked(part, loss) for part in parts))


@functools.lru_cache
def _named(text: str) -> Loss:
    given = joined_heads.parts_of(text)
    if given is None:
        return find_row("loss", text, LOSSES, FAMILIES)
    try:
        return heads(*given)
    except ValueError as error:
        raise ValueError(f"loss {text!r}: {error}") from None


def loss(given: str | Loss) -> Loss:
    """Return the row that a full name specifies, or the row given.

    Raises ValueError for an unknown name, with the nearest known ones, and TypeError for anything
    that is neither.

    >>> loss("huber(0.5)").parameters
    (0.5,)
    """
    if isinstance(given, Loss):
        return given
    if isinstance(given, str):
        return LOSSES.get(given) or _named(given)
    raise TypeError(
        f"a loss must be a name such as 'cross_entropy' or a Loss, got {given!r} of type "
        f"{type(given).__name__}"
    )


def single(what: str, given: str | Loss) -> Loss:
    """Return the row, or raise ValueError where it has heads.

    >>> single("MLPRegressor: loss", "huber(0.5)").name
    'huber'
    """
    row = loss(given)
    if row.parts:
        raise ValueError(f"{what} must be one for all outputs, got {str(row)!r}; fit takes heads")
    return row
