"""What pages of cards and notebooks share: HTML that asks for nothing and runs nothing.

| file | what it is for |
|---|---|
| `markup.py` | text, numbers, tables and cards as HTML |
| `colours.py` | those of curves and bars |
| `curve.py` | losses by epoch, drawn without any library |
| `svg.py` | figures of matplotlib as SVG in the colours of the page |
| `notebook_part.py` | what a notebook shows of a value |
| `joined_scripts.py` | scripts joined, their data, and the policy that allows no more |
| `cards.html`, `cards.css` | what a page looks like |
"""

from __future__ import annotations

import string
from collections.abc import Iterable

from chainrule.html_page.joined_scripts import file_of
from chainrule.html_page.markup import text
from chainrule.html_page.notebook_part import Page


def page_of_cards(title: str, under: str, cards: Iterable[str], style: str = "") -> Page:
    """Return a page, made of its title, the line below it and cards.

    Parameters
    ----------
    title, under
        The title of the page, and the line below it.
    cards
        Cards, as `markup.card` makes them.
    style
        CSS beside that of all pages.

    Examples
    --------
    >>> page_of_cards("A < B", "by chance", []).splitlines()[0]
    '<!doctype html>'
    """
    page = string.Template(_file("cards.html")).substitute(
        title=text(title), under=text(under), style=_file("cards.css") + style,
        cards="\n".join(cards),
    )  # fmt: skip
    return Page(page)


def _file(name: str) -> str:
    return file_of(__name__, name)
