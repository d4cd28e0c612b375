"""The layers that the parameters of an estimator ask for, and what they begin with."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.random import RandomState

from chainrule import activations, losses
from chainrule.activation_row import Activation
from chainrule.activations import ACTIVATIONS
from chainrule.errors import check_number, check_whole, unknown_name
from chainrule.fitting.layer_builder import dense_layers, for_each, with_outputs
from chainrule.layers import Layer
from chainrule.network import Network, Parameters
from chainrule.trees import rebuild

INSTEAD_OF_LAYERS = ("hidden_layer_sizes", "activation", "dropout")


def activation(what: str, given: str | Activation) -> str | Activation:
    """Return an activation as the core knows it: scikit-learn says logistic for the sigmoid.

    >>> activation("MLPClassifier: activation", "logistic")
    'sigmoid'
    """
    given = "sigmoid" if isinstance(given, str) and given == "logistic" else given
    if isinstance(given, str) and given.partition("(")[0].strip() not in ACTIVATIONS:
        estimator, _, parameter = what.partition(": ")
        raise unknown_name(f"{parameter} of {estimator}", given, (*ACTIVATIONS, "logistic"))
    activations.activation(given)
    return given


def hidden_sizes(estimator: Any) -> list[int]:
    """Return the sizes of the hidden layers.

    >>> hidden_sizes(cr.MLPClassifier(8))
    [8]
    """
    given, kind = estimator.hidden_layer_sizes, type(estimator).__name__
    sizes = list(given) if isinstance(given, Iterable) else [given]
    return [check_whole(f"{kind}: hidden_layer_sizes", size, least=1) for size in sizes]


def given_layers(estimator: Any) -> list[Layer]:
    """Return the layers that are given in the place of sizes, activations and rates of dropout.

    >>> given_layers(cr.MLPClassifier(layers=[cr.Dense(8, "relu")], dropout=0.1))
    Traceback (most recent call last):
    ...
    ValueError: MLPClassifier: layers stands in the place of hidden_layer_sizes, activation and \
dropout; leave out dropout=0.1, or write it as a layer
    """
    kind, given = type(estimator).__name__, estimator.layers
    if not isinstance(given, (list, tuple)) or not all(isinstance(k, Layer) for k in given):
        raise TypeError(
            f"{kind}: layers must be a list of layers such as [cr.Dense(32, 'relu')], got {given!r}"
        )
    for name in INSTEAD_OF_LAYERS:
        value = getattr(estimator, name)
        if not np.array_equal(value, type(estimator).__dataclass_fields__[name].default):
            raise ValueError(
                f"{kind}: layers stands in the place of hidden_layer_sizes, activation and "
                f"dropout; leave out {name}={value!r}, or write it as a layer"
            )
    return list(given)


def form(estimator: Any) -> dict[str, tuple[Any, Any]]:
    """Return what the number and shapes of the parameters follow from, beside the data.

    For each hyper-parameter, as it is given and what counts of it.

    >>> form(cr.MLPRegressor(hidden_layer_sizes=8, dropout=0.1))["dropout"]
    (0.1, [True])
    """
    kind, sizes = type(estimator).__name__, hidden_sizes(estimator)
    rates = for_each(f"{kind}: dropout", estimator.dropout, len(sizes))
    row = losses.loss(estimator._loss())
    found: dict[str, tuple[Any, Any]] = {
        "hidden_layer_sizes": (estimator.hidden_layer_sizes, sizes),
        "dropout": (estimator.dropout, [rate > 0 for rate in rates]),
        "layers": (estimator.layers, None if estimator.layers is None else [*estimator.layers]),
        "loss": (estimator.loss, row.target == "class"),
    }
    if hasattr(estimator, "quantiles"):
        found["quantiles"] = estimator.quantiles, row.group
    return found


def check_same_form(estimator: Any, before: dict[str, tuple[Any, Any]]) -> None:
    """Raise where an earlier call's parameters are not of the form that is asked for now.

    >>> model = cr.MLPClassifier(8)
    >>> check_same_form(model.set_params(hidden_layer_sizes=9), form(cr.MLPClassifier(8)))
    Traceback (most recent call last):
    ...
    ValueError: MLPClassifier goes on from an earlier call: hidden_layer_sizes was 8 then and is 9 \
now; ...
    """
    for name, (given, counted) in form(estimator).items():
        then, earlier = before.get(name, (given, counted))
        if counted != earlier:
            raise ValueError(
                f"{type(estimator).__name__} goes on from an earlier call: {name} was {then!r} "
                f"then and is {given!r} now; set it back, or begin anew: fit with warm_start=False"
            )


def layers(estimator: Any, outputs: int) -> list[Layer]:
    """Return the layers of the network: those before the outputs, and a linear one for them.

    >>> layers(cr.MLPClassifier((8, 4), ("relu", "tanh"), dropout=(0.1, 0)), outputs=1)
    [Dense(8, 'relu'), Dropout(0.1), Dense(4, 'tanh'), Dense(1, 'identity')]
    """
    return with_outputs(hidden_layers(estimator), outputs)


def hidden_layers(estimator: Any) -> list[Layer]:
    """Return the layers before the outputs.

    >>> hidden_layers(cr.MLPClassifier(layers=[cr.Dense(8, "relu"), cr.Dropout(0.1)]))
    [Dense(8, 'relu'), Dropout(0.1)]
    """
    if estimator.layers is not None:
        return given_layers(estimator)
    kind, sizes = type(estimator).__name__, hidden_sizes(estimator)
    names = for_each(f"{kind}: activation", estimator.activation, len(sizes))
    names = [activation(f"{kind}: activation", name) for name in names]
    rates = for_each(f"{kind}: dropout", estimator.dropout, len(sizes))
    rates = [check_number(f"{kind}: dropout", rate, least=0, below=1) for rate in rates]
    return dense_layers(sizes, names, rates)


def initial(estimator: Any, net: Network, rng: RandomState, dtype: Any) -> Parameters:
    """Draw parameters: dense layers as scikit-learn draws them, those that are given by their own.

    >>> model = cr.MLPRegressor(hidden_layer_sizes=3)
    >>> net = cr.Network(2, layers(model, 1), loss="huber")
    >>> initial(model, net, np.random.RandomState(0), "float64")[0].W.shape
    (3, 2)
    """
    if estimator.layers is not None:
        return net.init(int(rng.randint(2**31)), dtype)
    factor, drawn = 2.0 if is_logistic(estimator.activation) else 6.0, []
    for part in filter(None, net.form):
        bound = math.sqrt(factor / sum(part.W.shape))
        drawn += [rng.uniform(-bound, bound, leaf.shape[::-1]).T for leaf in part]
    made: Parameters = rebuild(net.form, [np.ascontiguousarray(leaf, dtype) for leaf in drawn])
    return made


def is_logistic(given: Any) -> bool:
    """Whether the hidden layers are logistic, which has weights drawn smaller.

    >>> is_logistic("logistic")
    True
    """
    return isinstance(given, str) and given in ("logistic", "sigmoid")
