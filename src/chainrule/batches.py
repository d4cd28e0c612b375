r"""The data of a run: examples checked once, then taken batch by batch.

X   (n, inputs)   the examples      y   (n, outputs), or labels (n,)      w   (n,)   weights
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace, device
from numpy.typing import NDArray

from chainrule import losses
from chainrule.distributed import part_of
from chainrule.errors import check_number, check_weights
from chainrule.network import Network, Parameters, check_inputs
from chainrule.sparse_rows import is_sparse, taken
from chainrule.streams import shuffled, shuffled_shard
from chainrule.targets import check_targets
from chainrule.trees import Array


class Examples(NamedTuple):
    """Checked data: X (n, inputs) and w in the parameters' dtype, y as labels or numbers.

    X may be sparse rows.
    """

    X: Array
    y: Array
    w: Array | None

    def take(self, rows: Any) -> Examples:
        """Return some of the examples: a slice, or an array of indices."""
        return Examples(*(part if part is None else taken(part, rows) for part in self))

    @property
    def n(self) -> int:
        """How many they are."""
        return int(self.X.shape[0])

    @property
    def weight(self) -> float:
        """The sum of the weights: the number of examples where they have none."""
        if self.w is None:
            return float(self.n)
        return float(array_namespace(self.w).sum(self.w))

    @property
    def mean_weight(self) -> float:
        """The mean of the weights, 1 where they have none."""
        return self.weight / self.n


Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """The rows to set aside for validation, for `cr.fit(..., validation=cr.HeldOut(rows))`.

    Parameters
    ----------
    rows
        Their numbers, from 0.

    Examples
    --------
    >>> cr.HeldOut(np.array([0, 3]))
    HeldOut(rows=array([0, 3]))
    """

    rows: Rows

    def __post_init__(self) -> None:
        rows = np.asarray(self.rows)
        if rows.ndim != 1 or rows.dtype.kind not in "iu":
            raise TypeError(
                "HeldOut: rows must be numbers of rows, such as [0, 3], got an array of "
                f"{rows.dtype} with shape {rows.shape}"
            )
        object.__setattr__(self, "rows", rows.astype(np.int64, copy=False))

    def check(self, n: int) -> None:
        """Raise where one of the rows is not among n.

        Parameters
        ----------
        n
            How many rows there are.
        """
        outside = self.rows[(self.rows < 0) | (self.rows >= n)]
        if len(outside):
            raise ValueError(
                f"HeldOut: rows must be from 0 to {n - 1}, the last of the {n} examples; got "
                f"{outside[0]}"
            )

    @property
    def distinct(self) -> Rows:
        """Each of the rows once, in their order; they seldom come otherwise, and sorting costs."""
        rows = self.rows
        return rows if np.all(rows[1:] > rows[:-1]) else np.unique(rows)


@dataclass(frozen=True)
class Subset:
    """Some of the examples, in their order, used where they lie: no copy is made of them.

    They are those numbered `rows`, or with `without` all others; None is no row.

    >>> data = Examples(np.array([[1.0], [2.0], [3.0]]), np.array([4, 5, 6]), None)
    >>> Subset(data, np.array([1]), without=True).whole().y
    array([4, 6])
    """

    data: Examples
    rows: Rows | None = None
    without: bool = True

    @property
    def n(self) -> int:
        """How many they are."""
        n, some = self.data.n, 0 if self.rows is None else len(self.rows)
        return n - some if self.without else some

    @property
    def numbers(self) -> Rows | None:
        """The numbers of their rows, or None for all."""
        if self.rows is None or not self.without:
            return self.rows
        kept = np.ones(self.data.n, bool)
        kept[self.rows] = False
        return np.flatnonzero(kept)

    def whole(self) -> Examples:
        """Return them by themselves, which makes a copy of a part."""
        numbers = self.numbers
        return self.data if numbers is None else self.data.take(self.array(numbers))

    def first(self, some: int) -> Examples:
        """Return the first few of them."""
        numbers, places = self.numbers, slice(0, some)
        return self.data.take(places if numbers is None else self.array(numbers[places]))

    def array(self, numbers: Rows) -> Array:
        """Return numbers of rows as an array of the examples' library."""
        X = self.data.X
        return numbers if is_sparse(X) else array_namespace(X).asarray(numbers, device=device(X))

    @property
    def weight(self) -> float:
        """The sum of their weights: how many they are where they have none."""
        w = self.data.w
        if w is None:
            return float(self.n)
        numbers = self.numbers
        if numbers is None:
            return self.data.weight
        xp = array_namespace(w)
        return float(xp.sum(xp.take(w, self.array(numbers), axis=0)))

    @property
    def mean_weight(self) -> float:
        """The mean of their weights, 1 where they have none."""
        return self.weight / self.n


