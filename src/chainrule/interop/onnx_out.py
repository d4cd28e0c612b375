"""To files of ONNX, which predict as networks and models of tables do."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.atomic_write import check_kind, write_whole
from chainrule.extras import library
from chainrule.interop.exported_graph import exported
from chainrule.interop.network_graph import Exported
from chainrule.interop.onnx_arrays import Node, Rows, Traced
from chainrule.interop.onnx_left import LOSS, SPECIFICATION

OPSET, TABLES_OPSET, IR = 20, 3, 9
"""The versions of the operators and of the files: those of 2023, which most runtimes read."""

TABLES = "ai.onnx.ml"
"""The domain of the operators that know words."""

PRODUCER = "chainrule"
"""What files say that wrote them."""

MOST = 2**31 - 2**20
"""The most bytes of numbers: a file of protobuf ends at 2 GiB."""


def to_onnx(
    net: Any,
    params: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    force: bool = False,
) -> None:
    r"""Write a network, or the model of a table, as a file of ONNX that predicts the same.

    $$\hat y = \mathrm{link}(a_L),\qquad a = f(x W^\top + b)$$

    Of a network it has one input, `x` (n, inputs), one output, `prediction` (n, outputs), of any
    number of rows, and the dtype of the parameters, which stand in it under their names, `0.W`.
    Layers and activations are the operators that ONNX has for them; all others, own ones too, are
    written as what they compute. A dropout stands there, and does nothing. By the
    specification that stands beside the graph, `from_onnx` makes the network again. onnxruntime has
    some operators in single precision alone: for it, give parameters in float32.

    The model of a table, `to_onnx(model, path)`, has an input (n,) for each column under its name,
    and an output (n,) for each column of `model.predict`. What `train` prepared is part of it:

    - A number is a float64; NaN is missing.
    - A category is a text, as it stands in the table; "" is missing. Whole numbers and Booleans
      may be written `3.0` and `True` too.
    - A date is an int64, the microseconds since 1970 in UTC: `astype("datetime64[us]")` of NumPy,
      seen as int64. NaT is missing.

    How a table was read, such as `1,234` for 1234, stands before that, and is not in the file.

    Parameters
    ----------
    net, params
        The network and its parameters, in float32 or float64; or the model of a table, and the path
        behind it.
    path
        The file to write: whole or not at all. One of that name that `to_onnx` wrote is replaced.
    force
        Whether any other file of that name is replaced too.

    Raises
    ------
    ImportError
        Where onnx is missing.
    OSError
        Where the file cannot be written; FileExistsError where another is there, not empty, that
        `to_onnx` did not write.
    TypeError
        For what is neither a network nor the model of a table.
    ValueError
        For an activation or a layer of your own that computes with what ONNX has not, for a column
        of text, whose words ONNX does not take apart (`to_python` does), and for numbers of 2 GB or
        more.

    Examples
    --------
    >>> net = cr.Network(2, [cr.Dense(3, "tanh"), cr.Dense(1)], loss="huber")
    >>> path = getfixture("tmp_path") / "net.onnx"
    >>> cr.to_onnx(net, net.init(), path)
    >>> cr.from_onnx(path)[0] == net
    True
    """
    onnx = library("onnx", "to_onnx")
    made, path = exported("to_onnx", net, params, path, whole=True)
    size = sum(array.nbytes for _, array in made.graph.constants.values())
    if size > MOST:
        raise ValueError(f"to_onnx: numbers must have at most {MOST:,} bytes, got {size:,}")
    content = _model(onnx, made).SerializeToString(deterministic=True)
    check_kind(path, "a file of `to_onnx`", _is_ours, force=force)
    write_whole(Path(path), [content])


def _is_ours(head: bytes) -> bool:
    """Whether a file begins with the versions and the producer of those that are written here."""
    return head[:1] == b"\x08" and head[2:].startswith(b"\x12\x09" + PRODUCER.encode())


def _model(onnx: Any, made: Exported) -> Any:
    """The model in ONNX's own form."""
    helper = onnx.helper
    nodes = [_node(helper, node) for node in _with_names(made)]
    graph = helper.make_graph(
        nodes,
        "prediction",
        [_told(helper, name, value) for name, value in made.inputs.items()],
        [_told(helper, name, value) for name, value in made.outputs.items()],
        [onnx.numpy_helper.from_array(array, name) for name, array in _constants(made)],
    )
    versions = [helper.make_opsetid("", OPSET)]
    if any(node.domain for node in nodes):
        versions.append(helper.make_opsetid(TABLES, TABLES_OPSET))
    model = helper.make_model(graph, producer_name=PRODUCER, ir_version=IR, opset_imports=versions)
    left = {LOSS: made.loss, SPECIFICATION: made.specification}
    helper.set_model_props(model, {name: text for name, text in left.items() if text})
    onnx.checker.check_model(model, full_check=True)
    return model


def _constants(made: Exported) -> list[tuple[str, Any]]:
    return list(made.graph.constants.values())


def _told(helper: Any, name: str, value: Traced) -> Any:
    """What a file tells of a value that enters or leaves."""
    kind = helper.np_dtype_to_tensor_dtype(value.dtype)
    shape = ["rows" if isinstance(k, Rows) else k for k in value.shape]
    return helper.make_tensor_value_info(name, kind, shape)


def _node(helper: Any, node: Node) -> Any:
    attributes = {
        key: helper.np_dtype_to_tensor_dtype(value) if isinstance(value, np.dtype) else value
        for key, value in node.attributes.items()
    }
    domain = TABLES if node.op == "LabelEncoder" else ""
    name = node.outputs[0]
    return helper.make_node(node.op, node.inputs, node.outputs, name, domain=domain, **attributes)


def _with_names(made: Exported) -> list[Node]:
    """The operators, of which the last make the outputs under their names."""
    nodes, taken = made.graph.nodes, {name for node in made.graph.nodes for name in node.inputs}
    ends = {value.name: name for name, value in made.outputs.items()}
    made_here = {node.outputs[0] for node in nodes}
    own = {name: end for name, end in ends.items() if name in made_here - taken}
    own = own if len(ends) == len(made.outputs) else {}
    renamed = [
        node._replace(outputs=tuple(own.get(name, name) for name in node.outputs)) for node in nodes
    ]
    rest = [
        Node("Identity", (value.name,), (name,), {}, value.dtype)
        for name, value in made.outputs.items()
        if own.get(value.name) != name
    ]
    return [*renamed, *rest]
