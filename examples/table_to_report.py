"""
A table, from CSV to a report
=============================

Training needs only a file with a table and the name of the column to predict. The model says what
it took each column for, and a page reports how well it predicts and which columns matter.

On the command line this is ``chainrule train houses.csv --target price --report houses.html``.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np
import polars as pl

import chainrule as cr
from chainrule.html_page.notebook_part import Page

# %%
# The table
# ---------
# The houses are made up: the price is 40 times the size for a flat, 50 times for a house and 60
# times for a loft, 500 more with a garden, and noise with a standard deviation of 50.

houses = pl.read_csv("houses.csv")
houses.head(5)

# %%
# Training
# --------
# Without options, a network is trained at each of two learning rates, and the one that was better
# on rows held out is trained again with all rows.

with TemporaryDirectory() as folder:
    path = Path(folder) / "houses.html"
    model = cr.train("houses.csv", "price", report=path)
    report = path.read_text(encoding="utf-8")

# %%
# What it took each column for, and why:

for decision in model.about["decisions"]:
    print("{column:<7} {role:<9} {reason}".format(**decision))

# %%
# The report
# ----------
# One HTML file, which loads nothing from elsewhere.

Page(report)

# %%
# New rows
# --------
# Another table has rows that the model has not seen. For houses no larger than those in training,
# the errors are about as large as the noise, which no model can predict. For larger houses, where
# there was nothing to learn from, they grow.

new = pl.read_csv("houses-test.csv")
price, size = new["price"].to_numpy(), new["size"].to_numpy()
error = model.predict(new)["prediction"].to_numpy() - price
beyond = size > houses["size"].max()

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
for part, colour, label in ((~beyond, "#0072B2", "sizes as in training"),
                            (beyond, "#D55E00", "larger than all in training")):  # fmt: skip
    left.plot(price[part], (price + error)[part], "o", color=colour, markersize=4, alpha=0.6)
    right.plot(size[part], error[part], "o", color=colour, markersize=4, alpha=0.6, label=label)
left.axline((0, 0), slope=1, color="#666666", linewidth=1)
left.set(xlabel="price", ylabel="predicted price", title="500 new houses")
right.axhspan(-100, 100, color="#666666", alpha=0.2, label="two deviations of the noise")
right.set(xlabel="size", ylabel="predicted − price", title="What the predictions lack")
right.legend(frameon=False)
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)

typical = np.sqrt(np.mean(error[~beyond] ** 2))
print(f"root mean squared error, sizes as in training: {typical:.0f}")
assert len(new) == 500
assert typical < 70
assert beyond.any()
assert abs(error[beyond]).min() > 5 * typical
