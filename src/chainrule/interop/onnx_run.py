"""Which graphs of ONNX are run, to compare what they predict: those of numbers alone.

An operator that runs a graph within, such as a loop, may never end, and is not run.
"""

from __future__ import annotations

from typing import Any

from chainrule.interop.onnx_activations import ROWS
from chainrule.interop.onnx_arrays import ONE, TWO
from chainrule.interop.onnx_file import DOMAINS
from chainrule.interop.onnx_operators import CONSTANTS, READERS, SIDES
from chainrule.interop.onnx_rms import RULES

WRITTEN = {
    *("And", "Cast", "Concat", "Erf", "Gather", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"),
    *("Mod", "Neg", "Not", "Or", "ReduceMax", "ReduceSum", "Slice", "Sub", "Where"),
}
"""What `to_onnx` writes of networks beside the operators that are read."""

KNOWN = {*WRITTEN, *ONE.values(), *TWO.values(), *READERS, *SIDES, *CONSTANTS, *RULES} | {
    row.op for row in ROWS.values()
}
"""The operators that are run."""


def not_run(onnx: Any, model: Any) -> str:
    """Return the first operator of a model that is not run; "" where all are.

    >>> import onnx
    >>> node = onnx.helper.make_node("Loop", ["n"], ["y"])
    >>> not_run(onnx, onnx.helper.make_model(onnx.helper.make_graph([node], "g", [], [])))
    'Loop'
    """
    graphs = (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS)
    for node in model.graph.node:
        within = any(each.type in graphs for each in node.attribute)
        if within or node.op_type not in KNOWN or node.domain not in DOMAINS:
            return str(node.op_type)
    return ""
