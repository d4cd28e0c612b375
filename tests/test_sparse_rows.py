"""Sparse rows in core and engine: what dense rows come to, to the bit."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import chainrule as cr
from chainrule import engine, sparse_rows
from chainrule.batches import Examples
from chainrule.engine.session import contiguous
from chainrule.trees import leaves, tree_map
from kinds import ALL
from parity import TOLERANCE
from ranks_in_threads import in_threads
from runs import bits
from sharded import UNEVEN, digest, part
from strategies import Problem, problem, problems_of_any_kind
from test_engine import RULES

built = pytest.mark.skipif(engine.native is None, reason="there is no compiled engine")
ENGINES = [pytest.param("native", marks=built), "reference"]
FORMATS = ["bsr", "coo", "csc", "csr", "dia", "dok", "lil"]
PLAIN = [cr.Dense(9, "tanh"), cr.Dropout(0.2), cr.Dense(3)]


@pytest.fixture(autouse=True, scope="module")
def however_full() -> Any:
    """Train with sparse rows as such, however many entries they have."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sparse_rows, "MOST", 1.0)
        yield


def with_zeros(p: Problem, share: float = 0.6, seed: int = 0) -> Problem:
    """The same, most entries of X being 0; whole rows and columns too."""
    rng = np.random.default_rng(seed)
    X = np.where(rng.random(p.X.shape) < share, 0.0, p.X)
    X[::5], X[:, ::4] = 0, 0
    return p._replace(X=X)


def plain(layers: Any = PLAIN, inputs: int = 30, n: int = 37, **more: Any) -> Problem:
    return with_zeros(problem(cr.Network(inputs, layers, "half_squared_error", **more), n))


def as_sparse(p: Problem, kind: Any = sparse.csr_array) -> Problem:
    return p._replace(X=kind(p.X))


def trained(p: Problem, optimizer: Any = cr.Adam(0.01), dtype: str = "float32", **more: Any) -> Any:  # noqa: B008 - frozen
    params = tree_map(lambda leaf: leaf.astype(dtype), p.params)
    options = {"epochs": 3, "batch_size": 8, "engine": "native", "seed": 3, **more}
    return cr.fit(p.net, params, p.X, p.y, optimizer, **options)


def assert_alike(a: Any, b: Any) -> None:
    """Two runs are the same to the bit."""
    assert bits(a[0]) == bits(b[0])
    assert bits(tuple(a[1].at.states)) == bits(tuple(b[1].at.states))
    assert (a[1].loss, a[1].validation_loss) == (b[1].loss, b[1].validation_loss)


# Training in the engine


@built
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layers", ALL.values(), ids=ALL)
def test_each_kind_of_layer_has_the_bits_of_dense_rows(layers: Any, dtype: str) -> None:
    """But for few outputs, fewer than inputs: those of dense rows are summed by outputs."""
    p = with_zeros(problem(cr.Network(3, layers, "half_squared_error", check=False), n=21))
    got, expected = trained(as_sparse(p), dtype=dtype), trained(p, dtype=dtype)
    if isinstance(layers[0], cr.Dense) and layers[0].units < 3:
        np.testing.assert_allclose(got[0][0].W, expected[0][0].W, rtol=TOLERANCE[dtype])
    else:
        assert_alike(got, expected)


@built
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("units", [9, 16, 17, 31, 33, 64, 70, 128, 150])
def test_any_width_has_the_bits_of_dense_rows(units: int, dtype: str) -> None:
    p = plain([cr.Dense(units, "relu"), cr.Dense(7)], inputs=300, n=25)
    assert_alike(trained(as_sparse(p), dtype=dtype), trained(p, dtype=dtype))


@built
@pytest.mark.parametrize("units", range(1, 9))
def test_few_outputs_are_near_those_of_dense_rows(units: int) -> None:
    p = plain([cr.Dense(units)])
    got, expected = trained(as_sparse(p), dtype="float64"), trained(p, dtype="float64")
    np.testing.assert_allclose(got[0][0].W, expected[0][0].W, rtol=1e-12)


