r"""Part 3 of the demonstration: a network learns to read handwritten digits.

X   (n, 64)   8 × 8 pixels from 0 to 1      y   (n,)   digits 0 to 9
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

import chainrule as cr
from chainrule.begun_run import Callback
from chainrule.demo.printing import (
    WIDTH,
    block,
    heading,
    open_table,
    paragraph,
    part,
    progress,
    show,
)
from chainrule.formatting import decimals
from chainrule.layers.dense_stack import stack
from chainrule.network import Parameters

LAYERS = stack([128, 10], ["relu", "identity"], [0.3, 0])
NET = cr.Network(64, LAYERS, loss="cross_entropy", l2=1e-4)
ADAM = cr.Adam(2e-3)
EPOCHS = 40
BATCH = 32
HELD_OUT = 0.1
SHADES = " ░▒▓█"

INTRODUCTION = """
scikit-learn brings 1,797 scans of digits, 8 × 8 pixels each. A fifth of them is kept for the test,
with each digit in its proportion, and a tenth of the rest for validation. The network was chosen
by validation alone.
"""

DROPOUT = """
The cost in training is taken with dropout on and before each step, the one in validation with
dropout off and after the epoch. That is why it is lower.
"""


class Data(NamedTuple):
    """Digits to learn from, and digits to be tested on."""

    X: Any
    y: Any
    X_test: Any
    y_test: Any


class Trained(NamedTuple):
    """A trained network, its course, and its answers to the test."""

    params: Parameters
    history: cr.History
    answers: Any
    accuracy: float


def load(seed: int = 0) -> Data:
    """Return scikit-learn's digits, split with each digit in proportion."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X / 16, y, test_size=0.2, stratify=y, random_state=seed)
    return Data(X, y, X_test, y_test)


def run(
    data: Data, seed: int = 0, callbacks: Sequence[Callback] = (), epochs: int = EPOCHS
) -> Trained:
    """Train the network and test it."""
    params, history = cr.fit(
        NET,
        NET.init(seed),
        data.X,
        data.y,
        ADAM,
        epochs=epochs,
        batch_size=BATCH,
        seed=seed,
        validation=HELD_OUT,
        callbacks=callbacks,
    )
    answers = np.argmax(cr.predict(NET, params, data.X_test), axis=1)
    return Trained(params, history, answers, float(np.mean(answers == data.y_test)))


def show_part(console: Console) -> None:
    """Print part 3."""
    part(console, 3, "Reading handwritten digits")
    paragraph(console, INTRODUCTION)
    _show_network(console)
    data = load()
    start = time.perf_counter()
    with progress(console, "{task.fields[costs]}") as bar:
        task = bar.add_task("epoch", total=EPOCHS, costs="")

        def advance(history: cr.History) -> None:
            training, validation = history.loss[-1], history.validation_loss[-1]
            costs = f"cost {decimals(training, 3)}, in validation {decimals(validation, 3)}"
            bar.update(task, advance=1, costs=costs)

        done = run(data, callbacks=[advance])
    seconds = time.perf_counter() - start
    heading(console, "Cost by epoch", f"{EPOCHS} epochs in {seconds:.1f} s")
    _show_losses(console, done.history)
    console.print()
    _show_chart(console, done.history)
    console.print()
    paragraph(console, DROPOUT)
    heading(console, "Test", "cr.predict(net, params, X_test)")
    _show_test(console, data, done)


def _show_network(console: Console) -> None:
    layers = ", ".join(map(repr, NET.layers))
    block(
        console,
        f"network    {NET.inputs} inputs, {layers}\n"
        f"cost       {NET.loss}, l2 = {NET.l2:g}\n"
        f"training   Adam({ADAM.learning_rate}), {EPOCHS} epochs in batches of {BATCH}\n"
        f"           {NET.size:,} weights and biases to learn",
    )


def _show_losses(console: Console, history: cr.History) -> None:
    epochs = [1, *range(5, history.epochs + 1, 5)]
    table = open_table(["epoch", *map(str, epochs)], "l" + "r" * len(epochs))
    for name, costs in (("training", history.loss), ("validation", history.validation_loss)):
        table.add_row(name, *(decimals(costs[epoch - 1], 3) for epoch in epochs))
    show(console, table)


def _show_chart(console: Console, history: cr.History) -> None:
    """Draw both courses on a logarithmic scale."""
    import plotext

    low, high = min(history.loss + history.validation_loss), max(history.loss)
    ticks = [t for t in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0) if low <= t <= high]
    epochs = list(range(1, history.epochs + 1))
    figure = plotext.figure
    figure.clear()
    figure.plot_size(WIDTH - 4, 15)
    figure.theme("colorless")
    # plotext 6 draws no ticks of one's own on its logarithmic scale: take the logarithm here
    training = figure.signal(epochs, [math.log10(c) for c in history.loss], marker="•")
    figure.draw(training.lines())
    validation = [math.log10(c) for c in history.validation_loss]
    figure.draw(figure.signal(epochs, validation, marker="○"))
    figure.ruler("x").ticks([1, *range(10, history.epochs + 1, 10)])
    figure.ruler("y").ticks([math.log10(t) for t in ticks], [f"{t:g}" for t in ticks])
    chart = Text(str(plotext.uncolorize(figure.build())).rstrip())
    chart.highlight_regex("•", "cyan")
    chart.highlight_regex("○", "yellow")
    legend = Text.assemble("    ", ("•••", "cyan"), " training   ", ("○", "yellow"), " validation")
    console.print(legend)
    console.print(chart)


def _show_test(console: Console, data: Data, done: Trained) -> None:
    wrong = np.flatnonzero(done.answers != data.y_test)
    right = f", {len(data.y_test) - len(wrong)} of {len(data.y_test)} digits read correctly"
    console.print(Text.assemble("test accuracy ", (f"{done.accuracy:.4f}", "bold green"), right))
    if not len(wrong):
        return
    table = Table.grid(padding=(0, 3))
    shown = wrong[:4]
    table.add_row(*(_picture(data.X_test[k]) for k in shown))
    table.add_row(*(f"a {data.y_test[k]}, read as {done.answers[k]}" for k in shown))
    console.print()
    show(console, table)


def _picture(pixels: Any) -> Text:
    """Return 8 × 8 pixels as eight lines of shades."""
    levels = np.round(pixels.reshape(8, 8) * (len(SHADES) - 1)).astype(int)
    return Text("\n".join("".join(2 * SHADES[level] for level in row) for row in levels))