CheckInputs = Callable[..., tuple[Array, Any]]


def check_examples(
    net: Network,
    params: Parameters,
    X: Any,
    y: Any,
    w: Any,
    *,
    of: str = "",
    whole: bool = True,
    inputs: CheckInputs = check_inputs,
) -> Examples:
    """Return examples that fit the network, or raise and name what does not.

    `inputs` looks at X: as the network does, or in a quicker way to the same end.

    >>> net = cr.Network(1, [cr.Dense(1)], loss="squared_error")
    >>> check_examples(net, net.init(), [[1.0], [2.0]], [3, 4], None).y
    array([[3.],
           [4.]], dtype=float32)
    """
    X, xp = inputs(net, params, X, what=f"{of}X")
    n, kind = X.shape[0], losses.loss(net.loss).target
    y = check_targets(kind, y, n, net.outputs, X.dtype, xp, what=f"{of}y")
    if w is not None:
        w = check_weights(w, n, X.dtype, xp, what=f"{of}sample_weight", whole=whole)
    return Examples(X, y, w)


CheckExamples = Callable[..., Examples]
"""Returns what `check_examples` does, such as of data that it has seen before."""

Order = Callable[[int, int, int], Rows]
"""From the number of examples, the seed and the epoch to the order of the examples."""


def split(
    net: Network,
    params: Parameters,
    data: Examples,
    validation: Any,
    seed: int,
    order: Order = shuffled,
    check: CheckExamples = check_examples,
) -> tuple[Subset, Subset | None]:
    """Return the examples to train with, and those to validate with if there are any."""
    if validation is None:
        return Subset(data), None
    if isinstance(validation, (tuple, list)):
        own = check(net, params, *entries(validation), of="validation ")
        return Subset(data), Subset(own)
    rows, what = set_aside(data.n, validation, seed, order)
    parts = Subset(data, HeldOut(rows).distinct), Subset(data, rows, without=False)
    check_sides(what, *(part.weight for part in parts))
    return parts


def entries(validation: Sequence[Any]) -> tuple[Any, Any, Any]:
    """Return X, y and weights of validation data of the user's own.

    >>> entries(([[1.0]], [2.0]))
    ([[1.0]], [2.0], None)
    """
    if len(validation) not in (2, 3):
        raise ValueError(
            "fit: validation must be (X, y), (X, y, sample_weight) or a fraction, got "
            f"{len(validation)} entries"
        )
    X, y, *w = validation
    return X, y, w[0] if w else None


def set_aside(n: int, validation: Any, seed: int, order: Order) -> tuple[Rows, str]:
    """Return which of n rows are set aside for validation, and what says so, in words.

    >>> set_aside(5, HeldOut([3, 1]), 0, shuffled)
    (array([3, 1]), 'validation')
    """
    if isinstance(validation, HeldOut):
        validation.check(n)
        return validation.rows, "validation"
    if hasattr(validation, "shape") and validation.shape:
        raise TypeError(
            "fit: validation must be (X, y), (X, y, sample_weight) or a fraction, got one array"
        )
    fraction = check_number("fit: validation", validation, above=0, below=1)
    return _drawn(n, fraction, seed, order), f"validation={fraction:g} with seed={seed}"


