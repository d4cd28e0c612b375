"""The commands of the README, run one after the other: what they print is what stands there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the commands are for a Unix shell")

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
SECTIONS = ("The working shown", "From a table to a model")
TIMES = r"^(Time|epoch|SHA-256) .*$"
NUMBER = r"−?\d[\d,]*(?:\.\d+)?"


def section(title):
    return README.read_text(encoding="utf-8").partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def blocks(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def steps(title):
    """Each command with what it prints; one that is interrupted cannot be run so."""
    for block in blocks(section(title), "console"):
        if not block.startswith("$ "):
            continue
        for step in block.removeprefix("$ ").split("\n$ "):
            command, _, printed = step.partition("\n")
            if "^C" not in printed:
                yield command, printed


def value(number):
    return float(number.replace(",", "").replace("−", "-"))


def test_the_commands_print_what_the_readme_shows(tmp_path):
    """In a folder that has what a clone has, and nothing else."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    paths = [str(Path(sys.executable).parent), os.environ["PATH"]]
    made = [step for title in SECTIONS for step in steps(title)]
    assert len(made) == 15
    for command, expected in made:
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, text=True, check=False,
            env={**os.environ, "PATH": os.pathsep.join(paths), "NO_COLOR": "1"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        if expected:
            check(done.stdout, expected, command)
    written = ["w5.html", "w5.tex", "sheet.html", "key.html", "w12.html"]
    for name in (*written, "predictions.parquet", "third.model", "third.json"):
        assert (tmp_path / name).stat().st_size > 0


def test_the_network_of_the_readme_is_the_file_that_comes_with_it():
    (block,) = blocks(section("The working shown"), "toml")
    assert (ROOT / "examples/network.toml").read_text(encoding="utf-8") == block


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
