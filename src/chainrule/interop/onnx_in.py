"""From files of ONNX: each operator is a layer, or a part of one.

W   (o, i)      b   (o,)      gamma, beta, running_mean, running_variance   (i,)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import shown
from chainrule.interop import onnx_activations
from chainrule.interop.imported_layers import (
    Imported,
    assembled,
    check_alike,
    copied,
    dense,
    gains,
    library,
    named,
    suggested,
    taken,
)
from chainrule.interop.onnx_activations import shortest
from chainrule.interop.onnx_file import DOMAINS, OnnxFile, numbers, read_file
from chainrule.interop.onnx_out import LOSS
from chainrule.interop.value_graph import Made, layers_between
from chainrule.layers import Activate, BatchNorm, Dropout, LayerNorm, RMSNorm, Scale
from chainrule.layers.batch_norm import BatchNormParameters
from chainrule.layers.rms_norm import RMSNormParameters
from chainrule.layers.scale import ScaleParameters
from chainrule.loss_row import Loss
from chainrule.network import Network, Parameters
from chainrule.trees import Array


def from_onnx(
    path: str | os.PathLike[str], *, loss: str | Loss | None = None
) -> tuple[Network, Parameters]:
    r"""Return the network of a file of ONNX, and its parameters.

    $$a = f(x W^\top + b),\qquad a = x + F(x)$$

    The graph leads from one input, rows (n, i), to one output by operators one after the other:
    `Gemm`, `MatMul` and `Add` of numbers, the activations of the table, `Dropout`,
    `LayerNormalization`, `RMSNormalization`, `BatchNormalization` with its running statistics,
    `Mul` by a factor for each feature, sums x + F(x), and `Identity`, `Flatten` and `Reshape`,
    which change nothing of rows. What came over is compared with the graph on random rows, by
    onnx's own evaluator: both give the same, or it is refused.

    - float64 and float32 stay, half precision becomes float32, which has the same numbers.
    - A softmax or sigmoid at the end is taken off where the loss applies it itself, and an `Exp`
      with the loss "poisson".
    - Gains, shifts and biases that an operator does without are 1 and 0 here, and `fit` would move
      them: name them in `fit(freeze=…)`.
    - Numbers beside the file, as PyTorch writes them, are read from its folder and no other.

    Parameters
    ----------
    path
        The file.
    loss
        The loss of the network. Left out, it is the one that `to_onnx` has left in the file; of
        another file `"cross_entropy"` where the graph ends in a softmax, `"binary_cross_entropy"`
        where it ends in a sigmoid, and else `"mean_squared_error"`.

    Raises
    ------
    ImportError
        Where onnx is missing.
    OSError
        Where the file cannot be read.
    TypeError
        For what is no path.
    ValueError
        For what is no such file, several inputs or outputs, an operator that is no layer of
        Chainrule's, with its name and place, and a parameter that is not finite.

    Examples
    --------
    >>> net = cr.Network(2, [cr.Dense(3, "relu"), cr.Dense(2)], loss="cross_entropy")
    >>> path = getfixture("tmp_path") / "net.onnx"
    >>> cr.to_onnx(net, net.init(), path)
    >>> cr.from_onnx(path)[0].layers
    (Dense(3, 'relu'), Dense(2, 'identity'))
    """
    onnx = library("onnx", "from_onnx")
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"from_onnx: path must be that of a file, got {shown(path)}")
    what = f"from_onnx: {os.fspath(path)}"
    with named(what):
        file = read_file(onnx, Path(path))
        read = _Graph(onnx, file, Path(path).parent)
        layers = read.layers()
    if loss is None:
        loss = read.loss or ("poisson" if read.ends_in_power else suggested(layers))
    if read.ends_in_power and str(loss) != "poisson":
        raise ValueError(
            f"{what}: the graph ends in an Exp, so that loss must be 'poisson', got {str(loss)!r}"
        )
    net, params = assembled(what, layers, loss)
    with named(what):
        check_alike("the network", layers, read.predict, read.eps)
    return net, params


class _Graph:
    """The graph of a file, and how its values are made."""

    def __init__(self, onnx: Any, file: OnnxFile, folder: Path) -> None:
        self.onnx, self.file, self.folder = onnx, file, folder
        self.constants = dict(file.constants)
        self.made: dict[Hashable, Made] = {file.input: Made(f"input {file.input!r}")}
        self.products: dict[str, tuple[str, Array]] = {}
        self.sigmoids: dict[str, str] = {}
        self.ends_in_power = False
        coarse = any(array.dtype == np.float16 for array in self.constants.values())
        self.eps = 2.0**-10 if coarse else 2.0**-23  # attributes have single precision at most

    @property
    def loss(self) -> str:
        """The loss that `to_onnx` left, "" where it left none."""
        left = (each.value for each in self.file.model.metadata_props if each.key == LOSS)
        return str(next(left, ""))

    def layers(self) -> list[Imported]:
        for node in self.file.model.graph.node:
            with named(_place(node)):
                self.take(node)
        if self.file.output not in self.made:
            raise ValueError(f"nothing makes its output {self.file.output!r} of its input")
        return layers_between(self.file.input, self.file.output, self.made.__getitem__)

    def take(self, node: Any) -> None:
        """Note what a node makes: a constant, or a value of others."""
        given = [name for name in node.input if name]
        unknown = [name for name in given if name not in self.made | self.constants]
        if unknown or not node.output:
            raise ValueError(f"takes {', '.join(map(repr, unknown))}, which nothing before makes")
        if node.output[0] in self.made | self.constants:
            raise ValueError("makes what is there already")
        of = [name for name in given if name in self.made]
        if of or node.op_type not in CONSTANTS or node.domain not in DOMAINS:
            self.made[node.output[0]] = self.value(node, of)
        else:
            self.constants[node.output[0]] = CONSTANTS[node.op_type](self, node)

    def value(self, node: Any, of: list[str]) -> Made:
        """How a node makes a value of others."""
        op, out, place = node.op_type, node.output[0], _place(node)
        if op == "Add" and len(of) == 2:
            return Made(place, tuple(of))
        if op == "Add" and of and of[0] in self.products:
            x, W = self.products[of[0]]
            return Made(place, (x,), self.reader(place, lambda: [dense(W, self.biases(node, W))]))
        if op == "Mul" and len(of) == 2:
            for x, gate in (of, of[::-1]):
                if self.sigmoids.get(gate) == x:
                    return Made(place, (x,), lambda: [Imported(Activate("silu"))])
        if op == "MatMul" and len(of) == 1 and node.input[0] == of[0]:
            with named(place):
                self.products[out] = of[0], self.matrix(node, 1, turned=True)
        if op == "Sigmoid" and of:
            self.sigmoids[out] = of[0]
        return Made(place, tuple(of[:1]), self.reader(place, lambda: self.read(node, of)))

    def reader(self, place: str, read: Callable[[], list[Imported]]) -> Any:
        """Return the same, of which errors tell the place."""

        def told() -> list[Imported]:
            with named(place):
                return read()

        return told

    def read(self, node: Any, of: list[str]) -> list[Imported]:
        """The layers of a node, which takes one value and constants."""
        op, given = node.op_type, self.attributes(node)
        if node.domain not in DOMAINS:
            raise ValueError(f"{node.domain}.{op} {NOT_THERE}")
        if len(of) == 1 and node.input[0] in of and op in READERS:
            return READERS[op](self, node, given)
        if len(of) == 1 and op in SIDES:
            return SIDES[op](self, node, self.beside(node))
        activation = onnx_activations.read(op, given) if len(of) == 1 else None
        if activation is None:
            shown = ", ".join(f"{key}={value!r}" for key, value in given.items())
            raise ValueError(f"{op}({shown}) {NOT_THERE}")
        return [Imported(Activate(activation))]

    def attributes(self, node: Any) -> dict[str, Any]:
        """The attributes of a node that are numbers or text."""
        kinds = self.onnx.AttributeProto
        simple = (kinds.FLOAT, kinds.INT, kinds.STRING, kinds.INTS, kinds.FLOATS)
        found = {
            each.name: self.onnx.helper.get_attribute_value(each)
            for each in node.attribute
            if each.type in simple
        }
        return {
            k: v.decode(errors="replace") if isinstance(v, bytes) else v for k, v in found.items()
        }

    def numbers(self, node: Any, k: int) -> Array | None:
        """A copy of the constant that a node takes as its k-th, None where it takes none."""
        name = _input(node, k)
        if name and name not in self.constants:
            raise ValueError(f"takes {name!r}, which must be numbers of the file")
        return taken(repr(name), self.constants[name]) if name else None

    def matrix(self, node: Any, k: int, *, turned: bool) -> Array:
        """Weights (o, i), which stand as (i, o) where they are turned."""
        W = self.numbers(node, k)
        if W is None or W.ndim != 2 or not W.size:
            got = "none" if W is None else f"numbers of shape {W.shape}"
            raise ValueError(f"{_input(node, k)!r} must be a matrix, got {got}")
        return copied(W.T) if turned else W

    def biases(self, node: Any, W: Array) -> Array:
        """The numbers (o,) that an `Add` adds to a product."""
        name = self.beside(node)
        return _biases(repr(name), taken(repr(name), self.constants[name]), W)

    def beside(self, node: Any) -> str:
        """The name of the numbers that a node takes beside its value."""
        found: list[str] = [name for name in node.input if name in self.constants]
        if len(node.input) != 2 or len(found) != 1:
            raise ValueError(f"must take a value and numbers, got {list(node.input)}")
        return found[0]

    def predict(self, X: Array) -> Array:
        """What onnx's evaluator makes of rows."""
        kinds = {each.name: each for each in self.file.model.graph.input}
        kind = kinds[self.file.input].type.tensor_type.elem_type
        reference = library("onnx.reference", "from_onnx")
        try:
            given = X.astype(self.onnx.helper.tensor_dtype_to_np_dtype(kind))
            evaluator = reference.ReferenceEvaluator(self.file.model)
            with np.errstate(all="ignore"):
                made = evaluator.run(None, {self.file.input: given})
        except Exception as error:  # whatever an operator raises
            raise ValueError(f"onnx's evaluator cannot run it: {error}") from None
        return np.log(made[0]) if self.ends_in_power else made[0]


