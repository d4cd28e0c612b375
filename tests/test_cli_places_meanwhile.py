"""What became of a place while a model was trained for it, by somebody or by a second training."""

import errno
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from chainrule.regular_files import sha256_of
from chainrule.tabular import TableModel, train_table
from chainrule.tabular.output_files import Destination
from chainrule.tabular.training_outputs import claimed
from commands import PROGRAM, ran, refused, run
from output_places import TRAIN, contents, made, place, refuses  # noqa: F401

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")

# What became of a name while a model was trained


def by_another(path):
    path.write_bytes(b"by another")


MEANWHILE = {
    "a file": by_another,
    "a folder": Path.mkdir,
    "a link": lambda path: path.symlink_to("houses.csv"),
    "a pipe": os.mkfifo,
}


@pytest.fixture
def meanwhile(monkeypatch):
    """A function that has something done after a training and before its model is saved."""

    def set_up(happens):
        concluded = train_table.trained_model

        def late(*given):
            happens()
            return concluded(*given)

        monkeypatch.setattr(train_table, "trained_model", late)

    return set_up


@pytest.mark.parametrize("happens", MEANWHILE.values(), ids=MEANWHILE)
@pytest.mark.parametrize("force", [[], ["--force"]])
def test_what_appears_at_the_name_of_a_model_stays(meanwhile, happens, force):
    before = contents()
    meanwhile(lambda: happens(Path("new.model")))
    result = run(*TRAIN, "--out", "new.model", *force)
    refused(
        result,
        r"^Error: new.model: was made by another since this began, and stays; the model is saved "
        r"as .*/new-2.model$",
        code=1,
    )
    assert Path("new-2.model").read_bytes() == before["houses.model"]
    assert contents()["houses.csv"] == before["houses.csv"]
    assert not [*Path().glob("*.checkpoints"), *Path().glob(".*")]


def test_a_model_that_was_to_be_replaced_stays_where_it_is_another(meanwhile):
    Path("new.model").write_bytes(b"an old one")
    meanwhile(lambda: by_another(Path("new.model")))
    Path("new-2.model").write_bytes(b"one more")
    refused(run(*TRAIN, "--out", "new.model", "--force"), "saved as .*new-3.model$", code=1)
    assert Path("new.model").read_bytes() == b"by another"
    assert Path("new-2.model").read_bytes() == b"one more"
    assert TableModel.load("new-3.model")


def test_a_model_that_was_to_be_replaced_may_be_gone(meanwhile):
    meanwhile(Path("houses.model").unlink)
    ran(*TRAIN, "--force")
    assert TableModel.load("houses.model")


def test_a_model_whose_folder_is_gone_is_kept_elsewhere(meanwhile, monkeypatch, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "elsewhere"))
    Path("gone").mkdir()
    meanwhile(lambda: shutil.rmtree("gone"))
    result = run(*TRAIN, "--out", "gone/new.model", "--checkpoint", "run")
    refused(result, "gone/new.model: .* No such file or directory; the model is saved as", code=1)
    assert TableModel.load("elsewhere/new-2.model")


def test_a_page_that_appears_stays_and_the_model_is_saved(meanwhile):
    meanwhile(lambda: by_another(Path("page.html")))
    result = run(*TRAIN, "--out", "new.model", "--report", "page.html")
    refused(result, "page.html: was made by another .*; the page is saved as .*page-2", code=1)
    assert Path("page.html").read_bytes() == b"by another"
    assert Path("page-2.html").read_text("utf-8").startswith("<!doctype html>")
    assert TableModel.load("new.model")


def test_a_full_disk_is_not_passed_over():
    def full(path, replace):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        Destination(Path("new.model")).write(full)


# Two trainings of one model


def test_a_second_training_of_a_model_is_kept_out_from_the_start():
    Path("link.model").symlink_to("new.model")
    with claimed(Path("new.model")):
        for name in ("new.model", "link.model"):
            refuses(
                [*TRAIN, "--out", name, "--checkpoint", "another"],
                f"{name}: process {os.getpid()} is training it; end that first, or choose another",
            )
    ran(*TRAIN, "--out", "new.model", "--checkpoint", "another")
    assert not list(Path().glob(".*"))


def test_what_a_training_that_was_killed_left_is_in_nobodys_way():
    Path(".new.model.lock").write_text("4711")
    Path(".new.model.0123abcd.tmp").write_bytes(b"half")
    Path(".new.model.backup.tmp").write_bytes(b"not ours")
    ran(*TRAIN, "--out", "new.model")
    assert [path.name for path in Path().glob(".*")] == [".new.model.backup.tmp"]


def test_two_processes_end_with_two_models_or_one_refused():
    """Both begin at once, each with checkpoints of its own: what is saved first stays."""
    commands = [
        [*TRAIN, "--out", "new.model", "--seed", str(k), "--checkpoint", f"run{k}", "--json"]
        for k in (1, 2)
    ]
    both = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *(word for word in each if word != "--quiet")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for each in commands
    ]
    said = [process.communicate(timeout=120) for process in both]
    ended = [process.returncode for process in both]
    assert sorted(ended)[0] == 0, said
    for (_, why), code in zip(said, ended, strict=True):
        assert code == 0 or re.search("is training it|is there already", why)
    first = json.loads(said[ended.index(0)][0])
    assert first["sha256"] == sha256_of("new.model")[0]
