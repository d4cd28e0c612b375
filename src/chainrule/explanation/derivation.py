"""From a network and its data to the working of one derivative: `derive`."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from array_api_compat import is_array_api_obj

from chainrule.activations import activation
from chainrule.batches import Examples, check_examples
from chainrule.errors import check_whole
from chainrule.explanation.derivation_steps import (
    Derivation,
    Part,
    Step,
    Update,
    settled_steps,
)
from chainrule.explanation.expressions import Quantity, walk
from chainrule.explanation.forward_backward import Passes
from chainrule.explanation.mean_and_penalty import Means
from chainrule.explanation.notation import COST, Key, name_of
from chainrule.explanation.notation import notation as find_notation
from chainrule.explanation.reached_units import Reached
from chainrule.explanation.subjects import ALL, parameters
from chainrule.explanation.sums import largest
from chainrule.explanation.text import Text
from chainrule.explanation.unit_places import Places, is_parameter
from chainrule.explanation.updates import updated
from chainrule.explanation.working import Working
from chainrule.layers import LAYERS, Draw, Layer
from chainrule.network import Network, Parameters, check_inputs, describe
from chainrule.sparse_rows import dense, is_sparse
from chainrule.trees import Array, tree_map

MOST_OF_ALL = 500
"""The parameters up to which `all` of them are explained."""

MOST_NUMBERS = 100_000_000
"""The numbers of sparse rows, zeros among them, up to which they are explained."""

RULE, FORWARD, THE_COST, BACK = "The chain rule", "Forward", "The cost", "Backward"
OF_EXAMPLE = " of example {}"
MEAN, PENALTY, UPDATE = "The {} over the examples", "The penalty", "The update"
"""The titles of parts: those of an example, and of all."""

CHAIN = "Each factor is worked out below."
JOINED = "S is the sum of the costs of all examples, as it depends on the numbers of this one."
BACKWARD = "δ is the derivative of the cost by the weighted input of a unit."


def derive(
    net: Network,
    params: Parameters,
    data: Examples,
    of: Key,
    *,
    top: int,
    draw: Draw | None = None,
    made: Update | None = None,
    labels: Mapping[Key, str] | None = None,
    at: Places | None = None,
) -> Derivation:
    """Return the derivation of ∂C/∂of, or of the cost, or of all, for checked data in float64."""
    if of == ALL and net.size > MOST_OF_ALL:
        raise ValueError(
            f"explain: of='all' would be {net.size:,} derivations, and {MOST_OF_ALL} are the "
            "most; name a weight, a bias, an input or a unit"
        )
    passes = Passes(net, params, data, draw, made.mean_weight if made else None, at)
    return derive_from(passes, of, top=top, made=made, labels=labels)


def derive_from(
    passes: Passes,
    of: Key,
    *,
    top: int,
    made: Update | None = None,
    labels: Mapping[Key, str] | None = None,
    every_form: bool = False,
) -> Derivation:
    """Return one of the derivations of a pass, which share what they have in common.

    Its formulas are in the form that is written by the numbers, or in every form.

    >>> net = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
    >>> passes = Passes(net, net.init(), Examples(np.array([[3.0]]), np.array([[1.0]]), None))
    >>> [derive_from(passes, Key(kind), top=10).subject.kind for kind in "wb"]
    ['w', 'b']
    """
    with np.errstate(all="ignore"):
        parts = Deriver(passes, of, top).parts(made)
        written = settled_parts(parts)
    p, named = passes, dict(labels or {})
    derived = Derivation(p.net, p.at, of, written, p.params, p.data, made, named, top, draw=p.draw)
    check_finite(derived)
    return dataclasses.replace(derived, parts=tuple(parts)) if every_form else derived


def settled_parts(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Return the parts with the lines that are written, by their numbers."""
    written = (dataclasses.replace(p, steps=settled_steps(p.steps)) for p in parts)
    return tuple(part for part in written if part.steps)


def check_finite(derived: Derivation) -> None:
    """Raise where a number of a derivation is not finite, with the name of the first."""
    for step in derived.steps():
        parts = walk(step.formula) if step.formula else iter(())
        for each in (*(part for part in parts if isinstance(part, Quantity)), step.quantity):
            if not math.isfinite(each.value):
                name = Text().named(name_of(each.key, derived.at, find_notation("mazur"))).text
                raise ValueError(
                    f"explain: {name} is {each.value}, and so nothing that follows from it can be "
                    "worked out; scale the inputs or the weights"
                )


