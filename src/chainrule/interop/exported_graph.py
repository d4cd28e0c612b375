"""The graph of what is to be exported: a network with its parameters, or the model of a table."""

from __future__ import annotations

import os
from typing import Any

from chainrule.errors import shown
from chainrule.extras import needed_by
from chainrule.interop.network_graph import Exported, network_graph
from chainrule.network import Network


def exported(
    what: str, net: Any, params: Any, path: Any, *, whole: bool
) -> tuple[Exported, str | os.PathLike[str]]:
    """Return the graph, and the path: behind a network's parameters, or behind a model.

    Raises TypeError for what is neither, and without a path.

    >>> net = cr.Network(1, [cr.Dense(2)], loss="huber")
    >>> list(exported("to_onnx", net, net.init(), "a.onnx", whole=True)[0].outputs)
    ['prediction']
    """
    if isinstance(net, Network):
        _check_path(what, path, "net, params, path")
        return network_graph(what, net, params, whole=whole), path
    with needed_by(what, "tables"):
        from chainrule.interop.table_graph import table_graph
        from chainrule.tabular.table_model import TableModel

    if not isinstance(net, TableModel):
        raise TypeError(
            f"{what}: net must be a Network or the model of a table, as `train` makes it, got "
            f"{shown(net)}"
        )
    if path is not None:
        raise TypeError(f"{what}: a model has its parameters: write {what}(model, path)")
    _check_path(what, params, "model, path")
    return table_graph(what, net, whole=whole), params


def _check_path(what: str, path: Any, form: str) -> None:
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"{what}: path must be that of a file, {what}({form}), got {shown(path)}")
