"""What a notebook shows of an estimator: its layers, above scikit-learn's table of parameters.

The diagram takes its colours from the page around it, so that it suits light and dark ones alike.
"""

from __future__ import annotations

import html
import itertools
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from chainrule.estimators import hidden_layers
from chainrule.estimators.parameter_counts import counts, formula
from chainrule.fitting.sklearn_versions import VisualBlock, estimator_html_repr
from chainrule.html_page.notebook_part import in_notebook
from chainrule.layers import Layer, Words
from chainrule.network import Network

STYLE = """
.chainrule ol { display: flex; flex-wrap: wrap; align-items: stretch; gap: .5em 0; margin: 0;
  padding: 0; list-style: none; }
.chainrule li { display: flex; align-items: center; margin: 0; }
.chainrule li + li::before { content: "→"; padding: 0 .45em; opacity: .6; }
.chainrule li > div { box-sizing: border-box; height: 100%; min-width: 6.5em; padding: .4em .7em;
  border: 1px solid var(--line); border-radius: 6px; background: var(--fill); text-align: center; }
.chainrule li.dashed > div { min-width: 0; border-style: dashed; background: none;
  display: flex; flex-direction: column; justify-content: center; }
.chainrule span { display: block; white-space: nowrap; }
.chainrule .kind, .chainrule .parameters, .chainrule p { opacity: .75; }
.chainrule .function { white-space: normal; max-width: 24em; }
.chainrule .size { font-size: 1.25em; font-weight: 600; }
.chainrule p { margin: .5em 0 0; }
"""


UNKNOWN = "known after fit"

SPANS = ("kind", "size", "function", "parameters")
"""What stands in a box, each on its line."""


class DiagramPart(NamedTuple):
    """A box of the diagram: what it is, its size, and what else is to be said of it.

    A dashed one acts in training alone, and a line of text leaves it out.
    """

    kind: str
    size: str
    function: str = ""
    parameters: str = ""
    caption: str = ""
    dashed: bool = False


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
    return None, hidden_layers.hidden_layers(estimator)


class Seen(NamedTuple):
    """What is known of a layer: its words, its parameters and outputs as text, "" if unknown."""

    words: Words
    parameters: str
    outputs: str
    dashed: bool


def seen(layers: list[Layer], inputs: int | None) -> list[Seen]:
    """Return what is known of each layer; without the inputs, counts may be formulas in them.

    >>> [each.parameters for each in seen([cr.Dense(3), cr.Dropout(), cr.Dense(2)], None)]
    ['(inputs + 1) × 3', '0', '8']
    """
    widths = (1, 2, 3) if inputs is None else (inputs,) * 3
    found = []
    for layer, *tried in zip(layers, *(counts(layers, width) for width in widths), strict=True):
        parameters, outputs = (formula(counted) for counted in zip(*tried, strict=True))
        if inputs is None and layer.members > 1:  # the outputs of each are to come into it
            parameters = ""
        found.append(Seen(_words(layer, widths), parameters, outputs, layer.training_only))
        widths = tuple(width for _, width in tried)
    return found


def _words(layer: Layer, widths: Iterable[int | None]) -> Words:
    """The words of a layer, its kind alone where more depends on inputs that are not known."""
    try:
        said = {layer.words(width or 1) for width in widths}
    except ValueError:
        said = set()
    return said.pop() if len(said) == 1 else Words(layer.kind.replace("_", " "))


def parts(estimator: Any) -> list[DiagramPart]:
    """Return the boxes of the diagram; raises as `network_of` does.

    >>> [part.parameters for part in parts(cr.MLPRegressor(hidden_layer_sizes=(3, 2)))]
    ['', '(inputs + 1) × 3 parameters', '8 parameters', '(2 + 1) × outputs parameters']
    """
    inputs, layers = network_of(estimator)
    known, numbers = seen(layers, inputs), itertools.count(1)
    if inputs is None:
        first = DiagramPart("input", "?", UNKNOWN, caption="?")
        return [first, *(_hidden(each, numbers) for each in known), _asked(layers, known)]
    first = DiagramPart("input", f"{inputs:,}", caption=f"{inputs:,}")
    last = known.pop() if known[-1].words.are_units else None  # the outputs themselves
    function, outputs = estimator.out_activation_, f"{estimator.network_.outputs:,}"
    output = DiagramPart("output", outputs, function, _counted(last), f"{outputs} {function}")
    return [first, *(_hidden(each, numbers) for each in known), output]


def _hidden(layer: Seen, numbers: Iterator[int]) -> DiagramPart:
    words = layer.words
    name = f"hidden {next(numbers)}" if words.are_units else words.kind
    function = words.function or ", ".join(each.short for each in words.inside)
    return DiagramPart(name, words.size, function, _counted(layer), words.short, layer.dashed)


def _counted(layer: Seen | None) -> str:
    known = layer is not None and layer.parameters not in ("", "0")
    return f"{layer.parameters} parameters" if layer and known else ""


def _asked(layers: list[Layer], known: list[Seen]) -> DiagramPart:
    """The outputs before a fit; each of several members has some of its own."""
    entering = known[-1].outputs if known else "inputs"
    alone = entering and not (layers and layers[-1].members > 1)
    count = f"({entering} + 1) × outputs parameters" if alone else ""
    return DiagramPart("output", "?", UNKNOWN, count, "?")


def diagram(estimator: Any) -> str:
    """Return the diagram as HTML, "" where the parameters make no network.

    >>> diagram(cr.MLPClassifier(dropout=7))
    ''
    """
    try:
        boxes = "".join(map(_box, parts(estimator)))
    except (AttributeError, TypeError, ValueError):
        return ""
    layers = f'<ol aria-label="layers">{boxes}</ol>'
    return in_notebook(layers, f"<p>{_total(estimator)}</p>", style=STYLE)


def _box(part: DiagramPart) -> str:
    spans = {name: html.escape(getattr(part, name)) for name in SPANS}
    inside = "".join(f'<span class="{name}">{text}</span>' for name, text in spans.items() if text)
    dashed = ' class="dashed"' * part.dashed
    return f"<li{dashed}><div>{inside}</div></li>"


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


def visual_block(estimator: Any) -> Any:
    """Return the block of a pipeline's picture, with the layers in a line below the name.

    >>> visual_block(cr.MLPClassifier(hidden_layer_sizes=(8, 4))).name_caption
    '? → 8 relu → 4 relu → ?'
    """
    name = type(estimator).__name__
    try:
        captions = [part.caption for part in parts(estimator) if not part.dashed]
    except (AttributeError, TypeError, ValueError):
        captions = []
    return VisualBlock(
        "single",
        estimator,
        names=name,
        name_details=str(estimator),
        name_caption=" → ".join(captions),
    )
