"""The record of a run, the rule that ends it early, and the error that ends it badly."""

import math
import pickle

import numpy as np
import pytest

import chainrule as cr
from runs import bits
from strategies import problem

NET = cr.Network(3, [cr.Dense(4, "tanh"), cr.Dense(2)], loss="half_squared_error")


def run(epochs=3, rate=0.05, **options):
    p = problem(NET, n=11)
    return cr.fit(p.net, p.params, p.X, p.y, cr.Adam(rate), epochs=epochs, **options)


# Early stopping

INF = math.inf
OVER = [
    # patience, tolerance, validation losses, whether it is over
    (1, 0.0, [], False),
    (1, 0.0, [3.0], False),
    (1, 0.0, [3.0, 2.0], False),
    (1, 0.0, [3.0, 3.0], True),  # the same is no improvement
    (1, 0.0, [3.0, 4.0], True),
    (2, 0.0, [3.0, 4.0], False),
    (2, 0.0, [3.0, 4.0, 3.5], True),  # better than the last, not than the best
    (2, 0.0, [3.0, 4.0, 2.0], False),
    (2, 0.0, [3.0, 4.0, 2.0, 2.0], False),
    (2, 0.0, [3.0, 4.0, 2.0, 2.0, 2.0], True),
    (1, 0.5, [3.0, 2.75], True),  # better, but not by more than the tolerance
    (1, 0.5, [3.0, 2.5], True),
    (1, 0.5, [3.0, 2.25], False),
    (2, 0.5, [3.0, 2.75, 2.25], False),  # together they are an improvement on 3
    (2, 0.0, [INF, INF], True),
]


@pytest.mark.parametrize(("patience", "tolerance", "losses", "over"), OVER)
def test_early_stopping_waits_for_improvement(patience, tolerance, losses, over):
    before = list(losses)
    assert cr.EarlyStopping(patience, tolerance).is_over(losses) is over
    assert losses == before


def test_early_stopping_is_a_value():
    rule = cr.EarlyStopping(patience=5, tolerance=0.25)
    assert pickle.loads(pickle.dumps(rule)) == rule
    assert hash(rule) == hash(cr.EarlyStopping(5, 0.25))
    assert repr(rule) == "EarlyStopping(patience=5, tolerance=0.25, of='validation_loss')"
    assert cr.EarlyStopping() == cr.EarlyStopping(patience=10, tolerance=0.0)


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"patience": 0}, ValueError, "EarlyStopping: patience must be a whole number >= 1, got 0"),
        ({"patience": 1.5}, TypeError, "EarlyStopping: patience must be a whole number"),
        ({"patience": True}, TypeError, "EarlyStopping: patience must be a whole number"),
        ({"tolerance": -1e-9}, ValueError, "EarlyStopping: tolerance must be a finite number >= 0"),
        ({"tolerance": math.nan}, ValueError, "EarlyStopping: tolerance must be a finite number"),
        (
            {"of": "lost"},
            TypeError,
            "of must be one of 'validation_loss', 'loss', got 'lost'",
        ),
    ],
)
def test_early_stopping_refuses(fields, error, message):
    with pytest.raises(error, match=message):
        cr.EarlyStopping(**fields)


# History


def test_a_history_has_one_figure_an_epoch():
    params, history = run(epochs=3, validation=0.3)
    assert history.epochs == len(history.loss) == len(history.validation_loss) == 3
    assert {type(figure) for figure in history.loss + history.validation_loss} == {float}
    assert history.best_epoch == 1 + int(np.argmin(history.validation_loss))
    assert history.stopped == ""
    assert history.at is history.last
    assert history.last.epoch == 3
    assert bits(history.last.params) == bits(params)


def test_of_equal_epochs_the_first_is_the_best():
    _, history = run(epochs=3, rate=0.0, validation=0.3)
    assert len(set(history.validation_loss)) == 1
    assert history.best_epoch == 1


def test_without_validation_there_is_no_best_epoch():
    params, history = run()
    assert (history.validation_loss, history.best_epoch, history.best) == ([], 0, None)
    assert bits(history.returned) == bits(params)


def test_under_early_stopping_the_best_parameters_are_returned():
    params, history = run(validation=0.3, early_stopping=cr.EarlyStopping(50))
    assert bits(history.returned) == bits(history.best) == bits(params)


def test_a_copy_can_be_added_to():
    _, history = run(validation=0.3)
    history.stopped = "callback"
    copy = history.copy()
    copy.loss.append(0.0)
    copy.validation_loss.append(0.0)
    assert history.epochs == len(history.validation_loss) == 3
    assert copy.stopped == ""
    assert copy.last is history.last
    assert copy.best_epoch == history.best_epoch


def test_a_history_pickles_and_is_equal_to_its_twin():
    _, history = run(validation=0.3, early_stopping=cr.EarlyStopping(2))
    twin = pickle.loads(pickle.dumps(history))
    assert bits(twin.last.params) == bits(history.last.params)
    assert bits(tuple(twin.last.states)) == bits(tuple(history.last.states))
    assert bits(twin.best) == bits(history.best)
    assert twin == history
    assert twin != run(epochs=2)[1]


def test_a_history_shows_figures_and_no_arrays():
    shown = repr(cr.History(loss=[0.5], validation_loss=[0.25], best_epoch=1))
    assert shown.startswith("History(loss=[0.5], validation_loss=[0.25], best_epoch=1, stopped=''")
    assert "array" not in repr(run(validation=0.3, early_stopping=cr.EarlyStopping(2))[1])


def test_a_history_that_no_fit_has_made_holds_no_run():
    with pytest.raises(ValueError, match="holds no run; fit makes histories"):
        _ = cr.History().at
    with pytest.raises(ValueError, match="holds no run; fit makes histories"):
        run(history=cr.History())


# Divergence


def test_a_divergence_error_is_a_value_error_that_pickles():
    params, history = run()
    error = cr.DivergenceError("training diverged", params, history)
    assert isinstance(error, ValueError)
    twin = pickle.loads(pickle.dumps(error))
    assert (type(twin), str(twin)) == (cr.DivergenceError, "training diverged")
    assert bits(twin.params) == bits(params)
    assert twin.history.loss == history.loss
