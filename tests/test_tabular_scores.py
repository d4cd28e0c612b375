"""The table of scores, beside what they are by hand; the scores of each class beside sklearn's."""

import math

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from chainrule.tabular.class_scores import class_scores, confusion_by_name, scores_by_name
from chainrule.tabular.scores import MAIN, METRICS, SCORES, scored

LABELS = np.array([0, 0, 0, 1, 1, 2])
P = np.array(
    [[0.7, 0.2, 0.1], [0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.2, 0.6, 0.2], [0.3, 0.4, 0.3],
     [0.25, 0.5, 0.25]]
)  # fmt: skip
VALUES = np.array([[1.0], [2.0], [4.0]])
RATES = np.array([[2.0], [2.0], [2.0]])
QUANTILES = np.array([[0.0, 2.0], [1.5, 3.0], [1.0, 3.0]])
LEVELS = (0.25, 0.75)

BY_HAND = {
    # guesses 0 0 1 1 1 1: recalls 2/3, 1, 0; F1 0.8, 2·(2/4)·1/(3/2), 0
    "accuracy": 4 / 6,
    "balanced_accuracy": (2 / 3 + 1 + 0) / 3,
    "f1_macro": (0.8 + 2 / 3 + 0) / 3,
    "log_loss": -np.mean(np.log([0.7, 0.5, 0.1, 0.6, 0.4, 0.25])),
    "roc_auc": None,  # by pairs, below
    "rmse": math.sqrt((1 + 0 + 4) / 3),
    "mae": 1.0,
    "r2": 1 - 5 / ((4 / 3) ** 2 + (1 / 3) ** 2 + (5 / 3) ** 2),
    "poisson_deviance": 2 / 3 * (math.log(1 / 2) + 1 + 4 * math.log(4 / 2) - 2),
    # losses of the low one .25·1, .25·.5, .25·3, of the high one .25·1, .25·1, .75·1
    "pinball": (0.25 * 4.5 + 0.25 * 2 + 0.75) / 6,
    "coverage": 2 / 3,
}


def found(name, w=None):
    kind = SCORES[name].of[0]
    y, p = {
        "classes": (LABELS, P),
        "quantity": (VALUES, RATES),
        "counts": (VALUES, RATES),
        "quantiles": (VALUES, QUANTILES),
    }[kind]
    return scored(kind, y, p, w, LEVELS)[name]


@pytest.mark.parametrize("name", SCORES)
def test_a_score_is_what_it_is_by_hand(name):
    if BY_HAND[name] is not None:
        assert found(name) == pytest.approx(BY_HAND[name])


def test_the_area_is_the_share_of_pairs_in_the_right_order():
    areas = []
    for k in range(3):
        inside, outside = (P[own, k] for own in (np.equal(LABELS, k), np.not_equal(LABELS, k)))
        order = np.sign(inside[:, None] - outside[None, :])
        areas.append(np.mean((order + 1) / 2))
    assert found("roc_auc") == pytest.approx(np.mean(areas))


@pytest.mark.parametrize("name", SCORES)
def test_a_weight_of_two_is_a_row_twice(name):
    kind = SCORES[name].of[0]
    y, p = (LABELS, P) if kind == "classes" else (
        (VALUES, QUANTILES) if kind == "quantiles" else (VALUES, RATES)
    )  # fmt: skip
    w = np.arange(len(y)) % 2 + 1.0
    twice = np.repeat(np.arange(len(y)), w.astype(int))
    weighed = scored(kind, y, p, w, LEVELS)[name]
    assert weighed == pytest.approx(scored(kind, y[twice], p[twice], None, LEVELS)[name])


@pytest.mark.parametrize("name", SCORES)
def test_rows_without_weight_are_as_good_as_not_there(name):
    kind = SCORES[name].of[0]
    y, p = (LABELS, P) if kind == "classes" else (
        (VALUES, QUANTILES) if kind == "quantiles" else (VALUES, RATES)
    )  # fmt: skip
    for lost in range(len(y)):
        w = np.full(len(y), 0.5)
        w[lost:] = 0
        w[0] = 2.0
        known = w > 0
        found = scored(kind, y, p, w, LEVELS)
        assert found == scored(kind, y[known], p[known], w[known], LEVELS)
        assert np.isfinite(list(found.values())).all()
    assert name in scored(kind, y, p, None, LEVELS)


@pytest.mark.parametrize("name", SCORES)
def test_the_distance_of_the_best_is_none_and_turns_back(name):
    assert SCORES[name].distance(SCORES[name].best) == 0
    assert SCORES[name].distance(SCORES[name].distance(0.375)) == 0.375


def test_every_kind_has_a_main_score_that_training_can_go_by():
    assert set(MAIN) == {kind for score in SCORES.values() for kind in score.of}
    for kind, name in MAIN.items():
        assert name in METRICS
        assert kind in SCORES[name].of


@pytest.mark.parametrize(
    ("kind", "y", "p", "missing"),
    [
        ("classes", np.array([1, 1]), np.array([[0.5, 0.5]] * 2), "roc_auc"),
        ("quantity", np.ones((2, 1)), np.ones((2, 1)), "r2"),
        ("counts", np.array([[-1.0], [2.0]]), np.ones((2, 1)), "poisson_deviance"),
        ("quantiles", VALUES, QUANTILES[:, :1], "coverage"),
    ],
)
def test_a_score_without_meaning_is_left_out(kind, y, p, missing):
    levels = LEVELS[: p.shape[1]]
    assert missing not in scored(kind, y, p, None, levels)


def test_rates_that_round_to_nothing_have_a_deviance():
    assert scored("counts", np.array([[0.0], [1.0]]), np.zeros((2, 1)))["poisson_deviance"] > 50


@pytest.mark.parametrize("weighted", [False, True])
def test_the_scores_of_each_class_are_those_of_scikit_learn(weighted):
    draw = np.random.default_rng(0)
    y, guess = draw.integers(0, 4, 200), draw.integers(0, 4, 200)
    w = draw.random(200) if weighted else None
    own = np.array(class_scores(y, guess, 4, w))[:, 1:]
    right = precision_recall_fscore_support(y, guess, labels=range(4), sample_weight=w)
    assert np.allclose(own.T, right)


def test_what_is_a_share_of_nothing_is_null_in_json():
    scores = scores_by_name(class_scores(np.array([0, 0]), np.array([0, 0]), 2), ["a", "b"])
    assert scores[1] == {"class": "b", "precision": None, "recall": None, "f1": None, "support": 0}


def test_the_confusion_sums_to_the_rows():
    draw = np.random.default_rng(1)
    y, guess = draw.integers(0, 3, 99), draw.integers(0, 3, 99)
    by_name = confusion_by_name(y, guess, ["a", "b", "c"])
    for true in range(3):
        assert sum(by_name["abc"[true]].values()) == (y == true).sum()
    assert by_name["a"]["c"] == ((y == 0) & (guess == 2)).sum()
