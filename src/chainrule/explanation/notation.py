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

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from chainrule.errors import unknown_name

if TYPE_CHECKING:
    from chainrule.explanation.unit_places import Places


class Key(NamedTuple):
    """Which quantity: its kind, the place, the unit in it, and the unit a weight comes from.

    | kind | quantity |
    |---|---|
    | x, w, b, z, a, y | as everywhere in Chainrule |
    | parameter | an entry of the parameter `text`; as of W, `source` counts along its last axis |
    | own | `text`, a letter of a layer: of a unit, of input `source` − 1, of a parameter in `of` |
    | kept | an activation or input behind gates such as dropout; of the inputs at place −1 |
    | loss | the share that one output has in the loss |
    | C | the cost; of one example where `example` says which, from 1 |
    | L | the mean loss, to which a penalty is added |
    | S | the sum of all costs, as it depends on the numbers of one example of a batch |
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


class Notation(NamedTuple):
    """A convention: how each kind of quantity is called, the rate of learning, the cost."""

    title: str
    name: Callable[[Key, Places], Name]
    rate: Name
    shares: str
    """The loss that the convention's own text works with, a name of the table."""


SYMBOLS = {"gamma": "γ", "beta": "β", "w": "u"}
"""The letters of parameters that are not called by their own name."""


def _symbol(key: Key) -> str:
    """What a parameter other than w and b is called, or a letter of its layer."""
    return SYMBOLS.get(key.text, key.text.rpartition("_")[2] or key.kind)


OF_OTHERS = ("x", "a", "kept", "own")
"""The kinds of quantities that the formulas of an example may have of another one."""


def _mazur(key: Key, at: Places) -> Name:
    match key.kind:
        case "x":
            return Name("i", f"{key.unit + 1}{_of_example(key)}")
        case "S":
            return Name("S", str(key.example))
        case "w" | "b" | "parameter":
            return Name(_symbol(key), str(at.number(key)))
        case "C" | "L":
            whole = "total" if key.kind == "C" else "data"
            return Name("E", str(key.example) if key.example else whole, _of_member(key, at))
        case "own":
            return _own(key, _mazur_index(key, at), _of_member(key, at))
        case kind:
            words = {"z": "net", "a": "out", "y": "target", "loss": "E", "delta": "δ"}
            unit = at.unit(key.layer, key.unit) + _of_example(key)
            return Name(words.get(kind, kind), unit, _of_member(key, at))


def _mazur_index(key: Key, at: Places) -> str:
    """Of what a letter of a layer is: a parameter, a unit, one that enters, or all of the layer."""
    if key.of:
        return str(at.number(key.of[0]))
    if key.source:
        return at.unit(at.layers[key.layer].sources[0], key.source - 1)
    own = at.unit(key.layer, key.unit) if key.unit >= 0 else at.layers[key.layer].path
    return own + _of_example(key)


def _of_example(key: Key) -> str:
    """Which other example of a batch a quantity is of."""
    return f",{key.example}" if key.example and key.kind in OF_OTHERS else ""


def _own(key: Key, sub: str, sup: str) -> Name:
    """A letter of a layer, x^ with a hat."""
    return Name(key.text.rstrip("^"), sub, sup, hat="^" in key.text)


def _nielsen(key: Key, at: Places) -> Name:
    unit = f"{key.unit + 1}{_of_example(key)}"
    layer = f"{at.twin(key.layer) + 2}{_of_member(key, at)}"
    names = {
        "x": Name("x", unit),
        "y": Name("y", unit),
        "p": Name("p", unit, _of_member(key, at)),
        "w": Name("w", _pair(key), layer),
        "delta": Name("δ", unit, layer),
        "loss": Name("C", f"j={unit}", _of_member(key, at)),
        "C": Name("C", f"x={key.example}" if key.example else "", _of_member(key, at)),
        "S": Name("S", f"x={key.example}"),
        "L": Name("C", "data"),
    }
    return names.get(key.kind) or _indexed(key, at, layer)


