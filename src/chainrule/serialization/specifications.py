"""Networks, optimizers and schedules as data: names and numbers, as JSON has them.

    {"kind": "dense", "units": 3, "activation": "tanh", "initialiser": null}

A kind is the name in its table, and beside it stand its fields; a field that holds layers is a list
of such data. Reading is strict: a kind that no table holds, a field too many or too few, or a value
that the kind refuses is a ValueError.
"""

from __future__ import annotations

import dataclasses
import reprlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from chainrule import codec
from chainrule.activation_row import Activation
from chainrule.activations import activation
from chainrule.errors import unknown_name
from chainrule.layers import LAYERS, Layer
from chainrule.losses import loss
from chainrule.network import Network, describe
from chainrule.optimizers import OPTIMIZERS, Optimizer
from chainrule.schedules import SCHEDULES, Schedule

LONGEST = 100
"""The most characters of a name with its parameters."""

LONGEST_LOSS = 10_000
"""The most characters of a loss, which names each of its heads."""

MOST_LAYERS = 1_000
"""The most layers of a network as data: each is built and gone through before anything is known.

Those within others count too.
"""

DEEPEST = 10
"""How many layers may stand one within the other."""

MOST_NUMBERS = 100_000
"""The most numbers of a field that is a list."""

LATER: dict[str, str | float] = {"reduction": "mean", "dampening": 0.0}
"""Fields that data need not have, and what they then are: those of earlier versions lack them."""

Kinds = Mapping[str, type[Any]]


def network_to_data(net: Network) -> dict[str, Any]:
    """Return a network as data.

    A row of a table goes by its full name. Raises ValueError for a layer, activation or loss of
    one's own: data cannot hold it.

    >>> network_to_data(cr.Network(2, [cr.Dropout(0.1), cr.Dense(1)], loss="huber(0.5)"))["layers"]
    [{'kind': 'dropout', 'rate': 0.1}, {'kind': 'dense', 'units': 1, 'activation': 'identity', \
'initialiser': None}]
    """
    check_layers(net.layers)
    layers = [layer_to_data(describe(net, k), layer) for k, layer in enumerate(net.layers)]
    named = _name(f"the loss {str(net.loss)!r}", net.loss, loss)
    data = {"inputs": net.inputs, "layers": layers, "loss": named, "l1": net.l1, "l2": net.l2}
    data["reduction"] = net.reduction
    return _brief(_fields("network", data, list(data)))


def network_from_data(data: Any) -> Network:
    """Return the network that data describes.

    >>> net = cr.Network(2, [cr.Dense(1, "tanh")], loss="huber")
    >>> network_from_data(network_to_data(net)) == net
    True
    """
    given = _fields("network", data, ["inputs", "layers", "loss", "l1", "l2", "reduction"])
    if not isinstance(given["layers"], list):
        raise ValueError(f"network: layers must be a list, got {reprlib.repr(given['layers'])}")
    check_layers(given["layers"])
    layers = [layer_from_data(f"layer {k}", layer) for k, layer in enumerate(given["layers"])]
    with codec.named("network"):
        return Network(**{**given, "layers": layers}, check=False)


def check_depth(layers: int) -> None:
    """Raise ValueError for more layers than a file may hold.

    >>> check_depth(80_000)
    Traceback (most recent call last):
    ...
    ValueError: network: layers must be at most 1,000, got 80,000
    """
    if layers > MOST_LAYERS:
        raise ValueError(f"network: layers must be at most {MOST_LAYERS:,}, got {layers:,}")


def check_layers(layers: Iterable[Any]) -> None:
    """Raise ValueError for more layers, or deeper ones, than a file may hold; also for their data.

    >>> check_layers([{"kind": "residual", "layers": [{"kind": "dropout", "rate": 0.1}] * 1000}])
    Traceback (most recent call last):
    ...
    ValueError: network: layers must be at most 1,000, got 1,001
    """
    level, count = list(layers), 0
    for _ in range(DEEPEST):
        count += len(level)
        level = [inner for each in level for inner in _inside(each)]
    if level:
        raise ValueError(f"network: layers must stand at most {DEEPEST} one within the other")
    check_depth(count)


def _inside(layer: Any) -> list[Any]:
    """Return what stands in the lists of a layer, or of its data, where it may be a layer."""
    if isinstance(layer, Layer):
        layer = {name: getattr(layer, name) for name in _names(type(layer))}
    values = layer.values() if isinstance(layer, dict) else ()
    lists = (value for value in values if isinstance(value, (list, tuple)))
    return [each for value in lists for each in value if isinstance(each, (dict, Layer))]


def layer_to_data(what: str, layer: Layer) -> dict[str, Any]:
    """Return a layer as data; `what` names it where it cannot be data.

    >>> layer_to_data("layer 0", cr.Dropout(0.1))
    {'kind': 'dropout', 'rate': 0.1}
    """
    return _to_data(what, layer, LAYERS)


