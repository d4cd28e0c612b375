r"""Several predictions side by side, as members make them, and the loss of them all.

k   members      a   (n, k·o)   the members' outputs side by side      y   (n, o)   target
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

from chainrule.loss_row import Loss
from chainrule.trees import Array


@functools.lru_cache
def of_members(row: Loss, k: int) -> Loss:
    r"""Return the row for k members whose outputs stand side by side, (n, k·o): the mean of theirs.

    $$L = \frac1k \sum_m L(a_m, y),\qquad \hat y = \frac1k \sum_m \mathrm{link}(a_m)$$

    Value and link are (n, o), grad and kink (n, k·o).

    >>> row = of_members(cr.losses.loss("squared_error"), 2)
    >>> row.value(np.array([[1.0, 3.0]]), np.array([[0.0]]), np)
    array([[5.]])
    """
    if k == 1:
        return row

    def apart(a: Array, xp: Any) -> Array:
        return xp.reshape(a, (-1, a.shape[1] // k))

    def mean(each: Array, xp: Any) -> Array:
        return xp.mean(xp.reshape(each, (-1, k, each.shape[1])), axis=1)

    def beside(f: Callable[[Array, Array, Any], Array]) -> Callable[[Array, Array, Any], Array]:
        return lambda a, y, xp: xp.reshape(f(*pairs(a, y, xp), xp), a.shape)

    def pairs(a: Array, y: Array, xp: Any) -> tuple[Array, Array]:
        return apart(a, xp), apart(xp.concat([y] * k, axis=1), xp)

    return dataclasses.replace(
        row,
        value=lambda a, y, xp: mean(row.value(*pairs(a, y, xp), xp), xp),
        grad=lambda a, y, xp: beside(row.grad)(a, y, xp) / k,
        link=lambda a, xp: mean(row.link(apart(a, xp), xp), xp),
        kink=row.kink and beside(row.kink),
        check=False,
    )
