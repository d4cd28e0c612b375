"""
How fast the loss falls
=======================

Plain descent, momentum, a falling rate, Adam, NAdam and Lion on four small data sets, scaled to
[0, 1]. All start from the same weights. Which one is best depends on the learning rate too, so this
is no ranking.
"""

import warnings

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits, load_iris, make_circles, make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import MinMaxScaler

from chainrule import MLPClassifier

SGD = {"solver": "sgd", "learning_rate_init": 0.2, "momentum": 0.0}
MOMENTUM = {**SGD, "momentum": 0.9, "nesterovs_momentum": False}
STRATEGIES = {
    "constant rate": (SGD, "-", "#0072B2"),
    "with momentum": (MOMENTUM, "--", "#0072B2"),
    "with Nesterov's momentum": ({**MOMENTUM, "nesterovs_momentum": True}, ":", "#0072B2"),
    "falling rate": ({**SGD, "learning_rate": "invscaling"}, "-o", "#D55E00"),
    "falling rate, momentum": ({**MOMENTUM, "learning_rate": "invscaling"}, "--s", "#D55E00"),
    "Adam": ({"solver": "adam", "learning_rate_init": 0.01}, "-", "black"),
    "NAdam": ({"solver": "nadam", "learning_rate_init": 0.01}, "--", "black"),
    "Lion": ({"solver": "lion", "learning_rate_init": 0.002}, ":", "black"),
}
DATA = {
    "iris": (load_iris(return_X_y=True), 200),
    "digits": (load_digits(return_X_y=True), 15),
    "circles": (make_circles(noise=0.2, factor=0.5, random_state=1), 200),
    "moons": (make_moons(noise=0.3, random_state=0), 200),
}

# %%
# One panel for each data set
# ---------------------------

loss = {}
figure, axes = plt.subplots(2, 2, figsize=(10, 7.5), layout="constrained")
for ax, (data, ((X, y), epochs)) in zip(axes.flat, DATA.items(), strict=True):
    scaled = MinMaxScaler().fit_transform(X)
    for name, (parameters, style, colour) in STRATEGIES.items():
        model = MLPClassifier(max_iter=epochs, random_state=0, **parameters)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # how far it is by then is seen
            model.fit(scaled, y)
        loss[data, name] = model.loss_
        width = 1.8 if colour == "black" else 1.3
        ax.plot(range(1, model.n_iter_ + 1), model.loss_curve_, style, color=colour, label=name,
                markevery=0.1, markersize=4, linewidth=width)  # fmt: skip
    ax.set(title=data, xlabel="epoch", ylabel="training loss (cross-entropy)", yscale="log")
    ax.spines[["top", "right"]].set_visible(False)
figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4,
              frameon=False)  # fmt: skip

# %%
# On each data set, momentum ends with a lower loss than plain descent at the same rate. A rate that
# falls with the square root of the step ends with a higher loss than a constant one.

for data in DATA:
    assert loss[data, "with momentum"] < loss[data, "constant rate"] < loss[data, "falling rate"]
