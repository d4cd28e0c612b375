"""Networks and histories through a file: to the bit, and gone on with as from memory."""

import copy
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.optimizers import OPTIMIZERS
from chainrule.record import TrainingState
from chainrule.serialization import read_file, write_file
from chainrule.trees import leaves, tree_map
from runs import LINE, LOGITS, XP, bits, example, fit
from strategies import problems
from test_serialization_specifications import put
from test_training_continued import DIVERGING, OPTIONS, diverge


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("models") / "some.model"


def through(path, *saved):
    cr.save(path, *saved)
    return cr.load(path)


def course(history):
    """All that a history holds but its runs, bit for bit."""
    last, best = history.last, history.best
    return (
        np.array([history.loss, history.validation_loss or history.loss]).tobytes(),
        (history.best_epoch, history.stopped, history.restored, history.validation_loss == []),
        (bits(last.params), bits(tuple(last.states)), *last[2:]),
        None if best is None else bits(best),
    )


# There and back


@given(problems(), st.sampled_from(["float32", "float64"]))
def test_any_network_comes_back_to_the_bit(path, problem, dtype):
    params = tree_map(lambda leaf: leaf.astype(dtype), problem.params)
    net, found, history = through(path, problem.net, params)
    assert net == problem.net
    assert bits(found) == bits(params)
    assert [type(part) for part in found] == [type(part) for part in net.form]
    assert history is None


@pytest.mark.parametrize("name", OPTIMIZERS)
@settings(max_examples=15)
@given(options=OPTIONS, parts=st.lists(st.integers(1, 3), min_size=2, max_size=3))
def test_a_run_through_files_is_the_run_at_once(path, name, options, parts):
    p = example(LOGITS)
    if "early_stopping" in options:
        options.setdefault("validation", 0.2)
    optimizer = OPTIMIZERS[name](cr.StepDecay(0.1, every=4, factor=0.7))
    params, history = p.params, None
    for epochs in parts:
        params, history = fit(p, optimizer, params, history=history, epochs=epochs, **options)
        net, params, found = through(path, LOGITS, params, history)
        assert net == LOGITS
        assert course(found) == course(history)
        assert found.runs == ()
        history = found
    at_once, whole = fit(p, optimizer, epochs=sum(parts), **options)
    assert bits(params) == bits(at_once)
    assert course(history) == course(whole)


