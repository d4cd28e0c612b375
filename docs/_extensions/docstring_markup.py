r"""Docstrings as Sphinx reads them: equations, `$$a = f(z)$$`, and tables are Markdown's in them.

What a parameter must be stands in its annotation, and comes behind its name. Of the members of a
class, those that other libraries bring are left out.
"""

import inspect
import re
import typing

from chainrule.value_types import type_of

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
        made += [
            f"{indent}   * - {first}",
            *(f"{indent}     - {cell}" for cell in others),
        ]
    return "\n".join([*made, "", ""])


def legend(paragraph):
    """A paragraph of a module that stands apart, such as a legend of shapes, as a block."""
    apart = all(line.startswith("    ") for line in paragraph.splitlines())
    return f".. code-block:: text\n\n{paragraph}" if paragraph.strip() and apart else paragraph


def prose(paragraph):
    """A paragraph of text with the bars of |x| as they stand; others as they are."""
    other = re.match(r"\s*(>>>|\|.*\|$)", paragraph, re.MULTILINE) or "$$" in paragraph
    return paragraph if other else BAR.sub(r"\|", paragraph)


PARAMETERS = re.compile(r"^Parameters\n-+\n((?:.+\n|\n(?= ))+)", re.MULTILINE)
PARAMETER = re.compile(r"^\w+(?:, \w+)*$(?=\n )", re.MULTILINE)
SAID = {
    "a Callable": "a function",
    "a Collection": "a list",
    "a Iterable": "a list",
    "a Sequence": "a list",
    "a PathLike": "a path",
    "a ndarray": "an array",
    "anything": "",
}
"""Words for some types that are not those of errors."""


def type_words(annotation):
    """What a value must be in words, "" where anything may come or nobody says."""
    try:
        words = type_of(annotation).words
    except (AttributeError, TypeError):
        return ""
    either = dict.fromkeys(SAID.get(each, each) for each in words.split(" or "))
    return re.sub(r"\ba (?=[AEIOU])", "an ", " or ".join(either)) if all(either) else ""


def annotations(thing):
    """The annotations of what a function, or a class, is called with."""
    call = inspect.unwrap(thing.__init__ if inspect.isclass(thing) else thing)
    try:
        return typing.get_type_hints(call, include_extras=True)
    except (AttributeError, NameError, TypeError):
        return {}


def with_types(text, thing):
    """A docstring in which parameters have what they must be behind their names."""
    hints = annotations(thing)

    def typed(names):
        words = {type_words(hints.get(name, typing.Any)) for name in names[0].split(", ")}
        return f"{names[0]} : {words.pop()}" if len(words) == 1 and any(words) else names[0]

    return PARAMETERS.sub(lambda section: PARAMETER.sub(typed, section[0]), text)


def to_directives(app, what, name, thing, options, lines):
    """Change the lines of a docstring in place."""
    text = with_types("\n".join(lines) + "\n", thing)
    text = "\n\n".join(map(legend if what == "module" else prose, text.split("\n\n")))
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
