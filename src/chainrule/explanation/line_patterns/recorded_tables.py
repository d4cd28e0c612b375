"""What stands for numbers where a formula is written down for any: tables, their places, questions.

A layer's formulas take arrays and places in them. Here a `Place` stands for any place, a `Table`
for an array whose entries are nodes of formulas. Where Python asks whether two places are the same,
or whether a number that the core saw is 0, both answers are written down: see `every_answer`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chainrule.explanation.expressions import Expression, Quantity
from chainrule.explanation.notation import Key

Tree = list[Any]


@dataclass(frozen=True)
class Recorded(Expression):
    """A node that is written down as the list that it is.

    >>> (Recorded(["n", "2"]) * 3).factors[0]
    Recorded(tree=['n', '2'])
    """

    tree: Tree = field(hash=False)


@dataclass(frozen=True, eq=False)
class Question(Recorded):
    """What Python asks as it writes a formula; as a number it is 1 or 0.

    >>> Question(["same", "j", "k"]).tree
    ['same', 'j', 'k']
    """

    def __bool__(self) -> bool:
        return _asked[-1].answer(self.tree)

    def __float__(self) -> float:
        return float(bool(self))


@dataclass(frozen=True, eq=False)
class Place:
    """Any place along an axis of a table.

    >>> (Place("j") == Place("k")).tree
    ['same', 'j', 'k']
    """

    name: str

    def __eq__(self, other: object) -> Any:
        return self is other or Question(["same", self.name, getattr(other, "name", other)])

    def __hash__(self) -> int:
        return hash(self.name)


class _Answers:
    """The answers of one way through a formula: those given, then yes to each further question."""

    def __init__(self, given: list[tuple[Tree, bool]]) -> None:
        self.given, self.further = given, []  # type: ignore[var-annotated]

    def answer(self, question: Tree) -> bool:
        for known, answer in self.given:
            if known == question:
                return answer
        if question not in self.further:
            self.further.append(question)
        return True


_asked: list[_Answers] = [_Answers([])]


def every_answer(
    make: Callable[[], Tree | None], given: tuple[tuple[Tree, bool], ...] = ()
) -> Tree | None:
    """Return what is made, `["if", question, yes, no]` where Python asked something on the way.

    >>> place, other = Place("j"), Place("k")
    >>> every_answer(lambda: ["n", "1"] if place == other else ["n", "0"])
    ['if', ['same', 'j', 'k'], ['n', '1'], ['n', '0']]
    """
    _asked.append(_Answers([*given]))
    try:
        made = make()
        further = _asked[-1].further
    finally:
        _asked.pop()
    if not further:
        return made
    both = [every_answer(make, (*given, (further[0], answer))) for answer in (True, False)]
    return ["if", further[0], *both]


class Table:
    """An array of any sizes: `entry` gives a node by its places, `shape` marks of the sizes.

    >>> W = Table(lambda j, k: f"W{j}{k}", 1013, 1009)
    >>> W[2, 3], W[:, 3][2], len(W[:, 3])
    ('W23', 'W23', 1013)
    """

    entry: Callable[..., Any]
    shape: tuple[Any, ...]

    __array_ufunc__ = None

    def __init__(self, entry: Callable[..., Any], *shape: Any) -> None:
        self.entry, self.shape = entry, shape

    def __len__(self) -> int:
        size: int = self.shape[0]
        return size

    def __getitem__(self, places: Any) -> Any:
        given = places if isinstance(places, tuple) else (places,)
        given = (*given, *(slice(None) for _ in self.shape[len(given) :]))
        open_axes = [axis for axis, place in enumerate(given) if isinstance(place, slice)]

        def entry(*more: Any) -> Any:
            filled = dict(zip(open_axes, more, strict=True))
            return self.entry(*(filled.get(axis, place) for axis, place in enumerate(given)))

        ends = [getattr(given[axis], "stop", None) for axis in open_axes]
        sizes = (
            end if isinstance(end, Place) else self.shape[axis]
            for axis, end in zip(open_axes, ends, strict=True)
        )
        return Table(entry, *sizes) if open_axes else entry()

    def _with(self, other: Any, of: Callable[[Any, Any], Any]) -> Table:
        """Entry by entry; a table of fewer axes has the last ones."""
        theirs = len(other.shape) if isinstance(other, Table) else 0
        shapes = self.shape, getattr(other, "shape", ())
        shape = max(shapes, key=lambda own: (len(own), None not in own))

        def entry(*places: Any) -> Any:
            own = self.entry(*places[len(shape) - len(self.shape) :])
            beside = other.entry(*places[len(shape) - theirs :]) if theirs else other
            return of(own, beside)

        return Table(entry, *shape)

    def __add__(self, other: Any) -> Table:
        return self._with(other, operator.add)

    def __sub__(self, other: Any) -> Table:
        return self._with(other, operator.sub)

    def __mul__(self, other: Any) -> Table:
        return self._with(other, operator.mul)

    def __truediv__(self, other: Any) -> Table:
        return self._with(other, operator.truediv)

    def __pow__(self, other: Any) -> Table:
        return self._with(other, operator.pow)

    def sum(self, **_: Any) -> Quantity:
        """Return a number that no formula is made of."""
        return self.mean()

    def mean(self) -> Quantity:
        """Return a number that no formula is made of."""
        return Quantity(Key("record", text="mean"), 1.0)


class Seen(Quantity):
    """A number that the core saw; whether it is 0 may be asked.

    >>> every_answer(lambda: ["n", "1" if Seen(Key("record", text="mask"), 1.0) else "0"])
    ['if', ['seen', 'mask', 0], ['n', '1'], ['n', '0']]
    """

    def __bool__(self) -> bool:
        return bool(Question(["seen", self.key.text, self.key.unit]))


class Record:
    """What a layer saw, as it did of a sample: of each array a table, all else as it is there.

    >>> net = cr.Network(1, [cr.Dense(1)], loss="huber")
    >>> Record(cr.forward(net, net.init(), [[1.0]])[0], 1, 5).z[0][2].key.text
    'z'
    """

    sample: Any
    shape: tuple[int, ...]

    def __init__(self, sample: Any, *shape: int) -> None:
        self.sample, self.shape = sample, shape

    def __getattr__(self, name: str) -> Any:
        known = getattr(self.sample, name)
        if known is None or isinstance(known, bool):
            return known

        def entry(*places: Any) -> Quantity:
            unit = places[-1]
            return Seen(Key("record", unit=getattr(unit, "name", unit), text=name), 1.0)

        return Table(entry, *self.shape)
