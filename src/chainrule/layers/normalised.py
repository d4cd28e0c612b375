r"""What LayerNorm and BatchNorm share: values freed of their mean and variance.

x, a, delta, scaled   (n, i)      gamma, beta   (i,)      scaled = (x − mean) / √(variance + ε)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

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


def work(
    sheet: Any,
    mu: Callable[[int], Any],
    v: Callable[[int], Any],
    epsilon: float,
    *,
    batch: bool = False,
) -> Any:
    """Return the formulas, of mean and variance of each feature: see `Layer.work`.

    With g = ∂C/∂x̂, G is the mean of g and H that of g x̂, over what has one mean: the features of
    an example, or the examples of a `batch`.
    """
    record = sheet.record
    g = sheet.left * sheet.params.gamma

    def root(j: int) -> Any:
        return sheet.call("sqrt", v(j) + sheet.number(epsilon))

    def scaled(j: int) -> Any:
        value = record.scaled[0, j]
        return sheet.let("x^", lambda: (sheet.x(j) - mu(j)) / root(j), value, unit=j)

    def gamma(j: int) -> Any:
        return sheet.parameter("gamma", j)

    def by_scaled(j: int) -> Any:
        return sheet.by(scaled(j), lambda: sheet.da(j) * gamma(j), g[j])

    def mean(letter: str, values: Any, term: Callable[[int], Any], note: str, unit: int) -> Any:
        def formula() -> Any:
            return sheet.total(values, term) / len(values)

        return sheet.let(letter, formula, values.mean(), unit=unit, note=note)

    def together(j: int) -> tuple[Any, Any, Callable[[int], Any], Callable[[int], Any]]:
        """g and x̂ of all that has one mean with feature j, and how these are called."""
        if not batch:
            return g, record.scaled[0], by_scaled, scaled
        whole, delta = sheet.batch
        gs, xs = (delta * sheet.params.gamma)[:, j], whole.scaled[:, j]
        return (
            gs,
            xs,
            lambda row: sheet.by_of(row, by_scaled(j), gs[row]),
            lambda row: sheet.let_of(row, scaled(j), xs[row]),
        )

    def dx(j: int) -> Any:
        if not record.own:
            return by_scaled(j) / root(j)
        gs, xs, by, x = together(j)
        unit = j if batch else -1
        G = mean("G", gs, by, "the mean of these derivatives", unit)
        H = mean("H", gs * xs, lambda k: by(k) * x(k), "the mean of each times its x̂", unit)
        return (by_scaled(j) - G - scaled(j) * H) / root(j)

    def reach(below: Any) -> Any:
        if batch or not record.own:
            return sheet.alike(below)
        x, n = record.scaled[0], sheet.inputs
        parts = g[:, None] * (np.eye(n)[:, below] - 1 / n - x[:, None] * x[None, below] / n)
        return sheet.every(np.abs(parts).max(axis=1))

    return sheet.formulas(
        a=lambda j: gamma(j) * scaled(j) + sheet.parameter("beta", j),
        dx=dx,
        by={
            "gamma": lambda j: [(sheet.a(j), scaled(j))],
            "beta": lambda j: [(sheet.a(j), 1)],
        },
        reach=reach,
    )
