"""The core's numbers of all that a page shows at first, or always where it works out none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from chainrule import losses
from chainrule.explanation.derivation_steps import Derivation
from chainrule.explanation.forward_backward import Passes
from chainrule.explanation.notation import COST, Key, derivative
from chainrule.explanation.page.drawn_units import DrawnUnits, NetworkNumbers
from chainrule.explanation.page.page_derivations import Library
from chainrule.explanation.unit_places import is_parameter
from chainrule.layers import Role

MOST_ROWS = 24
"""The most entries of a parameter that is not drawn which are shown."""

ByExample = float | list[float]
"""Of a quantity: one number, or one for each example."""


def other_parameters(drawn: DrawnUnits, seen: NetworkNumbers) -> list[Key]:
    """Return the keys of parameters that are not drawn: of each the first entries.

    >>> net = cr.Network(1, [cr.Periodic(1, 1), cr.Dense(1)], loss="half_squared_error")
    >>> from chainrule.explanation.page.drawn_units import drawn_units
    >>> d = cr.explain(net, net.init(), [3.0], [1.0], of="w1").derivation
    >>> [key.text or key.kind for key in other_parameters(drawn_units(d), NetworkNumbers(d))]
    ['frequency', 'phase']
    """
    at, known = seen.at, {*drawn.subjects()}
    found = []
    for name, shape in at.shapes.items():
        for _, entry in zip(range(MOST_ROWS), np.ndindex(*shape), strict=False):
            key = at.key(name, entry)
            if key not in known and _is_of_drawn(key, drawn, seen):
                found.append(key)
    return found


def _is_of_drawn(key: Key, drawn: DrawnUnits, seen: NetworkNumbers) -> bool:
    """Whether a parameter changes what is drawn; another member's does not."""
    name, entry = seen.at.leaf(key)
    for k in seen.at.instances(key):
        by = seen.working.formulas(k).by.get(name.removeprefix(f"{seen.at.layers[k].path}."))
        if drawn.units[k + 1] and (by is None or by(*entry)):  # a statistic has none
            return True
    return False


def known_numbers(
    library: Library,
    drawn: DrawnUnits,
    others: Iterable[Key],
    seen: NetworkNumbers,
    passes: Passes | None,
) -> list[tuple[int, ByExample]]:
    """Return the numbers of what is drawn and of other parameters, each beside that of its key.

    >>> from chainrule.explanation.page.drawn_units import drawn_units
    >>> net = cr.Network(1, [cr.Scale()], loss="half_squared_error")
    >>> explanation = cr.explain(net, net.init(), [3.0], [1.0], of="x1")
    >>> d, library = explanation.derivation, Library(explanation)
    >>> known_numbers(library, drawn_units(d), [], NetworkNumbers(d), None)[0]
    (0, [3.0])
    """
    found = [*_of_units(drawn, seen), *_of_outputs(drawn, seen)]
    parameters = [*filter(is_parameter, drawn.subjects()), *others]
    found += [(key, seen.value(key)) for key in parameters]
    if passes:
        found += _slopes(passes, parameters)
    return [(library.key(key), value) for key, value in found if np.all(np.isfinite(value))]


def updated_numbers(library: Library, derivations: Iterable[Derivation]) -> list[Any]:
    """Return what parameters are after the update, each beside the number of its key.

    >>> net = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
    >>> params = net.parameters([([[0.5]], [0.25])])
    >>> explanation = cr.explain(net, params, [2.0], [1.0], of="w1", optimizer=cr.SGD(0.1))
    >>> updated_numbers(Library(explanation), [explanation.derivation])
    [(1, 0.45)]
    """
    new = {s.key: s.value for d in derivations for s in d.steps() if s.key.kind == "new"}
    return [(library.key(key), value) for key, value in new.items()]


def _slopes(passes: Passes, parameters: list[Key]) -> Iterator[tuple[Key, ByExample]]:
    """The cost, and its derivatives by parameters."""
    yield COST, passes.cost
    for key in parameters:
        if passes.net.roles[passes.at.leaf(key)[0]] is not Role.STATISTIC:
            yield derivative(COST, key), passes.gradient(key)


def _of_units(drawn: DrawnUnits, seen: NetworkNumbers) -> Iterator[tuple[Key, ByExample]]:
    for k, units in enumerate(drawn.units, start=-1):
        if not units:
            continue
        left, slopes = seen.left(k), seen.slopes(k)
        rows: dict[str, Any] = {what: seen.rows(k, what) for what in ("z", "delta")}
        for j in units:
            a = Key("a" if k >= 0 else "x", k, j)
            yield a, left[:, j].tolist()
            yield derivative(COST, a), slopes[:, j].tolist()
            for what, each in rows.items():
                if each is not None:
                    yield Key(what, k, j), each[:, j].tolist()


def _of_outputs(drawn: DrawnUnits, seen: NetworkNumbers) -> Iterator[tuple[Key, ByExample]]:
    shares = losses.loss(seen.net.loss).value(seen.passed(drawn.last), seen.y, np)
    for j in drawn.units[drawn.last + 1]:
        yield Key("y", seen.at.last, j), seen.y[:, j].tolist()
        yield Key("loss", drawn.last, j), shares[:, j].tolist()
