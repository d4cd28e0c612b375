"""Chainrule beside boosted trees and other networks on sixteen public tables, each at its defaults.

    python benchmarks/table_peers.py
    python benchmarks/table_peers.py --table letter --contestant HGB chainrule --split 0
    python benchmarks/table_peers.py --again chainrule
    python benchmarks/table_peers.py --report

Every fit adds a line to `results/table_peers.jsonl`; what stands there is not made again, so that a
run that was stopped goes on. `--again` makes the lines of some contestants anew; of lines for the
same fit the last counts. Contestants take turns table by table, each in a process of its own that
is held to two cores.

| file | what it is for |
|---|---|
| table_peers | this command: what is to be made, and by whom |
| table_fit | that process: trains, predicts, scores |
| table_contestants | who takes part, and what each is given |
| public_tables, public_table_rows | the tables and their parts |
| fit_lines | the file with a line for each fit |
| table_peers_report | what the lines say: `results/table_peers.md` |
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from fit_lines import Fit, Line, kept
from peers import available, environment, hold_to
from public_table_rows import FIGURES
from public_tables import SEEDS, TRAIN_ROWS
from table_contestants import CONTESTANTS
from table_peers_report import BEFORE, ground, markdown

HERE = Path(__file__).parent
LINES = HERE / "results" / "table_peers.jsonl"
PAGE = HERE / "results" / "table_peers.md"

CORES = 2

SHORT_TABLES = tuple(table.name for table in FIGURES[::2])
"""Every second one: those on which the slow contestants take part."""

SHORT_ROWS = 5_000
"""To train with at most, where the slow take part."""


def fits() -> Iterator[Fit]:
    """Yield all fits, table by table: five splits, then the short one of all contestants."""
    for table in FIGURES:
        for name, contestant in CONTESTANTS.items():
            if not contestant.slow:
                yield from (Fit(table.name, TRAIN_ROWS, seed, name) for seed in SEEDS)
    for short in SHORT_TABLES:
        yield from (Fit(short, SHORT_ROWS, 0, name) for name in CONTESTANTS)


def wanted(options: argparse.Namespace) -> list[Fit]:
    """Return the fits that are asked for and not made yet."""
    made = {fit for fit in kept(LINES) if fit.contestant not in options.again}
    names = options.contestant or options.again or CONTESTANTS
    return [
        fit
        for fit in fits()
        if fit not in made
        and fit.contestant in names
        and fit.table in (options.table or [fit.table])
        and fit.split in (options.split or [fit.split])
        and fit.rows in (options.rows or [fit.rows])
    ]


def together(asked: list[Fit]) -> dict[tuple[str, int, str], list[int]]:
    """Return the splits of each table and contestant, for which a process is started."""
    found: dict[tuple[str, int, str], list[int]] = {}
    for fit in asked:
        found.setdefault((fit.table, fit.rows, fit.contestant), []).append(fit.split)
    return found


def lines_of(
    table: str, rows: int, contestant: str, splits: Iterable[int], cores: int
) -> Iterator[str]:
    """Yield the lines of a process; say so where it fails, and go on."""
    script = [sys.executable, str(HERE / "table_fit.py"), table, str(rows), contestant]
    with subprocess.Popen(
        [*script, *map(str, splits)], stdout=subprocess.PIPE, text=True, env=environment(cores)
    ) as process:
        assert process.stdout is not None
        yield from (text for text in process.stdout if text.startswith("{"))
    if process.returncode:
        print(f"{contestant} failed on {table}", file=sys.stderr)


def run(asked: list[Fit], cores: int) -> None:
    """Make what is asked for; show each line, and keep it."""
    hold_to(available()[-cores:])
    for (table, rows, contestant), splits in together(asked).items():
        for text in lines_of(table, rows, contestant, splits, cores):
            with LINES.open("a", encoding="utf-8") as file:
                file.write(text)
            print(shown(json.loads(text)), flush=True)


def shown(line: Line) -> str:
    """Return a line for people."""
    return (
        f"{line['table']:<13}{line['rows']:>6,} {line['split']}  {line['contestant']:<11}"
        f"{line['error']:>10.4g}{line['train_seconds']:>9.2f} s"
    )


def page() -> str:
    """Return what the lines say."""
    lines = kept(LINES).values()
    names = [*CONTESTANTS, BEFORE]
    whole = [line for line in lines if line["rows"] == TRAIN_ROWS]
    short = [line for line in lines if line["rows"] == SHORT_ROWS]
    tables = [table.name for table in FIGURES]
    machine = sorted({line["processor"] for line in lines} | {line["version"] for line in lines})
    return markdown(
        ground(whole, tables, names, len(SEEDS)),
        ground(short, list(SHORT_TABLES), names, 1),
        machine,
    )


def options_given() -> argparse.Namespace:
    """Return the options of the command."""
    tables = [table.name for table in FIGURES]
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--table", nargs="+", choices=tables, metavar="TABLE")
    parser.add_argument("--contestant", nargs="+", choices=list(CONTESTANTS), metavar="NAME")
    parser.add_argument("--split", nargs="+", type=int, choices=SEEDS, metavar="SEED")
    parser.add_argument(
        "--rows", nargs="+", type=int, choices=(TRAIN_ROWS, SHORT_ROWS),
        help="to train with at most: five splits of all tables, or one of every second",
    )  # fmt: skip
    parser.add_argument(
        "--again", nargs="+", choices=list(CONTESTANTS), default=[], metavar="NAME",
        help="make these contestants' lines anew",
    )  # fmt: skip
    parser.add_argument("--cores", type=int, default=CORES, help=f"({CORES})")
    parser.add_argument("--report", action="store_true", help="only write results/table_peers.md")
    return parser.parse_args()


def main() -> None:
    """Make what is missing, and report where everything stands."""
    options = options_given()
    if not options.report:
        run(wanted(options), options.cores)
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