@built
@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_each_optimizer_moves_weights_of_inputs_that_no_row_has(rule: Any) -> None:
    p = plain(l1=0.001, l2=0.01)
    assert_alike(trained(as_sparse(p), rule), trained(p, rule))


WEIGHTS = np.arange(37.0) % 4
OPTIONS: dict[str, dict[str, Any]] = {
    "full batch": {"batch_size": None},
    "of one row": {"batch_size": 1},
    "in order": {"shuffle": False},
    "weights": {"sample_weight": WEIGHTS},
    "clip_value": {"clip_value": 0.01},
    "clip_norm": {"clip_norm": 0.05},
    "frozen": {"freeze": ["0.W"]},
    "a fraction held out": {"validation": 0.3, "sample_weight": WEIGHTS},
    "rows held out": {"validation": cr.HeldOut(np.arange(20, 37))},
    "stopped early": {"validation": 0.3, "early_stopping": cr.EarlyStopping(1)},
    "threads": {"threads": 2, "batch_size": 30},
    "shards": {"shards": 4},
    "shards with rows held out": {"shards": 8, "validation": 0.3, "clip_norm": 0.05},
}


@built
@pytest.mark.usefixtures("as_many_threads_as_asked")
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_each_option_has_the_bits_of_dense_rows(options: dict[str, Any]) -> None:
    p = plain()
    assert_alike(trained(as_sparse(p), **options), trained(p, **options))


@built
@settings(max_examples=20)
@given(problems_of_any_kind(), st.sampled_from(["float32", "float64"]))
def test_any_network_is_near_the_reference(p: Problem, dtype: str) -> None:
    p = as_sparse(with_zeros(p))
    options: Any = {"optimizer": cr.SGD(0.001), "dtype": dtype, "epochs": 1, "batch_size": 4}
    got, expected = trained(p, **options), trained(p, **options, engine="reference")
    for a, b in zip(leaves(got[0]), leaves(expected[0]), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5 if dtype == "float32" else 1e-12)


@built
@pytest.mark.parametrize("held", [np.asarray, sparse.csc_matrix])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_validation_data_may_be_of_the_other_form(kind: Any, held: Any) -> None:
    p, other = plain(), plain(n=11)
    run = trained(p._replace(X=kind(p.X)), validation=(held(other.X), other.y))
    assert_alike(run, trained(p, validation=(other.X, other.y)))


@pytest.mark.parametrize(("entries", "stays"), [(20, True), (21, False)])
def test_rows_with_many_entries_are_trained_with_as_dense_ones(
    entries: int, stays: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sparse_rows, "MOST", 0.2)
    X = np.zeros((4, 25))
    X.ravel()[:entries] = 1
    data = Examples(sparse.csr_array(X), np.zeros((4, 1)), None)
    assert sparse.issparse(contiguous(data).X) == stays


@built
def test_a_run_goes_on_with_the_other_form() -> None:
    p = plain()
    params, history = trained(p, epochs=1)
    again = as_sparse(p)._replace(params=params)
    assert_alike(trained(again, history=history, epochs=2), trained(p, epochs=3))


@built
@pytest.mark.parametrize("size", [1, 2, 3])
def test_ranks_deal_sparse_rows(size: int) -> None:
    p = plain()
    alone = digest(*trained(p, shards=4, validation=0.3))

    def run(ranks: Any) -> str:
        X = sparse.csr_array(part(p.X, ranks.rank, size, UNEVEN))
        own = p._replace(X=X, y=part(p.y, ranks.rank, size, UNEVEN))
        return digest(*trained(own, shards=4, validation=0.3, comm=ranks))

    assert set(in_threads(size, run)) == {alone}


