"""
Quantiles and intervals
=======================

A prediction estimates the mean. Two methods say how far a new value may be from it: quantiles,
which a network learns as it learns the mean, and an interval, whose bounds are moved until it holds
the given share of the rows held out.
"""

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
from scipy.stats import norm

import chainrule as cr

# %%
# Data whose spread changes
# -------------------------
# The standard deviation of y grows with x, so one width for all x would be too wide on the left and
# too narrow on the right.


def drawn(rows: int, seed: int) -> pl.DataFrame:
    """Rows of x from 0 to 4, and y about its mean."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 4, rows)
    return pl.DataFrame({"x": x, "y": mean(x) + deviation(x) * rng.normal(size=rows)})


def mean(x: np.ndarray) -> np.ndarray:
    """The mean of y at x."""
    return np.sin(2 * x) + 0.5 * x


def deviation(x: np.ndarray) -> np.ndarray:
    """The standard deviation of y at x."""
    return 0.05 + 0.15 * x


data, new = drawn(2000, seed=0), drawn(2000, seed=1)

# %%
# Two models
# ----------

X, y = data[["x"]], data["y"]
quantiles = cr.TabularRegressor(quantiles=(0.05, 0.5, 0.95), effort="fast", random_state=0)
interval = cr.TabularRegressor(interval=0.9, effort="fast", random_state=0)
quantiles.fit(X, y)
interval.fit(X, y)

# %%
# What they hold of new rows
# --------------------------
# Both hold about nine rows in ten.

y_new = new["y"].to_numpy()
low, _, high = quantiles.predict_quantiles(new[["x"]]).T
lower, upper = interval.predict_interval(new[["x"]]).T
held = {
    "the quantiles 5 % to 95 %": (low <= y_new) & (y_new <= high),
    "the interval of 90 %": (lower <= y_new) & (y_new <= upper),
}
for name, within in held.items():
    print(f"{name}: {within.mean():.1%} of {len(y_new):,} new rows")

# %%
# Beside the true quantiles
# -------------------------

x = np.linspace(0, 4, 200)
grid = pl.DataFrame({"x": x})
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained", sharey=True)
bands = {
    "quantiles": (left, quantiles.predict_quantiles(grid)[:, [0, 2]].T),
    "interval": (right, interval.predict_interval(grid).T),
}
for name, (ax, (bottom, top)) in bands.items():
    ax.plot(new["x"][:600], y_new[:600], ".", color="#999999", markersize=3, label="new rows")
    ax.fill_between(x, bottom, top, color="#0072B2", alpha=0.3, label=f"the {name}")
    for level, label in ((0.05, "the true quantiles"), (0.95, None)):
        ax.plot(x, mean(x) + norm.ppf(level) * deviation(x), "--", color="black", linewidth=1.2,
                label=label)  # fmt: skip
    ax.set(xlabel="x", title=f"The {name}")
    ax.legend(frameon=False, loc="upper left")
    ax.spines[["top", "right"]].set_visible(False)
left.set_ylabel("y")

assert all(abs(within.mean() - 0.9) < 0.03 for within in held.values())
