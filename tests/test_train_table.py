"""`cr.train`: its arguments, what it writes, and what it calls on the way."""

import ast
import dataclasses
import inspect
import re
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.tabular.read_options import Reading
from chainrule.tabular.training_options import Options
from commands import QUICK, houses, ran

SHORT = {"epochs": 2, "hidden": [4], "effort": "fast"}
FIELDS = {each.name: each for kind in (Reading, Options) for each in dataclasses.fields(kind)}
TABLE = houses(120)


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A folder with a table, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    TABLE.write_csv("houses.csv")


def trained(table="houses.csv", **options):
    return cr.train(table, "price", **{**SHORT, **options})


# Its arguments


def test_its_options_are_the_fields_with_their_defaults():
    own = inspect.signature(cr.train).parameters
    names = [*own]
    assert names[names.index("callbacks") + 1 :] == [*FIELDS]
    for name, field in FIELDS.items():
        assert own[name].kind is inspect.Parameter.KEYWORD_ONLY
        assert own[name].default == (None if name == "order" else field.default), name


def test_each_option_says_what_its_field_says():
    text = re.sub(r"(?<=\S)\n +(?=\S)", " ", inspect.getdoc(cr.train))  # one line each
    for name, field in FIELDS.items():
        assert f"\n{name} {field.metadata['help']}\n" in text


