"""`cr.diagnose` names what is wrong with the sick networks of the seen half, and no healthy one."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from scipy.sparse import csr_array

import chainrule as cr
from chainrule.diagnosis.rules import RULES
from chainrule.diagnosis.verdict import Diagnosis
from kinds import MADE_OF_OTHERS
from sickness import seen
from sickness.setting import Setting
from sickness.vocabulary import SICKNESSES, SYMPTOMS


def diagnosed(setting: Setting) -> Diagnosis:
    """Train as the user would, and ask why it does not learn."""
    setup = setting.build()
    net, params, X, y = setup[:4]
    try:
        trained, history = cr.fit(net, params, X, y, **setup.options, threads=1)
    except cr.DivergenceError as error:
        trained, history = error.params, error
    return cr.diagnose(net, trained, X, y, **setup.options, initial=params, history=history)


@pytest.mark.parametrize("case", seen.CASES + seen.MILD, ids=lambda case: case.name)
def test_a_sickness_is_the_first_or_second_finding(case):
    found = diagnosed(dataclasses.replace(case.twin, **case.change))
    assert case.sickness in found.names[:2]
    assert all(len(line) <= 80 for line in str(found).splitlines())
    json.dumps(found.as_dict(), allow_nan=False)


@pytest.mark.parametrize("case", seen.MILD, ids=lambda case: case.name)
def test_nothing_is_found_of_the_twin_of_a_mild_case(case):
    assert diagnosed(case.twin).names == ()


@pytest.mark.parametrize("healthy", seen.HEALTHY, ids=lambda healthy: healthy.name)
def test_nothing_is_found_of_a_healthy_one(healthy):
    found = diagnosed(healthy.setting)
    assert found.names == ()
    assert str(found).startswith("Nothing found.")


@pytest.mark.parametrize("case", seen.SYMPTOMS, ids=lambda case: case.name)
def test_a_symptom_is_found_after_its_causes_and_its_twin_has_none(case):
    found = diagnosed(dataclasses.replace(case.twin, **case.change))
    assert case.sickness == found.names[-1]
    assert diagnosed(case.twin).names == ()
    (said,) = (each.evidence for each in found.findings if each.name == case.sickness)
    assert "a linear model comes to" in said
    if case.sickness == "at_chance":
        assert f"that of the best constant {found.chance:.4g}" in said


def test_there_is_a_rule_for_each_sickness():
    assert {rule.name for rule in RULES} == set(SICKNESSES) | set(SYMPTOMS)
    assert {case.sickness for case in seen.SYMPTOMS} == set(SYMPTOMS)
    weights = [rule.weight for rule in RULES]
    assert weights == sorted(set(weights), reverse=True)


NET = cr.Network(2, [cr.Dense(4, "tanh"), cr.Dense(1)], loss="squared_error")
X = np.random.default_rng(0).normal(size=(60, 2))
Y = X[:, 0] + X[:, 0] * X[:, 1]


def test_the_network_alone_is_enough_and_is_left_as_it_is():
    params = NET.init(0)
    before = [p.W.copy() for p in params]
    assert cr.diagnose(NET, params, X, Y).names == ()
    assert all(np.array_equal(p.W, W) for p, W in zip(params, before, strict=True))


@pytest.mark.parametrize("layer", MADE_OF_OTHERS, ids=str)
def test_a_layer_made_of_others_may_stand_alone(layer):
    net = cr.Network(3, [layer], loss="squared_error")
    x = np.random.default_rng(0).normal(size=(60, 3))
    found = cr.diagnose(net, net.init(0), x, x[:, : net.outputs])
    assert np.isnan(found.layers[0].delta)  # what comes back to it is not known
    json.dumps(found.as_dict(), allow_nan=False)
    assert found.html().startswith("<!doctype html>")


def test_nothing_is_said_of_a_training_that_is_not_known():
    assert cr.diagnose(NET, NET.init(0), X, Y, batch_size=1, shuffle=False).names == ()
    assert "rate_too_low" in cr.diagnose(NET, NET.init(0), X, Y, cr.SGD(1e-9), epochs=5).names


def test_what_does_not_fit_is_refused():
    with pytest.raises(TypeError, match="history must be what fit returned"):
        cr.diagnose(NET, NET.init(0), X, Y, history=[0.5])
    with pytest.raises(ValueError, match="one row for each of the 60 rows"):
        cr.diagnose(NET, NET.init(0), X, Y[:-1])
    with pytest.raises(ValueError, match="freeze"):
        cr.diagnose(NET, NET.init(0), X, Y, freeze=["7.W"])
    first, last = NET.init(0)
    with pytest.raises(ValueError, match="finite"):
        cr.diagnose(NET, (first._replace(W=first.W * np.nan), last), X, Y)


def test_of_many_examples_parts_are_looked_at_and_rows_are_numbered_as_given():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(6000, 2))
    y = np.roll(x[:, 0], 3)
    assert cr.diagnose(NET, NET.init(0), x, y).names == ("shifted_labels",)
    far = np.where(np.arange(6000) % 500 == 7, 1e30, x[:, 0])
    (found,) = cr.diagnose(NET, NET.init(0), x, far).findings
    assert found.name == "overflow"
    assert int(found.evidence.rpartition(" ")[2]) % 500 == 7


def test_rows_set_aside_are_not_looked_at():
    y = X[:, 0].copy()
    y[:20] = 1e30
    aside = cr.HeldOut(np.arange(20))
    assert "overflow" in cr.diagnose(NET, NET.init(0), X, y).names
    assert cr.diagnose(NET, NET.init(0), X, y, validation=aside).names == ()


def test_sparse_rows_are_as_dense_ones():
    sparse = csr_array(np.where(X > 1, X, 0))
    params = NET.init(0)
    assert cr.diagnose(NET, params, sparse, Y) == cr.diagnose(NET, params, sparse.toarray(), Y)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"optimizer": cr.SGD(0.05, 0.995)}, "momentum_too_high"),
        ({"optimizer": cr.SGD(cr.WarmUp(10_000, 0.05))}, "warm_up_too_long"),
        ({"optimizer": cr.SGD(cr.Exponential(0.05, 0.3))}, "schedule_ends_early"),
        ({"clip_norm": 1e-4}, "clipped_too_tight"),
        ({"optimizer": cr.Adam(0.01, epsilon=5.0)}, "epsilon_too_large"),
        ({"optimizer": cr.Adam(2.0)}, "rate_too_high"),
        ({"freeze": ["0.*"]}, "frozen_layers"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_a_training_is_judged_before_it_is_made(change, name):
    options = {"optimizer": cr.SGD(0.05), "epochs": 20, **change}
    assert name in cr.diagnose(NET, NET.init(0), X, Y, **options).names[:2]
    assert cr.diagnose(NET, NET.init(0), X, Y, cr.SGD(0.05), epochs=20).names == ()


def test_diagnosing_changes_nothing_that_was_given():
    params = NET.init(0)
    trained, history = cr.fit(NET, params, X, Y, cr.SGD(0.05), epochs=3)
    losses = list(history.loss)
    cr.diagnose(NET, trained, X, Y, cr.SGD(0.05), initial=params, history=history, epochs=3)
    assert history.loss == losses


@pytest.mark.parametrize("kind", cr.layers.LAYERS.values(), ids=lambda kind: kind.kind)
def test_every_kind_of_layer_is_diagnosed(kind):
    layer = kind.example(2)
    net = cr.Network(2, [layer] if layer.members > 1 else [layer, cr.Dense(1)], "squared_error")
    y = np.repeat(Y[:, None], net.outputs, axis=1)
    found = cr.diagnose(net, net.init(0), X, y, cr.SGD(0.01), epochs=2)
    assert len(found.layers) == len(net.layers)
