"""The numbers of a network file: weights and biases, in the forms in which a person writes them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.explanation.tied_names import checked_ties, tied_places
from chainrule.explanation.toml_file import TomlFile, shape_of
from chainrule.explanation.unit_places import Places
from chainrule.network import Network, Parameters
from chainrule.streams import Seed
from chainrule.trees import Array

BY_UNIT, BY_INPUT = "units_by_inputs", "inputs_by_units"
"""The two ways in which a matrix of weights is written: a row for each unit, or for each input."""

PARAMETER_KEYS = ["weights", "biases", "w", "b", "seed", "weights_are", "ties"]


class ParameterKeys(TomlFile):
    """The keys of parameters; `notes` say what was decided where a file can be read in two ways."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(name, text)
        self.notes: list[str] = []

    def parameters(self, net: Network) -> Parameters:
        """Return the parameters that the file gives, or draws."""
        form = [part for part in net.form if part]
        weights, biases = self.one_of("weights", "w", "seed"), self.one_of("biases", "b")
        if weights is None:
            raise ValueError(
                f"{self.name}: the weights are missing: give 'weights' or 'w', or a 'seed' to "
                "draw them"
            )
        self._check_order(weights)
        b = [np.zeros(part.b.shape) for part in form]
        if biases:
            b = self.layered(biases, self.given[biases], [part.b.shape for part in form])
        if (seed := self.seed()) is not None:
            W = [part.W for part in net.init(seed, "float64") if part]
        else:
            W = self.layered(weights, self.given[weights], [part.W.shape for part in form])
        if weights == "weights":
            self._say_order(W)
        return net.parameters(list(zip(W, b, strict=True)))

    def seed(self) -> int | None:
        """Return what parameters are drawn from, if it is given."""
        seed: int | None = self.value("seed", Seed)
        return seed

    def layered(self, key: str, given: Any, shapes: list[tuple[int, ...]]) -> list[Array]:
        """Return an array for each layer, from a list for each, or from all numbers in a row.

        The end of the key says which: `w` and `b` are in a row.
        """
        last = key.rpartition(".")[2]
        if len(last) == 1:
            counts = [math.prod(shape) for shape in shapes]
            must = f"of the numbers {last}1 to {last}{sum(counts)}"
            whole = self.array(key, key, given, (sum(counts),), must)
            parts = np.split(whole, np.cumsum(counts)[:-1])
            return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
        if not isinstance(given, list) or len(given) != len(shapes):
            got = f"{len(given)}" if isinstance(given, list) else repr(given)
            must = f"must hold one list for each of the {len(shapes)} layers behind the inputs"
            raise self.error(key, f"{key} {must}, got {got}")
        read = self._matrix if len(shapes[0]) == 2 else self._row
        return [
            read(key, f"{key}[{k}]", part, shape)
            for k, (part, shape) in enumerate(zip(given, shapes, strict=True))
        ]

    def _row(self, key: str, what: str, given: Any, shape: tuple[int, ...]) -> Array:
        return self.array(key, what, given, shape, f"for the layer of {shape[0]} units")

    def _matrix(self, key: str, what: str, given: Any, shape: tuple[int, ...]) -> Array:
        """Return a matrix (units, inputs), whichever way it is written."""
        turned = self._order == BY_INPUT
        of, other = "a row for each unit, with a number for each before it", BY_INPUT
        if turned:
            of, other = "a row for each input, with a number for each unit", BY_UNIT
            shape = shape[::-1]
        if shape_of(given) == shape[::-1] != shape:
            of += f' (weights_are = "{other}" has them the other way)'
        of = f"for the layer of {shape[turned]} units: {of}"
        W = self.array(key, what, given, shape, of)
        return W.T.copy() if turned else W

    def ties(self, net: Network, params: Parameters) -> tuple[tuple[str, ...], ...]:
        """Return the groups of names of parameters that are one number."""
        given = self.given.get("ties", [])
        with self.at("ties"):
            checked_ties(params, tied_places(given, Places.of(net)), net.roles)
        return tuple(map(tuple, given))

    # Which way the matrices are written

    @property
    def _order(self) -> Any:
        return self.given.get("weights_are", BY_UNIT)

    def _check_order(self, weights: str) -> None:
        key = "weights_are"
        if self._order not in (BY_UNIT, BY_INPUT):
            must = f'{key} must be "{BY_UNIT}" or "{BY_INPUT}"'
            raise self.error(key, f"{must}, got {self._order!r}")
        if key in self.given and weights != "weights":
            raise self.error(key, f"{key} is of matrices, and the file has {weights}, not weights")

    def _say_order(self, W: list[Array]) -> None:
        """Note which matrices would fit the other way as well."""
        either = [
            f"weights[{k}]"
            for k, part in enumerate(W)
            if part.shape[0] == part.shape[1] and not np.array_equal(part, part.T)
        ]
        if either and "weights_are" not in self.given:
            verb = "is square, and is" if len(either) == 1 else "are square, and are"
            self.notes.append(
                f"{' and '.join(either)} {verb} read with a row for each unit; say so by "
                f'weights_are = "{BY_UNIT}", or have a row for each input by "{BY_INPUT}"'
            )
