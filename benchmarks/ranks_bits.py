"""The same bits on any number of ranks: parameters and states, and models after kills.

    pip install '.[mpi]' && python benchmarks/ranks_bits.py
    python benchmarks/ranks_bits.py --runs 5

First, small networks are trained with every combination of what stands in `ranks_bits_fits.py`, on
1 to 4 ranks and on one process without MPI. Then `chainrule train` is run on a table by 2 to 4
ranks, a random one of them is killed at a random moment, and the run is resumed on another number
of ranks until it ends; its model is to be that of one process. What a run came to is a line of
`results/ranks_bits.jsonl`, and what stands there is not done again; the table that all of it makes
is in `results/ranks_bits.md`. For Linux, where /proc tells which process is which rank.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ranks_jobs import AS_ROOT, mpiexec
from report import row

HERE = Path(__file__).parent
LINES = HERE / "results" / "ranks_bits.jsonl"
PAGE = HERE / "results" / "ranks_bits.md"

COUNTS = (1, 2, 3, 4)
RUNS = 30
ROWS = 60_000
TRAIN = (
    *("train", "table.parquet", "--target", "y", "--shards", "8", "--quiet", "--threads", "1"),
    *("--hidden", "64,32", "--dropout", "0.1", "--epochs", "30", "--batch-size", "2048"),
    *("--members", "2", "--learning-rate", "0.003", "--no-refit", "--checkpoint-every", "0"),
)
PATIENCE = 600.0
"""Seconds that a training may take; that a killed job has ended is to be seen within seconds."""

Line = dict[str, Any]


def hashes(ranks: int | None) -> dict[str, str]:
    """Return the SHA-256 of what each training came to, on so many ranks or without MPI."""
    script = [sys.executable, str(HERE / "ranks_bits_fits.py")]
    command = [*(mpiexec(ranks) if ranks else []), *script]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, env=os.environ | AS_ROOT
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


def make_table(path: Path) -> None:
    """Write a table of numbers and categories, with a target that follows from them."""
    draw = np.random.default_rng(0)
    X = draw.standard_normal((ROWS, 6))
    kind = draw.integers(0, 5, ROWS)
    y = X @ draw.standard_normal(6) + np.sin(kind) + 0.1 * draw.standard_normal(ROWS)
    columns = {f"x{k}": X[:, k] for k in range(6)}
    kinds = pl.Series("kind", kind).cast(pl.String)
    pl.DataFrame({**columns, "kind": kinds, "y": y}).write_parquet(path, row_group_size=5_000)


def command(*options: str) -> list[str]:
    """Return the command that trains."""
    return [str(Path(sys.executable).with_name("chainrule")), *TRAIN, *options]


def finished(folder: Path, ranks: int | None, *options: str) -> str:
    """Return the SHA-256 of the model of a training that is let alone."""
    subprocess.run(
        [*(mpiexec(ranks) if ranks else []), *command(*options)],
        check=True, cwd=folder, timeout=PATIENCE, env=os.environ | AS_ROOT,
    )  # fmt: skip
    model = folder / "table.model"
    found = hashlib.sha256(model.read_bytes()).hexdigest()
    model.unlink()
    return found


def pid_of_rank(rank: int, job: int) -> int | None:
    """Return the process of a rank among the descendants of a job, if it has started."""
    word = f"OMPI_COMM_WORLD_RANK={rank}".encode()
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if word in (place / "environ").read_bytes().split(b"\0") and descends(place, job):
                return int(place.name)
        except OSError:
            continue  # it has ended, or is another user's
    return None


def descends(place: Path, job: int) -> bool:
    """Return whether a process of /proc comes from another."""
    while (pid := int(place.name)) > 1:
        if pid == job:
            return True
        place = place.with_name((place / "stat").read_text().rpartition(")")[2].split()[1])
    return False


def kill_and_resume(run: int, folder: Path, took: dict[int, float], expected: str) -> Line:
    """Return what became of a run of which a rank is killed, and that another number resumes.

    Where it has ended before that, it is made anew, and the rank is killed earlier.
    """
    chance = random.Random(run)
    ranks, again = chance.sample(COUNTS[1:], 2) if run % 5 else (chance.choice(COUNTS[1:]), 1)
    victim, after = chance.randrange(ranks), chance.uniform(0.05, 0.95) * took[ranks]
    while (job := killed(folder, ranks, victim, after)) is None:
        (folder / "table.model").unlink()
        after *= 0.7
    begun = any((folder / "table.model.checkpoints").glob("*"))
    model = finished(folder, again if again > 1 else None, "--resume")
    return {
        "run": run, "ranks": ranks, "victim": victim, "after": round(after, 2), **job,
        "checkpoint": begun, "again": again, "same": model == expected,
    }  # fmt: skip


def killed(folder: Path, ranks: int, victim: int, after: float) -> Line | None:
    """Return how a training ended of which a rank was killed; None where it ended before that."""
    job = subprocess.Popen(
        [*mpiexec(ranks), *command("--resume")],
        cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=os.environ | AS_ROOT,
    )  # fmt: skip
    time.sleep(after)
    pid = None
    while job.poll() is None and (pid := pid_of_rank(victim, job.pid)) is None:
        time.sleep(0.05)  # it has not started yet
    began = time.monotonic()
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    said = job.communicate(timeout=PATIENCE)[0]
    if job.returncode == 0:
        return None
    ended, names = time.monotonic() - began, f"rank {victim}" in said
    return {"ended": round(ended, 2), "code": job.returncode, "names_the_rank": names}


def kept() -> list[Line]:
    """Return the lines of the runs so far."""
    text = LINES.read_text(encoding="utf-8") if LINES.exists() else ""
    return [json.loads(line) for line in text.splitlines()]


def kills(runs: int) -> None:
    """Make the runs that are missing, and keep the line of each."""
    missing = set(range(runs)) - {line["run"] for line in kept()}
    if not missing:
        return
    with tempfile.TemporaryDirectory() as name:
        folder, took = Path(name), {}
        make_table(folder / "table.parquet")
        expected = finished(folder, None)
        for ranks in COUNTS[1:]:
            began = time.monotonic()
            assert finished(folder, ranks) == expected, f"{ranks} ranks made another model"
            took[ranks] = time.monotonic() - began
        for run in sorted(missing):
            line = kill_and_resume(run, folder, took, expected)
            with LINES.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
            print(line, flush=True)


def of_fits() -> list[str]:
    """Return the table of the trainings without kills."""
    alone = hashes(None)
    found = {ranks: hashes(ranks) for ranks in COUNTS}
    head = ["network, optimizer, dropout", "one process", *(f"{n} ranks" for n in COUNTS)]
    lines = [row(head), row(["---"] * len(head))]
    for what, expected in alone.items():
        same = ["the same" if found[n][what] == expected else "**another**" for n in COUNTS]
        lines.append(row([what, f"`{expected[:12]}`", *same]))
    equal = sum(found[n][what] == alone[what] for n in COUNTS for what in alone)
    return [f"{equal} of {len(alone) * len(COUNTS)} are the same as one process without MPI.",
            "", *lines]  # fmt: skip


def of_kills(lines: list[Line]) -> list[str]:
    """Return the table of the runs in which a rank was killed."""
    slowest = max((line["ended"] for line in lines), default=0.0)
    head = ["run", "ranks", "killed", "after s", "ended within s", "resumed on", "model"]
    table = [row(head), row(["---"] * len(head))]
    for line in lines:
        model = "the same" if line["same"] else "**another**"
        where = "from a checkpoint" if line["checkpoint"] else "anew"
        again = f"{line['again']}, {where}" if line["again"] > 1 else f"one process, {where}"
        killed = f"rank {line['victim']}"
        cells = [line["run"], line["ranks"], killed, line["after"], line["ended"], again, model]
        table.append(row(map(str, cells)))
    return [
        f"{sum(line['same'] for line in lines)} of {len(lines)} runs came to the model of one "
        f"process. After the kill the job had ended within {slowest:.1f} s, and named the rank in "
        f"{sum(line['names_the_rank'] for line in lines)} of them.",
        "",
        *table,
    ]


def main() -> None:
    """Make what is missing, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument(
        "--runs", type=int, default=RUNS, help=f"in which a rank is killed ({RUNS})"
    )
    runs = parser.parse_args().runs
    fits = of_fits()
    print("\n".join(fits), flush=True)
    kills(runs)
    text = ["# The same bits on any number of ranks", "", *fits, "", "## Killed and resumed", ""]
    PAGE.write_text("\n".join([*text, *of_kills(kept()), ""]), encoding="utf-8")
    print("\n".join(of_kills(kept())))


if __name__ == "__main__":
    main()
