"""What scripts of the playground make of data, asked in Node."""

from chainrule.playground.data.known_sets import known_sets
from chainrule.playground.data.table_rules import table_rules
from page_scripts import run_scripts

SCRIPTS = [
    *("state/checks.js", "state/streams.js", "data/plane_sets.js", "data/added_features.js"),
    *("data/cell_numbers.js", "data/table_heading.js", "data/csv_column.js", "data/csv_text.js"),
    *("data/column_kinds.js", "data/own_table.js", "data/examples.js"),
]
PLANE = {"n": 401, "noise": 0, "test": 0.25, "seed": 3, "features": ["x1", "x2"]}
CLASS, REAL = {"target": "class"}, {"target": "real"}


def ask(asked, given=None):
    return run_scripts(SCRIPTS, "playground_data.js", asked, given)


def examples(*asked):
    """Examples of data and losses."""
    given = {"sets": known_sets(), "rules": table_rules(), "asked": asked}
    return ask("examples", given)


def table(text, loss=CLASS, uses=None, **own):
    """A table's examples, the kinds of its columns, and how it is used at first, or the refusal."""
    test = own.pop("test", 0)
    given = {"rules": table_rules(), "text": text, "loss": loss, "own": own, "test": test}
    return ask("table", {**given, "uses": uses or {}})


def lines(*rows):
    return "\n".join(",".join(map(str, row)) for row in rows)


def read(asked, texts=()):
    """What the reader of tables makes of texts."""
    return ask(asked, {"rules": table_rules(), "texts": texts})
