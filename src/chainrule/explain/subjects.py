"""What an explanation is of: a weight, a bias, an input, a unit, the cost, or all of them.

| name | the cost's derivative by |
|---|---|
| `w5`, `layers[1].W[0, 1]` | a weight |
| `b3`, `o1.b`, `layers[1].b[0]` | a bias |
| `x2`, `i2` | an input |
| `h1`, `o2`, `out_o2` | the activation of a unit |
| `net_o2`, `delta_o2` | its weighted input: δ |
"""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Collection
from typing import Any

from chainrule.explain.names import Key, Places

ALL = Key("all")
COST = Key("C")

_INDEXED = re.compile(r"layers\[(\d{1,9})\]\.(W|b)\[(\d{1,9})(?:, *(\d{1,9}))?\]", re.ASCII)
_NUMBERED = re.compile(r"([wbxiho])([1-9]\d{0,17})", re.ASCII)
_UNIT = re.compile(r"(out|net|delta|δ)_([ho][1-9]\d{0,17})", re.ASCII)
_OF_UNIT = re.compile(r"([ho][1-9]\d{0,17})\.b", re.ASCII)
_NEARLY = re.compile(r"([wbxiho])[ _]*(-?\d{0,18})", re.ASCII | re.IGNORECASE)
_LAYER = re.compile(r"layers\[(\d{1,9})\]", re.ASCII)


def subject(of: Any, at: Places) -> Key:
    """Return the key of what is to be explained.

    A unit's key is that of its activation, or of its weighted input. Raises ValueError for what
    the network does not have, with what it has.

    >>> net = cr.Network(2, [cr.Dense(2), cr.Dense(2)], loss="half_squared_error")
    >>> subject("w5", Places.of(net))
    Key(kind='w', layer=1, unit=0, source=0, of=(), text='', example=0)
    """
    if not isinstance(of, str):
        raise TypeError(f"explain: of must be a name such as 'w5', got {of!r}")
    given = of.strip()
    if given in ("cost", "all"):
        return COST if given == "cost" else ALL
    if found := _LAYER.match(given):
        _check_dense(given, int(found[1]), at)
    if found := _INDEXED.fullmatch(given):
        return at.places(_indexed(given, found, at))[0]
    if found := _OF_UNIT.fullmatch(given):
        unit = subject(found[1], at)
        return at.places(unit._replace(kind="b"))[0]
    if found := _UNIT.fullmatch(given):
        unit = subject(found[2], at)
        return unit if found[1] == "out" else unit._replace(kind="z")
    found = _NUMBERED.fullmatch(given)
    if found and (number := int(found[2])) <= count(found[1], at) + len(at.later(found[1])):
        if number > count(found[1], at):  # beyond what is counted, it is the number of a place
            return at.places(placed(found[1], number - 1, at))[0]
        return numbered(found[1], number - 1, at)
    raise _unknown(given, at)


def fraction(of: str, by: str | None, at: Places, joint: Collection[int] = ()) -> tuple[Key, Key]:
    """Return the keys of what is derived, and of what it is derived by.

    `joint` are the layers whose activations depend on all their weighted inputs.

    >>> net = cr.Network(2, [cr.Dense(2), cr.Dense(2)], loss="half_squared_error")
    >>> [key.kind for key in fraction("w5", None, Places.of(net))]
    ['C', 'w']
    >>> [key.kind for key in fraction("out_o1", "w5", Places.of(net))]
    ['a', 'w']
    """
    given = subject(of, at)
    if by is None:
        return COST, given
    divisor = subject(by, at)
    if given.kind not in ("a", "z", "C"):
        raise ValueError(
            f"explain: with by={by!r}, of must be a unit, such as 'out_o1' or 'net_h2', or 'cost', "
            f"got {of!r}"
        )
    if divisor in (COST, ALL):
        raise ValueError(
            f"explain: by must be a weight, a bias, an input or a unit, such as 'w5', got {by!r}"
        )
    if divisor == given:
        raise ValueError(f"explain: {of} by itself is 1; name what lies before it")
    whole = given.kind == "a" and given.layer in joint
    if given != COST and not _leads(divisor, given, whole=whole):
        raise ValueError(
            f"explain: {by} does not lead to {of}, whose derivative by it is 0; name a weight, a "
            "bias, an input or a unit before it"
        )
    return given, divisor


def _leads(by: Key, to: Key, *, whole: bool) -> bool:
    """Whether a quantity is one that a unit's activation or weighted input depends on."""
    if by.layer == to.layer and (whole or by.unit == to.unit):
        return by.kind in ("w", "b") or (by.kind, to.kind) == ("z", "a")
    return by.layer < to.layer