NOT_THERE = (
    "is nothing that Chainrule has: its networks are of dense layers, the activations of the "
    "table, dropout, norms over features, factors and residuals"
)


def _place(node: Any) -> str:
    """Where a node stands: its name, and what it makes."""
    made = f"{node.op_type} that makes {', '.join(map(repr, node.output))}"
    return f"{node.name}, {made}" if node.name else made


def _input(node: Any, k: int) -> str:
    return node.input[k] if len(node.input) > k else ""


def _biases(name: str, given: Array, W: Array) -> Array:
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


Reader = Callable[[_Graph, Any, dict[str, Any]], list[Imported]]


def _gemm(graph: _Graph, node: Any, given: dict[str, Any]) -> list[Imported]:
    _must(given, alpha=(1.0,), beta=(1.0,), transA=(0,))
    W = graph.matrix(node, 1, turned=not given.get("transB", 0))
    b = graph.numbers(node, 2)
    return [dense(W, b if b is None else _biases(repr(node.input[2]), b, W))]


def _product(graph: _Graph, node: Any, given: dict[str, Any]) -> list[Imported]:
    return [dense(graph.products[node.output[0]][1], None)]


def _dropout(graph: _Graph, node: Any, given: dict[str, Any]) -> list[Imported]:
    rate, training = graph.numbers(node, 1), graph.constants.get(_input(node, 2))
    if _input(node, 2) and (training is None or training.any()):
        raise ValueError("drops when it predicts too: training_mode must be false")
    ratio = _number(given, "ratio", 0.5) if rate is None else float(rate)
    return [Imported(Dropout(shortest(ratio)))]


