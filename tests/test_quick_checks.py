"""The engine's look at parameters and inputs says what the core's own checks say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

import chainrule as cr
from chainrule import engine, network
from chainrule.engine import quick_checks
from chainrule.trees import leaves, tree_map

built = pytest.mark.skipif(engine.native is None, reason="there is no compiled engine")

NET = cr.Network(3, [cr.Dense(4, "tanh"), cr.Residual(cr.Dense(4)), cr.Dense(2)], "squared_error")


class Looks(NamedTuple):
    """Something like DenseParameters."""

    W: Any
    b: Any


def changed(k: int, change: Callable[[Any], Any]) -> Any:
    """Parameters, one of whose arrays is another."""
    numbers = iter(range(100))
    return tree_map(lambda leaf: change(leaf) if next(numbers) == k else leaf, NET.init())


def put(value: float) -> Callable[[Any], Any]:
    def change(leaf: Any) -> Any:
        new = np.array(leaf)
        new.flat[-1] = value
        return new

    return change


PLAIN = {
    "float32": NET.init(),
    "float64": NET.init(dtype="float64"),
    "read only": tree_map(lambda leaf: leaf.view(), NET.init()),
}
for leaf in leaves(PLAIN["read only"]):
    leaf.flags.writeable = False

OTHERS = {
    **{f"{value} in {k}": changed(k, put(value)) for k in range(6) for value in (np.nan, np.inf)},
    "not contiguous": tree_map(np.asfortranarray, NET.init()),
    "another shape": changed(4, lambda leaf: leaf[:, :-1]),
    "another rank": changed(1, lambda leaf: leaf[None]),
    "of several dtypes": changed(3, lambda leaf: leaf.astype("float64")),
    "integers": tree_map(lambda leaf: leaf.astype(int), NET.init()),
    "half": tree_map(lambda leaf: leaf.astype(np.float16), NET.init()),
    "other bytes": tree_map(lambda leaf: leaf.astype(">f4"), NET.init()),
    "lists": tree_map(lambda leaf: leaf.tolist(), NET.init()),
    "buffers": tree_map(memoryview, NET.init()),
    "without names": tuple(tuple(part) for part in NET.init()),
    "too few": NET.init()[:-1],
    "too many": (*NET.init(), ()),
    "a list": list(NET.init()),
    "nothing": None,
    "another type of its names": (Looks(*NET.init()[0]), *NET.init()[1:]),
}


def said(check: Callable[[], Any]) -> str:
    try:
        check()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def look(name: str, params: Any) -> tuple[str, str]:
    return (
        said(lambda: quick_checks.check_parameters(NET, params)),
        said(lambda: network.check_parameters(NET, params)),
    )


@pytest.mark.parametrize("name", [*PLAIN, *OTHERS])
def test_parameters_are_refused_in_the_same_words(name: str) -> None:
    quick, core = look(name, {**PLAIN, **OTHERS}[name])
    assert quick == core
    assert not (name in PLAIN and core)


@built
@pytest.mark.parametrize("name", PLAIN)
def test_plain_parameters_are_seen_in_one_look(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(network, "check_parameters")
    quick_checks.check_parameters(NET, PLAIN[name])


@pytest.mark.parametrize("net", [None, "net", 3])
def test_what_is_no_network_is_refused(net: Any) -> None:
    with pytest.raises(TypeError, match="net must be a Network"):
        quick_checks.check_parameters(net, NET.init())


def rows() -> Iterator[Any]:
    X = np.arange(60, dtype="float64").reshape(20, 3)
    for value in (np.nan, np.inf, -np.inf, 1e300):
        for place in (0, 17, 31, 59):
            yield pytest.param(put_at(X, place, value), id=f"{value} at {place}")
    yield from (
        pytest.param(X, id="float64"),
        pytest.param(X.astype("float32"), id="float32"),
        pytest.param(X.astype("float16"), id="float16"),
        pytest.param(X.astype(int), id="integers"),
        pytest.param(X > 3, id="truths"),
        pytest.param(X.astype(">f8"), id="other bytes"),
        pytest.param(X.tolist(), id="a list"),
        pytest.param(np.asfortranarray(X), id="by columns"),
        pytest.param(X[::-2], id="not contiguous"),
        pytest.param(X[:0], id="no rows"),
        pytest.param(X[0], id="one dimension"),
        pytest.param(X[:, :2], id="too narrow"),
        pytest.param(X[None], id="three dimensions"),
        pytest.param(X.astype(str), id="texts"),
        pytest.param([[1.0], [2.0, 3.0]], id="ragged"),
        pytest.param(X.astype(complex), id="complex"),
        pytest.param(np.ma.masked_equal(X, 3.0), id="masked"),
        pytest.param(np.ma.masked_array(X), id="masked nowhere"),
        pytest.param(X.view(np.recarray), id="a subclass"),
    )


def put_at(X: Any, place: int, value: float) -> Any:
    new = X.copy()
    new.flat[place] = value
    return new


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("X", [*rows()])
def test_inputs_are_refused_in_the_same_words_and_else_read_alike(X: Any, dtype: str) -> None:
    params = NET.init(dtype=dtype)
    core = said(lambda: network.check_inputs(NET, params, X, what="validation X"))
    assert said(lambda: quick_checks.check_inputs(NET, params, X, what="validation X")) == core
    if not core:
        (quick, one), (whole, other) = (
            module.check_inputs(NET, params, X) for module in (quick_checks, network)
        )
        assert quick.dtype == whole.dtype == dtype
        assert one is other
        np.testing.assert_array_equal(quick, whole)


@built
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool"])
def test_plain_inputs_are_seen_in_one_look(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(network, "check_inputs")
    X = np.ones((5, 3), dtype)
    quick_checks.check_inputs(NET, NET.init(), X)


@pytest.mark.parametrize("place", [0, 1, 255, 256, 257, 1000])
def test_a_number_that_is_not_finite_is_seen_wherever_it_stands(place: int) -> None:
    net = cr.Network(1, [cr.Dense(1)], "huber")
    X = put_at(np.full((1001, 1), 3e38, np.float32), place, np.nan)
    with pytest.raises(ValueError, match=rf"X must be finite, got nan at \({place}, 0\)"):
        cr.fit(net, net.init(), X, np.ones(1001), cr.SGD(), epochs=1)


def test_numbers_of_another_library_and_layers_of_ones_own_are_left_to_the_core() -> None:
    class Own(cr.Dense):
        def forward(self, params: Any, x: Any, draw: Any, xp: Any) -> Any:
            return super().forward(params, x, draw, xp)

    net = cr.Network(2, [Own(1)], "huber")
    quick_checks.check_parameters(net, net.init())
    assert quick_checks.check_inputs(net, net.init(), [[1, 2]])[0].tolist() == [[1.0, 2.0]]
    row = cr.losses.loss("huber")
    mine = cr.Loss("mine", row.value, row.grad, kink=row.kink)
    own_loss = cr.Network(2, [cr.Dense(1)], mine)
    quick_checks.check_parameters(own_loss, own_loss.init())
    empty = cr.Network(2, [cr.Dropout(0.5)], "huber")
    assert quick_checks.check_inputs(empty, ((),), [[1, 2]])[0].dtype == "float64"
