"""Runs that are broken off, stopped early, or diverge, and what they can go on from."""

import pickle
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.layers.dense import DenseParameters
from chainrule.optimizers import OPTIMIZERS
from chainrule.trees import leaves, tree_map
from runs import LINE, LOGITS, bits, example, fit, line
from strategies import problem

# A run broken off and gone on with

OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "batch_size": st.sampled_from([1, 3, 5, 20, None]),
        "seed": st.integers(0, 2**64 - 1),
        "shuffle": st.booleans(),
        "validation": st.sampled_from([0.2, 0.5]),
        "early_stopping": st.builds(
            cr.EarlyStopping, st.integers(1, 3), st.sampled_from([0, 0.01])
        ),
        "clip_value": st.sampled_from([0.01, 1.0]),
        "clip_norm": st.sampled_from([0.01, 1.0]),
        "freeze": st.sampled_from([["*.b"], ["0.*"], ["2.W"]]),
    },
)


@pytest.mark.parametrize("name", OPTIMIZERS)
@settings(max_examples=20)
@given(options=OPTIONS, weighted=st.booleans(), parts=st.lists(st.integers(1, 3), min_size=2))
def test_a_and_b_epochs_are_a_plus_b_at_once(name, options, weighted, parts):
    p = example(LOGITS)
    if "early_stopping" in options:
        options.setdefault("validation", 0.2)
    options["sample_weight"] = p.w if weighted else None
    optimizer = OPTIMIZERS[name](cr.StepDecay(0.1, every=4, factor=0.7))
    params, history = p.params, None
    for epochs in parts:
        params, history = fit(p, optimizer, params, history=history, epochs=epochs, **options)
        params, history = pickle.loads(pickle.dumps((params, history)))
    at_once, whole = fit(p, optimizer, epochs=sum(parts), **options)
    assert bits(params) == bits(at_once)
    assert (history.loss, history.validation_loss) == (whole.loss, whole.validation_loss)
    assert (history.best_epoch, history.stopped) == (whole.best_epoch, whole.stopped)
    assert bits((history.last.params, tuple(history.last.states))) == bits(
        (whole.last.params, tuple(whole.last.states))
    )


def test_the_history_gone_on_from_stays_as_it_was():
    p = example()
    params, history = fit(p, cr.Adam(0.1), epochs=2, validation=0.2)
    before = pickle.dumps(history)
    _, longer = fit(p, cr.Adam(0.1), params, history=history, epochs=2, validation=0.2)
    assert pickle.dumps(history) == before
    assert (history.epochs, longer.epochs) == (2, 4)


# Early stopping: from w = 0, with x = y = 1 and without bias, a step of SGD(η) takes w to
# w + η (1 − w); after e epochs w is 1 − (1 − η)^e. Validated against ½ (w − 0.3)², the loss falls
# until e = 3 (w = 0.271) and rises from e = 4 (w = 0.344).

ONE = np.array([[1.0]])
STOPPING = {"freeze": ["*.b"], "validation": (ONE, np.array([0.3]))}


def weight_after(epochs):
    return 1 - 0.9**epochs


def run(start=None, **options):
    return cr.fit(LINE, start or line(), ONE, np.array([1.0]), cr.SGD(0.1), **STOPPING, **options)


@pytest.mark.parametrize("patience", [1, 2, 5])
def test_early_stopping_returns_the_best_parameters(patience):
    params, history = run(epochs=50, early_stopping=cr.EarlyStopping(patience))
    assert history.stopped == "early stopping"
    assert (history.epochs, history.best_epoch) == (3 + patience, 3)
    np.testing.assert_allclose(params[0].W, weight_after(3), rtol=1e-12)
    np.testing.assert_allclose(history.last.params[0].W, weight_after(3 + patience), rtol=1e-12)
    expected = [(weight_after(e) - 0.3) ** 2 / 2 for e in range(1, 4 + patience)]
    np.testing.assert_allclose(history.validation_loss, expected, rtol=1e-12)


@pytest.mark.parametrize(("epochs", "returned"), [(2, 2), (3, 3), (4, 3), (5, 3)])
def test_a_run_that_ends_before_it_is_stopped_returns_the_best_so_far(epochs, returned):
    params, history = run(epochs=epochs, early_stopping=cr.EarlyStopping(10))
    assert history.stopped == ""
    np.testing.assert_allclose(params[0].W, weight_after(returned), rtol=1e-12)


def test_an_epoch_improves_by_more_than_the_tolerance():
    # the losses are 0.02, 0.006, 0.0004, 0.001, …: the third improves on the second by 0.0056
    for tolerance, stopped in ((0.005, 5), (0.006, 4)):
        _, history = run(epochs=50, early_stopping=cr.EarlyStopping(2, tolerance))
        assert history.epochs == stopped


