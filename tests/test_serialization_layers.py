"""Every kind of layer in files: to the bit, gone on with as from memory, refused where wrong."""

import copy
import json
import random
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.layers import LAYERS
from chainrule.optimizers import OPTIMIZERS
from chainrule.serialization import (
    ModelFileError,
    network_from_data,
    network_to_data,
    read_file,
    write_file,
)
from chainrule.serialization.specifications import DEEPEST, MOST_NUMBERS, check_layers
from chainrule.trees import named_leaves, tree_map
from runs import bits
from strategies import problems_of_any_kind
from test_serialization_models import course, through
from test_serialization_specifications import SINE, put, through_json

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(14, 3)), RNG.normal(size=(14, 2))
OPTIONS = {"batch_size": 5}

NETS = {
    **{f"a {kind}": [*LAYERS[kind].example(3).then(cr.Dense(2))] for kind in LAYERS},
    "scale": [cr.Scale(), cr.Dense(2)],
    "activations": [cr.Dense(4), cr.Activate("elu(0.5)"), cr.Dense(2), cr.Activate("softmax")],
    "norms": [cr.LayerNorm(1e-3), cr.Dense(4), cr.BatchNorm(0.25, 1e-4), cr.Dense(2)],
    "rms norm": [cr.Dense(4), cr.RMSNorm(1e-3), cr.Dense(2)],
    "residual": [
        cr.Dense(4),
        cr.Residual(cr.BatchNorm(), cr.Dropout(0.25), cr.Dense(3, "silu"), cr.Dense(4)),
        cr.Dense(2),
    ],
    "residual in residual": [
        cr.Residual(cr.Residual(cr.Dense(3, "tanh")), cr.Dense(5, "relu"), cr.Dense(3)),
        cr.Dense(2),
    ],
    "piecewise": [cr.PiecewiseLinear([[-1.0, 0.1, 2.0], [], [0.0, 1e-3]], 3), cr.Dense(2)],
    "embedding": [cr.Embedding([3, 0, 120], 3), cr.Dense(2)],
    "periodic": [cr.Periodic(2, 4, 0.5, [0, 2]), cr.Dense(2)],
    "periodic of all": [cr.Periodic(), cr.Dense(2)],
    "members": [cr.Scale(), cr.Members(3, cr.BatchNorm(), cr.Dense(4, "relu"), cr.Dense(2))],
    "full members": [cr.Members(3, cr.Dense(4, "relu"), cr.Dense(2), full=True)],
}


def net_of(name):
    return cr.Network(3, NETS[name], "half_squared_error")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("layers") / "some.model"


# There and back


@pytest.mark.parametrize("kind", LAYERS)
def test_the_example_of_a_kind_comes_back(kind):
    net = cr.Network(3, [LAYERS[kind].example(3)], "huber", check=False)
    data = through_json(network_to_data(net))
    assert data["layers"][0]["kind"] == kind
    assert network_from_data(data) == net


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NETS)
def test_networks_of_all_kinds_come_back_to_the_bit(path, name, dtype):
    net = net_of(name)
    params, history = cr.fit(net, net.init(1, dtype), X, Y, cr.Adam(0.01), epochs=2, **OPTIONS)
    same, found, told = through(path, net, params, history)
    assert same == net
    assert repr(same) == repr(net)
    assert bits(found) == bits(params)
    assert course(told) == course(history)
    assert cr.predict(same, found, X).tobytes() == cr.predict(net, params, X).tobytes()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", ["norms", "residual", "members"])
def test_a_run_through_files_is_the_run_at_once(path, name, optimizer):
    net, rule = net_of(name), OPTIMIZERS[optimizer](0.01)
    options = {"validation": (X, Y), "early_stopping": cr.EarlyStopping(9), **OPTIONS}
    params, history = net.init(1), None
    for epochs in (2, 3):
        params, history = cr.fit(net, params, X, Y, rule, epochs=epochs, history=history, **options)
        _, params, history = through(path, net, params, history)
    at_once, whole = cr.fit(net, net.init(1), X, Y, rule, epochs=5, **options)
    assert bits(params) == bits(at_once)
    assert course(history) == course(whole)


