"""Contributions to predictions beside Captum's and shap's: the same network, rows and baseline.

    pip install '.[bench]' && python benchmarks/contributions.py

Captum's IntegratedGradients with its own number of steps and shap's DeepExplainer with the baseline
as its only background take turns with `cr.integrated_gradients` on a network of dense layers, on
one thread each, by the time of the processor. How far the contributions are from adding up stands
beside it, and how far one of them is from the integral, of which Captum's sum in 3,000 steps is
taken, both as a share of the sum of their sizes; DeepExplainer's are no integrals. shap's exact
explainer is compared with `cr.shapley_values`, number by number. Last `model.why` of a table of
100,000 rows and 30 columns, by the clock, with all cores. The result goes to
`benchmarks/results/contributions.md`.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import chainrule as cr
from chainrule import engine
from chainrule.cli.checking import processor

RESULTS = Path(__file__).parent / "results" / "contributions.md"

INPUTS, HIDDEN = 30, 256

GOAL = 20
"""The seconds within which the contributions of the whole table are wanted."""

TOLERANCES = (1e-2, 1e-3)

FINE, STEPS = 50, 3000
"""For how many rows the integral is taken finely, and in how many steps."""

TABLE = 100_000, INPUTS
"""The rows and columns of the table whose contributions are timed by the clock."""


def case(rows: int) -> tuple[Any, Any, Any, Any]:
    """Return a network with random weights, its parameters, examples and their mean."""
    layers = [cr.Dense(HIDDEN, "relu"), cr.Dense(HIDDEN, "relu"), cr.Dense(1)]
    net = cr.Network(INPUTS, layers, "half_squared_error")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, INPUTS)).astype(np.float32)
    return net, net.init(0), X, X.mean(axis=0)


def in_torch(params: Any) -> Any:
    """Return the same network as a module of PyTorch."""
    import torch

    parts: list[Any] = []
    for W, b in params:
        linear = torch.nn.Linear(W.shape[1], W.shape[0])
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(np.array(W)))
            linear.bias.copy_(torch.from_numpy(np.array(b)))
        parts += [linear, torch.nn.ReLU()]
    return torch.nn.Sequential(*parts[:-1])


def contestants(rows: int) -> dict[str, Callable[[], Any]]:
    """Return what each does: the contributions of all rows, (rows, inputs)."""
    import shap
    import torch
    from captum.attr import IntegratedGradients

    net, params, X, b = case(rows)
    module = in_torch(params)
    x, base = torch.from_numpy(X), torch.from_numpy(b)[None]
    gradients = IntegratedGradients(module)
    deep = shap.DeepExplainer(module, base)

    def ours(tolerance: float) -> Callable[[], Any]:
        return lambda: cr.integrated_gradients(net, params, X, b, tolerance=tolerance).values

    def captum() -> Any:
        made = gradients.attribute(x, base, target=0, internal_batch_size=20_000)
        return made.detach().numpy()

    def shap_deep() -> Any:
        return np.asarray(deep.shap_values(x, check_additivity=False)).reshape(X.shape)

    own = {f"cr.integrated_gradients, tolerance {each:g}": ours(each) for each in TOLERANCES}
    return {**own, "Captum IntegratedGradients, 50 steps": captum, "shap DeepExplainer": shap_deep}


def lacking(rows: int, c: Any) -> float:
    """Return the greatest residue, as a share of the sum of the sizes."""
    net, params, X, b = case(rows)
    F = cr.predict(net, params, np.concatenate([X, b[None]]))[:, 0].astype(float)
    return float(np.max(np.abs(F[:-1] - F[-1] - c.sum(axis=1)) / np.abs(c).sum(axis=1)))


def integrals(rows: int) -> Any:
    """Return the integrals of the first rows, by Captum in many steps and double precision."""
    import torch
    from captum.attr import IntegratedGradients

    _, params, X, b = case(rows)
    x, base = (torch.from_numpy(each).double() for each in (X[:FINE], b[None]))
    made = IntegratedGradients(in_torch(params).double()).attribute(
        x, base, target=0, n_steps=STEPS, internal_batch_size=20_000
    )
    return made.detach().numpy()


def apart(c: Any, fine: Any) -> tuple[float, float]:
    """Return how far one contribution is from the integral: the median over rows, and the most."""
    far = np.abs(c[: len(fine)] - fine).max(axis=1) / np.abs(fine).sum(axis=1)
    return float(np.median(far)), float(far.max())


def exact() -> float:
    """Return how far shap's exact values are from ours, at most, on a small network."""
    import shap

    net = cr.Network(8, [cr.Dense(16, "tanh"), cr.Dense(1)], "half_squared_error")
    params = net.init(0, dtype="float64")
    rng = np.random.default_rng(1)
    X, b = rng.normal(size=(10, 8)), rng.normal(size=8)

    def figure(x: Any) -> Any:
        return cr.predict(net, params, np.asarray(x, np.float64))[:, 0]

    masker = shap.maskers.Independent(b[None])
    found = shap.explainers.Exact(figure, masker)(X).values
    return float(np.max(np.abs(found - [cr.shapley_values(figure, x, b) for x in X])))


