"""What a page's engine is told: the network's program, how it is trained, and where the numbers of
each place lie; why there is none."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from chainrule import losses
from chainrule.engine.program import Program, UnsupportedError, for_predictions
from chainrule.engine.session import NAMES, numbers_of
from chainrule.engine.wasm.plain_program import plain_program
from chainrule.explanation.derivation import joint_layers
from chainrule.explanation.derivation_steps import Derivation, Step
from chainrule.explanation.expressions import Quantity, walk
from chainrule.explanation.notation import COST, Key
from chainrule.explanation.unit_places import Places, is_parameter
from chainrule.optimizers import SGD, init_states
from chainrule.record import Plan
from chainrule.rows import is_own
from chainrule.trees import named_leaves


def numbers(values: Any) -> str:
    """Return numbers as base64: in single precision where that is exact.

    >>> numbers(np.array([1.0]))
    'f4:AACAPw=='
    """
    wide = np.ascontiguousarray(values, "<f8")
    with np.errstate(over="ignore"):
        narrow = wide.astype("<f4")
    kind, kept = ("f4", narrow) if np.array_equal(narrow, wide) else ("f8", wide)
    return f"{kind}:{base64.b64encode(kept.tobytes()).decode()}"


def page_engine(d: Derivation) -> dict[str, Any]:
    """Return what is embedded for the engine.

    A place has the numbers of its values, its copy of them, and of each of its parameters the
    tensor and how many numbers a row of it has.

    >>> net = cr.Network(1, [cr.Dense(1, "tanh")], loss="half_squared_error")
    >>> page_engine(cr.explain(net, net.init(), [1.0], [1.0], of="w1").derivation)["places"]
    [{'x': 0, 'z': 1, 'a': 2, 'copy': 0, 'tensors': {'W': [0, 1], 'b': [1, 1]}}]
    """
    program = for_predictions(d.net)
    plain = plain_program(program)
    del plain["layers"]
    return {
        "program": plain,
        "run": _run(d),
        "places": [_place(k, d.at, program) for k in range(len(d.at.layers))],
        "tensors": _tensors(d),
    }


def _place(k: int, at: Places, program: Program) -> dict[str, Any]:
    place = at.layers[k]
    values = program.layers[place.path]
    in_front = place.member and place.path.isdecimal()  # of what members share: what enters them
    a = program.layers[at.next[k].path].x if in_front else values.a
    shapes = {
        name.removeprefix(f"{place.path}."): (name, shape)
        for name, shape in at.shapes.items()
        if name.startswith(f"{place.path}.")
    }
    tensors = {
        letter: [program.numbers[name], shape[-1] if len(shape) > 1 else 1]
        for letter, (name, shape) in shapes.items()
    }
    copy = max(place.member - 1, 0)
    return {"x": values.x, "z": values.z, "a": a, "copy": copy, "tensors": tensors}


def _tensors(d: Derivation) -> list[list[Any]]:
    """Each parameter, and its part of the optimizer's state."""
    leaves = [leaf for _, leaf in named_leaves(d.params)]
    made = d.made
    states: list[Any] = [()] * len(leaves)
    if made:
        states = made.states or init_states(made.optimizer, d.params)
    pairs = zip(leaves, states, strict=True)
    return [[numbers(leaf), [numbers(part) for part in state]] for leaf, state in pairs]


def _run(d: Derivation) -> dict[str, Any]:
    """How a round of training is made: of all examples at once."""
    made = d.made
    frozen = made.frozen if made else frozenset()
    bounds = (made.clip_value, made.clip_norm) if made else (None, None)
    optimizer = made.optimizer if made else SGD(0.0)
    plan = Plan(d.net, optimizer, 0, frozen, *bounds)
    tensors = for_predictions(d.net).numbers
    return {
        "optimizer": NAMES[type(optimizer)],
        "numbers": numbers_of(plan),
        "batch": len(d.data.X),
        "frozen": sorted(tensors[name] for name in frozen),
        "sums": d.net.reduction == "sum",
    }


# What it cannot work out


def why_fixed(d: Derivation) -> str:
    """Return why the page only shows the core's numbers, or "" where it works them out.

    >>> net = cr.Network(2, [cr.Dense(2, "softmax")], loss="squared_error")
    >>> why_fixed(cr.explain(net, net.init(), [1.0, 2.0], [1.0, 0.0], of="w1").derivation)
    'an activation is of all units of a layer'
    """
    heads = losses.loss(d.net.loss).heads(d.net.outputs)
    batch = d.draw and any(layer.training_only or layer.over_batch for layer in _layers(d.at))
    reasons = {
        "they are no derivatives of the cost": d.of != COST,
        "parameters are tied": bool(d.at.ties),
        f"the formulas of {_by_value(d.at)} hang on what enters": bool(_by_value(d.at)),
        "an activation is of all units of a layer": bool(joint_layers(d.net)),
        "the optimizer is one of your own": d.made is not None
        and type(d.made.optimizer) not in NAMES,
        "a loss is one of your own": any(is_own(losses.loss, head.loss) for head in heads),
        "they are those of a step with its draws and its batch": bool(batch),
    }
    try:
        for_predictions(d.net)
    except UnsupportedError as error:
        return str(error)
    return next((reason for reason, holds in reasons.items() if holds), "")


def _by_value(at: Places) -> str:
    """A layer whose formulas are others where other numbers enter."""
    found = (type(layer).__name__ for layer in _layers(at) if layer.works_by_value)
    return next(found, "")


def _layers(at: Places) -> list[Any]:
    gates = (gate for own in at.gates.values() for gate in own)
    return [place.layer for place in (*at.layers, *gates, *at.next.values())]


def why_unknown(derivations: list[Derivation]) -> str:
    """Return which quantity of derivations neither the engine nor a line that is whole gives.

    >>> net = cr.Network(2, [cr.Dense(1)], loss="squared_error")
    >>> why_unknown([cr.explain(net, net.init(), [1.0, 2.0], [1.0], of="w1").derivation])
    ''
    """
    for derivation in derivations:
        for step in derivation.steps():
            if not _is_worked_out(step):
                return "a layer sums more terms than are written"
    return ""


def _is_worked_out(step: Step) -> bool:
    """Whether the page finds the number of a line: where its formula is cut, the engine has it."""
    if step.formula:
        parts = (part for part in walk(step.formula) if isinstance(part, Quantity))
        if all(part.key.kind != "rest" for part in parts):
            return True
    return _is_known(step.key)


LETTERS = ("m", "S", "|z|", "Σ|w|", "Σw²", "Σ weight", "mean weight", "|g|", "η")
"""What stands for numbers of the whole network."""


def _is_known(key: Key) -> bool:
    if key.kind == "d":
        of, by = key.of
        return of.kind in ("C", "L") and not (of.example and is_parameter(by))
    if key.kind == "letter":
        return key.text in LETTERS
    return key.kind in ("x", "z", "a", "delta", "y", "loss", "p", "C", "L") or is_parameter(key)
