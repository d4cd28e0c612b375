"""What a page's engine is told: the network's program, how it is trained, and where the numbers of
each place lie; why there is none."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule import losses
from chainrule.activations import activation
from chainrule.backprop import forward
from chainrule.engine.program import Program, UnsupportedError, for_predictions
from chainrule.engine.session import NAMES, numbers_of
from chainrule.engine.wasm.plain_program import plain_program
from chainrule.explanation.core_numbers import at_path
from chainrule.explanation.derivation_steps import Derivation, Step
from chainrule.explanation.expressions import Quantity, walk
from chainrule.explanation.notation import COST, Key
from chainrule.explanation.unit_places import Places, is_parameter
from chainrule.layers import Layer
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
    tensor and how many numbers a row of it has; it may be of an activation that is `joint`, of all
    units together.

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
    made = {"x": values.x, "z": values.z, "a": a, "copy": copy, "tensors": tensors}
    row = activation(getattr(place.layer, "activation", "identity"))
    return made | ({"joint": True} if row.pull is not None else {})


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

    >>> net = cr.Network(1, [cr.Dense(1)], loss="squared_error")
    >>> why_fixed(cr.explain(net, net.init(), [1.0], of="o1", by="w1").derivation)
    'they are no derivatives of the cost'
    """
    heads = losses.loss(d.net.loss).heads(d.net.outputs)
    by_value = _moved_by_value(d)
    batch = d.draw and any(layer.training_only or layer.over_batch for layer in _layers(d.at))
    reasons = {
        "they are no derivatives of the cost": d.of != COST,
        f"what enters {by_value}, which its formulas hang on, can change": bool(by_value),
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


def input_bounds(d: Derivation) -> dict[int, list[list[float | None]]]:
    """Return from where and to below where inputs have the same formulas, of each for each example.

    Of an input for which they are always the same there is nothing; None stands for no bound.

    >>> net = cr.Network(1, [cr.Embedding([3], 1), cr.Dense(1)], loss="squared_error")
    >>> input_bounds(cr.explain(net, net.init(), [5.0], [1.0], of="w1").derivation)
    {0: [[2.5000000000000004, None]]}
    """
    low, high = np.full(d.data.X.shape, -np.inf), np.full(d.data.X.shape, np.inf)
    for _, columns, bounds in _by_value(d):
        for k, column in columns.items():
            low[:, column] = np.maximum(low[:, column], bounds[0][:, k])
            high[:, column] = np.minimum(high[:, column], bounds[1][:, k])
    bounds = np.stack([low, high], axis=2)
    found = np.flatnonzero(np.any(np.isfinite(bounds), axis=(0, 2)))
    return {int(k): [[*map(_finite, row)] for row in bounds[:, k].tolist()] for k in found}


def _finite(bound: float) -> float | None:
    return bound if math.isfinite(bound) else None


def _moved_by_value(d: Derivation) -> str:
    """A layer whose formulas hang on numbers that are no inputs of the network as they are."""
    for layer, columns, bounds in _by_value(d):
        hangs = np.any(np.isfinite(bounds[0]) | np.isfinite(bounds[1]), axis=0)
        if any(k not in columns for k in np.flatnonzero(hangs)):
            return type(layer).__name__
    return ""


def _by_value(d: Derivation) -> Iterator[tuple[Layer, dict[int, int], Any]]:
    """Layers whose formulas hang on what enters: the network's inputs among that, the bounds."""
    inputs = {-1: {k: k for k in range(d.net.inputs)}}  # of each place those that leave as they are
    trace = forward(d.net, d.params, d.data.X, d.draw, check=False)
    for k, place in enumerate(d.at.layers):
        columns = inputs.get(place.sources[0], {}) if len(place.sources) == 1 else {}
        x: Any = getattr(at_path(trace, place.seen), "x", None)
        if bounds := place.layer.formula_bounds(x):
            yield place.layer, columns if len(x) == len(d.data.X) else {}, bounds
        if layout := place.layer.layout(place.inputs):
            inputs[k] = {layout.place(j): columns[j] for j in layout.passed if j in columns}


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
