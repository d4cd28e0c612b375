r"""The root of a mean square, which graphs of ONNX spell out operator by operator.

    x / √(mean(x²) + ε) · gamma        gamma   (i,)

The square is x · x or x to the power 2, and the division one, or a product with the reciprocal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from chainrule.interop.onnx_activations import shortest
from chainrule.trees import Array

FEATURES = ([1], [-1])
"""The axes of a mean over the features of rows (n, i)."""


class Step(NamedTuple):
    """What a value is of x: "square", "mean", "sum", "root", "inverse" or "scaled"."""

    kind: str
    x: str
    epsilon: float = 0.0


class RootMeanSquares:
    """The values of a graph that are on the way to such a quotient, by their names.

    >>> RootMeanSquares({}).steps
    {}
    """

    constants: Mapping[str, Array]
    steps: dict[str, Step]

    def __init__(self, constants: Mapping[str, Array]) -> None:
        self.constants, self.steps = constants, dict[str, Step]()

    def note(self, node: Any, given: Mapping[str, Any]) -> Step | None:
        """Return what a node with such attributes makes, None where it is none of these steps."""
        rule = RULES.get(node.op_type)
        step = rule(self, [*node.input], given) if rule and not node.domain else None
        if step:
            self.steps[node.output[0]] = step
        return step

    def of(self, name: str, kind: str) -> Step | None:
        """Return the step that a value is, if it is of a kind."""
        step = self.steps.get(name)
        return step if step and step.kind == kind else None

    def number(self, name: str) -> float | None:
        """Return a constant that is one number."""
        array = self.constants.get(name)
        return float(array.ravel()[0]) if array is not None and array.size == 1 else None


def _product(found: RootMeanSquares, inputs: list[str], given: Mapping[str, Any]) -> Step | None:
    one, other = inputs
    if one == other:
        return Step("square", one)
    for x, inverse in ((one, other), (other, one)):
        step = found.of(inverse, "inverse")
        if step and step.x == x:
            return step._replace(kind="scaled")
    return None


def _power(found: RootMeanSquares, inputs: list[str], given: Mapping[str, Any]) -> Step | None:
    exponent, step = found.number(inputs[1]), found.of(inputs[0], "sum")
    if step and exponent == -0.5:
        return step._replace(kind="inverse")
    return Step("square", inputs[0]) if exponent == 2 else None


def _mean(found: RootMeanSquares, inputs: list[str], given: Mapping[str, Any]) -> Step | None:
    step, axes = found.of(inputs[0], "square"), given.get("axes")
    if len(inputs) > 1 and inputs[1] in found.constants:
        axes = found.constants[inputs[1]].tolist()
    if axes is not None and not isinstance(axes, list):
        raise ValueError(f"axes must be a list of whole numbers, got {axes!r}")
    over = axes in FEATURES and given.get("keepdims", 1) == 1
    return step._replace(kind="mean") if step and over else None


def _sum(found: RootMeanSquares, inputs: list[str], given: Mapping[str, Any]) -> Step | None:
    for mean, number in (inputs, inputs[::-1]):
        step, epsilon = found.of(mean, "mean"), found.number(number)
        if step and epsilon is not None:
            return Step("sum", step.x, shortest(epsilon))
    return None


def _root(found: RootMeanSquares, inputs: list[str], given: Mapping[str, Any]) -> Step | None:
    step = found.of(inputs[0], "sum")
    return step._replace(kind="root") if step else None


def _inverse(found: RootMeanSquares, inputs: list[str], given: Mapping[str, Any]) -> Step | None:
    step = found.of(inputs[0], "root")
    return step._replace(kind="inverse") if step else None


def _quotient(found: RootMeanSquares, inputs: list[str], given: Mapping[str, Any]) -> Step | None:
    step = found.of(inputs[1], "root")
    if step and step.x == inputs[0]:
        return step._replace(kind="scaled")
    return step._replace(kind="inverse") if step and found.number(inputs[0]) == 1 else None


RULES = {
    "Add": _sum,
    "Div": _quotient,
    "Mul": _product,
    "Pow": _power,
    "Reciprocal": _inverse,
    "ReduceMean": _mean,
    "Sqrt": _root,
}
"""The operators, with what they make of these steps."""

TAKES: dict[str, tuple[int, ...]] = {"ReduceMean": (1, 2), "Reciprocal": (1,), "Sqrt": (1,)}
"""How many values they take; all others 2."""


def check_inputs(node: Any) -> None:
    """Raise ValueError where one of these operators takes more or fewer values than it must.

    >>> import onnx
    >>> check_inputs(onnx.helper.make_node("Mul", ["x"], ["y"]))
    Traceback (most recent call last):
    ...
    ValueError: must take 2 values, got 1: ['x']
    """
    must = TAKES.get(node.op_type, (2,))
    if node.op_type in RULES and not node.domain and len(node.input) not in must:
        raise ValueError(
            f"must take {' or '.join(map(str, must))} value{'s' * (must != (1,))}, got "
            f"{len(node.input)}: {list(node.input)}"
        )