def _drawn(n: int, fraction: float, seed: int, order: Order) -> Rows:
    """Return the rows of a fraction: the first of the order of epoch 0, in their order."""
    some = max(1, round(fraction * n))
    if some >= n:
        raise ValueError(
            f"fit: validation={fraction:g} of {n} examples leaves none to train with; give more "
            "examples or a smaller fraction"
        )
    return np.sort(order(n, seed, 0)[:some])


def check_sides(what: str, training: float, held_out: float) -> None:
    """Raise where what is set aside, or what is left, has no weight.

    >>> check_sides("validation", training=3.0, held_out=1.0)
    """
    if not (training > 0 and held_out > 0):
        raise ValueError(
            f"fit: {what} puts all examples of weight > 0 on one side; leave those of weight 0 "
            "out, or take another seed"
        )


def steps_of_epoch(n: int, batch_size: int | None) -> int:
    """Return how many batches n examples make.

    >>> steps_of_epoch(100, 32), steps_of_epoch(100, None)
    (4, 1)
    """
    return 1 if batch_size is None else -(-n // batch_size)


def batches(
    data: Subset,
    batch_size: int | None,
    seed: int,
    epoch: int,
    *,
    shuffle: bool,
    shards: int | None = None,
) -> Iterator[Examples]:
    """Yield the batches of an epoch; a full batch is never shuffled.

    In shards, each has a share of every shard of the examples, those left out among them.
    """
    n = data.n
    if shards is not None:
        yield from _by_shards(data, steps_of_epoch(n, batch_size), seed, epoch, shuffle, shards)
        return
    if batch_size is None or batch_size >= n:
        yield data.whole()
        return
    numbers = data.numbers
    if shuffle:
        order = shuffled(n, seed, epoch)
        numbers = order if numbers is None else numbers[order]
    for start in range(0, n, batch_size):
        places = slice(start, min(start + batch_size, n))
        yield data.data.take(places if numbers is None else data.array(numbers[places]))


def _by_shards(
    data: Subset, steps: int, seed: int, epoch: int, shuffle: bool, shards: int
) -> Iterator[Examples]:
    """Yield the batches of an epoch in shards."""
    n = data.data.n
    numbers = np.arange(n) if data.numbers is None else data.numbers
    ends = [part_of(s, shards, n).start for s in range(1, shards)]
    parts = np.split(numbers, np.searchsorted(numbers, ends))
    for rows in in_shards(parts, 0, shards, steps, seed, epoch, shuffle=shuffle):
        yield data.data.take(data.array(rows))


def in_shards(
    parts: Sequence[Rows],
    first: int,
    shards: int,
    steps: int,
    seed: int,
    epoch: int,
    *,
    shuffle: bool,
) -> Iterator[Rows]:
    """Yield the rows that each step of an epoch takes of some shards in a row.

    `parts` are the rows of shards number `first` and following, out of so many. Of the n of a
    shard s, ⌊k n / K + s / M⌋ come before step k of K, M being the number of shards.

    >>> parts = [np.array([0, 1, 2]), np.array([3, 4])]
    >>> [rows.tolist() for rows in in_shards(parts, 0, 2, 3, 0, 1, shuffle=False)]
    [[0, 3], [1], [2, 4]]
    """
    if shuffle and steps > 1:
        numbered = enumerate(parts, first)
        parts = [part[shuffled_shard(len(part), seed, epoch, s)] for s, part in numbered]

    def before(s: int, n: int, k: int) -> int:
        return (k * n * shards + s * steps) // (steps * shards)

    for k in range(steps):
        shares = [
            part[before(s, len(part), k) : before(s, len(part), k + 1)]
            for s, part in enumerate(parts, first)
        ]
        yield np.concatenate([*shares, np.empty(0, np.int64)])


def batches_after(
    data: Subset, batch_size: int | None, seed: int, epoch: int, *, shuffle: bool
) -> Iterator[Examples]:
    """Yield the batch of each step after an epoch, without end."""
    for following in itertools.count(epoch + 1):
        yield from batches(data, batch_size, seed, following, shuffle=shuffle)
