"""What a text calls the quantities of a network: names of three conventions, and their keys.

The names are those that explanations write, by `notation.NOTATIONS`, and a few more spellings.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import NamedTuple

from chainrule.explanation.notation import COST, NOTATIONS, Key, derivative
from chainrule.explanation.subjects import parameters
from chainrule.explanation.unit_places import Places, is_parameter

CONVENTIONS = ("mazur", "nielsen", "3blue1brown")
"""The conventions whose names are read, all at once."""


GENERAL = {"out": "a", "output": "a", "net": "z", "target": "y"}
"""What stands for the same quantity of each output, and its kind."""

AFTER = re.compile(r"(.*?),?\(?(?:\+|new)\)?", re.DOTALL)
_JOINED = re.compile(r"(net|out|target|delta)([ho]\d+)", re.IGNORECASE)

Spelling = tuple[str, str, str]
"""A base with what stands below and above it."""


class Symbol(NamedTuple):
    """What a name in a text means: the name, the keys that it may be of, whether after the update.

    A bias `b_2` is the second, or that of the second layer where its units share one: two keys.
    A general one, such as out without a unit, stands for each output, and is taken as the first's.
    """

    shown: str
    keys: tuple[Key, ...]
    after: bool = False
    general: bool = False


class Names:
    """The names of a network's quantities.

    Parameters
    ----------
    at
        Where its units stand.
    examples
        How many examples there are.

    Examples
    --------
    >>> net = cr.Network(2, [cr.Dense(2), cr.Dense(2)], loss="half_squared_error")
    >>> Names(Places.of(net), 1).symbol("w", "5", "+").shown
    'w_5+'
    """

    def __init__(self, at: Places, examples: int) -> None:
        self.at = at
        self._keys: dict[Spelling, tuple[Key, ...]] = {}
        for key in self._all(examples):
            for convention in CONVENTIONS:
                name = NOTATIONS[convention].name(key, at)
                self._add((name.base, name.sub, name.sup), key)
        for name_ in ("E", "C", "cost"):
            self._add((name_, "", ""), COST)
        for base in "EC":
            for sub in ("total", "tot", "0"):
                self._keys.setdefault((base, sub, ""), (COST,))
        self._more()

    def _add(self, spelling: Spelling, key: Key) -> None:
        """Add a meaning; what is of one example only to a name that has no other."""
        base, sub, sup = spelling
        known = self._keys.get((base, tidy(sub), tidy(sup)), ())
        if key not in known and not (known and key.kind == "loss" and key.example):
            self._keys[base, tidy(sub), tidy(sup)] = (*known, key)

    def _all(self, examples: int) -> Iterator[Key]:
        at = self.at
        yield from (Key("x", -1, j) for j in range(at.inputs))
        for layer, width in enumerate(at.widths[1:]):
            for j in range(width):
                yield Key("a", layer, j)
                yield Key("z", layer, j)
                yield Key("delta", layer, j)
        yield from parameters(at)
        for j in range(at.widths[-1]):
            yield Key("y", at.last, j)
            if len(at.ends) == 1:  # that of each of several members is no quantity of its own
                yield Key("loss", at.last, j)
        yield COST
        if examples > 1:
            every = range(1, examples + 1)
            yield from (COST._replace(example=k) for k in every)
            outputs = range(at.widths[-1])
            if len(at.ends) == 1:
                yield from (Key("loss", at.last, j, example=k) for k in every for j in outputs)

    def _more(self) -> None:
        """Add what texts write beside: o1, w^L, and one bias of a layer."""
        at = self.at
        for layer, width in enumerate(at.widths[1:]):
            for j in range(width):
                key, unit = Key("a", layer, j), at.unit(layer, j)
                self._keys.setdefault((unit[0], unit[1:], ""), (key,))
        for j in range(at.widths[-1]):
            self._keys.setdefault(("y", f"o{j + 1}", ""), (Key("y", at.last, j),))
            self._keys.setdefault(("E", f"o{j + 1}", ""), (Key("loss", at.last, j),))
        for spelling, keys in list(self._keys.items()):
            if spelling[1] in ("1", "11") and spelling[2] and self._alone(keys[0]):
                self._keys.setdefault((spelling[0], "", spelling[2]), keys)
        if at.widths[-1] == 1:
            self._keys.setdefault(("y", "", ""), (Key("y", at.last, 0),))
        for number, (name, shape) in enumerate(at.named("b"), start=1):
            if math.prod(shape) > 1:
                self._add(("b", str(number), ""), at.key(name, [0] * len(shape)))

    def _alone(self, key: Key) -> bool:
        """Whether the layer of a quantity has one unit; of a weight, one that enters too."""
        widths = self.at.widths
        into = widths[key.layer] if key.kind == "w" else 1
        return key.kind != "y" and widths[key.layer + 1] == 1 and into == 1

    def symbol(self, base: str, sub: str, sup: str) -> Symbol | None:
        """Return what a name means, or None where the network has no such quantity.

        Parameters
        ----------
        base, sub, sup
            The letter or word, and what stands below and above it.
        """
        sub, sup, after = tidy(sub), tidy(sup), False
        if found := AFTER.fullmatch(sup):
            sup, after = tidy(found[1]), True
        elif (found := AFTER.fullmatch(sub)) and found[1]:
            sub, after = found[1], True
        if found := _JOINED.fullmatch(base + sub):
            base, sub = found[1], found[2]
        base = {"delta": "δ"}.get(base.lower(), base)
        lower = base.lower() if len(base) > 1 else base
        keys = self._keys.get((base, sub, sup)) or self._keys.get((lower, sub, sup))
        alone = len(self.at.ends) == 1  # and not an output of each of several members
        if not keys and alone and base.lower() in GENERAL and not (sub or sup):
            key = Key(GENERAL[base.lower()], self.at.last, 0)
            return Symbol(base, (key,), general=True)
        if not keys:
            return None
        shown = base + (f"_{sub}" if sub else "") + (f"^{sup}" if sup else "")
        return Symbol(shown + "+" * after, keys, after)


def tidy(script: str) -> str:
    """Return what stands below or above a name without braces, spaces and signs of one kind.

    >>> tidy("(L−1)"), tidy("{h_1}")
    ('L-1', 'h1')
    """
    short = re.sub(r"[\s{}_\\]", "", script).replace("−", "-")
    return short[1:-1] if re.fullmatch(r"\(L(?:-\d+)?\)", short) else short


def ratio(above: Symbol, below: Symbol) -> Symbol:
    """Return the symbol of ∂above/∂below.

    >>> C, w = Symbol("C", (COST,)), Symbol("w_1", (Key("w"),))
    >>> ratio(C, w).shown
    '∂C/∂w_1'
    """
    keys = tuple(derivative(a, b) for a in above.keys for b in below.keys)
    general = above.general or below.general
    shown = f"∂{above.shown}/∂{below.shown}"
    return Symbol(shown, keys, above.after or below.after, general)


def claimed_name(key: Key, at: Places) -> str:
    """Return by which name `find_mistake` knows a quantity, that of a weight for its new value.

    >>> net = cr.Network(2, [cr.Dense(2), cr.Dense(2)], loss="half_squared_error")
    >>> claimed_name(derivative(COST, Key("z", 1, 0)), Places.of(net))
    'dE/dnet_o1'
    """
    if key.kind == "d":
        return "/".join(f"d{_plain(part, at)}" for part in key.of)
    return "cost" if key.kind == "C" else _plain(key, at)


def _plain(key: Key, at: Places) -> str:
    if key.kind == "C":
        return "E"
    if key.kind == "x":
        return f"x{key.unit + 1}"
    if is_parameter(key):
        name, entry = at.leaf(key)
        return f"{name}[{', '.join(map(str, entry))}]"
    if key.kind == "loss":
        return f"E_o{key.unit + 1}"
    words = {"a": "out", "z": "net", "delta": "delta"}
    member = at.shared_by(key)
    unit = at.unit(key.layer, key.unit) + (f"({member})" if member else "")
    return f"{words[key.kind]}_{unit}"
