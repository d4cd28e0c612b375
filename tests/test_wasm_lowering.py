"""Programs that pages lay out by patterns, beside those that layers lower themselves into."""

import dataclasses
import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.activations import ACTIVATIONS
from chainrule.engine.program import Program
from chainrule.engine.wasm.lowering_patterns import lowering_patterns
from chainrule.engine.wasm.plain_program import plain_program
from chainrule.layers.chain import widths
from strategies import layers_of_any_kind
from wasm_cases import NODE, SOURCES

PATTERNS = lowering_patterns()
PARAMETERS = {name: (*row.parameters, None)[0] for name, row in ACTIVATIONS.items()}


def as_told(layer):
    """A layer as a page has it: its kind and its options."""
    names = [field.name for field in dataclasses.fields(layer)]
    given = {name: getattr(layer, name) for name in names}
    options = {
        name: [as_told(each) for each in value] if name == "layers" else value
        for name, value in given.items()
    }
    return [layer.kind, options]


ALONE = sorted({*PATTERNS} - {"residual"})


@st.composite
def networks(draw):
    inputs = draw(st.integers(1, 4))
    layers = layers_of_any_kind(draw, inputs, ALONE, most=4)
    width = widths(layers, inputs)[-1]
    for _ in range(draw(st.integers(0, 2))):
        within = layers_of_any_kind(draw, width, ALONE, most=2)
        layers.append(cr.Residual(*within, cr.Dense(width)))
    layers.append(cr.Dense(draw(st.integers(1, 3)), draw(st.sampled_from(sorted(ACTIVATIONS)))))
    layers.append(cr.Activate("leaky_relu(0.2)"))
    return cr.Network(inputs, layers, "squared_error", check=False)


def test_which_kinds_have_a_pattern():
    assert {*cr.layers.LAYERS} - {*PATTERNS} == {"members"}


@pytest.mark.skipif(NODE is None, reason="there is no Node")
@settings(max_examples=3)
@given(st.lists(networks(), min_size=100, max_size=100))
def test_random_networks(nets):
    programs = [plain_program(Program(net, trains=True)) for net in nets]
    told = {
        "patterns": PATTERNS,
        "activations": PARAMETERS,
        "nets": [
            {"inputs": net.inputs, "layers": [*map(as_told, net.layers)], "heads": own["heads"]}
            for net, own in zip(nets, programs, strict=True)
        ],
    }
    command = [NODE, Path(__file__).with_name("wasm_lowering.js"), SOURCES / "wasm_lowering.js"]
    done = subprocess.run(
        command, input=json.dumps(told), capture_output=True, text=True, check=True
    )
    for own, got in zip(programs, json.loads(done.stdout), strict=True):
        assert {**got, "work": own["work"]} == json.loads(json.dumps(own))
