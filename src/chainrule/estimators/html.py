"""What a notebook shows of an estimator: its layers, above scikit-learn's table of parameters.

The diagram takes its colours from the page around it, so that it suits light and dark ones alike.
"""

from __future__ import annotations

import html
from typing import Any, NamedTuple

from sklearn.utils._repr_html.estimator import _VisualBlock, estimator_html_repr

from chainrule.estimators import parameters
from chainrule.layers import Dense, Dropout, Layer
from chainrule.network import Network

STYLE = """
.chainrule { font: 13px/1.35 system-ui, sans-serif; margin: 0 0 .6em; color: inherit;
  --line: color-mix(in srgb, currentColor 35%, transparent);
  --fill: color-mix(in srgb, currentColor 6%, transparent); }
.chainrule ol { display: flex; flex-wrap: wrap; align-items: stretch; gap: .5em 0; margin: 0;
  padding: 0; list-style: none; }
.chainrule li { display: flex; align-items: center; margin: 0; }
.chainrule li + li::before { content: "→"; padding: 0 .45em; opacity: .6; }
.chainrule li > div { box-sizing: border-box; height: 100%; min-width: 6.5em; padding: .4em .7em;
  border: 1px solid var(--line); border-radius: 6px; background: var(--fill); text-align: center; }
.chainrule li.dropout > div { min-width: 0; border-style: dashed; background: none;
  display: flex; flex-direction: column; justify-content: center; }
.chainrule span { display: block; white-space: nowrap; }
.chainrule .kind, .chainrule .parameters, .chainrule p { opacity: .75; }
.chainrule .size { font-size: 1.25em; font-weight: 600; }
.chainrule p { margin: .5em 0 0; }
"""


class Part(NamedTuple):
    """A box of the diagram: what it is, its size, and what else is to be said of it."""

    kind: str
    size: str
    function: str = ""
    parameters: str = ""


def network_of(estimator: Any) -> tuple[int | None, list[Layer]]:
    """Return the inputs and layers that an estimator was fitted with, or is to be fitted with.

    Before that, the number of inputs is not known (None), and the output layer is left out. Raises
    TypeError or ValueError where the parameters make no network.

    >>> network_of(cr.MLPClassifier(hidden_layer_sizes=(3,), dropout=0.5))
    (None, [Dense(3, 'relu'), Dropout(0.5)])
    """
    net = vars(estimator).get("network_")
    if isinstance(net, Network):
        return net.inputs, list(net.layers)
    return None, parameters.layers(estimator, 1)[:-1]


def parts(estimator: Any) -> list[Part]:
    """Return the boxes of the diagram; raises as `network_of` does.

    >>> [part.parameters for part in parts(cr.MLPRegressor(hidden_layer_sizes=(3, 2)))]
    ['', '(inputs + 1) × 3 parameters', '8 parameters', '(2 + 1) × outputs parameters']
    """
    inputs, layers = network_of(estimator)
    made = [
        Part(
            "input", "?" if inputs is None else f"{inputs:,}", "known after fit" * (inputs is None)
        )
    ]
    width, hidden = inputs, 0
    for k, layer in enumerate(layers):
        if isinstance(layer, Dropout):
            made.append(Part("dropout", f"{layer.rate:g}"))
            continue
        assert isinstance(layer, Dense)
        last = inputs is not None and k == len(layers) - 1
        hidden += not last
        name = "output" if last else f"hidden {hidden}"
        function = estimator.out_activation_ if last else str(layer.activation)
        made.append(Part(name, f"{layer.units:,}", function, _count(width, layer.units)))
        width = layer.units
    if inputs is None:
        first = "inputs" if width is None else f"{width:,}"
        made.append(Part("output", "?", "known after fit", f"({first} + 1) × outputs parameters"))
    return made


def _count(inputs: int | None, units: int) -> str:
    if inputs is None:
        return f"(inputs + 1) × {units:,} parameters"
    return f"{(inputs + 1) * units:,} parameters"


def diagram(estimator: Any) -> str:
    """Return the diagram as HTML, "" where the parameters make no network.

    >>> diagram(cr.MLPClassifier(dropout=7))
    ''
    """
    try:
        boxes = "".join(map(_box, parts(estimator)))
    except (AttributeError, TypeError, ValueError):
        return ""
    return (
        f'<style>{STYLE}</style><div class="chainrule"><ol aria-label="layers">{boxes}</ol>'
        f"<p>{_total(estimator)}</p></div>"
    )


def _box(part: Part) -> str:
    spans = {name: html.escape(text) for name, text in part._asdict().items()}
    inside = "".join(f'<span class="{name}">{text}</span>' for name, text in spans.items() if text)
    return f'<li class="{part.kind.split()[0]}"><div>{inside}</div></li>'


def _total(estimator: Any) -> str:
    net = vars(estimator).get("network_")
    if net is None:
        return "not fitted yet"
    made = "iterations" if estimator.solver == "lbfgs" else "epochs"
    return f"{net.size:,} parameters, fitted in {estimator.n_iter_:,} {made}"


def html_repr(estimator: Any) -> str:
    """Return what a notebook shows: the diagram, then what scikit-learn shows of any estimator.

    >>> html_repr(cr.MLPClassifier()).count('<ol aria-label="layers">')
    1
    """
    return diagram(estimator) + str(estimator_html_repr(estimator))


def visual_block(estimator: Any) -> _VisualBlock:
    """Return the block of a pipeline's picture, with the layers in a line below the name.

    >>> visual_block(cr.MLPClassifier(hidden_layer_sizes=(8, 4))).name_caption
    '? → 8 relu → 4 relu → ?'
    """
    name = type(estimator).__name__
    try:
        boxes = [part for part in parts(estimator) if part.kind != "dropout"]
        sizes = [f"{part.size} {part.function}" if "known" not in part.function else part.size
                 for part in boxes]  # fmt: skip
    except (AttributeError, TypeError, ValueError):
        sizes = []
    return _VisualBlock(
        "single",
        estimator,
        names=name,
        name_details=str(estimator),
        name_caption=" → ".join(map(str.strip, sizes)),
    )
