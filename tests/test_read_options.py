"""How a table is to be read: said once, wherever a table is named."""

import re

import polars as pl
import pytest

import chainrule as cr
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.read_options import Reading
from chainrule.tabular.table_error import TableError
from commands import houses, ran, refused, run


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    houses(60).write_csv("houses.csv", separator=":")


def test_every_command_that_reads_a_table_takes_the_options():
    ran("train", "houses.csv", "--delimiter", ":", "--target", "price", "--epochs", 1, "--quiet")
    for command in (["predict"], ["evaluate"], ["explain", "--of", "w1", "--data"]):
        name, *more = command
        model = ["houses.model", *more, "houses.csv"]
        assert run(name, *model).exit_code == 2
        ran(name, *model, "--delimiter", ":")


def test_functions_and_methods_take_them_too():
    model = cr.train("houses.csv", "price", delimiter=":", epochs=1)
    with pytest.raises(TableError, match="size"):
        model.predict("houses.csv")
    assert model.predict("houses.csv", delimiter=":").height == 60
    assert model.evaluate("houses.csv", delimiter=":")["rows"]["scored"] == 60
    assert model.example("houses.csv", 3, delimiter=":")[1].shape == (1,)


def test_a_source_that_is_open_is_read_as_it_was_opened():
    source = open_source("houses.csv", delimiter=":")
    assert open_source(source) is source
    assert source.reading == Reading(delimiter=":")
    with pytest.raises(TableError, match=r"houses.csv: is open; say how it is read where it is"):
        open_source(source, delimiter=";")


@pytest.mark.parametrize(
    ("words", "missing"),
    [([], None), (["--missing", ""], ()), (["--missing", "NA,-", "--missing", "x"], "NA - x")],
)
def test_words_for_missing_values(words, missing):
    printed = ran("train", *words, "--print-config").stdout
    found = re.search(r"^(?:# )?missing =(.*)$", printed, re.MULTILINE)[1]
    expected = "" if missing is None else str(list(missing and missing.split())).replace("'", '"')
    assert found.strip() == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"delimeter": ";"}, "unknown option 'delimeter'; did you mean 'delimiter'"),
        ({"skip_lines": -1}, "skip_lines must be a whole number >= 0, got -1"),
        ({"header": "no"}, "header must be True or False, got 'no'"),
        ({"missing": 3}, r"missing must be a list of texts, such as \['a', 'b'\], got 3"),
        ({"missing": [3]}, r"missing\[0\] must be a text, got 3 of type int"),
        ({"decimal": ";"}, "unknown decimal ';'"),
        (
            {"decimal": ",", "thousands": ","},
            "`decimal=` and `thousands=` must differ, got ',' for both",
        ),
        ({"sheet": 2}, "sheet must be a text, got 2 of type int"),
    ],
)
def test_what_is_no_option_is_refused(given, message):
    for use in (open_source, lambda table, **more: cr.train(table, "price", **more)):
        with pytest.raises((TypeError, ValueError), match=message):
            use(pl.DataFrame({"price": [1]}), **given)


def test_an_option_of_a_table_needs_one():
    refused(run("explain", "2-2-2", "--of", "w5", "--no-header"), "--header is of a table; name it")
