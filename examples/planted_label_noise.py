"""
Wrong labels rise to the top
============================

One label in twenty of the handwritten digits is made wrong. After some epochs the examples are
ranked by the norm of their own gradients. Those with wrong labels come first, because the network
contradicts them.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from chainrule import MLPClassifier

# %%
# Wrong labels
# ------------

digits, true = load_digits(return_X_y=True)
X = (digits / 16).astype(np.float32)
rng = np.random.default_rng(0)
chosen = rng.choice(len(true), round(0.05 * len(true)), replace=False)
y = true.copy()
y[chosen] = (y[chosen] + rng.integers(1, 10, len(chosen))) % 10

# %%
# The ranking
# -----------
# One call returns the norms for all examples, without building the gradient of each.

model = MLPClassifier((64,), solver="adamw", dropout=0.2, random_state=0)
for _ in range(60):
    model.partial_fit(X, y, classes=np.arange(10))
order = np.argsort(-model.example_gradient_norms(X, y))

wrong = (y != true)[order]
share = np.cumsum(wrong) / np.arange(1, len(y) + 1)
for k in (10, 25, 50, wrong.sum(), 2 * wrong.sum()):
    print(f"of the first {k:>3}, {share[k - 1]:.0%} have a wrong label")

# %%
# The share of wrong labels among the first
# -----------------------------------------
# On the right, the first examples of the ranking, with their labels.

figure = plt.figure(figsize=(11, 4.6), layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=(1, 1.1))
ax = left.subplots()
ax.plot(np.arange(1, len(y) + 1), share, color="#0072B2", linewidth=2, label="by the gradient")
ax.axhline(wrong.mean(), color="#666666", linestyle="--", label="in any order")
ax.axvline(wrong.sum(), color="#666666", linestyle=":", label="as many as are wrong")
ax.set(xlim=(1, 4 * wrong.sum()), ylim=(0, 1.02), xlabel="first ranks (examples)",
       ylabel="share of them whose label is wrong",
       title=f"{wrong.sum()} of {len(y):,} labels were made wrong")  # fmt: skip
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False)
for ax, k in zip(right.subplots(4, 7).flat, order[:28], strict=True):
    ax.imshow(X[k].reshape(8, 8), cmap="gray_r")
    ax.set(xticks=[], yticks=[])
    as_it_was = y[k] == true[k]
    ax.set_title("label right" if as_it_was else f"“{y[k]}”, is {true[k]}", fontsize=8,
                 color="#0072B2" if as_it_was else "black")  # fmt: skip

assert wrong.sum() == round(0.05 * len(y))
assert share[49] >= 0.9
