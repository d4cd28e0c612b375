"""The formulas of activations, losses, optimizers and penalties, each written down once."""

from __future__ import annotations

import contextlib
import itertools
from typing import Any

import numpy as np

from chainrule import activations
from chainrule.activations import ACTIVATIONS
from chainrule.batches import Examples
from chainrule.explanation import derivation, mean_and_penalty, sums, updates, working, working_loss
from chainrule.explanation.derivation_steps import Step
from chainrule.explanation.expressions import Quantity, walk
from chainrule.explanation.formulas import (
    ACTIVATION_FORMULAS,
    LOSS_FORMULAS,
    Formula,
    minus_log,
    number,
    smoothed,
)
from chainrule.explanation.forward_backward import Passes
from chainrule.explanation.line_patterns.pattern_trees import Marks, step_list, tree
from chainrule.explanation.line_patterns.recording_sheet import UNIT, RecordedSoftmax
from chainrule.explanation.mean_and_penalty import Means
from chainrule.explanation.notation import Key
from chainrule.explanation.updates import update
from chainrule.fields import fields_of
from chainrule.layers import LAYERS
from chainrule.losses import LOSSES
from chainrule.network import Network
from chainrule.optimizers import OPTIMIZERS, Optimizer

PARAMETERS = (0.0109, 0.0113)
"""The marks of the parameters of a row; of each its half is known too."""

OUTPUTS = 1031
"""The mark of how many outputs there are."""


def _marks(values: dict[Any, str]) -> Marks:
    return {number(value).text: name for value, name in values.items()}  # type: ignore[union-attr]


def _of_parameters(count: int) -> Marks:
    known: dict[Any, str] = {OUTPUTS: "outputs"}
    for k, value in enumerate(PARAMETERS[:count]):
        known |= {value: f"parameter {k}", value / 2: f"half parameter {k}"}
    return _marks(known)


def _hole(name: str) -> Quantity:
    """What is put in where a formula is used."""
    return Quantity(Key(f"={name}"), 0.5)


# Activations


def activation_patterns() -> dict[str, Any]:
    """Return value and slope of each activation, without parameters and with as many as it takes.

    >>> activation_patterns()["leaky_relu"]["default"]
    [0.01]
    """
    return {name: _activation(name) for name in ACTIVATIONS}


def _activation(name: str) -> dict[str, Any]:
    row = ACTIVATIONS[name]
    found: dict[str, Any] = {"default": [*row.parameters], "joint": row.pull is not None}
    if name not in ACTIVATION_FORMULAS:
        return found
    family = activations.FAMILIES.get(name)
    if family and row.parameters != (1.0,) and not family(1.0).parameters:
        found["bare"] = 1  # the parameter that is not written
    counts = {len(row.parameters), 1 if family else 0}
    return found | {
        str(count): [_facet(name, facet, count) for facet in (0, 1)] for count in counts
    }


def _facet(name: str, facet: int, count: int) -> dict[str, Any]:
    """One formula: its tree, its letters, and where these are written."""
    given = map(number, PARAMETERS[:count])
    z, a = _hole("z"), _hole("a")
    made: Formula = ACTIVATION_FORMULAS[name][facet](z, a, *given)
    marks = _of_parameters(count)
    lets = [Step(q.key, e, q.value, when=made.when) for q, e in made.lets]
    return {"tree": tree(made.expression, marks), "lets": [step_list(s, marks) for s in lets]}


# Losses


def loss_patterns() -> dict[str, Any]:
    """Return share and slope of each loss of the table, and what it takes.

    >>> loss_patterns()["huber"]["parameters"]
    [1.0]
    """
    return {name: _loss(name) for name in LOSSES}


def _loss(name: str) -> dict[str, Any]:
    row = LOSSES[name]
    count = 0 if row.link_name else len(row.parameters)
    linked = row.link_name in ("softmax", "sigmoid")
    first, y = _hole("p" if linked else "a"), _hole("y")
    more: list[Any] = [_hole("a")] if row.link_name == "sigmoid" else []
    more += map(number, PARAMETERS[:count])
    made = LOSS_FORMULAS[name]
    o, marks = number(OUTPUTS), _of_parameters(count)
    return {
        "parameters": [*row.parameters],
        "link": row.link_name,
        "value": tree(made.value(first, y, o, *more), marks),
        "slope": tree(made.slope(first, y, o, *more), marks),
    }


def softmax_patterns() -> dict[str, Any]:
    """Return a softmax: its letters, a share, −ln of one, and a smoothed label.

    >>> [key[3] for key, *_ in softmax_patterns()["letters"]]
    ['m', 'S']
    """
    softmax = RecordedSoftmax(lambda j: Quantity(Key("=z", 0, j), 0.5), ["#", "outputs"])
    p, t, whole = _hole("p"), _hole("t"), softmax.whole.quantity
    exponent, marks = _hole("exponent"), _of_parameters(1)
    y, s, o = _hole("y"), number(PARAMETERS[0]), number(OUTPUTS)
    return {
        "letters": [step_list(step) for step in softmax.letters()],
        "exponent": tree(softmax.exponent(UNIT)),
        "share": tree(softmax.share(UNIT)),
        "alone": tree(minus_log(p, t, exponent, whole, None)),
        "among": tree(minus_log(p, t, exponent, whole, _hole("others"))),
        "smoothed": tree(smoothed(y, s, o), marks),
    }


# Updates


