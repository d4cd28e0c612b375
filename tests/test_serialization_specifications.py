"""Networks, optimizers and schedules as data: there and back, and what is refused."""

import copy
import dataclasses
import json
import re

import pytest
from hypothesis import given

import chainrule as cr
from chainrule.activations import ACTIVATIONS, leaky_relu
from chainrule.layers.layer import Layer
from chainrule.losses import LOSSES, huber
from chainrule.optimizers import OPTIMIZERS, Optimizer
from chainrule.schedules import SCHEDULES, Schedule
from chainrule.serialization import (
    network_from_data,
    network_to_data,
    optimizer_from_data,
    optimizer_to_data,
)
from chainrule.serialization.specifications import LAYERS
from strategies import problems

NET = cr.Network(2, [cr.Dense(3, "tanh"), cr.Dropout(0.25), cr.Dense(1)], "huber(0.5)", 0.5, 0.25)
DATA = {
    "inputs": 2,
    "layers": [
        {"kind": "dense", "units": 3, "activation": "tanh", "initialiser": None},
        {"kind": "dropout", "rate": 0.25},
        {"kind": "dense", "units": 1, "activation": "identity", "initialiser": None},
    ],
    "loss": "huber(0.5)",
    "l1": 0.5,
    "l2": 0.25,
}
SINE = cr.Activation("sine", f=lambda z, xp: xp.sin(z), df=lambda z, a, xp: xp.cos(z))
HUBER = dataclasses.replace(huber(), check=False)  # of the table's name, but not its row


def through_json(data):
    return json.loads(json.dumps(data, allow_nan=False))


def test_a_network_as_data():
    assert network_to_data(NET) == DATA
    assert network_from_data(DATA) == NET


@given(problems())
def test_any_network_comes_back(problem):
    assert network_from_data(through_json(network_to_data(problem.net))) == problem.net


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_comes_back(name):
    for row in (name, str(ACTIVATIONS[name]), ACTIVATIONS[name]):
        net = cr.Network(1, [cr.Dense(1, row, "he_normal")], loss="huber")
        (layer,) = network_from_data(through_json(network_to_data(net))).layers
        assert cr.activations.activation(layer.activation) is ACTIVATIONS[name]
        assert layer == cr.Dense(1, str(row), "he_normal")


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_comes_back(name):
    for row in (name, str(LOSSES[name]), LOSSES[name]):
        net = cr.Network(1, [cr.Dense(1)], loss=row)
        found = network_from_data(through_json(network_to_data(net))).loss
        assert cr.losses.loss(found) is LOSSES[name]


def test_a_row_with_parameters_goes_by_its_full_name():
    net = cr.Network(1, [cr.Dense(1, leaky_relu(0.1))], loss=huber(1e-5))
    data = network_to_data(net)
    assert (data["layers"][0]["activation"], data["loss"]) == ("leaky_relu(0.1)", "huber(1e-05)")
    found = network_from_data(through_json(data))
    assert cr.activations.activation(found.layers[0].activation) is leaky_relu(0.1)
    assert cr.losses.loss(found.loss) is huber(1e-5)


def kinds_of(base):
    """Every kind that the module or package of something has; the estimators have more."""
    kinds, found = [base], []
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        if kind.__module__.startswith(base.__module__.removesuffix(".layer")) and kind is not base:
            found.append(kind)
    return found


@pytest.mark.parametrize(
    ("base", "table"), [(Layer, LAYERS), (Optimizer, OPTIMIZERS), (Schedule, SCHEDULES)]
)
def test_every_kind_is_in_the_table(base, table):
    named = {kind for kind in kinds_of(base) if getattr(kind, "kind", "of an optimizer")}
    assert named == set(table.values())


RATES = {
    "constant": cr.Constant(0.1),
    "step": cr.StepDecay(0.1, every=3),
    "exponential": cr.Exponential(0.1, factor=0.99),
    "inverse_scaling": cr.InverseScaling(1 / 3),
    "cosine": cr.Cosine(0.1, steps=10**12, final=1e-300),
    "coslog4": cr.CosLog4(0.1, steps=10**12),
    "warm_up": cr.WarmUp(3, then=cr.WarmUp(2, then=cr.OneCycle(0.1, steps=9))),
    "resumed": cr.Resumed(7, then=cr.CosLog4(0.1, steps=9)),
    "one_cycle": cr.OneCycle(0.1, steps=9),
}


