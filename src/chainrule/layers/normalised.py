r"""What LayerNorm and BatchNorm share: values freed of their mean and variance.

x, a, delta, scaled   (n, i)      gamma, beta   (i,)      scaled = (x − mean) / √(variance + ε)
"""

from __future__ import annotations

from collections.abc import Callable
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

    $$\frac{\partial C}{\partial x} = \frac{g - \operatorname{mean}(g)
      - \hat x\,\operatorname{mean}(g \hat x)}{\sqrt{v + \varepsilon}}$$

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
    kind = _OfBatch if batch else _OfExample if sheet.record.own else _OfKnown
    made = kind(sheet, mu, v, epsilon)
    return sheet.formulas(
        a=lambda j: made.gamma(j) * made.scaled(j) + sheet.parameter("beta", j),
        dx=made.dx,
        by={
            "gamma": lambda j: [(sheet.a(j), made.scaled(j))],
            "beta": lambda j: [(sheet.a(j), 1)],
        },
        reach=made.reach,
    )


class _OfKnown:
    """The formulas where mean and variance were known before."""

    def __init__(
        self, sheet: Any, mu: Callable[[int], Any], v: Callable[[int], Any], epsilon: float
    ) -> None:
        self.sheet, self.mu, self.v, self.epsilon = sheet, mu, v, epsilon
        self.x, self.g = sheet.record.scaled[0], sheet.left * sheet.params.gamma

    def gamma(self, j: int) -> Any:
        return self.sheet.parameter("gamma", j)

    def root(self, j: int) -> Any:
        return self.sheet.call("sqrt", self.v(j) + self.sheet.number(self.epsilon))

    def scaled(self, j: int) -> Any:
        def formula() -> Any:
            return (self.sheet.x(j) - self.mu(j)) / self.root(j)

        return self.sheet.let("x^", formula, self.x[j], unit=j)

    def by_scaled(self, j: int) -> Any:
        return self.sheet.by(self.scaled(j), lambda: self.sheet.da(j) * self.gamma(j), self.g[j])

    def dx(self, j: int) -> Any:
        return self.by_scaled(j) / self.root(j)

    @property
    def reach(self) -> Any:
        return self.sheet.alike


class _OfExample(_OfKnown):
    """The formulas where the features of an example have one mean."""

    def dx(self, j: int) -> Any:
        G, H = self.means(self.g, self.x, self.by_scaled, self.scaled)
        return (self.by_scaled(j) - G - self.scaled(j) * H) / self.root(j)

    def means(
        self, g: Array, x: Array, by: Callable[[int], Any], of: Callable[[int], Any], unit: int = -1
    ) -> tuple[Any, Any]:
        """G and H, from the numbers of g and x̂ and from what these are called."""
        return (
            self._mean("G", g, by, "the mean of these derivatives", unit),
            self._mean("H", g * x, lambda k: by(k) * of(k), "the mean of each times its x̂", unit),
        )

    def _mean(
        self, letter: str, values: Array, term: Callable[[int], Any], note: str, unit: int
    ) -> Any:
        def formula() -> Any:
            return self.sheet.total(values, term) / len(values)

        return self.sheet.let(letter, formula, values.mean(), unit=unit, note=note)

    @property
    def reach(self) -> Any:
        g, x, n = self.g, self.x, self.sheet.inputs
        return self.sheet.reached(lambda j, k: g[j] * ((j == k) - (1 + x[j] * x[k]) / n))


class _OfBatch(_OfExample):
    """The formulas where the examples of a batch have one mean."""

    def dx(self, j: int) -> Any:
        own, by = self.scaled(j), self.by_scaled(j)
        whole, delta = self.sheet.batch
        g, x = (delta * self.sheet.params.gamma)[:, j], whole.scaled[:, j]
        G, H = self.means(
            g,
            x,
            lambda row: self.sheet.by_of(row, by, g[row]),
            lambda row: self.sheet.let_of(row, own, x[row]),
            unit=j,
        )
        return (by - G - own * H) / self.root(j)

    @property
    def reach(self) -> Any:
        return self.sheet.alike
