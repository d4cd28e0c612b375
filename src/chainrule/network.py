r"""A network is a specification; its parameters are a separate tuple, one entry for each layer.

x   (n, i)   W   (o, i)   b   (o,)
"""

from __future__ import annotations

import fnmatch
import functools
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from chainrule import losses
from chainrule.errors import (
    as_list,
    as_numbers,
    check_number,
    check_whole,
    finite,
    shown,
    unknown_name,
)
from chainrule.html_page.notebook_part import in_notebook
from chainrule.layers import Layer, Role, chain
from chainrule.layers.layer_table import layer_table
from chainrule.layers.parameter_shapes import copied
from chainrule.layers.predictions import of_members
from chainrule.loss_row import Loss
from chainrule.sparse_rows import as_rows, dense, finite_entries, is_sparse, namespace
from chainrule.streams import Seed, Stream, generator
from chainrule.trees import Array, leaves, named_leaves, rebuild, tree_map
from chainrule.value_types import read

Parameters = tuple[Any, ...]
"""The parameters of each layer: a named tuple of arrays, `params[k].W`, or `()`."""

REDUCTIONS = ("mean", "sum")
"""What a cost takes of the losses of its examples."""


@dataclass(frozen=True, init=False)
class Network:
    r"""A feedforward network with its cost: names and sizes, no arrays.

    $$C = \frac{\sum_i w_i\,L(a_i, y_i)}{\sum_i w_i}
          + \lambda_1 \sum |W| + \tfrac12 \lambda_2 \sum W^2$$

    Without the division where the reduction is a sum.

    Parameters
    ----------
    inputs
        The number of inputs.
    layers
        The layers, from the first to the last.
    loss
        The name of a row of the table of losses, `"huber(0.5)"`, or a row of your own.
    l1, l2
        λ₁ and λ₂, the penalties on the weights; biases go free.
    reduction
        What C takes of the examples' losses: `"mean"`, or `"sum"`, each times its weight.
    check
        Whether to refuse an activation of the table between the last weighted inputs and a loss
        that applies its link to them: a cross-entropy would work with σ(σ(z)), or with logits that
        cannot be negative. Files are read without it, for they may be older than this rule. An
        activation of your own stands: what it does there is what you mean.

    Raises
    ------
    TypeError, ValueError
        Where an argument is not of its kind; the message names it.

    Examples
    --------
    >>> net = cr.Network(2, [cr.Dense(3, "tanh"), cr.Dense(1)], loss="half_squared_error")
    >>> net.outputs, net.size
    (1, 13)
    """

    inputs: int
    layers: tuple[Layer, ...]
    loss: str | Loss
    l1: float = 0.0
    l2: float = 0.0
    reduction: str = "mean"

    def __init__(
        self,
        inputs: int,
        layers: Iterable[Layer],
        loss: str | Loss,
        l1: float = 0.0,
        l2: float = 0.0,
        reduction: str = "mean",
        *,
        check: bool = True,
    ) -> None:
        row = losses.loss(loss)
        if reduction not in REDUCTIONS:
            raise unknown_name("reduction", str(reduction), REDUCTIONS)
        layers = tuple(layers) if isinstance(layers, Iterable) else (layers,)
        chain.check_layers("Network", layers)
        for field, value in (
            ("inputs", check_whole("Network: inputs", inputs, least=1)),
            ("layers", layers),
            ("loss", loss),
            ("l1", check_number("Network: l1", l1, least=0)),
            ("l2", check_number("Network: l2", l2, least=0)),
            ("reduction", reduction),
        ):
            object.__setattr__(self, field, value)
        width = self.inputs
        for k, layer in enumerate(layers):
            try:
                layer.form(width)
                width = layer.outputs(width)
            except ValueError as error:
                raise ValueError(f"Network: {describe(self, k)}: {error}") from None
        for k, layer in enumerate(layers[:-1]):
            if layer.members > 1:
                raise ValueError(
                    f"Network: {describe(self, k)}, must be the last layer: what leaves it are "
                    "predictions, one of each member"
                )
        if self.outputs % row.group or (row.parts and self.outputs != row.group):
            count = f"{'' if row.parts else 'a multiple of '}{row.group} outputs"
            raise ValueError(
                f"Network: loss {str(loss)!r} expects {count}, got "
                f"{self.outputs} from {describe(self, len(layers) - 1)}; change one of the two"
            )
        if check:
            _check_output(self)

    def __repr__(self) -> str:
        """Leave out the reduction that is taken for granted."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        if self.reduction == "mean":
            del fields["reduction"]
        return f"Network({', '.join(f'{name}={value!r}' for name, value in fields.items())})"

    def _repr_html_(self) -> str:
        loss = str(losses.loss(self.loss))
        said = f"{self.inputs:,} inputs, loss {loss}, {self.size:,} parameters in all"
        return in_notebook(layer_table(said, self.layers, self.widths, self.form))

    @property
    def widths(self) -> tuple[int, ...]:
        """The number of values before, between and after the layers."""
        return tuple(chain.widths(self.layers, self.inputs))

    @property
    def members(self) -> int:
        """How many members predict, each by outputs of its own; the prediction is their mean."""
        return self.layers[-1].members

    @property
    def outputs(self) -> int:
        """The number of outputs, of one member where there are several."""
        return self.widths[-1] // self.members

    @property
    def row(self) -> Loss:
        """The row of the loss: of several members, the mean of theirs."""
        return of_members(losses.loss(self.loss), self.members)

    @property
    def roles(self) -> Mapping[str, Role]:
        """The role of each parameter, by its name."""
        return _roles(self)

    @property
    def size(self) -> int:
        """The number of parameters."""
        return sum(leaf.size for leaf in leaves(self.form))

    @property
    def form(self) -> Parameters:
        """Zeros in the form of the parameters, without memory of their own."""
        return _form(self)

    def init(self, seed: int = 0, dtype: Any = "float32") -> Parameters:
        """Return new parameters, drawn from the seed alone, as NumPy arrays.

        Raises ValueError for another dtype or seed.

        Parameters
        ----------
        seed
            What they follow from, a whole number >= 0.
        dtype
            "float32" or "float64": the precision of all that is worked out of them.

        Examples
        --------
        >>> net = cr.Network(2, [cr.Dense(3, "tanh"), cr.Dense(1)], loss="half_squared_error")
        >>> net.init(seed=0)[1].W.shape
        (1, 3)
        """
        try:
            known = np.dtype(dtype) in (np.float32, np.float64)
        except TypeError:
            known = False
        if not known:
            raise ValueError(f"init: dtype must be 'float32' or 'float64', got {dtype!r}")
        rng = generator(Stream.WEIGHTS, read(seed, Seed, "init: seed"))
        drawn = tuple(
            layer.init(i, rng) for layer, i in zip(self.layers, self.widths, strict=False)
        )
        return tuple(tree_map(lambda leaf: copied(leaf, dtype), drawn))

    def parameters(self, given: Sequence[Any]) -> Parameters:
        """Return given arrays as parameters.

        Raises TypeError or ValueError for what does not fit, or a value that is not finite.

        Parameters
        ----------
        given
            One tuple for each layer that has parameters, `(W, b)` of a dense one, theirs of layers
            within. Lists become float64 NumPy arrays; arrays of any library stay what they are.

        Examples
        --------
        >>> net = cr.Network(2, [cr.Dense(1)], loss="half_squared_error")
        >>> net.parameters([([[0.5, -0.5]], [0.0])])[0].W
        array([[ 0.5, -0.5]])
        """
        form = self.form
        filled = [k for k, part in enumerate(form) if leaves(part)]
        dense = all(getattr(form[k], "_fields", ()) == ("W", "b") for k in filled)
        expected = (
            f"parameters: expected one {'(W, b)' if dense else 'tuple of arrays'} for each of the "
            f"{len(filled)} layers that have parameters"
        )
        if not isinstance(given, (list, tuple)):
            raise TypeError(f"{expected}, got {given!r} of type {type(given).__name__}")
        entries = [entry for entry in given if not (isinstance(entry, tuple) and not entry)]
        if len(entries) != len(filled):
            raise ValueError(f"{expected}, got {len(entries)}")
        params = list(form)
        for k, entry in zip(filled, entries, strict=True):
            names = [name for name, _ in named_leaves(form[k])]
            got = leaves(tuple(entry) if isinstance(entry, list) else entry)
            if len(got) != len(names):
                raise ValueError(
                    f"parameters: layer {k} expects {', '.join(names)}, got {len(got)} arrays"
                )
            where = (f"{describe(self, k)}: {k}.{name}" for name in names)
            params[k] = rebuild(form[k], map(_as_floating, where, got))
        check_parameters(self, tuple(params))
        return tuple(params)


@functools.lru_cache
def _form(net: Network) -> Parameters:
    return tuple(layer.form(i) for layer, i in zip(net.layers, net.widths, strict=False))


@functools.lru_cache
def _roles(net: Network) -> Mapping[str, Role]:
    found = {}
    for name, _ in named_leaves(net.form):
        k, _, own = name.partition(".")
        found[name] = net.layers[int(k)].role(own)
    return MappingProxyType(found)


def _as_floating(where: str, given: Any) -> Array:
    array = as_numbers(where, given)
    if isinstance(array, np.ndarray) and array.dtype.kind in "biu":
        return array.astype(np.float64)
    return array


def _check_output(net: Network) -> None:
    """Raise where an activation of the table stands between the last weights and a loss's link."""
    row, end, k = losses.loss(net.loss), "identity", 0
    for place, layer in enumerate(net.layers):
        end = layer.ends_in(end)
        k = k if layer.training_only else place
    if not row.link_name or end == "identity":
        return
    plain = net.layers[k].without_end()
    raise ValueError(
        f"Network: loss {str(row)!r} applies {row.link_name} itself, so the last layer must be "
        f"linear: {f'write {plain} for' if plain else 'leave out'} {describe(net, k)}"
    )


