r"""What the examples and their targets say before any network sees them.

X   (n, i)   the examples      Y   (n, o)   their targets as numbers: labels as one-hot rows
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.extras import needed_by
from chainrule.streams import Stream, generator

Matrix = NDArray[np.float64]

PERMUTATIONS = 50
"""How many random orders of the targets say what no dependence looks like."""

NEIGHBOURS = 10
DIRECTIONS = 500
"""Of more columns so many random sums stand for all of them."""

AROUND = 10
"""By how many rows targets are moved up and down, to see whether they fit there."""

HARDLY_ANY = 0.1
"""The share of the nearest that hardly any are: one of ten."""

ENDS = (0.05, 0.95)
"""The quantiles beyond which values are ends."""


class ColumnMeasures(NamedTuple):
    r"""What is measured of the columns of X.

    Parameters
    ----------
    constant
        The share of columns that hold one value.
    largest, column
        The largest root mean square of a column without its ends, and its number from 0.
    size
        The root mean square of all entries of columns that are not constant.
    offset
        $\sqrt{\sum_j \bar x_j^2 / \sum_j \operatorname{var} x_j}$ over the columns that are not
        constant: by how many deviations they lie off 0.
    """

    constant: float
    largest: float
    column: int
    size: float
    offset: float


def measure_columns(X: Matrix) -> ColumnMeasures:
    """Return what is measured of the columns of X.

    Source: LeCun, Bottou, Orr and Müller (1998), Efficient BackProp, section 4.3.

    Parameters
    ----------
    X
        The examples, (n, i).

    Examples
    --------
    >>> found = measure_columns(np.array([[1.0, 5.0], [3.0, 5.0]]))
    >>> found.constant, found.offset, found.column
    (0.5, 2.0, 1)
    """
    squares = np.sqrt(np.mean(without_ends(X) ** 2, axis=0))
    column = int(np.argmax(squares))
    varied = X[:, np.ptp(X, axis=0) > 0]
    constant = 1 - varied.shape[1] / X.shape[1]
    if not varied.shape[1]:
        return ColumnMeasures(1.0, float(squares[column]), column, 0.0, 0.0)
    offset = np.sqrt(np.sum(varied.mean(axis=0) ** 2) / np.sum(varied.var(axis=0)))
    size = float(np.sqrt(np.mean(varied**2)))
    return ColumnMeasures(constant, float(squares[column]), column, size, float(offset))


def without_ends(values: Matrix) -> Matrix:
    """Return the values of each column, those beyond a twentieth at either end moved there.

    >>> without_ends(np.arange(21.0)[:, None]).ravel()[[0, 1, 10, 20]]
    array([ 1.,  1., 10., 19.])
    """
    low, high = np.quantile(values, ENDS, axis=0)
    made: Matrix = np.clip(values, low, high)
    return made


def target_size(Y: Matrix) -> float:
    """Return the root mean square of the targets, each column without its ends.

    Parameters
    ----------
    Y
        The targets, (n, o).

    Examples
    --------
    >>> round(target_size(np.r_[np.full(99, 2.0), 1e6][:, None]), 3)
    2.0
    """
    return float(np.sqrt(np.mean(without_ends(Y) ** 2)))


class Dependence(NamedTuple):
    """How far the targets depend on the examples, in deviations from that of random orders.

    Parameters
    ----------
    here
        Of the targets as they stand.
    moved, best
        By how many rows up or down they depend most, and how far there.
    """

    here: float
    moved: int
    best: float


def dependence(X: Matrix, Y: Matrix, near: NDArray[np.intp] | None = None) -> Dependence:
    r"""Return whether targets depend on examples, or on those some rows away.

    $$R^2 = \frac{\lVert Q^\top Y\rVert^2}{\lVert Y\rVert^2},\qquad
      A = \frac{1}{kn} \sum_i \sum_{j \in N_k(i)} y_i \cdot y_j,\qquad
      \text{dependence} = \max_s \frac{s(Y) - \overline{s(Y_\pi)}}{\operatorname{sd} s(Y_\pi)}$$

    with Q a basis of the centred columns of X and N the nearest rows: one statistic s sees what is
    linear, the other what is near; π are random orders.

    Source: Fisher (1935), The design of experiments, on tests by permutation; Friedman and Rafsky
    (1983), Graph-theoretic measures of multivariate association and prediction.

    Parameters
    ----------
    X, Y
        The examples, (n, i), and their targets as numbers, (n, o).
    near
        The numbers of the nearest rows of each, (n, k); left out, they are sought.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> found = dependence(X, np.roll(X[:, :1], 2, axis=0))
    >>> found.here < 3 < found.best, found.moved
    (True, -2)
    """
    with needed_by("diagnose"):
        from scipy.sparse import csr_array

    X, Y = directions(standard(X)), Y - Y.mean(axis=0)
    n = len(Y)
    near = nearest(X, min(NEIGHBOURS, n - 1)) if near is None else near
    Q, k = _basis(X, n // 4), near.shape[1]
    A = csr_array((np.full(n * k, 1 / k), near.ravel(), np.arange(0, n * k + 1, k)), shape=(n, n))

    def statistics(Y: Matrix) -> NDArray[np.float64]:
        return np.array([np.sum((Q.T @ Y) ** 2), np.sum(Y * (A @ Y))])

    rng = generator(Stream.DIAGNOSED)
    random = np.array([statistics(Y[rng.permutation(n)]) for _ in range(PERMUTATIONS)])
    mean, deviation = random.mean(axis=0), random.std(axis=0)

    def deviations(Y: Matrix) -> float:
        return float(np.max((statistics(Y) - mean) / np.where(deviation > 0, deviation, np.inf)))

    moves = [s for s in range(-AROUND, AROUND + 1) if s]
    by = {s: deviations(np.roll(Y, s, axis=0)) for s in moves}
    best = max(moves, key=lambda s: by[s])
    return Dependence(deviations(Y), best, by[best])


def disagreeing(near: NDArray[np.intp], labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which examples have another label than most of those nearest, (n,).

    Source: Wilson (1972), Asymptotic properties of nearest neighbor rules using edited data.

    Parameters
    ----------
    near, labels
        The numbers of the nearest rows of each, (n, k), and the labels from 0, (n,).

    Examples
    --------
    >>> X, labels = np.r_[0:15, 100:115][:, None] * 1.0, np.repeat([0, 1], 15)
    >>> labels[4] = 1
    >>> np.flatnonzero(disagreeing(nearest(X, 10), labels))
    array([4])
    """
    votes = np.eye(int(labels.max()) + 1)[labels][near].sum(axis=1)
    said: NDArray[np.bool_] = np.argmax(votes, axis=1) != labels
    return said