def linear() -> float:
    """Return how far shap's values of a linear model are from ours, at most."""
    import shap

    net = cr.Network(6, [cr.Dense(1)], "half_squared_error")
    params = net.init(0, dtype="float64")
    X = np.random.default_rng(2).normal(size=(20, 6))
    b = X.mean(axis=0)
    weights, bias = params[0].W[0], float(params[0].b[0])
    found = shap.LinearExplainer((weights, bias), shap.maskers.Independent(b[None])).shap_values(X)
    return float(np.max(np.abs(found - cr.integrated_gradients(net, params, X, b).values)))


def timed(rows: int, rounds: int) -> dict[str, tuple[float, ...]]:
    """Return for each the least time of the processor a row, in µs, its residue and its errors."""
    each, fine = contestants(rows), integrals(rows)
    times: dict[str, list[float]] = {name: [] for name in each}
    marks: dict[str, tuple[float, ...]] = {}
    for _ in range(rounds):
        for name, work in each.items():
            started = time.process_time()
            made = work()
            times[name].append((time.process_time() - started) / rows * 1e6)
            marks[name] = (lacking(rows, made), *apart(made, fine))
    return {name: (min(times[name]), *marks[name]) for name in each}


def by_the_clock() -> tuple[float, float]:
    """Return the seconds of `model.why` for a table of numbers, and those of the processor."""
    import polars

    rows, columns = TABLE
    rng = np.random.default_rng(3)
    X = rng.normal(size=(rows, columns))
    noise = rng.normal(size=rows)
    y = X[:, 0] * X[:, 1] + np.sin(X[:, 2]) + X[:, 3:] @ rng.normal(size=columns - 3) + noise
    table = polars.DataFrame({"y": y, **{f"x{k}": X[:, k] for k in range(columns)}})
    model = cr.train(table[:10_000], target="y", seed=0)
    clock, spent = time.perf_counter(), time.process_time()
    model.why(table)
    return time.perf_counter() - clock, time.process_time() - spent


def main() -> None:
    """Measure, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    with threadpool_limits(1):
        found = timed(args.rows, args.rounds)
        differences = exact(), linear()
    clock, spent = by_the_clock()
    first = next(iter(found.values()))[0]
    names = ("chainrule", "torch", "captum", "shap")
    packages = ", ".join(f"{name} {version(name)}" for name in names)
    lines = [
        "# Contributions to predictions",
        "",
        f"{INPUTS}-{HIDDEN}-{HIDDEN}-1, relu, {args.rows:,} rows against their mean; "
        f"{processor()}, {engine.cores()} cores, the time of the processor, the least of "
        f"{args.rounds} rounds in turns; {packages}.",
        "",
        "| by | µs a row | of the first | residue, at most | error of one: median | at most |",
        "|---|---|---|---|---|---|",
        *(
            f"| {name} | {spent:.0f} | {spent / first:.2f} | "
            + " | ".join(f"{mark:.1e}" for mark in marks)
            + " |"
            for name, (spent, *marks) in found.items()
        ),
        "",
        f"shap's exact explainer and `cr.shapley_values`: {differences[0]:.1e} apart at most; "
        f"shap's linear explainer and `cr.integrated_gradients`: {differences[1]:.1e}.",
        "",
        f"`model.why` of a table of {TABLE[0]:,} rows and {TABLE[1]} columns, with the model that "
        f"`cr.train` makes of 10,000 of them: {clock:.1f} s ({spent:.1f} s of the processor); "
        f"goal < {GOAL} s.",
        "",
    ]
    RESULTS.write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
