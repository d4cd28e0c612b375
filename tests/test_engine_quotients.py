"""The steps of optimizers that divide by a root, to the last bit, with the divider and without.

The oracle is NumPy's own division and root in the same type. A quotient of two floats is hardest to
round where it lies close to the middle of two others: such pairs are looked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import engine
from chainrule.record import TrainingState
from runs import bits
from strategies import problem

pytestmark = pytest.mark.skipif(engine.native is None, reason="there is no compiled engine")

INPUTS = 4
"""The weights of as many inputs fill whole groups of vectors, whatever their width."""

EPSILON = 1e-30
"""Lost beside every root here, and not so small that the processor divides after all."""


@pytest.fixture(params=[False, True], ids=["divides", "spares the divider"])
def divider(request: pytest.FixtureRequest) -> Iterator[None]:
    native: Any = engine.native
    before = native.spare_divider(request.param)
    yield
    native.spare_divider(before)


def hard_pairs(rng: np.random.Generator, count: int) -> tuple[Any, Any]:
    """Whole a and d of 24 bits each, of which 2ᵏ a / d is next to the middle of two floats.

    a 2ᵏ ≡ ±1 or ±3 (mod d), with k = 24 where a ≥ d and 25 where it is less, solved for a.
    """
    d = np.concatenate([rng.integers(2**22, 2**23, count), 2**23 - np.arange(1, 4097)]) * 2 + 1
    d = np.concatenate([d[d < 2**24], [2**24 - 1]])
    pairs = []
    for k in (24, 25):
        inverse = np.ones_like(d)
        for _ in range(k):
            inverse = inverse * ((d + 1) // 2) % d  # of 2
        for rest in (-3, -1, 1, 3):
            a = inverse * rest % d
            for whole in (a, a + d):
                fits = (whole >= 2**23) & (whole < 2**24) & ((whole >= d) == (k == 24))
                pairs.append((whole[fits], d[fits]))
    return np.concatenate([a for a, _ in pairs]), np.concatenate([d for _, d in pairs])


def step(g: Any, s: Any, epsilon: float) -> Any:
    """The weights that a step of Adagrad at rate ½ makes of −0, by gradients g and states s, (n,).

    They lead from the first of some inputs to n outputs; the others have gradients of 0.
    """
    n, dtype = len(g), g.dtype
    net = cr.Network(INPUTS, [cr.Dense(n)], loss="half_squared_error")
    params = net.parameters([(np.full((n, INPUTS), -0.0, dtype), np.zeros(n, dtype))])
    of_W = np.zeros((n, INPUTS), dtype)
    of_W[:, 0] = s
    state = TrainingState(params, [(of_W,), (np.ones(n, dtype),)], 1, 1, "Adagrad")
    optimizer, history = cr.Adagrad(0.5, epsilon=epsilon), cr.History(last=state)
    X, y = np.eye(1, INPUTS, dtype=dtype), -g[None]
    made, _ = cr.fit(net, params, X, y, optimizer, history=history, epochs=1, engine="native")
    return made[0].W[:, 0]


def assert_as_numpy(g: Any, s: Any, epsilon: float = EPSILON) -> None:
    for some in np.array_split(np.arange(len(g)), 1 + len(g) // 50_000):
        found = step(g[some], s[some], epsilon)
        with np.errstate(over="ignore", under="ignore"):
            root = np.sqrt(s[some] + g[some] * g[some]) + g.dtype.type(epsilon)
            wanted = g.dtype.type(-0.0) - g[some] * g.dtype.type(0.5) / root
        wrong = np.flatnonzero((found != wanted) | (np.signbit(found) != np.signbit(wanted)))
        assert not len(wrong), f"{len(wrong)} differ: {g[wrong[0]]!r} / {root[wrong[0]]!r}"


@pytest.mark.usefixtures("divider")
@pytest.mark.parametrize("exponent", [-58, -20, 0])
def test_quotients_that_are_hardest_to_round(exponent: int) -> None:
    a, d = (x.astype(np.float32) for x in hard_pairs(np.random.default_rng(exponent + 99), 60_000))
    assert_as_numpy(np.ldexp(a, exponent - 22), d * d)  # whose root is d, for g² is lost beside it


SPECIAL = [0.0, -1e-45, 1e-45, -1e-40, 1.2e-38, 1e-31, -1e-18, 9e-19, 1.0, 3e18]


@pytest.mark.usefixtures("divider")
@pytest.mark.parametrize("epsilon", [1e-8, EPSILON, 1e-37, 1e-38])
def test_gradients_and_states_of_every_size(epsilon: float) -> None:
    """One lane of a group may be tiny, and the root of another infinite."""
    rng = np.random.default_rng(7)
    g = np.ldexp(rng.normal(size=40_000), rng.integers(-149, 50, 40_000)).astype(np.float32)
    s = np.ldexp(rng.random(40_000), rng.integers(-149, 127, 40_000)).astype(np.float32)
    places = rng.choice(40_000, 400, replace=False)
    g[places] = np.resize(np.array(SPECIAL, np.float32), 400)
    s[places[::3]], s[places[1::3]] = 0, 3.4e38
    assert_as_numpy(g + np.float32(0), s, epsilon)  # no sum is −0


@pytest.mark.usefixtures("divider")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", [cr.Adam(), cr.AdamW(), cr.NAdam(), cr.RMSprop(), cr.Adagrad()])
def test_bits_do_not_depend_on_the_divider(rule: cr.Optimizer, dtype: str) -> None:
    p = problem(cr.Network(9, [cr.Dense(40, "relu"), cr.Dense(3)], "cross_entropy", l2=1e-3), n=40)
    X, start = p.X.astype(dtype), p.net.init(seed=1, dtype=dtype)
    made = []
    for spares in (False, True):
        engine.native.spare_divider(spares)
        options = {"epochs": 5, "batch_size": 7, "clip_value": 0.3, "engine": "native"}
        made.append(cr.fit(p.net, start, X, p.y, rule, **options)[0])
    assert bits(made[0]) == bits(made[1])
