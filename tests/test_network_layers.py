"""Layers of any kind in a network file: what is read, what may be left out, what is refused."""

import inspect
import re
from dataclasses import MISSING

import numpy as np
import pytest
from click.testing import CliRunner

import chainrule as cr
from chainrule.cli import main
from chainrule.explanation.network_layers import defaults
from chainrule.layers import LAYERS
from chainrule.serialization.specifications import network_to_data
from chainrule.trees import leaves, named_leaves
from network_files import read
from strategies import problem

WIDTH = 4
KINDS = {name: kind.example(WIDTH) for name, kind in LAYERS.items()}


def between(layer):
    """A network with a layer between two others, or as its last where that is its place."""
    if layer.members > 1:
        return cr.Network(3, [cr.Dense(WIDTH, "tanh"), layer], "squared_error")
    return cr.Network(3, [cr.Dense(WIDTH, "tanh"), layer, cr.Dense(2)], "squared_error")


def toml(value):
    """A value as TOML has it; what is None is left out of tables."""
    if isinstance(value, dict):
        pairs = (f'"{key}" = {toml(each)}' for key, each in value.items() if each is not None)
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else repr(value)


def nested(found, path, value):
    """Put a value into tables within tables by a path such as own.0.W."""
    first, _, rest = path.partition(".")
    if rest:
        nested(found.setdefault(first, {}), rest, value)
    else:
        found[first] = value


def by_path(data, own):
    """A layer as a table that holds its parameters by their paths."""
    table = dict(data)
    for path, leaf in own.items():
        nested(table, path, leaf.tolist())
    return table


def by_layer(data, own):
    """The same, but with the parameters of layers within in the tables of those."""
    table = dict(data)
    inner = {path for path in own if path[0].isdigit()}
    for path in own.keys() - inner:
        nested(table, path, own[path].tolist())
    for k in {path.partition(".")[0] for path in inner}:
        parts = {p.partition(".")[2]: own[p] for p in inner if p.partition(".")[0] == k}
        table["layers"] = list(table["layers"])
        table["layers"][int(k)] = by_layer(table["layers"][int(k)], parts)
    return table


def written(p, form, more=""):
    """A network, its parameters and data as a file."""
    rows = [f'loss = "{p.net.loss}"', f"inputs = {toml(p.X.tolist())}", more]
    rows += [f"targets = {toml(np.asarray(p.y).tolist())}"]
    for data, own in zip(network_to_data(p.net)["layers"], p.params, strict=True):
        rows.append("[[layers]]")
        table = form(data, dict(named_leaves(own)))
        rows += [f'"{key}" = {toml(value)}' for key, value in table.items() if value is not None]
    return "\n".join(rows) + "\n"


@pytest.mark.parametrize("form", [by_path, by_layer])
@pytest.mark.parametrize("layer", KINDS.values(), ids=KINDS)
def test_every_kind_is_read_back(tmp_path, layer, form):
    p = problem(between(layer), n=2)
    file = read(tmp_path, written(p, form))
    assert file.net == p.net
    for found, expected in zip(leaves(file.params), leaves(p.params), strict=True):
        assert found.tolist() == expected.tolist()
    assert file.X.tolist() == p.X.tolist()


@pytest.mark.parametrize("kind", LAYERS)
def test_what_has_a_default_may_be_left_out(kind):
    given = inspect.signature(LAYERS[kind]).parameters.values()
    needed = {each.name for each in given if each.default is each.empty}
    assert {name for name, value in defaults(kind).items() if value is MISSING} == needed


@pytest.mark.parametrize("layer", KINDS.values(), ids=KINDS)
def test_what_is_left_out_is_drawn_from_the_seed_or_asked_for(tmp_path, layer):
    net = between(layer)
    p = problem(net, n=1)
    bare = p._replace(params=tuple(() for _ in p.params))
    file = read(tmp_path, written(bare, by_path, "seed = 5"))
    drawn = net.init(5, "float64")
    for found, expected in zip(leaves(file.params), leaves(drawn), strict=True):
        assert found.tolist() == expected.tolist()
    others = [dict(named_leaves(net.init(seed)[1])) for seed in range(9)]
    name = next((n for n in others[0] if any((others[0][n] != o[n]).any() for o in others)), None)
    given = p._replace(params=(p.params[0], (), *p.params[2:]))
    if name is None:
        read(tmp_path, written(given, by_path))
    else:
        with pytest.raises(
            ValueError, match=re.escape(f"layers[1].{name} is missing: give it, or")
        ):
            read(tmp_path, written(given, by_path))


