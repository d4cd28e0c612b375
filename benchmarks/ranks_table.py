"""A Parquet set of 20 million rows × 30 columns, trained on by two ranks: memory and speed.

    pip install '.[mpi]' && python benchmarks/ranks_table.py
    python benchmarks/ranks_table.py --rows 1000000 --rounds 3 --contestant '2 ranks'

The set is a folder of several files, with numbers, categories, dates and missing values, and needs
about 2.5 GB of disk; with `--folder` it stays, and another call finds it there. A contestant makes
one epoch of one network; its seconds are from the start of the command to its end, and its memory
is the largest that the system saw of each process, Python's own included. Each run adds a line to
`results/ranks_table.jsonl`, and so many as stand there are not made again.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from peers import available, environment, machine
from ranks_jobs import AS_ROOT, mpiexec
from report import row

HERE = Path(__file__).parent
LINES = HERE / "results" / "ranks_table.jsonl"
PAGE = HERE / "results" / "ranks_table.md"
ROWS, FILES = 20_000_000, 8
AT_A_TIME = 500_000
MOST_MB = 1_000
"""Asked of each rank."""

KINDS = {"numbers": 18, "categories": 6, "dates": 3}
"""Of the columns; a whole number, a flag and the target make them 30."""

TRAIN = (
    *("--target", "y", "--epochs", "1", "--hidden", "128,64", "--batch-size", "4096"),
    *("--effort", "fast", "--no-refit", "--quiet", "--force", "--checkpoint-every", "1h"),
)
CONTESTANTS = {
    "1 process, 1 thread": (0, ("--threads", "1")),
    "1 process, 2 threads": (0, ("--threads", "2")),
    "2 ranks": (2, ("--threads", "1")),
}

Line = dict[str, Any]
Found = dict[str, list[Line]]


def some_rows(rows: int, seed: int) -> pl.DataFrame:
    """Return rows of every kind of column, a twentieth of each number missing."""
    draw = np.random.default_rng(seed)
    X = draw.standard_normal((rows, KINDS["numbers"]), dtype=np.float32)
    levels = [draw.integers(0, 3 * 4**k, rows) for k in range(KINDS["categories"])]
    days = draw.integers(8_000, 20_000, (KINDS["dates"], rows)).astype(np.int32)
    flag, count = draw.random(rows) < 0.3, draw.poisson(3, rows)
    y = np.tanh(X[:, :8] @ np.linspace(-1, 1, 8, dtype=np.float32)) + 0.2 * np.sin(levels[1])
    y += 0.3 * flag + days[0] / 12_000 + 0.1 * draw.standard_normal(rows)
    X[draw.random(X.shape, dtype=np.float32) < 0.05] = np.nan
    numbers = {f"x{k}": pl.Series(X[:, k]).fill_nan(None) for k in range(X.shape[1])}
    kinds = {
        f"kind{k}": pl.select("k" + pl.lit(pl.Series(each)).cast(pl.String)).to_series()
        for k, each in enumerate(levels)
    }
    dates = {f"day{k}": pl.Series(each).cast(pl.Date) for k, each in enumerate(days)}
    return pl.DataFrame({**numbers, **kinds, **dates, "flag": flag, "count": count, "y": y})


def make(folder: Path, rows: int) -> None:
    """Write the files, a part at a time; the last is renamed when it is whole."""
    for part in range(FILES):
        path = folder / f"part-{part}.parquet"
        first, last = rows * part // FILES, rows * (part + 1) // FILES
        if path.exists():
            continue
        pieces = [
            some_rows(min(AT_A_TIME, last - start), start)
            for start in range(first, last, AT_A_TIME)
        ]
        unfinished = path.with_suffix(".unfinished")
        pl.concat(pieces).write_parquet(unfinished, row_group_size=100_000)
        unfinished.rename(path)


@contextlib.contextmanager
def placed(folder: Path | None) -> Iterator[Path]:
    """Give the folder that stays, or one that is removed in the end."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
    else:
        with tempfile.TemporaryDirectory() as name:
            yield Path(name)


