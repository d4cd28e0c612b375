"""`cr.Watch` beside runs that go on, many networks at once, and estimators."""

import pytest
from sklearn.base import clone

import chainrule as cr
from test_watch import LABELS, NET, X, Y, same

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_a_run_that_goes_on_is_one_training():
    said = []
    watch = cr.Watch(said.append, share=1)
    params, history = cr.fit(NET, NET.init(0), X, Y, cr.SGD(0.05), epochs=3, callbacks=[watch])
    cr.fit(
        NET, params, X, Y, cr.SGD(0.05), epochs=2, history=history, callbacks=[watch]
    )  # fmt: skip
    assert [look.epoch for look in watch.looks] == [0, 1, 2, 3, 4, 5]
    assert len(said) == 2
    assert watch.verdict.start == watch.looks[0].layers
    cr.fit(NET, NET.init(1), X, Y, cr.SGD(0.05), epochs=1, callbacks=[watch])
    assert [look.epoch for look in watch.looks] == [0, 1]


@pytest.mark.parametrize(
    "other",
    [(cr.Network(3, [cr.Dense(4, "tanh"), cr.Dense(1)], loss="squared_error"), 0), (NET, 5)],
    ids=["another network", "other parameters"],
)
def test_a_run_of_another_training_begins_anew(other):
    net, seed = other
    watch = cr.Watch(None, share=1)
    params, history = cr.fit(net, net.init(seed), X, Y, cr.SGD(0.05), epochs=3)
    cr.fit(NET, NET.init(0), X, Y, cr.SGD(0.05), epochs=3, callbacks=[watch])
    cr.fit(net, params, X, Y, cr.SGD(0.05), epochs=2, history=history, callbacks=[watch])
    assert [look.epoch for look in watch.looks] == [3, 4, 5]
    assert len(watch.looks[0].layers) == len(net.layers)
    assert watch.verdict.start == watch.verdict.layers  # which is not known


def test_each_of_many_networks_has_its_own():
    watches = [cr.Watch(None, share=1) for _ in range(6)]
    made = cr.fit_many(
        NET, None, X, Y, cr.SGD(0.05), epochs=3, seed=list(range(6)),
        callbacks=[[each] for each in watches],
    )  # fmt: skip
    plain = cr.fit_many(NET, None, X, Y, cr.SGD(0.05), epochs=3, seed=list(range(6)))
    for (params, _), (alone, _), watch in zip(made, plain, watches, strict=True):
        assert same(params, alone)
        assert [look.epoch for look in watch.looks] == [0, 1, 2, 3]
        assert watch.verdict is not None


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"solver": "sgd", "learning_rate": "adaptive", "tol": 1.0, "n_iter_no_change": 2},
        {"early_stopping": True, "n_iter_no_change": 3},
    ],
    ids=", ".join,
)
def test_an_estimator_is_watched_and_stays_as_it_is(options):
    said = []
    watch = cr.Watch(said.append, share=1)
    given = {"random_state": 0, "max_iter": 12, **options}
    model = cr.MLPClassifier((5,), **given).set_callbacks(watch).fit(X, LABELS)
    plain = cr.MLPClassifier((5,), **given).fit(X, LABELS)
    assert same(model.parameters_, plain.parameters_)
    assert model.loss_curve_ == plain.loss_curve_
    assert said == [str(watch.verdict)]
    assert [look.epoch for look in watch.looks] == list(range(model.n_iter_ + 1))
    assert same(clone(model).fit(X, LABELS).parameters_, plain.parameters_)


def test_an_estimator_that_diverges_says_why():
    said = []
    model = cr.MLPRegressor(
        hidden_layer_sizes=(5,), solver="sgd", learning_rate_init=50.0, random_state=0
    )
    with pytest.raises(ValueError, match="diverged"):
        model.set_callbacks(cr.Watch(said.append)).fit(X, Y)
    assert "Divergence: in epoch" in said[0]


def test_a_solver_without_epochs_says_nothing():
    said = []
    cr.MLPRegressor(hidden_layer_sizes=(5,), solver="lbfgs").set_callbacks(
        cr.Watch(said.append)
    ).fit(X, Y)
    assert said == []
