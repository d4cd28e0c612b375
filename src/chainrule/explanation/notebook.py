"""Explanations as Jupyter notebooks, with the code that works them out again."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from chainrule import losses
from chainrule.activations import activation
from chainrule.explanation.derivation_steps import Derivation
from chainrule.explanation.markdown import head, sections
from chainrule.explanation.notation import COST
from chainrule.explanation.unit_places import is_parameter
from chainrule.layers import Layer
from chainrule.rows import is_own
from chainrule.trees import leaves

if TYPE_CHECKING:
    from chainrule.explanation.result import Explanation

MOST = 1000
"""The numbers, of parameters and data, up to which they are written into the notebook."""


def notebook(explanation: Explanation) -> str:
    """Return an explanation as a notebook in format 4.5."""
    cells = list(_cells(explanation))
    for k, cell in enumerate(cells):
        cell["id"] = f"cell-{k + 1}"
    whole = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def _cells(explanation: Explanation) -> Iterator[dict[str, Any]]:
    yield _cell("markdown", head(explanation))
    if source := code(explanation.derivation):
        yield _cell("code", source) | {"execution_count": None, "outputs": []}
    for section in sections(explanation):
        yield _cell("markdown", section)


def _cell(kind: str, source: str) -> dict[str, Any]:
    return {"cell_type": kind, "metadata": {}, "source": source.splitlines(keepends=True)}


def code(derivation: Derivation) -> str:
    """Return the code that works out the cost and its gradient; "" where that cannot be written.

    It cannot where the numbers are many, where the network has functions of the user's own, where
    dropout has drawn, which only training does, where parameters are tied, or of what is no
    derivative of the cost.
    """
    d = derivation
    if d.net.size + d.data.X.size > MOST or _own(d) or _drawn(d) or d.of != COST or d.at.ties:
        return ""
    if not all(map(_is_code, d.net.layers)):
        return ""
    layers = "".join(f"        {_layer(layer)},\n" for layer in d.net.layers)
    weights = "" if d.data.w is None else f", sample_weight={_literal(d.data.w)}"
    derived = f"\ndC = {_place(d)}\n" if is_parameter(d.subject) else "\n"
    return f"""import numpy as np

import chainrule as cr

net = cr.Network(
    {d.net.inputs},
    [
{layers}    ],
    loss={str(losses.loss(d.net.loss))!r},
    l1={d.net.l1!r},
    l2={d.net.l2!r},
)
params = net.parameters([
{_parameters(d)}])
X = np.array({_literal(d.data.X)})
y = np.array({_literal(d.data.y)})

C, gradient = cr.cost_and_gradient(net, params, X, y{weights}){derived}C, gradient
"""


def _own(d: Derivation) -> bool:
    """Whether the network has functions that are in no table."""
    rows = [activation(getattr(place.layer, "activation", "identity")) for place in d.at.layers]
    return is_own(losses.loss, losses.loss(d.net.loss)) or any(is_own(activation, r) for r in rows)


def _drawn(d: Derivation) -> bool:
    """Whether the numbers are of training alone: masks of dropout, statistics of the batch."""
    of_batch = d.draw is not None and any(layer.over_batch for layer in d.net.layers)
    return of_batch or any(step.key.kind == "kept" for step in d.steps())


def _literal(numbers: Any) -> str:
    return repr(numbers.tolist())


def _layer(layer: Layer) -> str:
    """A layer as code, those within it too.

    >>> _layer(cr.Residual(cr.Dense(2, "tanh")))
    "cr.Residual(cr.Dense(2, 'tanh'))"
    """
    return re.sub(r"(?<!['\w])([A-Z]\w*)\(", r"cr.\1(", repr(layer))


def _is_code(layer: Layer) -> bool:
    """Whether a layer is written whole, which one of many numbers is not."""
    try:
        ast.parse(repr(layer), mode="eval")
    except SyntaxError:
        return False
    return True


def _parameters(d: Derivation) -> str:
    """One row for each layer."""
    rows = ([*map(_literal, leaves(own))] for own in d.params)
    return "".join(f"    ({', '.join(row)}{',' if len(row) == 1 else ''}),\n" for row in rows)


def _place(d: Derivation) -> str:
    """Where the gradient holds the derivative."""
    name, entry = d.at.leaf(d.subject)
    path = "".join(f"[{k}]" if k.isdecimal() else f".{k}" for k in name.split("."))
    return f"gradient{path}[{', '.join(map(str, entry))}]"