def measured(folder: Path, ranks: int, options: tuple[str, ...], memory: str) -> dict[str, Any]:
    """Return the seconds of a training, and the megabytes of each of its processes."""
    with tempfile.TemporaryDirectory() as name:
        words = [str(folder), *TRAIN, *options, "--memory", memory, "--out", f"{name}/model"]
        script = [sys.executable, __file__, "--measured", name, *words]
        began = time.perf_counter()
        subprocess.run(
            [*(mpiexec(ranks) if ranks else []), *script],
            check=True, env=environment(1 if ranks else 2) | AS_ROOT,
        )  # fmt: skip
        seconds = time.perf_counter() - began
        peaks = [json.loads(path.read_text()) for path in sorted(Path(name).glob("*.json"))]
    return {"seconds": seconds, "MB": [round(peak / 1e6) for peak in peaks]}


def train_measured(name: str, words: list[str]) -> None:
    """Be one process of a training: hold to a core, train, and write down the largest memory."""
    rank = int(os.environ.get("OMPI_COMM_WORLD_RANK", "0"))
    if "OMPI_COMM_WORLD_RANK" in os.environ:
        os.sched_setaffinity(0, [available()[-1 - rank]])
    import atexit
    import resource

    def write() -> None:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        Path(name, f"rank-{rank}.json").write_text(json.dumps(peak), encoding="utf-8")

    atexit.register(write)
    from chainrule.cli import main

    main(["train", *words], prog_name="chainrule")


def markdown(found: Found, rows: int, size: float, memory: str) -> str:
    """Return the page."""
    alone = [each["seconds"] for each in found["1 process, 1 thread"]]
    head = ["", "seconds", "rows a second", "× 1 process", "MB of each process"]
    lines = [row(head), row(["---"] * len(head))]
    for name, each in found.items():
        seconds = [one["seconds"] for one in each]
        median = statistics.median(seconds)
        times = statistics.median(a / b for a, b in zip(alone, seconds, strict=False))
        peaks = ", ".join(str(max(p)) for p in zip(*(one["MB"] for one in each), strict=True))
        lines.append(row([name, f"{median:.1f}", f"{rows / median:,.0f}", f"{times:.2f}", peaks]))
    most = max(max(one["MB"]) for one in found["2 ranks"])
    verdict = "met" if most <= MOST_MB else "not met"
    return "\n".join(
        [
            "# A Parquet set on two ranks",
            "",
            f"{rows:,} rows × 30 columns in {FILES} files, {size:,.0f} MB; `--memory {memory}`; "
            "medians of whole commands, from the start of Python: reading, preparing, one epoch of "
            "one network, validation, the model. Memory is the largest that the system saw.",
            "",
            *(f"- {name}: {value}" for name, value in machine(2, ("chainrule", "polars")).items()),
            "",
            *lines,
            "",
            f"The most of a rank: {most:,} MB, goal ≤ {MOST_MB:,}: {verdict}.",
            "",
        ]
    )


def kept(rows: int, memory: str) -> Found:
    """Return the lines of each contestant, with so many rows and so much memory."""
    text = LINES.read_text(encoding="utf-8") if LINES.exists() else ""
    lines = [json.loads(line) for line in text.splitlines()]
    same = [line for line in lines if (line["rows"], line["memory"]) == (rows, memory)]
    return {name: [line for line in same if line["contestant"] == name] for name in CONTESTANTS}


def run(folder: Path, options: argparse.Namespace) -> None:
    """Make the runs that are missing, in turns, and keep a line of each."""
    for count in range(options.rounds):
        for name in options.contestant:
            if len(kept(options.rows, options.memory)[name]) > count:
                continue
            ranks, more = CONTESTANTS[name]
            line = {"contestant": name, "rows": options.rows, "memory": options.memory}
            line |= measured(folder, ranks, more, options.memory)
            with LINES.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
            print(line, flush=True)


def options_given() -> argparse.Namespace:
    """Return the options of the command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--memory", default="300MB", help="for the table, of each process (300MB)")
    parser.add_argument(
        "--contestant", nargs="+", choices=list(CONTESTANTS), default=list(CONTESTANTS)
    )
    parser.add_argument("--folder", type=Path, help="where the set is, or is made and stays")
    return parser.parse_args()


def main() -> None:
    """Make the set, measure, and write the page where it is of all rows."""
    options = options_given()
    with placed(options.folder) as folder:
        make(folder, options.rows)
        size = sum(path.stat().st_size for path in folder.glob("*.parquet")) / 1e6
        run(folder, options)
    found = kept(options.rows, options.memory)
    if not all(found.values()):
        return
    page = markdown(found, options.rows, size, options.memory)
    print(page)
    if options.rows == ROWS:
        PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measured"]:
        train_measured(sys.argv[2], sys.argv[3:])
    else:
        main()
