"""No character of a file steers a terminal: what the commands print of names, values and paths."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import chainrule as cr
import chainrule.cli
from chainrule.errors import escaped, on_one_line
from commands import PROGRAM, ran, run
from resigned import STEERING

STEER = "\x1b[31m\x9b2J\u202ex\u2066\u2028\x07\x7f"
"""An escape sequence of 7 and one of 8 bits, turns of the direction, an end of a line, a bell."""

TARGET, TABLE, MODEL = f"y{STEER}", "t\x1b[1m\u202e.csv", "m\x1b\u2069.model"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A folder with a table that steers in all that it holds, and a model of it."""
    folder = tmp_path_factory.mktemp("steering")
    draw = np.random.default_rng(0)
    made = {f"a{STEER}": draw.normal(size=60), f"id{STEER}": [f"k{k}{STEER}" for k in range(60)]}
    made |= {f"kind{STEER}": draw.choice([f"u{STEER}", f"v\r\n{STEER}"], 60)}
    made |= {TARGET: draw.choice([f"yes{STEER}", f"no{STEER}"], 60)}
    pl.DataFrame(made).write_csv(folder / TABLE)
    return folder


@pytest.fixture(autouse=True)
def _within(written, monkeypatch):
    monkeypatch.chdir(written)


def train(*more):
    return ["train", TABLE, "--target", TARGET, "--epochs", 2, "--hidden", 2, "--force", *more]


@pytest.fixture(scope="module")
def trained(written):
    model = cr.train(written / TABLE, TARGET, epochs=2, hidden=(2,))
    model.save(written / MODEL)


def other(name, **columns):
    """A table like the first, but for some columns."""
    made = pl.read_csv(TABLE, glob=False).with_columns(
        **{f"{k}{STEER}": pl.lit(v) for k, v in columns.items()}
    )
    made.write_csv(name)
    return name


EXPLAIN = ["explain", MODEL, "--data", TABLE, "--of", "w1", "--format"]
PRINTED = {
    "train": lambda: train("-o", "a\x1b.model", "--report", "page\x1b.html"),
    "train --json": lambda: train("-o", "b\x1b.model", "--json"),
    "train --print-config": lambda: train("--print-config"),
    "inspect": lambda: ["inspect", MODEL],
    "inspect --json": lambda: ["inspect", MODEL, "--json"],
    "evaluate": lambda: ["evaluate", MODEL, TABLE],
    "evaluate --json": lambda: ["evaluate", MODEL, TABLE, "--json"],
    **{f"explain {f}": lambda f=f: [*EXPLAIN, f] for f in ("text", "html", "latex", "markdown")},
}


@pytest.mark.parametrize("name", PRINTED)
def test_what_is_printed_does_not_steer(trained, name):
    result = ran(*PRINTED[name]())
    assert not STEERING.search(result.stdout + result.stderr)


REFUSED = {
    "a number": lambda: ["predict", MODEL, other("a.csv", a=f"bad{STEER}")],
    "a class": lambda: ["evaluate", MODEL, other("b.csv", y=f"new{STEER}")],
    "a path": lambda: ["inspect", f"no{STEER}.model"],
    "a table for a model": lambda: ["inspect", TABLE],
    "a column": lambda: ["predict", MODEL, TABLE, "--keep", f"zz{STEER}"],
    "a target": lambda: [*train()[:2], "--target", f"zz{STEER}"],
    "a command": lambda: [f"zz{STEER}"],
    "an option": lambda: ["inspect", f"--zz{STEER}"],
    "a name that is no UTF-8": lambda: ["evaluate", MODEL, os.fsdecode(b"s\xff.csv")],
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_does_not_steer(trained, written, name):
    (written / os.fsdecode(b"s\xff.csv")).write_text("a\n1\n")
    result = run(*REFUSED[name]())
    assert result.exit_code == 2
    assert not STEERING.search(result.output)
    assert result.stderr.split("Error: ")[1].count("\n") == 1


def test_json_holds_the_same(trained):
    found = json.loads(ran("inspect", MODEL, "--json").stdout)
    assert found["target"]["column"] == TARGET
    assert found["file"]["path"] == MODEL
    assert set(json.loads(ran("evaluate", MODEL, TABLE, "--json").stdout)["confusion"]) <= {
        *(f"yes{STEER}", f"no{STEER}")
    }


def test_the_page_of_a_training_does_not_steer(written):
    ran(*train("-o", "c.model", "--report", "page.html"))
    page = (written / "page.html").read_text(encoding="utf-8")
    assert not STEERING.search(page)


def test_predictions_keep_each_byte_in_a_pipe_and_in_a_file(trained, written):
    printed = ran("predict", MODEL, TABLE, "--keep", f"id{STEER}").stdout_bytes
    ran("predict", MODEL, TABLE, "--keep", f"id{STEER}", "-o", "made.csv")
    assert (written / "made.csv").read_bytes() == printed
    assert f"k7{STEER}".encode() in printed


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such terminals")
def test_predictions_are_escaped_on_a_terminal(trained):
    import pty

    ours, theirs = pty.openpty()
    arguments = ["predict", MODEL, TABLE, "--keep", f"id{STEER}"]
    with subprocess.Popen([sys.executable, "-c", PROGRAM, *arguments], stdout=theirs) as process:
        os.close(theirs)
        shown = b""
        while part := _read(ours):
            shown += part
    os.close(ours)
    assert process.returncode == 0
    text = shown.decode().replace("\r\n", "\n")
    assert not STEERING.search(text)
    assert f"k7{escaped(STEER)}," in text
    assert text.count("\n") == 61


def _read(terminal):
    try:
        return os.read(terminal, 2**16)
    except OSError:  # how a terminal says that it was closed
        return b""


STEERERS = [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F)]
STEERERS += [*range(0x2066, 0x206A), 0xD800, 0xDFFF]


@pytest.mark.parametrize("code", STEERERS)
def test_each_character_that_steers_is_written_out(code):
    kept = chr(code) in "\n\t"
    assert escaped(f"a{chr(code)}b") == (f"a{chr(code)}b" if kept else f"a\\u{code:04x}b")
    assert on_one_line(chr(code)).isprintable()


def test_what_people_write_stays():
    text = "é猫 🏳️‍🌈 שלום \u200e\u00a0\u00ad −½"
    assert escaped(text) == on_one_line(text) == text


def test_all_that_the_commands_print_goes_through_one_place():
    for path in Path(chainrule.cli.__file__).parent.glob("*.py"):
        calls = [n.func for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
        names = {f.attr for f in calls if isinstance(f, ast.Attribute)} & {"echo", "secho"}
        names |= {f.id for f in calls if isinstance(f, ast.Name)} & {"print"}
        assert not names or path.name == "terminal.py", path
