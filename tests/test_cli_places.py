"""Where commands write: never what they read, nor over what is not quickly made again."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from chainrule.tabular.output_files import is_same, kind_of
from commands import PROGRAM, houses, ran, run
from output_places import TRAIN, contents, made, place, refuses  # noqa: F401

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")

EXPLAIN = ["explain", "2-2-2", "--of", "w1"]
ROW = ["explain", "houses.model", "--data", "new.csv", "--of", "w1", "--format", "text"]
PREDICT = ["predict", "houses.model", "new.csv"]


@pytest.mark.parametrize(
    "arguments",
    [
        [*TRAIN, "--out"],
        [*TRAIN, "--report"],
        [*PREDICT, "-o"],
        [*EXPLAIN, "-o"],
        ["worksheet", "-o"],
        [*TRAIN, "--out", "new.model", "--config"],
        ["predict", "houses.model"],
        ["inspect"],
    ],
)
@pytest.mark.parametrize("name", ["loop.csv", "loop.html"])
def test_links_that_lead_round_in_a_circle_are_no_file(arguments, name):
    Path(name).symlink_to("other")
    Path("other").symlink_to(name)
    result = run(*arguments, name)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert re.match(rf"Error: {name}: .*(Too many levels of|endings|format|no such file)", line)
    assert Path(name).is_symlink()
    assert not Path("new.model").exists()


# No output is an input


def linked(make):
    def link(name):
        make(Path(name), Path("link.csv"))
        return "link.csv"

    return link


def in_a_linked_folder(name):
    Path("beside").symlink_to(".")
    return f"beside/{name}"


NAMES = {
    "itself": str,
    "a dot": lambda name: f"./{name}",
    "absolute": os.path.abspath,
    "around": lambda name: f"../{Path.cwd().name}/{name}",
    "symbolic link": linked(lambda name, link: link.symlink_to(name)),
    "link to a link": linked(lambda name, link: link.symlink_to(in_a_linked_folder(name))),
    "hard link": linked(lambda name, link: link.hardlink_to(name)),
    "linked folder": in_a_linked_folder,
}
READ = {
    "predictions of a table": ([*PREDICT, "-o"], "new.csv"),
    "predictions of a model": ([*PREDICT, "-o"], "houses.model"),
    "an explanation of a row": ([*ROW, "-o"], "new.csv"),
    "an explanation of a model": ([*ROW, "-o"], "houses.model"),
    "an explanation of a network": (
        ["explain", "net.toml", "--of", "w1", "--format", "text", "-o"],
        "net.toml",
    ),
    "a model of a table": ([*TRAIN, "--out"], "houses.csv"),
    "a page of a table": ([*TRAIN, "--report"], "houses.csv"),
    "a model of a file": ([*TRAIN, "--config", "some.toml", "--out"], "some.toml"),
    "a page of a file": ([*TRAIN, "--config", "some.toml", "--report"], "some.toml"),
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize(("arguments", "read"), READ.values(), ids=READ)
def test_no_output_is_an_input_though_it_be_forced(arguments, read, name):
    refuses([*arguments, name(read), "--force"], "is being read; choose another name")


def test_the_table_of_labels_is_an_input_too():
    header = bytes([0, 0, 8, 1, 0, 0, 0, 3])
    Path("t-labels-idx1-ubyte").write_bytes(header + bytes([0, 1, 0]))
    Path("t-images-idx3-ubyte").write_bytes(bytes([0, 0, 8, 2, 0, 0, 0, 3, 0, 0, 0, 1, 7, 9, 8]))
    command = ["train", "t-images-idx3-ubyte", "--target", "label", "--epochs", "1", "--quiet"]
    refuses([*command, "--out", "t-labels-idx1-ubyte", "--force"], "labels.*: is being read")
    refuses([*command, "--report", "t-labels-idx1-ubyte", "--force"], "labels.*: is being read")


def test_the_file_behind_the_standard_input_is_an_input():
    command = ["predict", "houses.model", "-", "-o", "new.csv", "--force"]
    found, before = piped(command, "new.csv", "said"), Path("new.csv").read_bytes()
    assert found.returncode == 2
    assert "Error: new.csv: is being read" in found.stderr
    assert Path("new.csv").read_bytes() == before


def piped(arguments, given, said):
    """A command as a process, whose standard input is a file and whose output is added to one."""
    with open(given, "rb") as stdin, open(said, "ab") as stdout:
        return subprocess.run(
            [sys.executable, "-c", PROGRAM, *arguments],
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(PREDICT, "new.csv"), (["inspect", "houses.model"], "houses.model")],
    ids=["table", "model"],
)
def test_what_is_printed_does_not_go_to_the_end_of_an_input(arguments, said):
    before = Path(said).read_bytes()
    found = piped(arguments, os.devnull, said)
    assert found.returncode == 2
    assert "Error: standard output: is a file that is read or written" in found.stderr
    assert Path(said).read_bytes() == before


# No two outputs are one file


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--out", "a", "--report", "a"], "a: is the model; choose another name"),
        (["--out", "a", "--report", "./b/../a"], "a: is the model"),
        (["--out", "a.model", "--report", "A.model"], "A.model: is the model"),
        (["--report", "houses.model", "--force"], "houses.model: is the model"),
        (["--out", "a", "--checkpoint", "a"], "a: is the model"),
        (["--out", "a", "--report", "c", "--checkpoint", "c"], "c: is the page"),
        (["--checkpoint", "b", "--out", "b/checkpoint-00000001.model"], "as a checkpoint in b"),
        (["--checkpoint", "b", "--out", "a", "--report", "b/.lock"], "as a checkpoint in b"),
    ],
)
def test_two_outputs_are_two_files(options, message):
    Path("b").mkdir()
    refuses([*TRAIN, *options], message)


def test_a_table_is_not_removed_as_a_checkpoint():
    Path("run").mkdir()
    shutil.copy("houses.csv", "run/checkpoint-1.model")
    command = ["train", "run/checkpoint-1.model", "--delimiter", ",", *TRAIN[2:], "--restart"]
    refuses([*command, "--checkpoint", "run", "--out", "a"], "is called as a checkpoint in run")
    assert Path("run/checkpoint-1.model").exists()


def test_a_file_of_options_is_not_removed_as_a_checkpoint():
    Path("run").mkdir()
    shutil.copy("some.toml", "run/checkpoint-1.model")
    command = [*TRAIN, "--config", "run/checkpoint-1.model", "--restart", "--checkpoint", "run"]
    refuses([*command, "--out", "a"], "is called as a checkpoint in run")
    assert Path("run/checkpoint-1.model").exists()


def test_names_of_one_file():
    Path("a").touch()
    Path("b").hardlink_to("a")
    assert is_same("a", "b")
    Path("A").touch()
    assert is_same("a", "A") == os.path.samefile("a", "A")
    assert is_same("none", "./NONE")
    assert is_same("stra\u00dfe", "STRASSE")
    assert not is_same("a", "none")
    assert not is_same("none", "another")


# What is replaced by a page or a sheet, and by predictions


def write_npz(path):
    with open(path, "wb") as file:
        np.savez(file, x=[1, 2], y=[3, 4])


KEPT = {
    "a model": ("kept", lambda path: shutil.copy("houses.model", path)),
    "a network": ("kept", lambda path: shutil.copy("net.toml", path)),
    "a training": ("kept", lambda path: shutil.copy("some.toml", path)),
    "what is called so": ("kept.toml", lambda path: path.write_text("no TOML")),
    "text": ("kept", lambda path: shutil.copy("new.csv", path)),
    "text by its name": ("kept.csv", lambda path: path.write_text("no table")),
    "text in .txt": ("kept.txt", lambda path: shutil.copy("new.csv", path)),
    "tabs": ("kept.txt", lambda path: houses(3).write_csv(path, separator="\t")),
    "packed": ("kept", lambda path: path.write_bytes(b"\x1f\x8b" + bytes(9))),
    "Parquet": ("kept", lambda path: houses(3).write_parquet(path)),
    "Arrow": ("kept", lambda path: houses(3).write_ipc(path)),
    "NPZ": ("kept", write_npz),
    "idx": ("kept", lambda path: path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 1, 7]))),
    "lines of JSON": ("kept", lambda path: houses(3).write_ndjson(path)),
}
WRITERS = {
    "explain": [*EXPLAIN, "--format", "html", "-o"],
    "worksheet": ["worksheet", "--format", "text", "-o"],
    "report": [*TRAIN, "--out", "new.model", "--report"],
}


@pytest.mark.parametrize(("name", "make"), KEPT.values(), ids=KEPT)
@pytest.mark.parametrize("arguments", WRITERS.values(), ids=WRITERS)
def test_a_model_a_table_and_a_network_give_way_by_force_only(arguments, name, make):
    make(Path(name))
    refuses([*arguments, name], f"{name}: is a .*; replace it by --force, or choose another name")
    if arguments[0] != "train":
        ran(*arguments, name, "--force")
        assert "update" in Path(name).read_text("utf-8")


def test_a_page_takes_the_place_of_a_model_by_force():
    shutil.copy("houses.model", "kept")
    ran(*TRAIN, "--out", "new.model", "--report", "kept", "--force")
    assert Path("kept").read_text("utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize("name", ["txt", "md", "tex", "ipynb", "html"])
@pytest.mark.parametrize("of", ["w1", "all", "cost"])
def test_an_explanation_is_replaced(name, of):
    ran("explain", "2-2-2", "--of", of, "-o", f"w.{name}")
    ran("explain", "2-2-2", "--of", "w2", "-o", f"w.{name}")


@pytest.mark.parametrize("name", ["txt", "tex", "html"])
@pytest.mark.parametrize("key", [[], ["--key"]])
def test_a_sheet_is_replaced(name, key):
    ran("worksheet", "-o", f"sheet.{name}", *key)
    ran("worksheet", "--seed", "3", "-o", f"sheet.{name}", *key)


def test_a_page_is_replaced_and_so_is_what_is_empty():
    Path("empty.html").touch()
    ran(*TRAIN, "--out", "new.model", "--report", "empty.html")
    ran(*TRAIN, "--out", "other.model", "--report", "empty.html")


def test_notes_and_what_is_not_there_are_nothing_that_is_kept(tmp_path):
    Path("notes.md").write_text("# Notes\n\nBuy milk, bread, salt.\n\n- and more\n")
    assert [kind_of(Path(name)) for name in ("notes.md", "none.csv", ".")] == ["", "", ""]


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".csv.gz", ".parquet", ".arrow"])
def test_predictions_are_replaced(ending):
    ran(*PREDICT, "-o", f"made{ending}")
    ran(*PREDICT, "--keep", "id", "-o", f"made{ending}")


OTHERS = {
    "model": lambda path: shutil.copy("houses.model", path),
    "network": lambda path: shutil.copy("net.toml", path),
    "table": lambda path: shutil.copy("houses.csv", path),
    "Parquet": lambda path: houses(3).write_parquet(path),
    "damaged": lambda path: path.write_text("a,b\n1,2\n3\n"),
}


@pytest.mark.parametrize("make", OTHERS.values(), ids=OTHERS)
def test_what_is_no_table_of_predictions_gives_way_by_force_only(make):
    make(Path("kept.csv"))
    refuses([*PREDICT, "-o", "kept.csv"], r"kept.csv: is a .*; replace it by --force")
    ran(*PREDICT, "-o", "kept.csv", "--force")
    assert pl.read_csv("kept.csv").columns == ["prediction"]