@pytest.mark.parametrize("engine", ["reference", "auto"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_float32_goes_on_to_the_same_bits(path, name, engine):
    p = example(LOGITS)
    start = LOGITS.init(1)
    optimizer, options = OPTIMIZERS[name](), {"engine": engine, "batch_size": 3}
    params, history = fit(p, optimizer, start, epochs=2, **options)
    _, params, history = through(path, LOGITS, params, history)
    params, history = fit(p, optimizer, params, epochs=2, history=history, **options)
    at_once, whole = fit(p, optimizer, start, epochs=4, **options)
    assert bits(params) == bits(at_once)
    assert course(history) == course(whole)


def test_what_diverged_can_be_saved_and_gone_on_with(path):
    case = DIVERGING["update"]
    _, error = diverge(case)
    _, params, history = through(path, case.net, error.params, error.history)
    assert course(history) == course(error.history)
    data = [[1.0], [2.0]], [1.0, 2.0]
    cr.fit(case.net, params, *data, cr.SGD(0.1), epochs=1, history=history)


def test_parameters_of_another_library_come_back_as_numpy_arrays(path):
    given = LINE.init(0, "float64")
    found = through(path, LINE, tree_map(XP.asarray, given))[1]
    assert all(type(leaf) is np.ndarray for leaf in leaves(found))
    assert bits(found) == bits(given)


class Halving(cr.SGD):
    """An optimizer of one's own, whose state is one number."""

    def init(self, w):
        return (np.zeros(1),)

    def step(self, g, state, t):
        return self.rate(t) * g / (1 + state[0]), (state[0] + 1,)


def test_a_run_with_an_optimizer_of_ones_own_comes_back(path):
    p = example(LINE)
    options = {"engine": "reference"}
    params, history = fit(p, Halving(0.1), epochs=2, **options)
    _, params, history = through(path, LINE, params, history)
    params, history = fit(p, Halving(0.1), params, epochs=1, history=history, **options)
    at_once, whole = fit(p, Halving(0.1), epochs=3, **options)
    assert bits(params) == bits(at_once)
    assert course(history) == course(whole)


def test_saving_changes_nothing(path):
    p = example(LOGITS)
    params, history = fit(p, cr.Adam(), epochs=2, validation=0.2)
    before = bits(params), course(history), history.runs
    cr.save(path, LOGITS, params, history)
    assert (bits(params), course(history), history.runs) == before


# What is not saved

TRAINED = fit(example(LOGITS), cr.Adam(), epochs=2)


def test_parameters_that_the_history_did_not_end_with_are_refused(path):
    params, history = TRAINED
    start = example(LOGITS).params
    for other in (start, tree_map(np.float32, params)):
        with pytest.raises(
            ValueError, match="params must be those that the fit returned which made"
        ):
            cr.save(path, LOGITS, other, history)


NOT_SAVED = [
    (LINE, TRAINED[0], None, ValueError, "params must be made by net.init or net.parameters, with"),
    (LOGITS, None, None, ValueError, "params must be made by net.init or net.parameters, with"),
    (LINE, LINE.init(), TRAINED[1], ValueError, "params must be those that the fit returned which"),
    (LINE, LINE.init(), cr.History(), ValueError, "this history holds no run; fit makes histories"),
]


@pytest.mark.parametrize(("net", "params", "history", "error", "message"), NOT_SAVED)
def test_what_does_not_fit_together_is_not_saved(tmp_path, net, params, history, error, message):
    with pytest.raises(error, match=re.escape(message)):
        cr.save(tmp_path / "some.model", net, params, history)
    assert list(tmp_path.iterdir()) == []


def test_a_state_that_is_not_finite_is_not_saved(tmp_path):
    params, history = TRAINED
    states = [(s[0] + np.inf, *s[1:]) for s in history.last.states]
    broken = copy.copy(history)
    broken.last = history.last._replace(states=states)
    with pytest.raises(
        ValueError, match=r"some\.model: its array 'states\.0\.W\.0' must be finite"
    ):
        cr.save(tmp_path / "some.model", LOGITS, params, broken)
    assert list(tmp_path.iterdir()) == []


# What is not loaded


def test_a_file_of_another_kind_is_named(path):
    write_file(path, {}, {"kind": "table"})
    with pytest.raises(cr.ModelFileError) as caught:
        cr.load(path)
    message = "must hold a network alone, got the kind 'table'; what wrote the file reads it"
    assert str(caught.value) == f"{path}: {message}"


@pytest.fixture(scope="module")
def run(path):
    """A saved run with all that a file can hold: its arrays, and what is said of them."""
    p = example(LOGITS)
    stop = cr.EarlyStopping(50)
    params, history = fit(p, cr.Adam(), epochs=3, validation=0.2, early_stopping=stop)
    cr.save(path, LOGITS, params, history)
    return read_file(path)


def loaded(path, arrays, about):
    about = {key: about[key] for key in about if key not in ("format", "library")}
    write_file(path, arrays, about)
    return cr.load(path)


WRONG_ARRAYS = [
    # name, array, message
    ("0.W", None, "the array '0.W' is missing"),
    ("0.W", np.zeros((3, 4)), "layer 0, Dense(4, 'tanh'): 0.W must have shape (4, 3), got (3, 4)"),
    ("0.W", np.zeros((4, 3), int), "0.W must be of a floating dtype, got int64"),
    ("0.W", np.zeros((4, 3), "f4"), "0.b must have the dtype of the others, float32, got float64"),
    ("1.W", np.zeros(1), "the array '1.W' belongs to nothing in it"),
    ("loss", None, "the array 'loss' must hold one float64 an epoch"),
    ("loss", np.zeros((1, 3)), "the array 'loss' must hold one float64 an epoch"),
    (
        "validation_loss",
        np.zeros(3, "f4"),
        "the array 'validation_loss' must hold one float64 an ep",
    ),
    ("last.0.W", None, "the array 'last.0.W' is missing"),
    ("last.0.W", np.zeros((3, 4)), "0.W must have shape (4, 3), got (3, 4)"),
    ("best.0.W", np.zeros((4, 3)), "the array 'best.0.W' belongs to nothing in it"),
    ("states.0.W.0", None, "the array 'states.0.W.1' belongs to nothing in it"),
    (
        "states.0.W.0",
        np.zeros(3),
        "'states.0.W.0' must be as its parameter, float64 (4, 3), got floa",
    ),
    (
        "states.0.W.0",
        np.zeros((4, 3), "f4"),
        "must be as its parameter, float64 (4, 3), got float32",
    ),
    ("states.0.W.3", np.zeros((4, 3)), "the array 'states.0.W.3' belongs to nothing in it"),
    ("states.9.W.0", np.zeros((4, 3)), "the array 'states.9.W.0' belongs to nothing in it"),
]


@pytest.mark.parametrize(("name", "array", "message"), WRONG_ARRAYS)
def test_arrays_that_do_not_fit_are_refused(path, run, name, array, message):
    arrays = {key: run[0][key] for key in run[0] if key != name}
    with pytest.raises(cr.ModelFileError, match=re.escape(message)) as caught:
        loaded(path, arrays if array is None else {**arrays, name: array}, run[1])
    assert str(caught.value).startswith(f"{path}: ")


def test_last_parameters_of_another_dtype_are_refused(path, run):
    arrays = {
        name: array.astype("f4") if name.startswith("last") else array
        for name, array in run[0].items()
    }
    message = r"'last\.0\.W' must be as its parameter, float64 \(4, 3\), got float32 \(4, 3\)"
    with pytest.raises(cr.ModelFileError, match=message):
        loaded(path, arrays, run[1])


KEYS = "step, epoch, optimizer, best_epoch, stopped, restored, settings"
WRONG_ABOUT = [
    # place, value, message
    (["network"], ..., "the key 'network' is missing"),
    (["history"], ..., "the key 'history' is missing"),
    (
        ["more"],
        {},
        "network, history, format, library, run, arithmetic: the key",
    ),
    (["run"], {"seed": 1}, "run.seed must be a text, got 1"),
    (
        ["network"],
        None,
        "network must have the keys inputs, layers, loss, l1, l2, reduction; got",
    ),
    (["network", "layers", 0, "units"], 5, "0.W must have shape (5, 3), got (4, 3)"),
    (["history"], None, "the array 'last.0.W' belongs to nothing in it"),
    (["history"], [], "history must be an object or null, got []"),
    (["history", "step"], ..., f"history must have the keys {KEYS}: the key 'step' is missing"),
    (["history", "steps"], 1, f"history must have the keys {KEYS}: the key 'steps' is not known"),
    (["history", "step"], -1, "history.step must be a whole number >= 0 and < 9007199254740992"),
    (["history", "step"], 2**53, "history.step must be a whole number >= 0 and < 90071992547409"),
    (["history", "step"], 0, "history.step must be one an epoch or more, got 0"),
    (["history", "epoch"], 1.0, "history.epoch must be a whole number >= 0"),
    (["history", "epoch"], 100, "history.epoch must be that of the losses, "),
    (["history", "best_epoch"], True, "history.best_epoch must be a whole number >= 0"),
    (["history", "best_epoch"], 100, "its validation must be of its "),
    (["history", "best_epoch"], 0, "history.best_epoch must have its parameters, and none be"),
    (["history", "optimizer"], None, "history.optimizer must be the name of a class, got None"),
    (["history", "stopped"], False, "history.stopped must be one of '', 'early stopping', 'callb"),
    (["history", "restored"], 1, "history.restored must be true or false, got 1"),
    (["history", "restored"], False, "history.best_epoch must have its parameters"),
]


@pytest.mark.parametrize(("place", "value", "message"), WRONG_ABOUT)
def test_what_is_said_and_does_not_fit_is_refused(path, run, place, value, message):
    with pytest.raises(cr.ModelFileError, match=re.escape(message)) as caught:
        loaded(path, run[0], put(run[1], place, value))
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def places(data, place=()):
    """The place of everything in nested data."""
    yield place
    for key in (
        data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
    ):
        yield from places(data[key], (*place, key))


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        ["", "dense", "dropout", "relu", "elu(", "elu(-1)", "huber(nan)", "\0", "Adam"]
    ),
    st.sampled_from([[], {}, [[]], {"kind": "dense"}, {"kind": "constant", "rate": 1.0}]),
)


