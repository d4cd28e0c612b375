"""`cr.Watch` sees what is so, says what is wrong, and changes nothing."""

import dataclasses
import json
import pickle

import numpy as np
import pytest
from scipy.sparse import csr_array

import chainrule as cr
from chainrule.diagnosis.layer_measures import measure_layers, size
from chainrule.trees import leaves
from kinds import MADE_OF_OTHERS
from sickness import seen

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3))
Y = X[:, 0] * X[:, 1] + X[:, 2]
LABELS = (Y > 0).astype(int)
NET = cr.Network(3, [cr.Dense(8, "tanh"), cr.Dense(1)], loss="squared_error")

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def watched(net=NET, x=X, y=Y, optimizer=None, epochs=6, **options):
    """Train while all epochs are looked at: what fit returns, and the watch."""
    said = []
    watch = cr.Watch(said.append, share=1)
    made = cr.fit(
        net, net.init(0), x, y, optimizer or cr.SGD(0.05), epochs=epochs, callbacks=[watch],
        **options,
    )  # fmt: skip
    return made, watch, said


def same(a, b):
    return all(np.array_equal(p, q) for p, q in zip(leaves(a), leaves(b), strict=True))


# ---- it observes, and no more --------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"engine": "reference"},
        {"batch_size": None},
        {"validation": 0.25, "early_stopping": cr.EarlyStopping(patience=2)},
        {"shards": 4},
        {"optimizer": cr.Adam(cr.Cosine(0.01, 12)), "sample_weight": RNG.uniform(0.5, 2, 120)},
        {"freeze": ["0.b"], "clip_norm": 0.5},
        {"ties": [["0.b[0]", "0.b[1]"]], "engine": "reference"},
    ],
    ids=", ".join,
)
def test_no_bit_of_a_training_changes(options):
    (params, history), watch, _ = watched(**options)
    rest = {"optimizer": cr.SGD(0.05), "epochs": 6, **options}
    plain, alone = cr.fit(NET, NET.init(0), X, Y, **rest)
    assert same(params, plain)
    assert history.loss == alone.loss
    assert history.validation_loss == alone.validation_loss
    assert [look.epoch for look in watch.looks] == list(range(history.epochs + 1))


def test_dropout_and_batch_norm_go_on_as_they_would():
    net = cr.Network(
        3, [cr.Dense(8), cr.BatchNorm(), cr.Activate("relu"), cr.Dropout(0.3), cr.Dense(1)],
        loss="squared_error",
    )  # fmt: skip
    (params, _), watch, _ = watched(net)
    assert same(params, cr.fit(net, net.init(0), X, Y, cr.SGD(0.05), epochs=6)[0])
    assert [ratio is None for ratio in watch.looks[-1].updates] == [False, False, True, True, False]


# ---- what it sees --------------------------------------------------------------------------------


def test_it_sees_the_norms_and_ratios_that_are_there():
    (params, _), watch, _ = watched(optimizer=cr.SGD(0.05))
    for look, p in ((watch.looks[0], NET.init(0)), (watch.looks[-1], params)):
        trace = cr.forward(NET, p, X)
        deltas = cr.backward(trace, Y)
        _, grads = cr.cost_and_gradient(NET, p, X, Y)
        for k, layer in enumerate(look.layers):
            assert layer.a == pytest.approx(size(trace[k].a))
            assert layer.delta == pytest.approx(size(deltas[k]))
            assert layer.gradient == pytest.approx(size(*grads[k]), rel=1e-4)
            ratio = 0.05 * size(*grads[k]) / size(*p[k])
            assert look.updates[k] == pytest.approx(ratio, rel=1e-3)


def test_it_sees_dead_and_saturated_units():
    net = cr.Network(3, [cr.Dense(8, "relu"), cr.Dense(4, "tanh"), cr.Dense(1)], "squared_error")
    first, second, last = net.init(0)
    b = first.b.copy()
    b[:6] = -100
    params = (first._replace(b=b), second._replace(b=second.b + 50), last)
    watch = cr.Watch(None, share=1)
    cr.fit(net, params, X, Y, cr.SGD(1e-3), epochs=2, callbacks=[watch])
    for look in watch.looks:
        assert look.layers[0].dead == 0.75
        assert look.layers[1].saturated == 1.0
    assert {"dead_units", "saturated_units"} <= set(watch.verdict.names)


