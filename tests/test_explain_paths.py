"""A gradient as a sum over paths."""

import itertools
import math

import numpy as np
import pytest

import chainrule as cr
from chainrule.activations import activation
from chainrule.explanation.notation import NOTATIONS
from chainrule.layers import Role
from chainrule.losses import LOSSES
from chainrule.trees import named_leaves
from strategies import problem
from tables import ELEMENTWISE

SIZES = (3, 2, 4)


def network(name="tanh", loss="half_squared_error", **options):
    hidden = [cr.Dense(width, name) for width in SIZES]
    return cr.Network(2, [*hidden, cr.Dense(3)], loss, **options)


def by_hand(p, row, layer, j, k):
    """Every path of one example from W[j, k] of a layer: the product of its factors, in words."""
    net, params = p.net, p.params
    trace = cr.forward(net, params, p.X)
    loss = cr.losses.loss(net.loss)
    da = loss.grad(trace.output, p.y, np)[row]
    widths = range(len(net.layers))
    units = [range(net.layers[m].units) for m in widths][layer + 1 :]
    found = {}
    for way in itertools.product([j], *units):
        value = trace[layer].x[row, k] * da[way[-1]]
        for m, unit in enumerate(way, layer):
            f = activation(net.layers[m].activation)
            value *= f.df(trace[m].z, trace[m].a, np)[row, unit]
            if m + 1 < len(net.layers):
                value *= params[m + 1].W[way[m + 1 - layer], unit]
        found[way] = value
    return found


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_the_paths_are_those_of_a_search_of_all(name, loss):
    p = problem(network(name, loss), n=1)
    every = by_hand(p, 0, layer=1, j=1, k=2)
    assert len(every) == 4 * 3
    found = cr.paths(p.net, p.params, p.X, p.y, of="layers[1].W[1, 2]", top=5)
    largest = sorted(map(abs, every.values()), reverse=True)[:5]
    got = [abs(path.value) for path in found.paths]
    np.testing.assert_allclose(got, largest, rtol=1e-12, atol=1e-300)
    assert found.others == 12 - 5
    total = math.fsum([*(path.value for path in found.paths), found.rest])
    assert total == pytest.approx(math.fsum(every.values()), rel=1e-9, abs=1e-15)
    for path in found.paths:
        assert math.prod(f.value for f in path.factors) == pytest.approx(path.value, rel=1e-12)


def unit_names(way):
    offsets = {1: 3, 2: 5}  # h1 to h3, h4 and h5, h6 to h9
    return tuple(
        f"o{u + 1}" if m == 3 else f"h{offsets.get(m, 0) + u + 1}" for m, u in enumerate(way, 1)
    )


def test_the_units_on_the_way_are_named():
    p = problem(network(), n=1)
    every = by_hand(p, 0, layer=1, j=0, k=0)
    found = cr.paths(p.net, p.params, p.X, p.y, of="layers[1].W[0, 0]", top=12)
    assert (found.others, found.rest) == (0, 0)
    assert {path.units: path.value for path in found.paths} == pytest.approx(
        {unit_names(way): value for way, value in every.items()}, rel=1e-12
    )


@pytest.mark.parametrize("of", ["w1", "w9", "w20", "b2", "b6", "x2", "h4", "o2", "h9"])
@pytest.mark.parametrize("weighted", [False, True])
def test_they_sum_to_the_gradient(of, weighted):
    p = problem(network("sigmoid", "cross_entropy", l1=0.01, l2=0.1), n=5)
    w = p.w if weighted else None
    found = cr.paths(p.net, p.params, p.X, p.y, of=of, top=4, sample_weight=w)
    total = math.fsum([*(path.value for path in found.paths), found.rest, found.penalty])
    assert total == pytest.approx(found.gradient, rel=1e-12)
    trace = cr.forward(p.net, p.params, p.X)
    deltas = cr.backward(trace, p.y, w)
    if of[0] in "wb":
        leaves = [leaf for own in cr.gradient(trace, deltas) for leaf in own]
        flat = np.concatenate([leaf.ravel() for leaf in leaves[of[0] == "b" :: 2]])
        assert found.gradient == pytest.approx(flat[int(of[1:]) - 1], rel=1e-12)
    if of == "x2":
        assert found.gradient == pytest.approx(cr.input_gradient(trace, deltas)[:, 1].sum())


def test_a_vanishing_path_names_the_factor_that_does_it():
    net = cr.Network(1, [cr.Dense(1, "sigmoid"), cr.Dense(1, "sigmoid")], "squared_error")
    params = net.parameters([([[20.0]], [0.0]), ([[1.0]], [0.0])])
    found = cr.paths(net, params, [1.0], [0.0], of="w1")
    assert found.paths[0].smallest.value == pytest.approx(math.exp(-20), rel=1e-6)
    assert "It is ∂out_h1/∂net_h1 = 2.06115 · 10⁻⁹ that makes it small." in found.text()


@pytest.mark.parametrize("notation", NOTATIONS)
def test_the_text_fits_a_terminal(notation):
    p = problem(network(), n=2)
    text = cr.paths(p.net, p.params, p.X, p.y, of="w1", top=30, notation=notation).text(80)
    assert max(map(len, text.splitlines())) <= 80
    assert "example 2" in text


