"""What the quantities of a network are called, in four conventions.

A `Key` says which quantity is meant; a `Notation` gives its `Name`; a format of explanation writes
the name.

| notation | weight | weighted input | activation | target | cost |
|---|---|---|---|---|---|
| mazur | w5 | net_o1 | out_o1 | target_o1 | E_total |
| nielsen | w³₁₁ | z³₁ | a³₁ | y₁ | C |
| 3blue1brown | w₁₁⁽ᴸ⁾ | z₁⁽ᴸ⁾ | a₁⁽ᴸ⁾ | y₁ | C₀ |
| pytorch | layers[1].weight[0, 0] | z1[0] | a1[0] | y[0] | loss |

Units are numbered through all hidden layers, h1, h2, ..., and through the outputs, o1, o2, ...
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from chainrule.errors import unknown_name
from chainrule.layers import Dense
from chainrule.network import Network


class Key(NamedTuple):
    """Which quantity: its kind, the dense layer, the unit in it, and the unit a weight comes from.

    | kind | quantity |
    |---|---|
    | x, w, b, z, a, y | as everywhere in Chainrule |
    | kept | an activation or input after dropout; x of the layer before the first is layer −1 |
    | loss | the share that one output has in the loss |
    | C | the cost; of one example where `example` says which, from 1 |
    | L | the mean loss, to which a penalty is added |
    | p | what the loss's link makes of an activation, a probability |
    | delta | ∂C/∂z |
    | d | the derivative of the first of `of` by the second |
    | new | the first of `of` after the update |
    | rest | what `text` says of terms that are not written one by one |
    | letter | `text`, which a formula brings along; `unit` + 1 is its index where `layer` is 1 |
    """

    kind: str
    layer: int = 0
    unit: int = 0
    source: int = 0
    of: tuple[Key, ...] = ()
    text: str = ""
    example: int = 0


def derivative(of: Key, by: Key) -> Key:
    """Return the key of ∂of/∂by.

    >>> derivative(COST, Key("w")).kind
    'd'
    """
    return Key("d", of=(of, by))


COST = Key("C")


@dataclass(frozen=True)
class Name:
    """A letter or word with what stands below and above it; `code` is written as it is."""

    base: str
    sub: str = ""
    sup: str = ""
    hat: bool = False
    code: bool = False


@dataclass(frozen=True)
class Ratio:
    """∂above/∂below."""

    above: Name
    below: Name


@dataclass(frozen=True)
class Places:
    """Where the dense layers of a network stand, and how units and weights are counted.

    `ties` are groups of weights or biases that are one number, which is counted once, at the first.

    >>> net = cr.Network(2, [cr.Dense(2), cr.Dropout(0.5), cr.Dense(1)], "squared_error")
    >>> Places.of(net)
    Places(widths=(2, 2, 1), indices=(0, 2), ties=())
    """

    widths: tuple[int, ...]
    indices: tuple[int, ...]
    ties: tuple[tuple[Key, ...], ...] = ()

    @classmethod
    def of(cls, net: Network) -> Places:
        """Return the places of a network."""
        dense = [k for k, layer in enumerate(net.layers) if isinstance(layer, Dense)]
        return cls((net.inputs, *(net.widths[k + 1] for k in dense)), tuple(dense))

    @property
    def last(self) -> int:
        """The last dense layer, whose units are the outputs."""
        return len(self.indices) - 1

    def weight(self, layer: int, j: int, k: int) -> int:
        """The number of a weight through the network, from 1."""
        before = sum(i * o for i, o in itertools.pairwise(self.widths[: layer + 1]))
        return self._told("w", before + j * self.widths[layer] + k + 1)

    def bias(self, layer: int, j: int) -> int:
        """The number of a bias through the network, from 1."""
        return self._told("b", self._place(layer, j))

    def unit(self, layer: int, j: int) -> str:
        """The name of a unit: i1, h1, o1."""
        if layer < 0:
            return f"i{j + 1}"
        return f"o{j + 1}" if layer == self.last else f"h{self._place(layer, j)}"

    def _place(self, layer: int, j: int) -> int:
        """The number of a unit behind the inputs, from 1."""
        return sum(self.widths[1 : layer + 1]) + j + 1

    # What is tied

    def places(self, key: Key) -> tuple[Key, ...]:
        """Where a weight or a bias stands: in more than one place, if it is tied."""
        return next((group for group in self.ties if key in group), (key,))

    def later(self, letter: str) -> dict[int, int]:
        """The numbers that weights or biases would have which are told by another: of that one."""
        if not self.ties:
            return {}
        plain = Places(self.widths, self.indices)
        own = [group for group in self.ties if group[0].kind == letter]
        numbers = [[plain.number(key) for key in group] for group in own]
        return {each: first for first, *others in numbers for each in others}

    def number(self, key: Key) -> int:
        """The number of a weight or a bias."""
        if key.kind == "w":
            return self.weight(key.layer, key.unit, key.source)
        return self.bias(key.layer, key.unit)

    def _told(self, letter: str, number: int) -> int:
        later = self.later(letter)
        first = later.get(number, number)
        return first - sum(each < first for each in later)


class Notation(NamedTuple):
    """A convention: how each kind of quantity is called, the rate of learning, the cost."""

    title: str
    name: Callable[[Key, Places], Name]
    rate: Name
    shares: str
    """The loss that the convention's own text works with, a name of the table."""


