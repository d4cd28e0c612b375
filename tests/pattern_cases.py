"""Networks with their numbers as a page has them, and what Python explains of them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.explanation.derivation import derive_from
from chainrule.explanation.forward_backward import Passes
from chainrule.explanation.line_patterns import pattern_data, pattern_script
from chainrule.explanation.mathml import MathML
from chainrule.explanation.result import Explanation
from chainrule.explanation.text import Text
from chainrule.html_page.joined_scripts import file_of
from chainrule.optimizers import OPTIMIZERS, init_states
from chainrule.trees import named_leaves
from wasm_cases import NODE

SCRIPT = f"{file_of('chainrule.engine.wasm', 'wasm_lowering.js')}\n{pattern_script()}"
WRITERS = {"text": Text, "mathml": MathML}


def as_told(layer):
    """A layer as a page has it: its kind and its options."""
    options = {
        name: [as_told(each) for each in value] if name == "layers" else value
        for name, value in vars(layer).items()
    }
    return [layer.kind, options]


def _flat(array):
    return [float(v) for v in np.ravel(array)]


def _seen(record):
    mask = getattr(record, "mask", None)
    return {} if mask is None else {"mask": _flat(mask)}


def numbers(passes: Passes) -> dict[str, Any]:
    """The numbers of a pass, place by place."""
    own, at = passes.numbers, passes.at

    def sent(k):
        gates = at.gates.get(k)
        if gates:
            return own.record(gates[-1]).a
        return own.left(k) if k >= 0 else passes.data.X

    def of(k):
        place = at.layers[k]
        record, delta = own.record(place), own.delta(place)
        found = {"a": own.left(k), "sent": sent(k), "da": own.da(k), "dsent": own.passed(k)}
        found |= {"z": record.z} if hasattr(record, "z") else {}
        found |= {"delta": delta} if isinstance(delta, np.ndarray) else {}
        return {name: _flat(each) for name, each in found.items()} | {"seen": _seen(record)}

    return {
        "n": passes.n,
        "X": _flat(passes.data.X),
        "y": _flat(passes.y),
        "x": {"sent": _flat(sent(-1)), "da": _flat(own.da(-1)), "dsent": _flat(own.passed(-1))},
        "places": [of(k) for k in range(len(at.layers))],
        "gates": {k: [_seen(own.record(g)) for g in gates] for k, gates in at.gates.items()},
    }


def _update(made, passes):
    if made is None:
        return None
    states = made.states or init_states(made.optimizer, passes.params)
    names = [name for name, _ in named_leaves(passes.params)]
    return {
        "optimizer": next(n for n, kind in OPTIMIZERS.items() if kind is type(made.optimizer)),
        "options": {k: v for k, v in vars(made.optimizer).items() if k != "learning_rate"},
        "rate": made.optimizer.rate(made.step),
        "step": made.step,
        "states": {
            name: [_flat(part) for part in own] for name, own in zip(names, states, strict=True)
        },
        "frozen": sorted(made.frozen),
    }


def told(passes, key, *, made=None, top=10, notation="mazur", digits=None, formats=("text",)):
    """What a page is told of a derivation."""
    net = passes.net
    return {
        "net": {
            "inputs": net.inputs,
            "layers": [*map(as_told, net.layers)],
            "loss": net.loss,
            "l1": net.l1,
            "l2": net.l2,
            "reduction": net.reduction,
        },
        "parameters": {name: _flat(leaf) for name, leaf in named_leaves(passes.params)},
        "numbers": numbers(passes),
        "trains": passes.draw is not None,
        "of": {"kind": key.kind, "layer": key.layer, "unit": key.unit, "source": key.source}
        | {"text": key.text},
        "top": top,
        "notation": notation,
        "digits": digits,
        "update": _update(made, passes),
        "formats": formats,
    }


def explained(passes, key, *, made=None, top=10, notation="mazur", digits=None, formats=("text",)):
    """The same by Python."""
    explanation = Explanation(derive_from(passes, key, top=top, made=made), notation, digits)
    return [
        [
            {
                "title": part.title,
                "note": part.note,
                "lines": [line._asdict() for line in lines],
            }
            for part, lines in explanation.written(WRITERS[name]())
        ]
        for name in formats
    ]


def filled(cases, patterns=None):
    """What Node makes of cases."""
    given = {"patterns": patterns or pattern_data(), "script": SCRIPT, "cases": cases}
    command = [NODE, Path(__file__).with_name("line_patterns.js")]
    done = subprocess.run(
        command, input=json.dumps(given), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)