@settings(max_examples=200)
@given(data=st.data())
def test_whatever_is_said_a_file_is_refused_or_holds_a_network(path, run, data):
    """Anything in the place of anything that is said, with the right SHA-256."""
    arrays, about = run
    for _ in range(data.draw(st.integers(1, 3))):
        all_places = [place for place in places(about) if place[:1] in (("network",), ("history",))]
        place = data.draw(st.sampled_from(all_places))
        about = put(about, list(place), data.draw(ODD | st.just(...)))
    try:
        net, params, history = loaded(path, arrays, about)
    except cr.ModelFileError:
        return
    assert cr.predict(net, params, np.zeros((1, net.inputs))).shape == (1, net.outputs)
    assert isinstance(history, cr.History)


def test_progress_holds_what_the_files_hold():
    """A field more would be lost on its way through a file."""
    assert TrainingState._fields == ("params", "states", "step", "epoch", "optimizer")
    fields = set(vars(cr.History())) - {"net", "runs", "last", "best"}
    assert fields == {"loss", "validation_loss", "best_epoch", "stopped", "restored", "optimizer"}


# The optimizer of a history


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_optimizer_comes_back_with_its_schedule(path, name):
    p = example(LINE)
    optimizer = OPTIMIZERS[name](cr.WarmUp(2, cr.Cosine(0.01, steps=9)))
    params, history = cr.fit(p.net, p.params, p.X, p.y, optimizer, epochs=1)
    assert history.optimizer == optimizer
    *_, found = through(path, p.net, params, history)
    assert found.optimizer == optimizer
    arrays, about = read_file(path)
    kept = about["history"].pop("settings")
    write_file(path, arrays, about)
    assert cr.load(path)[2].optimizer is None
    other = "sgd" if name != "sgd" else "adagrad"
    for wrong in ({**kept, "kind": other}, {**kept, "rate": 1}, {}, None, "adam"):
        about["history"]["settings"] = wrong
        write_file(path, arrays, about)
        with pytest.raises(ValueError, match=r"some\.model: "):
            cr.load(path)


class Mine(cr.Schedule):
    def __call__(self, t):
        return 0.1 / t


def test_an_optimizer_of_ones_own_stays_out_of_the_file(path):
    p = example(LINE)
    params, history = cr.fit(p.net, p.params, p.X, p.y, cr.Adam(Mine()), epochs=1)
    *_, found = through(path, p.net, params, history)
    assert (found.optimizer, found.at.optimizer) == (None, "Adam")