def _mazur(key: Key, at: Places) -> Name:
    unit = at.unit(key.layer, key.unit)
    match key.kind:
        case "x":
            return Name("i", str(key.unit + 1))
        case "w":
            return Name("w", str(at.weight(key.layer, key.unit, key.source)))
        case "b":
            return Name("b", str(at.bias(key.layer, key.unit)))
        case "C":
            return Name("E", str(key.example) if key.example else "total")
        case "L":
            return Name("E", "data")
        case kind:
            words = {"z": "net", "a": "out", "y": "target", "loss": "E", "delta": "δ"}
            return Name(words.get(kind, kind), unit)


def _nielsen(key: Key, at: Places) -> Name:
    layer, unit = str(key.layer + 2), str(key.unit + 1)
    names = {
        "x": Name("x", unit),
        "y": Name("y", unit),
        "p": Name("p", unit),
        "w": Name("w", _pair(key), layer),
        "delta": Name("δ", unit, layer),
        "loss": Name("C", f"j={unit}"),
        "C": Name("C", f"x={key.example}" if key.example else ""),
        "L": Name("C", "data"),
    }
    return names.get(key.kind, Name(key.kind, unit, layer))


def _blue(key: Key, at: Places) -> Name:
    back = at.last - key.layer
    layer, unit = f"(L−{back})" if back else "(L)", str(key.unit + 1)
    names = {
        "x": Name("a", unit, f"(L−{at.last + 1})"),
        "y": Name("y", unit),
        "p": Name("p", unit),
        "w": Name("w", _pair(key), layer),
        "delta": Name("δ", unit, layer),
        "loss": Name("C", f"{max(key.example, 1) - 1},{unit}"),
        "C": Name("C", str(key.example - 1) if key.example else ""),
        "L": Name("C", "data"),
    }
    return names.get(key.kind, Name(key.kind, unit, layer))


def _pytorch(key: Key, at: Places) -> Name:
    layer = at.indices[key.layer] if key.layer >= 0 else 0
    match key.kind:
        case "x" | "y" | "p" | "loss":
            text = f"{key.kind}[{key.unit}]"
        case "w":
            text = f"layers[{layer}].weight[{key.unit}, {key.source}]"
        case "b":
            text = f"layers[{layer}].bias[{key.unit}]"
        case "C":
            text = f"losses[{key.example - 1}]" if key.example else "loss"
        case "L":
            text = "data_loss"
        case kind:
            text = f"{kind}{layer}[{key.unit}]"
    return Name(text, code=True)


def _pair(key: Key) -> str:
    """jk, with a comma where that could be read in two ways."""
    j, k = key.unit + 1, key.source + 1
    return f"{j}{k}" if j < 10 and k < 10 else f"{j},{k}"


NOTATIONS = {
    "mazur": Notation("Mazur", _mazur, Name("η"), "half_squared_error"),
    "nielsen": Notation("Nielsen", _nielsen, Name("η"), "half_squared_error"),
    "3blue1brown": Notation("3Blue1Brown", _blue, Name("η"), "squared_error"),
    "pytorch": Notation("PyTorch", _pytorch, Name("lr", code=True), "mean_squared_error"),
}


def notation(name: str) -> Notation:
    """Return a convention by its name.

    >>> notation("mazur").title
    'Mazur'
    """
    if name not in NOTATIONS:
        raise unknown_name("notation", name, NOTATIONS)
    return NOTATIONS[name]


def name_of(key: Key, at: Places, notation: Notation) -> Name | Ratio:
    """Return what a convention calls a quantity.

    >>> net = cr.Network(2, [cr.Dense(2), cr.Dense(2)], loss="half_squared_error")
    >>> name_of(Key("w", 1, 0, 0), Places.of(net), NOTATIONS["mazur"])
    Name(base='w', sub='5', sup='', hat=False, code=False)
    """
    match key.kind:
        case "d":
            above, below = (_plain(part, at, notation) for part in key.of)
            return Ratio(above, below)
        case "new":
            return _after(_plain(key.of[0], at, notation))
        case _:
            return _plain(key, at, notation)


def _plain(key: Key, at: Places, notation: Notation) -> Name:
    """The name of what is no derivative."""
    if key.kind == "letter":
        return notation.rate if key.text == "η" else _letter(key)
    return Name(key.text) if key.kind == "rest" else notation.name(key, at)


def _letter(key: Key) -> Name:
    base, index = key.text.rstrip("+^"), str(key.unit + 1) if key.layer else ""
    return Name(base, index, "+" if "+" in key.text else "", hat="^" in key.text)


def _after(old: Name) -> Name:
    """What a parameter is called after an update."""
    if old.code:
        return Name(f"{old.base}.new", code=True)
    return Name(old.base, old.sub, f"{old.sup}+")
