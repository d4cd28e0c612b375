r"""Random words from counters: any part of a stream can be computed alone, here and in the engine.

A stream is Philox 4×64-10 with the key (seed, number) and the counter (·, use, step, 0), each of
its 64-bit words giving its lower half first.

| use | number | step | what it decides |
|---|---|---|---|
| 0 | the layer | the step of training | which inputs dropout keeps |
| 1 | 0 | the epoch | the order of the examples |

Source: Salmon and others (2011), Parallel random numbers: as easy as 1, 2, 3.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

DROPOUT, ORDER = 0, 1


def words(use: int, seed: int, number: int, step: int, count: int) -> NDArray[np.uint32]:
    """Return the first 32-bit words of a stream.

    >>> words(ORDER, seed=0, number=0, step=1, count=3).shape
    (3,)
    """
    key = np.array([seed, number], dtype=np.uint64)
    stream = np.random.Philox(key=key, counter=np.array([0, use, step, 0], dtype=np.uint64))
    return stream.random_raw((count + 1) // 2).astype("<u8").view("<u4")[:count]


def shuffled(n: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Return the numbers 0 to n − 1 in the order of an epoch, by Fisher and Yates' shuffle.

    From the last place down, what stands in place k changes places with what stands in place
    ⌊u (k + 1)⌋ ≤ k, where u = word / 2³² is the next number of the stream.

    >>> sorted(shuffled(5, seed=0, epoch=1).tolist())
    [0, 1, 2, 3, 4]
    """
    places = np.arange(n - 1, 0, -1)
    drawn = words(ORDER, seed, 0, epoch, n - 1).astype(np.uint64)
    others = (drawn * (places + 1).astype(np.uint64)) >> np.uint64(32)
    order = list(range(n))
    for k, j in zip(places.tolist(), others.tolist(), strict=True):
        order[k], order[j] = order[j], order[k]
    return np.array(order, np.int64)
