"""100 networks of a kind: `cr.fit_many` beside one by one, JAX's `vmap`, scikit-learn under joblib.

    pip install '.[bench]' && python benchmarks/many_networks.py --cores 1 2 --rounds 5

Each network starts from a seed of its own and goes through the examples in an order of its own, at
a learning rate of its own; those of Chainrule come to the same bits both ways. Times are the
processor's on one core and the wall clock's on more, in turns; scikit-learn trains SOME networks
only, whose time is multiplied.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np

import chainrule as cr
from cases import NETWORK_EPOCHS, NETWORKS, RATE, Case, Problem, problem
from interleaved import Entrant, Start, in_one_call, take_turns
from peers import available, environment, hold_to, machine
from report import number, row

PAGE = Path(__file__).parent / "results" / "many_networks.md"
CASES = [
    Case("2-2-2", (2, 2, 2), 200, 1),
    Case("4-16-3", (4, 16, 3), 800, 16),
    Case("30-64-64-2", (30, 64, 64, 2), 1_024, 32),
]
RATES = [RATE * (1 + k / NETWORKS) for k in range(NETWORKS)]
SEEDS = range(NETWORKS)
SOME = 2
PACKAGES = ("numpy", "chainrule", "jax", "scikit-learn")


def repeated(call: Callable[[], Any], cores: int) -> Start:
    """Return the start of calls; on one core their time is the processor's, whoever else runs."""

    def run(count: int) -> Any:
        return [call() for _ in range(count)][-1]

    return in_one_call(lambda: run, time.process_time if cores == 1 else time.perf_counter)


def by_fit_many(given: Problem, cores: int) -> Start:
    """All in one call."""
    params, rates = [given.net.init(seed) for seed in SEEDS], [cr.Adam(rate) for rate in RATES]

    def train() -> list[float]:
        found: Any = cr.fit_many(
            given.net,
            params,
            given.X,
            given.y,
            rates,
            epochs=NETWORK_EPOCHS,
            batch_size=given.case.batch,
            seed=SEEDS,
        )
        return [history.loss[-1] for _, history in found]

    return repeated(train, cores)


def by_fit(given: Problem, cores: int) -> Start:
    """One after the other, each on as many threads as it wants."""
    params = [given.net.init(seed) for seed in SEEDS]

    def train_one(k: int) -> float:
        _, history = cr.fit(
            given.net,
            params[k],
            given.X,
            given.y,
            cr.Adam(RATES[k]),
            epochs=NETWORK_EPOCHS,
            batch_size=given.case.batch,
            seed=k,
        )
        return history.loss[-1]

    return repeated(lambda: list(map(train_one, SEEDS)), cores)


def by_vmap(given: Problem, cores: int) -> Start:
    """One compiled call: a scan over the steps, of all networks at once."""
    import jax
    import jax.numpy as jnp
    import optax  # type: ignore[import-untyped]

    from with_jax import cost_of, orders_of

    cost, X, y = cost_of(given), jnp.asarray(given.X), jnp.asarray(given.y)
    layers = [[layer for layer in given.net.init(seed) if layer] for seed in SEEDS]
    weights = [
        (jnp.stack([W.T for W, _ in each]), jnp.stack([b for _, b in each]))
        for each in zip(*layers, strict=True)
    ]

    def train_one(weights: Any, rate: Any, orders: Any) -> Any:
        optimizer = optax.adam(rate)

        def step(carry: Any, rows: Any) -> Any:
            weights, state = carry
            value, gradient = jax.value_and_grad(cost)(weights, X[rows], y[rows], None)
            updates, state = optimizer.update(gradient, state, weights)
            return (optax.apply_updates(weights, updates), state), value

        carry, costs = jax.lax.scan(step, (weights, optimizer.init(weights)), orders)
        return carry, costs[-given.case.steps :].mean()

    scan = jax.jit(jax.vmap(train_one))
    rng, rates = np.random.default_rng(0), jnp.asarray(RATES, jnp.float32)

    def train() -> list[float]:
        orders = np.stack([orders_of(given, NETWORK_EPOCHS, rng) for _ in SEEDS])
        carry, costs = scan(weights, rates, jnp.asarray(orders))
        jax.block_until_ready(carry)
        return [float(each) for each in np.asarray(costs)]

    return repeated(train, cores)


def by_joblib(given: Problem, cores: int) -> Start:
    """A perceptron in each of joblib's processes, which have been started before."""
    from sklearn.neural_network import MLPClassifier

    models = [
        MLPClassifier(
            given.case.sizes[1:-1],
            alpha=0,
            batch_size=given.case.batch,
            learning_rate_init=rate,
            max_iter=NETWORK_EPOCHS,
            tol=0,
            n_iter_no_change=10**9,
            random_state=seed,
        )
        for seed, rate in enumerate(RATES[:SOME])
    ]

    def train() -> list[float]:
        fits = (joblib.delayed(_fitted)(model, given.X, given.y) for model in models)
        return list(joblib.Parallel(n_jobs=cores)(fits))

    return repeated(train, cores)


def _fitted(model: Any, X: Any, y: Any) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(model.fit(X, y).loss_)


WAYS: dict[str, Callable[[Problem, int], Start]] = {
    "fit_many": by_fit_many,
    "one by one": by_fit,
    "JAX, vmap": by_vmap,
    "scikit-learn, joblib": by_joblib,
}


def measure(cores: int, rounds: int) -> None:
    """Print the line of each case, by a process that is held to some cores."""
    for case in CASES:
        given = problem(case)
        found = {name: Entrant(way(given, cores), 1) for name, way in WAYS.items()}
        if found["fit_many"].first != found["one by one"].first:
            raise SystemExit(f"{case.title}: fit_many does not come to what fit comes to")
        times = take_turns(found, rounds)
        times["scikit-learn, joblib"] = [t * NETWORKS / SOME for t in times["scikit-learn, joblib"]]
        figures = [1e3 * statistics.median(times[name]) for name in WAYS]
        share = statistics.median(
            a / b for a, b in zip(times["fit_many"], times["one by one"], strict=True)
        )
        print(row([case.title, str(cores), *map(number, figures), f"{share:.2f}"]), flush=True)


def main() -> None:
    """Print a table, and write it beside the other results where it is whole."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--cores", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5, help="turns of each (5)")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.cores[0], options.rounds)
        return
    heads = ["milliseconds of 100 networks", "cores", *WAYS, "fit_many / one by one"]
    lines, all_cores = [row(heads), row(["---"] * len(heads))], available()
    print("\n".join(lines))
    for cores in [each for each in options.cores if each <= len(all_cores)]:
        hold_to(all_cores[-cores:])
        command = [sys.executable, __file__, "--measure", "--cores", str(cores)]
        done = subprocess.run(
            [*command, "--rounds", str(options.rounds)],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            env=environment(cores),
        )
        print(done.stdout, end="", flush=True)
        lines += done.stdout.splitlines()
    about = ", ".join(f"{k} {v}" for k, v in machine(max(options.cores), PACKAGES).items())
    PAGE.write_text("\n".join(["# Many networks", "", *lines, "", about, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