@pytest.mark.parametrize("layer", KINDS.values(), ids=KINDS)
def test_the_gradient_of_a_file_of_any_kind_is_checked(tmp_path, layer):
    path = tmp_path / "network.toml"
    path.write_text(written(problem(between(layer), n=3), by_layer))
    result = CliRunner().invoke(main, ["check", str(path)])
    assert result.exit_code == 0, result.output
    assert "3 examples of" in result.output
    assert "The gradient is right." in result.output


BASE = """\
inputs = [0.5, -0.5]
targets = [0.25]
{more}
[[layers]]
kind = "dense"
units = 2
W = [[1.0, 2.0], [3.0, 4.0]]

[[layers]]
kind = "dropout"

[[layers]]
kind = "dense"
units = 1
W = [[0.5, 1.5]]
b = [0.125]

[names]
outputs = ["yes"]
"""


def of(text="", old="", new="", more=""):
    return BASE.format(more=more).replace(old, new, 1)


def test_a_file_with_tables(tmp_path):
    file = read(tmp_path, BASE.format(more='freeze = ["0.b"]\nrate = 0.5\nmomentum = 0.9'))
    assert file.net == cr.Network(2, [cr.Dense(2), cr.Dropout(), cr.Dense(1)], "half_squared_error")
    assert file.params[0].b.tolist() == [0, 0]
    assert (file.freeze, file.outputs) == (("0.b",), ("yes",))


def test_a_velocity_by_the_names_of_parameters(tmp_path):
    more = 'rate = 0.5\nmomentum = 0.9\nvelocity = { "0.b" = [1, 2], 2.W = [[3, 4]] }'
    file = read(tmp_path, BASE.format(more=more))
    assert file.velocity[0].W.tolist() == [[0, 0], [0, 0]]
    assert file.velocity[0].b.tolist() == [1, 2]
    assert file.velocity[2].W.tolist() == [[3, 4]]


ERRORS = [
    (of(old='"dropout"', new='"dropot"'), 10, "layers[1]: unknown kind 'dropot'; did you mean 'd"),
    (of(old='kind = "dropout"', new=""), 9, "layers[1]: the key 'kind' is missing"),
    (of(old="units = 2", new=""), 4, "layers[0]: the key 'units' is missing"),
    (of(old="units = 2", new="units = 0"), 4, "layers[0]: Dense: units must be a whole number"),
    (of(old="units = 1", new='units = 1\nactivation = "no"'), 12, "layers[2]: unknown activation"),
    (of(old="b = [0.125]", new="B = [1]"), 16, "unknown key of layer 2, Dense(1, 'identity'): 'B'"),
    (of(old="b = [0.125]", new="b = [1, 2]"), 16, "layers[2].b must have shape (1,)"),
    (
        of(old="[[0.5, 1.5]]", new="[[0.5], [1.5]]"),
        15,
        "1 row of 2 numbers, and is turned; got shape (",
    ),
    (of(old="4.0", new="nan"), 7, "layers[0].W[1][1] must be a finite number, got nan"),
    (of(old="W = [[0.5, 1.5]]", new=""), 12, "layers[2].W is missing: give it, or a 'seed'"),
    (of(old="inputs = [0.5, -0.5]", new="inputs = 3"), 1, "inputs must be numbers, a row for each"),
    (of(old="inputs = [0.5, -0.5]", new="inputs = [1]"), 7, "layers[0].W must have shape (2, 1)"),
    (of(more="w = [1]"), 3, "w is of layers that are given by their sizes"),
    (of(more="dropout = 0.5"), 3, "dropout is of layers that are given by their sizes"),
    (of(more='weights_are = "units_by_inputs"'), 3, "weights_are is of layers that are given by"),
    (of(more="seed = -1"), 3, "seed must be a whole number"),
    (of(more="velocity = [1]\nmomentum = 0.9"), 3, "velocity must be a table by names of paramet"),
    (of(more="velocity = { 1.b = [1] }\nmomentum = 0.9"), 3, "unknown parameter of velocity '1.b'"),
    ("inputs = [1]\nlayers = [{ kind = 'dense', units = 1 }, 3]", 2, "layers[1] must be a table"),
    ("inputs = [1]\nlayers = [2, { kind = 'dense', units = 1 }]", 2, "layers[0] must be a table"),
]


@pytest.mark.parametrize(("text", "line", "message"), ERRORS, ids=[e[2][:40] for e in ERRORS])
def test_an_error_names_file_line_and_place(tmp_path, text, line, message):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(f"network.toml:{line}: ")
    assert "\n" not in str(caught.value)


def test_layers_within_layers_without_end_are_refused(tmp_path):
    deep = "{ kind = 'residual', layers = [" * 50 + "]}" * 50
    with pytest.raises(ValueError, match="layers must stand at most 10 one within the other"):
        read(tmp_path, f"inputs = [1]\nlayers = [{deep}]")
