"""The lines of any network, for pages that build networks: Python's, filled in without it.

Each writer of formulas runs once, for any unit of any layer, and what it says is written down: see
`pattern_data`. The scripts fill it in with the numbers of a network, and hold no formula.

| file | what it is for |
|---|---|
| `recorded_tables.py` | what stands for places, arrays and questions as a formula is written down |
| `pattern_trees.py` | formulas written down as lists with holes |
| `recording_sheet.py` | what a layer is given to write its formulas down |
| `recorded_layers.py` | what each kind of layer says |
| `recorded_columns.py` | of kinds with an entry for each column, what they say of any one |
| `recorded_formulas.py` | the formulas of activations, losses, optimizers and penalties |
| `recorded_names.py` | the names in each convention |
| `line_sums.js` | sums of which the largest terms are written |
| `line_places.js` | where the units of a network stand |
| `pattern_names.js` | what quantities are called |
| `line_expander.js` | what is written down, filled in for a place of a network |
| `example_lines.js`, `loss_lines.js` | the lines of an example; among them those of its loss |
| `column_lines.js` | what a layer says of any column |
| `derivation_order.js` | the lines in order: the whole |
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from typing import Any

from chainrule.explanation.formula_scripts import formula_scripts
from chainrule.html_page.joined_scripts import closed

SCRIPTS = (
    "line_sums",
    "line_places",
    "pattern_names",
    "line_expander",
    "loss_lines",
    "column_lines",
    "example_lines",
    "derivation_order",
)


def pattern_data() -> dict[str, Any]:
    """Return all that is written down, as JSON can hold it.

    >>> sorted(pattern_data())[:4]
    ['activations', 'kinds', 'losses', 'names']
    """
    from chainrule.explanation.formula_scripts.writer_shapes import shapes
    from chainrule.explanation.line_patterns import recorded_formulas, recorded_layers
    from chainrule.explanation.line_patterns.recorded_names import name_patterns
    from chainrule.explanation.mathml import MathML
    from chainrule.explanation.text import Text

    kinds = recorded_layers.layer_patterns()
    made = {
        "kinds": kinds,
        "activations": recorded_formulas.activation_patterns(),
        "losses": recorded_formulas.loss_patterns(),
        "softmax": recorded_formulas.softmax_patterns(),
        "optimizers": recorded_formulas.optimizer_patterns(),
        "penalty": recorded_formulas.penalty_patterns(),
        "words": recorded_formulas.words(),
        "shapes": {"text": shapes(Text()), "mathml": shapes(MathML())},
    }
    keys = [*_keys(made)]
    leaves = [leaf for kind in kinds.values() for leaf in kind["leaves"]]
    others = {(leaf["name"], len(leaf["shape"])) for leaf in leaves} - {("W", 2), ("b", 1)}
    letters = {key[3] for key in keys if key[0] == "letter"} | {"η"}
    own = {(key[3], _owner(key)) for key in keys if key[0] == "own"}
    return made | {"names": name_patterns(sorted(others), sorted(letters), sorted(own))}


def _owner(key: list[Any]) -> str:
    """What a letter of a layer is of."""
    if len(key) > 5:
        return "parameter"
    if key[2]:
        return "input"
    return "layer" if key[1] == -1 else "unit"


def _keys(part: Any) -> Iterator[list[Any]]:
    """All keys of letters that stand in what is written down."""
    if isinstance(part, dict):
        part = list(part.values())
    if not isinstance(part, list):
        return
    if part[:1] in (["letter"], ["own"]) and len(part) > 3:
        yield part
    elif part[:2] in (["q", "letter"], ["q", "own"]):
        yield part[1:]
    for each in part:
        yield from _keys(each)


def pattern_script() -> str:
    """Return the script that fills it in: `lineWork`, with `Derivation` and what is around it.

    >>> pattern_script().startswith("const lineWork = (() => {")
    True
    """
    own = [_script(f"{name}.js") for name in SCRIPTS]
    made = "{ Derivation, LinePlaces, formulaElements }"
    return closed(made, [*formula_scripts(), *own], "lineWork")


def _script(name: str) -> str:
    return resources.files(__name__).joinpath(name).read_text(encoding="utf-8")