@pytest.mark.parametrize("name", NETS)
def test_a_checkpoint_goes_on_to_the_same_bits(tmp_path, name):
    net = net_of(name)
    checkpoint = cr.Checkpoint(tmp_path, every=0)
    for epochs in (2, 4):
        params, history = checkpoint.fit(
            net, net.init(1), X, Y, cr.Adam(0.01), epochs=epochs, **OPTIONS
        )
    at_once, whole = cr.fit(net, net.init(1), X, Y, cr.Adam(0.01), epochs=4, **OPTIONS)
    assert bits(params) == bits(at_once)
    assert course(history) == course(whole)


# What cannot be data


def test_what_is_of_ones_own_within_a_layer_is_refused():
    class Mine(cr.Scale):
        pass

    for inner in (cr.Dense(3, SINE), Mine()):
        net = cr.Network(3, [cr.Residual(inner)], "huber")
        with pytest.raises(ValueError, match=r"is of your own making.*numpy\.savez") as caught:
            network_to_data(net)
        assert repr(inner) in str(caught.value)


def nested(depth):
    layer = cr.Dense(3)
    for _ in range(depth):
        layer = cr.Residual(layer)
    return layer


def nested_data(depth):
    data = {"kind": "scale"}
    for _ in range(depth):
        data = {"kind": "residual", "layers": [data]}
    return {"inputs": 3, "layers": [data], "loss": "huber", "l1": 0.0, "l2": 0.0}


def test_layers_within_layers_may_stand_so_deep_and_no_deeper(path):
    net = cr.Network(3, [nested(DEEPEST - 1)], "huber")
    assert through(path, net, net.init())[0] == net
    message = f"layers must stand at most {DEEPEST} one within the other"
    with pytest.raises(ValueError, match=message):
        network_to_data(cr.Network(3, [nested(DEEPEST)], "huber"))
    for depth in (DEEPEST, 5_000):
        with pytest.raises(ValueError, match=message):
            network_from_data(nested_data(depth))


def test_layers_within_layers_are_counted():
    layers = [cr.Residual(*[cr.Scale()] * 499)] * 2
    check_layers(layers)
    for many in ([*layers, cr.Scale()], [cr.Residual(*[cr.Scale()] * 1000)]):
        with pytest.raises(ValueError, match="network: layers must be at most 1,000, got 1,001"):
            network_to_data(cr.Network(3, many, "huber"))


def test_too_many_edges_are_refused_on_both_sides():
    edges = np.linspace(0, 1, MOST_NUMBERS + 1).tolist()
    message = "edges must hold at most 100,000 values, got 100,001"
    net = cr.Network(1, [cr.PiecewiseLinear([edges])], "huber")
    with pytest.raises(ValueError, match=message) as caught:
        network_to_data(net)
    assert len(str(caught.value)) < 300
    data = network_to_data(cr.Network(1, [cr.PiecewiseLinear([edges[:-1]])], "huber"))
    with pytest.raises(ValueError, match=message):
        network_from_data(put(data, ["layers", 0, "edges", 0], edges))


# What is refused

DATA = {name: through_json(network_to_data(net_of(name))) for name in NETS}
NAN, INF = float("nan"), float("inf")

