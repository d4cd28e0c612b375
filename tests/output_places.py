"""A folder in which commands read and write, and what they say of a place that is taken."""

import shutil
from pathlib import Path

import pytest

from chainrule.explanation.network_file import network_path
from commands import houses, ran, refused, run

TRAIN = ["train", "houses.csv", "--target", "price", "--hidden", "4", "--epochs", "2", "--quiet"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a table, a model, a network, a training in TOML, and a new table."""
    folder = tmp_path_factory.mktemp("made")
    houses(60).write_csv(folder / "houses.csv")
    houses(5, seed=1).write_csv(folder / "new.csv")
    (folder / "some.toml").write_text('target = "price"\n')
    shutil.copy(network_path("2-2-2"), folder / "net.toml")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        ran(*TRAIN)
    return folder


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch, made):
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)


def contents():
    return {path.name: path.read_bytes() for path in Path().iterdir() if path.is_file()}


def refuses(arguments, message):
    """The command is refused, and every file is as it was, and no other there."""
    before = contents()
    refused(run(*arguments), message)
    assert contents() == before
