"""The graph of a file of ONNX, and by which layers each of its values is made."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.extras import library
from chainrule.interop import onnx_activations
from chainrule.interop.imported_layers import Imported, dense, named, taken
from chainrule.interop.onnx_file import DOMAINS, OnnxFile
from chainrule.interop.onnx_operators import (
    CONSTANTS,
    NOT_THERE,
    READERS,
    SIDES,
    biases_of,
    factors,
    input_name,
)
from chainrule.interop.onnx_rms import RootMeanSquares, Step, check_inputs
from chainrule.interop.onnx_run import not_run
from chainrule.interop.value_graph import Made, layers_between
from chainrule.layers import Activate, RMSNorm
from chainrule.layers.parameter_shapes import copied
from chainrule.layers.rms_norm import RMSNormParameters
from chainrule.trees import Array


class OnnxGraph:
    """The graph of a file, and how its values are made."""

    onnx: Any
    file: OnnxFile
    folder: Path

    def __init__(self, onnx: Any, file: OnnxFile, folder: Path) -> None:
        self.onnx, self.file, self.folder = onnx, file, folder
        self.constants: dict[str, Any] = dict(file.constants)
        self.made: dict[Hashable, Made] = {file.input: Made(f"input {file.input!r}")}
        self.products: dict[str, tuple[str, Array]] = {}
        self.sigmoids: dict[str, str] = {}
        self.squares: RootMeanSquares = RootMeanSquares(self.constants)
        self.ends_in_power = False
        coarse = any(array.dtype == np.float16 for array in self.constants.values())
        self.eps: float = (
            2.0**-10 if coarse else 2.0**-23
        )  # attributes have single precision at most

    def layers(self) -> list[Imported]:
        """Return the layers between input and output; raise ValueError where one is none."""
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
        check_inputs(node)
        if op == "Add" and len(of) == 2:
            return Made(place, tuple(of))
        if op == "Add" and of and of[0] in self.products:
            x, W = self.products[of[0]]
            return Made(place, (x,), self.reader(place, lambda: [dense(W, self.biases(node, W))]))
        if op == "Mul" and len(of) == 2:
            for x, gate in (of, of[::-1]):
                if self.sigmoids.get(gate) == x:
                    return Made(place, (x,), lambda: [Imported(Activate("silu"))])
        step = self.squares.note(node, self.attributes(node))
        if step and step.kind == "scaled":
            return Made(place, (step.x,), self.reader(place, self.without_gains))
        if op == "Mul" and len(of) == 1 and (scaled := self.squares.of(of[0], "scaled")):
            return Made(place, (scaled.x,), self.reader(place, lambda: self.rms_norm(node, scaled)))
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
        name = input_name(node, k)
        if name and name not in self.constants:
            raise ValueError(f"takes {name!r}, which must be numbers of the file")
        return taken(repr(name), self.constants[name]) if name else None

    def matrix(self, node: Any, k: int, *, turned: bool) -> Array:
        """Weights (o, i), which stand as (i, o) where they are turned."""
        W = self.numbers(node, k)
        if W is None or W.ndim != 2 or not W.size:
            got = "none" if W is None else f"numbers of shape {W.shape}"
            raise ValueError(f"{input_name(node, k)!r} must be a matrix, got {got}")
        return copied(W.T) if turned else W

    def biases(self, node: Any, W: Array) -> Array:
        """The numbers (o,) that an `Add` adds to a product."""
        name = self.beside(node)
        return biases_of(repr(name), taken(repr(name), self.constants[name]), W)

    def without_gains(self) -> list[Imported]:
        """Refuse a norm behind which no gains follow, for how many there are is not known."""
        raise ValueError(
            "divides by the root of a mean square, and a Mul by a gain for each feature must follow"
        )

    def rms_norm(self, node: Any, scaled: Step) -> list[Imported]:
        """The norm whose gains a node multiplies with."""
        gamma = factors(self, self.beside(node))
        return [Imported(RMSNorm(scaled.epsilon), RMSNormParameters(gamma))]

    def beside(self, node: Any) -> str:
        """The name of the numbers that a node takes beside its value."""
        found: list[str] = [name for name in node.input if name in self.constants]
        if len(node.input) != 2 or len(found) != 1:
            raise ValueError(f"must take a value and numbers, got {list(node.input)}")
        return found[0]

    def predict(self, X: Array) -> Array:
        """What onnx's evaluator makes of rows; ValueError where it may not end, or cannot run."""
        if op := not_run(self.onnx, self.file.model):
            raise ValueError(f"{op} {NOT_THERE}, and it is not run")
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


def _place(node: Any) -> str:
    """Where a node stands: its name, and what it makes."""
    made = f"{node.op_type} that makes {', '.join(map(repr, node.output))}"
    return f"{node.name}, {made}" if node.name else made