def _blue(key: Key, at: Places) -> Name:
    back = at.twin(at.last) - at.twin(key.layer)
    layer, unit = f"(L−{back})" if back else "(L)", f"{key.unit + 1}{_of_example(key)}"
    layer += _of_member(key, at)
    names = {
        "x": Name("a", unit, f"(L−{at.twin(at.last) + 1})"),
        "y": Name("y", unit),
        "p": Name("p", unit, _of_member(key, at)),
        "w": Name("w", _pair(key), layer),
        "delta": Name("δ", unit, layer),
        "loss": Name("C", f"{max(key.example, 1) - 1},{unit}", _of_member(key, at)),
        "C": Name("C", str(key.example - 1) if key.example else "", _of_member(key, at)),
        "S": Name("S", str(key.example - 1)),
        "L": Name("C", "data"),
    }
    return names.get(key.kind) or _indexed(key, at, layer)


def _indexed(key: Key, at: Places, layer: str) -> Name:
    """A name with the layer above it, and below it its unit, or the place of its entry."""
    match key.kind:
        case "parameter":
            return Name(_symbol(key), _entry(at.leaf(key)[1]), layer)
        case "own" if key.of:
            return _own(key, _entry(at.leaf(key.of[0])[1]), layer)
        case "own":
            index = key.source or key.unit + 1
            return _own(key, f"{index or ''}{_of_example(key)}", layer)
        case "b":
            return Name("b", _entry(at.leaf(key)[1]), layer)
        case kind:
            return Name(kind, f"{key.unit + 1}{_of_example(key)}", layer)


def _pytorch(key: Key, at: Places) -> Name:
    member = f"[{m - 1}]" if (m := at.shared_by(key)) else ""
    other = f"{key.example - 1}, " if _of_example(key) else ""
    layer = at.layers[key.layer].path.replace(".", "_") if key.layer >= 0 else "0"
    match key.kind:
        case "x" | "y":
            text = f"{key.kind}[{other}{key.unit}]"
        case "S":
            text = f"sums[{key.example - 1}]"
        case "p" | "loss":
            text = f"{key.kind}{member}[{key.unit}]"
        case "w" | "b" | "parameter":
            name, entry = at.leaf(key)
            text = f"{_attribute(name)}[{', '.join(map(str, entry))}]"
        case "C":
            text = f"losses[{key.example - 1}]{member}" if key.example else f"loss{member}"
        case "L":
            text = "data_loss"
        case "own":
            text = f"{SPELLED.get(key.text, key.text)}{layer}{member}{_code_index(key, at)}"
        case kind:
            text = f"{kind}{layer}{member}[{other}{key.unit}]"
    return Name(text, code=True)


SPELLED = {"x^": "x_hat", "μ": "mu", "θ": "theta"}
"""The letters of layers as a program writes them."""


def _code_index(key: Key, at: Places) -> str:
    """Of what a letter of a layer is, as an index; "" where it is of the whole layer."""
    own = key.source - 1 if key.source else key.unit
    entry = at.leaf(key.of[0])[1] if key.of else (own,)
    if key.example:
        entry = (key.example - 1, *entry)
    return f"[{', '.join(map(str, entry))}]" if entry != (-1,) else ""


def _attribute(name: str) -> str:
    """How a program calls a parameter: layers[2][0].weight."""
    *path, leaf = name.split(".")
    own = "".join(f"[{step}]" if step.isdecimal() else f".{step}" for step in path)
    return f"layers{own}.{ {'W': 'weight', 'b': 'bias'}.get(leaf, leaf) }"


def _of_member(key: Key, at: Places) -> str:
    """Of which of several members a quantity is, where each has one."""
    member = at.shared_by(key)
    return f"({member})" if member else ""


def _pair(key: Key) -> str:
    """jk, with a comma where that could be read in two ways."""
    return _entry((key.unit, key.source))


def _entry(entry: tuple[int, ...]) -> str:
    """The numbers of an entry from 1."""
    return ("" if max(entry) < 9 else ",").join(str(k + 1) for k in entry)


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

    >>> from chainrule.explanation.unit_places import Places
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
