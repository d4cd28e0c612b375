"""What a page's engine is told: the module, the network's program, how it is trained, and where the
numbers of each layer lie."""

from __future__ import annotations

from typing import Any

from chainrule.engine.program import for_predictions
from chainrule.engine.session import NAMES, numbers_of
from chainrule.engine.wasm import engine_data
from chainrule.engine.wasm.plain_program import plain_program
from chainrule.explanation.derivation_steps import Derivation
from chainrule.optimizers import SGD
from chainrule.record import Plan


def page_engine(d: Derivation) -> dict[str, Any]:
    """Return what is embedded for the engine, of a chain of dense layers.

    A layer has the numbers of its values, and of its tensors W and b.

    >>> net = cr.Network(1, [cr.Dense(1, "tanh")], loss="half_squared_error")
    >>> page_engine(cr.explain(net, net.init(), [1.0], [1.0], of="w1").derivation)["layers"]
    [{'x': 0, 'z': 1, 'a': 2, 'tensors': [0, 1]}]
    """
    program = for_predictions(d.net)
    plain = plain_program(program)
    layers = plain.pop("layers")
    return {
        "module": engine_data("float64"),
        "program": plain,
        "run": _run(d),
        "layers": [
            layers[place.path] | {"tensors": [program.numbers[f"{place.path}.{p}"] for p in "Wb"]}
            for place in d.at.layers
        ],
    }


def _run(d: Derivation) -> dict[str, Any]:
    """How a round of training is made: of all examples at once."""
    frozen = d.made.frozen if d.made else frozenset()
    optimizer = d.made.optimizer if d.made else SGD(0.0)
    plan = Plan(d.net, optimizer, 0, frozen, None, None)
    numbers = for_predictions(d.net).numbers
    return {
        "optimizer": NAMES[type(optimizer)],
        "numbers": numbers_of(plan),
        "batch": len(d.data.X),
        "frozen": sorted(numbers[name] for name in frozen),
        "sums": d.net.reduction == "sum",
    }
