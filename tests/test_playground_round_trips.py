"""Every row of the tables through the playground's files and back: the same there and in Python."""

import base64

import numpy as np
import pytest

import chainrule as cr
from chainrule.activations import ACTIVATIONS
from chainrule.engine.wasm.lowering_patterns import lowering_patterns
from chainrule.explanation.network_file import read_network_file
from chainrule.layers import LAYERS
from chainrule.losses import LOSSES
from chainrule.optimizers import OPTIMIZERS
from chainrule.playground import start_state
from chainrule.trees import leaves, named_leaves, tree_map
from test_playground_files import answers, examples, told
from test_playground_network import schedules
from wasm_cases import NODE

pytestmark = pytest.mark.skipif(NODE is None, reason="there is no Node")

NUMBERED = {
    "activations": ["leaky_relu(0.3)", "elu(0.5)", "sigmoid(4.0)"],
    "losses": [
        "huber(0.5)",
        "quantile(0.2, 0.7)",
        "cross_entropy(0.1)",
        "heads(huber(0.25): 1, cross_entropy: 2)",
    ],
}


def of_loss(name):
    outputs = cr.losses.loss(name).group if "(" in name and "cross" not in name else 2
    outputs = 3 if name.startswith("heads") else outputs
    return cr.Network(3, [cr.Dense(4, "tanh"), cr.Dense(outputs)], name, l1=0.001, l2=0.25)


def networks():
    dense = [*ACTIVATIONS, *NUMBERED["activations"]]
    made = {
        f"activation {name}": cr.Network(3, [cr.Dense(4, name), cr.Dense(2)], "squared_error")
        for name in dense
    }
    made |= {f"loss {name}": of_loss(name) for name in [*LOSSES, *NUMBERED["losses"]]}
    for name in lowering_patterns():
        layer = LAYERS[name].example(4)
        inner = [layer] if name in ("periodic", "piecewise_linear", "embedding") else None
        layers = inner or [cr.Dense(4, "tanh"), layer]
        made[f"layer {name}"] = cr.Network(4 if inner else 3, [*layers, cr.Dense(1)], "huber")
    return made


NETS = networks()
TRAINED = {
    **{f"optimizer {name}": kind(0.03) for name, kind in OPTIMIZERS.items()},
    "nesterov": cr.SGD(0.1, momentum=0.9, nesterov=True),
    "dampening": cr.SGD(0.1, momentum=0.9, dampening=0.5),
    "weight decay": cr.AdamW(0.1, beta1=0.8, weight_decay=0.25, epsilon=1e-5),
    **{f"schedule {k}": cr.Adam(each) for k, each in enumerate(schedules())},
}


def params_of(net):
    """Parameters of float32, of which those that are numbers of a scale stay so."""
    rng = np.random.default_rng(2)
    return tree_map(lambda leaf: rng.uniform(0.5, 1.5, leaf.shape).astype(np.float32), net.form)


def asked(net, optimizer=None):
    run = start_state._run(optimizer or cr.SGD(0.5, momentum=0.9), 1)
    net_told = told(net)
    for tensor, leaf in zip(net_told["tensors"], leaves(params_of(net)), strict=True):
        tensor["array"] = leaf.ravel().tolist()
    trained = {"optimizer": run["optimizer"], "numbers": run["numbers"], "frozen": [_last(net)]}
    trained["schedule"] = run.get("schedule")
    return {"net": net_told, "trained": trained, "examples": examples(net), "comment": "n"}


def _last(net):
    return [name for name, _ in named_leaves(net.form)][-1]


def shapes_of(net):
    return [[*leaf.shape] for leaf in leaves(net.form)]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Of each network what the page writes of what it has read, and that of itself."""
    path = tmp_path_factory.mktemp("files") / "own.model"
    every = {name: (net, None) for name, net in NETS.items()}
    simple = cr.Network(3, [cr.Dense(4, "tanh"), cr.Dense(2)], "squared_error")
    every |= {name: (simple, optimizer) for name, optimizer in TRAINED.items()}
    texts = answers([["writeToml", asked(net, own)] for net, own in every.values()])
    again, models = [], []
    for text, (net, _) in zip(texts, every.values(), strict=True):
        again.append(["tomlAgain", {"text": text, "shapes": shapes_of(net), "comment": "n"}])
        cr.save(path, net, params_of(net))
        bytes_of = base64.b64encode(path.read_bytes()).decode()
        models.append(["modelAgain", {"bytes": bytes_of, "shapes": shapes_of(net)}])
    made = answers([*again, *models])
    each = zip(every.values(), texts, made[: len(every)], made[len(every) :], strict=True)
    return {name: (*given, *rest) for name, (given, *rest) in zip(every, each, strict=True)}


def same(params, net):
    return all(map(np.array_equal, leaves(params), leaves(params_of(net))))


@pytest.mark.parametrize("name", [*NETS, *TRAINED])
def test_a_network_file_is_the_same_again_and_python_reads_it(files, name, tmp_path):
    net, optimizer, text, again, _ = files[name]
    assert again == text
    path = tmp_path / "network.toml"
    path.write_text(again, encoding="utf-8")
    file = read_network_file(path)
    assert (file.net, file.freeze) == (net, (_last(net),))
    assert file.optimizer == (optimizer or cr.SGD(0.5, momentum=0.9))
    assert same(file.params, net)
    state = start_state.of_network_file(file)["state"]
    assert state["net"]["loss"] == str(net.loss)
    assert [*state["run"]["frozen"]] == [_last(net)]


@pytest.mark.parametrize("name", NETS)
def test_a_model_is_the_same_again_and_python_loads_it(files, name, tmp_path):
    net, *_, made = files[name]
    assert isinstance(made, str), made
    path = tmp_path / "network.model"
    path.write_bytes(base64.b64decode(made))
    loaded, params, history = cr.load(path)
    assert (loaded, history) == (net, None)
    assert same(params, net)
