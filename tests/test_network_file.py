"""Network files: what is read, and what is refused with file, line and key."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.activations import ACTIVATIONS
from chainrule.demo import chain_network, worked_example
from chainrule.explain.network_file import EXAMPLES, KEYS, network_path, read_network_file
from chainrule.explain.network_training import SETTINGS
from chainrule.losses import LOSSES, loss
from chainrule.optimizers import OPTIMIZERS
from chainrule.trees import leaves
from strategies import last, problem
from test_worked_example import GOLDEN

BASE = """\
# A network.
layers = [2, 3, 1]
activation = ["tanh", "identity"]
loss = "squared_error"

weights = [
    [[0.1, -0.2], [0.3, 0.4], [0.5, 0.6]],
    [[0.7, 0.8, -0.9]],
]
biases = [[0.1, 0.2, 0.3], [0.4]]
inputs = [[0.5, -0.5], [1, 0]]
targets = [[0.1], [0.2]]
rate = 0.5
"""


def read(tmp_path, text):
    path = tmp_path / "network.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_network_file(path)


def changed(key, value):
    """The base with another value for a key that is on one line, or without it."""
    new = "" if value is None else f"{key} = {value}\n"
    text, count = re.subn(rf"(?m)^{key} = .*\n", lambda _: new, BASE)
    return text if count else BASE + new


def test_the_base_is_read(tmp_path):
    file = read(tmp_path, BASE)
    layers = [cr.Dense(3, "tanh"), cr.Dense(1)]
    assert file.net == cr.Network(2, layers, loss="squared_error")
    assert file.params[0].W.tolist() == [[0.1, -0.2], [0.3, 0.4], [0.5, 0.6]]
    assert file.params[0].b.tolist() == [0.1, 0.2, 0.3]
    assert file.params[1].W.tolist() == [[0.7, 0.8, -0.9]]
    assert file.X.tolist() == [[0.5, -0.5], [1, 0]]
    assert file.y.tolist() == [[0.1], [0.2]]
    assert file.optimizer == cr.SGD(0.5)
    assert (file.sample_weight, file.freeze, file.inputs, file.outputs) == (None, (), (), ())
    assert file.notes == ()


# What can be left out or said in another way

SHORT = """
layers = [2, 1]
w = [1, 2]
inputs = [3, 4]
targets = {targets}
{more}
"""


def short(tmp_path, more="", targets="5"):
    return read(tmp_path, SHORT.format(more=more, targets=targets))


def test_what_is_left_out(tmp_path):
    file = short(tmp_path)
    assert file.net == cr.Network(2, [cr.Dense(1, "sigmoid")], loss="half_squared_error")
    assert file.params[0].b.tolist() == [0]
    assert file.optimizer is None


LINKED = """
layers = {layers}
{activation}
loss = "{loss}"
seed = 1
inputs = [1]
targets = 1
"""


@pytest.mark.parametrize(
    ("layers", "activation", "loss", "kinds"),
    [
        ("[1, 2, 1]", "", "binary_cross_entropy", "sigmoid identity"),
        ("[1, 2, 2]", "", "cross_entropy", "sigmoid identity"),
        ("[1, 2, 2, 1]", "", "poisson", "sigmoid sigmoid identity"),
        ("[1, 1]", "", "binary_cross_entropy", "identity"),
        ("[1, 1]", "sigmoid", "binary_cross_entropy", "identity"),
        ("[1, 2, 1]", "tanh", "binary_cross_entropy", "tanh identity"),
        ("[1, 2, 1]", ["tanh", "sigmoid"], "binary_cross_entropy", "tanh identity"),
        ("[1, 2, 1]", ["tanh", "identity"], "binary_cross_entropy", "tanh identity"),
        ("[1, 2, 1]", ["tanh", "sigmoid(1)"], "binary_cross_entropy", "tanh identity"),
        ("[1, 2, 1]", ["tanh", "exp"], "poisson", "tanh identity"),
        ("[1, 2, 2]", ["relu", "softmax"], "cross_entropy(0.1)", "relu identity"),
        ("[1, 2, 1]", "", "hinge", "sigmoid sigmoid"),
        ("[1, 2, 1]", "tanh", "hinge", "tanh tanh"),
    ],
)
def test_the_last_layer_is_linear_where_the_loss_applies_its_link(
    tmp_path, layers, activation, loss, kinds
):
    given = f"activation = {toml(activation)}" if activation else ""
    file = read(tmp_path, LINKED.format(layers=layers, activation=given, loss=loss))
    assert [layer.activation for layer in file.net.layers] == kinds.split()
    decided = "linear" in "".join(file.notes)
    assert decided == (isinstance(activation, str) and layers != "[1, 1]" and loss != "hinge")


@pytest.mark.parametrize("layers", ["[1, 2, 1]", "[1, 1]"])
def test_the_probability_of_a_cross_entropy_is_shown(tmp_path, layers):
    file = read(tmp_path, LINKED.format(layers=layers, activation="", loss="binary_cross_entropy"))
    shown = {step.symbol: step for step in cr.explain(*file[:4], of="w1").steps}
    z, p = shown["net_o1"].value, shown["p_o1"].value
    assert p == pytest.approx(1 / (1 + math.exp(-z)), rel=1e-14)
    assert shown["E_o1"].value == pytest.approx(-math.log(p), rel=1e-14)
    assert shown["δ_o1"].value == pytest.approx(p - 1, rel=1e-14)


@pytest.mark.parametrize("targets", ["5", "[5]", "[[5]]"])
def test_one_example_as_a_person_writes_it(tmp_path, targets):
    file = short(tmp_path, targets=targets)
    assert (file.X.tolist(), file.y.tolist()) == ([[3, 4]], [[5]])


def test_numbers_in_the_order_of_their_names(tmp_path):
    text = changed("biases", None).partition("weights")[0]
    data = "inputs = [1, 2]\ntargets = [3]\nw = [1, 2, 3, 4, 5, 6, 7, 8, 9]\nb = [1, 2, 3, 4]\n"
    file = read(tmp_path, text + data)
    assert file.params[0].W.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert file.params[1].W.tolist() == [[7, 8, 9]]
    assert file.params[1].b.tolist() == [4]


SQUARE = """
layers = [2, 2, 1]
{weights_are}
weights = {weights}
inputs = [1, 2]
targets = 3
"""
BY_UNITS, BY_INPUTS = "[[[1, 2], [3, 4]], [[5, 6]]]", "[[[1, 3], [2, 4]], [[5], [6]]]"


@pytest.mark.parametrize(
    ("weights", "order", "noted"),
    [
        (BY_UNITS, "", "weights[0] is square, and is read with a row for each unit; say so by"),
        (BY_UNITS, "units_by_inputs", ""),
        (BY_INPUTS, "inputs_by_units", ""),
        ("[[[1, 2], [2, 1]], [[5, 6]]]", "", ""),  # the same both ways
    ],
)
def test_which_way_matrices_are_read(tmp_path, weights, order, noted):
    given = f'weights_are = "{order}"' if order else ""
    file = read(tmp_path, SQUARE.format(weights=weights, weights_are=given))
    assert file.params[1].W.tolist() == [[5, 6]]
    assert file.params[0].W.tolist()[0] == [1, 2]
    assert "".join(file.notes).startswith(noted)
    assert bool(file.notes) == bool(noted)


def test_matrices_written_by_inputs_are_turned(tmp_path):
    weights = "[[[1, 2, 3], [4, 5, 6]], [[7], [8], [9]]]"
    text = SQUARE.format(weights=weights, weights_are='weights_are = "inputs_by_units"')
    file = read(tmp_path, text.replace("[2, 2, 1]", "[2, 3, 1]"))
    assert file.params[0].W.tolist() == [[1, 4], [2, 5], [3, 6]]
    assert file.params[1].W.tolist() == [[7, 8, 9]]
    shown = {step.symbol: step for step in cr.explain(*file[:4], of="w1").steps}
    assert shown["net_h2"].value == 2 * 1 + 5 * 2
    assert file.notes == ()


def test_several_square_matrices_are_named(tmp_path):
    text = SQUARE.format(weights="[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]", weights_are="")
    text = text.replace("[2, 2, 1]", "[2, 2, 2]").replace("targets = 3", "targets = [3, 4]")
    (note,) = read(tmp_path, text).notes
    assert note.startswith("weights[0] and weights[1] are square, and are read with a row for each")


def test_weights_are_drawn_from_a_seed(tmp_path):
    file = read(tmp_path, SHORT.format(more="seed = 3", targets="5").replace("w = [1, 2]", ""))
    drawn = file.net.init(3, "float64")
    assert file.params[0].W.tolist() == drawn[0].W.tolist()


def test_labels(tmp_path):
    text = (
        'layers = [1, 3]\nactivation = "identity"\nloss = "cross_entropy"\nw = [1, 2, 3]\n'
        "inputs = [[1], [2]]\ntargets = [2, 0]"
    )
    assert read(tmp_path, text).y.tolist() == [2, 0]
    one = text.replace("[[1], [2]]", "[1]").replace("[2, 0]", "2")
    assert read(tmp_path, one).y.tolist() == [2]
    shares = one.replace("targets = 2", "targets = [0.5, 0.25, 0.25]")
    assert read(tmp_path, shares).y.tolist() == [[0.5, 0.25, 0.25]]


def test_penalties_dropout_weights_and_names(tmp_path):
    file = read(
        tmp_path,
        changed("rate", None)
        + "dropout = [0.25]\nl1 = 0.1\nl2 = 1\nsample_weight = [1, 2.5]\n"
        + 'freeze = ["*.b", "0.*"]\n[names]\ninputs = ["age", "größe"]\noutputs = ["yes"]\n',
    )
    layers = [cr.Dense(3, "tanh"), cr.Dropout(0.25), cr.Dense(1)]
    assert file.net == cr.Network(2, layers, loss="squared_error", l1=0.1, l2=1)
    assert file.sample_weight.tolist() == [1, 2.5]
    assert file.freeze == ("*.b", "0.*")
    assert (file.inputs, file.outputs) == (("age", "größe"), ("yes",))
    assert file.optimizer is None


OWN = {  # a value of its own for each setting
    "momentum": "0.25",
    "nesterov": "true",
    "dampening": "0.0",  # which goes without nesterov alone
    "rho": "0.5",
    "beta1": "0.75",
    "beta2": "0.5",
    "epsilon": "0.001",
    "weight_decay": "0.5",
    "shrink": "0.25",
    "grow": "2.0",
    "smallest": "0.01",
    "largest": "5.0",
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_optimizer_with_its_settings(tmp_path, name):
    more = "".join(f"{key} = {OWN[key]}\n" for key in SETTINGS[name])
    file = short(tmp_path, f'optimizer = "{name}"\nrate = 0.125\n{more}')
    values = {key: OWN[key] == "true" or float(OWN[key]) for key in SETTINGS[name]}
    assert file.optimizer == OPTIMIZERS[name](0.125, **values)
    assert short(tmp_path, f'optimizer = "{name}"').optimizer == OPTIMIZERS[name]()


def test_momentum_as_a_running_mean(tmp_path):
    file = short(tmp_path, 'optimizer = "sgd"\nrate = 0.125\nmomentum = 0.9\ndampening = 0.9')
    assert file.optimizer == cr.SGD(0.125, momentum=0.9, dampening=0.9)


def test_the_settings_are_no_other_keys():
    assert not set(KEYS) & {key for keys in SETTINGS.values() for key in keys}


@pytest.mark.parametrize("change", [str.encode, lambda t: b"\xef\xbb\xbf" + t.encode()])
def test_line_ends_and_the_mark_of_windows(tmp_path, change):
    file = read(tmp_path, change(BASE.replace("\n", "\r\n")))
    assert file.net.widths == (2, 3, 1)


# Any network, written down and read back


def toml(value):
    """A value as TOML has it."""
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return f'"{value}"' if isinstance(value, str) else repr(value)


@st.composite
def written(draw):
    """A network of the tables with its data, and its file."""
    sizes = draw(st.lists(st.integers(1, 4), min_size=2, max_size=4))
    kinds = [draw(st.sampled_from(sorted(ACTIVATIONS))) for _ in sizes[1:]]
    rates = [draw(st.sampled_from([0.0, 0.25])) for _ in sizes[2:]]
    of = draw(st.sampled_from(sorted(LOSSES)))
    kinds[-1] = last(kinds[-1], of)
    layers = []
    for size, kind, rate in zip(sizes[1:], kinds, [*rates, 0.0], strict=True):
        layers += [cr.Dense(size, kind), *([cr.Dropout(rate)] if rate else [])]
    l1, l2 = draw(st.sampled_from([0.0, 0.5])), draw(st.sampled_from([0.0, 0.25]))
    net = cr.Network(sizes[0], layers, of, l1, l2)
    made = problem(net, n=draw(st.integers(1, 3)), seed=draw(st.integers(0, 2**32)))
    dense = [part for part in made.params if part]
    flat = draw(st.booleans())
    numbers = {
        "w": np.concatenate([part.W.ravel() for part in dense]).tolist(),
        "b": np.concatenate([part.b for part in dense]).tolist(),
    }
    nested = {
        "weights": [part.W.tolist() for part in dense],
        "biases": [part.b.tolist() for part in dense],
    }
    keys = {
        "layers": sizes,
        "activation": kinds,
        "dropout": rates,
        "loss": net.loss,
        "l1": l1,
        "l2": l2,
        "inputs": made.X.tolist(),
        "targets": np.asarray(made.y).tolist(),
        "sample_weight": made.w.tolist(),
        **(numbers if flat else nested),
    }
    order = draw(st.permutations(sorted(keys)))
    return made, "".join(f"{key} = {toml(keys[key])}\n" for key in order)


@given(written())
def test_any_network_is_read_back(tmp_path_factory, drawn):
    made, text = drawn
    file = read(tmp_path_factory.mktemp("file"), text)
    assert file.net == made.net
    for found, expected in zip(leaves(file.params), leaves(made.params), strict=True):
        assert found.tolist() == expected.tolist()
    assert file.X.tolist() == made.X.tolist()
    assert file.sample_weight.tolist() == made.w.tolist()
    if loss(made.net.loss).target == "class":
        assert np.allclose(file.y, made.y)
    else:
        assert file.y.tolist() == made.y.tolist()


# The sum over the examples


def test_the_sum_in_place_of_the_mean(tmp_path):
    text = changed("loss", '"half_squared_error"')
    mean, total = (read(tmp_path, text + f'reduction = "{of}"\n') for of in ("mean", "sum"))
    assert (mean.net.reduction, total.net.reduction) == ("mean", "sum")
    of_mean, of_sum = (cr.explain(*file[:4], **file.options(), of="w7") for file in (mean, total))
    h = np.tanh(total.X @ total.params[0].W.T + total.params[0].b)
    d = h @ total.params[1].W.T + total.params[1].b - total.y
    each = d[:, 0] * h[:, 0]
    steps = {step.symbol: step for step in of_sum.steps}
    last = steps["∂E_total/∂w7"]
    assert last.value == pytest.approx(each.sum(), rel=1e-14)
    assert last.formula == "∂E1/∂w7 + ∂E2/∂w7"
    assert steps["E_total"].value == pytest.approx(0.5 * (d**2).sum(), rel=1e-14)
    assert steps["w7⁺"].value == pytest.approx(0.7 - 0.5 * each.sum(), rel=1e-14)
    assert {s.symbol: s for s in of_mean.steps}["∂E_total/∂w7"].value == last.value / 2
    assert of_sum.examples.startswith("The sum over 2 examples: each is worked out, and then the s")
    assert "The sum over the examples" in of_sum.text()


# The examples


def test_the_tutorials_network():
    file = read_network_file(network_path("2-2-2"))
    assert file.net == worked_example.NET
    for found, expected in zip(leaves(file.params), leaves(worked_example.START), strict=True):
        assert found.tolist() == expected.tolist()
    assert file.X.tolist() == worked_example.X.tolist()
    assert file.y.tolist() == worked_example.Y.tolist()
    assert (file.optimizer, file.freeze) == (worked_example.SGD, ("*.b",))


def test_the_tutorials_figures():
    file = read_network_file(network_path("2-2-2"))
    steps = cr.explain(*file[:4], **file.options(), of="all").steps
    found = {step.symbol.replace("∂E_total/", "∂E/"): step.value for step in steps}
    for name, (_, figure) in GOLDEN.items():
        if name != "E_total⁺":  # the cost after the update is no line of it
            assert found[name] == pytest.approx(figure, abs=6e-13), name


def test_the_tutorials_chain():
    file = read_network_file(network_path("chain"))
    assert file.net == chain_network.NET
    for found, expected in zip(leaves(file.params), leaves(chain_network.PARAMS), strict=True):
        assert found.tolist() == expected.tolist()
    assert file.X.tolist() == chain_network.X.tolist()
    assert file.y.tolist() == chain_network.Y.tolist()


def test_a_name_that_is_neither_file_nor_example():
    with pytest.raises(ValueError, match=r"unknown file or example 'chian'; did you mean 'chain'"):
        network_path("chian")


def test_every_example_is_found_by_its_name():
    names = [path.stem for path in EXAMPLES.iterdir()]
    assert sorted(names) == ["2-2-2", "chain"]
    assert all(network_path(name).exists() for name in names)


# What is refused

ERRORS = [
    # not TOML
    ("layers = [2, 2", 1, "unclosed array"),
    ("layers = [2, 2]\nrate 0.5", 2, "expected '=' after a key"),
    ("a = 1\na = 2", 2, "cannot overwrite a value: the key 'a' stands twice"),
    ("layers = [2, 2]\nw = [.5]", 2, "a number needs a digit before its point, such as 0.5"),
    ("w = [5., 1]", 1, "; a number needs a digit behind its point, such as 1.0"),
    ("w = [1, \u22120.5]", 1, "; a minus is written -"),
    ("w = [1, \u20130.5]", 1, "; a minus is written -"),
    ("loss = \u201chuber\u201d", 1, '; quotes are written "'),
    ("layers = [2, 2]\nrate = 1/2", 2, "; a fraction is written as a number, such as 0.5"),
    ("nesterov = True", 1, "; true and false are in lower case"),
    ("rate = None", 1, "; a key without a value is left out"),
    ("rate: 0.5", 1, "; between a key and its value stands ="),
    ("layers = [2, 2]\nrate\u00a0= 0.5", 2, "; a blank here is another space than that of the"),
    ("activation = sigmoid # the word", 1, "; a word stands in quotes"),
    (f"layers = {'[' * 5000}", None, "nested too deeply"),
    (b"layers = [2, 2] # \xff", None, "must be text in UTF-8"),
    ("", None, "the key 'layers' is missing"),
    # keys
    (BASE + "eta = 0.5", 14, "unknown key 'eta'; did you mean 'rate'?"),
    (BASE + "learning_rate = 0.5", 14, "unknown key 'learning_rate'; did you mean 'rate'?"),
    (BASE + "cost = 'huber'", 14, "unknown key 'cost'; did you mean 'loss'?"),
    (BASE + "layer = 3", 14, "unknown key 'layer'; did you mean 'layers'"),
    (BASE + "[optimiser]\nname = 1", 14, "unknown key 'optimiser'; did you mean 'optimizer'"),
    (BASE + '"\\u001b[31m" = 1', None, "unknown key '\\x1b[31m'"),
    (changed("inputs", None), None, "the key 'inputs' is missing"),
    (BASE + "w = [1]", 14, "weights and w exclude each other"),
    (BASE + "seed = 1", 14, "weights and seed exclude each other"),
    (BASE + "b = [1]", 14, "biases and b exclude each other"),
    ("layers = [1, 1]\ninputs = [1]\ntargets = 1", None, "the weights are missing: give 'weights'"),
    # the network
    (changed("layers", "[2]"), 2, "layers must be sizes, from the inputs to the outputs"),
    (changed("layers", "3"), 2, "layers must be sizes"),
    (changed("layers", "[2, 0, 1]"), 2, "layers[1] must be a whole number >= 1"),
    (changed("layers", "[2, 2.5, 1]"), 2, "layers[1] must be a whole number >= 1"),
    (changed("layers", "[5000, 5000]"), 2, "at most 10,000,000 weights and biases, got 25,005,000"),
    (changed("layers", f"[2, {10**30}]"), 2, "layers[1] must be a whole number >= 1 and < 10000"),
    (changed("activation", '"sigmiod"'), 3, "unknown activation 'sigmiod'; did you mean 'sigmoid'"),
    (changed("activation", "3"), 3, "activation"),
    (changed("activation", '["tanh"]'), 3, "one for each of the 2 layers behind the inputs, got 1"),
    *[
        (
            changed("loss", f'"{of}"').replace('"identity"]', f'"{kind}"]'),
            3,
            f'the last layer must be "identity" or "{link}", which {of} applies itself, got '
            f"'{kind}'",
        )
        for of, link, kind in (
            ("binary_cross_entropy", "sigmoid", "relu"),
            ("binary_cross_entropy", "sigmoid", "softmax"),
            ("cross_entropy", "softmax", "sigmoid"),
            ("poisson", "exp", "softplus"),
        )
    ],
    (changed("loss", '"mse"'), 4, "unknown loss 'mse'"),
    (changed("loss", '"quantile(0.1, 0.9)"'), 4, "expects a multiple of 2 outputs, got 1"),
    (changed("reduction", '"summ"'), 14, "unknown reduction 'summ'; did you mean 'sum'?"),
    (changed("reduction", "2"), 14, "unknown reduction '2'"),
    (changed("loss", '["hinge"]'), 4, "a loss must be a name"),
    (changed("dropout", "1.0"), 14, "dropout must be a finite number >= 0 and < 1, got 1.0"),
    (changed("dropout", '""'), 14, "dropout must be a finite number"),
    (changed("dropout", "[0.1, 0.2]"), 14, "one for each of the 1 hidden layers, got 2"),
    (changed("l1", "-1"), 14, "l1 must be a finite number >= 0, got -1"),
    (changed("l2", "inf"), 14, "l2 must be a finite number >= 0, got inf"),
    # the weights
    (
        BASE.replace(", 0.6]]", "]]"),
        6,
        "weights[0] must have shape (3, 2), for the layer of 3 units",
    ),
    (BASE.replace(", 0.6]]", "]]"), 6, "got lists of different lengths"),
    (BASE.replace("[[0.7, 0.8, -0.9]]", "[[0.7, 0.8]]"), 6, "weights[1] must have shape (1, 3)"),
    (BASE.replace("[[0.7, 0.8, -0.9]]", "[[0.7, 0.8]]"), 6, "got shape (1, 2)"),
    (
        BASE.replace("[[0.7, 0.8, -0.9]]", "[[0.7], [0.8], [-0.9]]"),
        6,
        'for each before it (weights_are = "inputs_by_units" has them the other way); got shape '
        "(3, 1)",
    ),
    (
        BASE + 'weights_are = "inputs_by_units"',
        6,
        "weights[0] must have shape (2, 3), for the layer of 3 units: a row for each input, with a "
        'number for each unit (weights_are = "units_by_inputs" has them the other way)',
    ),
    (BASE + 'weights_are = "rows"', 14, 'weights_are must be "units_by_inputs" or "inputs_by_uni'),
    (
        SHORT.format(targets=5, more='weights_are = "inputs_by_units"'),
        6,
        "weights_are is of matrices, and the file has w, not weights",
    ),
    (BASE.replace("    [[0.7, 0.8, -0.9]],\n", ""), 6, "each of the 2 layers behind the inputs"),
    (BASE.replace("-0.9", "nan"), 6, "weights[1][0][2] must be a finite number, got nan"),
    (BASE.replace("-0.9", '"0.9"'), 6, "weights[1][0][2] must be a finite number, got '0.9'"),
    (BASE.replace("-0.9", "true"), 6, "weights[1][0][2] must be a finite number, got True"),
    (BASE.replace("-0.9", "9" * 400), 6, "weights[1][0][2] must be a finite number"),
    (changed("biases", "[[0.1, 0.2], [0.4]]"), 10, "biases[0] must have shape (3,)"),
    (changed("biases", "0.5"), 10, "biases must hold one list for each of the 2 layers"),
    (SHORT.format(targets=5, more="").replace("[1, 2]", "[1]"), 3, "of the numbers w1 to w2"),
    (SHORT.format(targets=5, more="b = [1, 2]"), 6, "b must have shape (1,), of the numbers b1"),
    ("layers = [1, 1]\ninputs = [1]\ntargets = 1\nseed = -1", 4, "seed must be a whole number"),
    # the data
    (changed("inputs", "[]"), 11, "inputs must have shape (1, 2), a row for each example"),
    (changed("inputs", "[[]]"), 11, "inputs must have shape (1, 2)"),
    (changed("inputs", "[1, 2, 3]"), 11, "got shape (1, 3)"),
    (changed("inputs", "[[1, 2], [3]]"), 11, "got lists of different lengths"),
    (
        changed("inputs", "[[1, 2], [3, -inf]]"),
        11,
        "inputs[1][1] must be a finite number, got -inf",
    ),
    (changed("inputs", '"x"'), 11, "inputs must have shape (1, 2)"),
    (changed("targets", "[[1], [2], [3]]"), 12, "targets must have shape (2, 1)"),
    (changed("targets", "[[1], [nan]]"), 12, "targets[1][0] must be a finite number, got nan"),
    (changed("loss", '"hinge"'), 12, "targets must hold -1 or 1"),
    (changed("sample_weight", "[1]"), 14, "sample_weight must have shape (2,), a weight for each"),
    (changed("sample_weight", "[1, -1]"), 14, "sample_weight must hold weights >= 0, got -1"),
    (changed("sample_weight", "[0, 0]"), 14, "at least one weight above zero"),
    # the update
    (changed("rate", "-0.5"), 13, "rate must be a finite number >= 0, got -0.5"),
    (changed("rate", '"fast"'), 13, "rate must be a finite number >= 0, got 'fast'"),
    (BASE + 'optimizer = "adm"', 14, "unknown optimizer 'adm'; did you mean 'adam'"),
    (BASE + "optimizer = [1]", 14, "unknown optimizer '[1]'"),
    (BASE + "beta1 = 0.9", 14, "sgd takes no beta1; it takes rate, momentum, nesterov"),
    (BASE + 'optimizer = "adam"\nbeta2 = 1', 15, "beta2 must be a finite number >= 0 and < 1"),
    (BASE + "nesterov = 1", 14, "nesterov must be True or False"),
    (BASE + 'freeze = "*.b"', 14, "freeze must be a list of words in quotes, got '*.b'"),
    (BASE + 'freeze = ["2.b"]', 14, "unknown parameter to freeze '2.b'"),
    # the names
    (BASE + 'names = ["age"]', 14, "names must be { inputs"),
    (BASE + "[names]\ninput = []", 14, "names must be { inputs"),
    (BASE + '[names]\n\ninputs = ["age"]', 16, "names.inputs must hold a name for each of the 2"),
    (BASE + 'names.outputs = "yes"', 14, "names.outputs must be a list of words in quotes"),
]


CASES = [
    pytest.param(*error, id=f"{number} {error[2][:30]}") for number, error in enumerate(ERRORS)
]


@pytest.mark.parametrize(("text", "line", "message"), CASES)
def test_an_error_names_file_line_and_key(tmp_path, text, line, message):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        read(tmp_path, text)
    where = f"network.toml:{line}: " if line else "network.toml: "
    assert str(caught.value).startswith(where)
    assert "\n" not in str(caught.value)
    assert caught.type is ValueError


def test_a_file_that_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_network_file(tmp_path / "network.toml")
