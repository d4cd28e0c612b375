"""The pages of the mathematics, made of the tables: `{table-rows} losses` has a section for each.

A row says of itself what stands there: its equation, its derivative, what goes with it, its source.
"""

import inspect
import re

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

import row_pictures
from chainrule import activations, initialisers, layers, losses, optimizers, schedules
from chainrule.fields import fields_of
from chainrule.targets import TARGETS


def words_and_source(thing):
    """What a docstring says before its sections and examples, without refusals; its source."""
    text = inspect.getdoc(thing)
    source = re.search(r"^Source: (.+?)(?=\n\n|\Z)", text, re.MULTILINE | re.DOTALL)
    words = re.split(r"^\w+\n-{3,}$|^>>> ", text, maxsplit=1, flags=re.MULTILINE)[0]
    words = words.replace(source[0], "") if source else words
    words = re.sub(r"\s*Raises\s+\w+(?: or \w+)?\s+(?:for|unless|where)\s[^.]*\.", "", words)
    words = re.sub(r"^Return (\w)", lambda start: start[1].upper(), words)
    return words.strip(), source[1] if source else ""


def written_with_numbers(name, factory):
    """How a row of a family is named in full."""
    parameters = inspect.signature(factory).parameters.values()
    names = [p.name + ", …" * (p.kind is p.VAR_POSITIONAL) for p in parameters]
    left_out = ", ".join(
        f"{p.name} = {p.default:g}" for p in parameters if p.default is not p.empty
    )
    yield f"A name with numbers is a row of its own, `{name}({', '.join(names)})`" + (
        f"; the name alone means {left_out}." if left_out else "."
    )


def of_activation(name, row):
    """The words of an activation."""
    joint = row.pull is not None
    a, z = ("a_j", "z_k") if joint else ("a", "z")
    family = activations.FAMILIES.get(name)
    words, source = words_and_source(family) if family else ("", row.source)
    if joint:
        yield "Each a depends on all z of its layer."
    yield re.sub(r"\$\$.*?\$\$\n*", "", words, flags=re.DOTALL)
    yield f"$${a} = {row.latex}$$"
    yield rf"$$\frac{{\partial {a}}}{{\partial {z}}} = {row.dlatex}$$"
    yield from pictured("activations", name)
    for kink, slope in zip(row.kinks, row.at_kinks, strict=True):
        yield f"At the corner z = {kink:g}, the derivative is taken to be {slope:g}."
    if family:
        yield from written_with_numbers(name, family)
    yield f"Weights into it are drawn by `{row.initialiser}`, unless a layer says otherwise."
    yield from sourced(source)


def of_loss(name, row):
    """The words of a loss."""
    family = losses.FAMILIES.get(name)
    words, source = words_and_source(family) if family else ("", row.source)
    yield re.sub(r"\$\$.*?\$\$\n*", "", words, flags=re.DOTALL)
    yield f"$$L = {row.latex}$$"
    yield rf"$$\frac{{\partial L}}{{\partial a_j}} = {row.dlatex}$$"
    yield from pictured("losses", name)
    yield f"y: {TARGETS[row.target].must}."
    if row.link_name:
        yield (
            f"The last layer is left linear: the loss applies `{row.link_name}` to its outputs "
            "itself, and so does `predict`."
        )
    if family:
        yield from written_with_numbers(name, family)
    yield from sourced(source)


def of_layer(name, kind):
    """The words of a kind of layer."""
    words, source = words_and_source(kind)
    yield words
    yield from pictured("layers", name)
    yield f"Drawn is `{kind.example(3)!r}`, with random parameters" + (
        ", in training." if kind.training_only else "."
    )
    yield from of_reference(kind, source)


def of_optimizer(name, kind):
    """The words of an optimizer."""
    words, source = words_and_source(kind)
    yield words
    yield from pictured("optimizers", name)
    yield from parameters(kind)
    yield from of_reference(kind, source)


def of_schedule(name, kind):
    """The words of a schedule."""
    words, source = words_and_source(kind)
    yield words
    yield from pictured("schedules", name)
    yield f"Drawn is `{row_pictures.shown_schedule(name)!r}`."
    yield from parameters(kind)
    yield from of_reference(kind, source)


def of_initialiser(name, variance):
    """The words of a variance of which two initialisers are made."""
    made = [each for each in initialisers.INITIALISERS if each.startswith(f"{name}_")]
    yield f"$$\\mathrm{{Var}}(w) = {variance.latex}$$"
    yield from pictured("initialisers", name)
    for each in made:
        suits = [
            f"`{row.name}`" for row in activations.ACTIVATIONS.values() if row.initialiser == each
        ]
        yield f"`{each}`" + (
            f" is what draws the weights into {', '.join(suits)}." if suits else "."
        )
    yield from sourced(variance.source)


def pictured(table, name):
    """The picture of a row."""
    yield f"```{{row-picture}} {table} {name}\n```"


def parameters(kind):
    """A table of the fields of a record."""
    rows = [
        f"| `{each.name}` | {shown(each.default)} | {each.metadata['help']} |"
        for each in fields_of(kind).values()
    ]
    yield "\n".join(["| parameter | default | what for |", "|---|---|---|", *rows])


def shown(default):
    """A default as it is written; nothing for what must be given."""
    return f"`{default!r}`" if isinstance(default, int | float | bool) else ""


def of_reference(kind, source):
    """Where the reference has it, and its source."""
    yield f"In Python: {{py:obj}}`chainrule.{kind.__name__}`."
    yield from sourced(source)


def sourced(source):
    """Where a row comes from, if it says so."""
    if source:
        yield f"Source: {source}"


TABLES = {
    "activations": (activations.ACTIVATIONS, of_activation),
    "losses": (losses.LOSSES, of_loss),
    "layers": (layers.LAYERS, of_layer),
    "optimizers": (optimizers.OPTIMIZERS, of_optimizer),
    "schedules": (schedules.SCHEDULES, of_schedule),
    "initialisers": (initialisers.VARIANCES, of_initialiser),
}


def markdown(table):
    """The sections of a table: a heading and paragraphs for each row."""
    rows, said = TABLES[table]
    for name, row in rows.items():
        yield f"## {getattr(row, '__name__', name)}"
        yield from filter(None, said(name, row))


class TableRows(SphinxDirective):
    """The sections of the table that is named."""

    required_arguments = 1

    def run(self):
        text = "\n\n".join(markdown(self.arguments[0]))
        return self.parse_text_to_nodes(text, allow_section_headings=True)


class RowPicture(SphinxDirective):
    """The picture of the row of a table."""

    required_arguments = 2

    def run(self):
        return [nodes.raw("", row_pictures.picture(*self.arguments), format="html")]


def setup(app):
    """Add both."""
    app.add_directive("table-rows", TableRows)
    app.add_directive("row-picture", RowPicture)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
