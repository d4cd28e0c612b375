r"""The examples of a table as the networks of bounds take them: a target of two quantiles.

y   (n, 1) targets as a network has them      q   (n, 2) the same twice, of a mean 0 and a spread 1
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.batches import Examples
from chainrule.fitting.target_scaling import TargetScale
from chainrule.losses import quantile
from chainrule.tabular.bounds import levels
from chainrule.tabular.encoding.target_encoding import QuantityEncoder
from chainrule.tabular.example_blocks import ExampleBlocks
from chainrule.tabular.intervals import check_enough
from chainrule.tabular.prepare import Prepared
from chainrule.tabular.training_options import Options

Array = NDArray[Any]


@dataclass(frozen=True)
class QuantileBlocks:
    """The blocks of a table, with targets that suit two quantiles.

    >>> blocks = ExampleBlocks(np.arange(2), features=1, outputs=1, weighted=False, seed=0)
    >>> blocks.add(np.zeros((2, 1)), np.array([[1.0], [3.0]]), None)
    >>> QuantileBlocks(blocks, TargetScale.of(blocks[0].y))[0].y.tolist()
    [[-1.0, -1.0], [1.0, 1.0]]
    """

    blocks: ExampleBlocks
    scale: TargetScale

    @property
    def count(self) -> int:
        """How many blocks there are."""
        return self.blocks.count

    @property
    def sizes(self) -> NDArray[np.int64]:
        """How many examples each of them has."""
        return np.asarray(self.blocks.sizes)

    @property
    def mean_weight(self) -> float:
        """The mean weight of all examples."""
        return self.blocks.mean_weight

    def __getitem__(self, k: int) -> Examples:
        X, y, w = self.blocks[k]
        return Examples(X, _twice(y, self.scale), w)

    def close(self) -> None:
        """Leave the examples to whom they belong."""


def _twice(y: Array, scale: TargetScale) -> Array:
    return np.asarray(scale.scaled(y), np.float32).repeat(2, axis=1)


def for_bounds(prepared: Prepared, share: float) -> Prepared:
    """Return the same examples with the target that the networks of bounds are trained on.

    Of several ranks all call it.
    """
    own, every = prepared.target, prepared.examples
    assert isinstance(own, QuantityEncoder)
    y = every.at_first(prepared.y[~prepared.is_held_out])
    scale = every.by_first(lambda: TargetScale.of(y.astype(np.float64)))
    held_out = prepared.held_out
    target = QuantityEncoder(
        own.column,
        own.centre + own.scale * float(scale.mean[0]),
        own.scale * float(scale.spread[0]),
        levels(share),
    )
    blocks: Any = QuantileBlocks(prepared.blocks, scale)
    return dataclasses.replace(
        prepared,
        target=target,
        blocks=blocks,
        held_out=Examples(held_out.X, _twice(held_out.y, scale), held_out.w),
        y=_twice(prepared.y, scale),
    )


def options_for_bounds(options: Options, share: float) -> Options:
    """Return the options of the runs of bounds, of options that are complete.

    >>> options_for_bounds(Options(interval=0.9, loss="huber"), 0.9).loss
    'quantile(0.05, 0.95)'
    """
    loss = str(quantile(*levels(share)))
    return dataclasses.replace(options, loss=loss, interval=None, metric=None)


def check_interval(prepared: Prepared, share: float | None) -> None:
    """Raise TableError where an interval is asked for that the examples cannot have."""
    if share is not None:
        check_enough(share, len(prepared.held_out.X), prepared.held_out.w)
