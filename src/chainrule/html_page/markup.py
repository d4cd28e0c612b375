"""Text, numbers and tables as HTML: whatever comes from a table is escaped and shortened."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chainrule.errors import bare, escaped
from chainrule.formatting import number

NUMBER = '<td class="number'
"""How a cell with a number begins."""

LONGEST = 40
"""The most characters of a name or value that are shown."""


class Html(str):
    """Text that is HTML already.

    >>> Html("<b>") + "x"
    '<b>x'
    """

    __slots__ = ()


def short(value: Any, longest: int = LONGEST) -> str:
    r"""Return the beginning of a text, without characters that only steer.

    >>> short("a" * 50, longest=3), short("\u202eevil")
    ('aaa…', '\\u202eevil')
    """
    said = str(value)
    return bare(said if len(said) <= longest else said[:longest] + "…")


def text(said: str) -> Html:
    r"""Return what can stand in an element or in an attribute, `escaped`; HTML stays as it is.

    >>> text("<b>\u202e"), text(Html("<b>"))
    ('&lt;b&gt;\\u202e', '<b>')
    """
    return said if isinstance(said, Html) else Html(html.escape(escaped(said)))


def prose(said: str) -> Html:
    """Return a message, in which arguments stand in backticks.

    >>> prose("use `task='regression'`")
    'use <code>task=&#x27;regression&#x27;</code>'
    """
    return Html(re.sub("`([^`]*)`", r"<code>\1</code>", text(said)))


def number_cell(said: str) -> Html:
    """Return a written number as a cell of a table, where it stands on the right.

    >>> number_cell("−1,234")
    '<td class="number">−1,234</td>'
    """
    return Html(f'{NUMBER}">{said}</td>')


def cell(value: Any) -> Html:
    """Return a value as a cell of a table; numbers stand on the right.

    >>> cell(0.5), cell(None), cell("a & b")
    ('<td class="number">0.5</td>', '<td class="missing">–</td>', '<td>a &amp; b</td>')
    """
    if isinstance(value, Html):
        return value if value.startswith("<td") else Html(f"<td>{value}</td>")
    if value is None:
        return Html('<td class="missing">–</td>')
    if _is_number(value):
        return number_cell(number(value))
    return Html(f"<td>{text(short(value))}</td>")


def bar(share: float) -> Html:
    """Return a share as a cell with a bar.

    >>> bar(0.25)
    '<td class="bar"><span style="width: 25.0%"></span></td>'
    """
    return Html(f'<td class="bar"><span style="width: {100 * max(share, 0):.1f}%"></span></td>')


def table(caption: str, head: Sequence[Any], rows: Iterable[Sequence[Any]], name: str = "") -> Html:
    """Return a table whose first column names its rows.

    >>> print(table("ages", ["name", "age"], [["Ann", 40]]))
    <div class="table"...<th scope="row">Ann</th><td class="number">40</td></tr>...</div>
    """
    rows = list(rows)
    columns = "".join(
        f'<th scope="col"{_aligned(row[k] for row in rows)}>{text(short(name))}</th>'
        for k, name in enumerate(head)
    )
    body = "".join(
        f'<tr><th scope="row"{_aligned([first])}>{text(_said(first))}</th>'
        f"{''.join(map(cell, rest))}</tr>"
        for first, *rest in rows
    )
    return Html(
        f'<div class="table" tabindex="0" role="region" aria-label="{text(caption)}">'
        f'<table class="{name}"><caption>{text(caption)}</caption>'
        f"<thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _is_number(value: Any) -> bool:
    if isinstance(value, Html):
        return value.startswith(NUMBER)
    return isinstance(value, int | float) and not isinstance(value, bool)


def _said(value: Any) -> str:
    if isinstance(value, Html):
        return value
    return number(value) if _is_number(value) else short(value)


def _aligned(values: Iterable[Any]) -> str:
    return ' class="number"' if any(map(_is_number, values)) else ""


def facts(said: Mapping[str, str]) -> Html:
    """Return what is known, each under its name; what is empty is left out.

    >>> facts({"rows": "3 < 4", "left out": ""})
    '<dl><dt>rows</dt><dd>3 &lt; 4</dd></dl>'
    """
    listed = (f"<dt>{name}</dt><dd>{text(each)}</dd>" for name, each in said.items() if each)
    return Html(f"<dl>{''.join(listed)}</dl>")


def key(colour: str) -> Html:
    """Return a sign in one of the colours of the page.

    >>> key("plus")
    '<span class="key" style="background: var(--plus)"></span>'
    """
    return Html(f'<span class="key" style="background: var(--{colour})"></span>')


def figure(svg: Html, said: str) -> Html:
    """Return a plot with what is to be said of it below.

    >>> figure(Html("<svg/>"), "a < b")
    '<figure><svg/><figcaption>a &lt; b</figcaption></figure>'
    """
    return Html(f"<figure>{svg}<figcaption>{text(said)}</figcaption></figure>")


def card(title: str, *parts: Html, wide: bool = False) -> Html:
    """Return a card of the page, by a title that is the page's own.

    >>> print(card("The end", Html("<p>here</p>")))
    <section class="card" aria-labelledby="the-end"><h2 id="the-end">The end</h2><p>here</p>...
    """
    place = title.lower().replace(" ", "-")
    return Html(
        f'<section class="card{" wide" if wide else ""}" aria-labelledby="{place}">'
        f'<h2 id="{place}">{title}</h2>{"".join(parts)}</section>'
    )


def paragraph(said: str) -> Html:
    """Return a note below what it is about.

    >>> paragraph("a < b")
    '<p class="note">a &lt; b</p>'
    """
    return Html(f'<p class="note">{text(said)}</p>')


def warning(said: str) -> Html:
    """Return what a reader must not miss.

    >>> warning("a < b")
    '<p class="warning" role="alert">Warning: a &lt; b</p>'
    """
    return Html(f'<p class="warning" role="alert">Warning: {prose(said)}</p>')
