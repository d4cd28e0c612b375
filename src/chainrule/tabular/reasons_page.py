"""The page of one prediction: a waterfall, and behind each bar the chain rule of its column."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from chainrule.explanation import explain
from chainrule.explanation.html_snippet import snippet
from chainrule.formatting import counted, decimals
from chainrule.html_page import page_of_cards
from chainrule.html_page.markup import Html, card, paragraph, short, text
from chainrule.tabular.row_reasons import Bar, RowReasons, signed

if TYPE_CHECKING:
    from chainrule.tabular.adding_up import AddingUp

TERMS = 2
"""The terms of a sum that a chain rule writes out."""

OPENED = 12
"""The most bars behind which there is one."""

STYLE = """
.reasons details, .reasons .row { margin: 0; border-bottom: 1px solid var(--line);
  font-size: 14px; }
.reasons summary, .reasons .row { display: grid; width: 100%; gap: 12px; padding: 4px 0;
  grid-template-columns: minmax(0, 3fr) minmax(0, 5fr) max-content; align-items: center;
  color: var(--ink); }
.reasons .way { position: relative; height: 12px; }
.reasons .way span { position: absolute; top: 0; height: 12px; min-width: 1px; border-radius: 2px; }
.reasons .total { font-weight: 600; }
.reasons .steps { overflow-x: auto; padding: 4px 0 12px; }
"""


def page(reasons: RowReasons) -> str:
    """Return the page of a prediction, which asks for nothing and runs nothing.

    >>> model = cr.train("sklearn:diabetes", "target", effort="fast", epochs=2, hidden=[4])
    >>> page(model.why_row("sklearn:diabetes", 3)).splitlines()[0]
    '<!doctype html>'
    """
    bars, figures = reasons.bars()
    names = short(reasons.table)
    title = reasons.title[0].upper() + reasons.title[1:]
    return page_of_cards(
        title,
        f"Row {reasons.row:,} of {names} against the mean row",
        [
            card(
                "What each column contributed",
                Html("".join(_rows(reasons, bars, figures))),
                paragraph(reasons.said(figures)),
                paragraph(_of_networks(reasons)),
                wide=True,
            )
        ],
        STYLE,
    )


def _of_networks(reasons: RowReasons) -> str:
    count = len(reasons.model.members)
    of = f", of network 1 of {counted(count, 'network')}" if count > 1 else ""
    return (
        "A bar opens the chain rule of its column at this row, the end of the path"
        f"{of}: the slope of the network's output by the column's first input."
    )


def _rows(reasons: RowReasons, bars: list[Bar], figures: AddingUp) -> Iterator[str]:
    passed = [figures.start, *(bar.end for bar in bars)]
    low, span = min(passed), (max(passed) - min(passed)) or 1.0
    yield '<div class="reasons">'
    yield _total("mean row", decimals(figures.start, figures.places))
    for k, bar in enumerate(bars):
        first, width = 100 * (min(bar.start, bar.end) - low) / span, 100 * abs(bar.value) / span
        colour = "plus" if bar.value > 0 else "minus"
        way = (
            f'<span class="way"><span style="left: {first:.2f}%; width: {width:.2f}%; '
            f'background: var(--{colour})"></span></span>'
        )
        value = signed(bar.value, figures.places)
        line = f'<span>{text(short(bar.said))}</span>{way}<span class="number">{value}</span>'
        if not bar.column or k >= OPENED:
            yield f'<div class="row">{line}</div>'
        else:
            chain = _chain_rule(reasons, bar.column)
            yield f'<details><summary>{line}</summary><div class="steps">{chain}</div></details>'
    yield _total("this row", decimals(figures.end, figures.places))
    yield "</div>"


def _total(name: str, value: str) -> str:
    figure = f'<span class="number">{value}</span>'
    return f'<div class="row total"><span>{name}</span><span></span>{figure}</div>'


def _chain_rule(reasons: RowReasons, column: str) -> str:
    """Return the chain rule of the first network's output by the first input of a column."""
    model, place = reasons.model, reasons.model.preparation.places[column][0]
    explained = explain(
        model.net,
        model.params,
        reasons.inputs,
        of=f"net_o{reasons.output + 1}",
        by=f"x{place + 1}",
        top=TERMS,
        inputs=model.preparation.feature_names,
        outputs=model.outputs_named,
    )
    return snippet(explained)
