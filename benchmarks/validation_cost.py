"""What validation costs: a large fit with a part held out beside one without, in time and memory.

Each fit is a process of its own, and its memory the most that the system saw, less what the process
had before the fit.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.estimators import MLPRegressor

COLUMNS, FRACTION = 10, 0.1
NET = cr.Network(COLUMNS, [cr.Dense(8, "relu"), cr.Dense(1)], loss="half_squared_error")
OF = {"fit": "`fit`", "estimator": "`MLPRegressor`"}


def fit(X: Any, y: Any, held_out: bool) -> None:
    """Make one epoch of `cr.fit`."""
    validation = FRACTION if held_out else None
    cr.fit(NET, NET.init(0), X, y, cr.Adam(), epochs=1, batch_size=1000, validation=validation)


def estimator(X: Any, y: Any, held_out: bool) -> None:
    """Make one epoch of an estimator."""
    options = {"early_stopping": True, "validation_fraction": FRACTION} if held_out else {}
    MLPRegressor(
        hidden_layer_sizes=(8,), max_iter=1, batch_size=1000, random_state=0, **options
    ).fit(X, y)


def measure(of: str, rows: int, held_out: bool) -> tuple[float, float]:
    """Return the seconds of a fit in this process, and the megabytes that it took."""
    rng = np.random.default_rng(0)
    X = np.empty((rows, COLUMNS), np.float32)
    for start in range(0, rows, 100_000):
        X[start : start + 100_000] = rng.random(X[start : start + 100_000].shape, np.float32)
    y = X[:, 0].copy()
    run = {"fit": fit, "estimator": estimator}[of]
    run(X[:5000], y[:5000], held_out)  # what a first fit loads
    before, began = _peak(), time.perf_counter()
    run(X, y, held_out)
    return time.perf_counter() - began, _peak() - before


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def main() -> None:
    """Print a table of the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs=2)
    options = parser.parse_args()
    if options.only:
        of, held_out = options.only
        print(json.dumps(measure(of, options.rows, held_out == "held")))
        return
    command = [sys.executable, "-W", "ignore", __file__, "--rows", str(options.rows), "--only"]
    found: dict[tuple[str, str], list[Any]] = {}
    for _ in range(options.rounds):
        for key in [(of, way) for of in OF for way in ("whole", "held")]:
            out = subprocess.run([*command, *key], capture_output=True, check=True, text=True)
            found.setdefault(key, []).append(json.loads(out.stdout))
    print(f"One epoch over {options.rows:,} × {COLUMNS} in float32\n")
    print("| what | validation | s | more memory, MB | ratio of the times |\n|---|---|---|---|---|")
    for (of, way), each in found.items():
        (s, mb), (alone, _) = np.median(each, axis=0), np.median(found[of, "whole"], axis=0)
        part = f"{FRACTION:g}" if way == "held" else "none"
        print(f"| {OF[of]} | {part} | {s:.2f} | {mb:.0f} | {s / alone:.2f} |")


if __name__ == "__main__":
    main()
