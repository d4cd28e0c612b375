"""Formulas in pages: brought as lists, filled with numbers, worked out, and written.

The scripts hold no formula. Pages of explanations bring the lines of their network, and the
playground the patterns of all; both fill them in, choose among forms and print them by these.

| file | what it is for |
|---|---|
| `formula_trees.py` | formulas as lists |
| `writer_shapes.py` | the signs that they are written with, as text and as MathML |
| `worked_formulas.js` | numbers put in, one of two forms chosen, a formula worked out |
| `fractions.js` | formulas of printed numbers worked out exactly |
| `printed_digits.js` | digits that hold |
| `formula_writer.js` | formulas and lines written |
"""

from __future__ import annotations

from chainrule.html_page.joined_scripts import file_of

SCRIPTS = ("worked_formulas", "fractions", "printed_digits", "formula_writer")


def formula_scripts() -> list[str]:
    """Return the scripts, in an order in which each finds those before it.

    >>> [len(script) > 0 for script in formula_scripts()]
    [True, True, True, True]
    """
    return [file_of(__name__, f"{name}.js") for name in SCRIPTS]
