"""What share of new rows an interval holds: the arithmetic of conformal prediction, by hand."""

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import beta, binomtest

from chainrule.tabular.bounds import (
    OTHERS,
    USUAL,
    bounded,
    levels,
    narrowest,
    outside,
    reached,
    within,
)
from chainrule.tabular.intervals import Interval, check_enough, conformal, effective_rows, found
from chainrule.tabular.table_error import TableError

SHARES = (0.05, 0.3, 0.5, 0.55, 0.7, 0.8, 0.9, 0.95, 0.99)


def least_rows(share):
    """The least n of which the ⌈(n + 1) share⌉-th is among the n."""
    exact = Fraction(str(share))
    return next(n for n in range(1, 2000) if math.ceil((n + 1) * exact) <= n)


# The threshold


@pytest.mark.parametrize("share", SHARES)
def test_the_threshold_is_the_score_of_its_place(share):
    rng = np.random.default_rng(0)
    for n in (*range(least_rows(share), least_rows(share) + 40), 500, 1_000):
        s = rng.normal(size=n)
        place = math.ceil((n + 1) * Fraction(str(share)))
        made = conformal(s, share)
        assert made.threshold == np.sort(s)[place - 1]
        assert (made.share, made.rows) == (share, n)
        of = beta(place, n + 1 - place)
        np.testing.assert_allclose([made.least, made.most], of.ppf([0.025, 0.975]), rtol=1e-9)


def test_of_scores_that_are_alike_it_is_one_of_them():
    assert conformal(np.array([1.0] * 9 + [2.0] * 10), 0.9).threshold == 2
    assert conformal(np.zeros(20), 0.9).threshold == 0


def test_coverage_of_new_rows_is_distributed_as_it_says():
    """Of uniform scores the threshold is the coverage."""
    rng = np.random.default_rng(1)
    made = [conformal(rng.random(60), 0.8) for _ in range(4_000)]
    coverage = np.array([each.threshold for each in made])
    between = [each.least <= each.threshold <= each.most for each in made]
    assert np.mean(coverage) == pytest.approx(49 / 61, abs=0.004)
    assert np.mean(between) == pytest.approx(0.95, abs=0.015)


# Weights


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("weight", [1, 0.25, 3e-30, 1e30])
def test_equal_weights_change_nothing(share, weight):
    s = np.random.default_rng(2).normal(size=211)
    plain, weighted = conformal(s, share), conformal(s, share, np.full(211, weight, np.float32))
    assert plain.threshold == weighted.threshold
    assert (plain.least, plain.most) == pytest.approx((weighted.least, weighted.most))


def test_rows_of_weight_0_are_as_if_they_were_not_there():
    s, w = np.array([1.0, 5.0, 2.0, 4.0, 3.0]), np.array([1.0, 0.0, 1.0, 1.0, 1.0])
    some, all_of_them = conformal(s[w > 0], 0.6), conformal(s, 0.6, w)
    assert some.threshold == all_of_them.threshold == 3
    assert (some.least, some.most) == pytest.approx((all_of_them.least, all_of_them.most))


def test_a_heavy_row_takes_the_room_of_several():
    """Σ w = 10, and a new row weighs Σ w² / Σ w = 2.2: .6 of 12.2 is reached with 1 + 2 + … ."""
    s, w = np.arange(1.0, 6.0), np.array([1.0, 1.0, 2.0, 3.0, 3.0])
    assert effective_rows(5, w) == pytest.approx(100 / 24)
    assert conformal(s, 0.6, w).threshold == 5  # .6 · 12.4 = 7.44 > 7
    assert conformal(s, 0.55, w).threshold == 4  # 6.82 < 7


def test_weighted_coverage_is_what_was_asked_for():
    rng = np.random.default_rng(3)
    shares = []
    for _ in range(300):
        group = rng.random((2, 400)) < 0.3  # a third of the rows is rarer than it looks
        w = np.where(group, 0.2, 1.0)
        s = rng.normal(size=(2, 400)) * np.where(group, 3.0, 1.0)
        shares.append(np.average(s[1] <= conformal(s[0], 0.9, w[0]).threshold, weights=w[1]))
    assert np.mean(shares) == pytest.approx(0.9, abs=0.006)


# Too few rows


