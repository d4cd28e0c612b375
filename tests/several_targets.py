"""A table of several targets, and a model of it."""

from __future__ import annotations

import functools

import numpy as np
import polars as pl

import chainrule as cr

QUICK = {"effort": "fast", "epochs": 4, "hidden": (16,)}
TARGETS = ["price", "sold", "rent"]


def made(n=300):
    """A table whose targets follow from x and kind; some rows lack a price, others a rent."""
    rng = np.random.default_rng(0)
    x, kind = rng.normal(size=n), rng.integers(0, 3, n)
    price, rent = 100 + 20 * x + 5 * kind, 3 * x - kind
    price[::50], rent[1::60] = np.nan, np.nan
    return pl.DataFrame(
        {
            "x": x,
            "kind": np.array(["a", "b", "c"])[kind],
            "price": price,
            "rent": rent,
            "sold": np.array(["no", "yes"])[(x + 0.5 * rng.normal(size=n) > 0).astype(int)],
        }
    )


TABLE = made()
WHOLE = TABLE.filter(pl.col("price").is_not_nan() & pl.col("rent").is_not_nan())


@functools.cache
def trained():
    """The model of all targets."""
    return cr.train(TABLE, TARGETS, **QUICK)
