r"""An output that a network predicts as a function of its inputs, in the compiled engine.

X   (n, inputs)      p   (n,)   the output; of a probability, q (n,) is what it lacks to 1
g   (n, inputs)      ∂p/∂x
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import engine
from chainrule.engine.program import for_predictions
from chainrule.engine.session import why_not
from chainrule.network import Network, Parameters
from chainrule.trees import leaves

Array = NDArray[Any]


class InputGradient:
    """The outputs that a network predicts, and their gradients for its inputs.

    The loss's link is part of the prediction, and of members it is the mean. What comes of a row is
    the same to the bit whichever rows stand beside it. `of` makes one where the engine can.

    >>> net = cr.Network(2, [cr.Dense(1, "relu")], loss="squared_error")
    >>> made = InputGradient.of(net, net.parameters([([[2.0, -1.0]], [0.5])]))
    >>> if made:  # there is an engine
    ...     p, _, g = made(np.ones((1, 2)), 0)
    ...     assert (p.tolist(), g.tolist()) == ([1.5], [[2.0, -1.0]])
    """

    def __init__(self, net: Network, params: Parameters) -> None:
        module, arrays = engine.native, leaves(params)
        assert module is not None
        self.dtype = arrays[0].dtype
        single = self.dtype == np.float32
        make = module.input_gradient32 if single else module.input_gradient64
        self._made = make(
            program=for_predictions(net).compiled_by(module),
            arrays=[np.ascontiguousarray(leaf) for leaf in arrays],
        )

    @classmethod
    def of(cls, net: Network, params: Parameters) -> InputGradient | None:
        """Return that of a network with its parameters, or None where the engine cannot run it."""
        built = hasattr(engine.native, "input_gradient64")  # an engine may be older than this file
        return cls(net, params) if built and not why_not(net, params) else None

    def __call__(self, X: Array, output: int, *, gradient: bool = True) -> tuple[Array, Array, Any]:
        """Return p, q and g of checked inputs, by one thread; g is None where it is not wanted."""
        X = np.ascontiguousarray(X, self.dtype)
        p, q = np.empty((2, len(X)), self.dtype)
        g = np.empty_like(X) if gradient else None
        self._made.run(X, output=output, p=p, q=q, g=g)
        return p, q, g
