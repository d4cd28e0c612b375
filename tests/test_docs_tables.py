"""What the site makes of tables, docstrings and help: nothing public is missing on it."""

import inspect
import re
from pathlib import Path
from xml.etree import ElementTree

import click
import numpy as np
import pytest

import chainrule as cr
import command_help
import docstring_markup
import mathml_equations
import row_pictures
import table_rows
import worked_figures
from chainrule.activations import ACTIVATIONS
from chainrule.cli import main
from chainrule.initialisers import INITIALISERS

DOCS = Path(__file__).parents[1] / "docs"

WITHOUT_SOURCE = {"Activate", "Constant", "StepDecay", "Exponential", "Resumed"}
"""Rows that nobody has to have thought of first."""


def page(name):
    return (DOCS / name).read_text(encoding="utf-8")


def sections(table):
    """The text of each row, by its heading."""
    parts = re.split(r"^## (.*)\n", "\n".join(table_rows.markdown(table)), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


ROWS = [
    pytest.param(table, name, text, id=f"{table}-{name}")
    for table in table_rows.TABLES
    for name, text in sections(table).items()
]


@pytest.mark.parametrize(("table", "name", "text"), ROWS)
def test_a_row_has_its_equation_its_picture_and_its_source(table, name, text):
    assert "$$" in text or "η_t =" in text
    assert f"```{{row-picture}} {table} " in text
    assert ("Source: " in text) != (name in WITHOUT_SOURCE)
    if table in ("activations", "losses", "layers"):
        assert r"\partial" in text


@pytest.mark.parametrize("table", table_rows.TABLES)
def test_a_page_shows_the_rows_of_each_table(table):
    assert f"```{{table-rows}} {table}\n```\n" in page(f"mathematics/{table}.md")
    assert len(sections(table)) == len(table_rows.TABLES[table][0])


def test_every_initialiser_is_named():
    shown = "".join(sections("initialisers").values()) + page("mathematics/initialisers.md")
    assert [name for name in INITIALISERS if f"`{name}`" not in shown] == []


def test_a_new_row_is_there_before_anyone_writes(monkeypatch):
    row = cr.Activation(
        "sine",
        f=lambda z, xp: xp.sin(z),
        df=lambda z, a, xp: xp.cos(z),
        latex=r"\sin z",
    )
    monkeypatch.setitem(ACTIVATIONS, "sine", row)
    assert r"$$a = \sin z$$" in sections("activations")["sine"]
    svg = row_pictures.picture("activations", "sine")
    assert 'aria-label="sine and its derivative' in svg
    assert "currentColor" in svg
    assert row_pictures.INK not in svg
    ElementTree.fromstring(svg)


@pytest.mark.parametrize("table", row_pictures.DRAW)
def test_a_row_of_each_table_is_drawn(table):
    *_, last = table_rows.TABLES[table][0]
    assert "<path " in row_pictures.picture(table, last)


def test_a_curve_has_a_gap_where_it_jumps():
    class Axes:
        def plot(self, x, y, **style):
            self.y = y

    axes, x = Axes(), np.linspace(-1, 1, 201)
    row_pictures.curve(axes, x, np.sign(x - 0.001), "", "", {})
    assert np.isnan(axes.y).sum() == 1
    row_pictures.curve(axes, x, x, "", "", {})
    assert np.isfinite(axes.y).all()


# The reference


def listed():
    """The names in the lists of the page on Python."""
    blocks = re.findall(r"autosummary::\n(.*?)```", page("reference/python.md"), re.DOTALL)
    return re.findall(r"^   (~?[\w.]+)$", "".join(blocks), re.MULTILINE)


def test_the_reference_has_every_public_name_once():
    public = [name for name in listed() if not name.startswith("~")]
    assert sorted(public) == sorted(cr.__all__)


@pytest.mark.parametrize("name", [name for name in listed() if name.startswith("~")])
def test_what_functions_return_is_there(name):
    module, _, kind = name.removeprefix("~").rpartition(".")
    assert inspect.isclass(getattr(__import__(f"chainrule.{module}", fromlist=[kind]), kind))


def test_the_reference_has_every_command():
    assert ".. click:: chainrule.cli:main\n   :prog: chainrule\n   :nested: full" in page(
        "reference/command.md"
    )
    assert isinstance(main, click.Group)
    assert not [name for name, command in main.commands.items() if command.hidden]


def test_the_errors_page_has_every_exception():
    errors = [name for name in cr.__all__ if is_error(getattr(cr, name))]
    assert len(errors) == 6
    assert [
        name for name in errors if f"`chainrule.{name}`" not in page("reference/errors.md")
    ] == []


def is_error(thing):
    return inspect.isclass(thing) and issubclass(thing, BaseException)


# How docstrings and help are read


def markup(text, what="function"):
    lines = text.splitlines()
    docstring_markup.to_directives(None, what, "name", None, None, lines)
    return "\n".join(lines)


def test_equations_and_formulas_become_directives():
    made = markup("Sum.\n\n  $$a = b,\n    c$$\n\nWith $x^2$.\n")
    assert "  .. math::\n\n     a = b,\n     c\n" in made
    assert "With :math:`x^2`." in made


def test_parameters_have_what_they_must_be_behind_their_names():
    made = docstring_markup.with_types(f"{inspect.getdoc(cr.fit)}\n", cr.fit)
    for line in (
        "net, params",
        "X, y",
        "optimizer : one such as cr.Adam(1e-3)",
        "epochs, batch_size : a whole number >= 1",
        "record : True or False",
        "engine : one of auto, native, reference",
        "history : a History",
    ):
        assert f"\n{line}\n    " in made
    assert "\nunits : a whole number >= 1\n" in docstring_markup.with_types(
        f"{inspect.getdoc(cr.Dense)}\n", cr.Dense
    )


def test_the_legend_of_a_module_is_a_block():
    made = markup("Layers.\n\n    x   (n, i)\n    |a| one\n\nText.\n", "module")
    assert made == "Layers.\n\n.. code-block:: text\n\n    x   (n, i)\n    |a| one\n\nText.\n"


def test_tables_become_directives():
    made = markup("| name | is |\n|---|---|\n| **x | one |\n\nText.\n")
    assert ":header-rows: 1\n\n   * - name\n     - is\n   * - \\*\\*x\n     - one\n" in made


def test_bars_of_text_are_no_substitutions():
    assert markup("The norm |x| of |y|².\n\n>>> 1 |2\n") == (
        "The norm \\|x| of \\|y|².\n\n>>> 1 |2\n"
    )


@pytest.mark.parametrize(
    ("thing", "left_out"),
    [
        (cr.Network.init, False),
        (str.join, True),
        (cr.Draw.seed, True),
        (cr.Network.size, False),
    ],
)
def test_members_of_other_libraries_are_left_out(thing, left_out):
    assert bool(docstring_markup.is_left_out(None, "class", "", thing, False, None)) == left_out


def test_help_that_is_kept_as_it_stands_is_code():
    lines = ["Text:", "", "| a = 1", "| b = 2", "", "More."]
    command_help.kept_as_code(None, None, lines)
    assert lines == [
        "Text:", "", "", ".. code-block:: text", "", "   a = 1", "   b = 2", "", "More.",
    ]  # fmt: skip


@pytest.mark.parametrize("latex", [r"\tfrac12", r"\frac1n"])
def test_fractions_of_two_signs(latex):
    made = mathml_equations.mathml(None, latex, False)
    top, bottom = re.findall(r"<m[ni]>(\w)</m[ni]>", made)
    assert top + bottom == latex[-2:]


# The worked example


def test_a_figure_is_marked_right_or_wrong():
    lines = [*worked_figures.markdown("forward")]
    space = "\N{NO-BREAK SPACE}"
    assert f"| out_o1 | σ(net_o1) | **0.751365069552** | 0.75136507{space}✓ |" in lines
    assert f"| out_o1 | σ(net_o1) | **0.751365069552** | 0.751365071{space}✗ |" in lines
    assert any(line.startswith("\nout_o1: Printed so in another place") for line in lines)


@pytest.mark.parametrize("which", [*worked_figures.FIGURES, "slips"])
def test_each_list_of_the_worked_example_is_on_its_page(which):
    assert [*worked_figures.markdown(which)]
    assert f"```{{worked-figures}} {which}\n```\n" in page("mathematics/worked-example.md")
