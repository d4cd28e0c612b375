"""`chainrule train` with no option but the target, beside scikit-learn's perceptron by hand.

    python benchmarks/table_accuracy.py
    python benchmarks/table_accuracy.py --data wine diamonds --seeds 2

Each seed parts the rows anew, three quarters to train with. scikit-learn's perceptron has what a
careful hand gives it: numbers imputed and standardised, categories one-hot, row numbers and
identifiers dropped, the target of a regression standardised; all else at its defaults. Chainrule
gets the same rows as they are.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from pathlib import Path
from typing import Any

from sklearn.metrics import accuracy_score, r2_score

import chainrule as cr
from chainrule.cli.checking import processor
from public_tables import ROW_NUMBERS, TABLES, Parts, Table, read, split
from table_contestants import by_hand

RESULTS = Path(__file__).parent / "results" / "table_accuracy.md"


SHOWN = ("digits", "wine", "breast_cancer", "diabetes", "diamonds", "flights")
"""The tables in the results, whole."""

Scored = tuple[float, float]
"""A score on the test part, and the seconds of training."""


def scored(table: Table, frame: Any, seed: int, libraries: list[str]) -> dict[str, Scored]:
    """Return what each library comes to."""
    parts = split(frame, frame[table.target], table, seed, len(frame), len(frame))
    ways = {"chainrule": ours, "scikit-learn": theirs}
    return {library: ways[library](table, parts, seed) for library in libraries}


def ours(table: Table, parts: Parts, seed: int) -> Scored:
    """Return Chainrule's score, from the rows as they are."""
    began = time.perf_counter()
    model = cr.train(parts.X, table.target, seed=seed)
    seconds = time.perf_counter() - began
    return score(table, parts, model.predict(parts.X_test)["prediction"].to_numpy()), seconds


def theirs(table: Table, parts: Parts, seed: int) -> Scored:
    """Return the score of scikit-learn's perceptron by hand."""
    left_out = [table.target, ROW_NUMBERS, *table.dropped]
    X, X_test = (part.drop(columns=left_out, errors="ignore") for part in (parts.X, parts.X_test))
    began = time.perf_counter()
    perceptron = by_hand(table.task, seed).fit(X, parts.y)
    seconds = time.perf_counter() - began
    return score(table, parts, perceptron.predict(X_test)), seconds


def score(table: Table, parts: Parts, made: Any) -> float:
    """Return the accuracy, or R²."""
    scorer = accuracy_score if table.task == "classification" else r2_score
    return float(scorer(parts.y_test, made))


def row(name: str, rows: int, rounds: list[dict[str, Scored]]) -> str:
    """Return a line of the results."""
    cells = [name, f"{rows:,}", "accuracy" if TABLES[name].task == "classification" else "R²"]
    means = {}
    for library in rounds[0]:
        scores = [found[library][0] for found in rounds]
        means[library] = statistics.fmean(scores)
        spread = statistics.stdev(scores) if len(scores) > 1 else 0.0
        cells.append(f"{means[library]:.4f} ± {spread:.4f}")
    if len(means) == 2:
        cells.append("yes" if means["chainrule"] >= means["scikit-learn"] else "no")
    seconds = [statistics.median(found[library][1] for found in rounds) for library in rounds[0]]
    return "| " + " | ".join([*cells, *(f"{s:.2f}" for s in seconds)]) + " |"


def main() -> None:
    """Compare, show each line as it comes, and write the results where they are of all data."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--data", nargs="+", choices=list(TABLES), default=list(SHOWN))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    both = ["chainrule", "scikit-learn"]
    parser.add_argument("--library", nargs="+", choices=both, default=both)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    lines = [
        "| data | rows | score | chainrule | scikit-learn | at least as good | s: chainrule | s |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    print("\n".join(lines), flush=True)
    for name in options.data:
        frame = read(TABLES[name])
        seeds = range(options.first_seed, options.first_seed + options.seeds)
        rounds = [scored(TABLES[name], frame, seed, options.library) for seed in seeds]
        lines.append(row(name, len(frame), rounds))
        print(lines[-1], flush=True)
    if options.data == list(SHOWN) and options.library == both:
        about = (
            "# `chainrule train` beside scikit-learn's perceptron by hand\n\n"
            f"Mean ± standard deviation over {options.seeds} partings of the rows, of the score on "
            f"the quarter that was not trained with; seconds are medians, on {processor()}. "
            "Chainrule is given the target and nothing else.\n\n"
        )
        RESULTS.write_text(about + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
