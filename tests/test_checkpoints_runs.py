"""Runs that are broken off and run again: the same bits, and files at the right moments."""

import contextlib
import time
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.optimizers import OPTIMIZERS
from chainrule.serialization import Store, read_file
from refusals import XP
from runs import LOGITS, bits, example
from test_serialization_models import course
from test_training_continued import OPTIONS

P = example(LOGITS)


class BrokenOffError(Exception):
    """What breaks a run off."""


def at(epoch):
    """A callback that breaks the run off after an epoch."""

    def crash(history):
        if history.epochs == epoch:
            raise BrokenOffError

    return crash


def run(checkpoint, optimizer=None, *, net=LOGITS, params=P.params, X=P.X, y=P.y, **options):
    return checkpoint.fit(net, params, X, y, optimizer or cr.Adam(), **{"epochs": 4, **options})


def files(folder):
    return sorted(Path(folder).glob("checkpoint-*.model"))


# The same bits


@pytest.mark.parametrize("name", OPTIMIZERS)
@settings(max_examples=10)
@given(
    options=OPTIONS,
    crashes=st.lists(st.integers(1, 6), max_size=4),
    epochs=st.integers(1, 6),
    every=st.sampled_from([0, 1e9]),
)
def test_a_run_broken_off_again_and_again_is_the_run_at_once(
    tmp_path_factory, name, options, crashes, epochs, every
):
    if "early_stopping" in options:
        options.setdefault("validation", 0.2)
    optimizer = OPTIMIZERS[name](cr.StepDecay(0.1, every=4, factor=0.7))
    checkpoint = cr.Checkpoint(tmp_path_factory.mktemp("run"), every=every, keep=1)
    for crash in crashes:
        with contextlib.suppress(BrokenOffError):
            run(checkpoint, optimizer, epochs=epochs, callbacks=[at(crash)], **options)
    params, history = run(checkpoint, optimizer, epochs=epochs, **options)
    at_once, whole = cr.fit(LOGITS, P.params, P.X, P.y, optimizer, epochs=epochs, **options)
    assert bits(params) == bits(at_once)
    assert course(history) == course(whole)
    again, same = run(checkpoint, optimizer, epochs=epochs, **options)
    assert bits(again) == bits(at_once)
    assert course(same) == course(whole)


@pytest.mark.parametrize("engine", ["reference", "auto"])
def test_a_longer_run_goes_on_in_either_engine(tmp_path, engine):
    checkpoint, start = cr.Checkpoint(tmp_path), LOGITS.init(3)
    for epochs in (2, 3, 7):
        params, history = run(checkpoint, params=start, epochs=epochs, engine=engine)
    expected, whole = cr.fit(LOGITS, start, P.X, P.y, cr.Adam(), epochs=7, engine=engine)
    assert bits(params) == bits(expected)
    assert course(history) == course(whole)


def test_a_run_that_is_done_is_not_made_again(tmp_path):
    checkpoint = cr.Checkpoint(tmp_path)
    params, _ = run(checkpoint)
    before = [(path, path.read_bytes()) for path in files(tmp_path)]
    again, history = run(checkpoint, callbacks=[at(4)])
    assert bits(again) == bits(params)
    assert history.epochs == 4
    assert [(path, path.read_bytes()) for path in files(tmp_path)] == before


def test_a_run_that_stopped_early_stays_stopped(tmp_path):
    rule = cr.EarlyStopping(1, tolerance=1e9)
    options = {"epochs": 50, "validation": 0.3, "early_stopping": rule}
    params, history = run(cr.Checkpoint(tmp_path), **options)
    again, same = run(cr.Checkpoint(tmp_path), **options)
    assert (history.epochs, history.stopped, same.epochs) == (2, "early stopping", 2)
    assert bits(again) == bits(params)


def test_a_run_that_was_killed_before_its_last_word_ends_as_it_would_have(tmp_path, monkeypatch):
    """Early stopping returns the best parameters, even where only the end of the run was lost."""
    options = {"epochs": 5, "validation": 0.3, "early_stopping": cr.EarlyStopping(9)}
    checkpoint = cr.Checkpoint(tmp_path, every=0)
    rising = cr.SGD(cr.Exponential(0.5, factor=1.2))  # so that the best are not the last
    with monkeypatch.context() as patched:
        patched.setattr("chainrule.fitting.checkpoint.contents", _fails_at_the_end())
        with pytest.raises(BrokenOffError):
            run(checkpoint, rising, **options)
    params, history = run(checkpoint, rising, **options)
    expected, whole = cr.fit(LOGITS, P.params, P.X, P.y, rising, **options)
    assert bits(params) == bits(expected)
    assert course(history) == course(whole)
    assert history.best_epoch < 5


def _fails_at_the_end():
    from chainrule.serialization.parameter_arrays import contents

    def fails(net, params, history):
        if history and history.epochs == 5:
            raise BrokenOffError
        return contents(net, params, history)

    return fails


def test_divergence_and_interruption_pass_through(tmp_path):
    checkpoint = cr.Checkpoint(tmp_path / "diverges", every=0)
    rate = cr.SGD(cr.StepDecay(0.1, every=3, factor=1e300))
    with pytest.raises(cr.DivergenceError, match="training diverged at epoch ") as caught:
        run(checkpoint, rate, batch_size=None, epochs=99)
    assert course(cr.load(files(tmp_path / "diverges")[-1])[2]) == course(caught.value.history)

    def interrupt(history):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(cr.Checkpoint(tmp_path / "interrupted"), callbacks=[interrupt])


