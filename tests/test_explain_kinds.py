"""Explanations of networks of any kinds of layer: right, and true as printed."""

from __future__ import annotations

import re

import numpy as np
import pytest

import chainrule as cr
import kinds
from chainrule.batches import Examples
from chainrule.explanation.core_numbers import at_path
from chainrule.explanation.derivation import derive, derive_from
from chainrule.explanation.expressions import Sum, exact
from chainrule.explanation.forward_backward import Passes
from chainrule.explanation.notation import COST, NOTATIONS, derivative, name_of
from chainrule.explanation.result import Explanation
from chainrule.explanation.subjects import parameters
from chainrule.explanation.unit_places import Places
from chainrule.layers import LAYERS
from chainrule.trees import named_leaves, rebuild
from explained import is_near, quantities
from explained_kinds import KINDS, SEEDS, case, explained
from reading import steps
from strategies import problem
from test_explain_derivation import check_line


def test_rows_are_of_kinds_that_there_are():
    assert set(KINDS) <= set(LAYERS)


def test_each_kind_comes_up():
    def kinds(layers):
        return {layer.kind for layer in layers} | {
            kind for layer in layers for kind in kinds(getattr(layer, "layers", ()))
        }

    found = [kinds(case(seed).p.net.layers) for seed in SEEDS]
    assert all(sum(kind in each for each in found) >= 20 for kind in LAYERS)


def moved(p, of, t):
    """Parameters and inputs with what is asked for moved by t."""
    if of[0] == "x":
        X = p.X.copy()
        X[:, int(of[1:]) - 1] += t
        return p.params, X
    name, _, entry = of.rstrip("]").partition("[")
    leaves = [(n, leaf.copy()) for n, leaf in named_leaves(p.params)]
    for other, leaf in leaves:
        if other == name:
            leaf[tuple(int(k) for k in entry.split(","))] += t
    return rebuild(p.params, [leaf for _, leaf in leaves]), p.X


