"""
Gradient flow in a deep network
===============================

In the pass backward through a layer, the gradient is multiplied by the slope of the activation and
by the weights. The slope of a sigmoid is at most 1/4: after ten layers almost nothing is left for
the first layer, which then does not learn. Three remedies keep the factor near one.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import chainrule as cr

# %%
# Four networks of ten hidden layers
# ----------------------------------

digits, y = load_digits(return_X_y=True)
X = (digits / 16).astype(np.float32)
DEPTH, WIDTH = 10, 32


def network(*hidden: cr.Layer) -> cr.Network:
    """A classifier of the digits with these hidden layers."""
    return cr.Network(64, [*hidden, cr.Dense(10)], loss="cross_entropy")


block = cr.Residual(cr.LayerNorm(), cr.Dense(WIDTH, "sigmoid"), cr.Dense(WIDTH))
NETWORKS = {
    "sigmoid": network(*[cr.Dense(WIDTH, "sigmoid")] * DEPTH),
    "tanh": network(*[cr.Dense(WIDTH, "tanh")] * DEPTH),
    "relu": network(*[cr.Dense(WIDTH, "relu")] * DEPTH),
    "sigmoid, residual": network(cr.Dense(WIDTH), *[block] * (DEPTH - 1)),
}

# %%
# What arrives at each layer
# --------------------------
# Before training, the root mean square of each layer's gradient by its weights:


def sizes(net: cr.Network) -> list[float]:
    """The size of ∂C/∂W of each layer; of a residual block, of its first dense layer."""
    trace = cr.forward(net, net.init(seed=0), X)
    grads = cr.gradient(trace, cr.backward(trace, y))
    weights = [g.W if hasattr(g, "W") else g[1].W for g in grads]
    return [float(np.sqrt(np.mean(np.square(W)))) for W in weights]


flow = {name: sizes(net) for name, net in NETWORKS.items()}
for name, each in flow.items():
    print(f"{name:<18} first layer {each[0]:.0e}, last {each[-1]:.0e}")

# %%
# ``diagnose`` says what is wrong, with the figures, and what to change:

net = NETWORKS["sigmoid"]
print(cr.diagnose(net, net.init(seed=0), X, y))

# %%
# Which of them learn
# -------------------
# All networks are trained by plain gradient descent with the same rate and number of epochs. The
# loss of the sigmoids stays at that of a guess that uses no pixel; the others fall below it at
# once.

losses = {
    name: cr.fit(net, net.init(seed=0), X, y, cr.SGD(0.1), epochs=25, seed=0)[1].loss
    for name, net in NETWORKS.items()
}

STYLES = dict(zip(NETWORKS, (("#D55E00", "-o"), ("#0072B2", "--s"), ("black", ":^"),
                             ("#009E73", "-.d")), strict=True))  # fmt: skip
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
for name, (colour, style) in STYLES.items():
    left.plot(range(1, len(flow[name]) + 1), flow[name], style, color=colour, label=name,
              markersize=5)  # fmt: skip
    right.plot(range(1, 26), losses[name], style, color=colour, markersize=4, markevery=3)
left.set(yscale="log", xlabel="layer, from the input to the output", title="Before training",
         ylabel="root mean square of ∂C/∂W")  # fmt: skip
right.axhline(np.log(10), color="#666666", linewidth=1)
right.annotate("a guess: ln 10", (25, np.log(10)), (0, 4), textcoords="offset points", ha="right")
right.set(xlabel="epoch", ylabel="training loss", title="In training", ylim=(0, 2.6))
figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)

assert flow["sigmoid"][0] < 1e-5 * flow["sigmoid"][-1]
assert all(each[0] > 1e-2 * each[-1] for name, each in flow.items() if name != "sigmoid")
assert losses["sigmoid"][-1] > 0.95 * np.log(10)
assert all(each[-1] < 1 for name, each in losses.items() if name != "sigmoid")