def check_asked(
    what: str, net: Network, notation: str, top: int, digits: int | None = None
) -> tuple[int, int | None]:
    """Return how many terms and digits are written; raise for what cannot be explained so.

    >>> check_asked("explain", cr.Network(1, [cr.Dense(1)], "huber"), "mazur", top=0)
    Traceback (most recent call last):
    ...
    ValueError: explain: top must be a whole number >= 1, got 0
    """
    find_notation(notation)
    if digits is not None:
        digits = check_whole(f"{what}: digits", digits, least=1, below=18)
    top = check_whole(f"{what}: top", top, least=1)
    check_layers(net)
    return top, digits


def check_layers(net: Network) -> None:
    """Raise unless every layer is of a kind that can be explained."""
    at = Places.of(net)
    gates = (gate for own in at.gates.values() for gate in own)
    for place in (*at.next.values(), *gates, *at.layers):
        if "work" not in vars(type(place.layer)):
            whole = describe(net, int(place.path)) if place.path.isdecimal() else place.path
            raise ValueError(
                f"explain: {whole}, is of the kind {type(place.layer).__name__!r}, which has "
                f"no derivation; those that have are {_listed(LAYERS.values())}"
            )
    if not at.layers:
        raise ValueError("explain: the network has no layer with units, and so nothing to derive")


def _listed(kinds: Collection[type[Layer]]) -> str:
    *names, last = (f"cr.{kind.__name__}" for kind in kinds if "work" in vars(kind))
    return f"{', '.join(names)} and {last}"


def joint_layers(net: Network) -> list[int]:
    """Return the places whose activations depend on all that these are made of.

    >>> joint_layers(cr.Network(1, [cr.Dense(2), cr.Dense(2, "softmax")], loss="squared_error"))
    [1]
    """
    own = (getattr(place.layer, "activation", "identity") for place in Places.of(net).layers)
    return [k for k, name in enumerate(own) if activation(name).pull is not None]


def in_double(
    net: Network, params: Parameters, X: Any, y: Any, sample_weight: Any
) -> tuple[Parameters, Examples]:
    """Return parameters and checked examples in float64; one example becomes a row."""
    params = _in_double(params)
    if is_sparse(X) and X.ndim == 2 and np.ndim(y) == 0:  # a row of a sparse matrix has two axes
        y = np.asarray(y)[None]
    X, y = _as_numpy("X", X), _as_numpy("y", y)
    if sample_weight is not None:
        sample_weight = _as_numpy("sample_weight", sample_weight)
    if np.ndim(X) == 1:
        X, y = np.asarray(X)[None], np.asarray(y)[None]
    return params, check_examples(net, params, X, y, sample_weight)


def inputs_in_double(net: Network, params: Parameters, X: Any) -> tuple[Parameters, Array]:
    """Return parameters and checked inputs in float64; one example becomes a row."""
    params, X = _in_double(params), _as_numpy("X", X)
    X, _ = check_inputs(net, params, np.asarray(X)[None] if np.ndim(X) == 1 else X)
    return params, X


def _in_double(params: Parameters) -> Parameters:
    in_double: Parameters = tree_map(
        lambda leaf: _as_numpy("params", leaf).astype(np.float64), params
    )
    return in_double


def _as_numpy(what: str, given: Any) -> Any:
    """An array of another library, or of sparse rows, as NumPy's; all else as it is."""
    if is_sparse(given):
        return written_out("explain", what, given)
    if isinstance(given, np.ndarray) or not is_array_api_obj(given):
        return given
    try:
        return np.asarray(given)
    except (TypeError, RuntimeError, ValueError) as error:
        raise TypeError(
            f"explain: {what} must be of arrays that NumPy can read, got {type(given).__name__}: "
            f"{error}"
        ) from None


def written_out(of: str, what: str, rows: Any) -> Array:
    """Return sparse rows with their zeros, or raise where these are too many.

    >>> from scipy.sparse import csr_array
    >>> written_out("explain", "X", csr_array((10**6, 10**4)))
    Traceback (most recent call last):
    ...
    ValueError: explain: X has 1,000,000 rows of 10,000 numbers, too many to write their zeros \
out; explain fewer rows, such as X[:1000]
    """
    n, width = rows.shape if rows.ndim == 2 else (1, *rows.shape)
    if n * width > MOST_NUMBERS:
        raise ValueError(
            f"{of}: {what} has {n:,} rows of {width:,} numbers, too many to write their zeros out; "
            f"explain fewer rows, such as {what}[:{max(1, MOST_NUMBERS // 10 // width)}]"
        )
    whole: Array = dense(rows)
    return whole