def optimizer_patterns() -> dict[str, Any]:
    """Return the lines of each optimizer, by which of its numbers are 0.

    A variant is named by the options that are not 0, of those that a formula depends on.

    >>> made = optimizer_patterns()["sgd"]
    >>> made["asked"], sorted(made["variants"])
    (['momentum', 'nesterov', 'dampening'], ['', 'momentum', 'momentum dampening', ...])
    """
    return {name: _optimizer(kind) for name, kind in OPTIMIZERS.items()}


def _optimizer(kind: Any) -> dict[str, Any]:
    """The lines by the options that are not 0, of those on which their shape depends."""
    values = _marked(kind)
    made: dict[tuple[str, ...], Any] = {}
    for count in range(len(values) + 1):
        for off in itertools.combinations(values, count):
            with contextlib.suppress(ValueError):  # an option may not be 0, or excludes another
                zeros = {name: type(values[name])(0) for name in off}
                rule = kind(learning_rate=0.5, **{**values, **zeros})
                made[off] = _lines(rule, {n: v for n, v in values.items() if n not in off})
    shapes = {off: _shape(lines) for off, lines in made.items()}
    asked = [
        name
        for name in values
        if any(shapes[off] != shapes.get(_without(off, name), shapes[off]) for off in made)
    ]
    kept = {off: lines for off, lines in made.items() if {*off} <= {*asked}}
    variants = {" ".join(n for n in asked if n not in off): lines for off, lines in kept.items()}
    return {"asked": asked, "variants": variants}


def _without(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple(each for each in names if each != name)


def _marked(kind: type[Optimizer]) -> dict[str, Any]:
    """The options of an optimizer but its rate, marked within their bounds; a choice is on."""
    found: dict[str, Any] = {}
    for k, (name, field) in enumerate(fields_of(kind).items()):
        if name != "learning_rate":
            mark = round(0.0101 + 0.0002 * k, 4)
            found[name] = isinstance(field.default, bool) or mark
            with contextlib.suppress(ValueError):
                field.type.read(found[name], name)
                continue
            found[name] = 1 + mark
    return found


def _shape(part: Any) -> Any:
    """Lines without their numbers."""
    if isinstance(part, dict):
        return {name: _shape(each) for name, each in part.items()}
    if isinstance(part, list):
        return "#" if part[:1] in (["#"], ["n"]) else [_shape(each) for each in part]
    return part


STATES = (0.0301, 0.0303)
"""The marks of the state's numbers."""


def _lines(made: Optimizer, values: dict[str, Any]) -> dict[str, Any]:
    """The names of the state's numbers, the lines of a weight, and those of what does not decay."""
    names: dict[Any, str] = {v: name for name, v in values.items() if not isinstance(v, bool)}
    marks = _marks(names)
    state = STATES[: len(made.init(np.array([0.5])))]
    roles = {
        role: update(made, _hole("w"), _hole("g"), state, 1, decays=role == "weight")
        for role in ("weight", "other")
    }
    letters = {
        part.value: part.key.text
        for step in roles["weight"]
        for part in walk(step.formula or step.quantity)
        if isinstance(part, Quantity) and part.value in state
    }
    lines = {role: [step_list(step, marks) for step in steps] for role, steps in roles.items()}
    if lines["other"] == lines["weight"]:
        del lines["other"]
    return {"state": [letters[value] for value in state], **lines}


# The penalty

L1, L2 = 0.0127, 0.0131


def penalty_patterns() -> dict[str, Any]:
    """Return the lines of the penalty of one weight, with l1, l2 or both, and its derivatives.

    >>> sorted(penalty_patterns())
    ['l1', 'l1 l2', 'l2']
    """
    return {
        " ".join(chosen): _penalty(**{name: {"l1": L1, "l2": L2}[name] for name in chosen})
        for chosen in (("l1",), ("l2",), ("l1", "l2"))
    }


def _penalty(**rates: Any) -> dict[str, Any]:
    first = next(iter(LAYERS.values())).example(1)
    net = Network(1, [first], "squared_error", **rates)
    x = np.array([[1.0]])
    passes = Passes(net, net.init(dtype="float64"), Examples(x, x, None))
    marks = _marks({L1: "l1", L2: "l2"})
    w, b = Key("w"), Key("b")
    *whole, of_w, of_b = Means(passes, [0], 1).penalty([w, b])
    return {
        "whole": [step_list(step, marks) for step in whole],
        "weight": step_list(of_w, marks),
        "other": step_list(of_b, marks),
    }


def words() -> dict[str, str]:
    """Return what is said of parts and lines.

    >>> words()["forward"]
    'Forward'
    """
    d, m = derivation, mean_and_penalty
    return {
        "rule": d.RULE,
        "forward": d.FORWARD,
        "cost": d.THE_COST,
        "backward": d.BACK,
        "of example": d.OF_EXAMPLE,
        "mean": d.MEAN,
        "penalty": d.PENALTY,
        "update": d.UPDATE,
        "each factor": d.CHAIN,
        "joined": d.JOINED,
        "delta": d.BACKWARD,
        "alike": m.ALIKE,
        "of weights": m.OF_WEIGHTS,
        "frozen": updates.FROZEN,
        "every way": working.EVERY_WAY,
        "through gates": working.THROUGH_GATES,
        "smoothed": working_loss.SMOOTHED,
        "sigmoid": working_loss.SIGMOID,
        "others": sums.OTHERS,
        "every": sums.EVERY,
        "each 0": sums.EACH_0,
    }
