"""
A prediction explained
======================

Why was this price predicted? The contribution of each column is the integral of the gradient along
the straight path from the mean row of training to this row. The contributions add up to the
difference between the two predictions.
"""

import matplotlib.pyplot as plt
import numpy as np
import polars as pl

import chainrule as cr

model = cr.train("houses.csv", "price")

# %%
# One row
# -------
# The printed figures of the waterfall add up exactly.

why = model.why_row("houses-test.csv", 3)
print(why.text())

# %%
# On the page, each bar opens the chain rule of its column, with all numbers filled in.

why

# %%
# All rows, and what is true
# --------------------------
# These houses are made up, so the truth is known: a garden adds 500 to any price. The contributions
# of the column ``garden`` differ by nearly that between rows with a garden and without.

rows = pl.read_csv("houses-test.csv")
reasons = model.why(rows)
garden = rows["garden"].to_numpy()
given = reasons["contribution_garden"].to_numpy()
gain = np.median(given[garden]) - np.median(given[~garden])
print(f"a garden is worth {gain:.0f}")

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained",
                                     width_ratios=(1.2, 1))  # fmt: skip
bars, ends = why.bars()
labels = ["mean row", *(bar.said for bar in bars), "this row"]
left.barh(0, ends.start, color="#666666")
for k, bar in enumerate(bars, start=1):
    left.barh(k, bar.value, left=bar.start, color="#0072B2" if bar.value > 0 else "#D55E00")
left.barh(len(bars) + 1, ends.end, color="#666666")
left.set_yticks(range(len(labels)), labels)
left.invert_yaxis()
left.set(xlabel="price", title=f"Row 3: from {ends.start:,.0f} to {ends.end:,.0f}")

for part, colour, label in ((garden, "#0072B2", "with a garden"),
                            (~garden, "#D55E00", "without")):  # fmt: skip
    right.hist(given[part], np.linspace(-400, 500, 46), color=colour, alpha=0.8, label=label)
right.set(xlabel="contribution of the column garden", ylabel="rows",
          title=f"A garden is worth {gain:.0f}; in truth 500")  # fmt: skip
right.legend(frameon=False)
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)

total = sum(why.contributions.values())
assert abs(why.baseline + total - why.value) < 1e-5 * why.value
assert abs(gain - 500) < 60