def labels(at: Places, inputs: Sequence[str], outputs: Sequence[str]) -> dict[Key, str]:
    """Return the user's names by the key of the quantity; raise where there are not as many."""
    found = {}
    for what, given, kind, layer, size in (
        ("inputs", inputs, "x", -1, at.widths[0]),
        ("outputs", outputs, "a", at.last, at.widths[-1]),
    ):
        if isinstance(given, str) or not isinstance(given, Collection):
            raise TypeError(f"explain: {what} must be a list of {size} names, got {given!r}")
        if len(given) not in (0, size):
            raise ValueError(
                f"explain: {what} must hold one name for each of the network's {size} {what}, got "
                f"{len(given)}"
            )
        found.update({Key(kind, layer, k): str(name) for k, name in enumerate(given)})
    return found


class Deriver:
    """The parts of a derivation of the cost; what another one is of, other classes change."""

    passes: Passes
    of: Key
    top: int
    at: Places

    def __init__(self, passes: Passes, of: Key, top: int) -> None:
        self.passes, self.of, self.top, self.at = passes, of, top, passes.at
        self.places: tuple[Key, ...] = self.at.places(of)
        self.parameters: list[Key] = (
            parameters(self.at) if of == ALL else [of] if is_parameter(of) else []
        )
        self.rows: list[int] = largest(np.multiply(self._weights(), passes.parts(of)), top)

    def _weights(self) -> Any:
        return 1.0 if self.passes.data.w is None else self.passes.data.w

    def parts(self, made: Update | None) -> list[Part]:
        """The parts of the derivation, but those that have no lines."""
        parts = [part for row in self.rows for part in self._example(row)]
        means = Means(self.passes, self.rows, self.top)
        derived = [self.of] if self.of.kind in ("x", "a", "z") else self.parameters
        parts.append(Part(MEAN.format(self.passes.net.reduction), tuple(means.mean(derived))))
        parts.append(Part(PENALTY, tuple(means.penalty(derived))))
        if made:
            steps = [step for key in self.parameters for step in updated(made, key, self.passes)]
            parts.append(Part(UPDATE, tuple(steps)))
        return [part for part in parts if part.steps]

    def _working(self, row: int) -> Working:
        working = self.passes.working(row, self.top)
        working.written.clear()
        return working

    def _example(self, row: int) -> list[Part]:
        """The parts of one example."""
        working, of = self._working(row), OF_EXAMPLE.format(row + 1) if self.passes.n > 1 else ""
        reached = Reached(working, self.of, self.places, self.top)
        chain = [] if self.of in (COST, ALL) else self._chain(working)
        return [
            Part(f"{RULE}{of}", tuple(chain), CHAIN),
            Part(f"{FORWARD}{of}", tuple(self._forward(working, reached.units))),
            Part(f"{THE_COST}{of}", tuple(working.cost_lines(reached.units))),
            Part(f"{BACK}{of}", tuple(self._backward(working, reached)), self._note),
        ]

    @property
    def _note(self) -> str:
        return f"{BACKWARD} {JOINED}" if self.passes.joins else BACKWARD

    def _chain(self, working: Working) -> list[Step]:
        """The chain rule itself; of what is tied, over its places."""
        if len(self.places) > 1:
            return [working.tied(self.places)]
        return working.chain(self.of)

    def _forward(self, working: Working, units: list[list[int]]) -> list[Step]:
        inputs, *widths = self.at.widths
        steps = [
            step for k in range(inputs) if inputs <= self.top + 1 for step in working.dropped(-1, k)
        ]
        for k, o in enumerate(widths):
            steps += working.layer_forward(k, self._shown(k, o, units[k]))
        return steps

    def _shown(self, k: int, o: int, units: list[int]) -> Collection[int]:
        """The units of a place whose forward lines are written: all, where they are few."""
        return range(o) if o <= self.top + 1 else units

    def _backward(self, working: Working, reached: Reached) -> list[Step]:
        if self.of == COST:
            return []
        unit = self.of.kind in ("x", "a")
        steps = [
            step
            for k in reversed(range(len(self.at.layers)))
            if reached.behind[k] and not (unit and k == self.of.layer)
            for step in working.layer_backward(k, reached.units[k])
        ]
        if unit:
            steps += working.dunit(self.of.layer, self.of.unit)
        if self.of.kind == "z":
            steps.append(working.dweighted(self.of.layer, self.of.unit))
        of_each = (working.gradient(self.at.places(key)) for key in self.parameters)
        return steps + [step for each in of_each for step in each]