@pytest.mark.parametrize("first", [1, 2, 3, 4, 5])
def test_early_stopping_goes_on_where_it_was(first):
    rule = cr.EarlyStopping(2)
    params, history = run(epochs=first, early_stopping=rule)
    params, history = run(params, epochs=50, early_stopping=rule, history=history)
    assert (history.epochs, history.stopped) == (5, "early stopping")
    np.testing.assert_allclose(params[0].W, weight_after(3), rtol=1e-12)


def test_a_run_that_was_stopped_stays_stopped():
    rule = cr.EarlyStopping(2)
    params, history = run(epochs=50, early_stopping=rule)
    again, longer = run(params, epochs=50, early_stopping=rule, history=history)
    assert (longer.epochs, longer.stopped) == (5, "early stopping")
    assert bits(again) == bits(params)
    _, patient = run(params, epochs=50, early_stopping=cr.EarlyStopping(4), history=history)
    assert patient.epochs == 7


def test_without_early_stopping_the_last_parameters_are_returned():
    params, history = run(epochs=6)
    assert (history.epochs, history.best_epoch, history.stopped) == (6, 3, "")
    np.testing.assert_allclose(params[0].W, weight_after(6), rtol=1e-12)


def test_a_run_can_go_on_without_early_stopping():
    params, history = run(epochs=50, early_stopping=cr.EarlyStopping(2))
    params, history = run(params, epochs=4, history=history)
    assert history.epochs == 9
    np.testing.assert_allclose(params[0].W, weight_after(9), rtol=1e-12)


def test_a_run_can_go_on_with_early_stopping():
    params, history = run(epochs=4)
    params, history = run(params, epochs=50, history=history, early_stopping=cr.EarlyStopping(2))
    assert (history.epochs, history.best_epoch) == (5, 3)
    np.testing.assert_allclose(params[0].W, weight_after(3), rtol=1e-12)


# Divergence

DEEP = cr.Network(1, [cr.Dense(1, "relu"), cr.Dense(1)], loss="absolute_error")
POISSON = cr.Network(1, [cr.Dense(1)], loss="poisson")
X3, Y3 = np.array([[1.0], [2.0], [3.0]]), np.array([1.0, 2.0, 3.0])


class Diverging(NamedTuple):
    net: cr.Network
    start: list
    X: np.ndarray
    rate: float
    says: str


DIVERGING = {
    "huge rate": Diverging(LINE, [([[0.0]], [0.0])], X3, 1e10, "the loss 'half_squared_error'"),
    "poisson": Diverging(POISSON, [([[500.0]], [0.0])], X3, 0.1, "the loss 'poisson'"),
    "activation": Diverging(
        DEEP,
        [([[1e200]], [0.0]), ([[1e200]], [0.0])],
        X3,
        0.1,
        "the activation of layer 1, Dense(1, 'identity') is",
    ),
    "gradient": Diverging(  # da W overflows, though every activation is finite
        DEEP,
        [([[1e-300]], [0.0]), ([[1e300]], [0.0])],
        1e10 * X3,
        0.1,
        "the update of layer 0, Dense(1, 'relu') is",
    ),
    "update": Diverging(
        LINE, [([[0.0]], [0.0])], X3, 1e308, "the update of layer 0, Dense(1, 'identity') is"
    ),
}


def diverge(case, start=None, X=None, **options):
    params = case.net.parameters(case.start) if start is None else start
    options = {"epochs": 100, "batch_size": 2, "shuffle": False, **options}
    with pytest.raises(cr.DivergenceError) as caught:
        cr.fit(case.net, params, case.X, Y3, cr.SGD(case.rate), **options)
    return params, caught.value


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", DIVERGING)
def test_divergence_names_what_was_not_finite(name, dtype):
    case = DIVERGING[name]
    if dtype == "float32":  # the same with exponents that overflow there
        short = {1e200: 1e25, 1e300: 1e38, 1e-300: 1e-38, 1e308: 3e38}
        start = [
            tuple(np.vectorize(lambda v: short.get(v, v))(part).astype(dtype) for part in entry)
            for entry in case.start
        ]
        case = case._replace(start=start, rate=short.get(case.rate, case.rate))
    _, error = diverge(case)
    assert isinstance(error, ValueError)
    message = str(error)
    assert message.startswith("training diverged at epoch ")
    assert case.says in message
    assert "is not finite" in message
    assert "lower the learning rate" in message
    assert all(np.isfinite(leaf).all() for leaf in leaves(error.params))
    assert {leaf.dtype for leaf in leaves(error.params)} == {np.dtype(dtype)}


