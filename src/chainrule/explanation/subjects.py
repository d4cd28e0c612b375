"""What an explanation is of: a weight, a bias, an input, a unit, the cost, or all of them.

| name | the cost's derivative by |
|---|---|
| `w5`, `layers[1].W[0, 1]`, `1.W[0, 1]` | a weight |
| `b3`, `o1.b`, `layers[1].b[0]` | a bias |
| `1.gamma[0]`, `layers[1].gamma[0]` | an entry of any parameter, by its name |
| `x2`, `i2` | an input |
| `h1`, `o2`, `out_o2` | the activation of a unit; of the second of several members `h1(2)` |
| `net_o2`, `delta_o2` | its weighted input: δ |
"""

from __future__ import annotations

import difflib
import math
import re
from typing import Any

import numpy as np

from chainrule.explanation.notation import Key
from chainrule.explanation.unit_places import LETTERS, Places

ALL = Key("all")
COST = Key("C")

_ENTRY = re.compile(
    r"(?:layers\[(\d{1,9})\]|(\d{1,9}))((?:\.\w+|\[\d{1,9}\])*?\.\w+)\[([\d, ]+)\]", re.ASCII
)
_NUMBERED = re.compile(r"([wbxiho])([1-9]\d{0,17})", re.ASCII)
_UNIT = re.compile(r"(out|net|delta|δ)_([ho][1-9]\d{0,17}(?:\(\d+\))?)", re.ASCII)
_OF_MEMBER = re.compile(r"([ho])([1-9]\d{0,17})(?:\((\d{1,9})\))?", re.ASCII)
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
        _check_layer(given, found[1], at)
    if (found := _ENTRY.fullmatch(given)) and (key := _entry(given, found, at)):
        return at.places(key)[0]
    if found := _OF_UNIT.fullmatch(given):
        unit = subject(found[1], at)
        return at.places(unit._replace(kind="b"))[0]
    if found := _UNIT.fullmatch(given):
        unit = subject(found[2], at)
        return unit if found[1] == "out" else unit._replace(kind="z")
    if (key := _by_number(given, at)) is not None:
        return key
    raise _unknown(given, at)


def _by_number(given: str, at: Places) -> Key | None:
    """The key of what is called by a letter and a number, or None where there is no such thing."""
    if len(at.ends) > 1 and (found := _OF_MEMBER.fullmatch(given)):
        return _of_member(given, found, at)
    found = _NUMBERED.fullmatch(given)
    if not found:
        return None
    letter, number = found[1], int(found[2])
    if number <= count(letter, at):
        return key_by_number(letter, number - 1, at)
    if number <= count(letter, at) + len(at.later(LETTERS.get(letter, ""))):
        return at.places(key_by_place(letter, number - 1, at))[0]  # it is the number of a place
    return None


def _of_member(of: str, found: re.Match[str], at: Places) -> Key | None:
    """The key of a unit where there are several members; None where there is no such unit."""
    letter, number, member = found[1], int(found[2]), found[3]
    if number > count(letter, at):
        return None
    key = key_by_number(letter, number - 1, at)
    twins = [k for k in range(len(at.layers)) if at.twin(k) == at.twin(key.layer)]
    if len(twins) == 1 and member is None:
        return key
    if len(twins) == 1 or member is None or not 0 < int(member) <= len(twins):
        which = f"'{letter}{number}(1)' to '{letter}{number}({len(twins)})'"
        raise ValueError(
            f"explain: {of!r}: "
            + (f"each member has one; name {which}" if len(twins) > 1 else "no member has it alone")
        )
    return key._replace(layer=twins[int(member) - 1])


