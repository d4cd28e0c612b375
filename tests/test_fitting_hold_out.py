"""Which examples are held out: in shares, by groups, by time, as scikit-learn does, as given."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from chainrule.fitting.hold_out import as_scikit_learn, hold_out

N = 500
DRAW = np.random.default_rng(0)
Y = DRAW.integers(0, 2, N)


def held_out(y, fraction, most=10**9, **options):
    return hold_out(y, fraction, np.random.default_rng(0), most=most, **options)


def split(values, held):
    """The values of the rows held out, and of the others."""
    return values[held], np.delete(values, held)


def test_each_class_has_its_share_among_the_examples_held_out():
    y = np.repeat([0, 1, 2], [100, 200, 20])
    assert np.bincount(y[held_out(y, 0.25)]).tolist() == [25, 50, 5]


def test_numbers_have_their_share_by_size():
    y = DRAW.permutation(1000).astype(float)
    held = held_out(y, 0.1)
    assert np.bincount((y[held] // 100).astype(int)).tolist() == [10] * 10


TARGETS = {
    "classes": DRAW.integers(0, 3, N),
    "numbers": DRAW.standard_normal(N).astype(np.float32),
    "numbers of which many are equal": DRAW.standard_normal(N).round(1).astype(np.float32),
    "noughts of both signs": DRAW.choice([-0.0, 0.0, 1.0], N).astype(np.float32),
    "one number": np.zeros(N, np.float32),
}


@pytest.mark.parametrize("y", TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize("fraction", [0.02, 0.15, 0.5])
def test_examples_are_taken_at_equal_distances_as_y_rises_and_equal_ones_as_drawn(y, fraction):
    draw = np.random.default_rng(0)
    drawn = draw.permutation(N).tolist()
    order = sorted(range(N), key=lambda k: (y[k], drawn[k]))
    begin, wanted = draw.random(), round(fraction * N)
    expected = sorted(order[int((k + begin) * N / wanted)] for k in range(wanted))
    assert held_out(y, fraction).tolist() == expected


def test_no_group_is_on_both_sides():
    groups = DRAW.integers(0, 40, N)
    held, kept = split(groups, held_out(Y, 0.2, groups=groups))
    assert not set(held) & set(kept)
    assert 0.15 < len(held) / N < 0.3


def test_by_time_the_last_are_held_out():
    time = DRAW.permutation(N)
    held, kept = split(time, held_out(Y, 0.2, time=time))
    assert held.min() > kept.max()
    assert len(held) == 100


def test_moments_that_many_share_stay_together():
    time = np.repeat([1, 2], [50, 450])
    held, kept = split(time, held_out(Y, 0.1, time=time))
    assert not set(held) & set(kept)


def test_no_more_is_held_out_than_memory_takes():
    assert len(held_out(np.arange(10_000.0), 0.5, most=8)) == 8


@pytest.mark.parametrize("how", [{}, {"groups": DRAW.integers(0, 9, N)}, {"time": np.arange(N)}])
def test_rows_rise_and_none_comes_twice(how):
    assert (np.diff(held_out(Y, 0.3, **how)) > 0).all()


@pytest.mark.parametrize("argument", ["groups", "time"])
def test_one_value_parts_no_rows(argument):
    with pytest.raises(ValueError, match=f"`{argument}=` holds one value only, so that all 500"):
        held_out(Y, 0.2, **{argument: np.ones(N)})


@pytest.mark.parametrize("how", [{}, {"groups": np.zeros(1)}, {"time": np.zeros(1)}])
def test_one_side_without_examples_is_refused(how):
    with pytest.raises(ValueError, match="leaves no examples to train with; the table has 1"):
        held_out(np.zeros(1), 0.2, **how)


@pytest.mark.parametrize("labels", [["no", "yes"], [0, 1], [False, True]], ids=str)
@pytest.mark.parametrize(("n", "fraction"), [(10, 0.2), (57, 0.1), (57, 0.33), (999, 0.9)])
def test_what_is_held_out_is_what_scikit_learn_holds_out(n, fraction, labels):
    rng = np.random.default_rng(n)
    y = np.array(labels)[(rng.random(n) < 0.3).astype(int)]
    y[:4] = [labels[0], labels[1]] * 2
    for classes in (y, None):
        _, held = train_test_split(
            np.arange(n), random_state=n, test_size=fraction, stratify=classes
        )
        np.testing.assert_array_equal(as_scikit_learn(n, fraction, n, classes), np.sort(held))
