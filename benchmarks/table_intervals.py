"""Bounds of a quantity beside conformalised quantiles of boosted trees, on public tables.

    python benchmarks/table_intervals.py
    python benchmarks/table_intervals.py --table movies --contestant chainrule --split 0
    python benchmarks/table_intervals.py --again chainrule
    python benchmarks/table_intervals.py --rows 5000
    python benchmarks/table_intervals.py --report

Both are trained on the same rows, hold out the same share of them to learn how far bounds must
move, and are asked to hold 90 % of the rows of the test. The tables are those of `table_peers.py`
that predict a quantity. Every fit adds a line to `results/table_intervals.jsonl`, and what stands
there is not made again; of lines for the same fit the last counts. The page is
`results/table_intervals.md`.

    bounds   (n, 2)   the lower and the upper bound of each row of the test
"""

from __future__ import annotations

import argparse
import functools
import itertools
import json
import math
import statistics
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import gmean
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.model_selection import train_test_split

import chainrule as cr
from chainrule.cli.checking import processor
from chainrule.tabular.training_options import Options
from fit_lines import Fit, Line, kept
from peers import available
from public_table_rows import FIGURES
from public_tables import SEEDS, TABLES, TRAIN_ROWS, Parts, load, split
from table_contestants import MOST_LEVELS, in_categories, with_dates
from table_fit import stopwatch, version_of
from table_peers_report import table_of

HERE = Path(__file__).parent
LINES = HERE / "results" / "table_intervals.jsonl"
PAGE = HERE / "results" / "table_intervals.md"

SHARE = 0.9
"""The share of new rows that bounds are to hold."""

NAMES = tuple(table.name for table in FIGURES if table.task == "regression")
OURS, BASE = "chainrule", "HGB"


def chainrule(parts: Parts, target: str, seed: int) -> np.ndarray:
    """Return the bounds of Chainrule, which is asked for an interval and nothing else."""
    table = parts.X.assign(**{target: parts.y})
    model = cr.train(table, target, interval=SHARE, seed=seed, threads=len(available()))
    return model.predict(parts.X_test)[["lower", "upper"]].to_numpy()


def boosted_quantiles(parts: Parts, target: str, seed: int) -> np.ndarray:
    """Return the bounds of two models of HistGradientBoosting, moved by split conformal prediction.

    The score of a row held out is how far it lies outside: Romano, Patterson and Candès (2019).
    """
    X, rest = with_dates(parts.X), with_dates(parts.X_test)
    prepare = in_categories(X, MOST_LEVELS)
    within, held, y, y_held = train_test_split(
        X, parts.y.to_numpy(), test_size=Options.validation, random_state=seed
    )
    models = [
        HistGradientBoostingRegressor(loss="quantile", quantile=q, random_state=seed)
        .fit(prepare(within), y)
        for q in ((1 - SHARE) / 2, (1 + SHARE) / 2)
    ]  # fmt: skip
    of_held, of_rest = (
        np.sort([each.predict(prepare(rows)) for each in models], axis=0) for rows in (held, rest)
    )
    outside = np.sort(np.maximum(of_held[0] - y_held, y_held - of_held[1]))
    moved = outside[math.ceil((len(outside) + 1) * SHARE) - 1]
    return np.stack([of_rest[0] - moved, of_rest[1] + moved], axis=1)


CONTESTANTS: dict[str, Callable[[Parts, str, int], np.ndarray]] = {
    BASE: boosted_quantiles,
    OURS: chainrule,
}


def line(fit: Fit, X: Any, y: Any) -> Line:
    """Return what came of a fit; the width of bounds that have crossed is 0."""
    table, module = TABLES[fit.table], __import__("sklearn") if fit.contestant == BASE else cr
    parts = split(X, y, table, fit.split, fit.rows)
    spent = stopwatch()
    bounds = CONTESTANTS[fit.contestant](parts, table.target, fit.split)
    took, y_test = spent(), parts.y_test.to_numpy()
    inside = (bounds[:, 0] <= y_test) & (y_test <= bounds[:, 1])
    return {
        **fit._asdict(),
        "share": SHARE,
        "coverage": float(inside.mean()),
        "width": float(np.maximum(np.diff(bounds), 0).mean()),
        "spread": float(y_test.std()),
        "test_rows": len(y_test),
        "seconds": round(took.seconds, 2),
        "others": round(took.others, 2),
        "threads": len(available()),
        "version": version_of(module),
        "processor": processor(),
    }


