"""The formulas of the explanation, row for row against the tables of the core."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.activations import activation
from chainrule.batches import Examples
from chainrule.explanation.derivation import derive
from chainrule.explanation.derivation_steps import Update
from chainrule.explanation.expressions import Quantity, exact, walk
from chainrule.explanation.formulas import ACTIVATION_FORMULAS, LOSS_FORMULAS, number
from chainrule.explanation.forward_backward import Passes
from chainrule.explanation.notation import COST, Key, derivative
from chainrule.explanation.subjects import ALL
from chainrule.explanation.updates import WORKINGS, update
from chainrule.losses import LOSSES, loss
from chainrule.optimizers import OPTIMIZERS, init_states
from chainrule.targets import TARGETS
from chainrule.trees import leaves, tree_map
from chainrule.update import apply
from strategies import problem
from tables import ACTIVATION_NAMES, ELEMENTWISE
from test_losses import NAMES as LOSS_NAMES
from test_optimizers import EXAMPLES

RTOL = 1e-12
SMALLEST = 5e-324

Z = [0.0, 1.0, 3.0, 0.5, 0.7525, 1e-5, 1e-300, 2.3, 6.0, 9.0, 15.0, 30.0, 40.0, 300.0, 700.0]
POINTS = [z for size in Z for z in (size, -size)]


def near(got, expected, size=0.0):
    """Whether numbers agree to 12 digits, or to rounding of terms of a size that cancel."""
    return abs(got - expected) <= RTOL * abs(expected) + 4e-16 * size + SMALLEST


def test_every_row_has_its_form():
    assert ACTIVATION_FORMULAS.keys() == set(ELEMENTWISE)
    assert LOSS_FORMULAS.keys() == LOSSES.keys()
    assert WORKINGS.keys() == OPTIMIZERS.keys() == EXAMPLES.keys()


# ---- activations ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*ACTIVATION_NAMES, "leaky_relu(0.015625)", "elu(1e-06)"])
def test_activation(name):
    row = activation(name)
    z = np.array(POINTS + [k + e for k in row.kinks for e in (0.0, 1e-9, -1e-9)])
    a = row.f(z, np)
    parameters = [number(p) for p in row.parameters]
    for facet, core in enumerate((a, row.df(z, a, np))):
        for z_j, a_j, expected in zip(z, a, core, strict=True):
            quantities = Quantity(Key("z"), float(z_j)), Quantity(Key("a"), float(a_j))
            form = ACTIVATION_FORMULAS[row.name][facet](*quantities, *parameters)
            got = float(exact(form.expression))
            assert near(got, float(expected)), (name, facet, z_j, got, expected)


@pytest.mark.parametrize("name", ACTIVATION_NAMES)
def test_letters_of_an_activation_are_defined_before_they_are_used(name):
    row = activation(name)
    quantities = Quantity(Key("z"), 0.5), Quantity(Key("a"), 0.25)
    for rule in ACTIVATION_FORMULAS[row.name]:
        form = rule(*quantities, *map(number, row.parameters))
        known, used = {"π"}, set()
        for quantity, expression in [*form.lets, (Quantity(Key("a"), 0.0), form.expression)]:
            assert letters(expression) <= known
            used |= letters(expression)
            known.add(quantity.key.text)
        assert {quantity.key.text for quantity, _ in form.lets} <= used


def letters(expression):
    return {
        node.key.text
        for node in walk(expression)
        if isinstance(node, Quantity) and node.key.kind == "letter"
    }


# ---- losses --------------------------------------------------------------------------------------

SIZES = [0.0, 0.25, 0.5, 1.0, 2.0, 5.0, 30.0, 60.0]


def loss_cases(row):
    """Activations with each target that the loss compares with, equal ones among them."""
    y = TARGETS[row.target].sample(np.random.default_rng(1), 8, 3)
    a = np.array([s for size in SIZES for s in (size, -size)] * 3).reshape(-1, 3)
    a = np.concatenate([a, y, y + 0.5])  # y + 0.5 is a corner of huber(0.5)
    return a, np.resize(y, a.shape) if row.target != "class" else y[np.arange(len(a)) % len(y)]


CROSS_ENTROPIES = [n for n in LOSS_NAMES if "cross_entropy" in n]


@pytest.mark.parametrize("name", [n for n in LOSS_NAMES if n not in CROSS_ENTROPIES])
def test_loss(name):
    row = loss(name)
    a, y = loss_cases(row)
    for facet, core in (("value", row.value(a, y, np)), ("slope", row.grad(a, y, np))):
        for place in np.ndindex(a.shape):
            quantities = (Quantity(Key(k), float(v[place])) for k, v in (("a", a), ("y", y)))
            more = number(3), *map(number, row.parameters_of(place[1]))
            got = float(exact(getattr(LOSS_FORMULAS[row.name], facet)(*quantities, *more)))
            size = 1 + abs(y[place]) + abs(y[place] * a[place])
            assert near(got, float(core[place]), size), (
                facet,
                a[place],
                y[place],
                got,
                core[place],
            )


@pytest.mark.parametrize("name", CROSS_ENTROPIES)
@pytest.mark.parametrize("size", [0.0, 0.1, 1.0, 8.0, 60.0, 600.0])
@pytest.mark.parametrize("seed", [3, 4])
def test_cross_entropy(name, size, seed):
    """Its formulas take p, and of a softmax the other outputs: the derivation is the form."""
    net = cr.Network(2, [cr.Dense(4)], loss=name)
    p = problem(net, n=1, seed=seed)
    W, b = p.params[0]
    params = (type(p.params[0])(size * W, b),)
    made = derive(net, params, Examples(p.X, p.y, None), ALL, top=10)
    trace = cr.forward(net, params, p.X)
    row, y = loss(name), p.y
    core = {Key("p", 0, j): v for j, v in enumerate(row.link(trace.output, np)[0])}
    core |= {Key("loss", 0, j): v for j, v in enumerate(row.value(trace.output, y, np)[0])}
    core |= {
        derivative(COST, Key("a", 0, j)): v for j, v in enumerate(row.grad(trace.output, y, np)[0])
    }
    found = {step.key: step for step in made.steps()}
    for key, expected in core.items():
        if key.kind == "loss" and key not in found:
            assert expected == 0  # a class that is not the label
            continue
        step = found[key]
        assert step.value == expected
        assert near(float(exact(step.formula)), expected, size=1 + size), (key, expected)


# ---- optimizers ----------------------------------------------------------------------------------

NET = cr.Network(2, [cr.Dense(2, "tanh"), cr.Dropout(0.5), cr.Dense(1)], loss="half_squared_error")
SCHEDULES = [0.1, cr.Cosine(0.2, steps=7, final=0.01)]


def with_rate(optimizer, rate):
    fields = {f: getattr(optimizer, f) for f in optimizer.__dataclass_fields__}
    return type(optimizer)(**{**fields, "learning_rate": rate})


@pytest.mark.parametrize("rate", SCHEDULES, ids=["constant", "schedule"])
@pytest.mark.parametrize("optimizer", [o for each in EXAMPLES.values() for o in each], ids=repr)
def test_optimizer(optimizer, rate):
    """Each line gives its value from those before it, and the last gives the new parameter."""
    optimizer = with_rate(optimizer, rate)
    params, rng = problem(NET).params, np.random.default_rng(0)
    states = init_states(optimizer, params)
    for t in range(1, 7):
        grads = tree_map(lambda w: rng.choice([-2.0, -0.5, 0.0, 0.75, 3.0], size=w.shape), params)
        new, after = apply(optimizer, params, grads, states, t, NET.roles)
        kinds = ["w", "b", "w", "b"]
        for kind, w, g, state, expected in zip(
            kinds, leaves(params), leaves(grads), states, leaves(new), strict=True
        ):
            for place in np.ndindex(w.shape):
                quantity = Quantity(Key(kind, 0, 0), float(w[place]))
                slope = Quantity(derivative(COST, quantity.key), float(g[place]))
                own = tuple(float(part[place]) for part in state)
                steps = update(optimizer, quantity, slope, own, t, decays=kind == "w")
                assert steps[-1].key == Key("new", of=(quantity.key,))
                assert steps[-1].value == pytest.approx(float(expected[place]), rel=RTOL)
                for step in steps:
                    got = float(exact(step.formula))
                    assert near(got, step.value, size=1.0), (t, step)
        params, states = new, after


@pytest.mark.parametrize(
    "bounds",
    [
        {},
        {"clip_value": 0.01},
        {"clip_norm": 0.05},
        {"clip_norm": 50.0},
        {"clip_value": 0.02, "clip_norm": 0.03},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", OPTIMIZERS.values(), ids=lambda kind: kind.__name__)
def test_update_is_the_step_that_fit_makes(kind, bounds):
    """With the states of earlier steps, dropout's draw, bounds, and parameters that stay."""
    optimizer, seed, done = EXAMPLES[name_of(kind)][-1], 7, 3
    p = problem(NET, n=6, seed=2)
    options = {"seed": seed, "sample_weight": p.w, "engine": "reference", "freeze": ["2.b"]}
    options |= bounds
    params, history = cr.fit(NET, p.params, p.X, p.y, optimizer, epochs=done, **options)
    states = list(history.last.states)
    made = Update(optimizer, done + 1, states, frozenset({"2.b"}), *map(bounds.get, CLIPS))
    derived = derive(
        NET, params, Examples(p.X, p.y, p.w), ALL, top=10, draw=cr.Draw(seed, done + 1), made=made
    )
    new, _ = cr.fit(NET, params, p.X, p.y, optimizer, epochs=1, history=history, **options)
    found = {s.key.of[0]: s.value for s in derived.steps() if s.key.kind == "new"}
    passes = Passes(NET, new, derived.data)
    assert len(found) == NET.size
    for key, value in found.items():
        assert value == pytest.approx(passes.value(key), rel=RTOL, abs=1e-14), key
    notes = {step.note for step in derived.steps()}
    assert "frozen: it stays" in notes
    assert ("clip_value" in notes) == ("clip_value" in bounds)
    assert ("clip_norm" in notes) == (bounds.get("clip_norm", 50.0) < 50.0)


CLIPS = ("clip_value", "clip_norm")


def name_of(kind):
    return next(name for name, each in OPTIMIZERS.items() if each is kind)
