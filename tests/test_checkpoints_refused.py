"""What no run goes on from: a checkpoint of another run, of another kind, and bad input."""

import re

import numpy as np
import pytest

import chainrule as cr
from chainrule.activations import leaky_relu
from chainrule.serialization import Store, read_file
from runs import LOGITS
from test_checkpoints_runs import P, at, files, run
from test_serialization_specifications import SINE

# Another run

WITH = {"validation": (P.X, P.y), "freeze": ["*.b"], "clip_norm": 1.0, "sample_weight": P.w}
DENSE = LOGITS.layers[0]


def put(array, place, value):
    array = np.array(array)
    array[place] = value
    return array


def net(*layers, loss="cross_entropy", inputs=3, **more):
    return {"net": cr.Network(inputs, layers or LOGITS.layers, loss=loss, **more)}


def other(first):
    """Another network with its own parameters."""
    return {"net": first["net"], "params": first["net"].init(0, "float64")}


THERE, HERE = " there, ", " here"
SHA = r"with SHA-256 [0-9a-f]{16}…"
ANOTHER = {
    "units": (
        other(net(cr.Dense(5, "tanh"), *LOGITS.layers[1:])),
        re.escape("layer 0 is Dense(4, 'tanh') there, Dense(5, 'tanh') here"),
    ),
    "activation": (
        net(cr.Dense(4, leaky_relu(0.1)), *LOGITS.layers[1:]),
        re.escape("layer 0 is Dense(4, 'tanh') there, Dense(4, 'leaky_relu(0.1)') here"),
    ),
    "fewer layers": (
        other(net(*LOGITS.layers[:1], cr.Dense(2))),
        re.escape("layer 1 is Dropout(0.25) there, Dense(2, 'identity') here"),
    ),
    "inputs": (
        {**other(net(inputs=2)), "X": P.X[:, :2]},
        "inputs is 3 there, 2 here",
    ),
    "loss": (
        net(loss="cross_entropy(0.1)"),
        r"loss is cross_entropy there, cross_entropy\(0\.1\) here",
    ),
    "l1": (net(l1=0.5), r"l1 is 0\.0 there, 0\.5 here"),
    "l2": (net(l2=0.5), r"l2 is 0\.0 there, 0\.5 here"),
    "optimizer": ({"optimizer": cr.SGD(0.1)}, r"optimizer is Adam\(.*\) there, SGD\(.*\) here"),
    "rate": (
        {"optimizer": cr.Adam(0.5)},
        r"optimizer is Adam\(learning_rate=0\.001, .*\) there, Adam\(learning_rate=0\.5, .*\) here",
    ),
    "batch_size": ({"batch_size": 3}, "batch_size is 32 there, 3 here"),
    "seed": ({"seed": 7}, "seed is 0 there, 7 here"),
    "shuffle": ({"shuffle": False}, "shuffle is True there, False here"),
    "clip_value": ({"clip_value": 0.5}, r"clip_value is None there, 0\.5 here"),
    "clip_norm": ({"clip_norm": None}, r"clip_norm is 1\.0 there, None here"),
    "freeze": ({"freeze": ["0.b"]}, r"freeze is \['0\.b', '2\.b'\] there, \['0\.b'\] here"),
    "X": (
        {"X": put(P.X, (0, 0), 0.5)},
        rf"X is float64 \(11, 3\) {SHA} there, float64 \(11, 3\) {SHA} here",
    ),
    "another layer": (
        other(net(*LOGITS.layers, cr.Dense(2))),
        re.escape("layer 3 is missing there, Dense(2, 'identity') here"),
    ),
    "fewer examples": (
        {"X": P.X[:9], "y": P.y[:9], "sample_weight": P.w[:9]},
        rf"X is float64 \(11, 3\) {SHA} there, float64 \(9, 3\) {SHA} here",
    ),
    "y": (
        {"y": P.y[:, ::-1]},
        rf"y is float64 \(11, 2\) {SHA} there, float64 \(11, 2\) {SHA} here",
    ),
    "weights": (
        {"sample_weight": None},
        rf"sample_weight is float64 \(11,\) {SHA} there, None here",
    ),
    "validation": (
        {"validation": (P.X[:5], P.y[:5])},
        rf"validation is float64 \(11, 3\) {SHA}, float64 \(11, 2\) {SHA} there, .* here",
    ),
    "a fraction": ({"validation": 0.2}, r"validation is float64 .* there, 0\.2 here"),
    "first parameters": (
        {"params": LOGITS.init(9, "float64")},
        rf"params is float64 \(26,\) {SHA} there, float64 \(26,\) {SHA} here",
    ),
    "dtype": (
        {"params": LOGITS.init(0)},
        rf"params is float64 \(26,\) {SHA} there, float32 \(26,\) {SHA} here",
    ),
}


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A directory with a run that has everything."""
    folder = tmp_path_factory.mktemp("begun")
    run(cr.Checkpoint(folder), **WITH)
    return folder


@pytest.mark.parametrize("name", ANOTHER)
def test_another_run_is_refused_with_what_differs(begun, name):
    changes, message = ANOTHER[name]
    before = [(path, path.read_bytes()) for path in files(begun)]
    with pytest.raises(cr.CheckpointError) as caught:
        run(cr.Checkpoint(begun), **{**WITH, **changes, "epochs": 9})
    expected = (
        f"{re.escape(str(begun))}: its checkpoint is of another run: {message}; take another "
        "directory for this run, or remove that one to start anew"
    )
    assert re.fullmatch(expected, str(caught.value))
    assert [(path, path.read_bytes()) for path in files(begun)] == before


def test_what_does_not_change_the_bits_may_differ(begun):
    changes = {"threads": 2, "early_stopping": cr.EarlyStopping(99), "callbacks": [at(99)]}
    run(cr.Checkpoint(str(begun), every=7, keep=1), **{**WITH, **changes, "epochs": 5})


def test_fewer_epochs_than_were_made_are_refused(tmp_path):
    run(cr.Checkpoint(tmp_path))
    message = r": its checkpoint is after epoch 4, and epochs=3 ask for less; ask for more, or take"
    with pytest.raises(cr.CheckpointError, match=message):
        run(cr.Checkpoint(tmp_path), epochs=3)


# What is not a checkpoint of a run


def saved(folder, arrays, about):
    with Store(folder) as store:
        store.save(arrays, about)


def test_checkpoints_of_another_kind_are_refused(tmp_path):
    saved(tmp_path, {}, {"kind": "table"})
    with pytest.raises(cr.CheckpointError, match="do not say of what run they are"):
        run(cr.Checkpoint(tmp_path))


@pytest.mark.filterwarnings("ignore:a checkpoint is passed over:RuntimeWarning")
def test_a_newer_format_is_refused(tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("chainrule.serialization.file_header.FORMAT", 2)
        run(cr.Checkpoint(tmp_path))
    with pytest.raises(cr.CheckpointError, match="is of format 2, and Chainrule 0"):
        run(cr.Checkpoint(tmp_path))


def test_contents_that_do_not_fit_are_refused(tmp_path):
    run(cr.Checkpoint(tmp_path))
    arrays, about = read_file(files(tmp_path)[-1])
    saved(tmp_path, {**arrays, "x": np.zeros(1)}, about)
    with pytest.raises(
        cr.CheckpointError, match="'x' belongs to nothing in it; take another direct"
    ):
        run(cr.Checkpoint(tmp_path), epochs=9)
    only = {name: array for name, array in arrays.items() if name[0] in "012"}
    saved(tmp_path, only, {**about, "history": None})
    with pytest.raises(cr.CheckpointError, match="its history is missing; take another directory"):
        run(cr.Checkpoint(tmp_path), epochs=9)


# Bad input costs nothing

BAD = {
    "own activation": (net(cr.Dense(2, SINE)), ValueError, "is of your own making"),
    "parameters": ({"params": None}, ValueError, "params must be made by net.init"),
    "optimizer": ({"optimizer": "adam"}, TypeError, "fit: optimizer must be one such as cr.Adam"),
    "epochs": ({"epochs": 0}, ValueError, "fit: epochs must be a whole number >= 1, got 0"),
    "freeze": ({"freeze": "0.W"}, TypeError, "fit: freeze must be a list of patterns of names"),
    "a pattern": ({"freeze": ["9.*"]}, ValueError, "unknown parameter to freeze '9.*'"),
    "callbacks": ({"callbacks": [3]}, TypeError, "fit: callbacks must hold functions of a History"),
    "X": ({"X": "text"}, TypeError, "X must be an array of numbers, got dtype"),
    "NaN": ({"X": put(P.X, (0, 0), np.nan)}, ValueError, "X must be finite, got nan at (0, 0)"),
    "y": ({"y": P.y[:3]}, ValueError, "y must have one row for each of the 11 rows of X"),
    "an option": ({"epoch": 3}, TypeError, "got an unexpected keyword argument 'epoch'"),
    "history": (
        {"history": cr.History()},
        TypeError,
        "Checkpoint: history comes from the checkpoint; leave it out",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_leaves_no_checkpoint(tmp_path, name):
    changes, error, message = BAD[name]
    if "net" in changes:
        changes = other(changes)
    with pytest.raises(error, match=re.escape(message)):
        run(cr.Checkpoint(tmp_path / "run"), **changes)
    assert files(tmp_path / "run") == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"every": -1}, "Checkpoint: every must be a finite number >= 0, got -1"),
        ({"every": None}, "Checkpoint: every must be a finite number >= 0, got None"),
        ({"keep": 0}, "Checkpoint: keep must be a whole number >= 1, got 0"),
    ],
)
def test_bad_settings_are_refused(tmp_path, given, message):
    with pytest.raises((TypeError, ValueError), match=message):
        cr.Checkpoint(tmp_path / "run", **given)
    assert not (tmp_path / "run").exists()
