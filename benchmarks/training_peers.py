"""Microseconds a training step, beside PyTorch, JAX and scikit-learn, each at its best.

Forward, softmax cross-entropy, backward and Adam on ReLU networks in float32. All engines take
turns in one process, which is held to one core or two. The table gives medians of the rounds, the
ratio of the best peer's time to Chainrule's, and of Chainrule's to the arithmetic limit: what the
same floating-point operations take at the rate of a large matrix product of NumPy's, measured in
the same run.

    pip install '.[bench]' && python benchmarks/training_peers.py
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

RESULTS = Path(__file__).parent / "results"
RATE = 1e-3
EPOCHS = 5
"""Of each turn: fit makes them in one call."""

CASES = {  # sizes, batch, examples
    "2-2-2": ((2, 2, 2), 1, 2_000),
    "4-16-3": ((4, 16, 3), 16, 16_000),
    "30-64-64-2": ((30, 64, 64, 2), 32, 16_000),
    "784-128-10": ((784, 128, 10), 64, 6_400),
    "784-512-512-10": ((784, 512, 512, 10), 256, 2_560),
    "256-1024-1024-1024-10": ((256, 1024, 1024, 1024, 10), 1024, 2_048),
}

Epoch = Callable[[], float]


def chainrule_epoch(sizes: tuple[int, ...], batch: int, X: Any, y: Any) -> Epoch:
    """One call of fit goes on from the last."""
    import chainrule as cr

    layers = [cr.Dense(o, "relu") for o in sizes[1:-1]] + [cr.Dense(sizes[-1])]
    net = cr.Network(sizes[0], layers, loss="cross_entropy")
    state: dict[str, Any] = {"params": net.init(0), "history": None}

    def epoch() -> float:
        state["params"], state["history"] = cr.fit(
            net,
            state["params"],
            X,
            y,
            cr.Adam(RATE),
            epochs=EPOCHS,
            batch_size=batch,
            history=state["history"],
            engine="native",
        )
        return state["history"].loss[-1]

    return epoch


def torch_epoch(sizes: tuple[int, ...], batch: int, X: Any, y: Any) -> Epoch:
    """Eager mode with the fused Adam; compiling did not pay at these sizes."""
    import torch

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    parts: list[Any] = []
    for i, o in itertools.pairwise(sizes):
        parts += [torch.nn.Linear(i, o), torch.nn.ReLU()]
    net = torch.nn.Sequential(*parts[:-1])
    adam = torch.optim.Adam(net.parameters(), lr=RATE, fused=True)
    loss, tX, ty = torch.nn.functional.cross_entropy, torch.from_numpy(X), torch.from_numpy(y)
    steps = len(X) // batch

    def epoch() -> float:
        order, total = torch.randperm(len(X)), 0.0
        for k in range(steps):
            rows = order[k * batch : (k + 1) * batch]
            adam.zero_grad(set_to_none=True)
            cost = loss(net(tX[rows]), ty[rows])
            cost.backward()
            adam.step()
            total += cost.item()
        return total / steps

    return epoch


def jax_epoch(sizes: tuple[int, ...], batch: int, X: Any, y: Any) -> Epoch:
    """One jitted scan over the epoch, with optax's Adam."""
    import jax
    import jax.numpy as jnp
    import optax

    rng = np.random.default_rng(0)
    params = [
        (jnp.asarray(rng.normal(size=(i, o)) / i**0.5, jnp.float32), jnp.zeros(o, jnp.float32))
        for i, o in itertools.pairwise(sizes)
    ]
    adam = optax.adam(RATE)
    steps = len(X) // batch

    def cost(params: Any, x: Any, t: Any) -> Any:
        for W, b in params[:-1]:
            x = jax.nn.relu(x @ W + b)
        W, b = params[-1]
        return optax.softmax_cross_entropy_with_integer_labels(x @ W + b, t).mean()

    def step(carry: Any, rows: Any) -> Any:
        params, state = carry
        value, grads = jax.value_and_grad(cost)(params, jX[rows], jy[rows])
        updates, state = adam.update(grads, state)
        return (optax.apply_updates(params, updates), state), value

    jX, jy = jnp.asarray(X), jnp.asarray(y)
    scan = jax.jit(lambda carry, orders: jax.lax.scan(step, carry, orders), donate_argnums=0)
    state = {"carry": (params, adam.init(params)), "rng": np.random.default_rng(1)}

    def epoch() -> float:
        orders = state["rng"].permutation(len(X))[: steps * batch].reshape(steps, batch)
        state["carry"], costs = scan(state["carry"], jnp.asarray(orders))
        return float(costs.mean())

    return epoch