@built
def test_ranks_must_give_rows_of_one_form() -> None:
    p = plain()

    def run(ranks: Any) -> None:
        X = p.X if ranks.rank else sparse.csr_array(p.X)
        trained(p._replace(X=X), shards=4, comm=ranks)

    with pytest.raises(ValueError, match="rank 0 gave 3 columns of y without weights and sparse X"):
        in_threads(2, run)


@built
@pytest.mark.parametrize("name", ENGINES)
def test_a_run_that_diverges_says_where(name: str) -> None:
    p = as_sparse(plain())
    with pytest.raises(cr.DivergenceError, match="epoch 1, step"):
        trained(p, cr.SGD(1e38), engine=name)


# Elsewhere


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("rows", [1, 4, 5, 200])
def test_predictions_are_those_of_dense_rows(rows: int, name: str) -> None:
    p = plain(n=rows)
    params = tree_map(lambda leaf: leaf.astype("float32"), p.params)
    got = cr.predict(p.net, params, sparse.csr_array(p.X), engine=name)
    expected = cr.predict(p.net, params, p.X, engine=name)
    assert type(got) is np.ndarray
    if name == "native":
        np.testing.assert_array_equal(got, expected)
    np.testing.assert_allclose(got, expected, atol=1e-6)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("form", ["array", "matrix"])
@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint16, np.int64, np.float32, np.float64])
def test_all_formats_and_dtypes_are_read(kind: str, form: str, dtype: Any) -> None:
    whole = np.array([[0, 1, 0, 3], [0, 0, 0, 0], [2, 0, 0, 1]]).astype(dtype)
    net = cr.Network(4, [cr.Dense(2, "tanh")], "squared_error")
    X = getattr(sparse, f"{kind}_{form}")(whole)
    got, expected = (cr.forward(net, net.init(), x) for x in (X, whole.astype("float32")))
    np.testing.assert_allclose(got[0].z, expected[0].z, rtol=1e-6)
    assert sparse.issparse(got[0].x)
    assert got[0].x.dtype == np.float32


def test_entries_that_come_twice_are_added_and_any_order_is_put_right() -> None:
    starts, columns, values = [0, 4, 4], [2, 0, 2, 1], [1.0, 5.0, 2.0, -1.0]
    X = sparse.csr_array((values, columns, starts), shape=(2, 3))
    before = [part.copy() for part in (X.data, X.indices, X.indptr)]
    net = cr.Network(3, [cr.Dense(2)], "squared_error")
    params = net.init(0, "float64")
    trace = cr.forward(net, params, X)
    np.testing.assert_array_equal(trace[0].x.toarray(), [[5, -1, 3], [0, 0, 0]])
    cr.fit(net, params, X, np.ones((2, 2)), cr.SGD(0.1), epochs=1)
    for part_before, now in zip(before, (X.data, X.indices, X.indptr), strict=True):
        np.testing.assert_array_equal(part_before, now)


def trains_without_scipy_sparse() -> bool:
    """Whether a fit and a prediction of dense rows have loaded no sparse arrays."""
    net = cr.Network(4, [cr.Dense(3, "tanh"), cr.Dense(2)], "half_squared_error")
    params, _ = cr.fit(net, net.init(), np.ones((9, 4)), np.ones((9, 2)), cr.Adam(), epochs=1)
    cr.predict(net, params, np.ones((9, 4)))
    return "scipy.sparse" not in sys.modules


def test_dense_rows_do_not_wait_for_scipy() -> None:
    code = f"{inspect.getsource(trains_without_scipy_sparse)}\nassert trains_without_scipy_sparse()"
    found = f"import sys\nimport numpy as np\nimport chainrule as cr\n{code}"
    subprocess.run([sys.executable, "-W", "ignore", "-c", found], check=True)