def layer_from_data(what: str, data: Any) -> Layer:
    """Return the layer that data describes; `what` names it in the message where there is none.

    >>> layer_from_data("layer 0", {"kind": "dropout", "rate": 0.1})
    Dropout(0.1)
    """
    made: Layer = _from_data(what, data, LAYERS)
    return made


def optimizer_to_data(optimizer: Optimizer) -> dict[str, Any]:
    """Return an optimizer, with its schedule if it has one, as data.

    Raises ValueError for one of one's own.

    >>> optimizer_to_data(cr.SGD(cr.Constant(0.5)))["learning_rate"]
    {'kind': 'constant', 'rate': 0.5}
    """
    return _to_data(repr(optimizer), optimizer, OPTIMIZERS)


def optimizer_from_data(data: Any) -> Optimizer:
    """Return the optimizer that data describes.

    >>> optimizer_from_data(optimizer_to_data(cr.Adam(cr.WarmUp(10, then=0.1))))
    Adam(learning_rate=WarmUp(steps=10, then=0.1), beta1=0.9, beta2=0.999, epsilon=1e-08)
    """
    made: Optimizer = _from_data("optimizer", data, OPTIMIZERS)
    return made


def _to_data(what: str, given: Any, kinds: Kinds) -> dict[str, Any]:
    names = {kind: name for name, kind in kinds.items()}
    if type(given) not in names:
        raise _own(what)
    data = {name: _plain(what, name, getattr(given, name)) for name in _names(type(given))}
    return _brief(_fields(what, {"kind": names[type(given)], **data}, ["kind", *data]))


def _names(kind: type[Any]) -> list[str]:
    return (
        [field.name for field in dataclasses.fields(kind)] if dataclasses.is_dataclass(kind) else []
    )


def _plain(what: str, name: str, value: Any) -> Any:
    """Return the value of a field as data."""
    if isinstance(value, Activation):
        return _name(what, value, activation)
    if isinstance(value, Schedule):
        return _to_data(repr(value), value, SCHEDULES)
    if isinstance(value, Layer):
        return layer_to_data(f"{what}: {value!r}", value)
    if isinstance(value, tuple):
        _check_numbers(what, name, value)
        return [_plain(what, name, each) for each in value]
    return value


def _check_numbers(what: str, name: str, given: Iterable[Any]) -> None:
    count = sum(len(each) if isinstance(each, (list, tuple)) else 1 for each in given)
    if count > MOST_NUMBERS:
        raise ValueError(f"{what}: {name} must hold at most {MOST_NUMBERS:,} values, got {count:,}")


def _name(what: str, given: Any, find: Callable[[str], Any]) -> str:
    """Return the full name that finds a row again."""
    if isinstance(given, str):
        return given
    try:
        if find(str(given)) is given:
            return str(given)
    except ValueError:
        pass
    raise _own(what)


def _own(what: str) -> ValueError:
    return ValueError(
        f"{what}, is of your own making, and data holds only names from the tables; keep it in "
        "your code, and the parameters in a file of arrays, as numpy.savez writes them"
    )


def _from_data(what: str, data: Any, kinds: Kinds) -> Any:
    kind = data.get("kind") if isinstance(data, dict) else None
    if not isinstance(kind, str) or kind not in kinds:
        raise unknown_name(f"kind of {what}", str(kind)[:LONGEST], kinds)
    made, names = kinds[kind], _names(kinds[kind])
    given = _fields(f"{what}: {kind}", data, ["kind", *names])
    values = {name: _value(what, name, given[name]) for name in names}
    with codec.named(what):
        return made.of_fields(**values) if issubclass(made, Layer) else made(**values)


def _value(what: str, name: str, given: Any) -> Any:
    """Return the value of a field from data: a list is a tuple of layers or of numbers."""
    if isinstance(given, dict):
        return _from_data(f"{name} of {what}", given, SCHEDULES)
    if not isinstance(given, list):
        return given
    _check_numbers(what, name, given)
    return tuple(_entry(what, name, k, each) for k, each in enumerate(given))


def _entry(what: str, name: str, k: int, given: Any) -> Any:
    if isinstance(given, dict):
        return layer_from_data(f"layer {k} of {what}", given)
    for each in given if isinstance(given, list) else [given]:
        if not isinstance(each, (int, float)):
            raise ValueError(
                f"{what}: {name} must hold layers or numbers, got {reprlib.repr(each)}"
            )
    return tuple(given) if isinstance(given, list) else given


def _brief(data: dict[str, Any]) -> dict[str, Any]:
    """Leave later fields out where they are what earlier versions take for granted."""
    return {name: value for name, value in data.items() if LATER.get(name, ...) != value}


def _fields(what: str, data: Any, names: list[str]) -> dict[str, Any]:
    """Return data that has the fields named and no others, with no text that is too long."""
    codec.check_keys(data, names, what, more=LATER)
    for name, value in data.items():
        most = LONGEST_LOSS if name == "loss" else LONGEST
        if isinstance(value, str) and len(value) > most:
            raise ValueError(f"{what}: {name} must have at most {most:,} characters")
    return {**{name: LATER[name] for name in names if name in LATER}, **data}
