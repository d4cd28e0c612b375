"""`diagnose` names what is wrong with the sick networks of the seen half, and no healthy one."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

import chainrule as cr
from chainrule.diagnose.diagnosis import Diagnosis, diagnose
from chainrule.diagnose.rules import RULES
from sickness import seen
from sickness.setting import Setting
from sickness.vocabulary import SICKNESSES


def diagnosed(setting: Setting) -> Diagnosis:
    """Train as the user would, and ask why it does not learn."""
    setup = setting.build()
    net, params, X, y = setup[:4]
    try:
        trained, history = cr.fit(net, params, X, y, **setup.options, threads=1)
    except cr.DivergenceError as error:
        trained, history = error.params, error
    return diagnose(net, trained, X, y, **setup.options, initial=params, history=history)


@pytest.mark.parametrize("case", seen.CASES, ids=lambda case: case.name)
def test_a_sickness_is_the_first_or_second_finding(case):
    found = diagnosed(dataclasses.replace(case.twin, **case.change))
    assert case.sickness in found.names[:2]
    assert all(len(line) <= 80 for line in str(found).splitlines())
    json.dumps(found.as_dict(), allow_nan=False)


@pytest.mark.parametrize("healthy", seen.HEALTHY, ids=lambda healthy: healthy.name)
def test_nothing_is_found_of_a_healthy_one(healthy):
    found = diagnosed(healthy.setting)
    assert found.names == ()
    assert str(found).startswith("Nothing found.")


def test_there_is_a_rule_for_each_sickness():
    assert {rule.name for rule in RULES} == set(SICKNESSES)
    weights = [rule.weight for rule in RULES]
    assert weights == sorted(set(weights), reverse=True)


NET = cr.Network(2, [cr.Dense(4, "tanh"), cr.Dense(1)], loss="squared_error")
X = np.random.default_rng(0).normal(size=(60, 2))
Y = X[:, 0] * X[:, 1]


def test_the_network_alone_is_enough_and_is_left_as_it_is():
    params = NET.init(0)
    before = [p.W.copy() for p in params]
    assert diagnose(NET, params, X, Y).names == ()
    assert all(np.array_equal(p.W, W) for p, W in zip(params, before, strict=True))


def test_nothing_is_said_of_a_training_that_is_not_known():
    assert diagnose(NET, NET.init(0), X, Y, batch_size=1, shuffle=False).names == ()
    assert "rate_too_low" in diagnose(NET, NET.init(0), X, Y, cr.SGD(1e-9), epochs=5).names


def test_what_does_not_fit_is_refused():
    with pytest.raises(TypeError, match="history must be what fit returned"):
        diagnose(NET, NET.init(0), X, Y, history=[0.5])
    with pytest.raises(ValueError, match="one row for each of the 60 rows"):
        diagnose(NET, NET.init(0), X, Y[:-1])
    with pytest.raises(ValueError, match="freeze"):
        diagnose(NET, NET.init(0), X, Y, freeze=["7.W"])
    first, last = NET.init(0)
    with pytest.raises(ValueError, match="finite"):
        diagnose(NET, (first._replace(W=first.W * np.nan), last), X, Y)
