"""The graph of what a network predicts, from which files of other kinds are made."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from chainrule import losses
from chainrule.interop.imported_layers import named
from chainrule.interop.onnx_arrays import XP, Graph, Parameter, Rows, Traced
from chainrule.interop.onnx_layers import written
from chainrule.interop.onnx_left import specification
from chainrule.layers.predictions import of_members
from chainrule.loss_row import Loss
from chainrule.network import Network, Parameters, check_parameters, describe
from chainrule.rows import is_own
from chainrule.trees import Array, named_leaves, rebuild, tree_map

LINKS = {"sigmoid": "Sigmoid", "softmax": "Softmax", "exp": "Exp"}
"""The links of the losses of the table, and their operators."""


class Exported(NamedTuple):
    """A graph, the values that enter and leave it by their names, and of a network what it is.

    Its loss is "" where it has no name, and its specification where data cannot hold it.
    """

    graph: Graph
    inputs: dict[str, Traced]
    outputs: dict[str, Traced]
    loss: str = ""
    specification: str = ""


def network_graph(what: str, net: Network, params: Parameters, *, whole: bool) -> Exported:
    """Return the graph of a network: from `x` (n, inputs) to `prediction` (n, outputs).

    `whole` operators are those that ONNX has for activations, norms and links; else they are
    written as what they compute. Errors begin with `what`.

    >>> net = cr.Network(1, [cr.Dense(2, "softplus")], loss="huber")
    >>> [node.op for node in network_graph("", net, net.init(), whole=True).graph.nodes]
    ['MatMul', 'Add', 'Softplus']
    """
    check_parameters(net, params)
    own = in_numpy(params)
    graph = Graph(names_of(own))
    dtype = next((array.dtype for _, array in named_leaves(own)), np.dtype(np.float32))
    x = Traced(graph, "x", (Rows(), net.inputs), dtype)
    told = specification(net) if whole else ""
    if told:  # each parameter stands in the graph under its name
        own = tree_map(lambda leaf: Parameter(graph, leaf), own)
    made = predicted(what, net, own, x, whole=whole)
    loss = "" if is_own(losses.loss, net.loss) else str(net.loss)
    return Exported(graph, {"x": x}, {"prediction": made}, loss, told)


def in_numpy(params: Parameters) -> Parameters:
    """Return parameters as NumPy's arrays.

    >>> in_numpy(([1.0],))
    (array([1.]),)
    """
    made: Parameters = rebuild(params, (np.asarray(leaf) for _, leaf in named_leaves(params)))
    return made


def names_of(params: Parameters, before: str = "") -> Iterator[tuple[str, Array]]:
    """Yield parameters and, as products take them, their transposes, each with its name.

    >>> [name for name, _ in names_of((np.ones((2, 3)), np.ones(2)))]
    ['0', '0.T', '1']
    """
    for name, array in named_leaves(params):
        yield f"{before}{name}", array
        if array.ndim > 1:
            yield f"{before}{name}.T", array.mT


def predicted(what: str, net: Network, params: Parameters, x: Any, *, whole: bool) -> Traced:
    """Return what a network predicts from x, written into its graph.

    >>> net = cr.Network(1, [cr.Dense(2)], loss="huber")
    >>> x = Traced(Graph(), "x", (Rows(), 1), np.dtype("f4"))
    >>> predicted("to_onnx", net, net.init(), x, whole=True).shape
    (Rows(times=1), 2)
    """
    a = x
    for k, (layer, own) in enumerate(zip(net.layers, params, strict=True)):
        with named(f"{what}: {describe(net, k)}"):
            a, _ = (written(layer) if whole else layer).forward(own, a, None, XP)
    with named(f"{what}: loss {str(net.loss)!r}"):
        row = losses.loss(net.loss)
        if not whole:
            made: Traced = of_members(row, net.members).link(a, XP)
            return made
        return _linked(row, net.members, a)


def _linked(row: Loss, members: int, a: Any) -> Traced:
    """The link by its operator, and the mean over the members."""

    def link(a: Any, xp: Any) -> Any:
        if row.parts:
            return xp.concat([_linked(head.loss, 1, head.of(a)) for head in row.parts], 1)
        op = LINKS.get(row.link_name)
        known = op and not is_own(losses.loss, row)
        return a.apply(op) if known else row.link(a, xp)

    own = dataclasses.replace(row, link=link, check=False)
    made: Traced = of_members(own, members).link(a, XP)
    return made
