"""Files changed and signed anew: each is refused in one line, or used with a right result."""

import json
import random
import re

import numpy as np
import pytest
from click.testing import CliRunner

import chainrule as cr
from chainrule.cli import main
from resigned import (
    STEERING,
    X,
    all_changes,
    arrays_changed,
    changed,
    networks,
    parts,
    put,
    remove,
    signed,
    table,
    tables,
)

SOME = 20
"""The changes of each file that are tried each time: some of thousands, always the same."""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Files of each kind, by kind and name."""
    folder = tmp_path_factory.mktemp("files")
    found = {("table", name): data for name, data in tables(folder).items()}
    return found | {("network", name): data for name, data in networks(folder).items()}


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table().write_csv("table.csv", separator=";")
    return tmp_path / "x.model"


def is_one_line(text):
    return "\n" not in text and not STEERING.search(text) and len(text) < 3000


def refusal(call, kind):
    """What an error of this kind says; "" where there is none."""
    try:
        call()
    except kind as error:
        return str(error)
    return ""


def command(*arguments):
    """The output of a command that ends well, or in one line; None then."""
    result = CliRunner().invoke(main, list(map(str, arguments)))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    if result.exit_code:
        assert result.exit_code in (1, 2), result.output
        assert is_one_line(result.stderr[result.stderr.index("Error: ") : -1]), result.stderr
        return None
    assert not STEERING.search(result.stdout + result.stderr)
    assert not re.search(r"\b(nan|inf|NaN|Infinity)\b", result.stdout), result.stdout
    return result.stdout


def use_table(path):
    for arguments in (["evaluate"], ["evaluate", "--json"], ["predict"]):
        command(arguments[0], path, "table.csv", *arguments[1:])
    command("explain", path, "--data", "table.csv", "--of", "w1")


def use_network(net, params, history):
    given = {"validation": (X, X), "early_stopping": cr.EarlyStopping(2), "history": history}
    said = refusal(lambda: cr.fit(net, params, X, X, cr.Adam(), epochs=1, **given), ValueError)
    assert is_one_line(said)


def tried(path, kind, data):
    """Use a file in every way; whether it was read."""
    path.write_bytes(data)
    shown = command("inspect", path), command("inspect", path, "--json")
    load = cr.TableModel.load if kind == "table" else cr.load
    said = refusal(lambda: load(path), cr.ModelFileError)
    assert is_one_line(said)
    if said:
        assert shown == (None, None)
        return False
    assert json.loads(shown[1])["kind"] == kind
    use_table(path) if kind == "table" else use_network(*load(path))
    return True


@pytest.mark.parametrize("number", range(12))
def test_some_changes_of_every_file(files, place, number):
    (kind, name), data = list(files.items())[number]
    about, entries, body = parts(data)
    assert tried(place, kind, data), name
    cases = list(all_changes(about))
    for what, path, change in random.Random(name).sample(cases, SOME):
        try:
            tried(place, kind, signed(changed(about, path, change), entries, body))
        except Exception as error:
            raise AssertionError(f"{kind} {name}: {what}") from error


def test_there_are_as_many_files(files):
    assert len(files) == 12


# What a file tells, place by place

WRONG = [
    # the path, its new value (... removes it), what is said
    (["decisions", 1, "reason"], 5, "decisions[1].reason must be a text, got 5"),
    (["decisions", 1, "role"], "spy", "decisions[1].role must be one of 'number', 'category'"),
    (["decisions", 0, "role"], "left out", "the columns of decisions that become inputs must be"),
    (["decisions", 0, "column"], "kin", "the columns of decisions that become inputs must be"),
    (
        ["decisions", 0],
        {},
        "decisions[0] must have the keys column, role, reason: the key 'column'",
    ),
    (["decisions"], None, "decisions must be a list, got None"),
    (["rows", "training"], -1, "rows.training must be a whole number >= 0, got -1"),
    (["rows", "training"], 1.0, "rows.training must be a whole number >= 0, got 1.0"),
    (["rows", "training"], True, "rows.training must be a whole number >= 0, got True"),
    (["rows", "held"], 1, "rows must have the keys training, validation, without_target: the key"),
    (["epochs"], "2", "epochs must be a whole number >= 0, got '2'"),
    (["epochs"], 3, "the array 'curves.loss' must hold one number an epoch"),
    (["best_epoch"], 3, "best_epoch must be one of the 2 epochs, got 3"),
    (["over"], "boredom", "over must be one of '', 'epochs', 'early stopping', 'callback', got"),
    (["options", "epochs"], "x", "options: epochs must be a whole number >= 1, got 'x'"),
    (["options", "epochs"], ..., "options must have the key 'epochs'"),
    (["options", "more"], 1, "options: unknown option 'more'"),
    (["options", "metric"], "luck", "options: unknown metric 'luck'"),
    (["reading"], {"decimal": ";"}, "reading: unknown decimal ';'"),
    (["reading"], {"skip_lines": -1}, "reading: skip_lines must be a whole number >= 0, got -1"),
    (["validation", "model", "accuracy"], "x", "validation.model.accuracy must be a finite numb"),
    (["validation", "model", "rmse"], 1.0, "the scores of validation.baseline must be"),
    (["validation", "baseline", "accuracy"], ..., "the scores of validation.baseline must be"),
    (["validation", "classes", 0, "class"], "a", "the classes of validation must be ['flat', 'h"),
    (["validation", "classes", 1], ..., "the classes of validation must be ['flat', 'house', 'l"),
    (["validation", "classes", 0, "f1"], 1.5, "f1 must be a number from 0 to 1, got 1.5"),
    (["warnings"], ["a", 1], "warnings[1] must be a text, got 1"),
    (["more"], 1, "the key 'more' is not known"),
    (["target", "classes", 1], "villa", "the classes of validation must be ['flat', 'villa', 'l"),
    (["target", "classes", 1], 7, "target.classes must be one or more different texts"),
    (["target", "column"], "x", "the target of decisions must be ['x'], got ['kind']"),
    (["network", "loss"], "hinge", "the task of network.loss must be 'classification', got ''"),
    (["network", "loss"], "poisson", "the task of network.loss must be 'classification', got 're"),
    (["network", "layers", 1, "units"], 2**40, "1.W must have shape (1099511627776, "),
    (["network", "layers", 1, "units"], 2**62, "network: Network: layer 1, Dense("),
    (["preparation", "encoders", 0, "centre"], None, "encoders[0].centre must be a finite number"),
    (["preparation", "encoders", 0], ..., "inputs, and its table needs"),
    (["forms", "size", "decimal"], "\x1b", "forms.size.decimal must be '.' or ',', got '\\x1b'"),
]


@pytest.mark.parametrize(("path", "value", "message"), WRONG)
def test_what_is_not_as_declared_is_refused_by_its_place(files, place, path, value, message):
    about, entries, body = parts(files["table", "classes"])
    told = changed(about, path, remove if value is ... else put(value))
    place.write_bytes(signed(told, entries, body))
    with pytest.raises(cr.ModelFileError) as caught:
        cr.TableModel.load(place)
    assert message in str(caught.value), caught.value


def test_quantiles_are_those_of_the_loss(files, place):
    about, entries, body = parts(files["table", "quantiles"])
    told = changed(about, ["target", "quantiles"], put([0.1, 0.5, 0.8]))
    place.write_bytes(signed(told, entries, body))
    with pytest.raises(cr.ModelFileError, match=r"quantiles of network.loss must be \(0.1, 0.5"):
        cr.TableModel.load(place)


def test_what_could_not_be_read_again_is_not_written(files, place):
    place.write_bytes(files["table", "classes"])
    model = cr.TableModel.load(place)
    model.about["warnings"].append(3)
    with pytest.raises(ValueError, match=r"warnings\[\d+\] must be a text, got 3"):
        model.save(place)
    assert place.read_bytes() == files["table", "classes"]


# Parameters of other sizes

LARGE = 3e38


@pytest.mark.parametrize("name", ["regression", "classes", "quantiles", "counts"])
def test_a_prediction_that_is_not_finite_is_an_error_with_its_row(files, place, name):
    data = dict(arrays_changed(*parts(files["table", name])))[f"arrays of {LARGE}"]
    if name == "classes":  # whose baseline is checked
        data = with_parameters(files["table", name], LARGE)
    place.write_bytes(data)
    told = r"the prediction of row 1 is not finite, got (nan|-?inf): its inputs or the param"
    model = cr.TableModel.load(place)
    with pytest.raises(FloatingPointError, match=told):  # and no warning, which would be an error
        model.predict("table.csv")
    place.with_name("p.csv").write_text("before")
    for arguments in (["predict"], ["predict", "-o", "p.csv"], ["evaluate"]):
        result = CliRunner().invoke(main, [arguments[0], str(place), "table.csv", *arguments[1:]])
        assert (result.exit_code, result.stdout) == (1, "")
        assert re.fullmatch(f"Error: {told}.*\n", result.stderr)
    assert place.with_name("p.csv").read_text() == "before"


def with_parameters(data, value):
    about, entries, body = parts(data)
    new = bytearray(body)
    for name, entry in entries.items():
        if name.endswith((".W", ".b")):
            begin, end = entry["data_offsets"]
            new[begin:end] = np.full((end - begin) // 4, value, "<f4").tobytes()
    return signed(about, entries, bytes(new))


def test_the_row_is_that_of_the_table(files, place):
    model = loaded(place, files["table", "regression"])
    with pytest.raises(FloatingPointError, match="row 1,002 is not finite"):
        cr.errors.check_predicted(np.array([[1.0], [-np.inf]]), first=1001)
    p = model.outputs(table(), first=5)
    assert np.isfinite(p).all()


def loaded(place, data):
    place.write_bytes(data)
    return cr.TableModel.load(place)


# A run that goes on

COURSE = [
    (["history", "epoch"], 2, "history.epoch must be that of the losses, 3, got 2"),
    (["history", "best_epoch"], 0, "history.best_epoch must have its parameters"),
    (
        ["history", "optimizer"],
        "a\nb",
        "history.optimizer must be the name of a class, got 'a\\nb'",
    ),
    (["network", "layers", 0, "activation"], 7, "an activation must be a name"),
]


@pytest.mark.parametrize(("path", "value", "message"), COURSE)
def test_a_history_that_does_not_fit_is_refused(files, place, path, value, message):
    about, entries, body = parts(files["network", "validated"])
    place.write_bytes(signed(changed(about, path, put(value)), entries, body))
    with pytest.raises(cr.ModelFileError) as caught:
        cr.load(place)
    assert message in str(caught.value)


RESUMED = [
    (["network", "l2"], 0.5, "its checkpoint holds another network than its run has"),
    (["network", "layers", 1, "rate"], 0.5, "its checkpoint holds another network than its run"),
    (["run", "seed"], "\x1b[2J", "seed is \\u001b[2J there, 0 here"),
    (["run"], 3, "do not say of what run they are"),
    (["history", "step"], 0, "history.step must be one an epoch or more"),
]


@pytest.mark.parametrize(("path", "value", "message"), RESUMED)
def test_a_checkpoint_changed_is_refused(tmp_path, path, value, message):
    def go_on(epochs):
        net = cr.Network(2, [cr.Dense(3), cr.Dropout(0.1), cr.Dense(2)], "half_squared_error")
        checkpoint = cr.Checkpoint(tmp_path, every=0)
        return checkpoint.fit(net, net.init(0), X, X, cr.SGD(0.01), epochs=epochs)

    go_on(2)
    newest = cr.Checkpoint(tmp_path).newest
    about, entries, body = parts(newest.read_bytes())
    newest.write_bytes(signed(changed(about, path, put(value)), entries, body))
    with pytest.raises(cr.CheckpointError) as caught:
        go_on(3)
    assert message in str(caught.value)
