"""The operators of ONNX that are layers, and those that make numbers of numbers.

W   (o, i)      b   (o,)      gamma, beta, running_mean, running_variance   (i,)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.interop.imported_layers import Imported, dense, gains, taken
from chainrule.interop.onnx_activations import shortest
from chainrule.interop.onnx_file import numbers
from chainrule.layers import Activate, BatchNorm, Dropout, LayerNorm, RMSNorm, Scale
from chainrule.layers.batch_norm import BatchNormParameters
from chainrule.layers.parameter_shapes import copied
from chainrule.layers.rms_norm import RMSNormParameters
from chainrule.layers.scale import ScaleParameters
from chainrule.trees import Array

if TYPE_CHECKING:
    from chainrule.interop.onnx_graph import OnnxGraph

NOT_THERE = (
    "is nothing that Chainrule has: its networks are of dense layers, the activations of the "
    "table, dropout, norms over features, factors and residuals"
)


def input_name(node: Any, k: int) -> str:
    """Return the name of the k-th value that a node takes, "" where it takes none."""
    return node.input[k] if len(node.input) > k else ""


def biases_of(name: str, given: Array, W: Array) -> Array:
    """Return biases (o,) as they stand in a file; raise ValueError where they are not as many.

    >>> biases_of("b", np.array([[1.0]]), np.ones((2, 3)))
    array([1., 1.])
    """
    flat = given[0] if given.ndim == 2 and len(given) == 1 else given
    if flat.ndim > 1 or flat.size not in (1, len(W)):
        raise ValueError(f"{name} must have {len(W)} biases, got numbers of shape {given.shape}")
    return copied(np.broadcast_to(flat, (len(W),)))


def _must(given: dict[str, Any], **allowed: tuple[Any, ...]) -> None:
    """Raise where an attribute, left out as its first, is none of some."""
    for name, values in allowed.items():
        got = given.get(name, values[0])
        if got not in values:
            raise ValueError(f"{name} must be {' or '.join(map(repr, values))}, got {got!r}")


def _number(given: dict[str, Any], name: str, default: float) -> float:
    number = given.get(name, default)
    if not isinstance(number, int | float):
        raise ValueError(f"{name} must be a number, got {number!r}")
    return number


def _single(graph: OnnxGraph, node: Any, k: int) -> float | None:
    """The one number that a node takes as its k-th, None where it takes none."""
    found = graph.numbers(node, k)
    if found is not None and found.size != 1:
        raise ValueError(
            f"{input_name(node, k)!r} must be one number, got numbers of shape {found.shape}"
        )
    return None if found is None else float(found.item())


Reader = Callable[["OnnxGraph", Any, dict[str, Any]], list[Imported]]


def _gemm(graph: OnnxGraph, node: Any, given: dict[str, Any]) -> list[Imported]:
    _must(given, alpha=(1.0,), beta=(1.0,), transA=(0,))
    W = graph.matrix(node, 1, turned=not given.get("transB", 0))
    b = graph.numbers(node, 2)
    return [dense(W, b if b is None else biases_of(repr(node.input[2]), b, W))]


def _product(graph: OnnxGraph, node: Any, given: dict[str, Any]) -> list[Imported]:
    return [dense(graph.products[node.output[0]][1], None)]


def _dropout(graph: OnnxGraph, node: Any, given: dict[str, Any]) -> list[Imported]:
    rate, training = _single(graph, node, 1), graph.constants.get(input_name(node, 2))
    if input_name(node, 2) and (training is None or training.any()):
        raise ValueError("drops when it predicts too: training_mode must be false")
    ratio = _number(given, "ratio", 0.5) if rate is None else rate
    return [Imported(Dropout(shortest(ratio)))]


def _norm(kind: Any, graph: OnnxGraph, node: Any, given: dict[str, Any]) -> list[Imported]:
    _must(given, axis=(-1, 1))
    gamma, beta = graph.numbers(node, 1), graph.numbers(node, 2)
    if gamma is None or gamma.ndim != 1:
        raise ValueError("must have gains, one for each feature of a row")
    own: Any = gains(len(gamma), gamma.dtype, gamma, beta)
    own = own if kind is LayerNorm else RMSNormParameters(own.gamma)
    return [Imported(kind(shortest(_number(given, "epsilon", 1e-5))), own)]


def _batch_norm(graph: OnnxGraph, node: Any, given: dict[str, Any]) -> list[Imported]:
    _must(given, training_mode=(0,), spatial=(1,))
    own = [graph.numbers(node, k) for k in range(1, 5)]
    if any(each is None or each.ndim != 1 for each in own):
        raise ValueError("must have gains, shifts, means and variances of each feature")
    new = float(np.round(1 - _number(given, "momentum", 0.9), 7))  # theirs is what stays
    layer = BatchNorm(new, shortest(_number(given, "epsilon", 1e-5)))
    return [Imported(layer, BatchNormParameters(*own))]


def _clip(graph: OnnxGraph, node: Any, given: dict[str, Any]) -> list[Imported]:
    bounds = [_single(graph, node, k) for k in (1, 2)]
    got = [given.get(n) if b is None else b for n, b in zip(("min", "max"), bounds, strict=True)]
    if got != [-1, 1]:
        raise ValueError(
            f"Clip from {got[0]} to {got[1]} {NOT_THERE}; from -1 to 1 it is hard_tanh"
        )
    return [Imported(Activate("hard_tanh"))]


def _flatten(graph: OnnxGraph, node: Any, given: dict[str, Any]) -> list[Imported]:
    _must(given, axis=(1, -1))
    return []


def _reshape(graph: OnnxGraph, node: Any, given: dict[str, Any]) -> list[Imported]:
    shape = graph.constants.get(input_name(node, 1))
    if shape is None or shape.shape != (2,) or shape[0] not in (-1, 0):
        got = "what it takes" if shape is None else shape.tolist()
        raise ValueError(f"must leave rows as they are, as to [-1, features], got {got}")
    return []


def _power(graph: OnnxGraph, node: Any, given: dict[str, Any]) -> list[Imported]:
    if node.output[0] != graph.file.output:
        raise ValueError(
            f"Exp {NOT_THERE}; at the end of the graph it belongs to the loss 'poisson'"
        )
    graph.ends_in_power = True
    return []


READERS: dict[str, Reader] = {
    "BatchNormalization": _batch_norm,
    "Clip": _clip,
    "Dropout": _dropout,
    "Exp": _power,
    "Flatten": _flatten,
    "Gemm": _gemm,
    "Identity": lambda graph, node, given: [],
    "LayerNormalization": lambda *of: _norm(LayerNorm, *of),
    "MatMul": _product,
    "RMSNormalization": lambda *of: _norm(RMSNorm, *of),
    "Reshape": _reshape,
}
"""The operators that are layers, by their names, whose first input is the value that enters."""


def factors(graph: OnnxGraph, name: str) -> Array:
    """Return the factors (i,) that a node multiplies with; raise ValueError for other numbers."""
    found = taken(repr(name), graph.constants[name])
    if found.ndim < 1 or found.size != found.shape[-1]:
        raise ValueError(
            f"Mul by numbers of shape {found.shape} {NOT_THERE}; a factor for each feature is one"
        )
    return copied(found.reshape(-1))


def _scale(graph: OnnxGraph, node: Any, name: str) -> list[Imported]:
    return [Imported(Scale(), ScaleParameters(factors(graph, name)))]


def _added(graph: OnnxGraph, node: Any, name: str) -> list[Imported]:
    raise ValueError(f"adds the numbers {name!r} to what is no MatMul, which Chainrule has not")


SIDES: dict[str, Callable[[OnnxGraph, Any, str], list[Imported]]] = {"Mul": _scale, "Add": _added}
"""The operators of a value and numbers, on any side."""


def _constant(graph: OnnxGraph, node: Any) -> Array:
    for each in node.attribute:
        if each.name == "value":
            return numbers(graph.onnx, each.t, graph.folder)
        if each.name in ("value_float", "value_int", "value_floats", "value_ints"):
            kind = np.int64 if "int" in each.name else np.float32
            return np.asarray(graph.onnx.helper.get_attribute_value(each), kind)
    raise ValueError("must have numbers")


def _transposed(graph: OnnxGraph, node: Any) -> Array:
    array = _same(graph, node)
    order = graph.attributes(node).get("perm")
    if order is not None and sorted(order) != [*range(array.ndim)]:
        raise ValueError(f"perm must be an order of {array.ndim} axes, got {list(order)}")
    return np.transpose(array, order)


def _same(graph: OnnxGraph, node: Any) -> Array:
    if len(node.input) != 1:
        raise ValueError(f"must take numbers, got {list(node.input)}")
    return graph.constants[node.input[0]]


CONSTANTS: dict[str, Callable[[OnnxGraph, Any], Array]] = {
    "Constant": _constant,
    "Identity": _same,
    "Transpose": _transposed,
}
"""The operators that make numbers of numbers."""