def describe(net: Network, k: int) -> str:
    """Return how messages name a layer: its index and its specification.

    >>> describe(cr.Network(2, [cr.Dense(1)], loss="half_squared_error"), 0)
    "layer 0, Dense(1, 'identity')"
    """
    return f"layer {k}, {net.layers[k]!r}"


def check_parameters(net: Network, params: Parameters) -> None:
    """Raise unless parameters fit the network, share one floating dtype and are finite."""
    if not isinstance(net, Network):
        raise TypeError(f"net must be a Network, such as cr.Network(2, ...), got {shown(net)}")
    form = list(named_leaves(net.form))
    got = list(named_leaves(params)) if isinstance(params, tuple) else []
    if [name for name, _ in got] != [name for name, _ in form]:
        raise ValueError(
            f"params must be made by net.init or net.parameters, with the entries "
            f"{', '.join(name for name, _ in form) or 'of no layer'}; got "
            + (", ".join(name for name, _ in got) or _foreign(params))
        )
    if not got:
        return
    xp = array_namespace(*(leaf for _, leaf in got))
    dtype = got[0][1].dtype
    for (name, expected), (_, leaf) in zip(form, got, strict=True):
        where = f"{describe(net, int(name.partition('.')[0]))}: {name}"
        if tuple(leaf.shape) != expected.shape:
            raise ValueError(f"{where} must have shape {expected.shape}, got {tuple(leaf.shape)}")
        if not xp.isdtype(leaf.dtype, "real floating"):
            raise TypeError(f"{where} must be of a floating dtype, got {leaf.dtype}")
        if leaf.dtype != dtype:
            raise TypeError(f"{where} must have the dtype of the others, {dtype}, got {leaf.dtype}")
        finite(where, leaf, dtype, xp, fix="make new parameters with net.init")


