"""How long `chainrule train` takes by its defaults, on tables of three sizes.

    python benchmarks/table_defaults.py
    python benchmarks/table_defaults.py 20000x10

Each is a process of its own, from the start of Python to its end, on tables of random numbers as in
`table_speed.py`. The seconds that it may take are those of two cores that have nothing else to do;
those of the processor are what both cores worked, whatever others did on the machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from table_speed import make

MOST = {"20000x10": 15, "100000x10": 60, "1000000x30": 180}
"""The seconds that the default may take, by rows and columns."""

TRAIN = (
    "import sys; from chainrule.cli import main; main(['train', sys.argv[1], '--target', 'y', "
    "'--quiet', '--out', sys.argv[1] + '.model'])"
)


def trained(path: Path) -> tuple[float, float, float]:
    """Return the seconds of a training, those of the processor, and the megabytes."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", TRAIN, str(path)])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"a training ended with exit code {process.returncode}")
    worked = usage.ru_utime + usage.ru_stime
    return time.perf_counter() - began, worked, usage.ru_maxrss * 1024 / 1e6


def main() -> None:
    """Train on each table, or on those that are asked for, and print the figures."""
    print(f"{'table':14s}{'seconds':>9s}{'at most':>9s}{'of processor':>14s}{'MB':>7s}")
    for size in sys.argv[1:] or MOST:
        rows, width = map(int, size.split("x"))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "table.csv"
            make(path, rows, width)
            seconds, worked, megabytes = trained(path)
        most = MOST.get(size, "")
        print(f"{size:14s}{seconds:9.1f}{most:>9}{worked:14.1f}{megabytes:7.0f}", flush=True)


if __name__ == "__main__":
    main()
