"""A weight's change shared out where a run went on from another."""

import pickle
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule import engine
from chainrule.layers import LAYERS, Role
from chainrule.optimizers import OPTIMIZERS, init_states
from chainrule.record import TrainingState
from chainrule.trees import leaves, named_leaves, tree_map
from runs import LINE, line
from strategies import problem, problems

LINEAR = {
    "plain": cr.SGD(0.05),
    "momentum": cr.SGD(0.05, momentum=0.9),
    "nesterov": cr.SGD(cr.StepDecay(0.05, every=3), momentum=0.9, nesterov=True),
    "averaging": cr.SGD(cr.StepDecay(0.05, every=3), momentum=0.9, dampening=0.5),
}
RULES = {
    **LINEAR,
    **{name: kind(0.02) for name, kind in OPTIMIZERS.items()},
    "adamw decay": cr.AdamW(0.01, weight_decay=0.3),
    "lion decay": cr.Lion(0.01, weight_decay=0.3),
}
NET = cr.Network(2, [cr.Dense(3, "tanh"), cr.Dense(2)], "huber", l2=0.01)


def total(shares):
    return shares.parts.sum() + shares.penalty + shares.decay + shares.earlier


def assert_whole(shares, rel=1e-12):
    assert total(shares) == pytest.approx(shares.after - shares.before, rel=rel, abs=1e-14)


def two_runs(rule, p, second=None, **options):
    """A run on all the examples, and another on the first three, with what `second` changes."""
    options = {"epochs": 3, "batch_size": 2, "engine": "reference", "record": True, **options}
    params, history = cr.fit(p.net, p.params, p.X, p.y, rule, **options)
    rule = (second or {}).pop("optimizer", rule)
    options |= second or {}
    return cr.fit(p.net, params, p.X[:3], p.y[:3], rule, history=history, **options)


@pytest.mark.parametrize(
    ("rule", "left"),
    [  # the first step is 0.1 · 1, and what a second without a gradient makes of it
        (cr.SGD(0.1), 0.0),
        (cr.SGD(0.1, momentum=0.9), 0.09),
        (cr.SGD(0.1, momentum=0.9, nesterov=True), 0.081),
        (cr.SGD(0.1, momentum=0.9, dampening=0.5), 0.045),
        # m = 0.09 over 1 − 0.81, v = 0.000999 over 1 − 0.998001
        (cr.Adam(0.1), 0.1 * (0.09 / 0.19) / (0.000999 / 0.001999) ** 0.5),
        (cr.Lion(0.1), 0.1),
        (cr.Adagrad(0.1), 0.0),
        (cr.RMSprop(0.1), 0.0),
    ],
    ids=repr,
)
def test_opposite_examples_do_not_share_what_an_earlier_run_left(rule, left):
    options = {"epochs": 1, "freeze": ["*.b"], "engine": "reference", "record": True}
    params, history = cr.fit(LINE, line(), [[1.0]], [[1.0]], rule, **options)
    X, y = [[1e-9]] * 2, [[1.0], [-1.0]]
    _, history = cr.fit(LINE, params, X, y, rule, history=history, **options)
    shares = cr.contributions(history, of="w1")
    assert shares.earlier == pytest.approx(left, rel=1e-6)
    if not isinstance(rule, cr.Adagrad | cr.RMSprop):  # with a sum of squares that is tiny
        np.testing.assert_allclose(shares.parts[0], -shares.parts[1], rtol=1e-6)
        assert np.all(np.abs(shares.parts) < 1e-8)
    assert_whole(shares)


