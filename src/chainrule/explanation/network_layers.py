"""The layers of a network file one by one, of any kind, each with its parameters.

    [[layers]]
    kind = "layer_norm"
    gamma = [0.5, 2.0]

    [[layers]]
    kind = "residual"

    [[layers.layers]]       # a layer within
    kind = "dense"
    units = 2
    W = [[0.5, -0.25], [0.75, 1.0]]

A table holds the kind, its fields, and its parameters by the names of their leaves. Those of a
layer within stand in its own table, or by their whole path in the outer one: `0.W`. A field that is
left out is the kind's default. A parameter that is left out is as `init` has it, which what is
drawn needs a seed for.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from chainrule.errors import unknown_name
from chainrule.explanation.network_parameters import ParameterKeys
from chainrule.explanation.toml_file import shape_of
from chainrule.layers import LAYERS, Layer
from chainrule.network import Network, Parameters, check_parameters, describe
from chainrule.serialization.specifications import check_layers, layer_from_data
from chainrule.streams import Stream, generator
from chainrule.trees import Array, named_leaves, rebuild

OF_SIZES = ("activation", "dropout", "weights", "biases", "w", "b", "weights_are")
"""The keys that are of layers given by their sizes."""

DRAWS = 32
"""After how many draws that are all the same a parameter is known to be drawn by none."""


class _Table(NamedTuple):
    """A layer's table: the layer as data; by their paths, where its parameters stand, and what."""

    data: dict[str, Any]
    numbers: dict[str, tuple[str, Any]]