REFUSED = [
    # network, place, value, what is said
    ("scale", [0, "kind"], "scales", "unknown kind of layer 0 'scales'; did you mean 'scale'"),
    (
        "scale",
        [0, "factor"],
        1.0,
        "layer 0: scale must have the keys kind: the key 'factor'",
    ),
    ("norms", [0, "epsilon"], 0.0, "layer 0: LayerNorm: epsilon must be a finite number > 0"),
    ("norms", [0, "epsilon"], [1e-5], "layer 0: LayerNorm: epsilon must be a finite number"),
    ("norms", [0, "epsilon"], NAN, "layer 0: LayerNorm: epsilon must be a finite number"),
    ("norms", [0, "epsilon"], True, "layer 0: LayerNorm: epsilon must be a finite number"),
    ("norms", [2, "momentum"], 2, "layer 2: BatchNorm: momentum must be a finite number > 0 and"),
    ("norms", [2, "momentum"], ..., "layer 2: batch_norm must have the keys kind, momentum, ep"),
    ("activations", [1, "activation"], "tang", "layer 1: unknown activation 'tang'"),
    ("activations", [1, "activation"], ["relu"], "layer 1: activation must hold layers or numbers"),
    ("residual", [1, "layers"], [], "layer 1: Residual: layers must hold at least one layer"),
    ("residual", [1, "layers"], {}, "unknown kind of layers of layer 1 'None'"),
    ("residual", [1, "layers"], None, "layer 1: "),
    ("residual", [1, "layers"], "relu", "layer 1: "),
    ("residual", [1, "layers", 0], 3, "layer 1: Residual: layer 0 must be a layer such as"),
    ("residual", [1, "layers", 0], "bn", "layer 1: layers must hold layers or numbers, got 'bn'"),
    ("residual", [1, "layers", 2, "units"], "3", "layer 2 of layer 1: Dense: units must be a"),
    ("residual", [1, "layers", 2, "kind"], "dens", "unknown kind of layer 2 of layer 1 'dens'"),
    ("residual", [1, "layers", 3, "units"], 5, "must lead back to 4, got 5"),
    ("piecewise", [0, "edges"], 3, "layer 0: PiecewiseLinear: "),
    ("piecewise", [0, "edges"], None, "layer 0: PiecewiseLinear: "),
    ("piecewise", [0, "edges"], [], "PiecewiseLinear"),
    ("piecewise", [0, "edges"], [[], [], []], "PiecewiseLinear"),
    ("piecewise", [0, "edges"], [0.0, 1.0], "layer 0: PiecewiseLinear: "),
    ("piecewise", [0, "edges", 0], [0.0], "layer 0: PiecewiseLinear: "),
    ("piecewise", [0, "edges", 0], [1.0, 0.0], "layer 0: PiecewiseLinear: "),
    ("piecewise", [0, "edges", 0], [1.0, 1.0], "layer 0: PiecewiseLinear: "),
    ("piecewise", [0, "edges", 0], [0.0, NAN], "layer 0: PiecewiseLinear: "),
    ("piecewise", [0, "edges", 0], [0.0, INF], "layer 0: PiecewiseLinear: "),
    ("piecewise", [0, "edges", 0], [False, True], "layer 0: PiecewiseLinear: "),
    ("piecewise", [0, "edges", 0], ["0", "1"], "layer 0: edges must hold layers or numbers, got"),
    ("piecewise", [0, "edges", 0], [[0.0], [1.0]], "layer 0: edges must hold layers or numbers"),
    ("piecewise", [0, "edges", 0], {"kind": "scale"}, "layer 0: PiecewiseLinear: "),
    ("piecewise", [0, "edges", 0], "a" * 10**6, "layer 0: edges must hold layers or numbers, got"),
    ("piecewise", [0, "size"], 0, "layer 0: PiecewiseLinear: size must be a whole number >= 1"),
    ("piecewise", [0, "size"], 2**62, "layer 0, PiecewiseLinear("),
    ("piecewise", [0, "size"], 10**18, "layer 0, PiecewiseLinear("),
    ("embedding", [0, "levels"], 3, "layer 0: Embedding: levels must hold, for each input"),
    ("embedding", [0, "levels"], [], "layer 0: Embedding: levels must hold, for each input"),
    ("embedding", [0, "levels"], [0, 0, 0], "at least one must have some, got none"),
    ("embedding", [0, "levels"], [3, 0], "has levels for 2 inputs, and gets 3"),
    ("embedding", [0, "levels", 0], -1, "layer 0: Embedding: levels of input 0 must be a whole"),
    ("embedding", [0, "levels", 0], 2.5, "layer 0: Embedding: levels of input 0 must be a whole"),
    ("embedding", [0, "levels", 0], None, "layer 0: levels must hold layers or numbers, got None"),
    ("embedding", [0, "levels", 0], 2**25, "levels of input 0 must be a whole number >= 0 and <="),
    ("embedding", [0, "size"], 0, "layer 0: Embedding: size must be a whole number >= 1"),
    ("embedding", [0, "size"], 10**18, "layer 0, Embedding("),
    ("periodic", [0, "features"], [3], "Periodic"),
    ("periodic", [0, "features"], [-1], "Periodic"),
    ("periodic", [0, "features"], [0, 0], "Periodic"),
    ("periodic", [0, "features"], [0.5], "Periodic"),
    ("periodic", [0, "features"], 2, "Periodic"),
    ("periodic", [0, "frequencies"], 2**62, "layer 0, Periodic("),
    ("periodic", [0, "values"], 0, "layer 0: Periodic: values must be a whole number >= 1"),
    ("periodic", [0, "sigma"], -1.0, "layer 0: Periodic: sigma must be a finite number"),
    ("members", [1, "k"], 0, "layer 1: Members: k must be a whole number >= 1"),
    ("members", [1, "k"], 10**15, "layer 1: Members: k must be a whole number >= 1 and <"),
    ("members", [1, "k"], [3], "layer 1: Members: k must be a whole number"),
    ("members", [1, "layers"], [], "layer 1: Members: layers must hold at least one layer"),
    ("members", [1, "layers", 0], 1, "layer 1: Members: layer 0 must be a layer such as"),
]


