"""The activations that ONNX has too: its operator of each, with the attributes that make it ours.

`write` takes arrays of a graph that is being made, `read` an operator of one that came.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from chainrule.activation_row import Activation
from chainrule.activations import activation
from chainrule.interop.onnx_arrays import Traced
from chainrule.rows import full_name, is_own


class Row(NamedTuple):
    """An operator by its name, the attributes that are fixed, and the one that is the parameter.

    Of the values that a fixed attribute may have, the first is written; what stands in no file is
    `absent` for a fixed attribute, and `default` for the parameter.
    """

    op: str
    fixed: Mapping[str, tuple[Any, ...]] = {}
    parameter: str = ""
    default: float = 0.0


ROWS: dict[str, Row] = {
    "identity": Row("Identity"),
    "sigmoid": Row("Sigmoid"),
    "tanh": Row("Tanh"),
    "relu": Row("Relu"),
    "leaky_relu": Row("LeakyRelu", parameter="alpha", default=0.01),
    "elu": Row("Elu", parameter="alpha", default=1.0),
    "selu": Row("Selu", {"alpha": (None, 1.6732632), "gamma": (None, 1.050701)}),
    "gelu": Row("Gelu", {"approximate": ("none", None)}),
    "gelu_tanh": Row("Gelu", {"approximate": ("tanh",)}),
    "softplus": Row("Softplus"),
    "softsign": Row("Softsign"),
    "mish": Row("Mish"),
    "softmax": Row("Softmax", {"axis": (-1, 1, None)}),
}
"""The activations of the table that are one operator, by their names here."""


def read(op: str, attributes: Mapping[str, Any]) -> str | None:
    """Return the full name of the activation that an operator is; None where the table has none.

    >>> read("Elu", {"alpha": 0.5}), read("Sin", {})
    ('elu(0.5)', None)
    """
    for name, row in ROWS.items():
        rest = {key: attributes.get(key) for key in {*row.fixed, *attributes} - {row.parameter}}
        if row.op == op and all(_fits(v, row.fixed.get(key, ())) for key, v in rest.items()):
            number = shortest(attributes.get(row.parameter, row.default))
            return full_name(name, (number,) if row.parameter else ())
    return None


def _fits(value: Any, allowed: tuple[Any, ...]) -> bool:
    if isinstance(value, float):
        return any(isinstance(a, float) and math.isclose(value, a, rel_tol=1e-6) for a in allowed)
    return value in allowed


def shortest(number: float) -> float:
    """Return the shortest decimal number that single precision rounds to a number.

    >>> shortest(float(np.float32(0.1)))
    0.1
    """
    return float(str(np.float32(number)))


def write(given: str | Activation) -> Activation:
    """Return the row that writes one operator into a graph, or the row itself where there is none.

    >>> write("bipolar_sigmoid").name
    'bipolar_sigmoid'
    """
    found = activation(given)
    f = None if is_own(activation, given) else WRITTEN.get(found.name) or _operator(found)
    return dataclasses.replace(found, f=f, check=False) if f else found


def _operator(found: Activation) -> Callable[[Traced, Any], Traced] | None:
    """The operator of an activation, None where ONNX has none."""
    row = ROWS.get(found.name)
    if row is None or bool(found.parameters) != bool(row.parameter):
        return None
    attributes = {key: v[0] for key, v in row.fixed.items() if v[0] is not None}
    if row.parameter:
        attributes[row.parameter] = found.parameters[0]
    return lambda z, xp: z.apply(row.op, **attributes)


def _hard_tanh(z: Traced, xp: Any) -> Traced:
    bounds = (np.array(bound, z.dtype) for bound in (-1, 1))
    return z.graph.add("Clip", z, *bounds)


WRITTEN: dict[str, Callable[[Traced, Any], Traced]] = {
    "identity": lambda z, xp: z,
    "hard_tanh": _hard_tanh,
    "silu": lambda z, xp: z * z.apply("Sigmoid"),
}
"""Those that are other operators, or none."""
