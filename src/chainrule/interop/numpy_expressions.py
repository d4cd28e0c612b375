"""Operators as expressions of NumPy, for files of Python.

Each takes its node, the texts of what it takes, and the constants by their names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from chainrule.interop.onnx_arrays import Node
from chainrule.tabular.formats.text_sizes import CHARACTERS, OF_A_WORD, SIZES
from chainrule.trees import Array

Constants = Mapping[str, Array]
Expression = Callable[[Node, list[str], Constants], str]

ALONE = ("Reshape", "Slice", "ReduceMax", "ReduceMean", "ReduceSum", "TopK")
"""The operators whose first value is an array, and the rest of which stands in their text."""


def expression(node: Node, given: list[str], constants: Constants) -> str:
    """Return the text of what an operator makes.

    Raises ValueError for one that no row is of.

    >>> node = Node("Add", ("a", "b"), ("c",), {}, np.dtype("f4"))
    >>> expression(node, ["v1", "0.5"], {})
    'v1 + 0.5'
    """
    if node.op not in EXPRESSIONS:
        raise ValueError(f"to_python: {node.op} is nothing that is written in NumPy")
    return EXPRESSIONS[node.op](node, given, constants)


def _between(sign: str) -> Expression:
    return lambda node, given, constants: f" {sign} ".join(given)


def _before(text: str) -> Expression:
    return lambda node, given, constants: f"{text}({', '.join(given)})"


def _quotient(node: Node, given: list[str], constants: Constants) -> str:
    """A quotient of whole numbers is one: none here is negative with a rest."""
    return (" // " if node.dtype.kind == "i" else " / ").join(given)


def _error_function(node: Node, given: list[str], constants: Constants) -> str:
    return f'erf({given[0]}).astype("{node.dtype}")'


def _cast(node: Node, given: list[str], constants: Constants) -> str:
    return f'{given[0]}.astype("{node.dtype}")'


def _gather(node: Node, given: list[str], constants: Constants) -> str:
    return f"np.take({given[0]}, {given[1]}, axis={node.attributes['axis']})"


def _reshape(node: Node, given: list[str], constants: Constants) -> str:
    return f"{given[0]}.reshape({constants[node.inputs[1]].tolist()})"


def _slice(node: Node, given: list[str], constants: Constants) -> str:
    start, end, axis = (int(constants[name][0]) for name in node.inputs[1:])
    return f"{given[0]}[{':, ' * axis}{start}:{end}]"


def _concat(node: Node, given: list[str], constants: Constants) -> str:
    return f"np.concatenate([{', '.join(given)}], axis={node.attributes['axis']})"


def _parts(node: Node, given: list[str], constants: Constants) -> str:
    return f"counts({', '.join(given)}, {CHARACTERS}, {OF_A_WORD}, {SIZES})"


def _over(name: str) -> Expression:
    def text(node: Node, given: list[str], constants: Constants) -> str:
        axis, keeps = int(constants[node.inputs[1]][0]), bool(node.attributes["keepdims"])
        return f"{given[0]}.{name}(axis={axis}, keepdims={keeps})"

    return text


EXPRESSIONS: dict[str, Expression] = {
    "Abs": _before("np.abs"),
    "Add": _between("+"),
    "And": _between("&"),
    "ArgMax": lambda node, given, constants: f"{given[0]}.argmax(axis=1)",
    "Cast": _cast,
    "Concat": _concat,
    "Cos": _before("np.cos"),
    "Div": _quotient,
    "Equal": _between("=="),
    "Erf": _error_function,
    "Exp": _before("np.exp"),
    "Floor": _before("np.floor"),
    "Gather": _gather,
    "Greater": _between(">"),
    "GreaterOrEqual": _between(">="),
    "IsNone": lambda node, given, constants: f"np.array([each is None for each in {given[0]}])",
    "LabelEncoder": lambda node, given, constants: f"codes({', '.join(given)})",
    "Less": _between("<"),
    "LessOrEqual": _between("<="),
    "Log": _before("np.log"),
    "MatMul": _between("@"),
    "Max": _before("np.maximum"),
    "Min": _before("np.minimum"),
    "Mod": _between("%"),
    "Mul": _between("*"),
    "Neg": lambda node, given, constants: f"-{given[0]}",
    "Not": lambda node, given, constants: f"~{given[0]}",
    "Or": _between("|"),
    "Pow": _between("**"),
    "ReduceMax": _over("max"),
    "ReduceMean": _over("mean"),
    "ReduceSum": _over("sum"),
    "Reshape": _reshape,
    "Round": _before("np.round"),
    "Sign": _before("np.sign"),
    "Sin": _before("np.sin"),
    "Slice": _slice,
    "Sqrt": _before("np.sqrt"),
    "StringConcat": _before("joined"),
    "Sub": _between("-"),
    "Tanh": _before("np.tanh"),
    "TextParts": _parts,
    "TopK": lambda node, given, constants: f"np.sort({given[0]}, axis=1)",
    "Where": _before("np.where"),
}
"""Operators by their names, with their expressions."""