def among_others(near: NDArray[np.intp], labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which examples hardly any of those nearest have the label of, a tenth at most, (n,).

    Where classes meet, most examples still have some of their own about them. Source: Brodley and
    Friedl (1999), Identifying mislabeled training data.

    Parameters
    ----------
    near, labels
        As `disagreeing` takes them.

    Examples
    --------
    >>> X, labels = np.r_[0:15, 100:115][:, None] * 1.0, np.repeat([0, 1], 15)
    >>> labels[4] = 1
    >>> np.flatnonzero(among_others(nearest(X, 10), labels))
    array([4])
    """
    alike = np.mean(labels[near] == labels[:, None], axis=1)
    found: NDArray[np.bool_] = alike <= HARDLY_ANY
    return found


def kinship(near: NDArray[np.intp], labels: NDArray[Any]) -> float:
    r"""Return how far labels that differ from those about them are the next likely ones.

    $$\frac{\log \left((m - 1)\, v / u\right)}{\log (m - 1)}$$

    with m classes, u the votes of the neighbours of all examples that disagree which are not for
    the winner, and v those of them that are for the example's own label. It is 0 where its own is
    as likely as any other, as of wrong labels, and 1 where all of them are for it, as where two
    classes overlap; 0 of two classes.

    Parameters
    ----------
    near, labels
        As `disagreeing` takes them.

    Examples
    --------
    >>> X, labels = np.r_[0:15, 100:115, 200:215][:, None] * 1.0, np.repeat([0, 1, 2], 15)
    >>> labels[14], labels[15] = 1, 0
    >>> kinship(nearest(X, 10), labels)
    0.0
    """
    votes = np.eye(int(labels.max()) + 1)[labels][near].sum(axis=1)
    classes = len(np.unique(labels))
    odd = np.argmax(votes, axis=1) != labels
    own = float(np.sum(votes[odd, labels[odd]]))
    others = float(np.sum(votes[odd]) - np.sum(votes[odd].max(axis=1)))
    if classes < 3 or not own:
        return 0.0
    return float(np.log((classes - 1) * own / others) / np.log(classes - 1))


def among_their_own(near: NDArray[np.intp], labels: NDArray[Any]) -> float:
    """Return the share of examples whose nearest all have their label.

    Where classes overlap at their borders, most examples still lie among their own; where labels
    are wrong everywhere, hardly any does.

    Parameters
    ----------
    near, labels
        As `disagreeing` takes them.

    Examples
    --------
    >>> among_their_own(nearest(np.r_[0:5, 100:105][:, None] * 1.0, 2), np.repeat([0, 1], 5))
    1.0
    """
    return float(np.mean(np.all(labels[near] == labels[:, None], axis=1)))


def batch_spread(Y: Matrix, batch: int) -> float:
    r"""Return how many times more the means of batches in a row differ than those of random ones.

    $$\frac{B\,\operatorname{var}(\bar Y_{\text{batch}})}{\operatorname{var} Y}$$

    It is about 1 where the order of the rows says nothing of the targets.

    Parameters
    ----------
    Y, batch
        The targets in their order, (n, o), and how many make a batch.

    Examples
    --------
    >>> batch_spread(np.repeat([0.0, 1.0], 50)[:, None], 10)
    10.0
    """
    whole = len(Y) // batch
    variance = float(np.sum(Y.var(axis=0)))
    if whole < 2 or variance == 0:
        return 1.0
    means = Y[: whole * batch].reshape(whole, batch, -1).mean(axis=1)
    return batch * float(np.sum(means.var(axis=0))) / variance


def standard(X: Matrix) -> Matrix:
    """Return the columns that are not constant with mean 0 and deviation 1.

    What lies further beyond the ends than three times what they are apart is moved there first, so
    that one row does not make the others alike.

    Parameters
    ----------
    X
        The examples, (n, i).

    Examples
    --------
    >>> standard(np.array([[1.0, 7.0], [3.0, 7.0]])).tolist()
    [[-1.0], [1.0]]
    """
    X = X[:, np.ptp(X, axis=0) > 0]
    low, high = np.quantile(X, ENDS, axis=0)
    far = np.where(high > low, 3 * (high - low), np.inf)
    X = np.clip(X, low - far, high + far)
    deviation = X.std(axis=0)
    made: Matrix = (X - X.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    return made


def directions(X: Matrix) -> Matrix:
    r"""Return the columns of X or, of more than 500, as many random sums of them, $X G$.

    Distances, and what is linear, stay nearly as they are. Source: Johnson and Lindenstrauss
    (1984), Extensions of Lipschitz mappings into a Hilbert space.

    Parameters
    ----------
    X
        The examples, (n, i).

    Examples
    --------
    >>> directions(np.ones((2, 800))).shape
    (2, 500)
    """
    if X.shape[1] <= DIRECTIONS:
        return X
    G = generator(Stream.DIAGNOSED).normal(size=(X.shape[1], DIRECTIONS))
    made: Matrix = X @ G / DIRECTIONS**0.5
    return made


def nearest(X: Matrix, k: int) -> NDArray[np.intp]:
    """Return the numbers of the k nearest rows of each row, without itself, (n, k).

    >>> nearest(np.array([[0.0], [1.0], [3.0]]), 1).ravel().tolist()
    [1, 0, 1]
    """
    with needed_by("diagnose"):
        from sklearn.neighbors import NearestNeighbors

    if not X.shape[1]:
        return np.tile(np.arange(k), (len(X), 1))
    found: NDArray[np.intp] = (
        NearestNeighbors(n_neighbors=k).fit(X).kneighbors(return_distance=False)
    )
    return found


def _basis(X: Matrix, most: int) -> Matrix:
    """An orthonormal basis of the columns, or of the main directions where they are many."""
    if not X.shape[1]:
        return np.zeros((len(X), 1))
    U, sizes, _ = np.linalg.svd(X, full_matrices=False)
    kept = sizes > sizes[0] * 1e-10
    return U[:, kept][:, : max(most, 1)]
