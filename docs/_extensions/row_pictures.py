"""Pictures of the rows of the tables: `picture("activations", "relu")` returns SVG.

Its ink is the page's own, so that it is legible in light and dark.
"""

import io
import math
import re
from html import escape

import matplotlib
import numpy as np
from matplotlib.figure import Figure

import chainrule as cr
from chainrule import activations, initialisers, layers, losses, optimizers, schedules
from chainrule.layers import Draw
from chainrule.trees import leaf_names, tree_map
from chainrule.update import apply

INK = "#010203"  # what the page's own colour takes the place of
VALUE, SLOPE = "#2f81c7", "#d9722b"
SOLID, DASHED = {"lw": 2}, {"lw": 2, "ls": (0, (4, 2))}
STYLE = {
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 9,
    "grid.alpha": 0.15,
    "grid.color": INK,
    "legend.frameon": False,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "chainrule",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


def picture(table, name):
    """The picture of a row, as SVG to stand in a page."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(4.8, 2.7), layout="constrained")
        said = DRAW[table](figure.add_subplot(), name)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    svg = file.getvalue()
    used = set(re.findall(r"#([\w-]+)", svg))
    svg = re.sub(r' id="([\w.-]+)"', lambda own: own[0] if own[1] in used else "", svg)
    svg = svg[svg.index("<svg") :].replace(INK, "currentColor")
    attributes = f'role="img" aria-label="{escape(said)}" style="max-width: 100%; height: auto"'
    return svg.replace("<svg", f"<svg {attributes}", 1)


def curve(axes, x, y, label, colour, style):
    """A curve, with a gap where it jumps."""
    jumps = np.flatnonzero(np.abs(np.diff(y)) > 0.1 * max(1, np.ptp(y)))
    x, y = (np.insert(values, jumps + 1, np.nan) for values in (x, y))
    axes.plot(x, y, color=colour, label=label, **style)


def value_and_slope(axes, x, value, slope, labels):
    """Two curves over x, with their legend above."""
    curve(axes, x, value, labels[0], VALUE, SOLID)
    curve(axes, x, slope, labels[1], SLOPE, DASHED)
    axes.set_xlabel(labels[2])
    axes.axhline(0, color=INK, lw=0.6, zorder=0)
    axes.legend(ncols=2, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0)


def of_activation(axes, name):
    """a and ∂a/∂z; of one over the layer, those of the first of three, the others at 0."""
    row, z = activations.ACTIVATIONS[name], np.linspace(-4, 4, 2001)
    rows = z[:, None] if row.pull is None else np.stack([z, 0 * z, 0 * z], axis=1)
    a, first = row.f(rows, np), np.zeros_like(rows)
    first[:, 0] = 1
    slope = row.delta(rows, a, first, np)[:, 0]
    which = "" if row.pull is None else "₁"
    labels = [f"a{which}", f"∂a{which}/∂z{which}", f"z{which}"]
    value_and_slope(axes, z, a[:, 0], slope, labels)
    axes.plot(row.kinks, row.at_kinks, "o", color=SLOPE, ms=4)
    return f"{name} and its derivative over z from -4 to 4"


ONE = np.array([1.0, 0.0, 0.0])

COMPARED = {
    "real": ("a − y", lambda t: (t, 0 * t)),
    "sign": ("y a", lambda t: (t, 1 + 0 * t)),
    "count": ("a, for y = 2", lambda t: (t, 2 + 0 * t)),
    "probability": ("a, for y = 1", lambda t: (t, 1 + 0 * t)),
    "class": ("a of the class, beside two of 0", lambda t: (t * ONE, 0 * t + ONE)),
}
"""What a loss is drawn over, by its target: the label, and a and y from what stands there."""


def of_loss(axes, name):
    """L and ∂L/∂a over the residual, the margin or the logit."""
    row, t = losses.LOSSES[name], np.linspace(-3, 3, 2001)
    label, compared = COMPARED[row.target]
    a, y = compared(t[:, None])
    value = row.value(a, y, np).sum(axis=1)
    labels = ["L", "∂L/∂a", label]
    value_and_slope(axes, t, value, row.grad(a, y, np)[:, 0], labels)
    return f"{name} and its derivative over {label}"


GIVEN = {"rate": 1.0, "peak": 1.0, "every": 25, "factor": 0.97, "steps": 100, "then": 1.0}
SHOWN = {
    "step": {"factor": 0.5},
    "warm_up": {"steps": 20, "then": cr.Cosine(1.0, steps=80)},
    "resumed": {"after": 40, "then": cr.Cosine(1.0, steps=100)},
}
"""What schedules are given that must be given something; of some, what shows more."""

STEPS = 110


def shown_schedule(name):
    """The schedule that is drawn."""
    kind = schedules.SCHEDULES[name]
    given = {each: GIVEN[each] for each in kind.__dataclass_fields__ if each in GIVEN}
    return kind(**given | SHOWN.get(name, {}))


def of_schedule(axes, name):
    """The learning rate over the steps."""
    made, t = shown_schedule(name), np.arange(1, STEPS + 1)
    axes.plot(t, [made(int(step)) for step in t], color=VALUE, drawstyle="steps-mid", **SOLID)
    axes.set(xlabel="step t", ylabel="η", ylim=(-0.05, 1.1))
    return f"the learning rate of {made} over {STEPS} steps"


CURVATURES = np.array([1.0, 10.0])
START = np.array([-4.0, 1.6])
RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
UPDATES = 30


def path(optimizer):
    """Where each step on C = ½(w₁² + 10 w₂²) leads, (steps + 1, 2)."""
    w, found = START, [START]
    states = [optimizer.init(w)]
    for t in range(1, UPDATES + 1):
        roles = {"0": layers.Role.WEIGHT}
        (w,), states = apply(optimizer, (w,), (CURVATURES * w,), states, t, roles)
        found.append(w)
    return np.stack(found)


def height(w):
    """The cost of the bowl."""
    return np.sum(CURVATURES * w**2, axis=-1) / 2


def best_path(kind):
    """The path by that of the rates whose costs are the lowest on the way, and the rate."""
    with np.errstate(over="ignore", invalid="ignore"):
        paths = {rate: path(kind(learning_rate=rate)) for rate in RATES}
        cost = {rate: np.nan_to_num(height(w).mean(), nan=math.inf) for rate, w in paths.items()}
    rate = min(cost, key=cost.get)
    return paths[rate], rate


def of_optimizer(axes, name):
    """A path down a bowl that is ten times as steep one way as the other."""
    w, rate = best_path(optimizers.OPTIMIZERS[name])
    grid = np.meshgrid(np.linspace(-4.6, 1.6, 80), np.linspace(-2.1, 2.1, 60))
    levels = np.array([0.02, 0.2, 1, 3, 7, 13, 21])
    axes.contour(
        *grid, height(np.stack(grid, axis=-1)), levels, colors=INK, linewidths=0.6, alpha=0.4
    )
    axes.plot(*w.T, "o-", color=VALUE, ms=3.5, lw=1.2)
    axes.plot(0, 0, "x", color=SLOPE, mew=2)
    axes.set(xlabel="w₁", ylabel="w₂", xlim=(-4.6, 1.6), ylim=(-2.1, 2.1))
    axes.grid(visible=False)
    axes.set_title(f"η = {rate:g}, {UPDATES} steps", fontsize=9, loc="left")
    return f"the path of {name} down a quadratic bowl"


def of_layer(axes, name):
    """What leaves a small layer as the first of its three inputs varies, and a derivative."""
    layer, t = layers.LAYERS[name].example(3), np.linspace(-3, 3, 1201)
    if layer.training_only:
        t = t[::30]
    rng = np.random.default_rng(3)

    def drawn(leaf_name, leaf):
        return 1 + 0 * leaf if "running" in leaf_name else rng.normal(size=leaf.shape)

    form = layer.form(3)
    params = tree_map(drawn, leaf_names(form), form)
    x = np.stack([t, 0 * t + 0.5, 0 * t - 0.5], axis=1)
    a, record = layer.forward(params, x, Draw(0, 1) if layer.training_only else None, np)
    first = np.zeros_like(a)
    first[:, 0] = 1
    slope = layer.dx(params, record, layer.delta(params, record, first, np), np)[:, 0]
    draw = dots if layer.training_only else curve
    for j in range(a.shape[1]):
        style = {**SOLID, "alpha": 1 if j == 0 else 0.45}
        draw(axes, t, a[:, j], {0: "a₁", 1: "the others"}.get(j), VALUE, style)
    draw(axes, t, slope, "∂a₁/∂x₁", SLOPE, DASHED)
    axes.set_xlabel("x₁, with x₂ = 0.5 and x₃ = −0.5")
    axes.axhline(0, color=INK, lw=0.6, zorder=0)
    axes.legend(ncols=3, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0)
    return f"what leaves {layer!r} over its first input"


def dots(axes, x, y, label, colour, style):
    """Points, where chance lies between one and the next."""
    axes.plot(x, y, "o", color=colour, label=label, ms=3.5, alpha=style.get("alpha", 1))


def of_initialiser(axes, name):
    """The densities of a weight from 64 inputs to 32 outputs."""
    deviation = math.sqrt(initialisers.VARIANCES[name].of(64, 32))
    w = np.linspace(-4 * deviation, 4 * deviation, 801)
    limit = math.sqrt(3) * deviation
    normal = np.exp(-0.5 * (w / deviation) ** 2) / (deviation * math.sqrt(2 * math.pi))
    axes.plot(
        w, np.where(np.abs(w) <= limit, 1 / (2 * limit), 0), color=VALUE, label="uniform", **SOLID
    )
    axes.plot(w, normal, color=SLOPE, label="normal", **DASHED)
    axes.set(xlabel="w, of 64 inputs and 32 outputs", ylabel="density")
    axes.legend(ncols=2, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0)
    return f"the densities of weights drawn by {name}"


DRAW = {
    "activations": of_activation,
    "losses": of_loss,
    "layers": of_layer,
    "optimizers": of_optimizer,
    "schedules": of_schedule,
    "initialisers": of_initialiser,
}