def test_a_name_that_is_none_of_them_is_refused():
    with pytest.raises(ValueError, match="unknown option 'epoch'; did you mean 'epochs'"):
        cr.train("houses.csv", "price", epoch=3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"callbacks": 3}, "callbacks must be a list of functions of a Trainer, got 3"),
        ({"callbacks": [3]}, "callbacks must hold functions of a Trainer, got 3"),
        ({"checkpoint_every": -1}, "checkpoint_every must be a finite number >= 0, got -1"),
        ({"groups": "nope"}, "^`groups='nope'` is no column of the table$"),
        ({"metric": "accuracy"}, "^`metric='accuracy'` is not for .*, or `task='classification'`$"),
    ],
)
def test_what_is_refused_is_called_as_python_has_it(options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        trained(**options, checkpoint="run")
    assert not Path("run").exists()


# What it calls


def test_callbacks_are_called_after_each_visit_of_both_trainings():
    seen = []
    trained(callbacks=[lambda it: seen.append(it.epochs), lambda it: seen.append(it.losses[-1])])
    assert seen[::2] == [1, 2, 1, 2]
    assert np.isfinite(seen[1::2]).all()


def test_a_callback_that_returns_true_ends_the_training():
    model = trained(epochs=50, callbacks=lambda it: it.epochs == 3)
    assert (model.about["epochs"], model.about["over"]) == (3, "callback")
    assert model.about["epochs_with_all"] == 0
    assert "for a callback ended the training" in model.about["refit"]
    model.save("some.model")
    assert cr.TableModel.load("some.model").about.items() >= model.about.items()
    assert "a callback ended" in " ".join(ran("inspect", "some.model").stdout.split())


def test_a_refit_that_is_asked_for_follows_a_training_that_was_ended():
    model = trained(epochs=50, refit=True, callbacks=lambda it: it.epochs == 3)
    assert (model.about["epochs"], model.about["epochs_with_all"]) == (3, 3)


class Observer:
    def __init__(self):
        self.said = []

    def begin(self, training, trainer):
        self.said.append(("begins", trainer is training.trainer, len(training.prepared.rows)))

    def __call__(self, trainer):
        self.said.append(trainer.epochs)


def test_an_observer_is_told_as_each_training_begins():
    observer = Observer()
    trained(callbacks=[observer])
    assert observer.said == [("begins", True, 120), 1, 2, ("begins", False, 120), 1, 2]


# What it writes


def test_the_model_and_the_page_are_those_of_the_command():
    how = ("--target", "price", *QUICK, "--quiet")
    ran("train", "houses.csv", *how, "--out", "by.model", "--report", "by.html")
    model = trained(out="own.model", report="own.html")
    model.save("again.model")
    files = [Path(name).read_bytes() for name in ("by.model", "own.model", "again.model")]
    assert files[0] == files[1] == files[2]
    assert Path("by.html").read_bytes() == Path("own.html").read_bytes()


def test_a_frame_has_a_page_too():
    trained(TABLE, report="own.html")
    assert Path("own.html").read_text("utf-8").startswith("<!doctype html>")


def test_what_is_there_is_replaced_by_force_only():
    trained(out="own.model")
    before = Path("own.model").read_bytes()
    with pytest.raises(FileExistsError, match=r"of another training; replace it by `force=True`"):
        trained(out="own.model", seed=1)
    with pytest.raises(FileExistsError, match=r"is there already; replace it by `force=True`, or"):
        trained(out="own.model", resume=False)
    with pytest.raises(FileExistsError, match=r"is a table; replace it by `force=True`, or"):
        trained(TABLE, report="houses.csv")
    assert Path("own.model").read_bytes() == before
    Path("own.model").write_text("size,price\n100,3\n")
    trained(out="own.model", seed=1, force=True)
    assert cr.TableModel.load("own.model").about["options"]["seed"] == 1
    assert Path("own.model").read_bytes() != before


def test_a_model_of_the_same_training_is_returned_as_it_is():
    trained(out="own.model")
    seen = []
    model = trained(out="own.model", callbacks=seen.append)
    model.save("again.model")
    assert seen == []
    assert Path("again.model").read_bytes() == Path("own.model").read_bytes()


def test_what_is_read_is_not_written():
    before = Path("houses.csv").read_bytes()
    for what in ("out", "report"):
        with pytest.raises(ValueError, match=r"houses.csv: is being read; choose another name"):
            trained(**{what: "./houses.csv"}, force=True)
    assert Path("houses.csv").read_bytes() == before


class CrashError(Exception):
    pass


def crash(trainer):
    if trainer.visits == 4:
        raise CrashError


def test_checkpoints_are_gone_on_from_refused_or_discarded():
    how = {"checkpoint": "run", "checkpoint_every": 0, "epochs": 6}
    whole = trained(epochs=6)
    with pytest.raises(CrashError):
        trained(**how, out="own.model", callbacks=crash)
    with pytest.raises(cr.CheckpointError, match=r"by `resume=True`, or .* by `restart=True`"):
        trained(**how, out="own.model", resume=False)
    first = []
    trained(**how, out="own.model", callbacks=lambda it: first.append(it.epochs))
    assert first[0] == 5
    assert not Path("run").exists()  # the model is saved, and needs them no more
    whole.save("whole.model")
    assert Path("own.model").read_bytes() == Path("whole.model").read_bytes()
    with pytest.raises(CrashError):
        trained(**how, callbacks=crash)
    first = []
    trained(**how, restart=True, callbacks=lambda it: first.append(it.epochs))
    assert first[0] == 1
    assert Path("run").exists()
    with pytest.raises(FileExistsError, match="is there already; replace it by `force=True`"):
        trained(**how, out="own.model", restart=True)


def test_a_model_whose_name_was_taken_is_saved_elsewhere(tmp_path):
    def taken(trainer):
        Path("own.model").write_text("by another")

    with pytest.raises(OSError, match=r"own.model: was made by another .* saved as .*own-2.model"):
        trained(out="own.model", callbacks=taken)
    assert Path("own.model").read_text() == "by another"
    assert cr.TableModel.load("own-2.model")


def _helps(kind):
    """The words of each help as they stand in the source, without what is put into them."""
    tree = ast.parse(inspect.getsource(inspect.getmodule(kind)))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for call in (call for call in calls if getattr(call.func, "id", "") == "option"):
        words = getattr(call.args[1], "values", [call.args[1]])
        yield "".join(word.value for word in words if isinstance(word, ast.Constant))


@pytest.mark.parametrize("kind", [Options, Reading])
def test_a_help_has_no_number_of_its_own_but_in_examples(kind):
    for said in _helps(kind):
        assert not re.search(r"\d", re.sub("(such as|as in) .*", "", said)), said
