"""`chainrule train` on a large CSV beside `pandas.read_csv`, which only reads it.

    python benchmarks/table_speed.py
    python benchmarks/table_speed.py --rows 100000 --rounds 1

The file has so many rows of 30 random numbers. Chainrule reads it, finds out what the columns are,
prepares them and makes one epoch of one network of 128 and 64 units, of the numbers as they are or
embedded in pieces; pandas reads the file into a frame. Each is a process of its own, and they take
turns; its time is from the start of Python to its end, and its memory the largest that the system
saw. With `--memory 300MB`, Chainrule has to keep to that.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from chainrule.cli.checking import processor

RESULTS = Path(__file__).parent / "results" / "table_speed.md"
COLUMNS = 30
PAUSE = 0.3

COMPILED = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
"""Modules are compiled once, as those of pandas were when it was installed."""

PANDAS = "import sys, pandas; pandas.read_csv(sys.argv[1])"
TRAIN = (
    "import sys; from chainrule.cli import main; main(['train', sys.argv[1], '--target', 'y', "
    "'--hidden', '128,64', '--epochs', '1', '--batch-size', '512', '--effort', 'fast', "
    "'--no-refit', '--force', '--quiet', "
    "'--checkpoint-every', '1h', '--out', sys.argv[1] + '.model', *sys.argv[2:]])"
)
PLAIN = [TRAIN, "--embedding", "none"]
CONTENDERS = {
    "pandas.read_csv": [PANDAS],
    "chainrule train": PLAIN,
    "chainrule train --memory 300MB": [*PLAIN, "--memory", "300MB"],
    "chainrule train, numbers in pieces": [TRAIN],
}


def make(path: Path, rows: int, width: int = COLUMNS) -> None:
    """Write a table, a part at a time: numbers, and a target that follows from them."""
    draw = np.random.default_rng(0)
    w = draw.standard_normal(width - 1) / width**0.5
    with path.open("wb") as file:
        for start in range(0, rows, 100_000):
            X = draw.standard_normal((min(100_000, rows - start), width - 1))
            y = np.tanh(X @ w) + 0.1 * draw.standard_normal(len(X))
            columns = {f"x{k}": X[:, k] for k in range(width - 1)}
            pl.DataFrame({**columns, "y": y}).write_csv(file, include_header=start == 0)


def measured(script: list[str], path: Path) -> tuple[float, float]:
    """Return the seconds and the megabytes of a process."""
    began = time.perf_counter()
    code, *more = script
    process = subprocess.Popen([sys.executable, "-c", code, str(path), *more], env=COMPILED)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"a contender ended with exit code {process.returncode}")
    return time.perf_counter() - began, usage.ru_maxrss * 1024 / 1e6


def main() -> None:
    """Measure, print the table, and write it where it is of a million rows."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in CONTENDERS}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        make(path, options.rows)
        size = path.stat().st_size / 1e6
        for _ in range(options.rounds):
            for name, script in CONTENDERS.items():
                time.sleep(PAUSE)
                found[name].append(measured(script, path))
    lines = [
        "# A large CSV: read, prepared and trained on, beside pandas, which reads it",
        "",
        f"{options.rows:,} rows × {COLUMNS} columns, {size:,.0f} MB; medians of {options.rounds} "
        f"processes of each, in turns, on {processor()}. The seconds are those of the whole "
        "process, from the start of Python; the memory is the largest that the system saw.",
        "",
        "| | seconds | × pandas | MB | × pandas |",
        "| --- | --- | --- | --- | --- |",
    ]
    medians = {
        name: [statistics.median(column) for column in zip(*rounds, strict=True)]
        for name, rounds in found.items()
    }
    seconds, memory = medians["pandas.read_csv"]
    for name, (s, mb) in medians.items():
        lines.append(f"| {name} | {s:.2f} | {s / seconds:.2f} | {mb:.0f} | {mb / memory:.2f} |")
    print("\n".join(lines))
    if options.rows == 1_000_000:
        RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