def test_of_many_rows_a_few_hundred_are_looked_at():
    x = RNG.normal(size=(3000, 3))
    y = x[:, 0]
    _, watch, _ = watched(x=x, y=y, epochs=2)
    rows = watch.verdict.examples.rows
    assert len(rows) == 256
    assert np.all(np.diff(np.reshape(rows, (4, 64)), axis=1) == 1)
    sparse = watched(x=csr_array(np.where(x > 1, x, 0)), y=y, epochs=2)[1]
    assert sparse.verdict.examples.rows == rows


# ---- what it says --------------------------------------------------------------------------------


def test_the_verdict_is_said_once_at_the_end():
    _, watch, said = watched()
    assert said == [str(watch.verdict)] == [str(watch)]
    assert said[0].startswith("Nothing found. The cost is ")
    json.dumps(watch.verdict.as_dict(), allow_nan=False)
    assert watch.verdict.html().startswith("<!doctype html>")


def test_what_breaks_is_said_and_raised():
    said = []
    watch = cr.Watch(said.append)
    with pytest.raises(cr.DivergenceError, match=r"epoch (\d+), step (\d+)") as caught:
        cr.fit(NET, NET.init(0), X, Y, cr.SGD(50.0), epochs=90, callbacks=[watch])
    where = watch.verdict.not_finite
    assert f"epoch {where.epoch}, step {where.step}:" in str(caught.value)
    assert "divergence" in watch.verdict.names[:2]
    assert where.sentence in " ".join(said[0].split())


def test_an_argument_that_does_not_fit_is_raised_and_nothing_is_said():
    said = []
    watch = cr.Watch(said.append)
    x = X.copy()
    x[5, 1] = np.inf
    with pytest.raises(ValueError, match=r"X must be finite, got inf at \(5, 1\)"):
        cr.fit(NET, NET.init(0), x, Y, cr.SGD(0.1), epochs=3, callbacks=[watch])
    assert said == []
    assert str(watch) == "No training has been watched to its end."


@pytest.mark.parametrize("healthy", seen.HEALTHY, ids=lambda healthy: healthy.name)
def test_nothing_is_found_of_a_healthy_one(healthy):
    setup = healthy.setting.build()
    watch = cr.Watch(None)
    cr.fit(*setup[:4], **setup.options, threads=1, callbacks=[watch])
    assert watch.verdict.names == ()


SHOWN_BY_FEW_ROWS = {
    "vanishing_slopes", "vanishing_weights", "exploding", "divergence", "dead_units",
    "saturated_units", "symmetry", "zero_weights", "duplicate_units", "unscaled_inputs",
    "unscaled_target", "double_link", "output_range", "too_much_dropout", "frozen_layers",
    "batch_norm_of_few", "clipped_too_tight", "epsilon_too_large", "schedule_ends_early",
    "warm_up_too_long",
}  # fmt: skip


@pytest.mark.parametrize(
    "case",
    [case for case in seen.CASES if case.sickness in SHOWN_BY_FEW_ROWS],
    ids=lambda case: case.name,
)
def test_a_sickness_that_a_few_hundred_rows_show_is_found(case):
    setup = dataclasses.replace(case.twin, **case.change).build()
    watch = cr.Watch(None)
    try:
        cr.fit(*setup[:4], **setup.options, threads=1, callbacks=[watch])
    except cr.DivergenceError:
        assert watch.verdict.not_finite is not None
    assert case.sickness in watch.verdict.names[:2]


class Broken(cr.Watch):
    """A watch one part of which fails."""

    def __init__(self, part):
        super().__init__(None, share=1)

        def fails(*given, **named):
            raise ArithmeticError(f"no {part}")

        setattr(self, part, fails)


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("begin", "Broken.begin failed, and the training goes on without it"),
        ("end", "Broken.end failed, and the training goes on without it"),
        ("_evidence", "Broken.end failed"),
    ],
)
def test_a_watch_that_fails_costs_no_training(part, said):
    plain, alone = cr.fit(NET, NET.init(0), X, Y, cr.SGD(0.05), epochs=3)
    with pytest.warns(RuntimeWarning, match=rf"{said}.*: ArithmeticError: no {part}"):
        params, history = cr.fit(
            NET, NET.init(0), X, Y, cr.SGD(0.05), epochs=3, callbacks=[Broken(part)]
        )
    assert same(params, plain)
    assert history.loss == alone.loss


def test_a_watch_that_fails_to_say_its_verdict_costs_no_training():
    def say(verdict):
        raise OSError("the disk is full")

    watch = cr.Watch(say)
    with pytest.warns(RuntimeWarning, match="saying its verdict, failed.*OSError: the disk is"):
        cr.fit(NET, NET.init(0), X, Y, cr.SGD(0.05), epochs=3, callbacks=[watch])
    assert watch.verdict is not None
    model = cr.MLPRegressor(hidden_layer_sizes=(5,), max_iter=2).set_callbacks(watch)
    with pytest.warns(RuntimeWarning, match="OSError"):
        assert model.fit(X, Y) is model