def sklearn_epoch(sizes: tuple[int, ...], batch: int, X: Any, y: Any) -> Epoch:
    """partial_fit goes through the examples once."""
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(sizes[1:-1], batch_size=batch, learning_rate_init=RATE, alpha=0)
    classes = np.arange(sizes[-1])

    def epoch() -> float:
        model.partial_fit(X, y, classes=classes)
        return float(model.loss_)

    return epoch


ENGINES = {
    "chainrule": chainrule_epoch,
    "jax": jax_epoch,
    "torch": torch_epoch,
    "scikit-learn": sklearn_epoch,
}


def peak() -> float:
    """Return the operations a second of a large product of NumPy's."""
    a = np.random.default_rng(0).normal(size=(2048, 2048)).astype(np.float32)
    times = []
    for _ in range(7):
        start = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - start)
    return 2 * 2048**3 / min(times)


def work(sizes: tuple[int, ...], batch: int) -> int:
    """Operations of a step's products: three for each layer, less dX of the first."""
    products = [i * o for i, o in itertools.pairwise(sizes)]
    return 2 * batch * (3 * sum(products) - products[0])


def measure(cores: int, rounds: int) -> list[dict[str, Any]]:
    """Time all cases in this process, held to some cores."""
    warnings.simplefilter("ignore")
    rows = []
    limit = peak()
    for name, (sizes, batch, n) in CASES.items():
        rng = np.random.default_rng(0)
        X = rng.normal(size=(n, sizes[0])).astype(np.float32)
        y = rng.integers(sizes[-1], size=n)
        epochs = {engine: make(sizes, batch, X, y) for engine, make in ENGINES.items()}
        times: dict[str, list[float]] = {engine: [] for engine in ENGINES}
        for k in range(rounds + 1):
            for engine, epoch in epochs.items():
                time.sleep(0.3)  # the threads of the one before may still spin
                start = time.perf_counter()
                for _ in range(1 if engine == "chainrule" else EPOCHS):
                    epoch()
                spent = time.perf_counter() - start
                if k > 0:  # the first round compiles and warms up
                    times[engine].append(spent / (EPOCHS * (n // batch)) * 1e6)
        limit = max(limit, peak())
        medians = {engine: statistics.median(t) for engine, t in times.items()}
        best = min((v, engine) for engine, v in medians.items() if engine != "chainrule")
        ours = medians["chainrule"]
        rows.append(
            {
                "case": name,
                "batch": batch,
                "cores": cores,
                "microseconds": medians,
                "best_peer": best[1],
                "times_best_peer": best[0] / ours,
                "times_limit": ours / (work(sizes, batch) / limit * 1e6),
                "peak_gflops": limit / 1e9,
            }
        )
        print(json.dumps(rows[-1]), flush=True)
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as Markdown."""
    lines = [
        f"| case, batch | cores | {' | '.join(ENGINES)} | × best peer | × limit |",
        "|---|---|" + "---|" * (len(ENGINES) + 2),
    ]
    for row in rows:
        times = " | ".join(f"{row['microseconds'][engine]:,.2f}" for engine in ENGINES)
        lines.append(
            f"| {row['case']}, {row['batch']} | {row['cores']} | {times} | "
            f"{row['times_best_peer']:.2f} | {row['times_limit']:.2f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Run each number of cores in a process of its own, and write what they found."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--cores", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.cores:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.cores])
        measure(options.cores, options.rounds)
        return
    rows: list[dict[str, Any]] = []
    for cores in (1, 2):
        command = [sys.executable, __file__, f"--rounds={options.rounds}", f"--cores={cores}"]
        environment = {**os.environ, "OMP_NUM_THREADS": str(cores)}
        with subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                rows.append(json.loads(line))
                print(table(rows[-1:]).splitlines()[-1], flush=True)
    from chainrule import engine

    machine = f"{platform.machine()}, engine {engine.isa}, Python {platform.python_version()}"
    RESULTS.mkdir(exist_ok=True)
    found = {"machine": machine, "rows": rows}
    (RESULTS / "training_peers.json").write_text(json.dumps(found, indent=1) + "\n")
    text = f"# Microseconds a training step\n\n{machine}\n\n{table(rows)}\n"
    (RESULTS / "training_peers.md").write_text(text)
    print(f"\n{text}")


if __name__ == "__main__":
    main()
