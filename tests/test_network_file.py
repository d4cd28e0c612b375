"""Network files: what is read, and what can be said in other ways."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.activations import ACTIVATIONS
from chainrule.demo import chain_network, worked_example
from chainrule.explanation.network_file import EXAMPLES, KEYS, network_path, read_network_file
from chainrule.explanation.network_training import SETTINGS
from chainrule.losses import LOSSES, loss
from chainrule.optimizers import OPTIMIZERS
from chainrule.trees import leaves
from network_files import BASE, SHORT, changed, read
from strategies import last, problem
from test_worked_example import GOLDEN


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
    "eta_minus": "0.25",
    "eta_plus": "2.0",
    "step_min": "0.01",
    "step_max": "5.0",
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
