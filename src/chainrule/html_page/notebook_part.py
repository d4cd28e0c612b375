"""What a notebook shows of a value: a part of its page, or a page of our own in a frame.

A part takes its colours from the page around it, so that it suits light and dark ones alike.
"""

from __future__ import annotations

import html

STYLE = """
.chainrule { font: 13px/1.35 system-ui, sans-serif; margin: 0 0 .6em; color: inherit;
  --line: color-mix(in srgb, currentColor 35%, transparent);
  --fill: color-mix(in srgb, currentColor 6%, transparent); }
.chainrule table { border-collapse: collapse; margin: .4em 0; font-size: inherit;
  color: inherit; }
.chainrule caption { text-align: left; opacity: .75; white-space: nowrap; }
.chainrule :is(th, td) { padding: .15em 1.2em .15em 0; text-align: left; font-weight: normal;
  background: none; border-bottom: 1px solid var(--line); }
.chainrule thead th { opacity: .75; }
.chainrule .number { text-align: right; font-variant-numeric: tabular-nums; }
.chainrule dl { display: grid; grid-template-columns: max-content minmax(0, 1fr);
  gap: .1em 1.2em; margin: .4em 0; }
.chainrule dt, .chainrule figcaption { opacity: .75; font-weight: normal; }
.chainrule dd { margin: 0; }
.chainrule figure { margin: .4em 0; max-width: 30em; }
.chainrule svg { display: block; width: 100%; height: auto; }
.chainrule svg text { font-size: 11px; fill: currentColor; opacity: .75; }
"""


class Page(str):
    """A page as text, which a notebook shows in a frame of its own.

    >>> Page("<p>a</p>")._repr_html_()[:36]
    '<iframe srcdoc="&lt;p&gt;a&lt;/p&gt;'
    """

    __slots__ = ()

    def _repr_html_(self) -> str:
        style = "width: 100%; height: 36rem; border: 1px solid #8888"
        return f'<iframe srcdoc="{html.escape(self)}" title="Chainrule" style="{style}"></iframe>'


def in_notebook(*parts: str, style: str = "") -> str:
    """Return parts as what a notebook shows, with the style that they need.

    Parameters
    ----------
    *parts
        HTML, as `markup` makes it.
    style
        CSS beside that of all.

    Examples
    --------
    >>> in_notebook("<p>a</p>")[-37:]
    '<div class="chainrule"><p>a</p></div>'
    """
    return f'<style>{STYLE}{style}</style><div class="chainrule">{"".join(parts)}</div>'
