r"""What LayerNorm and BatchNorm share: values freed of their mean and variance.

x, a, delta, scaled   (n, i)      gamma, beta   (i,)      scaled = (x − mean) / √(variance + ε)
"""

from __future__ import annotations

from typing import Any, NamedTuple

from chainrule.trees import Array


class NormalisedRecord(NamedTuple):
    """What the layer saw: x, the mean and the variance that it took, scaled, a = γ scaled + β.

    `own` says whether mean and variance are those of x, or were known before.
    """

    x: Array
    mean: Array
    variance: Array
    scaled: Array
    own: bool
    a: Array


def moments(x: Array, axis: int, xp: Any) -> tuple[Array, Array]:
    """Return mean and variance of x along an axis, which stays.

    >>> moments(np.array([[1.0, 3.0]]), 1, np)
    (array([[2.]]), array([[1.]]))
    """
    mean = xp.mean(x, axis=axis, keepdims=True)
    return mean, xp.mean((x - mean) ** 2, axis=axis, keepdims=True)


def normalise(
    x: Array, mean: Array, variance: Array, params: Any, epsilon: float, xp: Any, *, own: bool
) -> tuple[Array, NormalisedRecord]:
    """Return a and the record.

    >>> params = cr.LayerNorm().init(2, np.random.default_rng(0))
    >>> x = np.array([[1.0, 3.0]])
    >>> normalise(x, *moments(x, 1, np), params, 0.0, np, own=True)[0]
    array([[-1.,  1.]])
    """
    scaled = (x - mean) / xp.sqrt(variance + epsilon)
    a = params.gamma * scaled + params.beta
    return a, NormalisedRecord(x, mean, variance, scaled, own, a)


def through(g: Array, record: NormalisedRecord, epsilon: float, axis: int, xp: Any) -> Array:
    r"""Return ∂C/∂x from g = ∂C/∂scaled.

    $$\frac{\partial C}{\partial x} = \frac{g - \bar g - \hat x\,\overline{g \hat x}}
      {\sqrt{v + \varepsilon}}$$

    The means are along the axis; where mean and variance were known before, there are none.

    >>> x = np.array([[1.0, 3.0]])
    >>> params = cr.LayerNorm().init(2, np.random.default_rng(0))
    >>> _, record = normalise(x, *moments(x, 1, np), params, 0.0, np, own=True)
    >>> through(np.array([[1.0, 2.0]]), record, 0.0, 1, np)
    array([[0., 0.]])
    """
    if record.own:
        along = xp.mean(g * record.scaled, axis=axis, keepdims=True)
        g = g - xp.mean(g, axis=axis, keepdims=True) - record.scaled * along
    return g / xp.sqrt(record.variance + epsilon)