def test_divergence_tells_epoch_and_step_and_keeps_the_parameters_before_it():
    case = DIVERGING["huge rate"]  # three examples in batches of two make two steps an epoch
    params, t = line(), 0
    while True:  # the same by hand
        t += 1
        rows = slice(0, 2) if t % 2 else slice(2, 3)
        with np.errstate(over="ignore"):
            residual = X3[rows] * params[0].W + params[0].b - Y3[rows, None]
            if not np.isfinite(np.mean(residual**2 / 2)):
                break
        step = DenseParameters(
            np.mean(residual * X3[rows], axis=0, keepdims=True), np.mean(residual, axis=0)
        )
        params = tree_map(lambda leaf, g: leaf - 1e10 * g, params, (step,))
    _, error = diverge(case)
    assert f"at epoch {(t + 1) // 2}, step {t}:" in str(error)
    for leaf, expected in zip(leaves(error.params), leaves(params), strict=True):
        np.testing.assert_allclose(leaf, expected, rtol=1e-9)
    assert error.history.epochs == (t - 1) // 2
    assert bits(error.history.last.params) == bits(error.params)
    assert error.history.last.step == t - 1


def test_divergence_leaves_the_history_given_as_it_was():
    p = problem(LINE, n=3)
    params, history = fit(p, epochs=2)
    before = pickle.dumps(history)
    with pytest.raises(cr.DivergenceError, match="diverged at epoch 4, step 4"):
        fit(p, cr.SGD(1e308), params, history=history, epochs=2)
    assert pickle.dumps(history) == before


def test_divergence_can_be_gone_on_from_with_a_lower_rate():
    _, error = diverge(DIVERGING["update"])
    params, history = cr.fit(
        LINE, error.params, X3, Y3, cr.SGD(0.1), epochs=200, history=error.history
    )
    assert history.epochs == 200
    np.testing.assert_allclose([leaf.item() for leaf in leaves(params)], [1, 0], atol=0.05)


def test_divergence_can_be_gone_on_from_under_early_stopping():
    options = {**STOPPING, "early_stopping": cr.EarlyStopping(50)}
    rising = cr.SGD(cr.StepDecay(0.1, every=6, factor=1e308))  # fine for six steps
    with pytest.raises(cr.DivergenceError, match="epoch 7, step 7: the update") as caught:
        cr.fit(LINE, line(), ONE, [1000.0], rising, epochs=9, **options)
    params, history = caught.value.params, caught.value.history
    _, longer = cr.fit(
        LINE, params, ONE, [1000.0], cr.SGD(0.1), epochs=1, history=history, **options
    )
    assert longer.epochs == history.epochs + 1


def test_divergence_pickles():
    _, error = diverge(DIVERGING["update"])
    twin = pickle.loads(pickle.dumps(error))
    assert type(twin) is cr.DivergenceError
    assert str(twin) == str(error)
    assert bits(twin.params) == bits(error.params)
    assert twin.history.loss == error.history.loss


@pytest.mark.parametrize("engine", ["native", "reference"])
@pytest.mark.parametrize(
    ("rate", "times", "says"),
    [  # the cost of y = 1, 2, 3 beside outputs of 0 is 7/3; the gradient of w there −14/3
        (1e200, 1.0, "training diverged at epoch 1, step 1: .* from 2.333 to inf, and in the .*"),
        (1e60, 1e100, r"training diverged at epoch 1, step 1: .* from 2.333 to \d.*e\+12\d, and"),
        (0.1, 1e200, "validation after epoch 1 failed: the loss .* compare the ranges"),
        (0.0, 1e200, "validation after epoch 1 failed: the loss .* compare the ranges"),
    ],
)
def test_a_validation_that_fails_is_laid_to_what_diverged(engine, rate, times, says):
    if engine == "native" and cr.engine.native is None:
        pytest.skip("no compiler")
    start = line(w=0.0 if rate else 1.0)
    with pytest.raises(cr.DivergenceError, match=says) as caught:
        cr.fit(
            LINE, start, X3, Y3, cr.SGD(rate), epochs=3, batch_size=None, engine=engine,
            validation=(times * X3, Y3), early_stopping=cr.EarlyStopping(2),
        )  # fmt: skip
    assert ("validation data" in str(caught.value)) == (rate < 1)
    assert len(caught.value.history.validation_loss) == 1


def test_a_validation_loss_that_is_not_finite_is_divergence():
    with pytest.raises(cr.DivergenceError, match="validation after epoch 1 failed: the loss"):
        cr.fit(
            POISSON,
            POISSON.parameters([([[1.0]], [0.0])]),
            X3,
            Y3,
            cr.SGD(0.001),
            epochs=2,
            validation=(1000 * X3, Y3),
        )
