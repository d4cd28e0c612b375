"""What stands for other hosts and for Slurm, which no test has: they start the ranks here."""

import stat
from pathlib import Path

import polars as pl

SRUN = """#!/bin/bash
while [[ $1 == --* ]]; do shift; done
exec mpiexec -n 2 "$@"
"""
SSH = """#!/bin/bash
while [[ $1 == -* ]]; do shift; done
shift
exec bash -c "$*"
"""


def executable(path: Path, text: str) -> None:
    """Write a script."""
    path.write_text(text, encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def with_other_hosts(folder: Path) -> None:
    """Put into a folder, which has the examples, the scripts and a table."""
    pl.read_csv(folder / "examples/houses.csv").head(400).write_parquet(folder / "table.parquet")
    (folder / "bin").mkdir()
    executable(folder / "bin/srun", SRUN)
    executable(folder / "bin/ssh", SSH)
