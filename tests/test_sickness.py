"""The collection of sick networks is what it says: each sick one fails, and its twin learns."""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from typing import Any

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression, LogisticRegression

from chainrule.trees import leaves
from sickness import seen, unseen
from sickness.data import TASKS
from sickness.evidence import Outcome, train
from sickness.halves import drawn
from sickness.marks import FACTORS, MARKS
from sickness.setting import Setting
from sickness.vocabulary import SICKNESSES, Case, Healthy

CASES = seen.CASES + unseen.CASES
HEALTHY = seen.HEALTHY + unseen.HEALTHY
LEAST_LOST = 0.05
"""What a mild sickness takes of what is known, at least."""

each_case = pytest.mark.parametrize("case", CASES + seen.MILD, ids=lambda case: case.name)
each_healthy = pytest.mark.parametrize("healthy", HEALTHY, ids=lambda healthy: healthy.name)


@functools.cache
def outcome_of(case: Case, sick: bool) -> Outcome:
    return train(dataclasses.replace(case.twin, **case.change) if sick else case.twin)


@functools.cache
def known(data: str) -> float:
    """What a linear model of scikit-learn knows of a task, on the same scale as `skill`."""
    task = Setting(data).task
    (X, _, y), (X_held_out, _, y_held_out) = task.train, task.held_out
    if task.classes:
        model = LogisticRegression(class_weight="balanced", max_iter=500).fit(X, y)
        said = model.predict(X_held_out)
        hit = [np.mean(said[y_held_out == k] == k) for k in range(task.classes)]
        return float((np.mean(hit) * task.classes - 1) / (task.classes - 1))
    if y.ndim > 1:
        model = PCA(16).fit(X)
        left = y_held_out - model.inverse_transform(model.transform(X_held_out))
        return float(1 - np.sum(left**2) / np.sum((y_held_out - y_held_out.mean(axis=0)) ** 2))
    return float(LinearRegression().fit(X, y).score(X_held_out, y_held_out))


# ---- sick ----------------------------------------------------------------------------------------


@each_case
def test_the_twin_learns(case):
    outcome = outcome_of(case, sick=False)
    assert not outcome.diverged
    assert outcome.skill >= 0.8 * known(case.twin.data) - 0.1


@each_case
def test_the_sick_one_fails_where_its_twin_learns(case):
    sick, twin = (outcome_of(case, sick=sick).skill for sick in (True, False))
    assert sick <= (twin / 2 if case.severity == "strong" else twin - LEAST_LOST)


@pytest.mark.parametrize(
    "case",
    [case for case in CASES + seen.MILD if case.sickness in MARKS],
    ids=lambda case: case.name,
)
def test_the_sick_one_bears_the_mark_of_its_sickness(case):
    sick, twin = (MARKS[case.sickness](outcome_of(case, sick=sick)) for sick in (True, False))
    assert sick > 0
    assert sick >= FACTORS[case.severity] * twin


@each_case
def test_the_sick_one_differs_in_one_thing(case):
    assert len(case.change) == 1
    assert case.sickness in SICKNESSES
    assert all(getattr(case.twin, name) != value for name, value in case.change.items())


# ---- healthy -------------------------------------------------------------------------------------


@each_healthy
def test_a_healthy_one_learns(healthy):
    outcome = train(healthy.setting)
    losses = outcome.history.loss
    assert not outcome.diverged
    if healthy.finished:
        assert outcome.skill >= known(healthy.setting.data) - 0.1
        assert losses[-1] < losses[0]
    else:
        assert outcome.skill >= 0.5 * known(healthy.setting.data)


# ---- the collection ------------------------------------------------------------------------------


def test_there_are_enough_of_each():
    assert len(CASES) >= 25
    assert len(HEALTHY) >= 25
    names = [each.name for each in CASES + HEALTHY]
    assert len(names) == len(set(names))
    assert {case.sickness for case in seen.CASES} == set(SICKNESSES)
    assert {case.sickness for case in unseen.CASES} == set(SICKNESSES)
    assert {each.twin.data for each in CASES + seen.MILD} | {
        each.setting.data for each in HEALTHY
    } == set(TASKS)


def test_the_halves_are_as_drawn():
    assert {case.name for case in seen.CASES} == drawn((c.name, c.sickness) for c in CASES)
    assert {healthy.name for healthy in seen.HEALTHY} == drawn((h.name, "") for h in HEALTHY)


def kind_of_setting(each: Case | Healthy) -> tuple[Any, ...]:
    """What a setting is by its task, its layers, its loss and its optimizer."""
    setting = each.twin if isinstance(each, Case) else each.setting
    layers = tuple(getattr(layer, "activation", type(layer).__name__) for layer in setting.hidden)
    return setting.data, layers, setting.loss_name, type(setting.optimizer).__name__


def test_the_unseen_half_has_settings_that_the_seen_one_has_not():
    known_kinds = Counter(map(kind_of_setting, seen.CASES + seen.HEALTHY))
    others = [
        each for each in unseen.CASES + unseen.HEALTHY if kind_of_setting(each) not in known_kinds
    ]
    assert len(others) >= 20


@each_case
def test_a_setup_is_the_same_each_time_and_is_left_as_it_is(case):
    setting = dataclasses.replace(case.twin, **case.change)
    one, other = setting.build(), setting.build()
    assert one.net == other.net
    for a, b in zip(leaves(one.params), leaves(other.params), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(one.X, other.X)
    np.testing.assert_array_equal(one.y, other.y)


# ---- what checks can fail ------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES[::10], ids=lambda case: case.name)
def test_a_twin_does_not_pass_for_sick(case):
    unchanged = dataclasses.replace(case, change={})
    with pytest.raises(AssertionError):
        test_the_sick_one_fails_where_its_twin_learns(unchanged)
    if case.sickness in MARKS:
        with pytest.raises(AssertionError):
            test_the_sick_one_bears_the_mark_of_its_sickness(unchanged)
    with pytest.raises(AssertionError):
        test_the_sick_one_differs_in_one_thing(unchanged)
