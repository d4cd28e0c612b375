"""Pages of the documentation, run: every block of code, in order, in one folder for each page.

A block is known by the first word after its fence:

- ```` ```console ````: each line after `$ ` is a command of a shell; the lines below are what it
  prints. `...` stands for a part of a line, or as a line for any number of lines. What ranks print
  comes in any order. Commands that only set up are not run: that the extra and the target of
  `make` exist is looked up. `chainrule` is called in this process, which has imported it already.
- ```` ```python ````: doctests where there are prompts, otherwise code that runs.
- ```` ```toml network.toml ````: a second word makes any block a file in the folder. A file that
  comes with the source, such as `examples/network.toml`, must be the same.
- ```` ```text ```` and ```` ```latex ```` are for people alone.
- Directives, in braces, are the build's. Any other block is an error.

A comment on the line before says what is special, and several may:

    <!-- not run: it needs a cluster -->     with the reason
    <!-- needs: torch -->                    a module, or mpi: left out where that is missing
    <!-- exit code: 2 -->                    of each command
    <!-- tested with: --epochs 2 -->         more options of `train`, so that a test is sooner done

A page finds `examples/` in its folder, and each file that it offers to download.
"""

from __future__ import annotations

import contextlib
import doctest
import itertools
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
import tomllib
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import chainrule as cr
import mpi_jobs
from commands import run as run_command
from other_hosts import with_other_hosts

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
GENERATED = {"_build", "gallery", "generated"}
PEOPLE_ALONE = {"text", "latex"}
MARKS = {"not run", "needs", "exit code", "tested with"}
PREPARED = {"guide/several-machines.md": with_other_hosts}
"""Pages that find more in their folder than the examples."""

BIN = Path(sys.executable).parent
SETS_UP = re.compile(r"(pip|make|source|(\S*/)?python3? -m (pip|venv)|\S+/bin/pip)\b")
DOWNLOAD = re.compile(r"\{download\}`[^`<]*<([^>]+)>`")
OWN_COMMAND = re.compile(r"chainrule ([^|<>&;$*]+)(?:\| (.*))?")
FENCE = re.compile(r"^( *)(`{3,}|~{3,}) *(.*)$")
MARK = re.compile(r"^ *<!-- ([a-z ]+): (.*) -->$")
TIMES = re.compile(r"^(Time|epoch|SHA-256|Written by) .*$")
NUMBER = r"−?\d[\d,]*(?:\.\d+)?"
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class Block(NamedTuple):
    """A block of code, and where it stands."""

    language: str
    name: str
    text: str
    marks: dict[str, str]
    where: str


def pages() -> list[Path]:
    """The pages of the site that are written by hand, and have blocks."""
    found = [path for path in DOCS.rglob("*.md") if not GENERATED & {*path.relative_to(DOCS).parts}]
    return sorted(path for path in found if [*blocks(path)])


def blocks(path: Path) -> Iterator[Block]:
    """The blocks of a page."""
    return blocks_of(path.read_text(encoding="utf-8"), path.name)


def blocks_of(text: str, page: str, line: int = 1) -> Iterator[Block]:
    """The blocks of a text that begins at a line of a page, those within directives too."""
    marks: dict[str, str] = {}
    lines = iter(enumerate(text.splitlines(), line))
    for number, each in lines:
        if mark := MARK.match(each):
            marks[mark[1]] = mark[2]
        elif fence := FENCE.match(each):
            inside = itertools.takewhile(
                lambda numbered, end=fence[2]: not ends(numbered[1], end), lines
            )
            body = textwrap.dedent("".join(f"{row}\n" for _, row in inside))
            language, _, name = fence[3].partition(" ")
            if language.startswith("{"):
                assert not re.match(r"\{(code|literalinclude|doctest|ipython)", language), (
                    f"{page}:{number}: {language} is not run; use a plain block"
                )
                yield from blocks_of(body, page, number + 1)
            else:
                yield Block(language, name, body, marks, f"{page}:{number}")
            marks = {}
        elif each.strip():
            marks = {}


