"""How weights are drawn: mean, variance and form of each distribution."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.stats
from numpy.testing import assert_array_equal

from chainrule.initialisers import INITIALISERS, check_initialiser, draw_weights
from tables import INITIALISER_VARIANCES

INPUTS, OUTPUTS = 500, 300
N = INPUTS * OUTPUTS
RANDOM = [name for name in INITIALISERS if name != "zeros"]


def draw(name: str, seed: int = 0, o: int = OUTPUTS, i: int = INPUTS) -> Any:
    return draw_weights(name, np.random.default_rng(seed), o, i)


def test_every_row_has_an_oracle() -> None:
    assert INITIALISER_VARIANCES.keys() == set(INITIALISERS)
    assert len(INITIALISERS) == len(set(INITIALISERS))


@pytest.mark.parametrize("name", RANDOM)
def test_mean_and_variance(name: str) -> None:
    """Within five standard errors; the fourth moment is 3 (normal) or 1.8 (uniform) σ⁴."""
    w, variance = draw(name), INITIALISER_VARIANCES[name](INPUTS, OUTPUTS)
    assert abs(np.mean(w)) < 5 * math.sqrt(variance / N)
    spread = variance * math.sqrt((3 if name.endswith("normal") else 1.8) - 1)
    assert abs(np.mean(w**2) - variance) < 5 * spread / math.sqrt(N)


@pytest.mark.parametrize("name", RANDOM)
def test_the_distribution(name: str) -> None:
    scaled = draw(name).ravel() / math.sqrt(INITIALISER_VARIANCES[name](INPUTS, OUTPUTS))
    limit = math.sqrt(3)
    if name.endswith("uniform"):
        assert 0.999 * limit < np.max(np.abs(scaled)) <= limit * (1 + 1e-12)
    cdf = {"uniform": scipy.stats.uniform(-limit, 2 * limit), "normal": scipy.stats.norm()}
    assert scipy.stats.kstest(scaled, cdf[name.rpartition("_")[2]].cdf).pvalue > 1e-4


@pytest.mark.parametrize("name", INITIALISERS)
def test_shape_dtype_and_seed(name: str) -> None:
    w = draw(name, o=3, i=5)
    assert w.shape == (3, 5)
    assert w.dtype == np.float64
    assert_array_equal(w, draw(name, o=3, i=5))
    assert name == "zeros" or np.all(w != draw(name, seed=1, o=3, i=5))


def test_zeros() -> None:
    assert_array_equal(draw("zeros", o=2, i=3), np.zeros((2, 3)))


@pytest.mark.parametrize("name", INITIALISERS)
def test_known_names_are_accepted(name: str) -> None:
    check_initialiser(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("he_norml", "unknown initialiser 'he_norml'; did you mean 'he_normal'"),
        ("glorot", "unknown initialiser 'glorot'; did you mean 'glorot_"),
        ("?", "unknown initialiser '?'. Known: glorot_normal, glorot_uniform, he_normal"),
        (3, "unknown initialiser '3'. Known: "),
        ("", "unknown initialiser ''. Known: "),
    ],
)
def test_unknown_names_are_refused(name: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("?", r"\?").replace("'.", r"'\.")):
        check_initialiser(name)
