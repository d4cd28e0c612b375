"""Rows that the estimators set aside: as good as data of one's own."""

import numpy as np
import pytest

from chainrule.estimators import MLPClassifier
from chainrule.estimators.shared_rows import GivenRows
from runs import bits

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
LABELS = (X[:, 0] + 0.3 * RNG.normal(size=60) > 0).astype(int)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("scoring", [None, "loss", "accuracy"])
def test_a_part_set_aside_is_as_validation_data_of_ones_own(scoring, weighted):
    options = {"early_stopping": True, "scoring": scoring, "random_state": 0, "max_iter": 6}
    options |= {"class_weight": {0: 2.0}, "metrics": {"recall": "recall"}}
    w = np.random.default_rng(1).uniform(0.5, 2, len(X)) if weighted else None
    aside = MLPClassifier((5,), **options).fit(X, LABELS, w)
    rows = aside._rows_held_out(GivenRows(X, LABELS, w, None), None)
    rest = np.setdiff1d(np.arange(len(X)), rows)
    w_rest, w_rows = (None, None) if w is None else (w[rest], w[rows])
    own = MLPClassifier((5,), **options)
    own.fit(X[rest], LABELS[rest], w_rest, X_val=X[rows], y_val=LABELS[rows],
            sample_weight_val=w_rows)  # fmt: skip
    for name in ("loss_curve_", "validation_scores_", "validation_loss_curve_", "metrics_curve_"):
        assert getattr(aside, name) == getattr(own, name)
    assert bits(aside.parameters_) == bits(own.parameters_)
    assert aside.t_ == own.t_ == len(rest) * aside.n_iter_