def _norm(kind: Any, graph: _Graph, node: Any, given: dict[str, Any]) -> list[Imported]:
    _must(given, axis=(-1, 1))
    gamma, beta = graph.numbers(node, 1), graph.numbers(node, 2)
    if gamma is None or gamma.ndim != 1:
        raise ValueError("must have gains, one for each feature of a row")
    own: Any = gains(len(gamma), gamma.dtype, gamma, beta)
    own = own if kind is LayerNorm else RMSNormParameters(own.gamma)
    return [Imported(kind(shortest(_number(given, "epsilon", 1e-5))), own)]


def _batch_norm(graph: _Graph, node: Any, given: dict[str, Any]) -> list[Imported]:
    _must(given, training_mode=(0,), spatial=(1,))
    own = [graph.numbers(node, k) for k in range(1, 5)]
    if any(each is None or each.ndim != 1 for each in own):
        raise ValueError("must have gains, shifts, means and variances of each feature")
    new = float(np.round(1 - _number(given, "momentum", 0.9), 7))  # theirs is what stays
    layer = BatchNorm(new, shortest(_number(given, "epsilon", 1e-5)))
    return [Imported(layer, BatchNormParameters(*own))]


def _clip(graph: _Graph, node: Any, given: dict[str, Any]) -> list[Imported]:
    bounds = [graph.numbers(node, k) for k in (1, 2)]
    got = [
        given.get(n) if b is None else float(b) for n, b in zip(("min", "max"), bounds, strict=True)
    ]
    if got != [-1, 1]:
        raise ValueError(
            f"Clip from {got[0]} to {got[1]} {NOT_THERE}; from -1 to 1 it is hard_tanh"
        )
    return [Imported(Activate("hard_tanh"))]


