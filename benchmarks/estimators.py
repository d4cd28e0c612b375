"""The estimators beside scikit-learn's own class: what `make bench-estimators` runs.

    python benchmarks/estimators.py
    python benchmarks/estimators.py --case digits wine --rounds 3 --seeds 2 --cores 1

| file | what it is for |
|---|---|
| estimators | this command: a process for each number of cores, and the results of all |
| estimator_cases | data sets, networks, epochs, goals |
| measure_estimators | that process: the times of fits that take turns, or the scores of all seeds |
| estimator_report | ratios, scores, goals and tables |

Scores do not depend on the cores, nor on what else the machine does: a last process takes them.
The cores and the environment of a process are those of `peers.py`.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import time
from pathlib import Path

from estimator_cases import CASES, MISSING
from estimator_report import markdown, progress, results, scores_in_words, summary
from peers import HERE, RESULTS, available, hold_to, machine, measured
from report import Record

SCRIPT = "measure_estimators.py"
PACKAGES = ("numpy", "chainrule", "scikit-learn")


def options_given() -> argparse.Namespace:
    """Return the options of the command."""
    names = [case.name for case in CASES]
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=5, help="fits of each library (5)")
    parser.add_argument("--seeds", type=int, default=5, help="seeds of the scores (5)")
    parser.add_argument("--cores", nargs="+", type=int, choices=(1, 2), default=[1, 2])
    parser.add_argument(
        "--case",
        nargs="+",
        choices=names,
        default=names,
        metavar="CASE",
        help=f"fit these only: {', '.join(names)}",
    )
    return parser.parse_args()


def run(records: list[Record], options: argparse.Namespace) -> None:
    """Time with each number of cores, then take the scores; show each record, and enter it."""
    cores = available()
    counts = [count for count in sorted(options.cores) if count <= len(cores)]
    if len(counts) < len(options.cores):
        print(f"Only {len(cores)} of {max(options.cores)} cores are here.")
    try:
        for count in counts:
            for record in measured(cores[-count:], options.rounds, options.case, SCRIPT):
                records.append({**record, "scores": {}})
                print(progress(records[-1]), flush=True)
        if not options.seeds:
            return
        last = {record["case"]: record for record in records[-len(options.case) :]}
        more = [f"--seeds={options.seeds}"]
        for found in measured(cores[-counts[-1] :], 0, options.case, SCRIPT, more):
            record = last[found["case"]]
            record["scores"] = found["scores"]
            print(scores_in_words(record), flush=True)
    finally:
        hold_to(cores)


def write(records: list[Record], options: argparse.Namespace) -> Path:
    """Write the results, under another name where they are not of all cases; return the path."""
    whole = len(records) == 2 * len(CASES)
    path = RESULTS / ("estimators.md" if whole else "estimators-selection.md")
    about = machine(max(record["cores"] for record in records), PACKAGES)
    given = records, about, options.rounds, options.seeds
    RESULTS.mkdir(exist_ok=True)
    path.write_text(markdown(*given), encoding="utf-8")
    text = json.dumps(results(*given), indent=1) + "\n"
    path.with_suffix(".json").write_text(text, encoding="utf-8")
    return path


def main() -> None:
    """Run the cases, show each as it comes, and write the results."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # for ≥ in a pipe on Windows
    options = options_given()
    if not all(case.available for case in CASES if case.name in options.case):
        print(MISSING)
    began, failure = time.monotonic(), None
    records: list[Record] = []
    try:
        run(records, options)
    except subprocess.CalledProcessError as error:
        failure = error  # and what there is by then is written
    if records:
        path = write(records, options)
        minutes = (time.monotonic() - began) / 60
        print(f"\n{summary(records)}")
        print(f"{minutes:.1f} minutes; the table is in {path.relative_to(HERE.parent)}")
    if failure or not records:
        raise SystemExit(str(failure or "No case was fitted."))


if __name__ == "__main__":
    main()