def cost(seed, t):
    p, of, draw, w = case(seed)
    params, X = moved(p, of, t)
    return float(cr.cost(p.net, params, X, p.y, w, draw))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_last_line_is_the_slope_of_the_cost(seed):
    made = explained(seed)
    *_, last = made.derivation.steps()
    if case(seed).of == "cost":
        assert last.key == COST
        p, _, draw, w = case(seed)
        assert is_near(last.value, float(cr.cost(p.net, p.params, p.X, p.y, w, draw)))
        return
    assert last.key == derivative(COST, made.derivation.subject)
    h = 1e-5
    slope = (8 * (cost(seed, h) - cost(seed, -h)) - (cost(seed, 2 * h) - cost(seed, -2 * h))) / (
        12 * h
    )
    assert last.value == pytest.approx(slope, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_last_line_is_the_gradient_of_the_core(seed):
    p, of, draw, w = case(seed)
    trace = cr.forward(p.net, p.params, p.X, draw)
    deltas = cr.backward(trace, p.y, w)
    if of == "cost":
        return
    *_, last = explained(seed).derivation.steps()
    if of[0] == "x":
        expected = cr.input_gradient(trace, deltas)[:, int(of[1:]) - 1].sum()
    else:
        name, _, entry = of.rstrip("]").partition("[")
        grads = dict(named_leaves(cr.gradient(trace, deltas)))
        expected = grads[name][tuple(int(k) for k in entry.split(","))]
    assert is_near(last.value, float(expected), 1.0)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_formula_gives_its_value(seed):
    for step in explained(seed).derivation.steps():
        if step.formula is not None:
            size = max([abs(q.value) for q in quantities(step)], default=0.0)
            assert is_near(float(exact(step.formula)), step.value, 50 * (1 + size) ** 2), step


@pytest.mark.parametrize("seed", SEEDS)
def test_every_line_recomputes_from_what_it_prints(seed):
    made = explained(seed)
    lines = steps(made.text(width=10**6))
    for line, step in zip(lines, made.derivation.steps(), strict=True):
        check_line(line, step)


def test_few_lines_are_rounded():
    """Of a quarter of the networks; `python tests/explained_kinds.py` counts those of all."""
    lines = [line for seed in SEEDS[::4] for line in steps(explained(seed).text(width=10**6))]
    rounded = [line for line in lines if line.rounded]
    assert len(lines) > 2000
    assert len(rounded) <= 0.005 * len(lines), rounded


@pytest.mark.parametrize("notation", NOTATIONS)
def test_every_notation_tells_the_quantities_of_an_example_apart(notation):
    for seed in SEEDS:
        derived = explained(seed).derivation
        for part in derived.parts:
            names = {}
            for step in (each for own in part.steps for each in own.walk()):
                for quantity in [step.quantity, *quantities(step)]:
                    name = name_of(quantity.key, derived.at, NOTATIONS[notation])
                    if quantity.key.kind not in ("letter", "rest"):
                        assert names.setdefault(name, quantity.key) == quantity.key, (seed, name)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_letter_has_a_line_before_it_is_used(seed):
    """What is of a layer alone is not given: its line stands before the first that needs it."""
    for part in explained(seed).derivation.parts:
        if part.title.startswith("The chain"):
            continue
        known = set()
        for step in (each for own in part.steps for each in own.walk()):
            if part.title.startswith("Forward"):
                needed = {q.key for q in quantities(step) if q.key.kind == "own"}
                assert step.formula is None or needed - {step.key} <= known
            known.add(step.key)


# ---- units, updates, large layers, what is refused -----------------------------------------------


def test_units_by_what_leads_to_them():
    """In a third of the networks, a random unit by a random parameter and by an input."""
    found = 0
    for seed in SEEDS[::3]:
        p = case(seed).p
        at, rng = Places.of(p.net), np.random.default_rng(seed)
        k = int(rng.integers(len(at.layers)))
        if at.layers[k].member:
            continue
        j = int(rng.integers(at.layers[k].outputs))
        name = str(rng.choice([name for name in at.shapes if name not in at.fixed]))
        entry = ", ".join(str(rng.integers(size)) for size in at.shapes[name])
        for by in (f"x{rng.integers(p.net.inputs) + 1}", f"{name}[{entry}]"):
            slope = slope_of_unit(p, at.layers[k].seen, j, by)
            unit = f"out_{at.unit(k, j)}"
            try:
                made = cr.explain(p.net, p.params, p.X[0], of=unit, by=by)
            except ValueError:
                assert abs(slope) < 1e-9
                continue
            found += 1
            *_, last = made.derivation.steps()
            assert last.value == pytest.approx(slope, rel=1e-6, abs=1e-8)
            for line, step in zip(steps(made.text(10**6)), made.derivation.steps(), strict=True):
                check_line(line, step)
    assert found > 30


def slope_of_unit(p, seen, j, by):
    def unit(t):
        params, X = moved(p, by, t)
        return float(at_path(cr.forward(p.net, params, X[:1]), seen).a[0, j])

    h = 1e-5
    return (8 * (unit(h) - unit(-h)) - (unit(2 * h) - unit(-2 * h))) / (12 * h)


DEEP = cr.Network(
    2,
    [cr.Dense(3, "tanh"), cr.LayerNorm(), cr.Residual(cr.Dense(3, "relu")), cr.Dense(1)],
    loss="half_squared_error",
    l2=0.1,
)


@pytest.mark.parametrize(("of", "decays"), [("1.gamma[0]", False), ("2.0.W[0, 1]", True)])
def test_updates_decay_weights_alone(of, decays):
    params = DEEP.init(1, "float64")
    optimizer = cr.AdamW(0.1, weight_decay=0.5)
    made = cr.explain(DEEP, params, [0.5, -1.0], [1.0], of=of, optimizer=optimizer)
    *_, last = made.derivation.steps()
    plan = {"engine": "reference", "shuffle": False, "epochs": 1}
    after, _ = cr.fit(DEEP, params, [[0.5, -1.0]], [[1.0]], optimizer, **plan)
    name, _, entry = of.rstrip("]").partition("[")
    expected = dict(named_leaves(after))[name][tuple(int(k) for k in entry.split(","))]
    assert last.value == pytest.approx(float(expected), rel=1e-12)
    assert any(view.formula.endswith("0.5 · w8") for view in made.steps) == decays
    assert ("the penalty is of weights alone" in made.text()) != decays


@pytest.mark.parametrize("top", [1, 3, 10])
@pytest.mark.parametrize("of", ["w1", "x2", "1.gamma[7]", "2.1.W[3, 4]", "h70"])
def test_of_large_layers_the_largest_terms_are_shown(of, top):
    inner = cr.Residual(cr.LayerNorm(), cr.Dense(40, "relu"))
    net = cr.Network(
        30, [cr.Dense(40, "tanh"), cr.LayerNorm(), inner, cr.Dense(2)], "squared_error"
    )
    p = problem(net, n=1, seed=3)
    made = cr.explain(net, p.params, p.X[0], p.y[0], of=of, top=top)
    for line, step in zip(steps(made.text(10**6)), made.derivation.steps(), strict=True):
        check_line(line, step)
        assert not isinstance(step.formula, Sum) or len(step.formula.terms) <= 2 * top + 5
    assert len(list(made.derivation.steps())) < 60 * (top + 2)


MEMBERS = cr.Network(2, [cr.Dense(2), cr.Members(2, cr.Dense(3), cr.Dense(1))], loss="huber")
NORM = cr.Network(2, [cr.BatchNorm(), cr.Dense(1)], loss="squared_error")


@pytest.mark.parametrize(
    ("net", "asked", "message"),
    [
        (NORM, {"of": "0.running_mean[0]"}, "0.running_mean is a statistic, which no gradient"),
        (NORM, {"of": "0.delta[0]"}, "0.gamma[0], 0.beta[0], 1.W[0, 0], 1.b[0] counted from 0"),
        (NORM, {"of": "0.gamm[0]"}, "no quantity '0.gamm[0]'; did you mean '0.gamma[0]'? It has"),
        (NORM, {"of": "0.gamma[2]"}, "0.gamma has shape (2,), with indices from 0"),
        (NORM, {"of": "layers[0].gamma[0, 1]"}, "layers[0].gamma has shape (2,)"),
        (NORM, {"of": "7.W[0]"}, "the network has no quantity '7.W[0]'"),
        (
            NORM,
            {"of": "w1", "optimizer": cr.SGD(0.1), "step": 1, "sample_weight": [1.0, 2.0]},
            "a step of examples with weights that differ is not worked out where a layer",
        ),
        (MEMBERS, {"of": "o1"}, "'o1': each member has one; name 'o1(1)' to 'o1(2)'"),
        (MEMBERS, {"of": "h5(3)"}, "'h5(3)': each member has one; name 'h5(1)' to 'h5(2)'"),
        (MEMBERS, {"of": "h1(1)"}, "'h1(1)': no member has it alone"),
        (MEMBERS, {"of": "o1(1)", "by": "w1"}, "of must be 'cost' or a unit before the members"),
    ],
)
def test_what_is_refused(net, asked, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        cr.explain(net, net.init(), [[0.5, 1.0], [2.0, 3.0]], [[1.0], [0.0]], **asked)


@pytest.mark.parametrize("of", ["h5(2)", "net_h6(1)", "o1(2)", "h1"])
def test_units_of_members(of):
    p = problem(MEMBERS, n=1, seed=2)
    made = cr.explain(MEMBERS, p.params, p.X[0], p.y[0], of=of)
    for line, step in zip(steps(made.text(10**6)), made.derivation.steps(), strict=True):
        check_line(line, step)
    *_, last = made.derivation.steps()
    trace = cr.forward(MEMBERS, p.params, p.X)
    deltas = cr.backward(trace, p.y)
    shared, own, member = deltas[1].shared[0], p.params[1].own, 1 if "(2)" in of else 0
    expected = {
        "h5(2)": (deltas[1].own[1] @ own[1].W)[0, 0],
        "net_h6(1)": shared[0, 1],
        "o1(2)": deltas[1].own[1][0, 0],
        "h1": (cr.input_gradient(trace, deltas), deltas[0])[1][0, 0],
    }[of]
    assert last.value == pytest.approx(float(expected), rel=1e-12), member


@pytest.mark.parametrize("name", kinds.WITH_BATCH_NORM)
def test_a_step_through_the_statistics_of_its_batch(name):
    d = kinds.data(name, n=3)
    at = Places.of(d.net)
    names = [name for name in at.shapes if name not in at.fixed]
    for leaf in {names[0], next(name for name in names if name.endswith("gamma"))}:
        entry = tuple(0 for _ in at.shapes[leaf])

        def cost(t, leaf=leaf, entry=entry):
            leaves = [(own, part.copy()) for own, part in named_leaves(d.params)]
            dict(leaves)[leaf][entry] += t
            params = rebuild(d.params, [part for _, part in leaves])
            return float(cr.cost(d.net, params, d.X, d.y, draw=kinds.DRAW))

        key, data = at.key(leaf, entry), Examples(d.X, d.y, None)
        made = Explanation(derive(d.net, d.params, data, key, top=10, draw=kinds.DRAW))
        *_, last = made.derivation.steps()
        assert last.value == pytest.approx((cost(1e-5) - cost(-1e-5)) / 2e-5, rel=1e-6, abs=1e-8)
        for line, step in zip(steps(made.text(10**6)), made.derivation.steps(), strict=True):
            check_line(line, step)
        assert "the mean over the batch" in made.text()
        assert "cr.Network" not in made.notebook()


@pytest.mark.parametrize("seed", SEEDS[::7])
def test_derivations_that_share_a_pass_are_those_made_alone(seed):
    d = explained(seed).derivation
    passes = Passes(d.net, d.params, d.data, d.draw)
    for key in [d.subject, COST, *parameters(d.at)[::5], d.subject]:
        alone = derive(d.net, d.params, d.data, key, top=10, draw=d.draw)
        assert derive_from(passes, key, top=10).parts == alone.parts