def ends(line: str, fence: str) -> bool:
    """Whether a line ends the block of a fence."""
    return line.strip().startswith(fence) and set(line.strip()) == {fence[0]}


def run_page(path: Path, folder: Path) -> None:
    """Run a page in an empty folder; an error says in which line it is."""
    shutil.copytree(ROOT / "examples", folder / "examples")
    if DOCS in path.parents and (prepare := PREPARED.get(path.relative_to(DOCS).as_posix())):
        prepare(folder)
    for offered in DOWNLOAD.findall(path.read_text(encoding="utf-8")):
        shutil.copy(path.parent / offered, folder)
    run_blocks(blocks(path), folder)


def run_blocks(given: Iterator[Block], folder: Path) -> None:
    """Run blocks, one after the other, in a folder."""
    session = Session(folder)
    for block in given:
        unknown = {*block.marks} - MARKS
        assert not unknown, f"{block.where}: unknown mark {unknown}; known are {sorted(MARKS)}"
        run = session.runner(block)
        if "not run" not in block.marks and is_there(block.marks.get("needs")):
            with contextlib.chdir(folder):
                run(block)


def is_there(needed: str | None) -> bool:
    """Whether a block has what it needs."""
    if needed == "mpi":
        return not mpi_jobs.MISSING
    return needed is None or find_spec(needed) is not None


class Session:
    """The blocks of a page share a folder and the names of Python."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: dict[str, Any] = {"np": np, "cr": cr, "__name__": "__main__"}
        self.written: set[str] = set()
        self.trained = False
        places = [folder / "bin", BIN, os.environ["PATH"]]
        self.environment = {
            **os.environ,
            **mpi_jobs.ENVIRONMENT,
            "PATH": os.pathsep.join(map(str, places)),
            "MPLBACKEND": "agg",
            "PRTE_MCA_plm_ssh_agent": str(folder / "bin/ssh"),
        }

    def runner(self, block: Block) -> Any:
        """What runs a block."""
        if block.name:
            return self.write
        if block.language in PEOPLE_ALONE:
            return lambda block: None
        known = {"console": self.commands, "python": self.python}
        assert block.language in known, (
            f"{block.where}: a block of {block.language or 'no language'!r} is not run; name the "
            f"file that it is, or make it one of {sorted({*known, *PEOPLE_ALONE})}"
        )
        return known[block.language]

    def write(self, block: Block) -> None:
        """Write a file; what comes with the source is only compared."""
        path = self.folder / block.name
        if path.exists() and block.name not in self.written:
            same = path.read_text(encoding="utf-8") == block.text
            assert same, f"{block.where}: is not what {block.name} has"
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
        self.written.add(block.name)

    def python(self, block: Block) -> None:
        """Run doctests, or code without prompts."""
        if ">>> " not in block.text:
            exec(compile(block.text, block.where, "exec"), self.names)
            return
        line = int(block.where.rpartition(":")[2])
        test = doctest.DocTestParser().get_doctest(
            block.text, self.names, block.where, block.where, line
        )
        said: list[str] = []
        done = doctest.DocTestRunner(optionflags=FLAGS).run(
            test, out=said.append, clear_globs=False
        )
        assert not done.failed, "".join(said)
        self.names |= test.globs

    def commands(self, block: Block) -> None:
        """Run commands, and compare what they print."""
        for command, expected in steps(block):
            if SETS_UP.match(command):
                exists(command, block.where)
                continue
            trains = " train " in command
            more = block.marks.get("tested with", "") if trains else ""
            code, printed = self.shell(f"{command} {more}")
            assert code == int(block.marks.get("exit code", 0)), (
                f"{block.where}: exit code {code} of {command}\n{printed}"
            )
            self.trained |= trains
            if expected:
                any_order = command.startswith("mpiexec")
                assert fits(printed, expected, near=self.trained, any_order=any_order), (
                    f"{block.where}: {command}\nprints\n{printed}\nand not\n{expected}"
                )

    def shell(self, command: str, given: str = "") -> tuple[int, str]:
        """The exit code of a command and what it prints."""
        if own := OWN_COMMAND.fullmatch(command.strip()):
            return self.called(shlex.split(own[1]), own[2])
        done = subprocess.run(
            command, shell=True, cwd=self.folder, env=self.environment, text=True, check=False,
            timeout=300, input=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return done.returncode, done.stdout

    def called(self, arguments: list[str], behind: str | None) -> tuple[int, str]:
        """The same of `chainrule`, and of a filter behind it."""
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            done = run_command(*arguments)
        if behind is None:
            return done.exit_code, done.output
        code, printed = self.shell(behind, done.stdout)
        return code, done.stderr + printed


def steps(block: Block) -> Iterator[tuple[str, str]]:
    r"""Each command with what it prints; one that ends in \ goes on in the next line."""
    assert block.text.startswith("$ "), f"{block.where}: a console begins with `$ `"
    for step in block.text.removeprefix("$ ").split("\n$ "):
        command, _, printed = step.partition("\n")
        while command.endswith("\\"):
            more, _, printed = printed.partition("\n")
            command = command[:-1] + more.strip()
        yield command.partition("  # ")[0].rstrip(), printed


def exists(command: str, where: str) -> None:
    """Check that the extras that are installed exist, and the targets that are made."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {each for found in re.findall(r"\[([\w,-]+)\]", command) for each in found.split(",")}
    assert named <= {*project["optional-dependencies"]}, f"{where}: no such extra: {command}"
    if command.startswith("make"):
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        targets = re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)
        words = re.sub(r"\"[^\"]*\"", "", command)
        made = {*re.findall(r" ([a-z-]+)\b(?!=)", words)}
        assert made <= {*targets}, f"{where}: no such target: {command}"


