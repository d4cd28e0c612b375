"""To files of ONNX, which predict as `predict` does."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import numpy as np

from chainrule import losses
from chainrule.atomic_write import write_whole
from chainrule.interop.imported_layers import library, named
from chainrule.interop.onnx_arrays import XP, Graph, Rows, Traced
from chainrule.interop.onnx_layers import written
from chainrule.layers.predictions import of_members
from chainrule.loss_row import Loss
from chainrule.network import Network, Parameters, check_parameters, describe
from chainrule.rows import is_own
from chainrule.trees import leaves, named_leaves, rebuild

OPSET, IR = 20, 9
"""The versions of the operators and of the files: those of 2023, which most runtimes read."""

MOST = 2**31 - 2**20
"""The most bytes of numbers: a file of protobuf ends at 2 GiB."""

LOSS = "chainrule.loss"
"""Under which name the loss stands in a file."""

LINKS = {"sigmoid": "Sigmoid", "softmax": "Softmax", "exp": "Exp"}
"""The links of the losses of the table, and their operators."""


def to_onnx(net: Network, params: Parameters, path: str | os.PathLike[str]) -> None:
    r"""Write a network as a file of ONNX, which predicts what `predict` does.

    $$\hat y = \mathrm{link}(a_L),\qquad a = f(x W^\top + b)$$

    It has one input, `x` (n, inputs), one output, `prediction` (n, outputs), of any number of rows,
    and the dtype of the parameters, which stand in it under their names, `0.W`. Layers and
    activations are the operators that ONNX has for them; all others, own ones too, are written as
    what they compute. A dropout stands there, and does nothing. `from_onnx` is the way back.

    onnxruntime has some operators in single precision alone: for it, give parameters in float32.

    Parameters
    ----------
    net, params
        The network and its parameters, in float32 or float64.
    path
        The file to write: whole or not at all. One of that name is replaced.

    Raises
    ------
    ImportError
        Where onnx is missing.
    OSError
        Where the file cannot be written.
    ValueError
        For an activation or a layer of your own that computes with what ONNX has not, and for
        parameters of 2 GB or more.

    Examples
    --------
    >>> net = cr.Network(2, [cr.Dense(3, "tanh"), cr.Dense(1)], loss="huber")
    >>> path = getfixture("tmp_path") / "net.onnx"
    >>> cr.to_onnx(net, net.init(), path)
    >>> cr.from_onnx(path)[0] == net
    True
    """
    onnx = library("onnx", "to_onnx")
    check_parameters(net, params)
    size = sum(leaf.nbytes for leaf in leaves(params))
    if size > MOST:
        raise ValueError(f"to_onnx: parameters must have at most {MOST:,} bytes, got {size:,}")
    model = _model(onnx, net, params)
    write_whole(Path(path), [model.SerializeToString(deterministic=True)])


def _model(onnx: Any, net: Network, params: Parameters) -> Any:
    """The model in ONNX's own form."""
    arrays = [(name, np.asarray(leaf)) for name, leaf in named_leaves(params)]
    own = rebuild(params, (array for _, array in arrays))
    dtype = arrays[0][1].dtype if arrays else np.dtype(np.float32)
    turned = ((f"{name}.T", array.mT) for name, array in arrays if array.ndim > 1)
    graph = Graph(onnx, [*arrays, *turned])
    a: Any = Traced(graph, "x", (Rows(), net.inputs), dtype)
    for k, layer in enumerate(net.layers):
        with named(f"to_onnx: {describe(net, k)}"):
            a, _ = written(layer).forward(own[k], a, None, XP)
    with named(f"to_onnx: loss {str(net.loss)!r}"):
        a = _predicted(losses.loss(net.loss), net.members, a)
    return _whole(onnx, net, graph, a)


def _predicted(row: Loss, members: int, a: Any) -> Any:
    """The prediction: the link by its operator, and the mean over the members."""

    def link(a: Any, xp: Any) -> Any:
        if row.parts:
            return xp.concat([_predicted(head.loss, 1, head.of(a)) for head in row.parts], 1)
        op = LINKS.get(row.link_name)
        known = op and not is_own(losses.loss, row)
        return a.apply(op) if known else row.link(a, xp)

    return of_members(dataclasses.replace(row, link=link, check=False), members).link(a, XP)


def _whole(onnx: Any, net: Network, graph: Graph, a: Traced) -> Any:
    """The model of a graph whose value is the prediction."""
    helper = onnx.helper
    kind = helper.np_dtype_to_tensor_dtype(a.dtype)
    if graph.nodes and graph.nodes[-1].output[0] == a.name:
        graph.nodes[-1].output[0] = "prediction"
    else:
        graph.nodes.append(helper.make_node("Identity", [a.name], ["prediction"]))
    made = helper.make_graph(
        graph.nodes,
        "network",
        [helper.make_tensor_value_info("x", kind, ["rows", net.inputs])],
        [helper.make_tensor_value_info("prediction", kind, ["rows", net.outputs])],
        [onnx.numpy_helper.from_array(array, name) for name, array in graph.constants.values()],
    )
    model = helper.make_model(
        made,
        producer_name="chainrule",
        ir_version=IR,
        opset_imports=[helper.make_opsetid("", OPSET)],
    )
    if not is_own(losses.loss, net.loss):
        helper.set_model_props(model, {LOSS: str(net.loss)})
    onnx.checker.check_model(model, full_check=True)
    return model