@pytest.mark.parametrize("of", ["w2", "b2"])
@pytest.mark.parametrize("rule", LINEAR.values(), ids=LINEAR)
def test_a_share_is_what_the_change_is_less_without_its_gradients(rule, of):
    """Where the step is linear in the gradients, they can be left out one by one."""
    p = problem(NET, n=5)
    _, history = two_runs(rule, p, batch_size=None)
    shares, run = cr.contributions(history, of=of), history.runs[-1]
    X, y = p.X[:3], p.y[:3]

    def change(left_out):
        """Of the weight, over the steps as they were made, without some of their gradients."""
        state, moved = run.states[0 if of == "w2" else 1], 0.0
        for step in range(run.step + 1, history.at.step + 1):
            params = cr.explain_step(history, step=step, of="cost").derivation.params
            trace = cr.forward(NET, params, X)
            each = cr.per_example_gradients(trace, cr.backward(trace, y))[0]
            own = each.W if of == "w2" else each.b
            g = sum(own[k] for k in range(3) if k not in left_out) + np.zeros_like(own[0])
            if of == "w2" and "penalty" not in left_out:
                g = g + 0.01 * params[0].W
            dw, state = rule.step(g, state, step)
            moved -= dw[0, 1] if of == "w2" else dw[1]
        return moved

    whole = change([])
    assert whole == pytest.approx(shares.after - shares.before, rel=1e-10)
    alone = [whole - change([k]) for k in range(3)]
    np.testing.assert_allclose(shares.examples, alone, rtol=1e-9, atol=1e-14)
    assert shares.earlier == pytest.approx(change([0, 1, 2, "penalty"]), rel=1e-9, abs=1e-14)
    assert shares.penalty == pytest.approx(whole - change(["penalty"]), rel=1e-9, abs=1e-14)


@pytest.mark.parametrize("name", ["adam", "adamw", "nadam", "lion"])
def test_a_mean_of_earlier_gradients_fades_by_its_rule(name):
    """dw is the mean times a factor: the part of it that is β^k of the old mean has its share."""
    rule, p = OPTIMIZERS[name](0.01), problem(NET, n=5)
    _, history = two_runs(rule, p, batch_size=None)
    run, of = history.runs[-1], (0, 1)
    beta = rule.beta2 if name == "lion" else rule.beta1
    old, state, expected = run.states[0][0][of], run.states[0], 0.0
    for step in range(run.step + 1, history.at.step + 1):
        g = cr.gradient(*_passes(history, step, p))[0].W
        before = state[0][of]
        dw, state = rule.step(g, state, step)
        # what the step is without the part of the mean that is old, by the same factor
        mean = rule.beta1 * before + (1 - rule.beta1) * g[of]
        part = rule.beta1 * old
        if name == "nadam":
            ahead, now = rule.beta1 / (1 - rule.beta1 ** (step + 1)), 1 / (1 - rule.beta1**step)
            mean = ahead * mean + now * (1 - rule.beta1) * g[of]
            part = ahead * part
        expected -= dw[of] * part / mean
        old *= beta
    assert cr.contributions(history, of="w2").earlier == pytest.approx(expected, rel=1e-9)


def _passes(history, step, p):
    params = cr.explain_step(history, step=step, of="cost").derivation.params
    trace = cr.forward(NET, params, p.X[:3])
    return trace, cr.backward(trace, p.y[:3])


SECOND = {
    "the same": {},
    "another rate": {"rate": 0.003},
    "clipped": {"clip_norm": 0.01},
    "each clipped": {"clip_value": 0.01},
    "frozen": {"freeze": ["0.*"]},
    "tied elsewhere": {"ties": [["1.b[0]", "1.b[1]"]], "freeze": []},
    "in order": {"shuffle": False, "seed": 7},
    "weighted": {"sample_weight": [1.0, 0.0, 2.5]},
    "a part held out": {"validation": 0.34},
}


@pytest.mark.parametrize("second", SECOND.values(), ids=SECOND)
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_shares_of_a_run_that_went_on_add_up(rule, second):
    p = problem(cr.Network(2, [*NET.layers], "huber", l1=0.01, l2=0.1), n=6)
    options, second = {}, dict(second)
    if "ties" in second:
        p.params[1].b[1] = p.params[1].b[0]
        options["freeze"] = ["1.b"]
    if "rate" in second:
        second["optimizer"] = type(rule)(second.pop("rate"), **_others(rule))
    params, history = two_runs(rule, p, second, **options)
    for of, own in (("w3", params[0].W[1, 0]), ("b1", params[0].b[0])):
        shares = cr.contributions(history, of=of)
        assert shares.after == own
        assert_whole(shares, rel=1e-9)
        if second.get("freeze"):
            assert not shares.parts.any()
            assert (shares.penalty, shares.decay, shares.earlier) == (0, 0, 0)


def _others(rule):
    return {name: value for name, value in vars(rule).items() if name != "learning_rate"}


