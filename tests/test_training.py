"""fit against a loop written out by hand, and every option against what it promises."""

import itertools
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.optimizers import OPTIMIZERS
from chainrule.trees import leaves, named_leaves, tree_map
from runs import LOGITS, NET, XP, bits, example, fit, in_the_order_of, readonly
from strategies import problem, problems

# The loop itself


class Plain(NamedTuple):
    """What the loop by hand returns: the parameters, and the loss of each epoch."""

    params: list
    losses: list


def plain_sgd(p, w, rate, epochs, batch_size, order, l2=0.0):
    """Backpropagation and gradient descent for NET, written out."""
    (W1, b1), (W2, b2) = p.params[0], p.params[1]
    n, losses = len(p.X), []
    for epoch in range(1, epochs + 1):
        rows, costs, weights = order(epoch, n), [], []
        for start in range(0, n, batch_size):
            batch = rows[start : start + batch_size]
            x, y, share = p.X[batch], p.y[batch], w[batch] / (len(batch) * w.mean())
            h = np.tanh(x @ W1.T + b1)
            out = h @ W2.T + b2
            penalty = l2 / 2 * ((W1**2).sum() + (W2**2).sum())
            costs.append((share * ((out - y) ** 2).sum(axis=1) / 2).sum() + penalty)
            weights.append(len(batch))
            delta2 = share[:, None] * (out - y)
            delta1 = delta2 @ W2 * (1 - h**2)
            W2, b2 = W2 - rate * (delta2.T @ h + l2 * W2), b2 - rate * delta2.sum(axis=0)
            W1, b1 = W1 - rate * (delta1.T @ x + l2 * W1), b1 - rate * delta1.sum(axis=0)
        losses.append(np.average(costs, weights=weights))
    return Plain([W1, b1, W2, b2], losses)


def shuffled(seed):
    return lambda epoch, n: in_the_order_of(epoch, n, seed)


def in_order(epoch, n):
    return np.arange(n)


