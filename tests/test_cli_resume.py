"""The command `train`: what it does not replace, what it goes on from, and how it ends early."""

import errno
import json
import os
import signal
from pathlib import Path

import pytest

from chainrule.fitting.trainer import Trainer
from chainrule.serialization import Store, checkpoint_store
from chainrule.serialization.checkpoint_store import Series
from chainrule.tabular import table_training
from commands import files, houses, refused, train


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A folder with a table, in which the commands are called."""
    monkeypatch.chdir(tmp_path)
    houses().write_csv("houses.csv")
    return tmp_path


# What is replaced, and what is gone on from


def test_a_model_is_replaced_by_force_only():
    train()
    before = Path("houses.model").read_bytes()
    refused(train("--seed", 1), "houses.model: is there already; replace it by --force")
    assert Path("houses.model").read_bytes() == before
    assert train("--seed", 1, "--force").exit_code == 0
    assert Path("houses.model").read_bytes() != before


class CrashError(Exception):
    pass


@pytest.fixture
def broken_off(monkeypatch):
    """A training that was killed after some epochs; the bytes of its model had it not been."""
    assert train("--epochs", 9, "--out", "whole.model").exit_code == 0
    after_visit = Trainer._after_visit

    def crash(training, *given):
        if training.visits == 4:
            raise CrashError
        return after_visit(training, *given)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_after_visit", crash)
        with pytest.raises(CrashError):
            train("--epochs", 9, "--checkpoint-every", 0)
    return Path("whole.model").read_bytes()


def test_a_training_that_was_killed_goes_on_to_the_same_bytes(broken_off):
    assert files() == {"houses.csv", "whole.model", "houses.model.checkpoints"}
    result = train("--epochs", 9, "--resume")
    assert "Going on after epoch 4 of 9." in result.stderr
    assert "since it was resumed after epoch 4" in " ".join(result.stdout.split())
    assert Path("houses.model").read_bytes() == broken_off
    assert files() == {"houses.csv", "whole.model", "houses.model"}


def test_a_training_that_was_killed_is_not_passed_over(broken_off):
    refused(train("--epochs", 9), r"holds checkpoints .* --resume, .* --restart")
    refused(train("--epochs", 9, "--force"), r"holds checkpoints .* --resume, .* --restart")


def test_a_training_that_was_killed_can_be_made_anew(broken_off):
    result = train("--epochs", 9, "--restart")
    assert "Going on" not in result.stderr
    assert Path("houses.model").read_bytes() == broken_off
    assert files() == {"houses.csv", "whole.model", "houses.model"}


def test_another_training_does_not_go_on_from_it(broken_off):
    before = files()
    refused(train("--epochs", 9, "--seed", 5, "--resume"), "seed is 0 there, 5 here")
    assert files() == before


def test_a_model_there_gives_way_to_a_training_that_goes_on(broken_off):
    Path("houses.model").write_bytes(b"from an earlier training")
    assert train("--epochs", 9, "--resume").exit_code == 0
    assert Path("houses.model").read_bytes() == broken_off


def test_to_resume_what_never_began_is_to_begin():
    result = train("--resume")
    assert "No checkpoints in houses.model.checkpoints: starting anew." in result.stderr


@pytest.mark.parametrize("options", [[], ["--json"], ["--quiet"], ["--threads", 1]])
def test_to_resume_what_has_ended_is_nothing_to_do(options):
    made, before = train(), Path("houses.model").stat().st_mtime_ns
    again = train("--resume", *options)
    assert again.exit_code == 0
    assert ("nothing is left to do" in again.stderr) == ("--quiet" not in options)
    if options == ["--json"]:
        assert json.loads(again.stdout)["seconds"] == 0
    elif options != ["--quiet"]:
        told = [line for line in made.stdout.splitlines() if not line.startswith("Time")]
        assert again.stdout.splitlines() == told
    assert Path("houses.model").stat().st_mtime_ns == before


@pytest.mark.parametrize("options", [["--seed", 1], ["--numbers", "id"], ["--target", "size"], []])
def test_a_model_of_another_training_is_not_what_is_resumed(options):
    train()
    made = Path("houses.model").read_bytes()
    if not options:
        houses(seed=1).write_csv("houses.csv")
    refused(train("--resume", *options), "houses.model: is there already, of another training")
    assert Path("houses.model").read_bytes() == made


def test_a_model_that_came_after_the_last_checkpoint_is_kept(broken_off):
    train("--checkpoint", "other", "--quiet")
    other = Path("houses.model").read_bytes()
    last = max(each.stat().st_mtime for each in Path("houses.model.checkpoints").iterdir())
    os.utime("houses.model", (last + 1, last + 1))
    refused(train("--epochs", 9, "--resume"), "houses.model: is there already, of another training")
    assert Path("houses.model").read_bytes() == other
    os.utime("houses.model", (last - 1, last - 1))
    assert train("--epochs", 9, "--resume").exit_code == 0
    assert Path("houses.model").read_bytes() == broken_off


def test_checkpoints_go_where_they_are_asked_to(monkeypatch):
    seen = []
    save = Series.save
    monkeypatch.setattr(
        Series, "save", lambda self, *a: seen.append(self.directory) or save(self, *a)
    )
    assert train("--checkpoint", "kept", "--checkpoint-every", 0).exit_code == 0
    assert seen == [Path("kept")] * 4  # two epochs, twice
    assert files() == {"houses.csv", "houses.model"}


# Signals and failures


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_a_checkpoint_and_says_how_to_go_on(monkeypatch, number, code):
    assert train("--epochs", 9, "--out", "whole.model").exit_code == 0
    with monkeypatch.context() as patch:
        after_visit = Trainer._after_visit

        def signalled(training, *given):
            ends = after_visit(training, *given)
            if training.visits == 3:
                signal.raise_signal(number)
            return ends

        patch.setattr(Trainer, "_after_visit", signalled)
        result = train("--epochs", 9)
    assert result.exit_code == code
    assert result.stderr.splitlines()[-1] == (
        "Interrupted; to go on: main train houses.csv --target price --hidden 4 --effort fast "
        "--epochs 9 --resume"
    )
    assert result.stdout == ""
    assert "Going on after epoch 3 of 9." in train("--epochs", 9, "--resume").stderr
    assert Path("houses.model").read_bytes() == Path("whole.model").read_bytes()


def test_a_signal_before_training_leaves_nothing(monkeypatch):
    monkeypatch.setattr(table_training, "prepare", lambda *_: signal.raise_signal(signal.SIGTERM))
    result = train()
    assert result.exit_code == 143
    assert result.stderr == "\nInterrupted before there was anything to keep.\n"
    assert files() == {"houses.csv"}


def test_a_loss_without_bound_is_said_and_leaves_nothing():
    result = train("--optimizer", "sgd", "--learning-rate", 1e30, "--checkpoint-every", 0)
    refused(result, r"is (nan|inf)\); lower --learning-rate, or set --clip-norm", code=1)
    assert files() == {"houses.csv"}


def test_a_full_disk_is_no_fault_of_the_input(monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("chainrule.atomic_write._write", full)
    refused(train(), "houses.model: No space left on device", code=1)


@pytest.mark.parametrize("full", [{1}, {2}, {1, 2, 3, 4, 5, 6}])
@pytest.mark.filterwarnings("default:.*takes no checkpoint:RuntimeWarning")
def test_a_disk_that_is_full_for_a_moment_costs_a_checkpoint_and_no_training(monkeypatch, full):
    assert train("--epochs", 6, "--out", "whole.model").exit_code == 0
    tried, write = [], checkpoint_store.write_file

    def write_unless_full(path, *what):
        tried.append(path.name)
        if len(tried) in full:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        write(path, *what)

    monkeypatch.setattr(checkpoint_store, "write_file", write_unless_full)
    result = train("--epochs", 6, "--checkpoint-every", 0, "--quiet")
    first = f"checkpoint-{min(full):08}.model"
    assert (result.exit_code, result.stdout, result.stderr) == (
        0,
        "",
        f"Warning: houses.model.checkpoints/{first}: takes no checkpoint: No space left on device; "
        "make room for it; the training goes on without this checkpoint\n",
    )
    assert len(tried) == 12 + (len(full) > 2)  # with all rows too; what failed to its end, again
    assert Path("houses.model").read_bytes() == Path("whole.model").read_bytes()
    assert files() == {"houses.csv", "houses.model", "whole.model"}


def test_a_lack_of_memory_is_said(monkeypatch):
    def large(*_):
        raise MemoryError

    monkeypatch.setattr(table_training, "prepare", large)
    refused(train(), "set --memory 300MB, or less", code=1)


def test_a_training_killed_once_its_model_stands_is_ended_by_resume(monkeypatch):
    def crash(store):
        raise CrashError

    with monkeypatch.context() as patch:
        patch.setattr(Store, "clear", crash)
        with pytest.raises(CrashError):
            train("--checkpoint-every", 0)
    made = Path("houses.model").read_bytes()
    refused(train(), "holds checkpoints")
    assert train("--resume").exit_code == 0
    assert Path("houses.model").read_bytes() == made
    assert files() == {"houses.csv", "houses.model"}
