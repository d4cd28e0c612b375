"""Where the units of a network stand, how they and its parameters are counted, and what is tied.

A network falls into places, in the order in which its numbers are worked out: each layer that makes
units is one. A layer made of layers falls into the places of these, and one of its own behind them.
What a layer that acts in training alone leaves of units, these pass on: it stands behind their
place, as a gate.

    place    counted from 0; what enters the network leaves place −1
    leaf     a parameter's array, by its name: "1.W", "2.0.gamma"
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from chainrule.explanation.cached_method import cached_method
from chainrule.explanation.notation import Key
from chainrule.layers import Layer, Role
from chainrule.network import Network
from chainrule.trees import named_leaves

LETTERS = {"w": "W", "b": "b"}
"""The kinds of keys that are of the leaves of these names; those of others are `parameter`."""


class LayerPlace(NamedTuple):
    """A layer that makes units: what its leaves' names begin with, and where its record lies.

    `sources` are the places of which the units enter. Of several members that share a layer, each
    has a place of its own: `member` counts them from 1, and `twin` is the first one's.
    """

    layer: Layer
    path: str
    seen: str
    sources: tuple[int, ...]
    inputs: int
    outputs: int
    member: int = 0
    twin: int = 0


class Flow:
    """What layers unfold into: see `Layer.unfold`.

    >>> flow = Flow(inputs=2)
    >>> flow.through([cr.Residual(cr.Dense(2))], -1), [place.path for place in flow.layers]
    (1, ['0.0', '0'])
    """

    def __init__(self, inputs: int) -> None:
        self.inputs = inputs
        self.layers: list[LayerPlace] = []
        self.gates: dict[int, list[LayerPlace]] = {}
        self.next: dict[int, LayerPlace] = {}
        self.starts: list[int] = []
        self.path = self.seen = ""
        self.of = 0

    def width(self, x: int) -> int:
        """Return how many units place x has."""
        return self.inputs if x < 0 else self.layers[x].outputs

    def place(self, layer: Layer, *sources: int, outputs: int | None = None) -> int:
        """Add a place, which the units of some others enter; return its number."""
        self.layers.append(self._made(layer, sources, outputs))
        return len(self.layers) - 1

    def through(
        self,
        layers: Sequence[Layer],
        x: int,
        path: str = "{}",
        seen: str | None = None,
        *,
        alone: bool = True,
    ) -> int:
        """Add layers one after the other, and return the number of the last place.

        `path` and `seen` say where the parameters and records of layer k lie, within those of the
        layer that holds them; `alone` says that nothing else takes what leaves place x.
        """
        for k, layer in enumerate(layers):
            within = self._within(path.format(k), (seen or path).format(k))
            made = within._made(layer, (x,))
            if layer.training_only and (alone or k):
                self.gates.setdefault(x, []).append(made)
            else:
                self.next.setdefault(x, made)
                x = layer.unfold(within, x)
        return x

    def member(self, m: int) -> Flow:
        """Return the flow of one of several members, counted from 0, that share layers."""
        self.starts.append(len(self.layers))
        inner = copy.copy(self)
        inner.of = m + 1
        return inner

    def _within(self, path: str, seen: str) -> Flow:
        inner = copy.copy(self)
        inner.path = f"{self.path}.{path}".lstrip(".")
        inner.seen = f"{self.seen}.{seen}".lstrip(".")
        return inner

    def _made(self, layer: Layer, sources: Sequence[int], outputs: int | None = None) -> LayerPlace:
        number, inputs = len(self.layers), self.width(sources[0])
        twin = self.starts[0] + number - self.starts[-1] if self.of else number
        outputs = layer.outputs(inputs) if outputs is None else outputs
        return LayerPlace(layer, self.path, self.seen, (*sources,), inputs, outputs, self.of, twin)


@dataclasses.dataclass(frozen=True)
class Places:
    """Where the units of a network stand, and how they and its parameters are counted.

    `next` is the layer that all that a place passes on enters, which may be one made of layers; the
    last place within such a layer has none. `fixed` are the leaves that no gradient moves, `ties`
    groups of parameters that are one number, which is counted once, at the first.

    >>> net = cr.Network(2, [cr.Dense(2), cr.Dropout(0.5), cr.Dense(1)], "squared_error")
    >>> at = Places.of(net)
    >>> at.widths, [place.path for place in at.layers], at.unit(1, 0)
    ((2, 2, 1), ['0', '2'], 'o1')
    """

    inputs: int
    layers: tuple[LayerPlace, ...]
    gates: Mapping[int, tuple[LayerPlace, ...]]
    next: Mapping[int, LayerPlace]
    shapes: Mapping[str, tuple[int, ...]]
    fixed: frozenset[str] = frozenset()
    ties: tuple[tuple[Key, ...], ...] = ()

    @classmethod
    def of(cls, net: Network) -> Places:
        """Return the places of a network."""
        return _places(net)

    @property
    def widths(self) -> tuple[int, ...]:
        """The number of inputs, and of the units of each place."""
        return self.inputs, *(place.outputs for place in self.layers)

    @property
    def last(self) -> int:
        """The last place, whose units are outputs."""
        return len(self.layers) - 1

    @functools.cached_property
    def ends(self) -> tuple[int, ...]:
        """The places whose units are outputs: of several members, one of each."""
        entered = {source for place in self.layers for source in place.sources}
        return tuple(k for k in range(len(self.layers)) if k not in entered)

    @functools.cached_property
    def above(self) -> dict[int, list[tuple[int, int]]]:
        """The places that the units of each place enter, and as which of their sources."""
        found: dict[int, list[tuple[int, int]]] = {}
        for k, place in reversed(list(enumerate(self.layers))):
            for port, source in enumerate(place.sources):
                found.setdefault(source, []).append((k, port))
        return found

    def before(self, k: int) -> Places:
        """Return the places up to place k, whose units are then the outputs."""
        path = self.layers[k].path
        layers = self.layers[: k + 1]
        entered = {source: place for place in reversed(layers) for source in place.sources}
        within = {s: p for s, p in self.next.items() if s in entered}
        cut = {s: entered[s] if path.startswith(f"{p.path}.") else p for s, p in within.items()}
        gates = {source: own for source, own in self.gates.items() if source in entered}
        return dataclasses.replace(self, layers=layers, next=cut, gates=gates)

    # How units are called

    def unit(self, layer: int, j: int) -> str:
        """The name of a unit: i1, h1, o1."""
        if layer < 0:
            return f"i{j + 1}"
        return f"o{j + 1}" if layer in self.ends else f"h{self._before(layer) + j + 1}"

    def _before(self, layer: int) -> int:
        """How many hidden units are counted before those of a place."""
        twin = self.layers[layer].twin
        return sum(self.layers[k].outputs for k in range(twin) if k not in self.ends)

    def twin(self, layer: int) -> int:
        """The place of the first member that a place stands for, or itself."""
        return self.layers[layer].twin if layer >= 0 else layer

    def shared_by(self, key: Key) -> int:
        """The member, from 1, that a quantity is of, where its name is that of others too."""
        whole = key.kind in ("C", "L") and not key.layer
        if key.layer < 0 or key.kind in ("y", "S") or whole:
            return 0
        if is_parameter(key) and len(self.instances(key)) > 1:
            return 0
        return self.layers[key.layer].member

    def hidden(self, number: int) -> tuple[int, int] | None:
        """Return the place and the unit in it of a hidden unit, by its number from 0."""
        for k, place in enumerate(self.layers):
            if k in self.ends or place.twin != k:
                continue
            if number < place.outputs:
                return k, number
            number -= place.outputs
        return None

    # How parameters are called

    def leaf(self, key: Key) -> tuple[str, tuple[int, ...]]:
        """Return the name of a parameter's leaf, and its entry in it.

        >>> net = cr.Network(2, [cr.Dense(2), cr.Dense(1)], loss="huber")
        >>> Places.of(net).leaf(Key("w", 1, 0, 1))
        ('1.W', (0, 1))
        """
        name = f"{self.layers[key.layer].path}.{LETTERS.get(key.kind, key.text)}"
        shape = self.shapes[name]
        rows = (-1, shape[-1]) if len(shape) > 1 else (-1, 1)
        flat = key.unit * rows[1] + key.source
        return name, tuple(int(k) for k in np.unravel_index(flat, shape))

    def key(self, name: str, entry: Sequence[int]) -> Key:
        """Return the key of an entry of a leaf.

        >>> net = cr.Network(2, [cr.Dense(2), cr.Dense(1)], loss="huber")
        >>> Places.of(net).key("1.W", (0, 1))[:4]
        ('w', 1, 0, 1)
        """
        shape, first = self.shapes[name], self._first(name)
        flat = int(np.ravel_multi_index(tuple(entry), shape))
        unit, source = divmod(flat, shape[-1]) if len(shape) > 1 else (flat, 0)
        return Key(first.kind, first.layer, unit, source, text=first.text)

    @cached_method
    def _first(self, name: str) -> Key:
        """The key of the first entry of a leaf, which is of the innermost place around it."""
        around = (place.path for place in self.layers if name.startswith(f"{place.path}."))
        own = max(around, key=len)
        layer = next(k for k, place in enumerate(self.layers) if place.path == own)
        text = name.removeprefix(f"{own}.")
        kind = next((kind for kind, letter in LETTERS.items() if letter == text), "parameter")
        return Key(kind, layer, 0, 0, text="" if kind in LETTERS else text)

    def instances(self, key: Key) -> list[int]:
        """Return the places that a parameter works in: of what members share, one of each."""
        path = self.layers[key.layer].path
        return [k for k, place in enumerate(self.layers) if place.path == path]

    def weight(self, layer: int, j: int, k: int) -> int:
        """The number of a weight through the network, from 1."""
        return self.number(Key("w", layer, j, k))

    def bias(self, layer: int, j: int) -> int:
        """The number of a bias through the network, from 1."""
        return self.number(Key("b", layer, j))

    def number(self, key: Key) -> int:
        """The number of a parameter among all of its name, from 1."""
        letter, number = letter_of(key), self._untied(key)
        later = self.later(letter)
        first = later.get(number, number)
        return first - sum(each < first for each in later)

    def _untied(self, key: Key) -> int:
        name, entry = self.leaf(key)
        before = 0
        for other, shape in self.named(letter_of(key)):
            if other == name:
                return before + int(np.ravel_multi_index(entry, shape)) + 1
            before += math.prod(shape)
        raise AssertionError("the leaf is one of its name")

    def named(self, letter: str) -> list[tuple[str, tuple[int, ...]]]:
        """Return the leaves of a name, each with its shape, in order."""
        return [each for each in self.shapes.items() if each[0].rpartition(".")[2] == letter]

    # What is tied

    def places(self, key: Key) -> tuple[Key, ...]:
        """Where a parameter stands: in more than one place, if it is tied."""
        return next((group for group in self.ties if key in group), (key,))

    def later(self, letter: str) -> dict[int, int]:
        """The numbers that parameters would have which are told by another: of that one."""
        own = [group for group in self.ties if letter_of(group[0]) == letter]
        numbers = [[self._untied(key) for key in group] for group in own]
        return {each: first for first, *others in numbers for each in others}


def is_parameter(key: Key) -> bool:
    """Whether a key is that of a weight, a bias or another parameter.

    >>> is_parameter(Key("w")), is_parameter(Key("z"))
    (True, False)
    """
    return key.kind in LETTERS or key.kind == "parameter"


def letter_of(key: Key) -> str:
    """Return the name that a parameter has within its layer.

    >>> letter_of(Key("w")), letter_of(Key("parameter", text="gamma"))
    ('W', 'gamma')
    """
    return LETTERS.get(key.kind, key.text)


@functools.lru_cache
def _places(net: Network) -> Places:
    flow = Flow(net.inputs)
    flow.through(net.layers, -1)
    gates = {k: tuple(own) for k, own in flow.gates.items()}
    shapes = {name: tuple(leaf.shape) for name, leaf in named_leaves(net.form)}
    fixed = frozenset(name for name, role in net.roles.items() if role is Role.STATISTIC)
    return Places(net.inputs, tuple(flow.layers), gates, flow.next, shapes, fixed)
