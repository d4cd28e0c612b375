"""
Mislabelled rows of a table
===========================

A wrong label contradicts the other rows. Each row is predicted by a model that was trained without
it, and the rows are ranked by the probability that this model gives to the label in the table: the
least probable first.

Here some labels are made wrong on purpose, so that those found can be counted.
"""

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
from sklearn.model_selection import cross_val_predict

import chainrule as cr

# %%
# Labels made wrong
# -----------------
# One row in fifty gets a wrong kind of house.

houses = pl.read_csv("houses.csv")
true = houses["kind"].to_numpy()
kinds = np.unique(true)
rng = np.random.default_rng(0)
wrong = np.zeros(len(true), dtype=bool)
wrong[rng.choice(len(true), len(true) // 50, replace=False)] = True
kind = true.copy()
kind[wrong] = [rng.choice(kinds[kinds != label]) for label in true[wrong]]
print(f"{wrong.sum()} of {len(true):,} labels are wrong")

# %%
# Rows by how little their label is believed
# ------------------------------------------
# ``TabularClassifier`` takes the columns as they are. The rows are divided into four parts; each is
# predicted by a model of the other three.

X = houses.drop("id", "kind")
model = cr.TabularClassifier(effort="fast", random_state=0)
p = cross_val_predict(model, X, kind, method="predict_proba", cv=4)
believed = p[np.arange(len(kind)), np.searchsorted(kinds, kind)]
order = np.argsort(believed)

# %%
# The rows to look at first, each with the model's prediction:

first = order[:10]
houses[first].with_columns(
    kind=pl.Series(kind[first]),
    predicted=pl.Series(kinds[p[first].argmax(axis=1)]),
    believed=pl.Series(believed[first]).round(4),
    label=pl.Series(np.where(wrong[first], "made wrong", "as it was")),
).drop("id")

# %%
# How many are found
# ------------------
# If you look at as many rows as there are wrong labels, you find nearly all of them. The rows
# doubted without reason are small houses, where the noise in the price is as large as the effect of
# the kind.

found = np.cumsum(wrong[order])
n = np.arange(1, len(order) + 1)
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
left.plot(n, found, color="#0072B2", linewidth=2, label="the least believed first")
left.plot(n, n * wrong.mean(), color="#666666", linestyle="--", label="in any order")
left.axvline(wrong.sum(), color="#666666", linestyle=":", label="as many as are wrong")
left.set(xlim=(0, 5 * wrong.sum()), ylim=(0, 1.05 * wrong.sum()), xlabel="rows looked at",
         ylabel="wrong labels among them", title=f"{wrong.sum()} wrong labels")  # fmt: skip
left.legend(frameon=False)
size = houses["size"].to_numpy()
for part, colour, marker, label in ((~wrong, "#999999", ".", "label as it was"),
                                    (wrong, "#D55E00", "o", "label made wrong")):  # fmt: skip
    right.plot(size[part], believed[part], marker, color=colour, label=label, markersize=5)
right.set(xlabel="size", ylabel="probability of the label in the table", yscale="log",
          title="Small houses tell less")  # fmt: skip
right.legend(frameon=False)
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)

share = found[wrong.sum() - 1] / wrong.sum()
print(f"{share:.0%} of the wrong labels are among as many rows")
assert share >= 0.9
