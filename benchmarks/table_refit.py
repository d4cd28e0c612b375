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
from pathlib import Path

import chainrule as cr
from public_table_rows import SMALL
from public_tables import Table, load, split

RESULTS = Path(__file__).parent / "results" / "table_refit.md"

WAYS: dict[str, bool | None] = {"without": False, "as decided": None, "always": True}
"""The value of `refit`."""


def measured(table: Table, seed: int) -> tuple[dict[str, float], bool]:
    """Return the loss of each way on the test part, and whether the default trained again."""
    X, y = load(table)
    frame = X.assign(**{table.target: y})
    train, test, *_ = split(frame, y, table, seed)
    found, again = {}, False
    for way, refit in WAYS.items():
        model = cr.train(train, table.target, seed=seed, refit=refit)
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
    cells = [
        name,
        f"{len(load(table)[1]):,}",
        f"{loss:.4g}",
        f"{sum(a for _, a in pairs)}/{len(pairs)}",
    ]
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
    tables = {table.name: table for table in SMALL}
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--data", nargs="+", choices=list(tables), default=list(tables))
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
        line, percent = row(name, tables[name], range(options.seeds))
        lines.append(line)
        found.append(percent)
        print(line, flush=True)
    print(f"\n{summary(found)}")
    if options.data == list(tables):
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
