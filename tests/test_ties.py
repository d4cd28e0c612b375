"""Places that share one value: the textbook's figures, and what is refused."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.engine import native_run
from chainrule.ties import check_ties
from chainrule.trees import leaves

NET = cr.Network(2, [cr.Dense(2, "sigmoid"), cr.Dense(2, "sigmoid")], "half_squared_error")
PARAMS = NET.parameters(
    [([[0.15, 0.20], [0.25, 0.30]], [0.35, 0.35]), ([[0.40, 0.45], [0.50, 0.55]], [0.60, 0.60])]
)
X, Y = np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]])
BIASES = [["0.b[0]", "0.b[1]"], ["1.b[0]", "1.b[1]"]]


def fit(params: Any = PARAMS, optimizer: Any = None, **options: Any) -> Any:
    options = {"epochs": 1, "batch_size": None, "ties": BIASES, "engine": "reference", **options}
    return cr.fit(NET, params, X, Y, optimizer or cr.SGD(0.5), record=True, **options)


def test_a_bias_that_two_units_share_has_the_sum_of_their_derivatives() -> None:
    """δ_o1 + δ_o2 = .138498562 − .038098237 = .100400325 and δ_h1 + δ_h2 = .018725609."""
    after, _ = fit()
    np.testing.assert_allclose(after[1].b, 0.60 - 0.5 * 0.100400325112, rtol=0, atol=1e-11)
    np.testing.assert_allclose(after[0].b, 0.35 - 0.5 * 0.018725609394, rtol=0, atol=1e-11)
    np.testing.assert_allclose(after[1].W[0, 0], 0.358916479718, rtol=0, atol=1e-11)


RULES = [cr.SGD(0.5, momentum=0.9), cr.Adam(0.1), cr.AdamW(0.1), cr.Lion(0.1), cr.Rprop(0.1)]


@pytest.mark.parametrize("optimizer", RULES, ids=lambda rule: type(rule).__name__)
def test_tied_places_stay_equal_through_a_run_that_is_gone_on_with(optimizer: Any) -> None:
    ties = [["0.W[0, 0]", "1.W[1, 1]", "1.W[0, 1]"], ["0.b[0]", "1.b[0]"]]
    params = NET.parameters(
        [([[0.5, 0.2], [0.25, 0.3]], [0.35, 0.1]), ([[0.4, 0.5], [0.5, 0.5]], [0.35, 0.6])]
    )
    whole, _ = fit(params, optimizer, ties=ties, epochs=7)
    first, history = fit(params, optimizer, ties=ties, epochs=3)
    second, _ = fit(first, optimizer, ties=ties, epochs=4, history=history)
    assert all(map(np.array_equal, leaves(whole), leaves(second)))
    assert whole[0].W[0, 0] == whole[1].W[1, 1] == whole[1].W[0, 1] != 0.5
    assert whole[0].b[0] == whole[1].b[0] != 0.35


def test_a_shared_value_is_that_of_a_network_with_one_parameter() -> None:
    """By central differences of the cost with all places moved together, penalty included."""
    net = cr.Network(2, NET.layers, NET.loss, l2=0.3)
    group = [["0.W[0, 1]", "1.W[0, 0]"]]
    params = NET.parameters(
        [([[0.15, 0.4], [0.25, 0.30]], [0.35, 0.1]), ([[0.40, 0.45], [0.50, 0.55]], [0.2, 0.6])]
    )

    def cost(value: float) -> float:
        moved = [np.array(leaf) for leaf in leaves(params)]
        moved[0][0, 1] = moved[2][0, 0] = value
        made = net.parameters([(moved[0], moved[1]), (moved[2], moved[3])])
        return float(cr.cost(net, made, X, Y))

    expected = (cost(0.4 + 1e-5) - cost(0.4 - 1e-5)) / 2e-5
    after, _ = cr.fit(
        net, params, X, Y, cr.SGD(1.0), epochs=1, ties=group, engine="reference", batch_size=None
    )
    assert after[0].W[0, 1] == after[1].W[0, 0] == pytest.approx(0.4 - expected, abs=1e-9)


def test_a_shared_value_counts_once_in_the_norm_and_its_sum_is_bounded() -> None:
    _, grads = cr.cost_and_gradient(NET, PARAMS, X, Y)
    shared = [grads[0].W, grads[0].b.sum(), grads[1].W, grads[1].b.sum()]
    norm = np.sqrt(sum(np.sum(part**2) for part in shared))
    after, _ = fit(optimizer=cr.SGD(1.0), clip_norm=0.01)
    np.testing.assert_allclose(after[1].b, 0.60 - 0.01 / norm * grads[1].b.sum(), rtol=1e-12)
    after, _ = fit(optimizer=cr.SGD(1.0), clip_value=0.05)
    np.testing.assert_allclose(after[1].b, [0.55, 0.55], rtol=1e-12)


def test_the_engine_leaves_ties_to_the_reference() -> None:
    with pytest.raises(ValueError, match="cannot run this: "):
        fit(engine="native")
    native_run._say_once.cache_clear()
    with pytest.warns(RuntimeWarning):
        by_default, _ = fit(engine="auto")
    assert all(map(np.array_equal, leaves(by_default), leaves(fit()[0])))


REFUSED = [
    ("0.b[0]", "ties must be a list of lists of places, got '0.b[0]'"),
    (["0.b[0]", "0.b[1]"], "a group must be a list of places such as '0.b[1]', got '0.b[0]'"),
    ([["0.b[0]"]], "a group must have at least two places, got ['0.b[0]']"),
    ([["0.b[0]", "0.b"]], "a place must be an entry such as '0.b[1]', got '0.b'"),
    ([["0.b[0]", 3]], "a place must be an entry such as '0.b[1]', got 3"),
    ([["0.b[0]", "2.b[0]"]], "unknown parameter to tie '2.b'; did you mean"),
    ([["0.b[0]", "0.b[2]"]], "0.b[2] is no entry of 0.b, of shape (2,)"),
    ([["0.W[0, 0]", "0.W[1]"]], "0.W[1] is no entry of 0.W, of shape (2, 2)"),
    ([["0.b[0]", "0.b[0]"]], "0.b[0] is named twice"),
    ([["0.b[0]", "0.b[1]"], ["0.b[1]", "1.b[0]"]], "0.b[1] is named twice"),
    ([["0.b[0]", "0.W[0, 0]"]], "0.b[0] and 0.W[0, 0] are a weight and a bias"),
    (
        [["0.b[0]", "1.b[0]"]],
        "0.b[0] and 1.b[0] must have equal values at the start, got 0.35 and 0.6",
    ),
]


@pytest.mark.parametrize(("given", "message"), REFUSED)
def test_what_cannot_be_tied_is_refused(given: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        check_ties(PARAMS, given, NET.roles)
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        fit(ties=given)


def test_places_that_are_frozen_apart_are_refused() -> None:
    params = NET.parameters([PARAMS[0], (PARAMS[1].W, [0.35, 0.35])])
    with pytest.raises(ValueError, match=r"of 0\.b\[0\] and 1\.b\[0\] some are frozen"):
        fit(params, ties=[["0.b[0]", "1.b[0]"]], freeze=["0.b"])
    after, _ = fit(params, ties=[["0.b[0]", "1.b[0]"]], freeze=["*.b"])
    assert after[0].b[0] == after[1].b[0] == 0.35


def test_a_run_whose_states_differ_cannot_be_tied() -> None:
    rule = cr.SGD(1e-300, momentum=0.9)  # which moves nothing, and has a velocity
    params, history = fit(optimizer=rule, ties=[])
    with pytest.raises(ValueError, match="must have equal states of the optimizer"):
        fit(params, rule, history=history)


@pytest.mark.parametrize("options", [{}, {"clip_norm": 0.1}, {"clip_value": 0.05}], ids=str)
def test_a_step_of_a_tied_run_is_worked_out_as_it_was_made(options: Any) -> None:
    after, history = fit(optimizer=cr.SGD(0.5, momentum=0.5), epochs=3, **options)
    for of, value in (("b4", after[1].b[1]), ("b1", after[0].b[0]), ("w5", after[1].W[0, 0])):
        made = cr.explain_step(history, step=3, of=of)
        assert made.derivation.parts[-1].steps[-1].value == pytest.approx(value, rel=1e-12)
        sums = [step for step in made.steps if re.fullmatch(r"∂E_total/∂b\d", step.symbol)]
        assert all(step.formula.count("δ") == 2 for step in sums)
        assert bool(sums) == (of != "w5")


def test_the_textbooks_shared_bias_is_worked_out() -> None:
    _, history = fit()
    for of in ("b2", "o1.b", "b4"):  # the two values are b1 and b2
        shown = str(cr.explain_step(history, step=1, of=of))
        assert "∂E_total/∂b2 = δ_o1 · ∂net_o1/∂b2 + δ_o2 · ∂net_o2/∂b2" in shown
        assert "= 0.100400325\n" in shown


def test_contributions_to_a_shared_value_are_refused() -> None:
    _, history = fit()
    with pytest.raises(ValueError, match="contributions: b2 is tied"):
        cr.contributions(history, of="b2")
    assert cr.contributions(history, of="w5").examples.shape == (1,)
