r"""Docstrings as Sphinx reads them: equations, `$$a = f(z)$$`, and tables are Markdown's in them.

Of the members of a class, those that other libraries bring are left out.
"""

import inspect
import re

EQUATION = re.compile(r"^( *)\$\$(.*?)\$\$$", re.MULTILINE | re.DOTALL)
BAR = re.compile(r"(?<![^\s('\"\[{<\-/:])\|(?=\S)")  # which would start a substitution
FORMULA = re.compile(r"\$([^$\n]+)\$")
TABLE = re.compile(r"^( *)\|(.*)\|\n *\|[-|]+\|\n((?: *\|.*\|\n?)+)", re.MULTILINE)


def equation(found):
    """A directive in place of an equation."""
    indent, latex = found.groups()
    lines = [f"{indent}   {line.strip()}" for line in latex.splitlines()]
    return "\n".join(["", f"{indent}.. math::", "", *lines, ""])


def table(found):
    """A directive in place of a table."""
    indent, head, body = found.groups()
    rows = [head, *(line.strip().strip("|") for line in body.splitlines())]
    made = [f"{indent}.. list-table::", f"{indent}   :header-rows: 1", ""]
    for row in rows:
        first, *others = (cell.strip().replace("*", r"\*") for cell in row.split("|"))
        made += [f"{indent}   * - {first}", *(f"{indent}     - {cell}" for cell in others)]
    return "\n".join([*made, "", ""])


def prose(paragraph):
    """A paragraph of text with the bars of |x| as they stand; others as they are."""
    other = re.match(r"\s*(>>>|\|.*\|$)", paragraph, re.MULTILINE) or "$$" in paragraph
    return paragraph if other else BAR.sub(r"\|", paragraph)


def to_directives(app, what, name, thing, options, lines):
    """Change the lines of a docstring in place."""
    text = "\n\n".join(map(prose, "\n".join(lines).split("\n\n"))) + "\n"
    text = EQUATION.sub(equation, text)
    text = TABLE.sub(table, FORMULA.sub(r":math:`\1`", text))
    lines[:] = text.split("\n")


def is_left_out(app, what, name, thing, skip, options):
    """Whether a member is another library's, or a field, of which the parameters tell."""
    found = getattr(thing, "fget", getattr(thing, "func", thing))
    module = getattr(found, "__module__", None) or ""
    foreign = inspect.isroutine(found) and not module.startswith("chainrule")
    is_field = type(thing).__name__ == "_tuplegetter"
    return True if foreign or is_field else None


def setup(app):
    """Change docstrings before numpydoc reads them."""
    app.connect("autodoc-process-docstring", to_directives, priority=400)
    app.connect("autodoc-skip-member", is_left_out)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
