"""What can be chosen in the playground is what the tables hold."""

import json

import pytest

import chainrule as cr
from chainrule.engine.session import IN_ENGINE
from chainrule.engine.wasm.lowering_patterns import lowering_patterns
from chainrule.initialisers import VARIANCES
from chainrule.playground.choices import choices

CHOICES = choices()


def test_every_row_of_every_table_can_be_chosen():
    tables = {
        "activations": cr.activations.ACTIVATIONS,
        "losses": cr.losses.LOSSES,
        "optimizers": cr.optimizers.OPTIMIZERS,
        "schedules": cr.schedules.SCHEDULES,
        "layers": lowering_patterns(),
        "by_column": ["periodic", "piecewise_linear", "embedding"],
        "ends": lowering_patterns(),
        "tensors": lowering_patterns(),
        "initialiser_names": cr.initialisers.INITIALISERS,
        "initialisers": cr.initialisers.VARIANCES,
        "states": cr.optimizers.OPTIMIZERS,
        "classes": cr.optimizers.OPTIMIZERS,
        "in_engine": IN_ENGINE,
    }
    chosen = {name: rows for name, rows in CHOICES.items() if name != "most_weights"}
    assert {name: [*rows] for name, rows in chosen.items()} == {
        name: [*rows] for name, rows in tables.items()
    }


def test_choices_are_what_json_holds():
    assert json.loads(json.dumps(CHOICES, allow_nan=False)).keys() == CHOICES.keys()


def test_a_number_has_the_bounds_that_its_field_has():
    dropout = CHOICES["layers"]["dropout"]["rate"]
    assert (dropout["least"], dropout["below"]) == (0, 1)
    assert CHOICES["optimizers"]["adam"]["learning_rate"]["default"] == cr.Adam().learning_rate


@pytest.mark.parametrize("name", VARIANCES)
def test_the_variance_of_an_initialiser(name):
    counts = CHOICES["initialisers"][name]
    for i, o in [(1, 1), (2, 8), (64, 10), (3, 3)]:
        expected = VARIANCES[name].of(i, o)
        assert 1 / (counts["inputs"] * i + counts["outputs"] * o) == pytest.approx(expected)


def test_what_states_and_parameters_begin_as():
    assert [name for name, own in CHOICES["states"].items() if own] == ["rprop"]
    assert CHOICES["states"]["rprop"] == [0.0, "=learning_rate"]
    assert CHOICES["tensors"]["dense"] == [
        {"name": "W", "axes": 2, "first": "drawn"},
        {"name": "b", "axes": 1, "first": 0.0},
    ]
    assert [own["first"] for own in CHOICES["tensors"]["batch_norm"]] == [1, 0, 0, 1]
    assert CHOICES["tensors"]["residual"] == []