# Layers of any kind

PLAIN = cr.Residual(cr.Dense(2, "tanh"), cr.Dense(3))
THROUGH = {
    "dense": [cr.Dense(3, "tanh")],
    "activate": [cr.Activate("silu")],
    "dropout": [cr.Dropout(0.5)],
    "scale": [cr.Scale()],
    "batch_norm": [cr.BatchNorm()],
    "residual": [PLAIN],
    "residual within": [cr.Residual(cr.Scale(), PLAIN, cr.Activate("tanh"))],
    "periodic": [cr.Periodic(2, 3, 0.5)],
    "piecewise_linear": [cr.PiecewiseLinear([[-1.0, 0.0, 2.0], [], [0.0, 1.0]], 2)],
    "embedding": [cr.Embedding([2, 0, 3], 2)],
    "members": [cr.Members(2, cr.Dense(4, "relu"), cr.Dense(2))],
    "full members": [cr.Members(2, cr.Dense(4, "relu"), cr.Dense(2), full=True)],
}


def with_layers(layers):
    ends = [] if layers[-1].members > 1 else [cr.Dense(2)]
    return cr.Network(2, [cr.Dense(3, "tanh"), *layers, *ends], "squared_error", l2=0.1)


@pytest.mark.parametrize("name", THROUGH)
def test_the_paths_through_layers_of_any_kind_sum_to_the_gradient(name):
    p = problem(with_layers(THROUGH[name]), n=2)
    trace = cr.forward(p.net, p.params, p.X)
    grads = dict(named_leaves(cr.gradient(trace, cr.backward(trace, p.y, p.w))))
    for leaf, own in grads.items():
        if p.net.roles[leaf] is Role.STATISTIC:
            continue
        entry = tuple(size - 1 for size in own.shape)
        of = f"{leaf}[{', '.join(map(str, entry))}]"
        found = cr.paths(p.net, p.params, p.X, p.y, of=of, top=10_000, sample_weight=p.w)
        assert (found.others, found.rest) == (0, 0)
        assert found.gradient == pytest.approx(own[entry], rel=1e-12, abs=1e-15), of
        total = math.fsum([*(path.value for path in found.paths), found.penalty])
        assert total == pytest.approx(own[entry], rel=1e-10, abs=1e-14), of
        for path in found.paths:
            assert math.prod(f.value for f in path.factors) == pytest.approx(path.value, rel=1e-12)
        few = cr.paths(p.net, p.params, p.X, p.y, of=of, top=3, sample_weight=p.w)
        assert [path.units for path in few.paths] == [path.units for path in found.paths[:3]]
        assert few.others == len(found.paths) - len(few.paths)
        assert few.rest == pytest.approx(sum(path.value for path in found.paths[3:]), abs=1e-14)


def test_a_path_passes_by_the_layers_of_a_residual():
    p = problem(with_layers([PLAIN]), n=1)
    found = cr.paths(p.net, p.params, p.X, p.y, of="h2", top=100)
    assert len(found.paths) + found.others == (1 + 2 * 3) * 2  # past both layers, or through them
    (by,) = [path for path in found.paths if path.units == ("h10", "o1")]
    trace = cr.forward(p.net, p.params, p.X)
    slope = cr.losses.loss("squared_error").grad(trace.output, p.y, np)[0, 0]
    assert by.value == pytest.approx(p.params[2].W[0, 1] * slope, rel=1e-12)
    assert "∂out_h10/∂out_h2" in found.text()


def test_the_units_on_the_way_are_those_of_a_member():
    p = problem(with_layers(THROUGH["members"]), n=1)
    found = cr.paths(p.net, p.params, p.X, p.y, of="1.scales[1, 0]", top=1000)
    assert {path.units[0] for path in found.paths} == {"h4(2)"}
    assert {path.units[-1] for path in found.paths} == {"o1(2)", "o2(2)"}


@pytest.mark.parametrize("layer", [cr.LayerNorm(), cr.Activate("softmax"), cr.Dense(3, "softmax")])
def test_a_layer_that_joins_its_units_is_refused_where_paths_go_through_it(layer):
    p = problem(with_layers([layer]), n=1)
    with pytest.raises(ValueError, match=r"^paths: .* joins all paths through it; explain works"):
        cr.paths(p.net, p.params, p.X, p.y, of="w1")
    found = cr.paths(p.net, p.params, p.X, p.y, of="o1")
    assert found.paths[0].value == pytest.approx(found.gradient)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"of": "cost"}, "paths: of must be a weight, a bias, an input or a unit, got 'cost'"),
        ({"of": "w1", "top": 0}, "paths: top must be a whole number >= 1, got 0"),
        ({"of": "w1", "notation": "latin"}, "unknown notation 'latin'"),
    ],
)
def test_what_cannot_be_is_refused(options, message):
    p = problem(network(), n=1)
    with pytest.raises(ValueError, match=message.replace(".", r"\.")):
        cr.paths(p.net, p.params, p.X, p.y, **options)
