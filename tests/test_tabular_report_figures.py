"""The numbers behind the figures of a report, beside scikit-learn's."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from chainrule.tabular import class_scores
from chainrule.tabular.report import calibration

DRAW = np.random.default_rng(0)


def labels(classes, n=300):
    y = DRAW.integers(0, classes, n)
    return y, np.where(DRAW.random(n) < 0.6, y, DRAW.integers(0, classes, n))


@pytest.mark.parametrize("classes", [2, 3, 12])
def test_confusion_is_scikit_learns(classes):
    y, guess = labels(classes)
    right = confusion_matrix(y, guess, labels=range(classes))
    assert np.array_equal(class_scores.confusion(y, guess, classes), right)


def test_classes_that_do_not_come_have_their_row_of_confusion():
    assert class_scores.confusion(np.array([2]), np.array([0]), 4).tolist() == [
        [0] * 4, [0] * 4, [1, 0, 0, 0], [0] * 4,
    ]  # fmt: skip


@pytest.mark.parametrize("classes", [2, 5, 40])
def test_confused_pairs_are_the_confusion_beside_the_diagonal(classes):
    y, guess = labels(classes)
    pairs = class_scores.confused_pairs(y, guess, classes)
    wrong = confusion_matrix(y, guess, labels=range(classes))
    np.fill_diagonal(wrong, 0)
    assert len(pairs) == np.count_nonzero(wrong)
    assert all(wrong[true, predicted] == examples for true, predicted, examples in pairs)
    found = [pair.examples for pair in pairs]
    assert found == sorted(found, reverse=True)


def test_nothing_confused_makes_no_pairs():
    assert class_scores.confused_pairs(np.arange(3), np.arange(3), 3) == []


@pytest.mark.parametrize("classes", [2, 7])
def test_scores_of_the_classes_are_scikit_learns(classes):
    y, guess = labels(classes)
    guess[guess == 1] = 0  # so that a class is never predicted
    found = np.array(class_scores.class_scores(y, guess, classes), float)
    right = precision_recall_fscore_support(y, guess, labels=range(classes), zero_division=np.nan)
    right[2][1] = 0.0  # the harmonic mean of nothing and 0, from the counts
    assert np.allclose(found.T, [range(classes), *right], equal_nan=True)


@pytest.mark.parametrize("classes", [2, 4])
def test_calibration_is_scikit_learns(classes):
    p = DRAW.dirichlet(np.ones(classes), 500).astype("f4")
    y = DRAW.integers(0, classes, 500)
    foretold = p[:, 1] if classes == 2 else p.max(axis=1)
    came = y == 1 if classes == 2 else y == p.argmax(axis=1)
    bins = calibration.calibration(y, p)
    observed, predicted = calibration_curve(came, foretold, n_bins=calibration.BINS)
    assert np.allclose([each.observed for each in bins], observed)
    assert np.allclose([each.predicted for each in bins], predicted)
    assert sum(each.examples for each in bins) == 500


def test_probabilities_of_0_and_1_have_their_bins():
    bins = calibration.calibration(np.array([0, 1, 1]), np.array([[1.0, 0], [0, 1], [0, 1]]))
    assert bins == [(0.0, 0.0, 1), (1.0, 1.0, 2)]
    assert calibration.calibration_error(bins) == 0


def test_the_calibration_error_weighs_the_bins_by_their_examples():
    bins = [calibration.Bin(0.1, 0.2, 30), calibration.Bin(0.9, 0.5, 10)]
    assert calibration.calibration_error(bins) == pytest.approx((0.1 * 30 + 0.4 * 10) / 40)


def test_a_histogram_holds_every_value_though_some_lie_far_out():
    values = np.concatenate([DRAW.standard_normal(999), [1e9]])
    edges, counts, beyond = calibration.histogram(values)
    assert counts.sum() == 1000
    assert edges[-1] < 5
    assert beyond == ((values < edges[0]) | (values > edges[-1])).sum() >= 1


def test_a_histogram_of_equal_values_is_one_bar():
    edges, counts, beyond = calibration.histogram(np.full(7, 2.0))
    assert (counts.max(), beyond) == (7, 0)
    assert edges[0] < 2 < edges[-1]