@pytest.mark.parametrize(
    ("look", "said"), [(0, "Watch.begin failed"), (2, "Watch, looking after an epoch, failed")]
)
def test_a_watch_one_look_of_which_fails_looks_no_more(look, said, monkeypatch):
    traces = []

    def fails_later(trace, deltas):
        traces.append(trace)
        if len(traces) == look + 1:
            raise ArithmeticError("no measures")
        return measure_layers(trace, deltas)

    monkeypatch.setattr("chainrule.diagnosis.watch.measure_layers", fails_later)
    with pytest.warns(RuntimeWarning, match=said) as caught:
        (_, history), watch, verdicts = watched()
    assert len(caught) == 1
    assert history.epochs == 6
    assert [look.epoch for look in watch.looks] == [0, 1][:look]
    assert verdicts == []


def test_what_breaks_is_raised_though_a_watch_fails():
    with (
        pytest.warns(RuntimeWarning, match=r"Broken\.end failed"),
        pytest.raises(cr.DivergenceError),
    ):
        cr.fit(NET, NET.init(0), X, Y, cr.SGD(50.0), epochs=90, callbacks=[Broken("end")])


def test_ctrl_c_amid_the_verdict_keeps_what_was_trained():
    def say(verdict):
        raise KeyboardInterrupt

    plain, _ = cr.fit(NET, NET.init(0), X, Y, cr.SGD(0.05), epochs=3)
    with pytest.raises(cr.TrainingInterrupted) as caught:
        cr.fit(NET, NET.init(0), X, Y, cr.SGD(0.05), epochs=3, callbacks=[cr.Watch(say)])
    assert same(caught.value.params, plain)
    assert caught.value.history.epochs == 3


def test_a_callback_with_numbers_named_begin_and_end_is_a_plain_one():
    class Span:
        begin, end = 0, 9

        def __call__(self, history):
            return history.epochs == 2

    assert cr.fit(NET, NET.init(0), X, Y, cr.SGD(0.05), epochs=3, callbacks=[Span()])[1].epochs == 2


@pytest.mark.parametrize("layer", MADE_OF_OTHERS, ids=str)
def test_a_layer_made_of_others_that_stands_alone_is_watched(layer):
    net = cr.Network(3, [layer], loss="squared_error")
    (_, history), watch, said = watched(net, y=X[:, : net.outputs])
    assert [look.epoch for look in watch.looks] == list(range(history.epochs + 1))
    assert said == [str(watch.verdict)]


# ---- what is kept --------------------------------------------------------------------------------


def test_it_is_pickled_without_the_data_even_amid_a_training():
    pickled = []
    x, watch = RNG.normal(size=(20_000, 30)), cr.Watch(share=1, say=None)
    net = cr.Network(30, [cr.Dense(4, "tanh"), cr.Dense(1)], loss="squared_error")

    def keep(history):
        pickled.append(pickle.dumps(watch))

    cr.fit(net, net.init(0), x, x[:, 0], cr.SGD(0.01), epochs=2, callbacks=[watch, keep])
    assert max(map(len, pickled)) < 20_000
    amid = pickle.loads(pickled[0])
    assert [look.epoch for look in amid.looks] == [0, 1]
    assert amid.verdict is None
    after = pickle.loads(pickle.dumps(watch))
    assert after.verdict == watch.verdict
    assert after.looks == watch.looks
    model = (
        cr.MLPRegressor(hidden_layer_sizes=(5,), max_iter=2).set_callbacks(cr.Watch(None)).fit(X, Y)
    )
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))


def test_a_verdict_in_the_words_of_a_terminal(capsys):
    cr.fit(NET, NET.init(0), X, Y, cr.SGD(0.05), epochs=2, callbacks=[cr.Watch()])
    assert capsys.readouterr().out.startswith("Nothing found. The cost is ")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"say": 3}, "Watch: say must be a function of a text, or None, got 3"),
        ({"share": 1.5}, "Watch: share must be a finite number >= 0 and <= 1, got 1.5"),
        ({"share": "much"}, "Watch: share must be a finite number"),
    ],
)
def test_what_does_not_fit_is_refused(given, message):
    with pytest.raises((TypeError, ValueError), match=message):
        cr.Watch(**given)
