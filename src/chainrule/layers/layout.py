r"""What embeddings share: each input becomes some outputs, or passes through as it is.

x   (n, i)   of which f inputs are embedded      a   (n, f·d + i − f), in the order of the inputs
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import device

from chainrule.trees import Array


class Layout(NamedTuple):
    """Which of some inputs are embedded, each in `size` outputs.

    >>> Layout(inputs=3, embedded=(0, 2), size=2).outputs
    5
    """

    inputs: int
    embedded: Sequence[int]
    size: int

    @property
    def passed(self) -> tuple[int, ...]:
        """The inputs that pass through."""
        embedded = set(self.embedded)
        return tuple(k for k in range(self.inputs) if k not in embedded)

    @property
    def outputs(self) -> int:
        """The number of outputs."""
        return len(self.embedded) * (self.size - 1) + self.inputs

    def place(self, k: int) -> int:
        """Return the first output of an input.

        >>> Layout(inputs=3, embedded=(0, 2), size=2).place(2)
        3
        """
        return k + (self.size - 1) * sum(other < k for other in self.embedded)

    def source(self, j: int) -> tuple[int, int]:
        """Return the input that an output is of, and which of its outputs it is.

        >>> Layout(inputs=3, embedded=(0, 2), size=2).source(4)
        (2, 1)
        """
        k = max(k for k in range(self.inputs) if self.place(k) <= j)
        return k, j - self.place(k)

    def numbers(self, x: Array, xp: Any) -> Array:
        """Return the inputs that are embedded, (n, f)."""
        return _taken(x, self.embedded, xp)

    def joined(self, e: Array, x: Array, xp: Any) -> Array:
        """Return the outputs from the embeddings e (n, f, d) and the inputs."""
        flat = xp.reshape(e, (e.shape[0], e.shape[1] * e.shape[2]))
        return _taken(xp.concat([flat, _taken(x, self.passed, xp)], axis=1), _places(self), xp)

    def of_numbers(self, da: Array, xp: Any) -> Array:
        """Return the part of ∂C/∂a that belongs to the embeddings, (n, f, d)."""
        order = np.argsort(_places(self))[: len(self.embedded) * self.size]
        return xp.reshape(_taken(da, order, xp), (da.shape[0], len(self.embedded), self.size))

    def dx(self, dnumbers: Array, da: Array, xp: Any) -> Array:
        """Return ∂C/∂x from ∂C by the embedded inputs (n, f), and ∂C/∂a."""
        order = np.argsort(_places(self))[len(self.embedded) * self.size :]
        given = xp.concat([dnumbers, _taken(da, order, xp)], axis=1)
        return _taken(given, np.argsort((*self.embedded, *self.passed)), xp)


@functools.lru_cache
def _places(layout: Layout) -> tuple[int, ...]:
    """For each output, its place where all embeddings stand before what passes through."""
    d, f = layout.size, len(layout.embedded)
    blocks = {k: range(j * d, (j + 1) * d) for j, k in enumerate(layout.embedded)}
    alone = {k: range(f * d + j, f * d + j + 1) for j, k in enumerate(layout.passed)}
    found = blocks | alone
    return tuple(place for k in range(layout.inputs) for place in found[k])


def _taken(x: Array, columns: Any, xp: Any) -> Array:
    """The columns named."""
    return xp.take(x, xp.asarray(np.asarray(columns, np.int64), device=device(x)), axis=1)
