"""The figures of the tutorials' worked example, beside those that they print.

`{worked-figures} forward` is a table of figures with their formulas; `slips` and `closing` are what
their names say. All of it is what `chainrule demo` shows.
"""

import functools

from sphinx.util.docutils import SphinxDirective

from chainrule.demo import worked_example
from chainrule.demo import worked_example_text as shown
from chainrule.demo.tutorial_figures import CLOSING, ELSEWHERE, PRINTED, REASONS, SLIPS, agrees
from chainrule.formatting import decimals

WEIGHTS = [f"w{k}" for k in range(1, 9)]

FIGURES = {
    "forward": shown.FORWARD,
    "output": shown.OUTPUT_DELTAS,
    "hidden": shown.HIDDEN_DELTAS,
    "gradient": [(f"∂E/∂{each}", "") for each in (*WEIGHTS, "b1", "b2", "b3", "b4")],
    "update": [(f"{each}⁺", f"{each} − η · ∂E/∂{each}") for each in WEIGHTS],
    "error": shown.ERRORS,
}
"""The figures of each table, with their formulas; of gradients the page says them once."""

NAMES = ("figure", "formula", "procedure")

PROCEDURES = {
    "A": lambda: as_stated()[1],
    "A, 9,999": lambda: as_stated()[0],
    "B": worked_example.in_sequence,
    "C": lambda: worked_example.as_stated(freeze=())[1],
}


@functools.cache
def as_stated():
    """Procedure A, one round before the end and there."""
    return worked_example.as_stated()


def table(heads, rows):
    """A table in Markdown; figures stand to the right."""
    yield f"| {' | '.join(heads)} |"
    yield "".join("|---" if head in NAMES else "|---:" for head in heads) + "|"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def mark(value, printed):
    """A printed figure, and whether it is right."""
    sign = "" if not printed else "\N{NO-BREAK SPACE}" + "✗✓"[agrees(value, printed)]
    return printed.replace("-", "−") + sign


def of_figures(rows):
    """Figures, what the tutorials print for them, and why that differs where it does."""
    values = worked_example.figures()
    cells = [
        [name, formula, f"**{decimals(values[name], 12)}**", mark(values[name], printed)]
        for name, formula in rows
        for printed in (PRINTED.get(name, ""), *filter(None, [ELSEWHERE.get(name)]))
    ]
    if not any(formula for _, formula in rows):
        cells = [[name, *figures] for name, _, *figures in cells]
    heads = ["figure", "formula", "right", "printed"]
    yield from table(heads if len(cells[0]) == 4 else [heads[0], *heads[2:]], cells)
    for name in dict(rows):
        if name in REASONS:
            yield f"\n{name}: {REASONS[name]}"


def of_slips():
    """The slips in the tutorials' formulas."""
    for slip in SLIPS:
        yield f"- {slip}"


def of_closing():
    """The closing figures by each procedure."""
    rows = [["the tutorials", *CLOSING.values()]]
    for name, outcome_of in PROCEDURES.items():
        outcome = outcome_of()
        values = (outcome.after_one, outcome.after_all, *outcome.outputs)
        cells = [
            f"{value:.{len(printed.partition('.')[2])}f}"
            + "\N{NO-BREAK SPACE}✓" * agrees(value, printed)
            for value, printed in zip(values, CLOSING.values(), strict=True)
        ]
        rows.append([name, *cells])
    yield from table(["procedure", *CLOSING], rows)


def markdown(which):
    """The lines of a table or a list."""
    others = {"slips": of_slips, "closing": of_closing}
    return others[which]() if which in others else of_figures(FIGURES[which])


class WorkedFigures(SphinxDirective):
    """The table that is named."""

    required_arguments = 1

    def run(self):
        return self.parse_text_to_nodes("\n".join(markdown(self.arguments[0])))


def setup(app):
    """Add the directive."""
    app.add_directive("worked-figures", WorkedFigures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