def _foreign(params: Any) -> str:
    """What was given in place of parameters, and how arrays become such.

    >>> _foreign({"0.weight": [[0.5]], "0.bias": [0.0]})
    "a dict of '0.weight', '0.bias'; for arrays, write net.parameters([(W, b), ...])"
    """
    fix = "; for arrays, write net.parameters([(W, b), ...])"
    kind = type(params).__name__
    if isinstance(params, Mapping):
        names = [*map(repr, itertools.islice(params, 6)), *["..."] * (len(params) > 6)]
        return f"a {kind} of {', '.join(names)}{fix}"
    if isinstance(params, list) or hasattr(params, "shape"):
        return f"an object of type {kind}{fix}"
    return shown(params)


def check_inputs(net: Network, params: Parameters, X: Any, *, what: str = "X") -> tuple[Array, Any]:
    """Return X (n, inputs) in the parameters' dtype, and its array library.

    It is an array, or sparse rows where the parameters are NumPy's.
    """
    given = as_rows(what, X) if is_sparse(X) else as_numbers(what, X)
    weights = next(iter(leaves(params)), given)
    xp = namespace(weights)
    dtype = weights.dtype if xp.isdtype(weights.dtype, "real floating") else xp.float64
    sparse = is_sparse(given) and isinstance(weights, np.ndarray)
    given = given if sparse else xp.asarray(dense(given))
    if given.ndim != 2 or given.shape[1] != net.inputs:
        raise ValueError(
            f"{describe(net, 0)}, expects inputs of width {net.inputs}, got {what} with shape "
            f"{tuple(given.shape)}"
            + (f"; one example is {what}[None, :]" if given.ndim == 1 else "")
        )
    if given.shape[0] == 0:
        raise ValueError(f"{what} must hold at least one example, got shape {tuple(given.shape)}")
    return finite_entries(what, given, dtype) if sparse else finite(what, given, dtype, xp), xp


def divisor(net: Network, weight: float) -> float:
    """Return what a sum over examples of some weight is divided by, to be the cost.

    >>> divisor(cr.Network(1, [cr.Dense(1)], loss="huber"), 8.0)
    8.0
    >>> divisor(cr.Network(1, [cr.Dense(1)], loss="huber", reduction="sum"), 8.0)
    1.0
    """
    return 1.0 if net.reduction == "sum" else weight


def frozen(params: Parameters, freeze: Iterable[str], *, of: str = "fit") -> frozenset[str]:
    """Return the names of the parameters that some pattern fits; raise where one fits none.

    >>> net = cr.Network(1, [cr.Dense(1), cr.Dense(1)], loss="huber")
    >>> sorted(frozen(net.init(), ["*.b"]))
    ['0.b', '1.b']
    """
    patterns, fitting = as_list(f"{of}: freeze", "patterns of names", freeze), set[str]()
    names = [name for name, _ in named_leaves(params)] if patterns else []
    for pattern in patterns:
        if not isinstance(pattern, str):
            raise TypeError(f"{of}: freeze must be a list of patterns of names, got {pattern!r}")
        matched = fnmatch.filter(names, pattern)
        if not matched:
            raise unknown_name("parameter to freeze", pattern, names)
        fitting.update(matched)
    return frozenset(fitting)