def _flatten(graph: _Graph, node: Any, given: dict[str, Any]) -> list[Imported]:
    _must(given, axis=(1, -1))
    return []


def _reshape(graph: _Graph, node: Any, given: dict[str, Any]) -> list[Imported]:
    shape = graph.constants.get(_input(node, 1))
    if shape is None or shape.shape != (2,) or shape[0] not in (-1, 0):
        got = "what it takes" if shape is None else shape.tolist()
        raise ValueError(f"must leave rows as they are, as to [-1, features], got {got}")
    return []


def _power(graph: _Graph, node: Any, given: dict[str, Any]) -> list[Imported]:
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


def _scale(graph: _Graph, node: Any, name: str) -> list[Imported]:
    factors = taken(repr(name), graph.constants[name])
    if factors.ndim < 1 or factors.size != factors.shape[-1]:
        raise ValueError(
            f"Mul by numbers of shape {factors.shape} {NOT_THERE}; a factor for each feature is one"
        )
    return [Imported(Scale(), ScaleParameters(copied(factors.reshape(-1))))]


def _added(graph: _Graph, node: Any, name: str) -> list[Imported]:
    raise ValueError(f"adds the numbers {name!r} to what is no MatMul, which Chainrule has not")


SIDES: dict[str, Callable[[_Graph, Any, str], list[Imported]]] = {"Mul": _scale, "Add": _added}
"""The operators of a value and numbers, on any side."""


def _constant(graph: _Graph, node: Any) -> Array:
    for each in node.attribute:
        if each.name == "value":
            return numbers(graph.onnx, each.t, graph.folder)
        if each.name in ("value_float", "value_int", "value_floats", "value_ints"):
            kind = np.int64 if "int" in each.name else np.float32
            return np.asarray(graph.onnx.helper.get_attribute_value(each), kind)
    raise ValueError("must have numbers")


def _transposed(graph: _Graph, node: Any) -> Array:
    array = _same(graph, node)
    order = graph.attributes(node).get("perm")
    if order is not None and sorted(order) != [*range(array.ndim)]:
        raise ValueError(f"perm must be an order of {array.ndim} axes, got {list(order)}")
    return np.transpose(array, order)


def _same(graph: _Graph, node: Any) -> Array:
    if len(node.input) != 1:
        raise ValueError(f"must take numbers, got {list(node.input)}")
    return graph.constants[node.input[0]]


CONSTANTS: dict[str, Callable[[_Graph, Any], Array]] = {
    "Constant": _constant,
    "Identity": _same,
    "Transpose": _transposed,
}
"""The operators that make numbers of numbers."""