@pytest.mark.parametrize("layers", ALL.values(), ids=ALL)
def test_the_core_comes_to_what_it_does_of_dense_rows(layers: Any) -> None:
    p = with_zeros(problem(cr.Network(3, layers, "half_squared_error", check=False), n=7))

    def all_of(X: Any) -> list[Any]:
        trace = cr.forward(p.net, p.params, X)
        deltas = cr.backward(trace, p.y, p.w)
        found = [cr.gradient(trace, deltas), cr.per_example_gradients(trace, deltas)]
        norms, dx = cr.squared_norms(trace, deltas), cr.input_gradient(trace, deltas)
        return [*map(leaves, found), [norms, dx, cr.cost(p.net, p.params, X, p.y, p.w)]]

    for got, expected in zip(all_of(sparse.coo_array(p.X)), all_of(p.X), strict=True):
        for a, b in zip(got, expected, strict=True):
            assert not sparse.issparse(a)
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ENGINES)
def test_cost_gradient_and_norms_are_those_of_dense_rows(name: str) -> None:
    p = plain(l2=0.01, n=300)
    given = {"sample_weight": p.w, "engine": name}
    got, expected = (
        (
            *leaves(cr.cost_and_gradient(p.net, p.params, X, p.y, **given)),
            cr.example_squared_norms(p.net, p.params, X, p.y, **given),
        )
        for X in (sparse.csr_array(p.X), p.X)
    )
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-16)


def test_gradients_of_sparse_rows_are_checked() -> None:
    p = as_sparse(plain(n=5))
    assert cr.check_gradient(p.net, p.params, p.X, p.y).passed


# Explained


def explained(X: Any) -> list[str]:
    """What all explanations say of some rows, of a weight behind a 0 and of one behind a number."""
    p = plain([cr.Dense(3, "tanh"), cr.Dense(3)])
    run: Any = {"optimizer": cr.Adam(0.01), "epochs": 2, "batch_size": 8, "record": True}
    _, history = cr.fit(p.net, p.params, X, p.y, **run)
    found = []
    for of in ("w1", "w3", "x3", "h1"):
        found.append(cr.explain(p.net, p.params, X, p.y, of=of))
        found.append(cr.explain(p.net, p.params, X[[1]], p.y[[1]], of=of))
        found.append(cr.paths(p.net, p.params, X[[1]], p.y[[1]], of=of))
    found += [cr.explain_step(history, 6, "w3"), cr.contributions(history, of="w3")]
    found.append(cr.explain(p.net, p.params, X[[1]], of="h1", by="w3", y=None))
    return list(map(str, found))


def test_sparse_rows_are_explained_as_dense_ones() -> None:
    X = plain().X
    assert explained(sparse.csr_array(X)) == explained(X)


def test_zeros_are_named_in_one() -> None:
    net = cr.Network(300, [cr.Dense(1)], "half_squared_error")
    X = sparse.csr_array(([0.5, 2.0], [7, 250], [0, 2]), shape=(1, 300))
    text = str(cr.explain(net, net.init(), X, [1.0], of="w8"))
    assert "net_o1 = w8 · i8 + w251 · i251 + the other 298, each 0 + b1" in text
    assert "∂net_o1/∂w1\n" in str(cr.explain(net, net.init(), X, [1.0], of="w1"))


# Kept


@built
def test_a_checkpoint_knows_sparse_rows(tmp_path: Any) -> None:
    p, options = as_sparse(plain()), {"batch_size": 8, "epochs": 4}
    params = tree_map(lambda leaf: leaf.astype("float32"), p.params)
    checkpoint = cr.Checkpoint(tmp_path / "run", every=0)
    first = checkpoint.fit(p.net, params, p.X, p.y, cr.Adam(0.01), **options)
    again = checkpoint.fit(p.net, params, p.X.tocsc(), p.y, cr.Adam(0.01), **options)
    assert_alike(first, again)
    other = p.X.copy()
    other.data[0] += 1
    with pytest.raises(ValueError, match="X"):
        checkpoint.fit(p.net, params, other, p.y, cr.Adam(0.01), **options)
