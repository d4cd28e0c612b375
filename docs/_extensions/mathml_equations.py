"""Equations as MathML, which browsers draw themselves: no script, and no font from elsewhere.

Docutils translates them from LaTeX. What it does not know is a warning, which ends a strict build.
"""

import re
from html import escape

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

LOG = logging.getLogger(__name__)
FRACTION = re.compile(r"(\\[td]?frac)(\w)(\w)")  # \tfrac12, which Docutils reads as 12 over nothing


def mathml(node, latex, as_block):
    """An equation, or its LaTeX where that is not understood."""
    try:
        return tex2mathml(FRACTION.sub(r"\1{\2}{\3}", latex), as_block)
    except MathError as error:
        LOG.warning("equation %r: %s", latex, error, location=node, type="mathml")
        return f"<code>{escape(latex)}</code>"


def inline(translator, node):
    """A formula in a line of text."""
    translator.body.append(mathml(node, node.astext(), as_block=False))
    raise nodes.SkipNode


def block(translator, node):
    """Formulas on lines of their own, several where blank lines part them, with their number."""
    translator.body.append(translator.starttag(node, "div", CLASS="math notranslate"))
    if node["number"]:
        number = get_node_equation_number(translator, node)
        translator.body.append(f'<span class="eqno">({number})</span>')
    for latex in filter(str.strip, node.astext().split("\n\n")):
        translator.body.append(mathml(node, latex, as_block=True))
    translator.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app):
    """Make it the renderer of the name `mathml`."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
