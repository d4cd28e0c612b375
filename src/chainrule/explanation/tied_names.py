"""Weights and biases that are one number in several places, by the names of an explanation."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping
from typing import Any

from chainrule.explanation.notation import Key
from chainrule.explanation.subjects import subject
from chainrule.explanation.unit_places import LETTERS, Places, is_parameter, letter_of
from chainrule.layers import Role
from chainrule.network import Parameters
from chainrule.ties import Place, Ties, check_ties


def tied_places(ties: Any, at: Places) -> Places:
    """Return the places of a network in which groups of weights or biases are one number.

    >>> net = cr.Network(2, [cr.Dense(2), cr.Dense(2)], loss="half_squared_error")
    >>> at = tied_places([["h1.b", "h2.b"], ["o1.b", "o2.b"]], Places.of(net))
    >>> subject("b2", at) == subject("o2.b", at)
    True
    """
    must = 'ties must be groups of weights or biases, such as [["h1.b", "h2.b"]]'
    if isinstance(ties, str) or not isinstance(ties, Collection):
        raise TypeError(f"explain: {must}, got {ties!r}")
    groups = []
    for group in ties:
        if isinstance(group, str) or not isinstance(group, Collection):
            raise TypeError(f"explain: {must}, got {group!r}")
        keys = [subject(name, at) for name in group]
        letters = {letter_of(key) if is_parameter(key) else "" for key in keys}
        if len(keys) < 2 or len(letters) > 1 or "" in letters:
            raise ValueError(f"explain: {must}, two or more of one kind in each; got {group!r}")
        groups.append(tuple(sorted(keys, key=at.number)))
    every = [key for group in groups for key in group]
    if len(set(every)) < len(every):
        raise ValueError("explain: ties must name a weight or a bias once, in one of the groups")
    return dataclasses.replace(at, ties=tuple(groups))


def checked_ties(
    params: Parameters,
    at: Places,
    roles: Mapping[str, Role],
    frozen: frozenset[str] = frozenset(),
) -> Ties:
    """Return the ties as `fit` has them, or raise where tied places are not one number."""
    names = [[str(Place(*at.leaf(key))) for key in group] for group in at.ties]
    return check_ties(params, names, roles, frozen, untied_names(at))


def untied_names(at: Places) -> Callable[[Place], str]:
    """Return what each place is called where nothing is tied yet.

    >>> net = cr.Network(2, [cr.Dense(2), cr.Dense(1)], loss="huber")
    >>> untied_names(Places.of(net))(Place("1.W", (0, 1)))
    'w6'
    """
    untied = dataclasses.replace(at, ties=())

    def name(place: Place) -> str:
        key = key_at(place, at)
        number = untied.number(key)
        return f"{key.kind}{number}" if key.kind in LETTERS else str(place)

    return name


def places_of_run(ties: Ties, at: Places) -> Places:
    """Return the places of a network whose parameters a run has tied.

    >>> net = cr.Network(1, [cr.Dense(2)], loss="huber")
    >>> places_of_run(((Place("0.b", (0,)), Place("0.b", (1,))),), Places.of(net)).later("b")
    {2: 1}
    """
    groups = [sorted((key_at(place, at) for place in group), key=at.number) for group in ties]
    return dataclasses.replace(at, ties=tuple(map(tuple, groups)))


def key_at(place: Place, at: Places) -> Key:
    """Return the key of a tied place.

    >>> net = cr.Network(2, [cr.Dense(2), cr.Dense(1)], loss="huber")
    >>> key_at(Place("1.W", (0, 1)), Places.of(net))[:4]
    ('w', 1, 0, 1)
    """
    return at.key(place.name, place.entry)
