"""The estimators of tables whose rows lie on several ranks, which are threads of one process."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from chainrule import TabularClassifier, TabularRegressor, engine
from ranks_in_threads import in_threads
from runs import bits

pytestmark = pytest.mark.skipif(engine.native is None, reason="there is no compiled engine")

RNG = np.random.default_rng(0)
N = 90
FRAME = pl.DataFrame(
    {
        "size": RNG.normal(size=N).round(3),
        "kind": RNG.choice(["a", "b", None], N).tolist(),
        "day": pl.date_range(pl.date(2020, 1, 1), pl.date(2020, 3, 30), eager=True),
    }
)
CLASSES = np.where(FRAME["size"].to_numpy() > 0.4, "large", "s")
QUANTITIES = 100 + FRAME["size"].to_numpy() * 5
PARTS = {2: [0, 45, N], 3: [0, 4, 4, N]}


def fitted(kind: Any, X: Any, y: Any, **given: Any) -> Any:
    model = kind(epochs=2, effort="fast", shards=4, random_state=3).fit(X, y, **given)
    return bits(model.model_.members), model.predict(FRAME if X is not ARRAY else ARRAY).tolist()


ARRAY = np.column_stack([FRAME["size"].to_numpy(), RNG.integers(0, 40, N)])

CASES: dict[str, tuple[Any, Any, Any, dict[str, Any]]] = {
    "classes": (TabularClassifier, FRAME, CLASSES, {}),
    "quantities": (TabularRegressor, FRAME, QUANTITIES, {}),
    "weights": (TabularRegressor, FRAME, QUANTITIES, {"sample_weight": RNG.integers(0, 3, N)}),
    "several": (TabularRegressor, FRAME, np.column_stack([QUANTITIES, ARRAY[:, 1]]), {}),
    "pandas": (TabularClassifier, FRAME.to_pandas(), CLASSES, {}),
}


@pytest.mark.parametrize("name", CASES)
def test_any_number_of_ranks_comes_to_the_same_model(name):
    kind, X, y, given = CASES[name]
    expected = fitted(kind, X, y, **given)

    def run(ranks):
        rows = slice(*PARTS[ranks.size][ranks.rank : ranks.rank + 2])
        own = {key: value[rows] for key, value in given.items()}
        return fitted(kind, X[rows], y[rows], **own, comm=ranks)

    for size in PARTS:
        assert in_threads(size, run) == [expected] * size


def test_one_rank_comes_to_what_two_come_to():
    """Where no number of shards is given, the batch says it; a seed that is None is rank 0's."""

    def run(ranks):
        rows = slice(ranks.rank * N // ranks.size, (ranks.rank + 1) * N // ranks.size)
        model = TabularClassifier(epochs=1, effort="fast", random_state=5)
        model.fit(FRAME[rows], CLASSES[rows], comm=ranks)
        drawn = TabularClassifier(epochs=1, effort="fast")
        seed = drawn.fit(FRAME[rows], CLASSES[rows], comm=ranks).model_.about["options"]["seed"]
        return bits(model.model_.members), seed

    (alone, _), (first, seed), (second, same) = in_threads(1, run) + in_threads(2, run)
    assert alone == first == second
    assert seed == same


def test_what_is_said_of_validation_data_makes_the_same_model():
    held, how = N // 3, {"epochs": 2, "effort": "fast", "shards": 4, "random_state": 3}
    given = {"X_val": FRAME[-held:], "y_val": CLASSES[-held:]}
    alone = TabularClassifier(**how).fit(FRAME[:-held], CLASSES[:-held], **given)
    marked = FRAME.with_columns(mark=pl.Series([0] * (N - held) + [1] * held))
    asked = {"time": "mark", "leave_out": ["mark"], "validation": held / N, "refit": False}

    def run(ranks):
        rows = slice(ranks.rank * 40, N if ranks.rank else 40)
        model = TabularClassifier(**how, **asked)
        model.fit(marked[rows], CLASSES[rows], comm=ranks)
        return bits(model.model_.members), model.predict(marked).tolist()

    expected = bits(alone.model_.members), alone.predict(FRAME).tolist()
    assert in_threads(2, run) == [expected] * 2


REFUSED: dict[str, tuple[Any, str]] = {
    "validation data": (lambda X, y, rank: {"X": X, "y": y, "X_val": X, "y_val": y},
                        "X_val and y_val are for one process; on several ranks give these rows"),
    "one value": (lambda X, y, rank: {"X": X, "y": y[:1].repeat(len(y))}, "y is '.*' on all ranks"),
    "no rows": (lambda X, y, rank: {"X": X[:0], "y": y[:0]}, "needs two examples or more, got"),
    "columns": (lambda X, y, rank: {"X": X[:, : 3 - rank], "y": y}, "day"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_trained_on_ranks_is_refused(name):
    change, message = REFUSED[name]

    def run(ranks):
        rows = slice(*PARTS[2][ranks.rank : ranks.rank + 2])
        given = change(FRAME[rows], np.sort(CLASSES)[::-1][rows], ranks.rank)
        model = TabularClassifier(epochs=1, effort="fast")
        if name == "one value":
            given["y"] = np.full(len(given["X"]), "s")
        model.fit(**given, comm=ranks)

    with pytest.raises(ValueError, match=message):
        in_threads(2, run)


def test_a_frame_of_pandas_without_rows_will_do():
    empty = pd.DataFrame({"size": [], "kind": [], "day": []})

    def run(ranks):
        X, y = (empty, []) if ranks.rank else (FRAME.to_pandas(), QUANTITIES)
        return fitted(TabularRegressor, X, y, comm=ranks)

    assert in_threads(2, run) == [fitted(TabularRegressor, FRAME.to_pandas(), QUANTITIES)] * 2