@pytest.mark.parametrize("share", SHARES)
def test_fewer_rows_than_a_share_needs_are_refused(share):
    enough = least_rows(share)
    check_enough(share, enough)
    conformal(np.arange(float(enough)), share)
    with pytest.raises(TableError, match=rf"^`interval={share}` needs {enough} rows? held out"):
        check_enough(share, enough - 1)


def test_weights_may_leave_too_few():
    w = np.array([1000.0, *[1.0] * 19])
    with pytest.raises(TableError, match=r"got 20, which by their weights count as 1.04; hold out"):
        check_enough(0.9, 20, w)


# Coverage that is found


@pytest.mark.parametrize(("held", "rows"), [(0, 7), (7, 7), (90, 100), (1, 1), (450, 1_000)])
def test_the_coverage_found_has_the_bounds_of_a_share(held, rows):
    made = found(np.arange(rows) < held)
    exact = binomtest(held, rows).proportion_ci(0.95, method="exact")
    assert made.share == pytest.approx(held / rows)
    np.testing.assert_allclose([made.least, made.most], [exact.low, exact.high], rtol=1e-9)


def test_the_coverage_found_counts_weights():
    made = found(np.array([True, True, False]), np.array([3.0, 0.0, 1.0]))
    assert made.share == 0.75
    assert 0 < made.least < 0.75 < made.most < 1


# Bounds


def random_bounds(seed, n=200):
    """Values, predictions and quantiles of rows, of which some are alike."""
    rng = np.random.default_rng(seed)
    y, p, *q = rng.integers(-4, 5, (4, n)).astype(float)
    return y, p, np.sort(np.stack(q, axis=1), axis=1)


def moved(t, reach=1.0):
    return Interval(0.9, t, rows=9, least=0.5, most=1.0, reach=reach)


@pytest.mark.parametrize("reach", [USUAL, *OTHERS])
@pytest.mark.parametrize("t", [-3.0, -0.5, 0.0, 2.0])
def test_bounds_hold_a_value_from_its_score_on(t, reach):
    y, p, q = random_bounds(0)
    inside = within(y, bounded(p, q, moved(t, reach)))
    assert (inside[y != p] == (outside(y, p, reached(p, q, reach)) <= t)[y != p]).all()
    assert inside[y == p].all()


def test_bounds_reach_from_the_prediction_to_the_quantiles():
    p, q = np.array([4.0, 1.0]), np.array([[2.0, 8.0], [-1.0, 2.0]])
    assert bounded(p, q, moved(0.5, 0.0)).tolist() == [[3.5, 4.5], [0.5, 1.5]]
    assert bounded(p, q, moved(0.5, 0.5)).tolist() == [[2.5, 6.5], [-0.5, 2.0]]
    assert bounded(p, q, moved(0.5, 1.0)).tolist() == [[1.5, 8.5], [-1.5, 2.5]]


@pytest.mark.parametrize("spread", [0.0, 3.0])
def test_quantiles_are_followed_where_rows_differ_in_how_sure_they_are(spread):
    """Else those that only seem to differ are not."""
    rng = np.random.default_rng(4)
    size = rng.choice([1.0, 1 + spread], 1_000)
    y, p, guess = size * rng.normal(size=1_000), np.zeros(1_000), rng.choice([1.0, 4.0], 1_000)
    q = np.outer(size if spread else guess, [-1.64, 1.64])
    made = narrowest(y, p, q, 0.9)
    assert (made.reach > 0.5) if spread else (made.reach == 0)
    assert within(y, bounded(p, q, made)).mean() == pytest.approx(0.9, abs=0.002)


def test_the_usual_reach_is_left_only_where_another_is_clearly_narrower():
    """Quantiles that are too wide by a little, and then by much."""
    y = np.random.default_rng(5).normal(size=400)
    wider = np.random.default_rng(6).random(400)
    for much, reach in ((0.05, USUAL), (4.0, 0.0)):
        q = np.outer(1.64 * (1 + much * wider), [-1, 1])
        assert narrowest(y, np.zeros(400), q, 0.9).reach == reach


@pytest.mark.parametrize("t", [-1e300, -2.5, 0.0, 1e300])
def test_bounds_never_cross_and_hold_the_prediction(t):
    _, p, q = random_bounds(1)
    lower, upper = bounded(p, q, moved(t)).T
    assert (lower <= p).all()
    assert (p <= upper).all()


@pytest.mark.parametrize("share", SHARES)
def test_levels_are_as_far_from_both_ends(share):
    low, high = levels(share)
    assert high - low == pytest.approx(share)
    assert low + high == 1
