"""The cost over the rows of all ranks, for a search that rank 0 makes while the others compute."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult

from chainrule.distributed import in_tree
from chainrule.estimators.shared_rows import SharedRows

Array = NDArray[Any]

Cost = Callable[[Array], tuple[float, Array]]
"""From parameters in a row to the cost and its gradient."""

TOLD = ("x", "fun", "nit", "status", "message")
"""What the other ranks are told of the end of a search."""


class SharedCost:
    """The mean over all rows of what they cost, and its gradient: sums go shard by shard.

    `part(vector, rows)` is the sum of some rows here, and `penalty(vector)` is added to the mean.
    """

    shared: SharedRows
    part: Callable[[Array, slice], tuple[float, Array]]
    penalty: Callable[[Array], tuple[float, Array]]
    weight: float

    def __init__(
        self,
        shared: SharedRows,
        part: Callable[[Array, slice], tuple[float, Array]],
        penalty: Cost,
        weight: float,
    ) -> None:
        self.shared, self.part, self.penalty, self.weight = shared, part, penalty, weight

    def searched(self, search: Callable[[Cost], OptimizeResult]) -> OptimizeResult:
        """Return what a search finds. Rank 0 makes it, and all compute what it asks for."""
        ranks = self.shared.ranks
        if ranks.size == 1:
            return search(self.at)
        if ranks.rank > 0:
            return self._helped()
        found = search(lambda vector: self.at(ranks.first(vector)))
        return OptimizeResult(ranks.first({name: found[name] for name in TOLD}))

    def _helped(self) -> OptimizeResult:
        while isinstance(asked := self.shared.ranks.first(None), np.ndarray):
            self.at(asked)
        return OptimizeResult(asked)

    def at(self, vector: Array) -> tuple[float, Array]:
        """Return the cost and its gradient."""
        shared = self.shared
        parts = [self._of(vector, rows) for rows in shared.dealt.by_shard]
        costs = iter([cost for cost, _ in parts])
        cost = shared.total(lambda _: next(costs))
        gradients, nodes = iter([gradient for _, gradient in parts]), []
        for first, count in shared.ranks.nodes(shared.shards):
            own = [next(gradients) for _ in range(count)]
            nodes.append(in_tree(own, [(first + k, 1) for k in range(count)], operator.add))
        sums = np.array(nodes or [np.zeros_like(vector)])
        shared.ranks.add_up(sums, shared.shards)
        penalty, slope = self.penalty(vector)
        return cost / self.weight + penalty, sums[0] / self.weight + slope

    def _of(self, vector: Array, rows: slice) -> tuple[float, Array]:
        return self.part(vector, rows) if rows.stop > rows.start else (0.0, np.zeros_like(vector))