# When they are written, and what they are


def test_every_is_the_fewest_seconds_between_two(tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    written = []

    def tick(history):
        written.append([cr.load(path)[2].epochs for path in files(tmp_path)])
        now[0] += 10

    run(cr.Checkpoint(tmp_path, every=25, keep=9), epochs=9, callbacks=[tick])
    assert [epochs[-1:] for epochs in written] == [[], [], [], [3], [3], [3], [6], [6], [6]]
    assert [cr.load(path)[2].epochs for path in files(tmp_path)] == [3, 6, 9]


def test_zero_writes_after_each_epoch_and_keeps_the_last_few(tmp_path):
    run(cr.Checkpoint(tmp_path, every=0, keep=2), epochs=5)
    assert [cr.load(path)[2].epochs for path in files(tmp_path)] == [4, 5]


def test_a_checkpoint_is_a_file_of_the_network(tmp_path):
    params, history = run(cr.Checkpoint(tmp_path), validation=0.2)
    net, found, loaded = cr.load(files(tmp_path)[-1])
    assert net == LOGITS
    assert bits(found) == bits(params)
    assert course(loaded) == course(history)


def test_callbacks_see_the_run_and_can_end_it(tmp_path):
    seen = []
    callbacks = [lambda history: seen.append(history.epochs), lambda history: history.epochs == 3]
    _, history = run(cr.Checkpoint(tmp_path, every=0), epochs=9, callbacks=iter(callbacks))
    assert (seen, history.stopped) == ([1, 2, 3], "callback")
    assert cr.load(files(tmp_path)[-1])[2].stopped == "callback"


def test_arrays_of_other_libraries_and_lists(tmp_path):
    checkpoint = cr.Checkpoint(tmp_path)
    x = {"X": XP.asarray(P.X.tolist()), "y": P.y.tolist()}
    expected, _ = cr.fit(LOGITS, P.params, P.X, P.y, cr.Adam(), epochs=5)
    run(checkpoint, epochs=3, **x)
    assert bits(run(checkpoint, epochs=5, **x)[0]) == bits(expected)


def test_patterns_may_come_one_by_one(tmp_path):
    for epochs in (2, 4):
        params, _ = run(cr.Checkpoint(tmp_path), epochs=epochs, freeze=iter(["*.b"]))
    expected, _ = cr.fit(LOGITS, P.params, P.X, P.y, cr.Adam(), epochs=4, freeze=["*.b"])
    assert bits(params) == bits(expected)


def test_one_directory_is_open_to_one_run(tmp_path):
    with Store(tmp_path), pytest.raises(cr.CheckpointError, match="writes its checkpoints there"):
        run(cr.Checkpoint(tmp_path))


# Among the callbacks of fit


def test_as_a_callback_it_leaves_what_fit_goes_on_from_to_the_same_bits(tmp_path):
    def fitted(params, epochs, **options):
        return cr.fit(LOGITS, params, P.X, P.y, cr.Adam(), epochs=epochs, seed=3, **options)

    left = cr.Checkpoint(tmp_path, every=0, keep=2)
    with pytest.raises(BrokenOffError):
        fitted(P.params, 5, callbacks=[left, at(3)])
    net, params, history = cr.load(left.newest)
    assert (net, history.epochs, len(files(tmp_path))) == (LOGITS, 3, 2)
    gone_on, _ = fitted(params, 2, history=history)
    assert bits(gone_on) == bits(fitted(P.params, 5)[0])


def test_as_a_callback_it_waits_for_its_time(tmp_path):
    left = cr.Checkpoint(tmp_path, every=1e9)
    cr.fit(LOGITS, P.params, P.X, P.y, cr.Adam(), epochs=3, callbacks=[left])
    with pytest.raises(FileNotFoundError, match="holds no checkpoint"):
        _ = left.newest


# By another arithmetic


def made_by(arithmetic, folder):
    """A run that stands after two epochs, as if this arithmetic had made it; None says nothing."""
    run(cr.Checkpoint(folder), epochs=2)
    arrays, about = read_file(files(folder)[-1])
    del about["format"], about["library"], about["arithmetic"]
    told = {} if arithmetic is None else {"arithmetic": arithmetic}
    with Store(folder) as store:
        store.save(arrays, {**about, **told})


@pytest.mark.parametrize("here", ["fused", "separate", "reference"])
@pytest.mark.parametrize("there", ["fused", "separate", "reference", None, "of a later version"])
def test_going_on_by_another_arithmetic_is_said_in_one_line(tmp_path, monkeypatch, there, here):
    made_by(there, tmp_path)
    monkeypatch.setattr("chainrule.fitting.checkpoint.arithmetic_of_run", lambda *_, **__: here)
    monkeypatch.setattr("chainrule.engine.choice_for", {"separate": "v2", "fused": "v4"}.get)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        run(cr.Checkpoint(tmp_path), epochs=3)
    known = there in ("fused", "separate", "reference")
    assert len(said) == (known and there != here)
    for each in said:
        text = str(each.message)
        assert "\n" not in text
        assert "to other bits than without a break" in text
        choice = {"separate": "v2", "fused": "v4"}.get(there)
        assert ("CHAINRULE_ISA" in text) == (choice is not None and here != "reference")
        assert choice is None or here == "reference" or f"CHAINRULE_ISA={choice} " in text
    assert read_file(files(tmp_path)[-1])[1]["arithmetic"] == here
