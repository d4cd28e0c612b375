"""What it costs to hold examples out for validation: no copy of them, and none of the others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from alone import alone
from chainrule import engine
from test_engine_memory import RESET, most_taken_by

pytestmark = [
    pytest.mark.skipif(engine.native is None, reason="there is no compiled engine"),
    pytest.mark.skipif(not RESET.exists(), reason="this system does not say what memory it takes"),
]

ROWS, COLUMNS = 1_000_000, 10
BYTES = 4 * ROWS * COLUMNS
TARGETS: dict[str, Any] = {
    "quantities": ("squared_error", lambda X: X[:, :1].copy()),
    "classes": ("cross_entropy", lambda X: (2 * X[:, 0]).astype(np.int64)),
}
COSTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "in order": {"shuffle": False},
    "weighted": {"weighted": True},
    "early stopping": {"early_stopping": cr.EarlyStopping(1)},
}


def memory_of_fit(kind: str, what: str, validation: Any) -> float:
    """The most that a fit takes, in bytes."""
    X = np.random.default_rng(0).random((ROWS, COLUMNS), np.float32)
    loss, target = TARGETS[kind]
    options = dict(COSTS[what])
    w = np.ones(ROWS, np.float32) if options.pop("weighted", False) else None
    y, net = target(X), cr.Network(COLUMNS, [cr.Dense(4, "relu"), cr.Dense(2)], loss)
    y = np.repeat(y, 2, axis=1) if y.ndim == 2 else y
    if validation == "copies":
        validation = (X[::10].copy(), y[::10])
        options |= {"callbacks": [lambda history: X[1:].copy() is None]}
    if validation is None:
        options.pop("early_stopping", None)

    def run(n: int) -> Any:
        return cr.fit(
            net, net.init(0), X[:n], y[:n], cr.Adam(), epochs=2, batch_size=1000,
            validation=validation, sample_weight=w if w is None else w[:n], **options,
        )  # fmt: skip

    run(2000)  # what a first fit loads
    return most_taken_by(lambda: run(ROWS))


WAYS = [("quantities", "plain"), ("classes", "early stopping"), ("classes", "weighted"),
        ("quantities", "in order")]  # fmt: skip


def memory_of_fits() -> dict[str, list[float]]:
    """What fits take that hold out a part, none, and the first a copy too."""
    found = {f"{kind}, {what}": [memory_of_fit(kind, what, each) for each in (0.1, None)]
             for kind, what in WAYS}  # fmt: skip
    found["copies"] = [memory_of_fit(*WAYS[0], "copies")]
    return found


@pytest.fixture(scope="module")
def taken() -> dict[str, list[float]]:
    return alone(memory_of_fits)


@pytest.mark.parametrize(("kind", "what"), WAYS)
def test_a_part_held_out_is_not_copied(taken, kind, what):
    """An order of the rows takes 8 bytes for each; weights take 4, and a mask of a part 1."""
    with_a_part, without = taken[f"{kind}, {what}"]
    orders = ROWS * (8 + 4 + 1) if what in ("in order", "weighted") else 0
    assert with_a_part < without + orders + 0.25 * BYTES


def test_a_copy_would_be_seen(taken):
    without = taken["quantities, plain"][1]
    assert taken["copies"][0] > without + 0.75 * BYTES
