"""Arguments in messages become options that the command reads to the same values."""

import ast
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.cli.click_options import given
from chainrule.cli.option_names import about_in_options, as_options
from chainrule.cli.train import train
from chainrule.errors import argument
from commands import houses, refused, run

NAMES = [
    "x",
    "net weight",
    "a,b",
    "#",
    "it's",
    'say "hi"',
    "a`b",
    "50%",
    "a=b",
    "naïve",
    "-x",
    "$HOME",
]


def read(message):
    """What the command makes of a message that is an option."""
    words = shlex.split(as_options(message))
    with train.make_context("train", ["t.csv", "--target", "y", *words]) as context:
        made = given(context.params)
    return {name: made[name] for name in made if name not in ("table", "target")}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((option, [each]) for option in ("numbers", "categories", "leave_out") for each in NAMES),
        *((option, each) for option in ("weight", "groups", "time") for each in NAMES[:5]),
        *(("decimal", sign) for sign in ".,"),
        *(("thousands", sign) for sign in (".", ",", "'", " ")),
        ("task", "regression"),
        ("loss", "cross_entropy(0.1)"),
        ("header", True),
        ("header", False),
        ("memory", 300_000_000),
        ("shards", 8),
        ("seed", 7),
    ],
)
def test_an_argument_is_read_as_the_option_that_it_becomes(name, value):
    assert read(argument(name, value)).items() >= {name: value}.items()


def test_any_columns_are_read_as_they_are_called():
    draw = np.random.default_rng(0)
    for _ in range(300):
        signs = draw.choice(list("ab ,;\"'`$\\%=<>|&*?#~!()[]{}é"), (3, 4))
        names = [f"x{''.join(each)}x" for each in signs]
        assert read(argument("categories", names))["categories"] == list(dict.fromkeys(names))


def test_what_a_table_holds_is_no_argument():
    for said in ("seed=0/part.csv: has no rows", "column 'groups=' holds text", "`a b=1` and `x`"):
        assert as_options(said) == said
    assert as_options("such as `missing='cut off") == "such as `missing='cut off"
    assert as_options("`groups=` and `time=` exclude each other") == (
        "--groups and --time exclude each other"
    )


COMMANDS = {"demo", "worksheet.py"}
"""What says, outside of the command, how it is called."""


def test_only_the_command_knows_of_dashes():
    known = "|".join(flag for option in train.params for flag in option.opts if flag[:2] == "--")
    root = Path(cr.__file__).parent
    for path in root.rglob("*.py"):
        if not {"cli", *COMMANDS} & set(path.relative_to(root).parts):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    assert not re.search(rf"({known})(?![\w-])", node.value), (path, node.value)


@pytest.mark.parametrize(
    "command", [["predict"], ["evaluate"], ["explain", "--of", "w1", "--data"]]
)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--skip-lines", -1], "--skip-lines must be a whole number >= 0, got -1"),
        (["--decimal", ",", "--thousands", ","], "--decimal and --thousands must differ, got ','"),
    ],
)
def test_what_is_asked_of_a_new_table_is_refused_by_its_option(model, command, options, message):
    table = [model, "houses.csv"] if command[0] != "explain" else ["houses.csv", model]
    refused(run(*command, *table, *options), f"Error: {message}")


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    houses(40).write_csv("houses.csv")
    cr.train("houses.csv", "price", epochs=1, hidden=[2], out="houses.model")
    return "houses.model"


def test_what_is_known_of_a_model_has_options_in_its_words_alone():
    decided = {"column": "`groups=`", "role": "text", "reason": "3 numbers; say `missing=`"}
    about = {"decisions": [decided], "warnings": ["use `groups=`"], "options": {"groups": None}}
    told = about_in_options(about)
    assert told["decisions"] == [decided | {"reason": "3 numbers; say --missing"}]
    assert told["warnings"] == ["use --groups"]
    assert told["options"] == {"groups": None}
    assert about["warnings"] == ["use `groups=`"]
    assert about_in_options({"kind": "network"}) == {"kind": "network"}