def wanted(options: argparse.Namespace) -> list[Fit]:
    """Return the fits that are asked for and not made yet."""
    made = {fit for fit in kept(LINES) if fit.contestant not in options.again}
    names = options.contestant or options.again or CONTESTANTS
    asked = itertools.product(options.split or SEEDS, options.table or NAMES, names)
    fits = [Fit(table, options.rows, seed, name) for seed, table, name in asked]
    return [fit for fit in fits if fit not in made]


def run(asked: Sequence[Fit]) -> None:
    """Make what is asked for, split by split; show each line, and keep it."""
    loaded = functools.cache(lambda name: load(TABLES[name]))
    for fit in asked:
        made = line(fit, *loaded(fit.table))
        with LINES.open("a", encoding="utf-8") as file:
            file.write(json.dumps(made) + "\n")
        print(*fit, f"{made['coverage']:.4f} {made['width']:.4g} {made['seconds']} s", flush=True)


# The page


def mean(lines: Sequence[Line], field: str) -> float:
    """Return the mean of a field."""
    return statistics.fmean(each[field] for each in lines)


def page(lines: Sequence[Line]) -> str:
    """Return what the lines say."""
    machine = ", ".join(sorted({x["version"] for x in lines} | {x["processor"] for x in lines}))
    parts = [
        section([x for x in lines if x["rows"] == rows], rows)
        for rows in sorted({x["rows"] for x in lines}, reverse=True)
    ]
    return f"""# Bounds of a quantity

Made by `benchmarks/table_intervals.py`: {100 * SHARE:g} % are asked for. Beside Chainrule's bounds
stand two quantiles of HistGradientBoosting, moved by split conformal prediction on as many rows
held out. Widths are means over the rows of the test, in standard deviations of the target; the
ratio is that of Chainrule's to HGB's, and in the last line their geometric mean.
{"".join(parts)}
{machine}
"""


def section(lines: Sequence[Line], most: int) -> str:
    """Return what is said of fits with so many rows at most: of splits that both have made."""
    of = {
        (table, name): {
            x["split"]: x for x in lines if (x["table"], x["contestant"]) == (table, name)
        }
        for table in NAMES
        for name in CONTESTANTS
    }
    pairs = {
        t: [
            (of[t, OURS][k], of[t, BASE][k]) for k in SEEDS if k in of[t, OURS] and k in of[t, BASE]
        ]
        for t in NAMES
    }
    whole = {t: tuple(zip(*each, strict=True)) for t, each in pairs.items() if each}
    if not whole:
        return ""
    ratios = [mean(ours, "width") / mean(theirs, "width") for ours, theirs in whole.values()]
    rows = [
        [t, str(len(both[0])), *cells(both), f"{ratio:.3f}"]
        for (t, both), ratio in zip(whole.items(), ratios, strict=True)
    ]
    coverage = [
        f"{statistics.fmean(mean(both[k], 'coverage') for both in whole.values()):.4f}"
        for k in (0, 1)
    ]
    rows.append(["mean", "", *coverage, "", "", f"{gmean(ratios):.3f}"])
    heads = ["table", "splits", "coverage", "of HGB", "width", "of HGB", "ratio"]
    narrower = sum(ratio <= 1 for ratio in ratios)
    return f"""
## At most {most:,} rows in training

Narrower than HGB's on {narrower} of {len(whole)} tables.

{table_of(heads, rows)}
"""


def cells(both: Sequence[Sequence[Line]]) -> list[str]:
    """Return the coverage and the width of both."""
    found = [f"{mean(each, 'coverage'):.3f}" for each in both]
    return found + [f"{mean(each, 'width') / mean(each, 'spread'):.3f}" for each in both]


def options_given() -> argparse.Namespace:
    """Return the options of the command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--table", nargs="+", choices=NAMES, metavar="TABLE")
    parser.add_argument("--contestant", nargs="+", choices=list(CONTESTANTS), metavar="NAME")
    parser.add_argument("--split", nargs="+", type=int, choices=SEEDS, metavar="SEED")
    parser.add_argument(
        "--again", nargs="+", choices=list(CONTESTANTS), default=[], metavar="NAME",
        help="make these contestants' lines anew",
    )  # fmt: skip
    parser.add_argument("--rows", type=int, default=TRAIN_ROWS, help=f"at most ({TRAIN_ROWS})")
    parser.add_argument("--report", action="store_true", help=f"only write results/{PAGE.name}")
    return parser.parse_args()


def main() -> None:
    """Make what is missing, and report where everything stands."""
    warnings.simplefilter("ignore")
    options = options_given()
    if not options.report:
        run(list(wanted(options)))
    PAGE.write_text(page(list(kept(LINES).values())), encoding="utf-8")


if __name__ == "__main__":
    main()