@pytest.mark.parametrize("rate", [0.1, 1 / 3, *RATES.values()], ids=str)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_comes_back_with_every_rate(name, rate):
    optimizer = OPTIMIZERS[name](rate)
    data = through_json(optimizer_to_data(optimizer))
    assert data["kind"] == name
    assert optimizer_from_data(data) == optimizer


def test_every_schedule_was_tried():
    assert {name: type(rate) for name, rate in RATES.items()} == SCHEDULES


def test_later_fields_come_back_and_may_be_missing():
    """A mean and no dampening are left out: earlier versions read the rest, and write it so."""
    net = cr.Network(1, [cr.Dense(1)], "huber", reduction="sum")
    assert network_from_data(network_to_data(net)) == net
    assert network_to_data(net)["reduction"] == "sum"
    mean = network_to_data(dense())
    assert "reduction" not in mean
    assert network_from_data(mean).reduction == "mean"
    averaging = cr.SGD(0.1, momentum=0.5, dampening=0.25)
    assert optimizer_from_data(optimizer_to_data(averaging)) == averaging
    assert "dampening" not in optimizer_to_data(cr.SGD(0.1))
    with pytest.raises(ValueError, match="network: unknown reduction 'total'"):
        network_from_data({**mean, "reduction": "total"})


def test_settings_come_back():
    optimizer = cr.SGD(0.1, momentum=0.5, nesterov=True)
    assert optimizer_from_data(optimizer_to_data(optimizer)) == optimizer


# What is of one's own


class Mine(cr.SGD):
    pass


class MyRate(cr.Constant):
    pass


class MyNorm(cr.LayerNorm):
    pass


class MyDense(cr.Dense):
    pass


def dense(**given):
    return cr.Network(1, [cr.Dense(1, **given)], loss="huber")


OWN = [
    (network_to_data, dense(activation=SINE), "layer 0, Dense(1, 'sine'), is of your own making"),
    (
        network_to_data,
        cr.Network(1, [cr.Dense(1)], HUBER),
        "the loss 'huber(1)', is of your own mak",
    ),
    (
        network_to_data,
        cr.Network(1, [MyNorm()], "huber"),
        "layer 0, MyNorm(epsilon=1e-05), is of your own",
    ),
    (
        network_to_data,
        cr.Network(1, [MyDense(1)], "huber"),
        "layer 0, Dense(1, 'identity'), is of y",
    ),
    (
        optimizer_to_data,
        Mine(0.1),
        "Mine(learning_rate=0.1, momentum=0.0, nesterov=False), is of yo",
    ),
    (optimizer_to_data, cr.SGD(MyRate(0.1)), "MyRate(rate=0.1), is of your own making"),
]


@pytest.mark.parametrize(("function", "given", "message"), OWN)
def test_what_is_of_ones_own_is_refused(function, given, message):
    with pytest.raises(ValueError, match=r"numpy\.savez") as caught:
        function(given)
    assert message in str(caught.value)


def test_a_name_too_long_to_be_read_is_not_written():
    with pytest.raises(ValueError, match="activation must have at most 100 characters"):
        network_to_data(dense(activation="tanh" + " " * 100))


# What is refused


def put(data, path, value):
    """A copy of nested data with another value in one place, or without it."""
    data = copy.deepcopy(data)
    *outer, last = path
    inner = data
    for key in outer:
        inner = inner[key]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return data