@pytest.mark.parametrize(("name", "place", "value", "message"), REFUSED)
def test_layers_of_no_kind_are_refused(name, place, value, message):
    data = put(DATA[name], ["layers", *place], value)
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        network_from_data(data)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_members_within_layers_are_refused():
    members = DATA["members"]["layers"][1]
    for layers in ([{"kind": "residual", "layers": [members]}], [members, {"kind": "scale"}]):
        with pytest.raises(ValueError, match="must be the last layer"):
            network_from_data({**DATA["members"], "layers": layers})


@pytest.mark.parametrize("name", NETS)
def test_arrays_that_are_not_those_of_the_layers_are_refused(path, name):
    net = net_of(name)
    cr.save(path, net, net.init())
    arrays, about = read_file(path)
    about = {key: about[key] for key in ("kind", "network", "history")}
    leaf = list(arrays)[-1]
    without = {key: array for key, array in arrays.items() if key != leaf}
    wrong = {
        f"the array '{leaf}' is missing": without,
        "the array 'more' belongs to nothing in it": {**arrays, "more": np.zeros(1)},
        "must have shape": {**arrays, leaf: np.zeros((2, 2, 2, 2), arrays[leaf].dtype)},
    }
    for message, changed in wrong.items():
        write_file(path, changed, about)
        with pytest.raises(ModelFileError, match=message):
            cr.load(path)


# Random changes

HOSTILE = (None, True, 0, -1, 0.5, 1e308, 2**62, 10**18, "", "relu", "a" * 200, [], {}, [[]])
HOSTILE += ([0.0, 1.0], [[0.0, 1.0]] * 3, [None], [{"kind": "scale"}], {"kind": "scale"}, NAN)
HOSTILE += ({"kind": "constant", "rate": 0.1}, [[[0]]], list(range(50)), INF, -INF, "members")


def places(data, path=()):
    inner = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in inner:
        yield (*path, key)
        if isinstance(value, (dict, list)):
            yield from places(value, (*path, key))


def changed(data, chance):
    """Data with some values put elsewhere, taken away, doubled or made hostile."""
    data = copy.deepcopy(data)
    for _ in range(chance.randint(1, 3)):
        *outer, last = chance.choice(list(places(data)))
        inner = data
        for key in outer:
            inner = inner[key]
        what = chance.randrange(4)
        if what == 0:
            del inner[last]
        elif what == 1 and isinstance(inner, list):
            inner.insert(last, copy.deepcopy(inner[last]))
        else:
            inner[last] = copy.deepcopy(chance.choice(HOSTILE))
        if not data:
            break
    return data


@pytest.mark.parametrize("name", NETS)
def test_changed_data_is_a_network_or_a_line(name):
    chance = random.Random(name)
    said = []
    for _ in range(400):
        data = changed(DATA[name], chance)
        try:
            net = network_from_data(data)
        except ValueError as error:
            said.append(str(error))
            continue
        assert network_from_data(through_json(network_to_data(net))) == net
        assert len(list(named_leaves(net.form))) < 10_000
    assert len(said) > 200
    assert [line for line in said if "\n" in line or len(line) > 1000] == []


@given(problems_of_any_kind(), st.sampled_from(["float32", "float64"]))
def test_random_networks_of_all_kinds_come_back_to_the_bit(path, problem, dtype):
    params = tree_map(lambda leaf: leaf.astype(dtype), problem.params)
    net, found, _ = through(path, problem.net, params)
    assert (net, hash(net)) == (problem.net, hash(problem.net))
    assert bits(found) == bits(params)
    assert json.dumps(network_to_data(net)) == json.dumps(network_to_data(problem.net))
