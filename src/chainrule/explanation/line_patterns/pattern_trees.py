"""Formulas written down as lists, with a hole for each mark: what `formula_trees` has, and more.

| list | is |
|---|---|
| `["q", ...key]` | a quantity, by what it is to the layer or the line |
| `["#", name]` | a number by its name: an option of a layer, a size, half a parameter |
| `["Σ", count, place, term]` | a sum over so many places, the largest terms of it written |
| `["over", place, count, at, term, apart, parts]` | ∂C by an input, over all outputs |
| `["if", question, tree, tree]` | by a question, of places or of dropout |
| `["act", facet, z, a]` | the formula of an activation, or of its slope |
| `["local", of, by, value]` | a derivative, whose number is that of a formula |
| all else | as in `formula_trees` |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainrule.explanation.derivation_steps import NotedFormula, Step
from chainrule.explanation.expressions import Expression, Quantity, node
from chainrule.explanation.formula_scripts.formula_trees import condition_tree, node_tree
from chainrule.explanation.line_patterns.recorded_tables import Place, Recorded, Tree
from chainrule.explanation.notation import Key

Marks = Mapping[str, str]
"""Of numbers as they are written: the names that stand for them."""


def key_list(key: Key) -> list[Any]:
    """Return a key as a list: kind, unit, source, text, layer, and the keys that it is of.

    >>> key_list(Key("w", 0, Place("j"), Place("k")))
    ['w', 'j', 'k']
    """
    own = [key.kind, _place(key.unit), _place(key.source), key.text, key.layer]
    own.append([key_list(part) for part in key.of])
    while own[-1] in ("", 0, []):
        own.pop()
    return own


def _place(given: Any) -> Any:
    return given.name if isinstance(given, Place) else given


def tree(e: Any, marks: Marks | None = None) -> Tree:
    """Return a formula as nested lists.

    >>> tree(node(2) * Quantity(Key("w", 0, Place("j")), 1.0))
    ['*', ['n', '2'], ['q', 'w', 'j']]
    """
    known = marks or {}

    def of(part: Any) -> Tree:
        match part:
            case Recorded(own):
                return own
            case Quantity(key):
                return ["q", *key_list(key)]
        made: Tree = node_tree(part, of)
        return ["#", known[made[1]]] if made[0] == "n" and made[1] in known else made

    return of(node(e))


def noted_tree(given: Any, marks: Marks | None = None) -> Tree:
    """Return a formula with its note as `[tree, note]`.

    >>> noted_tree(NotedFormula(node(1), "so it is"))
    [['n', '1'], 'so it is']
    """
    noted = given if isinstance(given, NotedFormula) else NotedFormula(node(given))
    return [tree(noted.formula, marks) if noted.formula else None, noted.note]


def step_list(step: Step, marks: Marks | None = None) -> Tree:
    """Return a line as `[key, tree, note, condition]`; the condition is of whether there is one.

    >>> step_list(Step(Key("b", 0, Place("j")), node(1), 1.0))
    [['b', 'j'], ['n', '1'], '', None]
    """
    formula = tree(step.formula, marks) if isinstance(step.formula, Expression) else None
    when = condition_tree(step.when, lambda part: tree(part, marks)) if step.when else None
    return [key_list(step.key), formula, step.note, when]
