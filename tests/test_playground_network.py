"""The playground's network: what suits, what is refused, rates of schedules, names of weights."""

import dataclasses
import itertools
import json

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.activations import ACTIVATIONS, activation
from chainrule.html_page.joined_scripts import file_of
from chainrule.layers import chain
from chainrule.losses import LOSSES, loss
from chainrule.optimizers import OPTIMIZERS
from chainrule.playground.choices import choices
from chainrule.playground.page_parts import LANGUAGES, PACKAGE
from chainrule.playground.schedule_rules import schedule_rules
from chainrule.schedules import SCHEDULES
from chainrule.serialization.specifications import layer_from_data
from chainrule.trees import leaves, named_leaves, number
from page_scripts import NODE, run_scripts
from strategies import layers_of_any_kind
from test_wasm_lowering import as_told

pytestmark = pytest.mark.skipif(NODE is None, reason="there is no Node")

CHOICES = json.loads(json.dumps(choices()))
MENU = [kind for kind in CHOICES["layers"] if kind not in CHOICES["by_column"]]
ALONE = [kind for kind in MENU if kind != "residual"]
SCRIPTS = [
    *("state/checks.js", "state/streams.js", "state/state.js", "words/figures.js"),
    *("data/plane_sets.js", "data/added_features.js", "data/csv_text.js", "data/own_table.js"),
    *("data/examples.js", "network/schedule_rates.js", "network/suited_network.js"),
    *("network/layer_card.js", "network/schedule_fields.js", "network/hyper_panel.js"),
    "network/weight_table.js",
]


def ask(asked, given=None):
    more = "\n".join([file_of("chainrule.engine.wasm", "wasm_lowering.js"), schedule_rules()])
    return run_scripts(SCRIPTS, "playground_network.js", asked, given, more=more)


def layer_of(told):
    """The layer that a page has as its kind and options."""
    return layer_from_data("layer", data_of(told))


def data_of(told):
    kind, options = told
    data = {name: field["default"] for name, field in CHOICES["layers"][kind].items()} | options
    within = {"layers": [*map(data_of, data["layers"])]} if "layers" in data else {}
    return {"kind": kind, **data, **within}


# Schedules


def schedules():
    """A schedule of each row, by its fields, and such within what has another in it."""
    made = [
        cr.Constant(0.3),
        cr.StepDecay(0.5, every=3, factor=0.7),
        cr.Exponential(2.0, factor=1.5),
        cr.InverseScaling(0.1, power=0.75),
        cr.Cosine(0.2, steps=20, final=0.01),
        cr.CosLog4(0.4, steps=29),
        cr.WarmUp(5, cr.Cosine(0.005, steps=30)),
        cr.WarmUp(4, 0.25),
        cr.WarmUp(2, cr.WarmUp(3, cr.OneCycle(0.1, steps=12))),
        cr.Resumed(6, cr.WarmUp(8, cr.Cosine(0.005, steps=30))),
        cr.OneCycle(0.1, steps=40, share=0.25),
        cr.OneCycle(0.1, steps=1),
    ]
    assert {type(each) for each in made} == {*SCHEDULES.values()}
    return made


def told_schedule(given):
    if not isinstance(given, cr.schedules.Schedule):
        return given
    [name] = [name for name, kind in SCHEDULES.items() if kind is type(given)]
    return [name, {key: told_schedule(value) for key, value in vars(given).items()}]


def test_rates_are_those_of_python():
    made = schedules()
    rates = ask("rates", [[told_schedule(each), 60] for each in made])
    for schedule, own in zip(made, rates, strict=True):
        expected = [schedule(t) for t in range(1, 61)]
        np.testing.assert_allclose(own, expected, rtol=1e-12, atol=1e-300, err_msg=str(schedule))


def test_a_rate_that_is_too_large_is_infinite():
    [own] = ask("rates", [[told_schedule(cr.Exponential(1.0, factor=1e200)), 4]])
    assert own == [1, 1e200, "Infinity", "Infinity"]


