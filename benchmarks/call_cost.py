"""What a call costs beside its work: `fit`, `predict` of a row, the estimators; with the goals.

Each figure is the least of many calls, by the time of this thread alone, so that it counts no other
process; ours and scikit-learn's take turns. Of a fit the engine's steps are not counted. A model of
a table is timed by the clock on the wall, for polars has threads of its own.

The widest fit looks at X, 20 MB, within the steps of its first epoch, which read it anyway. Most of
what is left is the first touch of the memory for parameters and states, in the engine and in the
history.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from sklearn.datasets import load_iris
from sklearn.neural_network import MLPClassifier, MLPRegressor

import chainrule as cr
from chainrule.cli.checking import processor
from chainrule.engine import cores
from chainrule.engine.session import Session

Call = Callable[[], Any]

AT_LEAST, SECONDS = 20, 0.3
"""The calls of a turn, and the seconds from which there are no more of them."""


class Row(NamedTuple):
    """A row of the table: what is called, the goal in µs, and what scikit-learn does."""

    what: str
    goal: float | None
    ours: Callable[[], float]
    theirs: Callable[[], float] | None = None


def least(call: Call, clock: Callable[[], float] = time.thread_time) -> float:
    """Return the least time of a call, in µs, without that of the engine's steps."""
    call()
    times: list[float] = []
    began_all = time.monotonic()
    while len(times) < AT_LEAST or time.monotonic() - began_all < SECONDS:
        steps.seconds, began = 0.0, clock()
        call()
        times.append(clock() - began - steps.seconds)
    return min(times) * 1e6


class Steps:
    """The seconds that the engine's steps have taken in this thread, where they are watched."""

    seconds = 0.0

    def watch(self) -> None:
        """Have each run of the engine add its time."""
        run = Session.run

        def timed(*args: Any, **options: Any) -> Any:
            began = time.thread_time()
            try:
                return run(*args, **options)
            finally:
                self.seconds += time.thread_time() - began

        Session.run = timed  # type: ignore[method-assign]


steps = Steps()


def network(*widths: int, loss: str) -> cr.Network:
    """Return a network with ReLU between its layers."""
    inputs, *hidden, outputs = widths
    return cr.Network(inputs, [*(cr.Dense(o, "relu") for o in hidden), cr.Dense(outputs)], loss)


def fit_cost(net: cr.Network, rows: int, batch: int) -> Callable[[], float]:
    """Return what finds the time of a fit."""
    rng = np.random.default_rng(0)
    X, params = rng.normal(size=(rows, net.inputs)).astype(np.float32), net.init(0)
    y: Any = rng.integers(net.outputs, size=rows)
    if net.loss != "cross_entropy":
        y = rng.normal(size=(rows, net.outputs)).astype(np.float32)

    rule, how = cr.Adam(), {"epochs": 1, "batch_size": batch, "threads": 1}
    return lambda: least(lambda: cr.fit(net, params, X, y, rule, **how))


def predict_cost(net: cr.Network) -> Callable[[], float]:
    """Return what finds the time of the prediction of one row."""
    x = np.random.default_rng(0).normal(size=(1, net.inputs)).astype(np.float32)
    params = net.init(0)
    return lambda: least(lambda: cr.predict(net, params, x))


def estimator_rows(X: Any, y: Any) -> list[Row]:
    """Return the rows of both estimators, beside scikit-learn's own with the same options."""
    found = []
    for ours, theirs in (
        (cr.MLPClassifier(max_iter=1), MLPClassifier(max_iter=1)),
        (cr.MLPRegressor(max_iter=1), MLPRegressor(max_iter=1)),
    ):
        name = type(ours).__name__
        calls: dict[str, list[Callable[[], float]]] = {"fit": [], "predict": []}
        for each in (ours, theirs):
            each.fit(X, y)
            calls["fit"].append(lambda each=each: least(lambda: each.fit(X, y)))
            calls["predict"].append(lambda each=each: least(lambda: each.predict(X[:1])))
        found += [
            Row(f"`{name}.fit`, {len(X)} × {X.shape[1]}, one epoch", None, *calls["fit"]),
            Row(f"`{name}.predict`, one row", 25, *calls["predict"]),
        ]
    return found


def table_cost() -> Callable[[], float]:
    """Return what finds the time that a model of a table takes for one of its rows."""
    rng, n = np.random.default_rng(0), 1000
    frame = pl.DataFrame({f"x{k}": rng.normal(size=n) for k in range(6)}).with_columns(
        kind=pl.Series(rng.choice(["oak", "elm", "ash"], n)), y=pl.Series(rng.normal(size=n))
    )
    model = cr.train(frame, "y", epochs=1, members=1)
    row = frame.drop("y").head(1)
    return lambda: least(lambda: model.predict(row), time.perf_counter)


def table() -> list[Row]:
    """Return all rows."""
    tiny, wide = network(2, 2, 2, loss="squared_error"), network(784, 128, 10, loss="cross_entropy")
    middling = network(30, 64, 64, 2, loss="cross_entropy")
    return [
        Row("`cr.fit`, 2-2-2, one row", 150, fit_cost(tiny, 1, 1)),
        Row("`cr.fit`, 30-64-64-2, 1,024 rows", 150, fit_cost(middling, 1024, 32)),
        Row("`cr.fit`, 784-128-10, 6,400 rows", 1000, fit_cost(wide, 6400, 64)),
        Row("`cr.predict`, 2-2-2, one row", None, predict_cost(tiny)),
        Row("`cr.predict`, 784-128-10, one row", 5, predict_cost(wide)),
        *estimator_rows(*load_iris(return_X_y=True)),
        Row("`TableModel.predict`, one row of 7 columns", None, table_cost()),
    ]


def lines(rounds: int) -> Iterator[str]:
    """Yield the lines of the table, the least of some rounds of each."""
    yield "| call | µs | goal | scikit-learn | times as fast |"
    yield "|---|---|---|---|---|"
    for row in table():
        both = [each for each in (row.ours, row.theirs) if each]
        found = [[find() for find in both] for _ in range(rounds)]
        ours, *theirs = np.min(found, axis=0)
        beside = f"{theirs[0]:.0f} | {theirs[0] / ours:.1f}" if theirs else "|"
        goal = "" if row.goal is None else f"≤ {row.goal:,.0f}"
        yield f"| {row.what} | {ours:,.{1 if ours < 100 else 0}f} | {goal} | {beside} |"


def main() -> None:
    """Print the table, and write it to the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # an epoch is not enough to converge
    steps.watch()
    words, load = __doc__.partition("\n")[2].strip(), os.getloadavg()[0]
    where = f"On {processor()}, {cores()} cores, with {load:.0f} processes at work beside this one."
    page = ["# What a call costs", "", words, "", where, ""]
    for line in lines(options.rounds):
        page.append(line)
        print(line)
    (Path(__file__).parent / "results" / "call_cost.md").write_text("\n".join(page) + "\n")


if __name__ == "__main__":
    main()
