r"""The table of initialisers: how the weights of a layer are drawn, one row each.

A row gives the variance of a weight from the layer's inputs i and outputs o; a uniform and a normal
distribution are made of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import unknown_name


class Variance(NamedTuple):
    """The variance of a weight: a function of i and o, the same in LaTeX, and its source.

    >>> VARIANCES["glorot"].of(3, 1)
    0.5
    """

    of: Callable[[int, int], float]
    latex: str
    source: str


VARIANCES: dict[str, Variance] = {
    "glorot": Variance(
        lambda i, o: 2 / (i + o),
        r"\frac{2}{i + o}",
        "Glorot and Bengio (2010), Understanding the difficulty of training deep feedforward "
        "neural networks.",
    ),
    "he": Variance(lambda i, o: 2 / i, r"\frac{2}{i}", "He and others (2015), arXiv:1502.01852."),
    "lecun": Variance(
        lambda i, o: 1 / i, r"\frac{1}{i}", "LeCun and others (1998), Efficient BackProp."
    ),
}

INITIALISERS: tuple[str, ...] = (
    *(f"{name}_{shape}" for name in VARIANCES for shape in ("uniform", "normal")),
    "zeros",
)


def check_initialiser(name: Any) -> None:
    """Raise ValueError for a name that is not in the table, with the nearest known names."""
    if name not in INITIALISERS:
        raise unknown_name("initialiser", str(name), INITIALISERS)


def draw_weights(name: str, rng: np.random.Generator, o: int, i: int) -> NDArray[np.float64]:
    r"""Return weights (o, i) drawn with the mean 0 and the variance of the row.

    $$\text{uniform: } |w| \le \sqrt{3\,\mathrm{Var}},\qquad
      \text{normal: standard deviation } \sqrt{\mathrm{Var}}$$

    >>> draw_weights("zeros", np.random.default_rng(0), 1, 2)
    array([[0., 0.]])
    """
    if name == "zeros":
        return np.zeros((o, i))
    family, _, shape = name.partition("_")
    variance = VARIANCES[family].of(i, o)
    if shape == "uniform":
        limit = math.sqrt(3 * variance)
        return rng.uniform(-limit, limit, size=(o, i))
    return math.sqrt(variance) * rng.standard_normal((o, i))