def _check_dense(of: str, index: int, at: Places) -> None:
    if index not in at.indices:
        raise ValueError(
            f"explain: {of!r}: the network has no dense layer {index}; its dense layers are "
            f"{', '.join(map(str, at.indices))}, counted from 0"
        )


def _indexed(of: str, found: re.Match[str], at: Places) -> Key:
    index, letter = int(found[1]), found[2]
    layer = at.indices.index(index)
    i, o = at.widths[layer : layer + 2]
    j, k = int(found[3]), found[4]
    shape = (o, i) if letter == "W" else (o,)
    given = (j,) if k is None else (j, int(k))
    if len(given) != len(shape) or any(g >= s for g, s in zip(given, shape, strict=True)):
        raise ValueError(
            f"explain: {of!r}: layers[{index}].{letter} has shape {shape}, with indices from 0"
        )
    return Key("w", layer, j, int(k)) if k is not None else Key("b", layer, j)


def count(letter: str, at: Places) -> int:
    """Return how many weights, biases, inputs, hidden units or outputs there are.

    >>> net = cr.Network(2, [cr.Dense(2), cr.Dense(2)], loss="half_squared_error")
    >>> count("w", Places.of(net))
    8
    """
    if letter in "xi":
        return at.widths[0]
    if letter == "w":
        return sum(i * o for i, o in itertools.pairwise(at.widths)) - len(at.later("w"))
    if letter == "b":
        return sum(at.widths[1:]) - len(at.later("b"))
    return at.widths[-1] if letter == "o" else sum(at.widths[1:-1])


def numbered(letter: str, number: int, at: Places) -> Key:
    """Return the key of a quantity by its letter and its number from 0.

    >>> net = cr.Network(2, [cr.Dense(2), cr.Dense(2)], loss="half_squared_error")
    >>> numbered("w", 4, Places.of(net))[:4]
    ('w', 1, 0, 0)
    """
    if letter in "xi":
        return Key("x", -1, number)
    if letter == "o":
        return Key("a", at.last, number)
    for each in sorted(at.later(letter)):
        number += each - 1 <= number
    return placed(letter, number, at)


def placed(letter: str, number: int, at: Places) -> Key:
    """Return the key of a weight, a bias or a hidden unit by its place from 0, tied or not.

    >>> net = cr.Network(2, [cr.Dense(2), cr.Dense(2)], loss="half_squared_error")
    >>> placed("b", 3, Places.of(net))[:3]
    ('b', 1, 1)
    """
    for layer in range(len(at.indices)):
        i, o = at.widths[layer : layer + 2]
        size = i * o if letter == "w" else o
        if number < size:
            if letter == "w":
                return Key("w", layer, *divmod(number, i))
            return Key("b" if letter == "b" else "a", layer, number)
        number -= size
    raise AssertionError("the number was counted")


def parameters(at: Places) -> list[Key]:
    """Return the keys of all weights and biases, in the order of their numbers.

    >>> net = cr.Network(1, [cr.Dense(1), cr.Dense(1)], loss="half_squared_error")
    >>> [key.kind for key in parameters(Places.of(net))]
    ['w', 'w', 'b', 'b']
    """
    return [numbered(letter, k, at) for letter in "wb" for k in range(count(letter, at))]


def _unknown(of: str, at: Places) -> ValueError:
    """The error for what names nothing, with the nearest name and all that there are."""
    ranges = [
        f"{letter}1 to {letter}{size}" if size > 1 else f"{letter}1"
        for letter in "wbxho"
        if (size := count(letter, at))
    ]
    near = _nearest(of, at)
    hint = f"; did you mean {near!r}?" if near else "."
    return ValueError(
        f"explain: the network has no quantity {of!r}{hint} It has {', '.join(ranges)}, "
        "layers[l].W[j, k] and layers[l].b[j] counted from 0, net_o1 of each unit, cost and all"
    )


def _nearest(of: str, at: Places) -> str:
    """The name nearest to what names nothing, if there is one."""
    if found := _LAYER.match(of):
        return f"layers[{found[1]}].W[0, 0]"
    if (found := _NEARLY.fullmatch(of)) and (size := count(found[1].lower(), at)):
        number = max(1, min(int(found[2] or 1), size))
        return f"{found[1].lower()}{number}"
    return next(iter(difflib.get_close_matches(of.lower(), ("cost", "all"), n=1)), "")
