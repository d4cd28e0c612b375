"""The lines of an example's cost for each class that a page can give it.

A cross-entropy without smoothed labels writes the share of the class alone, and so another class
has other lines.

y   (n, outputs)   targets; those of a class are 1 for it and 0 for the others
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator
from contextlib import suppress

import numpy as np

from chainrule import losses
from chainrule.explanation.derivation_steps import Derivation, Step
from chainrule.explanation.forward_backward import Passes
from chainrule.explanation.reached_units import Reached
from chainrule.explanation.sums import Row
from chainrule.loss_row import Head


class ClassCosts:
    """The cost with the classes of the data, and with each that can be chosen among some outputs.

    >>> from chainrule.batches import Examples
    >>> from chainrule.explanation.derivation import derive_from
    >>> from chainrule.explanation.notation import Key
    >>> net = cr.Network(1, [cr.Dense(3)], loss="cross_entropy")
    >>> passes = Passes(net, net.init(), Examples(np.array([[1.0]]), np.array([2]), None))
    >>> costs = ClassCosts(passes, [0, 1])
    >>> found = costs.lines(derive_from(passes, Key("w"), top=10), 0)
    >>> {classes: len(steps) for classes, steps in found.items()}
    {'2': 6, '0': 5, '1': 6}
    """

    passes: Passes
    others: list[Passes]

    def __init__(self, passes: Passes, outputs: Collection[int]) -> None:
        row = losses.loss(passes.net.loss)
        self.heads: list[Head] = [
            part for part in row.heads(passes.net.outputs) if _has_one_class(part)
        ]
        self.passes, self.others = passes, list(_with_others(passes, self.heads, outputs))

    def lines(self, derived: Derivation, row: int) -> dict[str, list[Step]]:
        """Return the lines of the cost of an example in a derivation, by its classes."""
        of, top = derived.subject, derived.top
        working = self.passes.working(row, top)
        units = Reached(working, of, derived.at.places(of), top).units
        return {
            self._classes(each.y[row]): each.working(row, top).cost_lines(units)
            for each in (self.passes, *self.others)
        }

    def _classes(self, y: Row) -> str:
        """The outputs whose shares are written, as the page names them."""
        return ",".join(str(j) for h in self.heads for j in range(h.first, h.end) if y[j])


def _has_one_class(head: Head) -> bool:
    """Whether the share of the class alone is written."""
    return head.loss.name == "cross_entropy" and not any(head.loss.parameters)


def _with_others(
    passes: Passes, heads: Collection[Head], outputs: Collection[int]
) -> Iterator[Passes]:
    """Yield passes in which all examples have one class of each head, or of some their own."""
    each = ([None, *(j for j in outputs if h.first <= j < h.end)] for h in heads)
    for classes in itertools.product(*each):
        y = passes.y.copy()
        for head, j in zip(heads, classes, strict=True):
            if j is not None:
                y[:, head.first : head.end] = np.arange(head.first, head.end) == j
        with suppress(ValueError):  # the cost is not finite, and the page refuses it
            yield passes.with_targets(y)
