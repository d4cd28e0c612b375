"""What can be chosen in the playground is what the tables hold."""

import json

import chainrule as cr
from chainrule.engine.wasm.lowering_patterns import lowering_patterns
from chainrule.playground.choices import choices

CHOICES = choices()


def test_every_row_of_every_table_can_be_chosen():
    tables = {
        "activations": cr.activations.ACTIVATIONS,
        "losses": cr.losses.LOSSES,
        "optimizers": cr.optimizers.OPTIMIZERS,
        "schedules": cr.schedules.SCHEDULES,
        "layers": lowering_patterns(),
    }
    assert {name: [*rows] for name, rows in CHOICES.items()} == {
        name: [*rows] for name, rows in tables.items()
    }


def test_choices_are_what_json_holds():
    assert json.loads(json.dumps(CHOICES, allow_nan=False)).keys() == CHOICES.keys()


def test_a_number_has_the_bounds_that_its_field_has():
    dropout = CHOICES["layers"]["dropout"]["rate"]
    assert (dropout["least"], dropout["below"]) == (0, 1)
    assert CHOICES["optimizers"]["adam"]["learning_rate"]["default"] == cr.Adam().learning_rate
