"""The gradient beside that of other libraries: the same, and where it is not, in which layer."""

import functools
import os
import re
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

import chainrule as cr
from chainrule import activations, losses
from chainrule.demo import checks
from chainrule.diagnosis.gradient_comparison import compare_gradients
from chainrule.interop import jax_gradient
from chainrule.interop.against import LIBRARIES, against
from chainrule.losses import LOSSES
from chainrule.trees import named_leaves, rebuild
from commands import run
from strategies import problem

KINDS = {
    "layer norm": [cr.Dense(4, "tanh"), cr.LayerNorm(), cr.Activate("silu")],
    "batch norm": [cr.Dense(4, "elu(0.5)"), cr.BatchNorm(), cr.Activate("leaky_relu(0.2)")],
    "rms norm": [cr.RMSNorm(1e-3), cr.Dense(4, "gelu_tanh"), cr.Dropout(0.5)],
    "residual": [cr.Residual(cr.Dense(5, "mish"), cr.Dropout(0.3), cr.Dense(3)), cr.Dense(4)],
    "softmax": [cr.Dense(4, "softmax"), cr.Dense(4, "hard_tanh"), cr.Dense(4, "softplus")],
}
LOSS_NAMES = [
    *LOSSES,
    "huber(0.3)",
    "quantile(0.1, 0.9)",
    "cross_entropy(0.1)",
    "heads(half_squared_error: 1, cross_entropy: 1)",
]


def has_jax():
    return "CHAINRULE_TESTS_OF_JAX" in os.environ


@pytest.fixture(params=[name for name in LIBRARIES if has_jax() == (name == "jax")])
def by(request):
    pytest.importorskip(request.param, reason=f"{request.param} is not installed")
    return request.param


@pytest.mark.skipif(has_jax(), reason="they run")
@pytest.mark.skipif(find_spec("jax") is None, reason="jax is not installed")
def test_jax_in_a_process_of_its_own():
    """JAX warns of each fork of a process that it is in, and other tests fork."""
    given = {name: v for name, v in os.environ.items() if not name.startswith("PYTEST_")}
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-n0", "-k", "jax", __file__, jax_gradient.__file__],
        env=given | {"CHAINRULE_TESTS_OF_JAX": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout
    passed = re.search(r"(\d+) passed", result.stdout)
    assert passed
    assert int(passed[1]) > 2 * len(LOSS_NAMES)


def compared(by, net):
    p = problem(net)
    return against(by, p.net, p.params, p.X, p.y, p.w)


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_layer(by, kind):
    found = compared(by, cr.Network(3, [*KINDS[kind], cr.Dense(2)], "cross_entropy"))
    assert found.passed, found
    assert found.errors
    assert max(found.errors.values()) < 1e-11


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("loss", LOSS_NAMES)
def test_losses_penalties_and_reductions(by, loss, reduction):
    layers = [cr.Dense(4, "tanh"), cr.Dense(2)]
    found = compared(by, cr.Network(3, layers, loss, 0.01, 0.1, reduction))
    assert found.passed, found
    assert losses.loss(loss).target


def words(text):
    return " ".join(text.split())


def test_a_wrong_gradient_is_found_in_its_first_layer(by, monkeypatch):
    """The layer whose derivative is wrong, and so those below; what is above is right."""
    right = activations.ACTIVATIONS["tanh"]
    wrong = cr.Activation("tanh", right.f, lambda z, a, xp: 1 - a, check=False)
    net = cr.Network(3, [cr.Dense(4), cr.Dense(4, "tanh"), cr.Dense(2)], "squared_error")
    p = problem(net)
    monkeypatch.setitem(activations.ACTIVATIONS, "tanh", wrong)
    core = functools.partial(cr.cost_and_gradient, engine="reference")
    monkeypatch.setattr("chainrule.interop.against.cost_and_gradient", core)
    found = against(by, net, p.params, p.X, p.y)
    assert not found.passed
    assert found.same_cost
    assert found.first == "layer 1, Dense(4, 'tanh')"
    assert found.errors["2.W"] < 1e-12
    assert min(found.errors["1.W"], found.errors["0.W"]) > 1e-3


NET = cr.Network(1, [cr.Dense(1), cr.BatchNorm(), cr.Dense(1)], "huber")
ONES = rebuild(NET.form, [np.ones(leaf.shape) for _, leaf in named_leaves(NET.form)])


@pytest.mark.parametrize(
    ("place", "value", "first"),
    [
        (None, 0.0, ""),
        ("2.b", 1.0 + 1e-6, "layer 2, Dense(1, 'identity')"),
        ("1.gamma", np.nan, "layer 1, BatchNorm(momentum=0.1, epsilon=1e-05)"),
        ("1.running_mean", 7.0, ""),
    ],
)
def test_the_first_layer_that_differs_is_named(place, value, first):
    changed = [
        np.full_like(leaf, value) if name == place else leaf for name, leaf in named_leaves(ONES)
    ]
    found = compare_gradients(NET, "torch", (1.0, 1.0), ONES, rebuild(NET.form, changed))
    assert found.first == first
    assert found.passed == (not first)
    assert not {"1.running_mean", "1.running_variance"} & set(found.errors)


def test_another_cost_is_a_difference_too():
    found = compare_gradients(NET, "torch", (1.0, 1.1), ONES, ONES)
    assert not found.passed
    assert not found.first


def test_the_command_shows_each_parameter(by):
    result = run("check", "--network", "3-4-2", "--loss", "cross_entropy", "--against", by)
    assert result.exit_code == 0, result.output
    text = words(result.output)
    assert "compared 4 parameters, 8 random examples" in text
    assert all(f"{name} " in text for name in ("0.W", "0.b", "1.W", "1.b"))
    assert f"The gradient is that of {by}." in text


def test_the_command_reads_a_file(by):
    result = run("check", "2-2-2", "--against", by)
    assert result.exit_code == 0, result.output
    assert "1 example of 2-2-2" in words(result.output)


def test_the_command_names_the_first_layer_that_differs(by, monkeypatch):
    net = checks.network((2, 3, 1), ["tanh"], "identity", "huber")
    found = compare_gradients(net, by, (1.0, 1.0), net.init(0), net.init(1))
    monkeypatch.setattr("chainrule.interop.against.against", lambda *_, **__: found)
    result = run("check", "--against", by)
    assert result.exit_code == 1
    assert (
        f"another than that of {by}, first, on the way back, in layer 1, Dense(1, 'identity')."
        in words(result.output)
    )


def test_the_command_refuses_what_the_library_has_not(by):
    result = run("check", "--activation", "bipolar_sigmoid", "--against", by)
    assert result.exit_code == 2
    assert "layer 0, Dense(8, 'bipolar_sigmoid'): " in result.stderr
    assert "has no " in result.stderr


def test_the_command_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    result = run("check", "--against", "torch")
    assert result.exit_code == 2
    assert "--against torch needs torch, which is not installed: pip install" in result.stderr


def test_all_and_against_exclude_each_other():
    result = run("check", "--all", "--against", "torch")
    assert result.exit_code == 2
    assert "leave out --against" in result.stderr
