"""From where to below where what enters a layer has the same formulas."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.batches import Examples
from chainrule.explanation.derivation import derive_from
from chainrule.explanation.expressions import Number, Quantity, walk
from chainrule.explanation.forward_backward import Passes
from chainrule.explanation.page.page_engine import input_bounds, why_fixed
from chainrule.explanation.subjects import ALL
from chainrule.layers import LAYERS
from strategies import problem

EDGES = [[-1.0, 0.0, 0.5, 2.0], [], [-0.5, 1.5]]
BY_VALUE = {
    "piecewise": [cr.PiecewiseLinear(EDGES, 2)],
    "embedding": [cr.Embedding([3, 0, 2], 2)],
    "both": [cr.PiecewiseLinear([EDGES[0], [], []], 1), cr.Embedding([0, 0, 3], 2)],
}


def forms(net, params, x):
    """Every line without its numbers: what it is of, what its formula names, its note."""
    passes = Passes(net, params, Examples(x[None], np.array([[1.0]]), None), None)
    return [
        (step.key, [_named(e) for e in walk(step.formula)] if step.formula else None, step.note)
        for step in derive_from(passes, ALL, top=99).steps()
    ]


def _named(e):
    return e.key if isinstance(e, Quantity) else e.text if isinstance(e, Number) else type(e)


@pytest.mark.parametrize("name", BY_VALUE)
def test_formulas_stay_within_the_bounds_and_change_at_them(name):
    net = cr.Network(3, [*BY_VALUE[name], cr.Dense(1)], "squared_error")
    own, rng = problem(net, n=1, seed=2), np.random.default_rng(5)
    changes = 0
    for x in rng.uniform(-3, 4, size=(20, 3)):
        d = cr.explain(net, own.params, x, [1.0], of="w1").derivation
        bounds = input_bounds(d)
        assert why_fixed(d) == ""
        assert [*bounds] == [k for k in range(3) if len(EDGES[k])] or name != "piecewise"
        before = forms(net, own.params, x)
        for k, ((low, high),) in bounds.items():
            ends = [-9.0 if low is None else low, 9.0 if high is None else np.nextafter(high, -9)]
            for moved in (*ends, rng.uniform(*ends)):
                assert forms(net, own.params, np.where(np.arange(3) == k, moved, x)) == before
            for end in (None if low is None else np.nextafter(low, -9), high):
                if end is not None:
                    other = forms(net, own.params, np.where(np.arange(3) == k, end, x))
                    changes += other != before
    assert changes > 20


@pytest.mark.parametrize("name", LAYERS)
def test_only_layers_by_column_have_bounds(name):
    layer = LAYERS[name].example(2)
    bounds = layer.formula_bounds(np.zeros((4, 2)))
    assert (bounds is not None) == (name in ("embedding", "piecewise_linear"))
    if bounds:
        low, high = bounds
        assert low.shape == high.shape == (4, 2)
        assert np.all((low <= 0) & (high > 0))
