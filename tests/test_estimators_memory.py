"""What a fit of the estimators takes of memory, beside the examples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from alone import alone
from chainrule import engine
from chainrule.estimators import MLPClassifier, MLPRegressor
from test_engine_memory import RESET, most_taken_by

pytestmark = [
    pytest.mark.skipif(engine.native is None, reason="there is no compiled engine"),
    pytest.mark.skipif(not RESET.exists(), reason="this system does not say what memory it takes"),
]

ROWS, COLUMNS = 320_000, 30
"""So that nine tenths are over 32 MiB: a smaller copy may take what is free already, unseen."""

EARLY: dict[str, Any] = {"early_stopping": True, "validation_fraction": 0.1}
SMALL: dict[str, Any] = {"hidden_layer_sizes": (4,), "batch_size": 1000, "max_iter": 1}


def memory_of_fits() -> dict[str, float]:
    """The most that a fit takes on top of X and y, in shares of the bytes of X."""
    X = np.random.default_rng(0).random((ROWS, COLUMNS), np.float32)
    fits = {
        "classifier": lambda: MLPClassifier(**SMALL).fit(X, X[:, 0] > 0.5),
        "classes": lambda: MLPClassifier(**SMALL).fit(X, (4 * X[:, 0]).astype(int)),
        "regressor": lambda: MLPRegressor(**SMALL).fit(X, X[:, 0]),
        "partial_fit": lambda: MLPRegressor(**SMALL).partial_fit(X, X[:, 0]),
        "early stopping": lambda: MLPRegressor(**SMALL, **EARLY).fit(X, X[:, 0]),
        "early stopping by class": lambda: MLPClassifier(**SMALL, **EARLY).fit(X, X[:, 0] > 0.5),
        "early stopping by the loss": lambda: MLPRegressor(**SMALL, **EARLY, scoring="loss").fit(
            X, X[:, 0]
        ),
        "of a copy": lambda: MLPRegressor(**SMALL).fit(X.copy(), X[:, 0]),
    }
    MLPClassifier(**SMALL).fit(X[:2000], X[:2000, 0] > 0.5)  # what a first fit loads
    return {kind: most_taken_by(fit) / X.nbytes for kind, fit in fits.items()}


def test_fit_takes_no_second_copy_of_X() -> None:
    """All in one test: another process would make the rows once more."""
    taken = alone(memory_of_fits)
    assert taken.pop("of a copy") > 0.9  # it would be seen
    assert {kind: share for kind, share in taken.items() if share >= 0.75} == {}
