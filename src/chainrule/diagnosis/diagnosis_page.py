"""The page of a diagnosis: the verdict, and pictures with a table beside each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.diagnosis import diagnosis_plots as plots
from chainrule.diagnosis.layer_measures import LayerMeasures
from chainrule.diagnosis.verdict_html import verdict
from chainrule.formatting import counted, number
from chainrule.html_page import page_of_cards
from chainrule.html_page.markup import (
    Html,
    card,
    facts,
    figure,
    number_cell,
    paragraph,
    table,
)
from chainrule.html_page.notebook_part import Page

if TYPE_CHECKING:
    from chainrule.diagnosis.verdict import Diagnosis

STYLE = """
.verdict { margin: 0 0 14px; padding-left: 24px; }
.verdict li { margin-bottom: 10px; }
.verdict .mend { display: block; }
"""

EPOCHS = 8
"""Of so many epochs at most the losses stand in the table."""

LAYERS = 20
"""Of more than twice as many layers, so many at each end stand in a table."""

MISLABELLED = 10
"""So many likely mislabelled rows are named."""


def page(found: Diagnosis) -> Page:
    """Return the page of a diagnosis, which asks for nothing and runs nothing.

    Parameters
    ----------
    found
        What `diagnose` returned.

    Examples
    --------
    >>> net = cr.Network(1, [cr.Dense(1)], loss="squared_error")
    >>> X = np.linspace(-1, 1, 40)[:, None]
    >>> page(cr.diagnose(net, net.init(0), X, X)).splitlines()[0]
    '<!doctype html>'
    """
    looked = counted(len(found.examples.rows), "example")
    return page_of_cards(
        "Why does it not learn?", f"{found.network}; by {looked}", _cards(found), STYLE
    )  # fmt: skip


def _cards(found: Diagnosis) -> Iterator[Html]:
    yield card("The verdict", verdict(found), _figures(found), wide=True)
    yield _flow(found.layers, "Gradient flow", "")
    if found.start != found.layers:
        yield _flow(found.start, "Gradient flow at the start", " at the start")
    yield _units(found)
    yield _updates(found)
    yield _examples(found)
    yield _course(found)


def _figures(found: Diagnosis) -> Html:
    batch = "infinite: the gradient is no larger than its noise"
    if np.isfinite(found.critical_batch):
        batch = number(np.ceil(found.critical_batch))
    agreement = {"signal to noise of a batch": number(found.signal_to_noise),
                 "critical batch size": batch}  # fmt: skip
    return facts(
        {
            "cost": number(found.cost),
            "cost of the best constant": number(found.chance),
            **(agreement if np.isfinite(found.cost) else {}),
        }
    )


def _at_ends(rows: list[tuple[Any, ...]]) -> tuple[list[tuple[Any, ...]], str]:
    """Return the rows of a table of layers, of many those at both ends, and what is said of that.

    >>> _at_ends([(1,), (2,)])
    ([(1,), (2,)], '')
    """
    if len(rows) <= 2 * LAYERS:
        return rows, ""
    said = f"; the first {LAYERS} and the last {LAYERS} of {len(rows):,}"
    return [*rows[:LAYERS], *rows[-LAYERS:]], said


def _place(layer: LayerMeasures) -> str:
    return layer.place.removeprefix("layer ")


def _flow(layers: Sequence[LayerMeasures], title: str, when: str) -> Html:
    said = flow_in_words(layers)
    above = [*layers[1:], None]
    rows = [
        (
            _place(layer), layer.a, layer.delta, layer.gradient,
            layer.slope if up else None, up.weights if up else None,
        )
        for layer, up in zip(layers, above, strict=True)
    ]  # fmt: skip
    head = ("layer", "a", "δ", "∂C/∂w", "× f′", "× W above")
    rows, part = _at_ends(rows)
    finite = all(np.isfinite(layer.delta) for layer in layers)
    drawn = figure(plots.flow_plot(layers, title, said), said) if finite else paragraph(said)
    return card(
        title,
        drawn,
        table(
            f"root mean squares by layer{when}, and the factors of δ's norm{part}",
            head,
            rows,
            "flow",
        ),
    )


def flow_in_words(layers: Sequence[LayerMeasures]) -> str:
    """Return what becomes of the gradient on its way back, and by which factor most.

    Parameters
    ----------
    layers
        What is measured of each layer.

    Examples
    --------
    >>> net = cr.Network(1, [cr.Dense(1)], loss="squared_error")
    >>> flow_in_words(cr.diagnose(net, net.init(0), [[1.0], [2.0]], [[1.0], [2.0]]).layers)
    'There is one layer, so that no factor lies between.'
    """
    if len(layers) < 2:
        return "There is one layer, so that no factor lies between."
    slopes = [(layer.slope, f"f′ of layer {k}") for k, layer in enumerate(layers[:-1])]
    weights = [(layer.weights, f"W of layer {k}") for k, layer in enumerate(layers) if k]
    of_slopes, of_weights = (float(np.prod([v for v, _ in each])) for each in (slopes, weights))
    if not np.isfinite(of_slopes * of_weights):
        return "The gradient is not finite, or none reaches the layers below."
    (least, of_least), (most, of_most) = min(slopes + weights), max(slopes + weights)
    return (
        f"From the last layer to the first the gradient is multiplied by "
        f"{number(of_slopes * of_weights, 3)}: by slopes {number(of_slopes, 3)}, by weights "
        f"{number(of_weights, 3)}. It shrinks most by {of_least}, × {number(least, 3)}, and grows "
        f"most by {of_most}, × {number(most, 3)}."
    )


def _units(found: Diagnosis) -> Html:
    worst = max(found.layers, key=lambda layer: max(layer.dead, layer.saturated))
    said = (
        f"Dead, saturated and duplicate units by layer: most of layer {_place(worst)}, "
        f"{worst.dead:.0%} dead and {worst.saturated:.0%} saturated."
    )
    if not worst.dead and not worst.saturated:
        said = "Dead, saturated and duplicate units by layer: none is dead or saturated."
    kinds = ("dead", "saturated", "duplicate")
    rows = [
        (_place(layer), *(_shares(getattr(first, kind), getattr(layer, kind)) for kind in kinds))
        for layer, first in zip(found.layers, found.start, strict=True)
    ]
    rows, part = _at_ends(rows)
    then = " at the start → now" * (found.start != found.layers) + part
    return card(
        "Units",
        figure(plots.units_plot(found.layers, said), said),
        table(f"shares of units by layer{then}", ["layer", *kinds], rows, "units"),
        paragraph(
            "A unit is dead if its slope is 0 for every example, and a duplicate if its weights "
            "and bias are those of another; the share saturated is of activations that lie where "
            "a bounded function is flat."
        ),
    )


def _shares(first: float, now: float) -> Html:
    """Return a share as a cell; where it has changed, what it was before it."""
    return number_cell(f"{now:.1%}" if first == now else f"{first:.1%} → {now:.1%}")


def _updates(found: Diagnosis) -> Html:
    known = [(ratio, k) for k, ratio in enumerate(found.updates) if ratio is not None]
    if not known:
        said = "How far a step goes is known once the optimizer is, and the start of the training."
        return card("Update ratios", paragraph(said))
    (low, high), (most, layer) = plots.USUAL, max(known)
    said = (
        f"The first step over the parameters by layer: at most {number(most, 3)}, in layer "
        f"{layer}. Between {low:g} and {high:g} is usual."
    )
    rows = [
        (_place(found.layers[k]), ratio,
         "short" if ratio < low else "long" if ratio > high else "usual")
        for ratio, k in known
    ]  # fmt: skip
    rows, part = _at_ends(rows)
    return card(
        "Update ratios",
        figure(plots.updates_plot(found.updates, said), said),
        table(
            f"the first step over the parameters{part}", ["layer", "‖Δw‖ / ‖w‖", "which is"], rows
        ),
    )


def _examples(found: Diagnosis) -> Html:
    largest, mislabelled = found.examples.largest, found.examples.likely_mislabelled
    row, norm, share = largest[0]
    if not np.isfinite(norm):
        said = f"The gradients of some examples are not finite, first that of row {row:,}."
        return card("Examples", paragraph(said))
    said = (
        f"Norms of the gradients of {counted(len(found.examples.rows), 'example')}: the longest, "
        f"of row {row:,}, is {number(norm, 3)}"
    )
    said += "." if np.isnan(share) else f", {share:.1%} of the sum of squares."
    rows = [
        (f"{row:,}", norm, "–" if np.isnan(share) else number_cell(f"{share:.1%}"),
         "likely mislabelled" if row in mislabelled else "")
        for row, norm, share in largest
    ]  # fmt: skip
    notes = [paragraph("Rows are numbered from 0, in the order in which they were given.")]
    if mislabelled:
        some = ", ".join(f"{row:,}" for row in mislabelled[:MISLABELLED])
        more = ", …" if len(mislabelled) > MISLABELLED else ""
        notes.append(
            paragraph(
                f"{counted(len(mislabelled), 'example')} "
                f"{'has' if len(mislabelled) == 1 else 'have'} a label that hardly any of the "
                f"nearest have: {'row' if len(mislabelled) == 1 else 'rows'} {some}{more}."
            )
        )
    return card(
        "Examples",
        figure(plots.norms_plot(found.examples.norms, said), said),
        table("the longest gradients", ["row", "norm", "of the sum of squares", "note"], rows),
        *notes,
    )


def _course(found: Diagnosis) -> Html:
    losses, validation = found.losses, found.validation_losses
    if not losses:
        said = "No whole epoch of a training is known."
        return card("Losses", paragraph(said))
    beside = f", beside {number(found.chance)} of the best constant" * bool(
        np.isfinite(found.chance)
    )
    said = (
        f"Loss over {counted(len(losses), 'epoch')}: {number(losses[0])} in the first, "
        f"{number(losses[-1])} in the last{beside}."
    )
    at = np.unique(np.linspace(1, len(losses), min(EPOCHS, len(losses))).round().astype(int))
    rows = [
        (f"{k:,}", losses[k - 1], *([validation[k - 1] if k <= len(validation) else None]
         if validation else []))
        for k in at.tolist()
    ]  # fmt: skip
    head = ["epoch", "training", *["validation"] * bool(validation)]
    return card(
        "Losses",
        figure(plots.course_plot(losses, validation, found.chance, said), said),
        table("losses by epoch", head, rows),
    )
