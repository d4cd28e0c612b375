"""The same run in the compiled engine and in the reference loop, and how near they must be."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.trees import leaves, tree_map
from strategies import Problem

TOLERANCE = {"float64": 1e-12, "float32": 2e-4}


def train(p: Problem, optimizer: cr.Optimizer, dtype: str = "float64", **options: Any) -> Any:
    """Return parameters and history of 20 steps and more, in the engine unless told otherwise."""
    params = tree_map(lambda leaf: leaf.astype(dtype), p.params)
    options = {"epochs": 7, "batch_size": 4, "engine": "native", "seed": 3, **options}
    return cr.fit(p.net, params, p.X, p.y, optimizer, **options)


def assert_parity(p: Problem, optimizer: cr.Optimizer, dtype: str = "float64", **options: Any):
    got, course = train(p, optimizer, dtype, **options)
    expected, reference = train(p, optimizer, dtype, **{**options, "engine": "reference"})
    tolerance = TOLERANCE[dtype]
    np.testing.assert_allclose(course.loss, reference.loss, rtol=tolerance)
    assert (course.at.step, course.at.epoch) == (reference.at.step, reference.at.epoch)
    for a, b in zip(leaves(got), leaves(expected), strict=True):
        assert a.dtype == b.dtype
        assert np.linalg.norm(a - b) <= tolerance * max(np.linalg.norm(b), 1e-3)
    states = zip(course.at.states, reference.at.states, strict=True)
    for a, b in itertools.chain.from_iterable(zip(*pair, strict=True) for pair in states):
        assert np.linalg.norm(a - b) <= 10 * tolerance * max(np.linalg.norm(b), 1e-3)
