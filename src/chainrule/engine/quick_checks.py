"""Parameters and inputs that are plainly as they ought to be: the engine sees that in one look.

Where they are not, the core's own checks are asked, which find out what is wrong and name it.
"""

from __future__ import annotations

from typing import Any

import array_api_compat.numpy
import numpy as np

from chainrule import engine, network
from chainrule.engine.program import MadeOnce, for_predictions
from chainrule.engine.session import why_not
from chainrule.errors import as_numbers
from chainrule.network import Network, Parameters
from chainrule.sparse_rows import is_sparse
from chainrule.trees import Array, leaves


def _make(net: Network) -> Any:
    """Return what looks at a network's parameters and inputs, or None where there is none."""
    if engine.native is None or why_not(net, net.form):
        return None
    return for_predictions(net).compiled_by(engine.native)


_look = MadeOnce(_make)


def check_parameters(net: Network, params: Parameters) -> None:
    """Do the same as `network.check_parameters`.

    >>> net = cr.Network(2, [cr.Dense(1)], "huber")
    >>> check_parameters(net, net.init())
    """
    look = _look(net) if isinstance(net, Network) else None
    if look is None or not look.holds(params):
        network.check_parameters(net, params)


def check_inputs(net: Network, params: Parameters, X: Any, *, what: str = "X") -> tuple[Array, Any]:
    """Do the same as `network.check_inputs`.

    >>> net = cr.Network(2, [cr.Dense(1)], "huber")
    >>> check_inputs(net, net.init(), [[1, 2]])[0]
    array([[1., 2.]], dtype=float32)
    """
    if is_sparse(X):
        return network.check_inputs(net, params, X, what=what)
    X, look = as_numbers(what, X), _look(net)
    if look is not None and isinstance(X, np.ndarray) and X.flags.c_contiguous:
        with np.errstate(over="ignore"):
            read = X.astype(leaves(params)[0].dtype, copy=False)
        if look.takes(read):
            return read, array_api_compat.numpy
    return network.check_inputs(net, params, X, what=what)
