"""`chainrule explain` without `--of`: what it prints, writes and refuses."""

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

import chainrule as cr
from chainrule.cli import main

TABLE = pl.DataFrame(
    {
        "id": range(60),
        "x": np.sin(np.arange(60.0)),
        "z": np.cos(np.arange(60.0) * 2),
        "kind": ["no", "yes", "no"] * 20,
    }
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("reasons")
    TABLE.write_csv(made / "new.csv")
    own = {"effort": "fast", "epochs": 2, "hidden": [4], "refit": False, "leave_out": ["id"]}
    cr.train(TABLE, "kind", **own).save(made / "kinds.model")
    return made


@pytest.fixture
def why(folder, monkeypatch):
    monkeypatch.chdir(folder)

    def run(*arguments):
        given = ["explain", "kinds.model", "--data", "new.csv", *map(str, arguments)]
        return CliRunner().invoke(main, given, env={"COLUMNS": "80"})

    return run


def test_a_row_is_printed_as_the_model_tells_it(why, folder):
    model = cr.TableModel.load(folder / "kinds.model")
    assert why("--row", 3).stdout == model.why_row("new.csv", 3).text(80)
    assert why("--row", 3, "--for", "yes", "--log-odds").stdout == (
        model.why_row("new.csv", 3, output="yes", log_odds=True).text(80)
    )
    shapley = why("--row", 3, "--method", "shapley", "--against", "new.csv").stdout
    expected = model.why_row("new.csv", 3, method="shapley", against="new.csv")
    assert shapley == expected.text(80)


def test_a_page_is_written(why, folder):
    assert why("--row", 3, "-o", "why.html").stdout == ""
    assert (folder / "why.html").read_text("utf-8").startswith("<!doctype html>")
    assert why("--row", 3, "--format", "html").stdout == (folder / "why.html").read_text("utf-8")


@pytest.mark.parametrize("name", ["all.csv", "all.parquet"])
def test_all_rows_are_a_table_that_may_be_written_again(why, folder, name):
    result = why("--keep", "id", "-o", name)
    assert result.exit_code == 0
    assert "they add up to within" in result.stderr
    read = pl.read_csv if name.endswith("csv") else pl.read_parquet
    expected = ["id", "output", "value", "baseline", "residue", "contribution_x", "contribution_z"]
    assert read(folder / name).columns == expected
    assert len(read(folder / name)) == 60
    assert why("-o", name).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--row", 61], "new.csv: has 60 rows, and no row 61"),
        (["--row", 3, "--for", "maybe"], "unknown output 'maybe'"),
        (["--row", 3, "--keep", "id"], "--keep is of all rows; leave --row out"),
        (["--row", 3, "--by", "w1"], "--by is of a chain rule; name it by --of"),
        (["--row", 3, "--format", "latex"], "--format latex is of a chain rule; name it by --of"),
        (["--format", "html"], "--format is of one row; name it by --row"),
        (["--row", 3, "--of", "w1", "--log-odds"], "--log-odds explains a prediction; leave --of"),
        (["--row", 3, "--of", "w1", "--for", "yes"], "--for explains a prediction; leave --of out"),
        (["--row", 3, "-o", "no/why.html"], "there is no folder no"),
        (["--row", 3, "-o", "why.pdf"], "a name that ends in .html, .txt"),
        (["--row", 3, "-o", "new.csv"], "give a format, or a name that ends in"),
        (["-o", "new.csv"], "new.csv: is being read"),
        (["-o", "kinds.model"], "kinds.model: is being read"),
        (["--against", "none.csv"], "none.csv"),
    ],
)
def test_what_cannot_be_explained_is_refused_in_a_line(why, folder, arguments, message):
    before = sorted(path.name for path in folder.iterdir())
    result = why(*arguments)
    assert result.exit_code == 2
    assert message in result.output.splitlines()[-1]
    assert result.output.splitlines()[-1].startswith("Error: ")
    assert sorted(path.name for path in folder.iterdir()) == before


def test_rows_that_cannot_be_read_are_named(why, folder):
    TABLE.with_columns(x=pl.lit("a lot")).write_csv(folder / "bad.csv")
    given = ["explain", "kinds.model", "--data", "bad.csv", "-o", "out.csv"]
    result = CliRunner().invoke(main, given)
    assert result.exit_code == 2
    assert "column 'x' held numbers in training" in result.output
    assert not (folder / "out.csv").exists()
