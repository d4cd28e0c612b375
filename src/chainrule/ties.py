"""Ties: places in the parameters that share one value, as one bias that serves two units.

The derivative by a shared value is the sum of those by its places, and all places get one update.

| name | is |
|---|---|
| `"0.b[1]"`, `"0.W[1, 2]"` | a place: the name of a parameter, and the entry of its array |
| `Place` | the same, taken apart |
| `Ties` | groups of places, each of which shares a value |
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from array_api_compat import array_namespace, device

from chainrule.errors import unknown_name
from chainrule.layers import Role
from chainrule.trees import Array, named_leaves, rebuild

_PLACE = re.compile(r"(.+)\[\s*(\d+(?:\s*,\s*\d+)*)\s*\]")


class Place(NamedTuple):
    """One number of the parameters.

    >>> str(Place("1.W", (0, 2)))
    '1.W[0, 2]'
    """

    name: str
    entry: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.name}[{', '.join(map(str, self.entry))}]"


Ties = tuple[tuple[Place, ...], ...]


def check_ties(
    params: Any,
    given: Any,
    roles: Mapping[str, Role],
    frozen: frozenset[str] = frozenset(),
    called: Callable[[Place], str] = str,
) -> Ties:
    """Return ties of parameters, or raise where they are not ties or their values differ.

    `roles` are the network's, and `called` is what an error calls a place.

    >>> net = cr.Network(1, [cr.Dense(2)], loss="huber")
    >>> check_ties(net.init(), [["0.b[0]", "0.b[1]"]], net.roles)
    ((Place(name='0.b', entry=(0,)), Place(name='0.b', entry=(1,))),)
    """
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise TypeError(f"ties must be a list of lists of places, got {given!r}")
    groups = tuple(given)
    arrays = dict(named_leaves(params)) if groups else {}
    ties = tuple(_group(arrays, group) for group in groups)
    places = [place for group in ties for place in group]
    twice = next((place for place in places if places.count(place) > 1), None)
    if twice is not None:
        raise ValueError(f"ties: {twice} is named twice; a place is tied once, within one group")
    for group in ties:
        names = " and ".join(map(called, group))
        if len({roles[place.name] for place in group}) > 1:
            raise ValueError(f"ties: {names} are a weight and a bias, which are not treated alike")
        if len({place.name in frozen for place in group}) > 1:
            raise ValueError(f"ties: of {names} some are frozen; freeze all of them, or none")
    check_equal(arrays, ties, "values at the start", called)
    return ties


def check_equal(
    arrays: dict[str, Array], ties: Ties, what: str, called: Callable[[Place], str] = str
) -> None:
    """Raise unless tied places hold one number.

    >>> tied = ((Place("0.b", (0,)), Place("0.b", (1,))),)
    >>> check_equal({"0.b": np.array([0.35, 0.6])}, tied, "values at the start")
    Traceback (most recent call last):
    ...
    ValueError: ties: 0.b[0] and 0.b[1] must have equal values at the start, got 0.35 and 0.6
    """
    for group in ties:
        values = [float(arrays[place.name][place.entry]) for place in group]
        if len(set(values)) > 1:
            raise ValueError(
                f"ties: {' and '.join(map(called, group))} must have equal {what}, got "
                f"{' and '.join(f'{value:g}' for value in values)}"
            )


def _group(arrays: dict[str, Array], given: Any) -> tuple[Place, ...]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise TypeError(f"ties: a group must be a list of places such as '0.b[1]', got {given!r}")
    places = tuple(_place(arrays, place) for place in given)
    if len(places) < 2:
        raise ValueError(f"ties: a group must have at least two places, got {given!r}")
    return places


def _place(arrays: dict[str, Array], given: Any) -> Place:
    match = _PLACE.fullmatch(given) if isinstance(given, str) else None
    if match is None:
        raise ValueError(f"ties: a place must be an entry such as '0.b[1]', got {given!r}")
    place = Place(match[1], tuple(int(index) for index in match[2].split(",")))
    if place.name not in arrays:
        raise unknown_name("parameter to tie", place.name, arrays)
    shape = tuple(arrays[place.name].shape)
    inside = len(place.entry) == len(shape) and all(map(int.__lt__, place.entry, shape))
    if not inside:
        raise ValueError(f"ties: {place} is no entry of {place.name}, of shape {shape}")
    return place


def summed(grads: Any, ties: Ties) -> Any:
    """Return a gradient with the sum over each group at its first place, and 0 at the others.

    >>> net = cr.Network(1, [cr.Dense(3)], loss="huber")
    >>> grads = net.parameters([([[0.0]] * 3, [1.0, 2.0, 4.0])])
    >>> summed(grads, check_ties(net.init(), [["0.b[0]", "0.b[2]"]], net.roles))[0].b
    array([5., 2., 0.])
    """
    found = dict(named_leaves(grads))
    for first, *others in ties:
        total = sum(found[place.name][place.entry] for place in (first, *others))
        _put(found, first, total)
        for place in others:
            _put(found, place, 0.0)
    return rebuild(grads, found.values())


def spread(grads: Any, ties: Ties) -> Any:
    """Return a gradient in which each place has what the first of its group has.

    >>> net = cr.Network(1, [cr.Dense(3)], loss="huber")
    >>> grads = net.parameters([([[0.0]] * 3, [5.0, 2.0, 0.0])])
    >>> spread(grads, check_ties(net.init(), [["0.b[0]", "0.b[2]"]], net.roles))[0].b
    array([5., 2., 5.])
    """
    found = dict(named_leaves(grads))
    for first, *others in ties:
        for place in others:
            _put(found, place, found[first.name][first.entry])
    return rebuild(grads, found.values())


def _put(arrays: dict[str, Array], place: Place, value: Any) -> None:
    """Replace the array of a place by one that has another number there."""
    old = arrays[place.name]
    xp, flat = array_namespace(old), 0
    for index, size in zip(place.entry, old.shape, strict=True):
        flat = flat * size + index
    here = xp.reshape(xp.arange(old.size, device=device(old)) == flat, old.shape)
    arrays[place.name] = xp.where(here, xp.asarray(value, dtype=old.dtype, device=device(old)), old)
