"""The arrays of parameters: zeros that take no memory, and where numbers lie best."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.trees import Array

MOST_WEIGHTS = 2**60 - 1
"""The most weights of a parameter: as float64, no array has more."""


def zeros(*shape: int) -> Array:
    """Return zeros of a shape without memory of their own, or raise for more than an array has.

    >>> zeros(2, 3).shape
    (2, 3)
    """
    if math.prod(shape) > MOST_WEIGHTS:
        got = " × ".join(f"{n:,}" for n in shape)
        raise ValueError(f"must have at most {MOST_WEIGHTS:,} weights, got {got}")
    return np.broadcast_to(0.0, shape)


LINE = 64
"""The bytes of a line of the cache, which a load of a vector is not to straddle."""


def aligned(shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """Return an array for numbers to come that begins where a line of the cache does.

    >>> aligned((2, 3), "float32").ctypes.data % LINE
    0
    """
    dtype = np.dtype(dtype)
    room = np.empty(math.prod(shape) * dtype.itemsize + LINE, np.uint8)
    return np.ndarray(shape, dtype, room, -room.ctypes.data % LINE)


def copied(array: Array, dtype: Any = None) -> NDArray[Any]:
    """Return a copy of an array, of its dtype or another, that lies as parameters do.

    >>> copied(np.ones((2, 3)).T).flags.c_contiguous
    True
    """
    new = aligned(array.shape, dtype or array.dtype)
    new[...] = array
    return new