class LayerTables(ParameterKeys):
    """The layers that stand in tables of their own."""

    @property
    def has_tables(self) -> bool:
        """Whether layers stand in tables, and are not given by their sizes."""
        return _are_tables(self.given["layers"])

    def layers(self) -> list[Layer]:
        """Return the layers of the tables."""
        for key in OF_SIZES:
            if key in self.given:
                must = "is of layers that are given by their sizes; here it stands in their tables"
                raise self.error(key, f"{key} {must}")
        with self.at("layers"):
            check_layers(self.given["layers"])
        self.tables: list[_Table] = self._tables("layers", self.given["layers"])
        layers = []
        for k, table in enumerate(self.tables):
            with self.at(f"layers[{k}]"):
                layers.append(layer_from_data(f"layers[{k}]", table.data))
        return layers

    def _tables(self, place: str, given: list[Any]) -> list[_Table]:
        return [self._table(f"{place}[{k}]", table) for k, table in enumerate(given)]

    def _table(self, place: str, given: Any) -> _Table:
        """Take a table apart into fields and parameters."""
        kind, defaults = self._kind(place, given)
        table = _Table({"kind": kind, **defaults}, {})
        for name, value in given.items():
            if name not in table.data:
                found = _paths(name, value)
                table.numbers.update({path: (f"{place}.{path}", each) for path, each in found})
            elif _are_tables(value):
                inner = self._tables(f"{place}.{name}", value)
                table.data[name] = [each.data for each in inner]
                for k, each in enumerate(inner):
                    table.numbers.update({f"{k}.{path}": v for path, v in each.numbers.items()})
            else:
                table.data[name] = value
        for name, value in table.data.items():
            if value is dataclasses.MISSING:
                raise self.error(place, f"{place}: the key {name!r} is missing")
        return table

    def _kind(self, place: str, given: Any) -> tuple[str, dict[str, Any]]:
        """Return the kind of a table, and the defaults of its fields."""
        if not isinstance(given, dict):
            must = 'must be a table with a kind, such as { kind = "dense", units = 3 }'
            raise self.error(place, f"{place} {must}, got {given!r}")
        if "kind" not in given:
            raise self.error(place, f"{place}: the key 'kind' is missing")
        kind = given["kind"]
        if not isinstance(kind, str) or kind not in LAYERS:
            unknown = unknown_name("kind", str(kind), LAYERS)
            raise self.error(f"{place}.kind", f"{place}: {unknown}")
        return kind, defaults(kind)

    # Their parameters

    def given_parameters(self, net: Network) -> Parameters:
        """Return the parameters that the tables give; the others are as they start."""
        seed = self.seed()
        start = net.init(seed or 0, "float64")
        found: list[Array] = []
        for k, (table, own) in enumerate(zip(self.tables, start, strict=True)):
            leaves = dict(named_leaves(own))
            self._check_names(table, leaves, describe(net, k))
            for name, leaf in leaves.items():
                if name in table.numbers:
                    found.append(self._leaf(*table.numbers[name], leaf.shape))
                elif seed is None and _is_drawn(net.layers[k], net.widths[k], name):
                    missing = f"layers[{k}].{name} is missing: give it, or a 'seed' to draw it"
                    raise self.error(f"layers[{k}]", missing)
                else:
                    found.append(leaf)
        params: Parameters = rebuild(net.form, found)
        with self.at("layers"):
            check_parameters(net, params)
        return params

    def _check_names(self, table: _Table, leaves: dict[str, Array], layer: str) -> None:
        for name, (place, _) in table.numbers.items():
            if name not in leaves:
                known = [*table.data, *leaves]
                raise self.error(place, unknown_name(f"key of {layer}:", name, known))

    def by_leaves(self, key: str, net: Network) -> Parameters:
        """Return numbers that stand under a key by the names of leaves; 0 for those left out."""
        given, leaves = self.given[key], dict(named_leaves(net.form))
        if not isinstance(given, dict):
            must = f'{key} must be a table by names of parameters, such as {{ "0.W" = … }}'
            raise self.error(key, f"{must}, got {given!r}")
        found = {name: np.zeros(leaf.shape) for name, leaf in leaves.items()}
        for name, each in (path for own in given.items() for path in _paths(*own)):
            if name not in leaves:
                raise self.error(key, unknown_name(f"parameter of {key}", name, leaves))
            found[name] = self._leaf(f"{key}.{name}", each, leaves[name].shape)
        params: Parameters = rebuild(net.form, found.values())
        return params

    def _leaf(self, place: str, given: Any, shape: tuple[int, ...]) -> Array:
        counts = [f"{n} row{'s' * (n > 1)}" for n in shape[:-1]]
        rows = " of ".join([*counts, f"{shape[-1]} number{'s' * (shape[-1] > 1)}"])
        rows += ", and is turned" if shape_of(given) == shape[::-1] != shape else ""
        return self.array(place, place, given, shape, rows)


def defaults(kind: str) -> dict[str, Any]:
    """Return the fields of a kind of layer with their defaults, MISSING where there is none.

    >>> defaults("dropout")
    {'rate': 0.5}
    """
    return {field.name: field.default for field in dataclasses.fields(LAYERS[kind])}  # type: ignore[arg-type]


def _are_tables(given: Any) -> bool:
    return isinstance(given, list) and any(isinstance(each, dict) for each in given)


def _paths(path: str, given: Any) -> Iterator[tuple[str, Any]]:
    """Yield what stands in tables within each other, by its path.

    >>> list(_paths("own", [{"b": [1]}, {"b": [2]}]))
    [('own.0.b', [1]), ('own.1.b', [2])]
    """
    if isinstance(given, dict) or _are_tables(given):
        for name, each in given.items() if isinstance(given, dict) else enumerate(given):
            yield from _paths(f"{path}.{name}", each)
    else:
        yield path, given


def _is_drawn(layer: Layer, inputs: int, name: str) -> bool:
    """Whether `init` draws a parameter, or always begins with the same."""

    def start(seed: int) -> Array:
        return dict(named_leaves(layer.init(inputs, generator(Stream.WEIGHTS, seed))))[name]

    first = start(0)
    return not all(np.array_equal(first, start(seed)) for seed in range(1, DRAWS))
