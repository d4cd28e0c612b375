"""The layers of a network as a table of HTML."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.html_page.markup import table
from chainrule.layers.layer import Layer
from chainrule.trees import named_leaves

SHOWN = 40
"""The most layers that a notebook shows."""


def layer_table(said: str, layers: Sequence[Layer], widths: Sequence[int], form: Any) -> str:
    """Return what each layer takes in and gives out, and its parameters, under what is said of all.

    >>> layer_table("a line", [cr.Dense(3)], (2, 3), [cr.Dense(3).form(2)]).count("<tr>")
    2
    """
    rows = [
        (k, repr(layer), f"{widths[k]:,} → {widths[k + 1]:,}", *_counted(own))
        for k, (layer, own) in enumerate(zip(layers[:SHOWN], form, strict=False))
    ]
    more = f", the first {SHOWN} of {len(layers):,} layers" * (len(layers) > SHOWN)
    return table(f"{said}{more}", ("layer", "kind", "values", "parameters", "number"), rows)


def _counted(form: Any) -> tuple[str, int]:
    """Return the shapes of a layer's parameters, and how many numbers they are.

    >>> _counted(cr.Dense(3).form(2))
    ('W 3×2, b 3', 9)
    """
    named = list(named_leaves(form))
    shapes = (f"{name} {'×'.join(map(str, leaf.shape))}" for name, leaf in named)
    return ", ".join(shapes), sum(leaf.size for _, leaf in named)
