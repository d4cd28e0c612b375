"""The gradient beside that of other libraries: the same, and where it is not, in which layer."""

import dataclasses
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
from chainrule.activations import ACTIVATIONS
from chainrule.demo import checks
from chainrule.diagnosis.gradient_comparison import LibraryGradient, compare_gradients
from chainrule.interop import against as rows
from chainrule.interop import jax_gradient
from chainrule.interop.against import LIBRARIES, against
from chainrule.layers import LAYERS
from chainrule.losses import LOSSES
from chainrule.network import describe
from chainrule.trees import named_leaves, rebuild, tree_map
from commands import run
from strategies import problem

NETWORKS = {
    "layer norm and silu": [cr.Dense(4, "tanh"), cr.LayerNorm(), cr.Activate("silu")],
    "batch norm": [cr.Dense(4, "elu(0.5)"), cr.BatchNorm(), cr.Activate("leaky_relu(0.2)")],
    "rms norm": [cr.RMSNorm(1e-3), cr.Dense(4, "gelu_tanh"), cr.Dropout(0.5)],
    "dropout within": [cr.Residual(cr.Dense(5, "mish"), cr.Dropout(0.3), cr.Dense(3))],
    "softmax": [cr.Dense(4, "softmax"), cr.Dense(4, "hard_tanh"), cr.Dense(4, "softplus")],
    "norm within": [cr.Residual(cr.Dense(3), cr.BatchNorm(), cr.Activate("sigmoid"))],
    "scale within": [cr.Residual(cr.Dense(3, "tanh"), cr.Scale())],
    "members": [cr.Members(2, cr.Dense(4), cr.BatchNorm(), cr.Dropout(0.5), cr.Dense(2))],
    "full members": [cr.Members(3, cr.Dense(4, "elu"), cr.Dense(5), cr.Dense(2), full=True)],
}
IN_JAX = {"batch norm", "norm within", "softmax"}
LOSS_NAMES = [
    *LOSSES,
    "huber(0.3)",
    "quantile(0.1, 0.9)",
    "cross_entropy(0.1)",
    "heads(half_squared_error: 1, cross_entropy: 1)",
]
FORMULAS = {"scale", "periodic", "piecewise_linear", "embedding", "members"}
"""The kinds that no library has anything like."""


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
    assert int(passed[1]) > len(LOSS_NAMES) + len(LAYERS)


def compared(by, net):
    p = problem(net)
    return against(by, p.net, p.params, p.X, p.y, p.w)


def check(by, net):
    """Both are the same, to what the precision of the library allows."""
    found = compared(by, net)
    assert found.passed, found
    assert found.errors
    assert max(found.errors.values()) < (1e-4 if by == "keras" else 1e-8)
    return found


@pytest.mark.parametrize("kind", NETWORKS)
def test_networks_of_several_kinds(by, kind):
    if by == "jax" and kind not in IN_JAX:
        pytest.skip("JAX takes long to compile them, and has none that others have not")
    last = NETWORKS[kind][-1]
    end = [] if isinstance(last, cr.Members) else [cr.Dense(2)]
    check(by, cr.Network(3, [*NETWORKS[kind], *end], "cross_entropy"))


@pytest.mark.parametrize("kind", LAYERS)
def test_every_kind_of_layer(by, kind):
    end = [] if kind == "members" else [cr.Dense(2)]
    net = cr.Network(3, [LAYERS[kind].example(3), *end], "half_squared_error", l2=0.1)
    found = check(by, net)
    assert found.formulas == ((describe(net, 0),) if kind in FORMULAS else ())


@pytest.mark.parametrize("first", [0, 1, 2])
def test_every_activation(by, first):
    layers = [cr.Dense(4, name) for name in [*ACTIVATIONS][first::3]]
    check(by, cr.Network(3, [*layers, cr.Dense(2)], "squared_error"))


@pytest.mark.parametrize(
    ("loss", "reduction"), [*((name, "mean") for name in LOSS_NAMES), ("huber", "sum")]
)
def test_losses_penalties_and_reductions(by, loss, reduction):
    layers = [cr.Dense(4, "tanh"), cr.Dense(2)]
    found = compared(by, cr.Network(3, layers, loss, 0.01, 0.1, reduction))
    assert found.passed, found
    assert losses.loss(loss).target


def test_a_loss_of_ones_own_is_not_taken_for_that_of_its_name(by):
    own = dataclasses.replace(
        losses.loss("squared_error"),
        value=lambda a, y, xp: 3 * (a - y) ** 2,
        grad=lambda a, y, xp: 6 * (a - y),
    )
    check(by, cr.Network(3, [cr.Dense(2)], own))


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
    assert found.first_output == ""
    assert found.errors["2.W"] < found.tolerance
    assert min(found.errors["1.W"], found.errors["0.W"]) > 1e-3


