"""Estimators on sparse matrices: what they come to of dense ones, in a fraction of their memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse

import chainrule as cr
from alone import alone
from chainrule import MLPClassifier, MLPRegressor, engine, sparse_rows
from ranks_in_threads import in_threads
from runs import bits
from test_engine_memory import RESET, most_taken_by

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
built = pytest.mark.skipif(engine.native is None, reason="there is no compiled engine")

N = 90
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 30)) * (RNG.random((N, 30)) < 0.15)
SPARSE = sparse.csr_array(X)
Y: dict[Any, Any] = {MLPClassifier: np.digitize(X[:, 0] + X[:, 1], [-0.1, 0.1])}
Y[MLPRegressor] = X[:, 0] - 2 * X[:, 3]
LABELS = (X[:, :3] > 0).astype(int)
WEIGHTS = RNG.random(N) + 0.1
kinds = pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])


@pytest.fixture(autouse=True, scope="module")
def however_full() -> Any:
    """Train with sparse rows as such, however many entries they have."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sparse_rows, "MOST", 1.0)
        yield


def outcome(model: Any) -> Any:
    found = [bits(model.parameters_), model.n_iter_, model.t_, model.loss_]
    return [*found, getattr(model, "loss_curve_", None), getattr(model, "validation_scores_", None)]


OPTIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "plain": ({}, {}),
    "weights": ({}, {"sample_weight": WEIGHTS}),
    "early stopping": ({"early_stopping": True, "validation_fraction": 0.2}, {}),
    "by the loss": ({"early_stopping": True, "scoring": "loss"}, {}),
    "a splitter": ({"validation_split": RNG.random(N) < 0.3}, {"sample_weight": WEIGHTS}),
    "metrics": ({"metrics": {"last": lambda model, X, y, w=None: model.score(X, y)}}, {}),
    "shards": ({"shards": 4, "early_stopping": True}, {"sample_weight": WEIGHTS}),
    "lbfgs": ({"solver": "lbfgs", "max_iter": 9}, {"sample_weight": WEIGHTS}),
    "lbfgs in shards": ({"solver": "lbfgs", "max_iter": 9, "shards": 2}, {}),
    "sgd": ({"solver": "sgd", "learning_rate": "adaptive", "nesterovs_momentum": True}, {}),
    "norm first": ({"layers": [cr.LayerNorm(), cr.Dense(9, "tanh")]}, {}),
    "reference": ({"engine": "reference"}, {}),
}


@kinds
@pytest.mark.parametrize("name", OPTIONS)
def test_a_fit_comes_to_what_it_does_of_an_array(kind: Any, name: str) -> None:
    given, more = OPTIONS[name]
    if "reference" not in name and engine.native is None:
        pytest.skip("there is no compiled engine")
    options = {"hidden_layer_sizes": (16,), "max_iter": 4, "random_state": 0, **given}
    if "layers" in options:
        del options["hidden_layer_sizes"]
    got, expected = (kind(**options).fit(each, Y[kind], **more) for each in (SPARSE, X))
    if name in ("reference",):
        np.testing.assert_allclose(got.coefs_[0], expected.coefs_[0], rtol=1e-9)
    else:
        assert outcome(got) == outcome(expected)
    for method in ("predict", "score"):
        arguments = (Y[kind],) if method == "score" else ()
        a, b = (getattr(got, method)(each, *arguments) for each in (SPARSE, X))
        np.testing.assert_allclose(a, b, rtol=1e-9)


@built
@kinds
def test_calls_go_on_in_either_form(kind: Any) -> None:
    def model() -> Any:
        return kind(hidden_layer_sizes=16, random_state=0, max_iter=3, warm_start=True)

    more = {"classes": np.unique(Y[kind])} if kind is MLPClassifier else {}
    runs = []
    for first, then in ((SPARSE, X), (X, SPARSE.tocsc()), (X, X)):
        parts = model().partial_fit(first, Y[kind], **more).partial_fit(then, Y[kind])
        warm = model().fit(first, Y[kind]).fit(then, Y[kind])
        runs.append((outcome(parts), outcome(warm)))
    assert runs[0] == runs[1] == runs[2]