def fraction(of: str, by: str | None, at: Places) -> tuple[Key, Key]:
    """Return the keys of what is derived, and of what it is derived by.

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
    if given != COST and at.layers[given.layer].member:
        raise ValueError(
            f"explain: with by={by!r}, of must be 'cost' or a unit before the members, got {of!r}"
        )
    return given, divisor


def does_not_lead(of: str, by: str) -> ValueError:
    """Return the error for a unit by what does not lead to it.

    >>> str(does_not_lead("out_o1", "w7"))[:39]
    'explain: w7 does not lead to out_o1, wh'
    """
    return ValueError(
        f"explain: {by} does not lead to {of}, whose derivative by it is 0; name a weight, a bias, "
        "an input or a unit before it"
    )


def _check_layer(of: str, index: str, at: Places) -> None:
    there = dict.fromkeys(name.partition(".")[0] for name in at.shapes)
    if index in there:
        return
    kinds = {place.layer.words(place.inputs).kind for place in at.layers}
    layer, those = f"layer {index} with parameters", "those that have are"
    if len(kinds) == 1:
        layer, those = f"{min(kinds)} layer {index}", f"its {min(kinds)} layers are"
    raise ValueError(
        f"explain: {of!r}: the network has no {layer}; {those} {', '.join(there)}, counted from 0"
    )


def _entry(of: str, found: re.Match[str], at: Places) -> Key | None:
    """The key of an entry of a parameter, or None where there is no such parameter."""
    path = re.sub(r"\[(\d+)\]", r".\1", found[3])
    name = f"{found[1] or found[2]}{path}"
    if name not in at.shapes:
        return None
    if name in at.fixed:
        raise ValueError(
            f"explain: {of!r}: {name} is a statistic, which no gradient moves; name a parameter "
            "that is learnt"
        )
    shape, entry = at.shapes[name], [int(k) for k in found[4].split(",") if k.strip()]
    if len(entry) != len(shape) or any(g >= s for g, s in zip(entry, shape, strict=True)):
        what = f"layers[{found[1]}]{found[3]}" if found[1] else name
        raise ValueError(f"explain: {of!r}: {what} has shape {shape}, with indices from 0")
    return at.key(name, entry)


def count(letter: str, at: Places) -> int:
    """Return how many weights, biases, inputs, hidden units or outputs there are.

    >>> net = cr.Network(2, [cr.Dense(2), cr.Dense(2)], loss="half_squared_error")
    >>> count("w", Places.of(net))
    8
    """
    if letter in "xi":
        return at.inputs
    if letter in LETTERS:
        name = LETTERS[letter]
        return sum(math.prod(shape) for _, shape in at.named(name)) - len(at.later(name))
    if letter == "o":
        return at.widths[-1]
    own = (k for k in range(len(at.layers)) if k not in at.ends and at.twin(k) == k)
    return sum(at.layers[k].outputs for k in own)


def key_by_number(letter: str, number: int, at: Places) -> Key:
    """Return the key of a quantity by its letter and its number from 0.

    >>> net = cr.Network(2, [cr.Dense(2), cr.Dense(2)], loss="half_squared_error")
    >>> key_by_number("w", 4, Places.of(net))[:4]
    ('w', 1, 0, 0)
    """
    if letter in "xi":
        return Key("x", -1, number)
    if letter == "o":
        return Key("a", at.last, number)
    for each in sorted(at.later(LETTERS.get(letter, ""))):
        number += each - 1 <= number
    return key_by_place(letter, number, at)


def key_by_place(letter: str, number: int, at: Places) -> Key:
    """Return the key of a weight, a bias or a hidden unit by its place from 0, tied or not.

    >>> net = cr.Network(2, [cr.Dense(2), cr.Dense(2)], loss="half_squared_error")
    >>> key_by_place("b", 3, Places.of(net))[:3]
    ('b', 1, 1)
    """
    if letter not in LETTERS:
        found = at.hidden(number)
        assert found is not None
        return Key("a", *found)
    for name, shape in at.named(LETTERS[letter]):
        size = math.prod(shape)
        if number < size:
            return at.key(name, [int(k) for k in np.unravel_index(number, shape)])
        number -= size
    raise AssertionError("the number was counted")


def parameters(at: Places) -> list[Key]:
    """Return the keys of all weights and biases in the order of their numbers, then of the others.

    >>> net = cr.Network(1, [cr.Dense(1), cr.Dense(1)], loss="half_squared_error")
    >>> [key.kind for key in parameters(Places.of(net))]
    ['w', 'w', 'b', 'b']
    """
    numbered_ones = [
        key_by_number(letter, k, at) for letter in "wb" for k in range(count(letter, at))
    ]
    return [*numbered_ones, *_others(at)]


def _others(at: Places) -> list[Key]:
    """The keys of all that is neither weight nor bias, and that a gradient moves."""
    every = (
        at.key(name, [int(k) for k in entry])
        for name, shape in at.shapes.items()
        if name.rpartition(".")[2] not in LETTERS.values() and name not in at.fixed
        for entry in np.ndindex(*shape)
    )
    return [key for key in every if at.places(key)[0] == key]


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
        f"{_entries(at)} counted from 0, net_o1 of each unit, cost and all"
    )


def _entries(at: Places) -> str:
    """How entries of parameters are named: in general, or the first of each."""
    if all(re.fullmatch(r"\d+\.[Wb]", name) for name in at.shapes):
        return "layers[l].W[j, k] and layers[l].b[j]"
    return ", ".join(_first(name, at) for name in at.shapes if name not in at.fixed)


def _first(name: str, at: Places) -> str:
    """How the first entry of a leaf is named."""
    return f"{name}[{', '.join('0' * len(at.shapes[name]))}]"


def _nearest(of: str, at: Places) -> str:
    """The name nearest to what names nothing, if there is one."""
    if found := _LAYER.match(of):
        return f"layers[{found[1]}].W[0, 0]"
    if (found := _NEARLY.fullmatch(of)) and (size := count(found[1].lower(), at)):
        number = max(1, min(int(found[2] or 1), size))
        return f"{found[1].lower()}{number}"
    own = (name for name in at.shapes if name not in at.fixed)
    others = [_first(name, at) for name in own if not re.fullmatch(r"\d+\.[Wb]", name)]
    return next(iter(difflib.get_close_matches(of.lower(), ("cost", "all", *others), n=1)), "")
