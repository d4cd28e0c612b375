"""What the playground's views show is what the core says of the same network."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.activations import ACTIVATIONS
from chainrule.diagnosis.layer_measures import measure_layers
from chainrule.diagnosis.network_rules import RULES
from chainrule.engine.program import for_training
from chainrule.engine.wasm.lowering_patterns import lowering_patterns
from chainrule.engine.wasm.plain_program import plain_program
from chainrule.explanation.unit_places import Places
from chainrule.playground.flow_rules import thresholds
from chainrule.trees import leaf_names, leaves, tree_map
from strategies import problem
from test_wasm_lowering import PARAMETERS, as_told
from wasm_cases import NODE, SOURCES

pytestmark = pytest.mark.skipif(NODE is None, reason="there is no Node")

VIEWS = Path(__file__).parents[1] / "src/chainrule/playground/views"
SCRIPTS = [
    "plane_colours",
    "prediction_counts",
    "loss_course",
    "network_columns",
    "layer_flow",
    "flow_words",
]


def answers(asked):
    """What the views' functions make of some questions, each a name and what is given."""
    engine = [SOURCES / "wasm_engine.js", SOURCES / "wasm_lowering.js"]
    files = [*engine, *(VIEWS / f"{name}.js" for name in SCRIPTS), SOURCES / "engine64.wasm"]
    shared = {"patterns": lowering_patterns(), "activations": PARAMETERS, "rules": thresholds()}
    done = subprocess.run(
        [NODE, Path(__file__).with_name("playground_views.js"), *files],
        input=json.dumps({"shared": shared, "asked": asked}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def told(net):
    return {"inputs": net.inputs, "layers": [*map(as_told, net.layers)]}


# ---- the drawing of the network ------------------------------------------------------------------

NETS = {
    "2-3-2": cr.Network(2, [cr.Dense(3, "tanh"), cr.Dense(2)], "cross_entropy"),
    "wide": cr.Network(2, [cr.Dense(20, "relu"), cr.Dense(1)], "huber"),
    "norm and dropout": cr.Network(
        3, [cr.Dense(4), cr.LayerNorm(), cr.Activate("relu"), cr.Dropout(0.2), cr.Dense(2)], "huber"
    ),
    "residual": cr.Network(
        2,
        [
            cr.Dense(3, "tanh"),
            cr.Residual(cr.Dropout(0.5), cr.Dense(4, "relu"), cr.Dropout(0.1), cr.Dense(3)),
            cr.Dense(2),
        ],
        "cross_entropy",
    ),
}


@pytest.fixture(scope="module")
def columns():
    found = answers([["columns", {"net": told(net)}] for net in NETS.values()])
    return dict(zip(NETS, found, strict=True))


def own_places(net):
    """The places of which a column stands: those of the layers, not of what is within them."""
    return [-1, *(k for k, place in enumerate(Places.of(net).layers) if "." not in place.path)]


@pytest.mark.parametrize("name", NETS)
def test_units_and_weights_are_called_as_explain_calls_them(columns, name):
    net, got = NETS[name], columns[name]
    places = Places.of(net)
    for k, (units, rest) in zip(
        own_places(net), zip(got["units"], got["rests"], strict=True), strict=True
    ):
        assert len(units) + rest == places.widths[k + 1]
        assert units == [places.unit(k, j) for j in range(len(units))]
    for weight, start, end in got["weights"]:
        key = cr.explanation.subjects.subject(weight, places)
        source = places.layers[key.layer].sources[0]
        assert (start, end) == (places.unit(source, key.source), places.unit(key.layer, key.unit))


@pytest.mark.parametrize("name", NETS)
def test_a_weight_is_chosen_near_its_line_alone(columns, name):
    assert columns[name]["near"] is True
    assert columns[name]["far"] is None


# ---- what flows ----------------------------------------------------------------------------------

PLAIN = [name for name, row in ACTIVATIONS.items() if row.pull is None]
FLOWS = {
    **{
        name: cr.Network(3, [cr.Dense(5, name), cr.Dense(4, name), cr.Dense(2)], "huber")
        for name in PLAIN
    },
    "softmax": cr.Network(3, [cr.Dense(4, "tanh"), cr.Dense(3, "softmax")], "squared_error"),
    **{name: net for name, net in NETS.items() if name != "wide"},
}
FIELDS = (
    *("a", "delta", "gradient", "weight", "forward", "slope", "weights"),
    *("dead", "saturated", "duplicate"),
)


def flow_of(net, params, X, y, step=0):
    program = plain_program(for_training(net))
    data = {"X": X.ravel().tolist(), ("labels" if y.ndim == 1 else "y"): np.ravel(y).tolist()}
    tensors = [leaf.ravel().tolist() for leaf in leaves(params)]
    return [
        "flow",
        {"net": told(net), "program": program, "tensors": tensors, "data": data, "step": step},
    ]


def with_dead_and_equal_units(p):
    """The same parameters, where a unit of the first layer is far from 0, and two are the same."""
    params = [*p.params]
    W, b = np.array(params[0].W), np.array(params[0].b)
    W[1], b[1] = W[0], b[0]
    b[2] = -50
    params[0] = params[0]._replace(W=W, b=b)
    return tuple(params)


@pytest.fixture(scope="module")
def flows():
    problems = {name: problem(net, n=20) for name, net in FLOWS.items()}
    params = {name: with_dead_and_equal_units(p) for name, p in problems.items()}
    asked = [flow_of(p.net, params[name], p.X, p.y) for name, p in problems.items()]
    return {
        name: (problems[name], params[name], got)
        for name, got in zip(FLOWS, answers(asked), strict=True)
    }


@pytest.mark.parametrize("name", FLOWS)
def test_the_flow_is_what_the_diagnosis_measures(flows, name):
    p, params, got = flows[name]
    trace = cr.forward(p.net, params, p.X)
    expected = measure_layers(trace, cr.backward(trace, p.y))
    for layer in got["layers"]:
        own = expected[layer["number"]]
        by_slopes = hasattr(trace[layer["number"]], "z") or layer["kind"] != "activate"
        for field in FIELDS if by_slopes else FIELDS[:-3]:
            assert layer[field] == pytest.approx(getattr(own, field), rel=1e-9, abs=1e-12), field


DEEP = [cr.Dense(9, "relu") for _ in range(4)]
SICK = {
    "equal units": ([cr.Dense(4, "tanh")], lambda name, w: np.full_like(w, 0.1)),
    "few differ": ([cr.Dense(4, "tanh")], lambda name, w: w[[0, 0, 1, 1]] if name[0] == "0" else w),
    "far below 0": ([cr.Dense(4, "relu")], lambda name, w: w - 99 if name == "0.b" else w),
    "far from 0": ([cr.Dense(4, "sigmoid")], lambda name, w: w + 99 if name == "0.b" else w),
    "deep": ([cr.Dense(4, "sigmoid") for _ in range(5)], lambda name, w: w),
    "large": (DEEP, lambda name, w: 9 * w if w.ndim == 2 else w),
    "small": (DEEP, lambda name, w: w / 9 if w.ndim == 2 else w),
    "steep": ([cr.Dense(9, "sigmoid") for _ in range(4)], lambda name, w: 4 * w),
    "well": ([cr.Dense(9, "tanh")], lambda name, w: w),
}


OF_OTHERS = {
    *("zero_weights", "double_link", "output_range", "batch_norm_of_few", "too_much_dropout"),
    *("bottleneck",),
}
"""What the rules of networks say that is not of the flow."""


@pytest.fixture(scope="module")
def findings():
    asked, expected = [], []
    for layers, change in SICK.values():
        p = problem(cr.Network(2, [*layers, cr.Dense(1)], "huber"), n=30)
        params = tree_map(change, leaf_names(p.net.form), p.net.init(1, "float64"))
        asked += [flow_of(p.net, params, p.X, p.y, step) for step in (0, 100)]
        said = cr.diagnose(p.net, params, p.X, p.y).findings
        expected.append({each.name for each in said} - {"random_labels"})
    found = [own["found"] for own in answers(asked)]
    return dict(zip(SICK, zip(expected, found[::2], found[1::2], strict=True), strict=True))


@pytest.mark.parametrize("name", SICK)
def test_the_page_finds_what_the_diagnosis_finds(findings, name):
    expected, start, later = findings[name]
    assert {each["name"] for each in start} == expected
    assert {each["name"] for each in later} <= expected


def test_each_finding_of_the_network_is_among_them(findings):
    flows = {rule.name for rule in RULES} - OF_OTHERS
    assert set.union(*(expected for expected, *_ in findings.values())) == flows


# ---- the courses and the plane -------------------------------------------------------------------


def test_a_course_holds_few_points_and_steps_gone_back_to_stay():
    adds = [[k, 1 / (k + 1), 2 / (k + 1)] for k in range(4000)]
    long, again, other, typed = answers(
        [
            ["course", {"adds": adds}],
            ["course", {"adds": [*adds[:50], *adds[20:30]]}],
            ["course", {"adds": [*adds[:50], [20, 0.5, 0.5]]}],
            ["course", {"adds": adds[:50], "cut": 20}],
        ]
    )
    assert 700 < len(long["points"]) <= 1500
    assert (long["points"][0], long["points"][-1]) == (adds[0], adds[-1])
    assert again["points"] == adds[:50]
    assert other["points"] == [*adds[:20], [20, 0.5, 0.5]]
    assert typed["points"] == adds[:21]


def test_costs_far_apart_are_on_a_scale_of_logarithms():
    near, far, none = answers(
        [
            ["course", {"adds": [[0, 1.0, None], [1, 0.5, None]]}],
            ["course", {"adds": [[0, 10.0, None], [1, 0.001, None]]}],
            ["course", {"adds": []}],
        ]
    )
    assert near["axis"] == {"log": False, "from": 0, "to": 1}
    assert [tick["cost"] for tick in near["ticks"]] == [0, 0.5, 1]
    assert far["axis"] == {"log": True, "from": -3, "to": 1}
    assert [tick["text"] for tick in far["ticks"]] == ["0.001", "0.01", "0.1", "1", "10"]
    assert none["axis"] == {"log": False, "from": 0, "to": 1}


def test_what_a_prediction_shows():
    train = {"n": 2, "y": [2.0, 6.0]}

    def shown(classes, signs, train, predicted):
        examples = {"classes": classes, "signs": signs, "train": train}
        return ["shown", {"examples": examples, "predicted": predicted}]

    three = [[0.2, 0.8], [0.5, 0.5], [0.1, 0.3, 0.6], [0.6, 0.1, 0.3]]
    classes, one, sign, real, bad = answers(
        [
            shown(["a", "b", "c"], None, {}, three),
            shown(["0", "1"], [0, 1], train, [[0.25], [1.0]]),
            shown(["0", "1"], [-1, 1], train, [[-1.5], [0.5]]),
            shown(None, None, train, [[2.0], [4.0], [5.0]]),
            shown(None, None, train, [[None]]),
        ]
    )
    rounded = [(own["class"], round(own["share"], 9)) for own in classes]
    assert rounded == [(1, 0.6), (0, 0), (2, 0.3), (0, 0.3)]
    assert one == [{"class": 0, "share": 0.5}, {"class": 1, "share": 1}]
    assert sign == [{"class": 0, "share": 1}, {"class": 1, "share": 0.5}]
    assert real == [{"class": 0, "share": 1}, {"class": 1, "share": 0}, {"class": 1, "share": 0.5}]
    assert bad[0]["share"] == 0


def test_classes_are_told_of_numbers_that_stand_for_them():
    two, three = answers(
        [
            ["labels", {"part": {"n": 3, "y": [-1, 1, 1]}, "signs": [-1, 1]}],
            ["labels", {"part": {"n": 2, "y": [0, 0, 1, 1, 0, 0]}, "signs": [0, 1]}],
        ]
    )
    assert (two, three) == ([0, 1, 1], [2, 0])


def test_predictions_are_counted():
    of_three = {"classes": 3, "width": 3, "range": [0, 1], "labels": [0, 1, 1]}
    of_two = {"classes": 2, "width": 1, "range": [-1, 1], "labels": [0, 1, 0]}
    three, two, numbers = answers(
        [
            ["confusion", {"predicted": [0.7, 0.2, 0.1, 0.1, 0.2, 0.7, 0, 1, 0], **of_three}],
            ["confusion", {"predicted": [-0.5, 0.5, 0.1], **of_two}],
            ["distance", {"predicted": [1.0, 2.0, 6.0], "y": [1.0, 3.0, 5.0]}],
        ]
    )
    assert (three["counts"], three["told"], three["right"]) == (
        [[1, 0, 0], [0, 1, 1], [0, 0, 0]],
        [0, 2, 1],
        2,
    )
    assert (two["counts"], two["right"], two["n"]) == ([[1, 1], [0, 1]], 2, 3)
    assert numbers == {"off": pytest.approx(2 / 3), "left": pytest.approx(2 / 8)}


def test_pixels_are_paper_at_the_boundary_and_the_classes_colour_where_it_is_sure():
    colours = {"paper": "#ffffff", "classes": ["#0000ff", "#ff0000"]}
    shown = {"range": [0, 1], "classed": True}
    asked = [
        {"shown": shown, "outputs": [1, 0, 0.5, 0.5, 0, 1], "width": 2},
        {"outputs": [-2, 9, 0, 9, 2, 9], "width": 2, "unit": 0},
        {"outputs": [0, 0], "width": 1, "unit": 0},
    ]
    plane, unit, still = answers([["pixels", {**each, "colours": colours}] for each in asked])
    blue, white, red = 0xFFFF0000, 0xFFFFFFFF, 0xFF0000FF  # alpha, blue, green, red
    assert plane == [blue, white, red]
    assert unit == [blue, white, red]
    assert still == [white, white]
