"""The page of one prediction: a waterfall, and behind each bar the chain rules of its inputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chainrule.explanation import explain
from chainrule.explanation.html_snippet import STYLE as STEPS
from chainrule.explanation.html_snippet import steps_of
from chainrule.formatting import counted, decimals, number
from chainrule.html_page import page_of_cards
from chainrule.html_page.markup import Html, card, number_cell, paragraph, short, table, text
from chainrule.html_page.notebook_part import Page
from chainrule.tabular.adding_up import AddingUp, adding_up
from chainrule.tabular.input_reasons import InputReason, input_reasons
from chainrule.tabular.row_reasons import Bar, RowReasons, signed

TERMS = 2
"""The terms of a sum that a chain rule writes out."""

OPENED, RULES = 12, 8
"""The most bars that open, and the most prepared inputs of a column that have a chain rule."""

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
.reasons .rule summary { display: list-item; }
"""


def page(reasons: RowReasons) -> Page:
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
                paragraph(_of_inputs(reasons)),
                wide=True,
            )
        ],
        STYLE + STEPS,
    )


def _of_inputs(reasons: RowReasons) -> str:
    count = len(reasons.model.members)
    mean = f", each the mean over {counted(count, 'network')}" if count > 1 else ""
    parts = f"whose contributions add up to it{mean}"
    if reasons.method != "gradients":
        parts = "which Shapley values take as a whole"
    first = "of network 1 " if count > 1 else ""
    return (
        f"A bar opens the prepared inputs of its column, {parts}; and of each the chain rule "
        f"{first}at this row, the end of the path: the slope of the network's output by that input."
    )


def _rows(reasons: RowReasons, bars: list[Bar], figures: AddingUp) -> Iterator[str]:
    passed = [figures.start, *(bar.end for bar in bars)]
    low, span = min(passed), (max(passed) - min(passed)) or 1.0
    each = input_reasons(reasons)
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
            steps = "".join(_inputs(reasons, bar, each[bar.column]))
            yield f'<details><summary>{line}</summary><div class="steps">{steps}</div></details>'
    yield _total("this row", decimals(figures.end, figures.places))
    yield "</div>"


def _total(name: str, value: str) -> str:
    figure = f'<span class="number">{value}</span>'
    return f'<div class="row total"><span>{name}</span><span></span>{figure}</div>'


def _inputs(reasons: RowReasons, bar: Bar, given: list[InputReason]) -> Iterator[str]:
    """Yield the table of the prepared inputs of a column, and the chain rule of each."""
    yield _table(reasons, bar, given)
    for each in given[:RULES]:
        steps = _chain_rule(reasons, each.place)
        summary = text(f"the chain rule of {short(each.name)}")
        yield f'<details class="rule"><summary>{summary}</summary>{steps}</details>'
    if (left := len(given) - RULES) > 0:
        yield paragraph(f"Left out: the chain rules of {left:,} more, which contribute less.")


def _table(reasons: RowReasons, bar: Bar, given: list[InputReason]) -> Html:
    """Return what each prepared input has in a bar; their contributions add up as printed."""
    networks = len(reasons.model.members)
    shares = [each.contribution for each in given if each.contribution is not None]
    figures = adding_up(shares or [bar.value], 0.0, bar.value)
    slopes = ["slope, network 1", f"slope, mean of {networks}"] if networks > 1 else ["slope here"]
    head = ["prepared input", "this row", "mean row", *["contribution"] * bool(shares), *slopes]
    rows: list[list[Any]] = [
        [
            each.name,
            *(number_cell(number(value)) for value in (each.here, each.mean_row)),
            *(number_cell(signed(c, figures.places)) for c in figures.values[k : k + 1] if shares),
            *(number_cell(number(s, 4)) for s in (each.slope, each.mean_slope)[: len(slopes)]),
        ]
        for k, each in enumerate(given)
    ]
    if shares:
        total = number_cell(signed(figures.end, figures.places))
        rows.append(["all of them", "", "", total, *[""] * len(slopes)])
    return table(f"the prepared inputs of {short(bar.column)}", head, rows)


def _chain_rule(reasons: RowReasons, place: int) -> str:
    """Return the chain rule of the first network's output by a prepared input."""
    model = reasons.model
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
    return steps_of(explained)
