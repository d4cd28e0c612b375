"""What products in bfloat16 cost in accuracy: the same trainings in float32 and in bfloat16.

    python benchmarks/bfloat16_accuracy.py
    python benchmarks/bfloat16_accuracy.py --data digits letter --seeds 2

Images go to `MLPClassifier`, tables to `cr.train`, each with the rows that a seed parts off to
train with; the two differ in `precision` alone. The errors are those of `table_fit.py`.
"""

from __future__ import annotations

import argparse
import statistics
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.cli.checking import processor
from chainrule.engine import bfloat16
from public_tables import TABLES, load, split
from table_contestants import Predict, Problem, chainrule
from table_fit import scores

RESULTS = Path(__file__).parent / "results" / "bfloat16_accuracy.md"

IMAGES = ("digits", "optdigits", "satimage")
SHOWN = (*IMAGES, "letter", "phoneme", "spambase", "magic", "storms", "movies", "diamonds")
ROWS = 10_000


def by_pixels(problem: Problem, precision: str | None) -> Predict:
    """Train the estimator on pixels that are standardised."""
    mean, deviation = problem.X.mean(), problem.X.std().replace(0, 1)

    def pixels(rows: Any) -> np.ndarray:
        return ((rows - mean) / deviation).to_numpy(np.float32)

    model = cr.MLPClassifier(
        (256, 256), max_iter=40, random_state=problem.seed, precision=precision
    ).fit(pixels(problem.X), problem.y.to_numpy())
    return lambda rows: model.predict_proba(pixels(rows))


def by_table(problem: Problem, precision: str | None) -> Predict:
    """Train a model of the table."""
    return chainrule(problem, effort="fast", precision=precision)


def errors(name: str, seed: int) -> list[tuple[float, float]]:
    """Return error and log loss, in float32 and in bfloat16; a number has its error twice."""
    table, train = TABLES[name], by_pixels if name in IMAGES else by_table
    parts = split(*load(table), table, seed, ROWS)
    problem = Problem(parts.X, parts.y, table.target, table.task, seed, threads=1)
    both = []
    for precision in (None, "bfloat16"):
        made = train(problem, precision)(parts.X_test)
        found = scores(problem, made, parts.y_test.to_numpy())
        both.append((found["error"], found["log_loss"] or found["error"]))
    return both


def line(name: str, seeds: int) -> str:
    """Return the row of a table: means over the seeds, and how the errors differ."""
    plain, fast = np.moveaxis([errors(name, seed) for seed in range(seeds)], 1, 0)
    change = fast[:, 0] / plain[:, 0] - 1
    spread = statistics.stdev(plain[:, 0]) / plain[:, 0].mean() if seeds > 1 else 0
    means = [
        f"{number:.4g}" for pair in zip(plain.mean(0), fast.mean(0), strict=True) for number in pair
    ]
    cells = [name, *means, f"{change.mean():+.1%}", f"{spread:.1%}"]
    return " | ".join(["", *cells, ""]).strip()


HEADING = """\
| table | error, float32 | bfloat16 | log loss, float32 | bfloat16 | error by | spread of seeds |
|---|---|---|---|---|---|---|"""


def main() -> None:
    """Write the table, and print it as it comes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--data", nargs="+", default=SHOWN, choices=TABLES, metavar="table")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    if bfloat16.missing():
        print(f"No products in bfloat16: {bfloat16.missing()}.")
        return
    warnings.simplefilter("ignore")
    lines = [
        "# What products in bfloat16 cost in accuracy",
        "",
        f"Means over {options.seeds} seeds, at most {ROWS:,} rows to train with, on {processor()}.",
        f"{', '.join(IMAGES)}: pixels, by `MLPClassifier((256, 256), max_iter=40)`;",
        'the others by `cr.train(effort="fast")`. Of a number the error is the root mean square',
        "and there is no log loss. Written by `benchmarks/bfloat16_accuracy.py`.",
        "",
        HEADING,
    ]
    print("\n".join(lines), flush=True)
    for name in options.data:
        lines.append(line(name, options.seeds))
        print(lines[-1], flush=True)
    if tuple(options.data) == SHOWN:
        RESULTS.write_text("\n".join([*lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
