"""Losses of several heads: the sum of losses, each of outputs of its own."""

from __future__ import annotations

import dataclasses
import itertools
import re
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import chainrule as cr
from chainrule import engine, losses
from chainrule.evaluation import predict_finite
from chainrule.explanation.notation import COST
from chainrule.losses import LOSSES
from chainrule.targets import check_targets, sample
from parity import TOLERANCE, assert_parity
from strategies import HEADS, problem

PAIRS = [f"heads({first}: 2, {second}: 3)" for first, second in itertools.product(LOSSES, LOSSES)]
each_pair = pytest.mark.parametrize("name", PAIRS)
V, T = ValueError, TypeError


def own_loss() -> cr.Loss:
    return cr.Loss("cubic", lambda a, y, xp: (a - y) ** 3, lambda a, y, xp: 3 * (a - y) ** 2)


# ---- the core ------------------------------------------------------------------------------------


@each_pair
def test_each_head_has_what_its_loss_makes_of_its_columns(name: str) -> None:
    row, rng = losses.loss(name), np.random.default_rng(0)
    a, y = rng.normal(size=(6, 5)), sample(row.target, rng, 6, 5)
    first, second = (losses.loss(part) for part in re.findall(r"(\w+): \d", name))
    for f in ("value", "grad"):
        expected = [
            getattr(first, f)(a[:, :2], y[:, :2], np),
            getattr(second, f)(a[:, 2:], y[:, 2:], np),
        ]
        assert_array_equal(getattr(row, f)(a, y, np), np.hstack(expected))
    expected = [first.link(a[:, :2], np), second.link(a[:, 2:], np)]
    assert_array_equal(row.link(a, np), np.hstack(expected))


@each_pair
def test_the_derivative_is_that_of_the_sum(name: str) -> None:
    """By central differences, apart from the kinks that it tells."""
    assert dataclasses.replace(losses.loss(name), check=True) == losses.loss(name)


@each_pair
def test_full_names_read_back(name: str) -> None:
    row = losses.loss(name)
    assert losses.loss(str(row)) is row
    assert row.latex.count("{") == row.latex.count("}")
    assert row.dlatex.count("{") == row.dlatex.count("}")


NAMES = {
    " heads( huber(0.5):2,poisson : 3 ) ": "heads(huber(0.5): 2, poisson: 3)",
    "heads(cross_entropy ( 0.1 ) : 3)": "heads(cross_entropy(0.1): 3)",
    "heads(quantile(0.05,0.95): 4)": "heads(quantile(0.05, 0.95): 4)",
    "heads(poisson: 1, poisson: 1, huber: 1)": "heads(poisson: 1, poisson: 1, huber(1): 1)",
}


@pytest.mark.parametrize("given", NAMES)
def test_names_as_people_write_them(given: str) -> None:
    assert str(losses.loss(given)) == NAMES[given]
    assert losses.loss(given) is losses.loss(NAMES[given])


def test_each_output_has_the_parameters_of_its_head() -> None:
    row = losses.heads(("huber(0.5)", 2), (losses.quantile(0.1, 0.9), 4), ("poisson", 1))
    of = [row.parameters_of(j) for j in range(7)]
    assert of == [(0.5,), (0.5,), (0.1,), (0.9,), (0.1,), (0.9,), ()]


REFUSED: list[tuple[Any, Any, str]] = [
    ("heads", V, "loss 'heads' must name each head's loss and the number of its outputs, as in 'h"),
    ("heads()", V, "must name each head's loss"),
    ("heads(huber)", V, "must name each head's loss"),
    ("heads(huber: 1,)", V, "must name each head's loss"),
    ("heads(huber: 1.5)", V, "must name each head's loss"),
    ("heads(huber: 0)", V, "outputs of huber must be a whole number >= 1, got 0"),
    ("heads(hubr: 1)", V, "unknown loss 'hubr'; did you mean 'huber'?"),
    ("heads(huber(-1): 1)", V, "delta"),
    ("heads(heads(huber: 1): 1, huber: 1)", V, "has heads itself: put them beside the others"),
    ("heads(quantile(0.1, 0.9): 3)", V, "expects a multiple of 2 outputs, got 3"),
    ([], V, "give each head's loss and outputs, such as"),
    (["huber"], T, "each must be a loss and the number of its outputs"),
    ([("huber", True)], T, "outputs of huber must be a whole number"),
    ([(3, 1)], T, "a loss must be a name such as"),
]


