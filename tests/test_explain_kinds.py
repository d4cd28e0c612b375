"""Explanations of networks of any kinds of layer: right, and true as printed."""

from __future__ import annotations

import pytest

import chainrule as cr
from chainrule.explain.expressions import exact
from chainrule.explain.names import COST, NOTATIONS, derivative, name_of
from chainrule.layers import LAYERS
from chainrule.trees import named_leaves, rebuild
from explained import is_near, quantities
from explained_kinds import KINDS, SEEDS, case, explained
from reading import steps
from test_explain_derivation import check_line


def test_there_is_a_random_layer_of_each_kind():
    assert set(KINDS) == set(LAYERS)


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
    deltas = cr.backward(p.net, p.params, trace, p.y, w)
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
    lines = [line for seed in SEEDS for line in steps(explained(seed).text(width=10**6))]
    rounded = [line for line in lines if line.rounded]
    print(f"{len(lines) - len(rounded)} lines are true as printed, {len(rounded)} are rounded")
    assert len(lines) > 5000
    assert len(rounded) <= 0.005 * len(lines), rounded


@pytest.mark.parametrize("notation", NOTATIONS)
def test_every_notation_tells_the_quantities_of_an_example_apart(notation):
    for seed in SEEDS[1::2]:
        derived = explained(seed).derivation
        names = {}
        for step in derived.steps():
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