@pytest.mark.parametrize("place", ["0.W", "1.gamma", "2.b", "3.W"])
def test_a_weight_that_is_another_there_is_found_in_its_layer(by, place, monkeypatch):
    """What leaves the layer differs first on the way forward."""
    layers = [cr.Dense(4, "tanh"), cr.LayerNorm(), cr.Dense(4, "elu"), cr.Dense(2)]
    p = problem(cr.Network(3, layers, "squared_error"))
    library = LIBRARIES[by]

    def changed(net, params, *data):
        moved = [leaf + 0.01 * (name == place) for name, leaf in named_leaves(params)]
        return library.gradient(net, rebuild(params, moved), *data)

    monkeypatch.setitem(rows.LIBRARIES, by, library._replace(gradient=changed))
    found = against(by, p.net, p.params, p.X, p.y)
    assert not found.passed
    assert found.first_output == describe(p.net, int(place[0]))


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
    theirs = LibraryGradient(1.0, rebuild(NET.form, changed))
    found = compare_gradients(NET, "torch", LibraryGradient(1.0, ONES), theirs)
    assert found.first == first
    assert found.passed == (not first)
    assert not {"1.running_mean", "1.running_variance"} & set(found.errors)


@pytest.mark.parametrize(("k", "value"), [(0, 1.1), (1, np.nan), (2, 2.0)])
def test_the_first_output_that_differs_is_named(k, value):
    """Those behind it differ too, and are not."""
    ours = [np.ones((2, 1))] * 3
    theirs = [*ours[:k], *[np.full((2, 1), value)] * (3 - k)]
    pair = (LibraryGradient(1.0, ONES, outputs) for outputs in (ours, theirs))
    found = compare_gradients(NET, "torch", *pair)
    assert found.first_output == describe(NET, k)
    assert not found.passed


def test_another_cost_is_a_difference_too():
    pair = (LibraryGradient(cost, ONES) for cost in (1.0, 1.1))
    found = compare_gradients(NET, "torch", *pair)
    assert not found.passed
    assert not found.first


def test_no_tolerance_is_less_than_the_precision_allows():
    near = tree_map(lambda leaf: leaf * (1 + 1e-5), ONES)
    pair = LibraryGradient(1.0, ONES), LibraryGradient(1.0, near)
    single = float(np.finfo(np.float32).eps)
    found = compare_gradients(NET, "keras", *pair, tolerance=1e-12, precision=single)
    assert found.passed
    assert found.tolerance == pytest.approx(1e3 * single)
    assert not compare_gradients(NET, "torch", *pair).passed


def test_the_command_shows_each_parameter(by):
    result = run("check", "--network", "3-4-2", "--loss", "cross_entropy", "--against", by)
    assert result.exit_code == 0, result.output
    text = words(result.output)
    assert "compared 4 parameters, 8 random examples" in text
    assert all(f"{name} " in text for name in ("0.W", "0.b", "1.W", "1.b"))
    assert f"The gradient is that of {by}." in text
    assert ("tolerance 1e-04: Keras multiplies" in text) == (by == "keras")


def test_the_command_reads_a_file(by):
    result = run("check", "2-2-2", "--against", by)
    assert result.exit_code == 0, result.output
    assert "1 example of 2-2-2" in words(result.output)


def test_the_command_names_the_first_layer_that_differs(by, monkeypatch):
    net = checks.network((2, 3, 1), ["tanh"], "identity", "huber")
    pair = (LibraryGradient(1.0, net.init(seed), [np.full((2, 1), seed)] * 2) for seed in (0, 1))
    found = compare_gradients(net, by, *pair)
    monkeypatch.setattr("chainrule.interop.against.against", lambda *_, **__: found)
    result = run("check", "--against", by)
    assert result.exit_code == 1
    text = words(result.output)
    named = "first, on the way back, in layer 1, Dense(1, 'identity')."
    assert f"another than that of {by}, {named}" in text
    assert "Something else leaves a layer there, first layer 0, Dense(3, 'tanh')." in text


def test_the_command_says_what_is_by_formula(by):
    result = run("check", "--activation", "bipolar_sigmoid", "--against", by)
    assert result.exit_code == 0, result.output
    text = words(result.output)
    assert f"by formula layer 0, Dense(8, 'bipolar_sigmoid'): {by} has nothing like it" in text


@pytest.mark.parametrize(("library", "missing"), [("torch", "torch"), ("keras", "keras")])
def test_the_command_says_what_to_install(library, missing, monkeypatch):
    pytest.importorskip("torch", reason="torch is not installed")
    monkeypatch.setitem(sys.modules, missing, None)
    result = run("check", "--against", library)
    assert result.exit_code == 2
    assert (
        f"--against {library} needs {missing}, which is not installed: pip install" in result.stderr
    )


def test_keras_on_another_backend_is_refused(monkeypatch):
    keras = pytest.importorskip("keras", reason="keras is not installed")
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    result = run("check", "--against", "keras")
    assert result.exit_code == 2
    assert "needs Keras on PyTorch, got it on jax: set KERAS_BACKEND=torch" in result.stderr


def test_all_and_against_exclude_each_other():
    result = run("check", "--all", "--against", "torch")
    assert result.exit_code == 2
    assert "leave out --against" in result.stderr
