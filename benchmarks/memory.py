"""The memory of many calls of `partial_fit`, beside scikit-learn's: what a training lets go of.

Each library has a process of its own, which gets other examples at each call, and says what it
holds after the first calls and after the last.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np

MODULES = {"chainrule": "chainrule.estimators", "scikit-learn": "sklearn.neural_network"}
CALLS, SETTLED = 1500, 10
ROWS, COLUMNS, CLASSES = 200, 100, [0, 1, 2]


def resident() -> float:
    """Return the memory of this process that is in use, in MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


def measure(library: str) -> None:
    """Make the calls, and print the memory after some of them as a line of JSON."""
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(0)
    model = importlib.import_module(MODULES[library]).MLPClassifier((32,), random_state=0)
    used = []
    for call in range(1, CALLS + 1):
        X, y = rng.normal(size=(ROWS, COLUMNS)), rng.choice(CLASSES, ROWS)
        model.partial_fit(X, y, classes=CLASSES)
        if call in (SETTLED, CALLS):
            used.append(resident())
    print(json.dumps(used))


def main() -> None:
    """Print a line for each library."""
    print(f"partial_fit on {ROWS} × {COLUMNS}, MB after {SETTLED} calls and after {CALLS:,}")
    for library in MODULES:
        command = [sys.executable, __file__, "--library", library]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        before, after = json.loads(done.stdout)
        print(f"{library:<14}{before:>8.0f}{after:>8.0f}{after - before:>+8.1f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", choices=MODULES, help="measure in this process")
    library = parser.parse_args().library
    measure(library) if library else main()
