"""Steps of a run made again, and a weight's change shared out."""

import functools
import pickle
import re

import numpy as np
import pytest

import chainrule as cr
from chainrule import engine
from chainrule.explanation.expressions import exact
from chainrule.optimizers import OPTIMIZERS
from runs import bits
from strategies import problem

LAYERS = [cr.Dense(4, "tanh"), cr.Dropout(0.25), cr.Dense(3)]
ENGINES = ["reference", *(["native"] if engine.native else [])]
RULES = {
    "momentum": cr.SGD(0.05, momentum=0.9),
    "nesterov": cr.SGD(0.05, momentum=0.9, nesterov=True),
    "averaging": cr.SGD(0.05, momentum=0.9, dampening=0.9),
    "schedule": cr.Adam(cr.Cosine(0.05, steps=20)),
    "decay": cr.AdamW(0.01, weight_decay=0.1),
    "lion decay": cr.Lion(0.01, weight_decay=0.1),
    **{name: kind(0.02) for name, kind in OPTIMIZERS.items()},
}
OPTIONS = {
    "plain": {},
    "penalised": {"l1": 0.01, "l2": 0.1},
    "clipped": {"clip_norm": 0.05},
    "each clipped": {"clip_value": 0.01},
    "in order": {"shuffle": False},
    "a part held out": {"validation": 0.25},
    "full batch": {"batch_size": None},
}


def train(
    rule=None, *, n=20, name="reference", epochs=3, loss="cross_entropy", history=None, **options
):
    penalties = {key: options.pop(key) for key in ("l1", "l2") if key in options}
    p = problem(cr.Network(2, LAYERS, loss, **penalties), n)
    options = {
        "batch_size": 6,
        "seed": 3,
        "sample_weight": p.w,
        "engine": name,
        "record": True,
        **options,
    }
    given = p.params if history is None else history.at.params
    params, history = cr.fit(
        p.net, given, p.X, p.y, rule or cr.Adam(0.02), epochs=epochs, history=history, **options
    )
    return params, history


STEPS = [
    (rule, options, name)
    for k, rule in enumerate(RULES)
    for j, options in enumerate(OPTIONS)
    for i, name in enumerate(ENGINES)
    if options == "plain" or (k + j) % len(ENGINES) == i  # else the engines take turns
]


@pytest.mark.parametrize(("rule", "options", "name"), STEPS)
def test_the_update_of_a_step_leads_to_the_next(rule, options, name):
    rule, options = RULES[rule], OPTIONS[options]
    params, history = train(rule, n=8, name=name, **{"batch_size": 3, **options})
    last = history.at.step
    made = {k: cr.explain_step(history, step=k, of="w5").derivation for k in (1, 2, last)}
    for step in (1, last):
        after = made[step + 1].params if step < last else params
        updated = made[step].parts[-1].steps[-1].value
        assert updated == pytest.approx(after[0].W[2, 0], rel=1e-12)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_step_is_made_again_to_the_bit(name, dtype):
    p = problem(cr.Network(2, LAYERS, "huber"), n=20)
    params = p.net.init(0, dtype)
    options = {"batch_size": 6, "engine": name, "threads": 1, "record": True}
    one, _ = cr.fit(p.net, params, p.X, p.y, cr.Adam(), epochs=2, **options)
    _, history = cr.fit(p.net, params, p.X, p.y, cr.Adam(), epochs=4, **options)
    at = cr.explain_step(history, step=9, of="cost").derivation.params
    assert bits(at) == bits(
        tuple(type(own)(*(leaf.astype(float) for leaf in own)) if own else () for own in one)
    )


def test_a_run_that_was_gone_on_with_is_one_run():
    _, first = train(epochs=2)
    _, both = train(epochs=1, history=first)
    _, whole = train(epochs=3)
    for step in (1, 8, 9, 12):
        again, once = (cr.explain_step(h, step=step, of="w3").text() for h in (both, whole))
        assert again == once


def test_frozen_parameters_stay():
    _, history = train(freeze=["0.*"])
    step = cr.explain_step(history, step=2, of="w1").derivation.parts[-1].steps[-1]
    assert (step.note, step.value) == ("frozen: it stays", history.at.params[0].W[0, 0])
    shares = cr.contributions(history, of="w1")
    assert not shares.parts.any()
    assert shares.before == shares.after


@functools.cache
def trained(rule, options):
    return train(RULES[rule], **OPTIONS[options])


