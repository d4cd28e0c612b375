"""Clipping, freezing and callbacks: every option of fit against what it promises."""

import math

import numpy as np
import pytest

import chainrule as cr
from chainrule.trees import leaves
from runs import LINE, LOGITS, bits, example, fit, line
from strategies import problem

# Clipping: with SGD(1), one step on the full batch is the gradient as it was clipped


def clipped(p, **options):
    trained, _ = fit(p, cr.SGD(1.0), batch_size=None, **options)
    return [(a - b) for a, b in zip(leaves(p.params), leaves(trained), strict=True)]


def whole_gradient(p):
    trace = cr.forward(p.net, p.params, p.X)
    return leaves(cr.gradient(trace, cr.backward(trace, p.y)))


def norm(arrays):
    return math.sqrt(sum(float((a**2).sum()) for a in arrays))


def assert_steps(got, expected):
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_clip_value_bounds_each_entry():
    p = example()
    g = whole_gradient(p)
    bound = float(np.median(np.abs(np.concatenate([a.ravel() for a in g]))))
    assert_steps(clipped(p, clip_value=bound), [np.clip(a, -bound, bound) for a in g])


@pytest.mark.parametrize("share", [0.1, 0.999, 1.001, 10.0])
def test_clip_norm_bounds_the_norm(share):
    p = example()
    g = whole_gradient(p)
    expected = [min(share, 1.0) * a for a in g]
    assert_steps(clipped(p, clip_norm=share * norm(g)), expected)


def test_clip_value_comes_before_clip_norm():
    p = example()
    bounded = [np.clip(a, -0.1, 0.1) for a in whole_gradient(p)]
    expected = [0.05 / norm(bounded) * a for a in bounded]
    assert_steps(clipped(p, clip_value=0.1, clip_norm=0.05), expected)


def test_frozen_parameters_do_not_count_in_the_norm():
    p = example()
    W1, b1, W2, b2 = whole_gradient(p)
    bound = 0.5 * norm([W1, W2])
    expected = [0.5 * W1, 0 * b1, 0.5 * W2, 0 * b2]
    assert_steps(clipped(p, clip_norm=bound, freeze=["*.b"]), expected)


@pytest.mark.parametrize("freeze", [[], ["*"]], ids=["all", "none"])
def test_clip_norm_leaves_a_gradient_of_0(freeze):
    p = problem(LINE)._replace(params=line(), y=np.zeros(5))
    assert_steps(clipped(p, clip_norm=0.1, freeze=freeze), [0, 0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_clip_norm_tames_a_gradient_whose_square_overflows(dtype):
    # C = ½ (w x − y)² at w = 0 has the gradient −x y, far beyond the square root of the largest
    size = math.sqrt(np.finfo(dtype).max) / 100
    X, y = np.array([[100 * size]], dtype), np.array([100.0], dtype)
    trained, _ = cr.fit(LINE, line(dtype=dtype), X, y, cr.SGD(1.0), epochs=1, clip_norm=1.0)
    step = [float(leaf.ravel()[0]) for leaf in leaves(trained)]
    np.testing.assert_allclose(step, [1.0, 1 / (100 * size)], rtol=1e-6)


# Freezing

PATTERNS = [
    (["*.b"], {"0.b", "2.b"}),
    (["0.*"], {"0.W", "0.b"}),
    (["0.W", "2.b"], {"0.W", "2.b"}),
    (("?.W", "*"), {"0.W", "0.b", "2.W", "2.b"}),
    ((name for name in ["2.*"]), {"2.W", "2.b"}),
    ([], set()),
]


@pytest.mark.parametrize("optimizer", [cr.SGD(0.1, momentum=0.9), cr.AdamW(0.1), cr.Rprop()])
@pytest.mark.parametrize(("patterns", "frozen"), PATTERNS[:4] + PATTERNS[5:])
def test_frozen_parameters_keep_their_bits(patterns, frozen, optimizer):
    p = example(cr.Network(3, LOGITS.layers, LOGITS.loss, l1=0.01, l2=0.01))
    trained, _ = fit(p, optimizer, epochs=2, batch_size=4, freeze=patterns)
    pairs = list(zip(bits(p.params), bits(trained), strict=True))
    assert {a[0] for a, b in pairs if a == b} == frozen


def test_patterns_may_come_from_any_iterable():
    trained, _ = fit(example(), freeze=(name for name in ["0.*", "1.b"]))
    p = example()
    assert bits(trained)[:2] == bits(p.params)[:2]
    assert bits(trained)[2] != bits(p.params)[2]


def test_a_frozen_parameter_can_be_freed_later():
    p = example()
    params, history = fit(p, cr.Adam(0.1), freeze=["0.*"])
    freed, _ = fit(p, cr.Adam(0.1), params, history=history)
    assert bits(freed)[0] != bits(params)[0]


# Callbacks


def test_callbacks_are_called_once_an_epoch_with_the_history():
    seen = []

    def callback(history):
        seen.append((history.epochs, len(history.validation_loss), history.last.epoch, id(history)))

    _, history = fit(example(), epochs=3, validation=0.2, callbacks=[callback])
    assert seen == [(e, e, e, id(history)) for e in (1, 2, 3)]


def test_a_callback_sees_the_parameters_of_its_epoch():
    p, seen = example(), []
    fit(p, epochs=3, callbacks=[lambda history: seen.append(bits(history.last.params))])
    assert seen == [bits(fit(p, epochs=e)[0]) for e in (1, 2, 3)]


@pytest.mark.parametrize(
    ("answer", "epochs"),
    [(True, 2), (np.True_, 2), (False, 5), (None, 5), (0.25, 5), ("no", 5)],
    ids=["True", "NumPy's True", "False", "None", "a loss", "text"],
)
def test_a_callback_that_returns_true_stops_the_run(answer, epochs):
    others = []
    callbacks = [
        lambda history: answer if history.epochs == 2 else None,
        lambda history: others.append(history.epochs),
    ]
    params, history = fit(example(), epochs=5, callbacks=callbacks)
    assert history.epochs == epochs
    assert history.stopped == ("callback" if epochs == 2 else "")
    assert others == list(range(1, epochs + 1))  # nobody is left out
    assert bits(params) == bits(fit(example(), epochs=epochs)[0])


def test_a_run_stopped_by_a_callback_can_go_on():
    p = example()
    params, history = fit(p, epochs=5, callbacks=[lambda history: history.epochs == 2])
    params, history = fit(p, None, params, history=history, epochs=3)
    assert (history.epochs, history.stopped) == (5, "")
    assert bits(params) == bits(fit(p, epochs=5)[0])


def test_callbacks_may_come_from_any_iterable():
    seen = []
    fit(example(), epochs=3, callbacks=iter([lambda history: seen.append(history.epochs)]))
    assert seen == [1, 2, 3]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_errors_of_a_callback_pass_through(error):
    def callback(history):
        raise error("mine")

    with pytest.raises(error, match="mine"):
        fit(example(), callbacks=[callback])
