"""The form of parameters: zeros that take no memory."""

from __future__ import annotations

import math

import numpy as np

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
