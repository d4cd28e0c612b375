"""Tables that are wrong: each is answered by one line, or by a decision that is said."""

import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from commands import ran, refused, run

N = 60
DRAW = np.random.default_rng(0)
X = DRAW.normal(size=N).round(3)
Y = (2 * X + DRAW.normal(size=N)).round(3)


def text(**columns):
    return pl.DataFrame({"x": X, "y": Y, **columns}).write_csv().encode()


REFUSED = {
    "empty": (b"", r"table.csv: is empty"),
    "header only": (b"x,y\n", r"has a header and no rows"),
    "ragged": (b"x,y\n1,2\n1,2,3\n", r"line 3 has 3 fields, the header has 2"),
    "quote left open": (b'x,y\n1,"2\n', r"line 2 opens a quote that is never closed"),
    "wrong encoding": (b"x,y\nM\xfcnchen,1\n", r"line 2 holds the byte 0xfc, which is not UTF-8"),
    "columns twice": (b"x,x,y\n1,2,3\n", r"2 columns are called 'x'"),
    "parquet by name only": (b"PAR1 no more", r"table.parquet: .*"),
    "target missing": (text().replace(b"y", b"z", 1), r"unknown target 'y'\. The table has x, z"),
    "target constant": (text(y=1.5), r"target 'y' is always 1.5: there is nothing to learn"),
    "target empty": (text(y=None), r"target 'y' has no value in any of 60 rows"),
    "target an identifier": (text(y=[f"row {k}" for k in range(N)]), r"is it an identifier\?"),
    "target infinite": (text(y=[np.inf, *Y[1:]]), r"target 'y' is infinite in 1 row; "),
    "nothing to predict from": (
        b"x,y\n" + b"1,2\n1,3\n" * 9,
        r"no column is left .*: x: always 1$",
    ),
    "one row": (b"x,y\n1,2\n", r"target 'y' is always 2"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_table_that_is_wrong_is_refused_in_one_line(tmp_path, name):
    data, message = REFUSED[name]
    path = tmp_path / ("table.parquet" if name.startswith("parquet") else "table.csv")
    path.write_bytes(data)
    result = run("train", path, "--target", "y", "-o", tmp_path / "y.model")
    refused(result, message)
    assert "Traceback" not in result.output
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("folder", [".", "..", "/"])
def test_a_folder_is_refused_by_its_name(folder):
    refused(run("train", folder, "--target", "y"), re.escape(f"{folder}: is a folder; name a file"))


UNREADABLE = list(REFUSED)[: list(REFUSED).index("target missing")]


@pytest.mark.parametrize("command", ["predict", "evaluate"])
@pytest.mark.parametrize("name", UNREADABLE)
def test_a_table_that_cannot_be_read_is_refused_by_the_others_too(tmp_path, model, name, command):
    data, message = REFUSED[name]
    path = tmp_path / ("table.parquet" if name.startswith("parquet") else "table.csv")
    path.write_bytes(data)
    refused(run(command, model, path), message)


def test_what_no_file_could_hold_is_refused_before_training(tmp_path, monkeypatch):
    monkeypatch.setattr("chainrule.codec.MOST_VALUES", 1_000)
    (tmp_path / "table.csv").write_bytes(text(**{f"z{k}": X for k in range(200)}))
    result = run("train", tmp_path / "table.csv", "--target", "y", "-o", tmp_path / "y.model")
    refused(result, "a model of 202 columns holds more than 1,000 values; leave some out")
    assert "epoch" not in result.stderr


def test_a_table_that_is_wrong_in_its_midst_leaves_no_predictions(tmp_path, model, monkeypatch):
    monkeypatch.setattr("chainrule.tabular.files.text_file.PIECE", 100)
    (tmp_path / "table.csv").write_bytes(text() + b"1,2,3\n")
    output = tmp_path / "made.csv"
    refused(run("predict", model, tmp_path / "table.csv", "-o", output), r"line 62 has 3 fields")
    assert [each.name for each in tmp_path.iterdir()] == ["table.csv"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    (folder / "table.csv").write_bytes(text())
    ran("train", folder / "table.csv", "--target", "y", "--epochs", 2, "-o", folder / "y.model")
    return folder / "y.model"


DECIDED = {
    "no values": ({"z": None}, r"z +left out +no values"),
    "infinities": ({"z": [np.inf, -np.inf, *X[2:]]}, r"z +number .*2 infinite taken as missing"),
    "dates as text": (
        {"z": [f"2024-01-{1 + k % 28:02}" for k in range(N)]},
        r"z +date +60 values, 2024-01-01.*--categories z",
    ),
    "mixed": ({"z": ["1.5", "two", *map(str, X[2:])]}, r"z +number +59 values"),
    "a single category": ({"z": "a"}, r"z +left out +always 'a'"),
    "all different": ({"z": [f"name {k}" for k in range(N)]}, r"z +left out +text, all different"),
    "a name that steers": ({"\x1b[31mz": X}, r"\\x1b\[31mz +number"),
    "a name that is long": ({"z" * 300: X}, r"z{23}… +number"),
    "1,000 columns": ({f"z{k}": X for k in range(1_000)}, r"x and 1,000 more +number"),
}


@pytest.mark.parametrize("name", DECIDED)
def test_a_table_that_is_odd_is_taken_and_the_decision_said(tmp_path, monkeypatch, name):
    columns, message = DECIDED[name]
    monkeypatch.chdir(tmp_path)
    Path("table.csv").write_bytes(text(**columns))
    result = ran(
        "train", "table.csv", "--target", "y", "--epochs", 2, "--hidden", 4, "--effort", "fast"
    )
    assert re.search(message, " ".join(result.stderr.split())), result.stderr
    assert max(map(len, result.output.splitlines())) <= 80
    assert {each.name for each in tmp_path.iterdir()} == {"table.csv", "table.model"}
