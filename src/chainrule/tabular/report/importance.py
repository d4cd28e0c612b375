r"""How much each column matters: what the score loses where its values are shuffled.

X   (n, features)   prepared examples      places   (n, columns)   whose value each example has
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.inspection import permutation_importance
from sklearn.metrics import accuracy_score, r2_score

from chainrule.backprop import backward, forward, input_gradient
from chainrule.batches import Examples
from chainrule.streams import Stream, generator
from chainrule.tabular.scores import scored
from chainrule.tabular.table_model import TableModel

Array = NDArray[Any]

REPEATS = 5
"""How often each column is shuffled."""


class Limits(NamedTuple):
    """How much is shuffled.

    Attributes
    ----------
    columns
        The most columns that are shuffled.
    examples, fewest
        The most examples that are taken, and how many are taken however long it lasts.
    work
        The weights that examples may pass in all.
    """

    columns: int = 200
    examples: int = 10_000
    fewest: int = 500
    work: int = 2**38


LIMITS = Limits()


class Importance(NamedTuple):
    """What the score loses without a column: the mean over the shuffles, and their deviation."""

    column: str
    mean: float
    spread: float


@dataclass(frozen=True)
class Importances:
    """The importance of the columns, the most important first, and what it was found from.

    Attributes
    ----------
    score
        Which score it is that they lose.
    shuffled
        Of how many columns; where there are more, the others move the outputs the least.
    examples
        On how many examples.
    """

    columns: tuple[Importance, ...]
    score: str
    shuffled: int
    examples: int

    @property
    def mattering(self) -> list[str]:
        """The columns without which the score is worse.

        >>> columns = Importance("x", 0.5, spread=0.1), Importance("y", 0.0, spread=0.1)
        >>> Importances(columns, "R²", shuffled=2, examples=9).mattering
        ['x']
        """
        return [each.column for each in self.columns if each.mean > 0]


def importances(
    model: TableModel, held_out: Examples, seed: int, limits: Limits = LIMITS
) -> Importances:
    r"""Return the permutation importance of the columns on examples that training has not seen.

    $$\text{score} - \text{score with the column's values in another order}$$

    The score is the accuracy, R², or of quantiles R¹, one less the pinball loss over the
    baseline's. All features of a column are shuffled together, as if its
    values were in the table. Source: Breiman (2001), Random forests.
    """
    features = model.preparation.places
    chosen = _moving(model, held_out, features, limits)
    rng = generator(Stream.IMPORTANCE, seed)
    data = drawn(held_out, _examples(model, len(chosen), limits), rng)[1]
    shuffled = _Shuffled(model, data.X, [features[column] for column in chosen])
    n = len(data.X)
    y, score, name = data.y, _accuracy, "accuracy"
    if model.target.task == "regression":
        y, score, name = model.target.decode(data.y).to_numpy(), _r2, "R²"
    if model.quantiles:
        score, name = _r1, "R¹"
    found = permutation_importance(
        shuffled,
        np.repeat(np.arange(n)[:, None], len(chosen), axis=1),
        y,
        scoring=score,
        n_repeats=REPEATS,
        random_state=int(rng.integers(2**31)),
        sample_weight=data.w,
    )
    order = np.argsort(-found.importances_mean, kind="stable")
    columns = zip(chosen, found.importances_mean, found.importances_std, strict=True)
    each = [Importance(column, float(mean), float(spread)) for column, mean, spread in columns]
    return Importances(tuple(each[k] for k in order), name, len(chosen), n)


def drawn(
    data: Examples, most: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], Examples]:
    """Return so many examples and their places, as a stream draws them; all where there are fewer.

    >>> data = Examples(np.eye(3), np.arange(3), None)
    >>> len(drawn(data, 2, generator(Stream.IMPORTANCE))[1].y)
    2
    """
    n = len(data.X)
    if n <= most:
        return np.arange(n), data
    rows = np.sort(rng.choice(n, most, replace=False))
    return rows, Examples(data.X[rows], data.y[rows], None if data.w is None else data.w[rows])


class _Shuffled:
    """A model of examples whose columns have values of one another, as `places` says."""

    def __init__(self, model: TableModel, X: Array, features: list[list[int]]) -> None:
        self.model, self.X, self.features = model, X, features

    def fit(self) -> None:
        """Do nothing: scikit-learn wants such a method, and does not call it."""

    def outputs(self, places: Array) -> Array:
        X = self.X.copy()
        moved = places != np.arange(len(X))[:, None]
        for k in np.flatnonzero(moved.any(axis=0)).tolist():
            X[:, self.features[k]] = self.X[places[:, [k]], self.features[k]]
        return self.model.outputs_of(X)


def _accuracy(model: _Shuffled, places: Array, y: Array, sample_weight: Any = None) -> float:
    guess = model.outputs(places).argmax(axis=1)
    return float(accuracy_score(y, guess, sample_weight=sample_weight))


def _r2(model: _Shuffled, places: Array, y: Array, sample_weight: Any = None) -> float:
    return float(r2_score(y, model.outputs(places)[:, 0], sample_weight=sample_weight))


def _r1(model: _Shuffled, places: Array, y: Array, sample_weight: Any = None) -> float:
    """Koenker and Machado (1999), Goodness of fit and related inference for quantile regression."""
    p, levels = model.outputs(places), model.model.quantiles
    own, trivial = (
        scored("quantiles", y[:, None], each, sample_weight, levels)["pinball"]
        for each in (p, np.broadcast_to(model.model.baseline, p.shape))
    )
    return 1 - own / trivial if trivial else 0.0


def _examples(model: TableModel, columns: int, limits: Limits) -> int:
    """Return how many examples the work allows."""
    allowed = limits.work // (columns * REPEATS * model.net.size)
    return min(limits.examples, max(limits.fewest, allowed))


def _moving(
    model: TableModel, data: Examples, features: dict[str, list[int]], limits: Limits
) -> list[str]:
    """Return the columns, or of too many those that move the outputs most, in their order.

    How much a feature moves them: the mean of |∂C/∂x| times the deviation of x.
    """
    if len(features) <= limits.columns:
        return list(features)
    _, few = drawn(data, limits.fewest, generator(Stream.MOVING))
    trace = forward(model.net, model.params, few.X)
    slope = input_gradient(trace, backward(trace, few.y))
    moves = np.abs(slope).mean(axis=0) * few.X.std(axis=0)
    by_column = {column: float(moves[own].sum()) for column, own in features.items()}
    most = sorted(by_column, key=by_column.__getitem__, reverse=True)[: limits.columns]
    return [column for column in features if column in set(most)]