def test_a_new_schedule_is_one_of_python():
    for name, fields in ask("schedules", {"choices": CHOICES, "rate": 0.25}):
        schedule = SCHEDULES[name](**fields)
        assert 0 < max(schedule(t) for t in range(1, 400)) <= 0.2501


# Rows of tables


TABLES = [("activations", ACTIVATIONS, activation), ("losses", LOSSES, loss)]


@pytest.mark.parametrize(("table", "rows", "row"), TABLES)
def test_rows_have_the_names_that_python_gives_them(table, rows, row):
    texts = [*rows]
    for name in rows:
        for own in CHOICES[table][name]["takes"]:
            texts += [f"{name}(0.25)", f"{name}({own['default']})"]
            texts += [f"{name}(0.25, 0.75)"] if own["many"] else []
    named = ask("names", {"table": CHOICES[table], "texts": texts})
    assert [str(row(name)) for name in named] == [str(row(text)) for text in texts]


def test_numbers_of_rows_have_the_bounds_that_python_holds_them_to():
    for table, row in (("activations", activation), ("losses", loss)):
        for name, own in CHOICES[table].items():
            for taken, value in itertools.product(own["takes"], (-1, 0, 0.5, 1, 3)):
                goes = taken.get("least", -9) <= value <= taken.get("most", 9)
                goes = goes and taken.get("above", -9) < value < taken.get("below", 9)
                assert goes == can_be(row, f"{name}({value})")


def can_be(make, *args, **fields):
    try:
        make(*args, **fields)
    except ValueError:
        return False
    return True


def test_losses_are_told_with_their_numbers():
    texts = [*LOSSES, "huber(0.5)", "quantile(0.1, 0.5, 0.9)", "cross_entropy(0.1)"]
    for text, own in zip(texts, ask("losses", {"choices": CHOICES, "texts": texts}), strict=True):
        row = loss(text)
        assert (own["name"], own["target"], own["turns"]) == (row.name, row.target, row.group)
        assert own["parameters"] == [*row.parameters]


# Layers


@st.composite
def networks(draw):
    inputs, outputs = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    layers = [
        *layers_of_any_kind(draw, inputs, ALONE, most=3),
        cr.Residual(*layers_of_any_kind(draw, 3, ALONE, most=2), cr.Dense(5, "tanh")),
        cr.Dense(draw(st.integers(1, 5)), draw(st.sampled_from(["tanh", "identity"]))),
        *draw(st.lists(st.sampled_from([cr.Dropout(0.5), cr.LayerNorm(), cr.Activate("relu")]))),
    ]
    return [as_told(each) for each in layers], inputs, outputs


@settings(max_examples=2, phases=[Phase.generate])
@given(st.lists(networks(), min_size=60, max_size=60))
def test_fitted_layers_are_a_network(nets):
    fitted = ask("fitted", {"choices": CHOICES, "nets": nets})
    for (_, inputs, outputs), own in zip(nets, fitted, strict=True):
        layers = [layer_of(each) for each in own["made"]]
        net = cr.Network(inputs, layers, "half_squared_error")
        assert [*net.widths] == own["widths"]
        assert net.outputs == outputs
        assert chain.ends_in(layers, "identity") == own["end"]


def test_new_layers_are_layers():
    made = ask("made", {"choices": CHOICES, "widths": [1, 3]})
    for width, told in made:
        cr.Network(width, [layer_of(told), cr.Dense(1)], "huber").init()
    assert {kind for _, (kind, _) in made} == {*MENU}


def test_weights_are_numbered_as_in_python():
    layers = [cr.Dense(3), cr.LayerNorm(), cr.Residual(cr.Dense(2), cr.Dense(3)), cr.Dense(2)]
    params = cr.Network(2, layers, "huber").init()
    named = dict(named_leaves(params))
    tensors = [np.atleast_2d(leaf.T).T.shape for leaf in leaves(params)]
    places = [[k, place] for k, leaf in enumerate(leaves(params)) for place in range(leaf.size)]
    told = {
        "names": [*named],
        "tensors": [{"rows": rows, "columns": columns} for rows, columns in tensors],
        "places": places,
    }
    expected = [number(params, [*named][k], place) for k, place in places]
    assert ask("numbered", told) == expected