@settings(max_examples=60, deadline=None)
@given(
    p=problems(),
    rule=st.sampled_from(list(RULES.values())),
    epochs=st.lists(st.integers(1, 3), min_size=1, max_size=3),
    dtype=st.sampled_from(["float32", "float64"]),
    pickled=st.booleans(),
    data=st.data(),
)
def test_the_shares_add_up_in_any_network(p, rule, epochs, dtype, pickled, data):
    p = p._replace(params=tree_map(lambda leaf: leaf.astype(dtype), p.params))
    params, history = p.params, None
    try:
        for more in epochs:
            if pickled:  # as a checkpoint leaves it
                history = pickle.loads(pickle.dumps(history))
            params, history = cr.fit(
                p.net, params, p.X, p.y, rule, epochs=more, batch_size=2, history=history,
                engine="reference", record=True)  # fmt: skip
    except cr.DivergenceError:
        return
    kind = data.draw(st.sampled_from("wb"))
    count = sum(leaf.size for leaf in leaves(params) if leaf.ndim == (2 if kind == "w" else 1))
    shares = cr.contributions(history, of=f"{kind}{data.draw(st.integers(1, count))}")
    size = np.abs(shares.parts).sum() + abs(shares.earlier)
    assert total(shares) == pytest.approx(shares.after - shares.before, rel=1e-9, abs=1e-12 * size)
    assert len(epochs) > 1 or shares.earlier == 0


@pytest.mark.skipif(engine.native is None, reason="there is no compiled engine")
@pytest.mark.parametrize(
    "options",
    [{}, {"clip_norm": 0.05}, {"clip_value": 0.01}, {"batch_size": None}, {"validation": 0.2}],
    ids=str,
)
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_run_of_the_engine_is_shared_out_as_it_was_made(rule, options):
    """In float32 two ways of adding soon part, and the sign of a mean sooner."""
    layers = [cr.Dense(8, "relu"), cr.Dropout(0.1), cr.Dense(2)]
    p = problem(cr.Network(2, layers, "squared_error", l2=0.01), n=20)
    params, history = p.net.init(0), None
    for epochs in (30, 40):
        params, history = cr.fit(
            p.net, params, p.X, p.y, rule, epochs=epochs, history=history, engine="native",
            record=True, **{"batch_size": 6, "sample_weight": p.w, **options},
        )  # fmt: skip
    shares = cr.contributions(history, of="w3")
    assert shares.after == params[0].W[1, 0]
    assert_whole(shares, rel=1e-9)


def test_steps_smaller_than_a_weight_can_show_leave_no_large_shares():
    """In float32 a weight near 1 does not feel 1e-9; the examples' shares are what they are."""
    params = LINE.parameters([(np.array([[1.0]], "f4"), np.array([0.0], "f4"))])
    X, y = np.array([[1.0], [1.0]], "f4"), np.array([1.5, 0.5 + 1e-7], "f4")
    options = {"epochs": 1, "batch_size": None, "freeze": ["*.b"], "engine": "reference"}
    options["record"] = True
    _, history = cr.fit(LINE, params, X, y, cr.SGD(0.01), **options)
    shares = cr.contributions(history, of="w1")
    np.testing.assert_allclose(shares.parts.ravel(), [0.0025, -0.0025], rtol=1e-4)
    assert_whole(shares)


def test_a_bound_holds_for_examples_that_cancel():
    """The norm of the whole is shortened; the gradient of w1 is 0, its two shares are not."""
    net = cr.Network(2, [cr.Dense(1)], "half_squared_error")
    params = net.parameters([([[0.0, 0.0]], [0.0])])
    X, y = np.array([[1.0, 3.0], [-1.0, 3.0]]), np.array([1.0, 1.0])
    options = {"epochs": 1, "batch_size": None, "freeze": ["*.b"], "engine": "reference"}
    options["record"] = True
    _, history = cr.fit(net, params, X, y, cr.SGD(1.0), clip_norm=0.3, **options)
    shares = cr.contributions(history, of="w1")  # the gradient is (0, −3), a tenth of it is allowed
    np.testing.assert_allclose(shares.parts.ravel(), [0.05, -0.05], rtol=1e-12)
    assert shares.after == shares.before == 0


