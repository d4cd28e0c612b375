"""What the tests of the commands share: a way to call them, and small tables."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
from click.testing import CliRunner

from chainrule.cli import main

PLAIN = {"FORCE_COLOR": None, "NO_COLOR": None, "TTY_COMPATIBLE": None, "TTY_INTERACTIVE": None}
USUAL = {"--target": "price", "--epochs": 2, "--hidden": 4, "--effort": "fast"}
QUICK = ("--epochs", 2, "--hidden", 4, "--effort", "fast")
PROGRAM = "from chainrule_command import main; main()"


def run(*arguments):
    """The result of a command; what it raises but does not handle is raised."""
    result = CliRunner().invoke(main, list(map(str, arguments)), env=PLAIN)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def ran(*arguments):
    """The result of a command that succeeds."""
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result


def train(*options):
    """The result of a short training on `houses.csv`."""
    usual = [word for each in USUAL.items() if each[0] not in options for word in each]
    return run("train", "houses.csv", *usual, *options)


def files():
    """The names in the folder."""
    return {each.name for each in Path().iterdir()}


def refused(result, message, code=2):
    """One line says what is wrong, and nothing else came of the command."""
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    last = result.stderr.splitlines()[-1]
    assert last.startswith("Error: ")
    assert re.search(message, last), last


class Killed(subprocess.Popen):
    """A process that does not outlive a test that fails."""

    def __exit__(self, kind, *error):
        if kind:
            self.kill()
        super().__exit__(kind, *error)


def started(*arguments, **options):
    """A process of its own that runs a command."""
    return Killed(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
        **options,
    )


def houses(rows=400, seed=0):
    """A table of every kind of column, with a price that follows from them."""
    draw = np.random.default_rng(seed)
    size = draw.gamma(4, 30, rows).round(1)
    kind = draw.choice(["flat", "house", "loft"], rows)
    garden = draw.random(rows) < 0.4
    built = np.datetime64("1990-01-01") + draw.integers(0, 10_000, rows)
    price = size * np.select([kind == "flat", kind == "house"], [40, 50], 60) + 500 * garden
    return pl.DataFrame(
        {
            "id": np.arange(rows) + 7000,
            "size": size,
            "kind": kind,
            "garden": garden,
            "built": built.astype(str),
            "price": (price + draw.normal(0, 50, rows)).round(2),
        }
    )