# What is printed beside what is expected


def fits(printed: str, expected: str, *, near: bool = False, any_order: bool = False) -> bool:
    """Whether it is the same; of a training, the last digits are the processor's."""
    got, shown = compared(printed), compared(expected)
    if any_order:
        got, shown = sorted(got), sorted(shown)
    chunks = [[*lines] for is_gap, lines in itertools.groupby(shown, "...".__eq__) if not is_gap]
    first, last = shown[:1] != ["..."], shown[-1:] != ["..."]
    start = 0
    for k, chunk in enumerate(chunks):
        end = len(got) - len(chunk)
        places = [*range(start, end + 1)]
        if k == 0 and first:
            places = [each for each in places if each == 0]
        if k == len(chunks) - 1 and last:
            places = [each for each in places if each == end]
        place = next((p for p in places if all_fit(got[p:], chunk, near)), None)
        if place is None:
            return False
        start = place + len(chunk)
    return bool(chunks) or not first


def compared(text: str) -> list[str]:
    """The lines without what differs from run to run."""
    return [TIMES.sub(r"\1", line.rstrip()) for line in text.splitlines()]


def all_fit(got: list[str], shown: list[str], near: bool) -> bool:
    """Whether the first lines are those that are shown."""
    return all(line_fits(*pair, near) for pair in zip(got, shown, strict=False))


def line_fits(got: str, shown: str, near: bool) -> bool:
    """Whether a line is the one shown, or nearly: the same words, numbers within a fifth."""
    if matches(got, shown):
        return True
    if not near or not matches(*(re.sub(NUMBER, "#", line) for line in (got, shown))):
        return False
    ours, theirs = ([value(each) for each in re.findall(NUMBER, line)] for line in (got, shown))
    pairs = zip(ours, theirs, strict=False)
    return len(ours) == len(theirs) and all(
        math.isclose(*pair, rel_tol=0.2, abs_tol=0.01) for pair in pairs
    )


def matches(got: str, shown: str) -> bool:
    """Whether a line is the one shown, where `...` stands for anything."""
    return bool(re.fullmatch(".*".join(map(re.escape, shown.split("..."))), got))


def value(number: str) -> float:
    """A number as it is printed."""
    return float(number.replace(",", "").replace("−", "-"))
