"""The commands of the README, run one after the other: what they print is what stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from commands import houses

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the commands are for a Unix shell")

README = Path(__file__).parents[1] / "README.md"
TIMES = r"^(Time|epoch|SHA-256) .*$"
NUMBER = r"−?\d[\d,]*(?:\.\d+)?"


def blocks():
    """The commands of the section with what they print, block by block."""
    text = README.read_text(encoding="utf-8")
    section = text.partition("\n## From a table to a model\n")[2].partition("\n## ")[0]
    return re.findall(r"```console\n(\$.*?)```", section, re.DOTALL)


def steps():
    """Each command with what it prints; one that is interrupted cannot be run so."""
    for block in blocks():
        for step in block.removeprefix("$ ").split("\n$ "):
            command, _, printed = step.partition("\n")
            if "^C" not in printed:
                yield command, printed


def value(number):
    return float(number.replace(",", "").replace("−", "-"))


def test_the_commands_print_what_the_readme_shows(tmp_path):
    for name, rows, seed in (("houses", 2_000, 0), ("test", 500, 1), ("new", 500, 2)):
        table = houses(rows, seed)
        (table.drop("price") if name == "new" else table).write_csv(tmp_path / f"{name}.csv")
    paths = [str(Path(sys.executable).parent), os.environ["PATH"]]
    made = list(steps())
    assert len(made) == 8
    for command, expected in made:
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, text=True, check=False,
            env={**os.environ, "PATH": os.pathsep.join(paths), "NO_COLOR": "1"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        if expected:
            check(done.stdout, expected, command)
    for name in ("predictions.parquet", "third.model", "third.json", "w12.html"):
        assert (tmp_path / name).stat().st_size > 0


def check(printed, expected, command):
    """The same words, and nearly the same numbers: the last digits are the processor's."""
    got, shown = (
        [re.sub(TIMES, r"\1", line) for line in text.splitlines()] for text in (printed, expected)
    )
    if "..." in shown:
        cut = shown.index("...")
        got = [*got[:cut], "...", *got[len(got) - (len(shown) - cut - 1) :]]
    assert [re.sub(NUMBER, "#", line) for line in got] == [
        re.sub(NUMBER, "#", line) for line in shown
    ]
    for one, other in zip(got, shown, strict=True):
        numbers = ([value(each) for each in re.findall(NUMBER, line)] for line in (one, other))
        assert next(numbers) == pytest.approx(next(numbers), rel=0.2, abs=0.01), command


def test_what_differs_is_seen():
    check("R² 0.98\n", "R² 0.97\n", "")
    for printed in ("R² 0.5\n", "RMSE 0.97\n"):
        with pytest.raises(AssertionError):
            check(printed, "R² 0.97\n", "")
