r"""An output that a network predicts along paths of its inputs, in the compiled engine.

X   (n, points, inputs)       p, q   (n, points)   the output; what a probability lacks to 1
g   (n, points − 1, inputs)   ∂p/∂x from each point to the next, along the chord
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
    """The outputs that a network predicts along paths, and their gradients between the points.

    On a chord, an activation has the slope of its ends, so that what g says of a step is what p
    changes by; other layers that are not linear have that of the middle. Between equal points g is
    the gradient there. The loss's link is part of the prediction, and of members it is the mean.
    What comes of a path is the same to the bit whichever stand beside it. `of` makes one where the
    engine can.

    >>> net = cr.Network(2, [cr.Dense(1, "relu")], loss="squared_error")
    >>> made = InputGradient.of(net, net.parameters([([[2.0, -1.0]], [0.0])]))
    >>> if made:  # there is an engine
    ...     p, _, g = made(np.array([[[-1.0, 0.0], [1.0, 0.0]]]), 0)
    ...     assert (p.tolist(), g.tolist()) == ([[0.0, 2.0]], [[[1.0, -0.5]]])
    """

    def __init__(self, net: Network, params: Parameters) -> None:
        module, arrays = engine.native, leaves(params)
        assert module is not None
        self.dtype: Any = arrays[0].dtype
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
        """Return p, q and g of checked paths, by one thread; g is None where it is not wanted."""
        X = np.ascontiguousarray(X, self.dtype)
        n, points, inputs = X.shape
        p, q = np.empty((2, n, points), self.dtype)
        g = np.empty((n, points - 1, inputs), self.dtype) if gradient else None
        self._made.run(X, output=output, p=p, q=q, g=g)
        return p, q, g
