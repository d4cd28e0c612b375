"""Trainings in TOML files: read, mixed with the command line, refused with their lines, written."""

import dataclasses
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.cli import config
from chainrule.cli.training_files import Files
from chainrule.tabular.read_options import Reading
from chainrule.tabular.training_options import SCHEDULES, TASKS, Options
from commands import houses, ran, refused, run

CONFIG = """\
table = "houses.csv"
target = "price"
out = "best.model"
epochs = 3
hidden = [8, 4]
memory = "300MB"
leave_out = ["id"]

[order]
kind = ["flat", "loft", "house"]
"""


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    houses().write_csv("houses.csv")
    Path("houses.toml").write_text(CONFIG)


def test_a_file_can_say_everything():
    ran("train", "--config", "houses.toml", "--quiet")
    options = cr.TableModel.load("best.model").about["options"]
    assert (options["epochs"], options["hidden"]) == (3, [8, 4])
    assert options["order"] == {"kind": ["flat", "loft", "house"]}


def test_a_file_may_begin_with_the_mark_of_its_encoding():
    Path("houses.toml").write_bytes(b"\xef\xbb\xbf" + CONFIG.encode())
    ran("train", "--config", "houses.toml", "--quiet")
    assert Path("best.model").exists()


def test_the_command_line_wins():
    ran("train", "--config", "houses.toml", "--epochs", 1, "--out", "other.model", "--quiet")
    options = cr.TableModel.load("other.model").about["options"]
    assert (options["epochs"], options["hidden"]) == (1, [8, 4])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("epoch = 3", "houses.toml:1: unknown option 'epoch'; did you mean 'epochs'?"),
        ("learning-rate = 3", "unknown option 'learning-rate'; did you mean 'learning_rate'?"),
        ("dropout = 2", "houses.toml:1: dropout must be a finite number >= 0 and < 1, got 2"),
        ("batch_size = 1.5", "houses.toml:1: batch_size must be a whole number >= 1, got 1.5"),
        (
            "epochs = 3\nepochs = 4",
            "houses.toml:2: cannot overwrite a value: the key 'epochs' stands",
        ),
        ("refit = False", "houses.toml:1: invalid value; true and false are in lower case"),
        ("learning_rate = .1", "a number needs a digit before its point, such as 0.5"),
        ("batch_size = true", "batch_size must be a whole number >= 1, got True"),
        ("numbers = 'id'", "numbers must be a list of texts, such as ['a', 'b'], got 'id'"),
        ("numbers = [1]", "numbers[0] must be a text, got 1 of type int"),
        ("weight = 3", "houses.toml:1: weight must be a text, got 3 of type int"),
        ("delimiter = 3", "houses.toml:1: delimiter must be a text, got 3 of type int"),
        ("task = 'guess'", "unknown task 'guess'. Known: classification, regression"),
        ("checkpoint_every = 'soon'", "checkpoint_every must be seconds, such as 30s or 5min"),
        ("checkpoint_every = -1", "checkpoint_every must be a finite number >= 0, got -1"),
        ("seed = ", "houses.toml:1: invalid value"),
        ("epochs = 4", "houses.toml:5: cannot overwrite a value"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_its_line(line, message):
    Path("houses.toml").write_text(f"{line}\n{CONFIG}")
    refused(run("train", "--config", "houses.toml"), re.escape(message))
    assert not Path("best.model").exists()


@pytest.mark.parametrize("text", ["hidden = 8", 'order = "kind"', "order = {kind = 'flat'}"])
def test_values_of_the_wrong_form_are_refused(text):
    Path("houses.toml").write_text(text)
    refused(run("train", "--config", "houses.toml"), "houses.toml:1: (hidden|order) .*must")


def test_a_file_that_is_no_text_is_refused():
    Path("houses.toml").write_bytes(b"\xff\xfe")
    refused(run("train", "--config", "houses.toml"), "houses.toml: is not UTF-8")


def test_the_options_in_force_are_printed_and_make_the_same_model():
    arguments = ("--config", "houses.toml", "--epochs", 2, "--dropout", 0.1)
    printed = ran("train", *arguments, "--print-config").stdout
    assert not Path("best.model").exists()
    Path("printed.toml").write_text(printed)
    ran("train", *arguments, "--quiet")
    made = Path("best.model").read_bytes()
    ran("train", "--config", "printed.toml", "--quiet", "--force")
    assert Path("best.model").read_bytes() == made


def test_what_is_printed_names_every_option_with_its_help():
    printed = ran("train", "--print-config").stdout
    kinds = (Files, Reading, Options)
    for field in (field for kind in kinds for field in dataclasses.fields(kind)):
        assert re.search(rf"^#? ?\[?{field.name}\]?( =|$)", printed, re.MULTILINE)
        assert f"# {field.metadata['help']}" in printed


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
NAMES = st.lists(TEXTS, max_size=3).map(tuple)
SMALL = st.floats(0.01, 0.99)
OPTIONS = st.builds(
    Options,
    task=st.none() | st.sampled_from(TASKS),
    numbers=NAMES,
    order=st.dictionaries(TEXTS, NAMES, max_size=2),
    weight=st.none() | TEXTS,
    validation=SMALL,
    hidden=st.none() | st.lists(st.integers(1, 99), max_size=3).map(tuple),
    dropout=st.none() | SMALL,
    schedule=st.sampled_from(SCHEDULES),
    seed=st.integers(0, 2**32 - 1),
    memory=st.none() | st.integers(1, 10**12),
)
FILES = st.builds(
    Files, table=st.none() | TEXTS, target=st.none() | TEXTS, checkpoint_every=st.floats(0, 1e6)
)


READING = st.builds(
    Reading,
    header=st.none() | st.booleans(),
    skip_lines=st.none() | st.integers(0, 9),
    number_duplicates=st.booleans(),
    missing=st.none() | NAMES,
)


@given(FILES, READING, OPTIONS)
def test_what_is_printed_is_read_to_the_same(tmp_path_factory, files, reading, options):
    path = tmp_path_factory.getbasetemp() / "printed.toml"
    path.write_text(config.to_toml(files, reading, options), encoding="utf-8", newline="\n")
    assert config.made(config.read(path)) == (files, reading, options)
