r"""The data of a run: examples checked once, then taken batch by batch.

X   (n, inputs)   the examples      y   (n, outputs), or labels (n,)      w   (n,)   weights
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

from array_api_compat import array_namespace, device

from chainrule import losses
from chainrule.errors import check_number, check_weights
from chainrule.network import Network, Parameters, check_inputs
from chainrule.streams import shuffled
from chainrule.targets import check_targets
from chainrule.trees import Array


class Examples(NamedTuple):
    """Checked data: X (n, inputs) and w in the parameters' dtype, y as labels or numbers."""

    X: Array
    y: Array
    w: Array | None

    def take(self, rows: Any) -> Examples:
        """Return some of the examples: a slice, or an array of indices."""
        if isinstance(rows, slice):
            return Examples(*(part if part is None else part[rows, ...] for part in self))
        xp = array_namespace(self.X)
        return Examples(*(part if part is None else xp.take(part, rows, axis=0) for part in self))

    @property
    def weight(self) -> float:
        """The sum of the weights: the number of examples where they have none."""
        if self.w is None:
            return float(self.X.shape[0])
        return float(array_namespace(self.w).sum(self.w))

    @property
    def mean_weight(self) -> float:
        """The mean of the weights, 1 where they have none."""
        return self.weight / int(self.X.shape[0])

    def shuffled(self, seed: int, epoch: int) -> Array:
        """Return the order in which an epoch goes through the examples, as an array of indices."""
        order = shuffled(self.X.shape[0], seed, epoch)
        return array_namespace(self.X).asarray(order, device=device(self.X))


def check_examples(
    net: Network,
    params: Parameters,
    X: Any,
    y: Any,
    w: Any,
    *,
    of: str = "",
    whole: bool = True,
) -> Examples:
    """Return examples that fit the network, or raise and name what does not.

    >>> net = cr.Network(1, [cr.Dense(1)], loss="squared_error")
    >>> check_examples(net, net.init(), [[1.0], [2.0]], [3, 4], None).y
    array([[3.],
           [4.]], dtype=float32)
    """
    X, xp = check_inputs(net, params, X, what=f"{of}X")
    n, kind = X.shape[0], losses.loss(net.loss).target
    y = check_targets(kind, y, n, net.outputs, X.dtype, xp, what=f"{of}y")
    if w is not None:
        w = check_weights(w, n, X.dtype, xp, what=f"{of}sample_weight", whole=whole)
    return Examples(X, y, w)


def split(
    net: Network, params: Parameters, data: Examples, validation: Any, seed: int
) -> tuple[Examples, Examples | None]:
    """Return the examples to train with, and those to validate with if there are any."""
    if validation is None:
        return data, None
    if isinstance(validation, (tuple, list)):
        if len(validation) not in (2, 3):
            raise ValueError(
                "fit: validation must be (X, y), (X, y, sample_weight) or a fraction, got "
                f"{len(validation)} entries"
            )
        X, y, *w = validation
        return data, check_examples(net, params, X, y, w[0] if w else None, of="validation ")
    if hasattr(validation, "shape") and validation.shape:
        raise TypeError(
            "fit: validation must be (X, y), (X, y, sample_weight) or a fraction, got one array"
        )
    n = data.X.shape[0]
    fraction = check_number("fit: validation", validation, above=0, below=1)
    held_out = max(1, round(fraction * n))
    if held_out >= n:
        raise ValueError(
            f"fit: validation={fraction:g} of {n} examples leaves none to train with; give more "
            "examples or a smaller fraction"
        )
    order, xp = data.shuffled(seed, 0), array_namespace(data.X)
    parts = data.take(xp.sort(order[held_out:])), data.take(xp.sort(order[:held_out]))
    if not all(part.weight > 0 for part in parts):
        raise ValueError(
            f"fit: validation={fraction:g} with seed={seed} puts all examples of weight > 0 on "
            "one side; leave those of weight 0 out, or take another seed"
        )
    return parts


def batches(
    data: Examples, batch_size: int | None, seed: int, epoch: int, *, shuffle: bool
) -> Iterator[Examples]:
    """Yield the batches of an epoch; a full batch is never shuffled."""
    n = data.X.shape[0]
    if batch_size is None or batch_size >= n:
        yield data
        return
    order = data.shuffled(seed, epoch) if shuffle else None
    for start in range(0, n, batch_size):
        rows = slice(start, min(start + batch_size, n))
        yield data.take(rows if order is None else order[rows])


def batches_after(
    data: Examples, batch_size: int | None, seed: int, epoch: int, *, shuffle: bool
) -> Iterator[Examples]:
    """Yield the batch of each step after an epoch, without end."""
    for following in itertools.count(epoch + 1):
        yield from batches(data, batch_size, seed, following, shuffle=shuffle)
