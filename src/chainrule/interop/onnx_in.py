"""From files of ONNX: the network that `to_onnx` left in one, or what its operators are."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np

from chainrule import losses
from chainrule.backprop import forward, prediction
from chainrule.errors import shown
from chainrule.extras import library
from chainrule.interop.imported_layers import (
    assembled,
    check_alike,
    difference,
    named,
    random_rows,
    suggested,
)
from chainrule.interop.onnx_file import read_file
from chainrule.interop.onnx_graph import OnnxGraph
from chainrule.interop.onnx_left import LOSS, left_in, network_in
from chainrule.interop.onnx_run import not_run
from chainrule.loss_row import Loss
from chainrule.network import Network, Parameters
from chainrule.trees import leaves


def from_onnx(
    path: str | os.PathLike[str], *, loss: str | Loss | None = None
) -> tuple[Network, Parameters]:
    r"""Return the network of a file of ONNX, and its parameters.

    $$a = f(x W^\top + b),\qquad a = x + F(x)$$

    A file that `to_onnx` wrote comes back whole: every layer of the tables, the loss and penalties,
    as long as its graph predicts the same of a few random rows. That does not show what has no part
    in predictions: the rate of a dropout, penalties, and of the loss all but its link are those
    that were left beside the graph, whatever stands in it.
    The graph of any other leads from one input, rows (n, i), to one output by operators one after
    the other: `Gemm`, `MatMul` and `Add` of numbers, the activations of the table, `Dropout`,
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
        read = OnnxGraph(onnx, file, Path(path).parent)
        if whole := _whole(read, loss):
            return whole
        layers = read.layers()
    if loss is None:
        with named(f"{what}: its {LOSS}"):
            losses.loss(left_in(file, LOSS) or "huber")
        loss = left_in(file, LOSS) or ("poisson" if read.ends_in_power else suggested(layers))
    if read.ends_in_power and str(loss) != "poisson":
        raise ValueError(
            f"{what}: the graph ends in an Exp, so that loss must be 'poisson', got {str(loss)!r}"
        )
    net, params = assembled(what, layers, loss)
    with named(what):
        check_alike("the network", layers, read.predict, read.eps)
    return net, params


def _whole(read: OnnxGraph, loss: str | Loss | None) -> tuple[Network, Parameters] | None:
    """The network that was left in a file, where its graph still predicts the same."""
    left = network_in(read.file)
    if left is None or not_run(read.onnx, read.file.model):
        return None
    net, params = left
    if loss is not None and str(loss) != str(net.loss):
        if losses.loss(loss).link_name != losses.loss(net.loss).link_name:
            return None  # the graph has the link of another loss
        net = dataclasses.replace(net, loss=loss)
    dtype = next((leaf.dtype for leaf in leaves(params)), np.dtype(np.float32))
    X = random_rows(net.inputs, dtype)
    with np.errstate(all="ignore"):
        ours = prediction(forward(net, params, X))
    return None if difference(ours, read.predict(X), read.eps) else (net, params)
