"""What scripts of the playground make of data, asked in Node."""

from chainrule.playground.data.known_sets import known_sets, missing_words
from page_scripts import run_scripts

SCRIPTS = [
    *("state/checks.js", "state/streams.js", "data/plane_sets.js", "data/added_features.js"),
    *("data/csv_text.js", "data/own_table.js", "data/examples.js"),
]
PLANE = {"n": 401, "noise": 0, "test": 0.25, "seed": 3, "features": ["x1", "x2"]}
CLASS, REAL = {"target": "class"}, {"target": "real"}


def ask(asked, given=None):
    return run_scripts(SCRIPTS, "playground_data.js", asked, given)


def examples(*asked):
    """Examples of data and losses."""
    given = {"sets": known_sets(), "missing": missing_words(), "asked": asked}
    return ask("examples", given)


def table(text, loss=CLASS, uses=None, **own):
    """A table's examples, the kinds of its columns, and how it is used at first, or the refusal."""
    test = own.pop("test", 0)
    given = {"missing": missing_words(), "text": text, "loss": loss, "own": own, "test": test}
    return ask("table", {**given, "uses": uses or {}})


def lines(*rows):
    return "\n".join(",".join(map(str, row)) for row in rows)
