"""What `to_onnx` leaves of a network in a file beside its graph, and the network made of it again.

The specification is that of model files. Parameters stand in the graph, under their names, such as
`0.b`, or turned as products take them, `0.W.T`.
"""

from __future__ import annotations

import json

from chainrule.interop.imported_layers import taken
from chainrule.interop.onnx_file import OnnxFile
from chainrule.network import Network, Parameters, check_parameters
from chainrule.serialization.specifications import network_from_data, network_to_data
from chainrule.trees import Array, named_leaves, rebuild

LOSS, SPECIFICATION = "chainrule.loss", "chainrule.network"
"""Under which names the loss and the specification stand in a file."""

WIDEST = 2**16
"""The most inputs of a network that has no more parameters than that."""


def specification(net: Network) -> str:
    """Return a network as JSON; "" for one with layers or rows of the user's own.

    >>> specification(cr.Network(2, [cr.Dropout(0.5)], loss="huber"))[:50]
    '{"inputs":2,"layers":[{"kind":"dropout","rate":0.5'
    """
    try:
        return json.dumps(network_to_data(net), separators=(",", ":"))
    except ValueError:
        return ""


def left_in(file: OnnxFile, name: str) -> str:
    """Return what a file tells under a name, "" where it tells nothing."""
    told = (each.value for each in file.model.metadata_props if each.key == name)
    return str(next(told, ""))


def network_in(file: OnnxFile) -> tuple[Network, Parameters] | None:
    """Return the network that was left in a file, and its parameters.

    None where there is none, where it has not the inputs of the graph, and where the numbers of the
    graph are no longer its parameters.
    """
    text = left_in(file, SPECIFICATION)
    if not text:
        return None
    try:
        net = network_from_data(json.loads(text))
        most = max(WIDEST, sum(array.size for array in file.constants.values()))
        if net.inputs > most or file.width not in (0, net.inputs):
            return None
        each = [_of(file, name, leaf.shape) for name, leaf in named_leaves(net.form)]
        params = rebuild(net.form, each)
        check_parameters(net, params)
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError):
        return None
    return net, params


def _of(file: OnnxFile, name: str, shape: tuple[int, ...]) -> Array:
    """The parameter of a name, or raise."""
    turned = file.constants.get(f"{name}.T")
    array = file.constants[name] if turned is None else turned.mT
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    return taken(name, array)
