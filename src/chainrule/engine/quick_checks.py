"""Parameters and inputs that are plainly as they ought to be: the engine sees that in one look.

Where they are not, the core's own checks are asked, which find out what is wrong and name it. A
large X is looked at by the first epoch of a run, which reads it anyway.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule import engine, network
from chainrule.engine.program import MadeOnce, for_predictions, for_training
from chainrule.engine.session import why_not
from chainrule.errors import as_numbers
from chainrule.network import Network, Parameters
from chainrule.sparse_rows import is_sparse
from chainrule.trees import Array, leaves

LARGE = 2**20
"""The bytes from which X is no longer in the cache when its first epoch comes."""


def _make(net: Network) -> Any:
    """Return what looks at a network's parameters and inputs, or None where there is none."""
    if engine.native is None or why_not(net, net.form):
        return None
    return for_predictions(net).compiled_by(engine.native)


_look = MadeOnce(_make)


@functools.cache
def _of_numpy() -> Any:
    """Return NumPy's functions by the names of the standard, a slow import, once they are used."""
    import array_api_compat.numpy

    return array_api_compat.numpy


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
            return read, _of_numpy()
    return network.check_inputs(net, params, X, what=what)


class LaterLook:
    """The look at the X of a run for what is not finite, left to its first epoch where X is large.

    Whatever else is wrong, or ends the run before, such an X is named in its place. So it is in the
    block that this is the context of.

    >>> net, X = cr.Network(512, [cr.Dense(1)], "huber"), np.full((512, 512), np.inf, np.float32)
    >>> with LaterLook() as look:
    ...     X, xp = look.check_inputs(net, net.init(), X)
    ...     raise RuntimeError("another")
    Traceback (most recent call last):
    ...
    ValueError: X must be finite, got inf at (0, 0); remove or impute such values
    """

    def __init__(self) -> None:
        self._look: Callable[[], Any] | None = None

    @property
    def waits(self) -> bool:
        """Whether there is something to look at."""
        return self._look is not None

    def check_inputs(
        self, net: Network, params: Parameters, X: Any, *, what: str = "X"
    ) -> tuple[Array, Any]:
        """Do the same as `check_inputs`, but for what is left for later."""
        if what != "X" or not _may_wait(net, params, X):
            return check_inputs(net, params, X, what=what)
        self._look = functools.partial(check_inputs, net, params, X)
        return X, _of_numpy()

    def settle(self, *, seen: bool = False) -> None:
        """Look at what waits, unless all of it was `seen` to be finite."""
        look, self._look = self._look, None
        if look is not None and not seen:
            look()

    def __enter__(self) -> LaterLook:
        return self

    def __exit__(self, *raised: object) -> None:
        if self._look is None:
            return
        try:
            self.settle()
        except ValueError as error:
            raise error from None


def _may_wait(net: Network, params: Parameters, X: Any) -> bool:
    """Whether X can only fail for what is not finite, and enters nothing but products."""
    return (
        type(X) is np.ndarray
        and X.nbytes >= LARGE
        and X.dtype == leaves(params)[0].dtype
        and X.ndim == 2
        and X.shape[1] == net.inputs
        and X.flags.c_contiguous
        and _look(net) is not None
        and all(op.kind == "affine" for op in for_training(net).operations if 0 in op.inputs)
    )