def test_the_share_of_earlier_steps_is_said():
    p = problem(NET, n=5)
    _, history = two_runs(cr.SGD(0.05, momentum=0.9), p)
    text = cr.contributions(history, of="w1").text()
    assert re.search(r"^  steps before this run +−?[\d.]+( · 10⁻\S+)?$", text, re.MULTILINE)
    assert len({len(row) for row in text.splitlines() if row.startswith("  ")}) == 1
    _, first = cr.fit(NET, p.params, p.X, p.y, cr.SGD(0.05, momentum=0.9), epochs=1, record=True)
    assert "before this run" not in cr.contributions(first, of="w1").text()
    assert " in 1 step: " in cr.contributions(first, of="w1").text()


@pytest.mark.parametrize("name", ["explain_step", "contributions"])
def test_a_step_before_the_history_was_loaded_is_refused(name):
    p = problem(NET, n=5)
    params, history = cr.fit(NET, p.params, p.X, p.y, cr.Adam(), epochs=4, record=True)
    history = pickle.loads(pickle.dumps(history))
    _, history = cr.fit(NET, params, p.X, p.y, cr.Adam(), epochs=2, history=history, record=True)
    assert getattr(cr, name)(history, of="w1", step=5)
    for step in (1, 4):
        with pytest.raises(ValueError, match=f"step {step} was made before .* steps from 5 on"):
            getattr(cr, name)(history, of="w1", step=step)


KINDS = [pytest.param(kind.example(3), id=name) for name, kind in LAYERS.items()]


def network_of(layer):
    """A network with a layer between two others, or last where it predicts."""
    ends = [] if layer.members > 1 else [cr.Dense(2)]
    return cr.Network(2, [cr.Dense(3, "tanh"), layer, *ends], "squared_error", l2=0.1)


@pytest.mark.parametrize("layer", KINDS)
def test_the_shares_of_a_step_are_the_derivatives_of_each_examples_loss(layer):
    """Of any parameter of any kind, by differences of that loss in the training's own pass."""
    net = network_of(layer)
    p = problem(net, n=3)
    options = {"epochs": 1, "batch_size": None, "engine": "reference", "shuffle": False}
    options["record"] = True
    _, history = cr.fit(net, p.params, p.X, p.y, cr.SGD(0.01), sample_weight=p.w, **options)

    def losses(name, entry, by):
        moved = tree_map(np.copy, p.params)
        dict(named_leaves(moved))[name][entry] += by
        trace = cr.forward(net, moved, p.X, cr.Draw(seed=0, step=1))
        each = net.row.value(trace.output, p.y, np)
        return each.reshape(3, -1, net.outputs).sum(axis=1)

    for name, leaf in named_leaves(p.params):
        entry = tuple(size - 1 for size in leaf.shape)
        of = f"{name}[{', '.join(map(str, entry))}]"
        if net.roles[name] is Role.STATISTIC:
            with pytest.raises(ValueError, match="which no gradient moves"):
                cr.contributions(history, of=of)
            continue
        slopes = (losses(name, entry, 1e-6) - losses(name, entry, -1e-6)) / 2e-6
        shares = cr.contributions(history, of=of)
        expected = -0.01 * slopes * p.w[:, None] / p.w.sum()
        np.testing.assert_allclose(shares.parts, expected, rtol=1e-6, atol=1e-11, err_msg=of)
        pulls = net.roles[name] is Role.WEIGHT
        assert shares.penalty == pytest.approx(-0.01 * 0.1 * leaf[entry] * pulls, rel=1e-9)
        assert_whole(shares)


class Own(cr.SGD):
    """A rule of one's own."""


def test_what_cannot_be_shared_out_is_refused():
    p = problem(NET, n=5)
    _, history = cr.fit(
        NET,
        p.params,
        p.X,
        p.y,
        Own(0.1),
        epochs=1,
        batch_size=None,
        engine="reference",
        record=True,
    )
    assert cr.explain_step(history, of="w1", step=1)
    with pytest.raises(ValueError, match="is an optimizer of your own"):
        cr.contributions(history, of="w1")
    states = init_states(cr.SGD(), p.params)
    none = cr.History(last=TrainingState(p.params, states, 0, 0, "SGD"), runs=history.runs)
    with pytest.raises(ValueError, match="the training made no step"):
        cr.contributions(none, of="w1")