def assert_equals_plain(fitted, plain):
    params, history = fitted
    for leaf, expected in zip(leaves(params), plain.params, strict=True):
        np.testing.assert_allclose(leaf, expected, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(history.loss, plain.losses, rtol=1e-12)


@pytest.mark.parametrize("seed", [0, 7, 2**64 - 1])
@pytest.mark.parametrize("batch_size", [1, 3, 4, 10, 11, 12, None])
def test_fit_is_the_loop_by_hand(batch_size, seed):
    p = example()
    fitted = fit(p, cr.SGD(0.2), epochs=4, batch_size=batch_size, seed=seed)
    assert_equals_plain(fitted, plain_sgd(p, np.ones(11), 0.2, 4, batch_size or 11, shuffled(seed)))


@pytest.mark.parametrize("batch_size", [3, 11])
def test_fit_is_the_loop_by_hand_with_weights_and_penalty(batch_size):
    p = example(cr.Network(3, NET.layers, NET.loss, l2=0.1))
    fitted = fit(p, cr.SGD(0.2), epochs=4, batch_size=batch_size, seed=1, sample_weight=p.w)
    assert_equals_plain(fitted, plain_sgd(p, p.w, 0.2, 4, batch_size, shuffled(1), l2=0.1))


@pytest.mark.parametrize("batch_size", [1, 4, 11])
def test_without_shuffling_the_examples_come_in_order(batch_size):
    p = example()
    fitted = fit(p, cr.SGD(0.2), epochs=3, batch_size=batch_size, shuffle=False)
    assert_equals_plain(fitted, plain_sgd(p, np.ones(11), 0.2, 3, batch_size, in_order))


def test_the_default_batch_is_32():
    p = example(n=70)
    assert fit(p)[1].last.step == 3
    assert bits(fit(p)[0]) == bits(fit(p, batch_size=32)[0])


@given(problems(), st.integers(1, 8), st.booleans(), st.integers(0, 2**64 - 1))
def test_fit_is_a_loop_of_the_core_functions(p, batch_size, weighted, seed):
    """For any network: dropout's masks follow from the seed and the number of the step."""
    w = p.w if weighted else None
    params, n, t = p.params, len(p.X), 0
    mean = None if w is None else float(w.sum()) / n
    for epoch in (1, 2):
        order = in_the_order_of(epoch, n, seed)
        for start in range(0, n, batch_size):
            t += 1
            rows = order[start : start + batch_size] if batch_size < n else slice(None)
            share = None if w is None else w[rows]
            trace = cr.forward(p.net, params, p.X[rows], cr.Draw(seed, t))
            deltas = cr.backward(trace, p.y[rows], share, mean_weight=mean)
            grads = cr.gradient(trace, deltas)
            params = tree_map(lambda leaf, g: leaf - 1e-3 * g, params, grads)
    fitted, history = fit(
        p,
        cr.SGD(1e-3),
        epochs=2,
        batch_size=batch_size,
        seed=seed,
        sample_weight=w,
        engine="reference",
    )
    assert bits(fitted) == bits(params)
    assert (history.last.step, history.last.epoch) == (t, 2)


def test_labels_are_trained_like_rows_of_probabilities():
    labels = np.arange(11) % 2
    rows = np.eye(2)[labels]
    p = example(LOGITS)
    by_labels, by_rows = (
        fit(p._replace(y=y), epochs=3, batch_size=4, validation=0.2) for y in (labels, rows)
    )
    assert bits(by_labels[0]) == bits(by_rows[0])
    assert by_labels[1].validation_loss == by_rows[1].validation_loss


def test_the_seed_alone_decides():
    p = example(LOGITS)
    first, again, other = (
        fit(p, epochs=2, batch_size=4, validation=0.2, seed=seed) for seed in (1, 1, 2)
    )
    assert bits(first[0]) == bits(again[0])
    assert first[1].loss == again[1].loss
    assert bits(first[0]) != bits(other[0])


def test_what_is_given_is_not_changed():
    p = problem(LOGITS, n=11)
    given_arrays = (p.params, p.X, p.y, p.w)
    before = bits(given_arrays)
    validation = tuple(readonly((p.X, p.y, p.w)))
    trained, _ = fit(
        p, cr.Adam(0.1), epochs=2, batch_size=4, sample_weight=p.w, validation=validation
    )
    assert bits(given_arrays) == before
    assert bits(trained) != bits(p.params)


# Weights of the examples


def test_whole_weights_are_repetitions():
    p = example()
    times = np.arange(11) % 4
    repeated = p._replace(X=np.repeat(p.X, times, axis=0), y=np.repeat(p.y, times, axis=0))
    weighted, h1 = fit(p, cr.Adam(0.1), epochs=5, batch_size=None, sample_weight=times)
    plain, h2 = fit(repeated, cr.Adam(0.1), epochs=5, batch_size=None)
    for a, b in zip(leaves(weighted), leaves(plain), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(h1.loss, h2.loss, rtol=1e-10)


@pytest.mark.parametrize("weight", [0, 0.0, False])
def test_examples_of_weight_0_do_not_matter(weight):
    p = example()
    w = [weight if k in (2, 7) else 1 for k in range(11)]
    wild = p.X.copy()
    wild[[2, 7]] = 100.0
    options = {"epochs": 3, "batch_size": 4, "sample_weight": w}
    plain, h1 = fit(p, **options)
    other, h2 = fit(p._replace(X=wild), **options)
    assert bits(plain) == bits(other)
    assert h1.loss == h2.loss


@pytest.mark.parametrize("engine", ["auto", "reference"])
def test_a_batch_of_weight_0_makes_a_step_of_the_penalty_alone(engine):
    p = example(cr.Network(3, NET.layers, NET.loss, l2=0.5))
    p = p._replace(X=p.X[:4], y=p.y[:4])
    options = {"epochs": 1, "batch_size": 2, "shuffle": False, "engine": engine}
    options["sample_weight"] = [1.0, 2.0, 0.0, 0.0]
    after, history = fit(p, cr.SGD(0.1), **options)
    first = {**options, "sample_weight": [1.0, 2.0], "batch_size": None, "mean_weight": 0.75}
    before, _ = fit(p._replace(X=p.X[:2], y=p.y[:2]), cr.SGD(0.1), **first)
    assert history.last.step == 2
    for old, new in zip(before, after, strict=True):
        np.testing.assert_allclose(new.W, old.W * (1 - 0.1 * 0.5), rtol=1e-12)
        np.testing.assert_array_equal(new.b, old.b)


@pytest.mark.parametrize("engine", ["auto", "reference"])
@pytest.mark.parametrize("size", [1, 2, 3, 4])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_gradients_of_all_batches_average_to_that_of_the_whole(reduction, size, engine):
    """Every batch of a small data set, each as likely as the others; a sum has size/n of it."""
    net = cr.Network(3, NET.layers, NET.loss, l2=0.1, reduction=reduction)
    p = example(net)
    X, y, w = p.X[:4], p.y[:4], np.array([5.0, 0.0, 1.0, 0.25])
    options = {"epochs": 1, "batch_size": None, "mean_weight": w.mean(), "engine": engine}
    rows = [list(batch) for batch in itertools.combinations(range(4), size)]
    steps = []
    for batch in rows:
        part = p._replace(X=X[batch], y=y[batch])
        after, _ = fit(part, cr.SGD(1.0), sample_weight=w[batch], **options)
        steps.append([a - b for a, b in zip(leaves(p.params), leaves(after), strict=True)])
    _, grads = cr.cost_and_gradient(net, p.params, X, y, w, engine="reference")
    names = [name for name, _ in named_leaves(grads)]
    for name, *each, W, whole in zip(names, *steps, leaves(p.params), leaves(grads), strict=True):
        penalty = 0.1 * W if name.endswith("W") else 0.0
        share = size / 4 if reduction == "sum" else 1.0
        expected = share * (whole - penalty) + penalty
        np.testing.assert_allclose(np.mean(each, axis=0), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("engine", ["auto", "reference"])
@pytest.mark.parametrize(("batch_size", "epochs"), [(1, 3), (2, 5), (10, 20), (None, 60)])
def test_a_weighted_mean_is_found_by_batches_of_any_size(batch_size, epochs, engine):
    """Ones of weight 9 and noughts of weight 1, as many: .9, not .5 for batches of one."""
    y = np.arange(400) % 2
    net = cr.Network(1, [cr.Dense(1, initialiser="zeros")], "half_squared_error")
    rate = cr.InverseScaling(1.0, power=1.0) if batch_size else 0.5
    options = {"epochs": epochs, "batch_size": batch_size, "freeze": ["0.W"], "engine": engine}
    X = np.zeros((400, 1))
    params, _ = cr.fit(
        net, net.init(), X, y, cr.SGD(rate), sample_weight=1.0 + 8.0 * y, seed=1, **options
    )
    assert float(params[0].b[0]) == pytest.approx(0.9, abs=0.02)


@pytest.mark.parametrize("mean_weight", [0, -1.0, float("nan"), "1"])
def test_a_mean_weight_is_a_number_above_0(mean_weight):
    with pytest.raises((TypeError, ValueError), match="fit: mean_weight must be a finite number >"):
        fit(example(), mean_weight=mean_weight)


def test_a_part_of_the_examples_may_have_weights_of_0_only():
    p = example()
    params, history = fit(p, epochs=1, sample_weight=np.zeros(11), mean_weight=2.0)
    assert bits(params) == bits(p.params)
    assert history.loss == [0.0]


# The sum over the examples


@pytest.mark.parametrize("engine", ["auto", "reference"])
@pytest.mark.parametrize("batch_size", [3, None])
def test_a_sum_is_the_mean_times_the_number_of_examples(batch_size, engine):
    """So a step by the sum over m examples is one by their mean of m times the rate."""
    p = example()
    p = p._replace(X=p.X[:9], y=p.y[:9])
    rows = batch_size or 9
    sums = cr.Network(3, NET.layers, NET.loss, reduction="sum")
    options = {"epochs": 3, "batch_size": batch_size, "engine": engine}
    mean, h1 = fit(p, cr.SGD(0.1 * rows), **options)
    total, h2 = fit(p._replace(net=sums), cr.SGD(0.1), **options)
    for a, b in zip(leaves(total), leaves(mean), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(h2.loss, 9 * np.array(h1.loss), rtol=1e-9)


def test_weights_count_relative_to_each_other():
    p = example()
    one, two = (fit(p, epochs=3, batch_size=None, sample_weight=s * p.w) for s in (1.0, 4.0))
    assert bits(one[0]) == bits(two[0])  # a power of 2 changes no digit


@pytest.mark.parametrize("weighted", [0, 10], ids=["train", "validate"])
def test_a_split_that_leaves_only_weights_of_0_is_refused(weighted):
    n, order = 11, in_the_order_of(0, 11, seed=0)
    w = np.zeros(n)
    w[order[weighted]] = 1.0  # the first in the order are set aside
    with pytest.raises(ValueError, match=r"validation=0\.3.* weight"):
        fit(example(), validation=0.3, sample_weight=w)


# Validation


@pytest.mark.parametrize("weighted", [False, True])
def test_the_validation_loss_is_the_cost_of_the_parameters(weighted):
    p, other = example(LOGITS), example(LOGITS, n=5, seed=1)
    held_out = (other.X, other.y, other.w) if weighted else (other.X, other.y)
    params, history = fit(p, epochs=3, batch_size=4, validation=held_out)
    assert len(history.validation_loss) == 3
    first, _ = fit(p, epochs=1, batch_size=4)
    for after, got in ((first, history.validation_loss[0]), (params, history.validation_loss[-1])):
        assert got == pytest.approx(float(cr.cost(p.net, after, *held_out)), rel=1e-12)


def test_validation_data_do_not_change_the_training():
    p = example(LOGITS)
    plain, watched = fit(p, epochs=3), fit(p, epochs=3, validation=(p.X, p.y))
    assert bits(plain[0]) == bits(watched[0])
    assert plain[1].loss == watched[1].loss


@pytest.mark.parametrize(("fraction", "size"), [(0.01, 1), (0.3, 3), (0.5, 6), (0.9, 10)])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_fraction_is_set_aside_by_the_seed(fraction, size, weighted):
    p, seed = example(LOGITS), 3
    order = in_the_order_of(0, 11, seed)
    held, rest = np.sort(order[:size]), np.sort(order[size:])
    w = p.w if weighted else None
    split = fit(p, epochs=2, batch_size=4, seed=seed, validation=fraction, sample_weight=w)
    apart = fit(
        p._replace(X=p.X[rest], y=p.y[rest]),
        epochs=2,
        batch_size=4,
        seed=seed,
        sample_weight=None if w is None else w[rest],
        validation=(p.X[held], p.y[held], None if w is None else w[held]),
    )
    assert bits(split[0]) == bits(apart[0])
    assert split[1].loss == apart[1].loss
    assert split[1].validation_loss == apart[1].validation_loss


# Types of arrays

NUMPY_NUMBERS = [
    {"optimizer": cr.SGD(np.float64(0.1), momentum=np.float64(0.5))},
    {"optimizer": cr.Adam(np.float64(0.1), beta1=np.float64(0.9))},
    {"optimizer": cr.SGD(cr.StepDecay(np.float64(0.1), every=2, factor=np.float64(0.5)))},
    {"optimizer": cr.SGD(cr.Cosine(np.float64(0.1), steps=9))},
    {"clip_value": np.float64(0.1)},
    {"clip_norm": np.float64(0.1)},
]


@pytest.mark.parametrize(
    "options",
    [
        *({"optimizer": kind()} for kind in OPTIMIZERS.values()),
        {"clip_value": 0.1, "clip_norm": 0.1},
        {"validation": 0.2, "early_stopping": cr.EarlyStopping(1)},
        *NUMPY_NUMBERS,
    ],
    ids=str,
)
def test_float32_stays_float32(options):
    p = example(cr.Network(3, LOGITS.layers, LOGITS.loss, l1=0.01, l2=0.01))
    params, history = fit(
        p, params=p.net.init(0), epochs=2, batch_size=4, sample_weight=p.w, **options
    )
    states = [array for state in history.last.states for array in state]
    assert {array.dtype for array in [*leaves(params), *states]} == {np.dtype("float32")}
    assert {type(loss) for loss in [*history.loss, *history.validation_loss]} == {float}


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": None},
        {"batch_size": 4},
        {"batch_size": 4, "shuffle": False},
        {"validation": 0.3, "early_stopping": cr.EarlyStopping(2)},
        {"sample_weight": np.arange(11.0)},
        {"clip_value": 0.1, "clip_norm": 0.1, "freeze": ["0.b"]},
        *({"optimizer": kind()} for kind in OPTIMIZERS.values()),
    ],
    ids=str,
)
@pytest.mark.parametrize("labels", [False, True], ids=["rows", "labels"])
def test_arrays_of_another_library_give_the_same(options, labels):
    p = example(LOGITS)
    p = p._replace(y=np.argmax(p.y, axis=1)) if labels else p
    expected, h1 = fit(p, epochs=3, engine="reference", **options)
    moved = {k: XP.asarray(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    params = tree_map(lambda leaf: XP.asarray(leaf.copy()), p.params)
    strict = p._replace(params=params, X=XP.asarray(p.X.copy()), y=XP.asarray(p.y.copy()))
    got, h2 = fit(strict, epochs=3, **moved)
    for a, b in zip(leaves(got), leaves(expected), strict=True):
        assert isinstance(a, type(XP.asarray(0.0)))
        np.testing.assert_allclose(np.asarray(a), b, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(h2.loss, h1.loss, rtol=1e-12)
    np.testing.assert_allclose(h2.validation_loss, h1.validation_loss, rtol=1e-12)


def test_data_may_be_lists():
    p = example()
    arrays, _ = fit(p, epochs=2, sample_weight=p.w, validation=(p.X, p.y))
    X, y, w = p.X.tolist(), p.y.tolist(), p.w.tolist()
    lists, _ = fit(p._replace(X=X, y=y), epochs=2, sample_weight=w, validation=[X, y])
    assert bits(lists) == bits(arrays)


@pytest.mark.usefixtures("as_many_threads_as_asked")
@pytest.mark.parametrize(("engine", "threads"), [("reference", 1), ("auto", 1), ("auto", 4)])
def test_an_engine_gives_the_same_bits_with_any_number_of_threads(engine, threads):
    p = example()
    expected, _ = fit(p, engine=engine)
    assert bits(fit(p, engine=engine, threads=threads)[0]) == bits(expected)
