"""A run is recorded where that is asked for; else nothing of what was given is kept."""

import gc
import re
import weakref

import numpy as np
import pytest

import chainrule as cr
from chainrule.estimators import MLPClassifier, MLPRegressor
from runs import bits
from strategies import problem

NET = cr.Network(3, [cr.Dense(4, "tanh"), cr.Dense(2)], loss="half_squared_error")


def fit(history=None, epochs=2, **options):
    p = problem(NET, n=6)
    params = p.params if history is None else history.returned
    options = {"batch_size": 2, **options}
    return cr.fit(p.net, params, p.X, p.y, cr.Adam(0.02), epochs=epochs, history=history, **options)


# What is kept


def by_fit(X, y, w, folder, **options):
    net = cr.Network(3, [cr.Dense(4, "tanh"), cr.Dense(2)], loss="half_squared_error")
    start = net.init(0, "float64")
    return cr.fit(net, start, X, y, cr.Adam(), epochs=2, sample_weight=w, **options)


def by_checkpoint(X, y, w, folder):
    start = NET.init(0, "float64")
    checkpoint = cr.Checkpoint(folder, every=0)
    return checkpoint.fit(NET, start, X, y, cr.Adam(), epochs=2, sample_weight=w)


def with_validation(X, y, w, folder):
    return by_fit(X, y, w, folder, validation=(X, y, w))


def with_a_part_held_out(X, y, w, folder):
    return by_fit(X, y, w, folder, validation=0.25)


def in_the_reference_loop(X, y, w, folder):
    return by_fit(X, y, w, folder, engine="reference")


def by_regressor(X, y, w, folder):
    return MLPRegressor(hidden_layer_sizes=(4,)).partial_fit(X, y, w)


def by_fit_of_an_estimator(X, y, w, folder):
    return MLPRegressor(
        hidden_layer_sizes=(4,), early_stopping=True, max_iter=20, tol=1e9, n_iter_no_change=1
    ).fit(X, y, w)


def by_classifier(X, y, w, folder):
    return MLPClassifier((4,)).partial_fit(X, y[:, 0] > 0, w, [False, True])


WAYS = [
    by_fit,
    with_validation,
    with_a_part_held_out,
    in_the_reference_loop,
    by_checkpoint,
    by_regressor,
    by_fit_of_an_estimator,
    by_classifier,
]


@pytest.mark.parametrize("way", WAYS)
def test_what_was_given_is_let_go(way, tmp_path):
    p = problem(NET, n=40)
    given = [p.X.copy(), p.y.copy(), p.w.copy()]
    watched = [weakref.ref(array) for array in given]
    left = way(*given, tmp_path)
    del given
    gc.collect()
    assert [ref() for ref in watched] == [None] * 3
    del left


def test_a_recorded_run_keeps_what_was_given():
    p = problem(NET, n=6)
    _, history = fit(record=True)
    (run,) = history.runs
    np.testing.assert_array_equal(run.X, p.X)
    assert (run.plan.net, run.batch_size, run.start.step) == (NET, 2, 0)
    assert history.net == NET


def test_nothing_is_recorded_unless_that_is_asked_for():
    _, history = fit()
    assert history.runs == ()
    with pytest.raises(ValueError, match=re.escape("holds no run: give fit(record=True)")):
        cr.explain_step(history, step=1, of="w1")


@pytest.mark.parametrize("record", [None, 1, "yes", np.array([True])])
def test_recording_is_asked_for_by_true(record):
    with pytest.raises(TypeError, match="fit: record must be True or False, got"):
        fit(record=record)


@pytest.mark.parametrize("function", [cr.explain_step, cr.contributions])
def test_what_is_no_history_is_refused(function):
    message = f"^{function.__name__}: history must be one that fit returned, got tuple$"
    with pytest.raises(TypeError, match=message):
        function(fit(record=True), of="w1", step=1)


@pytest.mark.parametrize("step", [None, 1.5, "2", True])
def test_a_step_is_a_whole_number(step):
    with pytest.raises(TypeError, match="explain_step: step must be a whole number >= 1, got"):
        cr.explain_step(fit(record=True)[1], step=step, of="w1")


def test_recording_changes_no_bit():
    assert bits(fit()[0]) == bits(fit(record=True)[0])


def test_runs_are_kept_up_to_one_that_is_not_recorded():
    """Whose steps would else be taken for those of the run before it."""
    _, first = fit(record=True)
    _, second = fit(first, record=True)
    assert len(second.runs) == 2
    assert cr.explain_step(second, step=2, of="w1").text()
    _, third = fit(second)
    assert (third.runs, len(second.runs)) == ((), 2)
    _, fourth = fit(third, record=True)
    made = cr.explain_step(fourth, step=20, of="w1").derivation.params
    with pytest.raises(ValueError, match=r"step 18 was made before .*; the steps from 19 on"):
        cr.explain_step(fourth, step=18, of="w1")
    whole = fit(epochs=8, record=True)[1]
    assert bits(cr.explain_step(whole, step=20, of="w1").derivation.params) == bits(made)


def test_what_ends_early_is_recorded_too():
    p = problem(NET, n=6)
    with pytest.raises(cr.DivergenceError) as raised:
        cr.fit(NET, p.params, 1e150 * p.X, p.y, cr.SGD(1e200), epochs=2, record=True)
    history = raised.value.history
    assert len(history.runs) == 1
