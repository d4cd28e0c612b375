"""The activations that PyTorch has too: its module of each, with the values that make it ours."""

from __future__ import annotations

from typing import Any, NamedTuple

from chainrule.activation_row import Activation
from chainrule.activations import activation
from chainrule.rows import full_name, is_own


class Row(NamedTuple):
    """A module by its name, the attributes that are fixed, and the one that is the parameter.

    Of the values that a fixed attribute may have, the first is written.
    """

    module: str
    fixed: dict[str, tuple[Any, ...]]
    parameter: str = ""


ROWS: dict[str, Row] = {
    "identity": Row("Identity", {}),
    "sigmoid": Row("Sigmoid", {}),
    "tanh": Row("Tanh", {}),
    "relu": Row("ReLU", {}),
    "leaky_relu": Row("LeakyReLU", {}, "negative_slope"),
    "elu": Row("ELU", {}, "alpha"),
    "selu": Row("SELU", {}),
    "gelu": Row("GELU", {"approximate": ("none",)}),
    "gelu_tanh": Row("GELU", {"approximate": ("tanh",)}),
    "silu": Row("SiLU", {}),
    "softplus": Row("Softplus", {"beta": (1,), "threshold": (20,)}),
    "softsign": Row("Softsign", {}),
    "mish": Row("Mish", {}),
    "hard_tanh": Row("Hardtanh", {"min_val": (-1,), "max_val": (1,)}),
    "softmax": Row("Softmax", {"dim": (-1, 1, None)}),
}
"""The activations of the table that PyTorch has, by their names here."""


def read(module: Any) -> str | None:
    """Return the full name of an activation from its module; None where the table has none."""
    kind = type(module).__name__
    for name, row in ROWS.items():
        if row.module == kind and all(getattr(module, k) in v for k, v in row.fixed.items()):
            own = (float(getattr(module, row.parameter)),) if row.parameter else ()
            return full_name(name, own)
    return None


def write(given: str | Activation, nn: Any) -> Any:
    """Return the module of an activation, or None where PyTorch has none; `nn` is its torch.nn."""
    found = activation(given)
    row = ROWS.get(found.name)
    if row is None or is_own(activation, given) or bool(found.parameters) != bool(row.parameter):
        return None
    more = {row.parameter: found.parameters[0]} if row.parameter else {}
    return getattr(nn, row.module)(**{k: v[0] for k, v in row.fixed.items()}, **more)