REFUSED = [
    # place, value, message
    (
        ["inputs"],
        ...,
        "network must have the keys inputs, layers, loss, l1, l2, reduction: the key 'inputs' is",
    ),
    (
        ["seed"],
        3,
        "network must have the keys inputs, layers, loss, l1, l2, reduction: the key 'seed' is",
    ),
    (["inputs"], 0, "network: Network: inputs must be a whole number >= 1, got 0"),
    (["inputs"], 2.0, "network: Network: inputs must be a whole number >= 1, got 2.0"),
    (["inputs"], True, "network: Network: inputs must be a whole number >= 1, got True"),
    (["inputs"], 2**62, "network: Network: layer 0, Dense(3, 'tanh'): "),
    (["inputs"], 10**30, "network: Network: layer 0, Dense(3, 'tanh'): "),
    (["layers"], {}, "network: layers must be a list, got {}"),
    (["layers"], [], "network: Network: layers must hold at least one layer, got none"),
    (["layers", 0], "tanh", "unknown kind of layer 0 'None'"),
    (["layers", 0, "kind"], "dens", "unknown kind of layer 0 'dens'; did you mean 'dense'"),
    (["layers", 0, "kind"], ["dense"], "unknown kind of layer 0 \"['dense']\"; did you mean"),
    (
        ["layers", 0, "units"],
        ...,
        "layer 0: dense must have the keys kind, units, activation, initi",
    ),
    (["layers", 0, "units"], "3", "layer 0: Dense: units must be a whole number >= 1, got '3'"),
    (["layers", 0, "units"], -3, "layer 0: Dense: units must be a whole number >= 1, got -3"),
    (["layers", 0, "bias"], True, "layer 0: dense must have the keys kind, units, activation"),
    (
        ["layers", 0, "activation"],
        "tang",
        "layer 0: unknown activation 'tang'; did you mean 'tanh'",
    ),
    (["layers", 0, "activation"], None, "layer 0: an activation must be a name such as 'relu'"),
    (["layers", 0, "activation"], "elu(1e999)", "layer 0: activation 'elu(1e999)'"),
    (["layers", 0, "activation"], "elu(1,2)", "layer 0: activation 'elu(1,2)'"),
    (
        ["layers", 0, "activation"],
        "a" * 101,
        "layer 0: dense: activation must have at most 100 cha",
    ),
    (["layers", 0, "activation"], {"kind": "tanh"}, "unknown kind of activation of layer 0"),
    (["layers", 0, "initialiser"], "xavier", "layer 0: unknown initialiser 'xavier'"),
    (["layers", 0, "initialiser"], 3, "layer 0: "),
    (
        ["layers", 1, "rate"],
        1.0,
        "layer 1: Dropout: rate must be a finite number >= 0 and < 1, got",
    ),
    (["layers", 1, "rate"], None, "layer 1: Dropout: rate must be a finite number"),
    (["loss"], "hubber", "network: unknown loss 'hubber'; did you mean 'huber'"),
    (["loss"], 3, "network: a loss must be a name such as 'cross_entropy'"),
    (["loss"], "quantile(2)", "network: loss 'quantile(2)'"),
    (["l1"], -1, "network: Network: l1 must be a finite number >= 0, got -1"),
    (["l2"], "0", "network: Network: l2 must be a finite number >= 0, got '0'"),
]


@pytest.mark.parametrize(("path", "value", "message"), REFUSED)
def test_data_of_no_network_is_refused(path, value, message):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        network_from_data(put(DATA, path, value))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("data", [None, 3, "network", [DATA]])
def test_what_is_no_data_is_refused(data):
    with pytest.raises(
        ValueError, match="network must have the keys inputs, layers, loss, l1, l2, reduction; got"
    ):
        network_from_data(data)
    with pytest.raises(ValueError, match="unknown kind of optimizer"):
        optimizer_from_data(data)


OPTIMIZER = optimizer_to_data(cr.SGD(cr.WarmUp(3, then=0.5)))
REFUSED_OPTIMIZERS = [
    (["kind"], "SGD", "unknown kind of optimizer"),
    (
        ["momentum"],
        ...,
        "optimizer: sgd must have the keys kind, learning_rate, momentum, nesterov",
    ),
    (["momentum"], 1, "optimizer: SGD: momentum must be a finite number >= 0 and < 1, got 1"),
    (["nesterov"], 1, "optimizer: SGD: nesterov must be True or False, got 1"),
    (["learning_rate"], "0.1", "optimizer: SGD: learning_rate must be a finite number >= 0"),
    (["learning_rate", "kind"], "sgd", "unknown kind of learning_rate of optimizer"),
    (
        ["learning_rate", "steps"],
        0,
        "learning_rate of optimizer: WarmUp: steps must be a whole num",
    ),
    (["learning_rate", "then"], {}, "unknown kind of then of learning_rate of optimizer 'None'"),
]


@pytest.mark.parametrize(("path", "value", "message"), REFUSED_OPTIMIZERS)
def test_data_of_no_optimizer_is_refused(path, value, message):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        optimizer_from_data(put(OPTIMIZER, path, value))
    assert "\n" not in str(caught.value)