@built
@kinds
def test_validation_data_may_be_sparse_too(kind: Any) -> None:
    def fitted(X: Any, X_val: Any) -> Any:
        model = kind(hidden_layer_sizes=16, random_state=0, max_iter=3, early_stopping=True)
        return outcome(model.fit(X, Y[kind], X_val=X_val, y_val=Y[kind][:20]))

    runs = [fitted(a, b[:20]) for a in (SPARSE, X) for b in (SPARSE, X)]
    assert runs == [runs[-1]] * 4


@built
def test_labels_may_be_sparse_with_sparse_inputs() -> None:
    def model() -> Any:
        return MLPClassifier(16, random_state=0, max_iter=3)

    got = model().fit(SPARSE, sparse.csr_array(LABELS))
    assert outcome(got) == outcome(model().fit(X, LABELS))


@built
@kinds
def test_a_prediction_does_not_depend_on_the_rows_beside_it(kind: Any) -> None:
    model = kind(hidden_layer_sizes=16, random_state=0, max_iter=3).fit(SPARSE, Y[kind])
    method = model.predict_proba if kind is MLPClassifier else model.predict
    whole = method(SPARSE)
    for rows in (slice(0, 1), slice(3, 7), slice(5, 60)):
        np.testing.assert_array_equal(method(SPARSE[rows]), whole[rows])


@built
@kinds
@pytest.mark.parametrize("scoring", [None, lambda model, X, y, w=None: model.score(X, y)])
def test_ranks_come_to_the_same_model(kind: Any, scoring: Any) -> None:
    options = {"random_state": 0, "max_iter": 3, "early_stopping": True, "scoring": scoring}
    alone_ = outcome(kind(hidden_layer_sizes=16, shards=4, **options).fit(X, Y[kind]))
    ends = [0, 50, 50, N]

    def run(ranks: Any) -> Any:
        rows = slice(ends[ranks.rank], ends[ranks.rank + 1])
        model = kind(hidden_layer_sizes=16, shards=4, **options)
        return outcome(model.fit(SPARSE[rows], Y[kind][rows], comm=ranks))

    assert in_threads(3, run) == [alone_] * 3


@built
def test_ranks_must_give_one_form() -> None:
    def run(ranks: Any) -> None:
        rows = slice(0, 50) if ranks.rank else slice(50, N)
        each = SPARSE if ranks.rank else X
        MLPRegressor(hidden_layer_sizes=4, max_iter=2).fit(
            each[rows], Y[MLPRegressor][rows], comm=ranks
        )

    with pytest.raises(ValueError, match="form of X"):
        in_threads(2, run)


def test_what_is_asked_of_a_fit_takes_sparse_matrices() -> None:
    model = MLPClassifier(5, random_state=0, max_iter=3).fit(SPARSE, Y[MLPClassifier])
    y = Y[MLPClassifier]
    for got, expected in (
        (model.gradient(SPARSE, y)[0].W, model.gradient(X, y)[0].W),
        (model.example_gradient_norms(SPARSE, y), model.example_gradient_norms(X, y)),
        (model.activations(SPARSE)[0], model.activations(X)[0]),
    ):
        np.testing.assert_allclose(got, expected, rtol=1e-9)


@pytest.mark.parametrize("row", [SPARSE[0], SPARSE[[0]], sparse.csr_matrix(SPARSE)[0]])
def test_a_row_is_explained(row: Any) -> None:
    model = MLPRegressor(hidden_layer_sizes=3, random_state=0, max_iter=3)
    model.fit(SPARSE, Y[MLPRegressor])
    expected = str(model.explain(X[0], Y[MLPRegressor][0], of="w3"))
    assert str(model.explain(row, Y[MLPRegressor][0], of="w3")) == expected


# Memory


def memory_of_fits() -> list[float]:
    """The most that a fit and a prediction take beside X, in shares of the bytes of X if dense."""
    rows, columns = 4000, 10_000
    X = sparse.random_array((rows, columns), density=0.01, dtype=np.float32, format="csr")
    y = np.arange(rows) % 2
    model = MLPClassifier((8,), batch_size=64, max_iter=1, random_state=0)
    model.fit(X[:64], y[:64])  # what a first fit loads
    dense = 4 * rows * columns
    fit = most_taken_by(lambda: model.fit(X, y)) / dense
    return [fit, most_taken_by(lambda: model.predict(X)) / dense]


@built
@pytest.mark.skipif(not RESET.exists(), reason="this system does not say what memory it takes")
def test_no_dense_copy_is_made() -> None:
    assert max(alone(memory_of_fits)) < 1 / 20