# Numbers


def test_what_two_numbers_may_not_be_together_is_refused():
    values = {
        "momentum": [0, 0.5],
        "dampening": [0, 0.25],
        "nesterov": [False, True],
        "step_min": [1e-6, 1],
        "step_max": [0.5, 50],
    }
    asked, expected = [], []
    for kind in OPTIMIZERS.values():
        fields = [each.name for each in dataclasses.fields(kind) if each.name in values]
        for own in itertools.product(*(values[name] for name in fields)):
            asked.append(dict(zip(fields, own, strict=True)))
            expected.append(can_be(kind, **asked[-1]))
    assert [own == "goes" for own in ask("together", asked)] == expected
    assert not all(expected)


@pytest.mark.parametrize(
    ("text", "bounds", "number"),
    [
        ("0.5", {}, 0.5),
        (" 1e-3 ", {"above": 0}, 1e-3),
        ("1,5", {}, 1.5),
        ("−2", {"least": -2}, -2),
        ("abc", {}, None),
        ("", {}, None),
        ("1e999", {}, None),
        ("0x10", {}, None),
        ("NaN", {}, None),
        ("2.5", {"whole": True}, None),
        ("0", {"above": 0}, None),
        ("1", {"below": 1}, None),
        ("1", {"most": 1}, 1),
    ],
)
def test_what_is_typed_is_a_number_within_bounds_or_refused(text, bounds, number):
    [own] = ask("typed", [[text, bounds]])
    if number is None:
        assert own == {
            "word": "check.number",
            "holes": {"name": "it", "bounds": bounds, "got": text},
        }
    else:
        assert own == number


# States that suit


def suits(*asked):
    return ask("suits", {"choices": CHOICES, "asked": asked})


def test_a_change_brings_what_must_go_along():
    wide, tanh = (
        {"units": units, "activation": name} for units, name in ((7, "relu"), (2, "tanh"))
    )
    ended = {"net": {"loss": "squared_error", "layers": [["dense", tanh]]}}
    quantity, one, linear, added = suits(
        [{}, [["data.set", "sine"]], True],
        [{}, [["net.loss", "binary_cross_entropy"]], True],
        [ended, [["net.loss", "cross_entropy"]], True],
        [{}, [["net.layers", [["dense", wide]]]], True],
    )
    assert quantity["net.loss"] == "half_squared_error"
    assert quantity["net.layers"][-1][1]["units"] == 1
    assert one["net.layers"][-1][1]["units"] == 1
    assert linear["net.layers"] == [["dense", {"units": 2, "activation": "identity"}]]
    assert added["net.layers"] == [["dense", {"units": 2, "activation": "identity"}]]


def test_an_end_that_does_not_suit_the_loss_is_refused():
    layers = [["dense", {"units": 2, "activation": "tanh"}]]
    [own] = suits([{}, [["net.layers", layers]], False])
    holes = {"loss": "cross_entropy", "link": "softmax", "activation": "tanh"}
    assert own == {"word": "network.link", "holes": holes}


def test_changes_made_together_are_taken_back_as_one():
    changes = [["data.set", "xor"], ["net", {"layers": []}], ["net.loss", "huber"]]
    assert ask("undone", changes) == [True, True, False, 1]


# Words


def test_what_a_field_is_for_is_said_as_python_says_it():
    english = json.loads(file_of(PACKAGE, "words/en.json"))
    for table in ("optimizers", "schedules"):
        for kind, fields in CHOICES[table].items():
            for name, field in fields.items():
                said = english.get(f"field.{kind}.{name}") or english[f"field.{name}"]
                assert said == field["help"]
    own = {name: json.loads(file_of(PACKAGE, f"words/{name}.json")) for name in LANGUAGES}
    for kind, fields in ((kind, CHOICES["layers"][kind]) for kind in MENU):
        for name in {*fields} - {"layers"}:
            for table in own.values():
                assert table.get(f"field.{kind}.{name}") or table[f"field.{name}"]