@pytest.mark.parametrize("of", ["w5", "w10", "b2", "b6"])
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("rule", RULES)
def test_the_shares_add_up_to_the_change(rule, options, of):
    params, history = trained(rule, options)
    shares = cr.contributions(history, of=of)
    layer, part = (0, 0) if of in ("w5", "b2") else (2, 0)
    at = {"w5": (2, 0), "w10": (0, 1), "b2": (1,), "b6": (1,)}[of]
    end = params[layer][part if of[0] == "w" else 1][at]
    assert shares.after == end
    given = shares.parts.sum() + shares.penalty + shares.decay
    assert given == pytest.approx(shares.after - shares.before, rel=1e-9, abs=1e-12)
    assert shares.examples.sum() == pytest.approx(shares.outputs.sum())
    if of[0] == "b":
        assert shares.penalty == shares.decay == 0


def test_an_example_without_weight_gives_nothing():
    p = problem(cr.Network(2, LAYERS, "cross_entropy"), n=20)
    w = p.w.copy()
    w[4] = 0
    _, history = cr.fit(
        p.net, p.params, p.X, p.y, cr.Adam(), epochs=3, sample_weight=w, record=True
    )
    examples = cr.contributions(history, of="w2").examples
    assert examples[4] == 0
    assert np.all(examples[:4] != 0)


def test_the_shares_of_gradient_descent_are_those_of_each_example_alone():
    """With one step of plain descent, an example's share is its own gradient's."""
    p = problem(cr.Network(2, LAYERS[:1], "squared_error"), n=8)
    _, history = cr.fit(
        p.net, p.params, p.X, p.y, cr.SGD(0.1), epochs=1, batch_size=None, record=True
    )
    trace = cr.forward(p.net, p.params, p.X)
    each = cr.per_example_gradients(trace, cr.backward(trace, p.y))
    shares = cr.contributions(history, of="w3")
    np.testing.assert_allclose(shares.examples, -0.1 * each[0].W[:, 1, 0], rtol=1e-12)
    only = shares.parts.copy()
    only[:, 1] = 0  # w3 leads to the second output alone
    assert not only.any()


def test_the_text_names_the_largest_and_the_rest():
    _, history = train(l2=0.1)
    text = cr.contributions(history, of="w5").text(top=3)
    assert re.search(r"\n  the other 17 +−?[\d.]+", text)
    assert "By output" in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step": 0}, "step must be a whole number >= 1, got 0"),
        ({"step": 13}, "the training made 12 steps, from 1 to 12; got step=13"),
        ({"step": 1, "of": "w99"}, "w99"),
    ],
)
def test_a_step_that_was_not_made_is_refused(options, message):
    _, history = train()
    for function in (cr.explain_step, cr.contributions):
        with pytest.raises(ValueError, match=re.escape(message)):
            function(history, **{"of": "w1", **options})


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"top": 0}, "explain_step: top must be a whole number >= 1, got 0"),
        ({"digits": 0}, "explain_step: digits must be a whole number >= 1 and < 18, got 0"),
        ({"digits": 18}, "explain_step: digits must be a whole number >= 1 and < 18, got 18"),
        ({"notation": "newton"}, "unknown notation 'newton'"),
        ({"notation": "mazure"}, "did you mean 'mazur'?"),
    ],
)
def test_the_options_of_a_step_are_those_of_explain(option, message):
    _, history = train()
    with pytest.raises(ValueError, match=re.escape(message)):
        cr.explain_step(history, step=1, of="w1", **option)


def test_a_history_that_was_pickled_has_no_run():
    _, history = train()
    again = pickle.loads(pickle.dumps(history))
    assert bits(again.at.params) == bits(history.at.params)
    with pytest.raises(ValueError, match="this history holds no run"):
        cr.explain_step(again, step=1, of="w1")
    with pytest.raises(ValueError, match="must be a weight or a bias, got 'x1'"):
        cr.contributions(history, of="x1")


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("batch_size", [1, 3, None])
def test_the_lines_of_a_weighted_batch_give_its_step(batch_size, reduction):
    """Each formula gives its value, and the step is the one that was made."""
    net = cr.Network(2, [cr.Dense(3, "tanh"), cr.Dense(2)], "huber", l2=0.1, reduction=reduction)
    p = problem(net, n=5)
    options = {"epochs": 1, "batch_size": batch_size, "sample_weight": p.w, "shuffle": False}
    options |= {"engine": "reference", "record": True}
    after, history = cr.fit(net, p.params, p.X, p.y, cr.SGD(0.1), **options)
    made = cr.explain_step(history, step=history.at.step, of="w2").derivation
    for step in made.steps():
        if step.formula is not None:
            assert float(exact(step.formula)) == pytest.approx(step.value, rel=1e-9, abs=1e-12)
    assert made.parts[-1].steps[-1].value == pytest.approx(after[0].W[0, 1], rel=1e-12)