@pytest.mark.parametrize(("given", "error", "message"), REFUSED, ids=map(str, range(len(REFUSED))))
def test_what_is_no_loss_of_heads(given: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        losses.loss(given) if isinstance(given, str) else losses.heads(*given)


# ---- targets -------------------------------------------------------------------------------------

MIXED = losses.loss("heads(half_squared_error: 1, cross_entropy: 2, poisson: 1)").target
Y = np.array([[0.5, 1, 0, 3], [-2, 0.25, 0.75, 0]])


def changed(row: int, column: int, value: float) -> Any:
    y = Y.copy()
    y[row, column] = value
    return y


WRONG = [
    (Y[:, 0], "shape (2, 4); got shape (2,)"),
    (Y[:, :3], "shape (2, 4); got shape (2, 3)"),
    (changed(1, 0, np.nan), "y"),
    (changed(1, 3, -1), "y, head 3 (poisson), must hold numbers >= 0, got -1 at row 1, column 3"),
    (
        changed(1, 2, 2),
        "y, head 2 (cross_entropy), must hold probabilities, got 2 at row 1, column 2",
    ),
    (
        changed(0, 2, 1),
        "y, head 2 (cross_entropy), must hold probabilities that sum to 1, row 0 sums to 2",
    ),
]


@pytest.mark.parametrize(("y", "message"), WRONG, ids=map(str, range(len(WRONG))))
def test_targets_that_do_not_fit(y: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        check_targets(MIXED, y, 2, 4, np.float64, np)


def test_targets_that_fit() -> None:
    assert_array_equal(check_targets(MIXED, Y, 2, 4, np.float64, np), Y)
    third = changed(0, 1, 0.9999)
    assert_allclose(check_targets(MIXED, third, 2, 4, np.float64, np)[0, 1:3].sum(), 1, rtol=1e-15)


# ---- networks ------------------------------------------------------------------------------------

NETWORKS = [
    (3, "loss 'heads(half_squared_error: 1, cross_entropy: 3)' expects 4 outputs, got 3"),
    (8, "expects 4 outputs, got 8 from layer 0, Dense(8, 'identity')"),
]


@pytest.mark.parametrize(("units", "message"), NETWORKS)
def test_outputs_must_fit(units: int, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        cr.Network(2, [cr.Dense(units)], "heads(half_squared_error: 1, cross_entropy: 3)")


def test_a_link_wants_a_linear_end() -> None:
    message = "applies softmax and exp itself, so the last layer must be linear"
    with pytest.raises(ValueError, match=re.escape(message)):
        cr.Network(2, [cr.Dense(3, "tanh")], "heads(cross_entropy: 2, poisson: 1)")


def test_networks_come_back_from_files(tmp_path: Any) -> None:
    net = cr.Network(2, [cr.Dense(3)], losses.loss(HEADS[0]))
    cr.save(tmp_path / "a.model", net, net.init())
    assert losses.loss(cr.load(tmp_path / "a.model")[0].loss) is losses.loss(HEADS[0])


def test_own_losses_have_no_name_in_files(tmp_path: Any) -> None:
    net = cr.Network(2, [cr.Dense(2)], losses.heads((own_loss(), 1), ("huber", 1)))
    with pytest.raises(ValueError, match="cubic"):
        cr.save(tmp_path / "a.model", net, net.init())
    assert not [*tmp_path.iterdir()]


# ---- the engine ----------------------------------------------------------------------------------

native = pytest.mark.skipif(engine.native is None, reason="there is no compiled engine")
WIDE = [(first, second) for first in (1, 2, 7, 17, 33) for second in (1, 3, 16, 35)]


@native
@pytest.mark.parametrize("name", PAIRS[:: len(LOSSES) - 2])
def test_the_engine_makes_the_same_of_pairs(name: str) -> None:
    net = cr.Network(3, [cr.Dense(4, "tanh"), cr.Dense(5)], name)
    assert_parity(problem(net, n=11), cr.SGD(0.005), "float64")


@native
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("first", "second"), WIDE)
def test_the_engine_keeps_heads_of_any_width_apart(first: int, second: int, dtype: str) -> None:
    name = f"heads(cross_entropy: {first}, huber: {second}, binary_cross_entropy: {first})"
    net = cr.Network(3, [cr.Dense(2 * first + second)], name)
    for n in (1, 21):
        p = problem(net, n)
        assert_parity(p, cr.SGD(0.005), dtype)
        made = cr.predict(net, p.params, p.X)
        expected = cr.predict(net, p.params, p.X, engine="reference")
        assert_allclose(made, expected, rtol=1e-12)


@native
def test_one_head_has_the_bits_of_its_loss() -> None:
    p = problem(cr.Network(3, [cr.Dense(4, "tanh"), cr.Dense(5)], "cross_entropy(0.1)"), n=40)
    one = dataclasses.replace(p.net, loss="heads(cross_entropy(0.1): 5)")
    made = [
        cr.fit(net, p.params, p.X, p.y, cr.Adam(0.01), epochs=3, batch_size=7, engine="native")[0]
        for net in (p.net, one)
    ]
    assert_array_equal(made[0][1].W, made[1][1].W)


def test_members_predict_the_mean_of_each_head() -> None:
    net = cr.Network(3, [cr.Members(2, cr.Dense(3))], HEADS[0])
    p = problem(net)
    found = cr.predict(net, p.params, p.X)
    assert_allclose(found[:, 1:].sum(axis=1), 1, rtol=1e-12)
    assert_allclose(found, cr.predict(net, p.params, p.X, engine="reference"), rtol=1e-12)


# ---- above the core ------------------------------------------------------------------------------

ESTIMATORS = [cr.MLPRegressor, cr.MLPClassifier]


@pytest.mark.parametrize("given", [HEADS[3], losses.loss(HEADS[3])], ids=["name", "row"])
@pytest.mark.parametrize("kind", ESTIMATORS)
def test_an_estimator_has_one_loss(kind: Any, given: Any) -> None:
    model = kind(hidden_layer_sizes=(4,), loss=given)
    with pytest.raises(ValueError, match="loss must be one for all outputs, got 'heads"):
        model.fit(np.zeros((8, 2)), np.arange(8) % 2)


def test_what_is_too_large_for_e_is_told_by_its_row() -> None:
    net = cr.Network(1, [cr.Dense(2)], "heads(huber: 1, poisson: 1)")
    params = net.parameters([([[1.0], [1.0]], [0.0, 0.0])])
    with pytest.raises(FloatingPointError, match="row 2 is not finite"):
        predict_finite(net, params, [[1.0], [1000.0]])


def test_the_working_of_two_softmaxes_names_them_apart() -> None:
    """By hand: p = e^a / S of each head by itself, S = e^0 + e^ln 3 and e^0 + e^0."""
    net = cr.Network(1, [cr.Dense(4)], "heads(cross_entropy: 2, cross_entropy: 2)")
    W = [[0.0], [np.log(3)], [0.0], [0.0]]
    params = net.parameters([(W, np.zeros(4))])
    found = cr.explain(net, params, [[1.0]], [[0, 1, 1, 0]], of="w1")
    known = {step.key: step.value for step in found.derivation.steps()}
    sums = {key.unit: value for key, value in known.items() if key.text == "S"}
    assert sums == {0: pytest.approx(4), 1: pytest.approx(2)}
    assert known[COST] == pytest.approx(np.log(4 / 3) + np.log(2))
    assert "S1 = " in found.text()
    assert "S2 = " in found.text()
