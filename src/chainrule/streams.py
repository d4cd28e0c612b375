r"""Everything random, by name: no two streams begin alike, whatever the seed.

What comes in steps is drawn from counters: any part of such a stream can be computed alone, here
and in the engine. It is Philox 4×32-10 with the seed as its key and the counter (block, number,
step), of 32, 32 and 64 bits. Its words come in groups of 64, made by 16 blocks side by side: the
first word of each, then the second of each, and so on.

| what it decides | number | step |
|---|---|---|
| which inputs dropout keeps | `of_layer(layer)` | the step of training |
| the order of the examples | ORDER | the epoch, from 1 |
| the order of the examples of a shard | SHARDS | the epoch, and 2⁴⁸ for each shard before |
| the examples that `fit` holds out of a fraction | ORDER | 0 |
| the order in which blocks of a table are visited | VISITS | the epoch |

What is drawn at once comes from a `generator` of NumPy, one for each `Stream`. The estimators have
scikit-learn's own generator beside these, to begin with its weights and hold out its examples.

Sources: Salmon and others (2011), Parallel random numbers: as easy as 1, 2, 3; O'Neill (2015),
Developing a seed_seq alternative, for the seeds of NumPy's generators.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from chainrule.value_types import Bounds

Seed = Annotated[int, Bounds(least=0, below=2**64)]
"""What everything random follows from."""

EDITION = 2
"""Raised where a seed gives a training on a table another course than before."""

ORDER, VISITS, SHARDS = 1, 2, 3
"""The numbers of the streams that order the examples, the blocks that hold them, and shards."""

BLOCKS = 16
"""Side by side, of four words each."""

_LOW, _HALF = np.uint64(2**32 - 1), np.uint64(32)


class Stream(enum.Enum):
    """What is drawn at once; the value tells each stream from the others.

    >>> Stream.HELD_OUT.value
    (1,)
    """

    WEIGHTS = ()
    """The initial parameters of a network."""
    HELD_OUT = (1,)
    """The rows of a table that are held out."""
    DOUBTS = (2,)
    """The rows by which the columns of a table are doubted."""
    MOVING = (3,)
    """The rows by which those columns are found that move the outputs most."""
    IMPORTANCE = (4,)
    """The rows by which the columns' importance is measured, and how their values are shuffled."""
    PULLS = (5,)
    """The rows in training whose gradients are compared."""
    PULLS_HELD_OUT = (6,)
    """The rows held out whose gradients are compared."""
    PLOTTED = (7,)
    """The rows that a plot shows."""
    FLOW = (8,)
    """The examples by which the flow of a gradient is shown."""
    DIRECTIONS = (9,)
    """The directions in which a gradient is checked."""
    CHECKED = (10,)
    """The examples and biases at which the gradient of a kind of network is checked."""
    OWN_ACTIVATION = (11,)
    """Where an activation of one's own is checked."""
    OWN_LOSS = (12,)
    """Where a loss of one's own is checked."""
    TEXTS = (13,)
    """The directions in which texts spread the most, as they are looked for."""
    FOLDS = (14,)
    """The folds of a table whose means of the target are crossed."""
    MEMBERS = (15,)
    """The seeds of the networks of a model but the first, which has that of its training."""
    CURVES = (16,)
    """The rows held out by which it is shown what a model makes of a column."""
    IMPORTED = (17,)
    """The rows on which a network of another library is compared with what came of it."""
    DIAGNOSED = (18,)
    """The rows that a diagnosis looks at, and the orders that it compares targets with."""


def generator(stream: Stream, seed: int = 0) -> np.random.Generator:
    """Return what draws a stream from its beginning.

    >>> generator(Stream.WEIGHTS, 3).random() == generator(Stream.HELD_OUT, 3).random()
    False
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=stream.value))


def member_seeds(seed: int, count: int) -> list[int]:
    """Return the seeds of so many networks of one training; the first has its own.

    >>> member_seeds(7, 3)[0], member_seeds(7, 3)[:2] == member_seeds(7, 2)
    (7, True)
    """
    drawn = generator(Stream.MEMBERS, seed).integers(2**64, size=count - 1, dtype=np.uint64)
    return [seed, *drawn.tolist()]


def of_worksheet(seed: int, widths: Iterable[int]) -> np.random.Generator:
    """Return what draws the numbers of a worksheet, other ones for a network of other widths.

    >>> of_worksheet(7, [2, 2]).random() == of_worksheet(7, [2, 2, 1]).random()
    False
    """
    return np.random.default_rng([seed, *widths])


def of_layer(layer: int) -> int:
    """Return the number of a layer's streams: the layer times 2⁶⁴/φ, its upper half.

    >>> of_layer(0), of_layer(1)
    (0, 2654435769)
    """
    return (layer * 0x9E3779B97F4A7C15 % 2**64) >> 32


def words(seed: int, number: int, step: int, count: int) -> NDArray[np.uint32]:
    """Return the first 32-bit words of a stream.

    >>> words(seed=0, number=ORDER, step=1, count=3).shape
    (3,)
    """
    groups = -(-count // (4 * BLOCKS))
    blocks = np.arange(groups * BLOCKS, dtype=np.uint64) & _LOW
    made = _philox(blocks, number, step, seed)
    parted = np.stack(made).reshape(4, groups, BLOCKS).transpose(1, 0, 2)
    return parted.astype(np.uint32).reshape(-1)[:count]


def _philox(
    block: NDArray[np.uint64], number: int, step: int, seed: int
) -> tuple[NDArray[np.uint64], ...]:
    """Return the four words of each block."""
    full = (np.full_like(block, word) for word in (number, step % 2**32, step >> 32))
    a, (b, c, d) = block, full
    key0, key1 = seed % 2**32, seed >> 32
    for _ in range(10):
        first, second = a * np.uint64(0xD2511F53), c * np.uint64(0xCD9E8D57)
        a, b = (second >> _HALF) ^ b ^ np.uint64(key0), second & _LOW
        c, d = (first >> _HALF) ^ d ^ np.uint64(key1), first & _LOW
        key0, key1 = (key0 + 0x9E3779B9) % 2**32, (key1 + 0xBB67AE85) % 2**32
    return a, b, c, d


def shuffled(n: int, seed: int, epoch: int, number: int = ORDER) -> NDArray[np.int64]:
    """Return the numbers 0 to n − 1 in the order of an epoch, by Fisher and Yates' shuffle.

    From the last place down, what stands in place k changes places with what stands in place
    ⌊u (k + 1)⌋ ≤ k, where u = word / 2³² is the next number of the stream.

    >>> sorted(shuffled(5, seed=0, epoch=1).tolist())
    [0, 1, 2, 3, 4]
    """
    places = np.arange(n - 1, 0, -1)
    drawn = words(seed, number, epoch, n - 1).astype(np.uint64)
    others = (drawn * (places + 1).astype(np.uint64)) >> _HALF
    order = list(range(n))
    for k, j in zip(places.tolist(), others.tolist(), strict=True):
        order[k], order[j] = order[j], order[k]
    return np.array(order, np.int64)


def shuffled_shard(n: int, seed: int, epoch: int, shard: int) -> NDArray[np.int64]:
    """Return the numbers 0 to n − 1 in the order of an epoch, of the examples of one shard.

    >>> first, second = (shuffled_shard(100, 0, 1, shard) for shard in (0, 1))
    >>> bool((first == second).all()), bool((first == shuffled(100, 0, 1)).all())
    (False, False)
    """
    return shuffled(n, seed, (shard << 48) + epoch, SHARDS)
