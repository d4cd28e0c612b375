"""Formulas as pages write them, beside Python's: for every row of the tables, in every form."""

import json
import subprocess
from pathlib import Path

import pytest

import chainrule as cr
from chainrule import losses
from chainrule.batches import Examples
from chainrule.explanation.derivation import derive_from
from chainrule.explanation.derivation_steps import Update
from chainrule.explanation.expressions import Condition, Either, Quantity, node
from chainrule.explanation.form_choice import open_conditions, settled
from chainrule.explanation.formula_scripts import formula_scripts
from chainrule.explanation.formula_scripts.formula_trees import tree
from chainrule.explanation.formula_scripts.writer_shapes import shapes
from chainrule.explanation.formulas import ACTIVATION_FORMULAS
from chainrule.explanation.forward_backward import Passes
from chainrule.explanation.mathml import MathML
from chainrule.explanation.notation import NOTATIONS, Name, name_of
from chainrule.explanation.printed_digits import figure
from chainrule.explanation.subjects import ALL
from chainrule.explanation.text import Text
from chainrule.losses import LOSSES
from strategies import HEADS, problem
from wasm_cases import NODE

pytestmark = pytest.mark.skipif(NODE is None, reason="there is no Node")

WRITERS = {"text": Text(), "mathml": MathML()}


def networks():
    for k, name in enumerate(ACTIVATION_FORMULAS):
        yield cr.Network(2, [cr.Dense(3, name), cr.Dense(2)], loss="half_squared_error"), k
    for k, name in enumerate([*LOSSES, "quantile(0.1, 0.9)", "cross_entropy(0.1)", *HEADS]):
        width = max(2, losses.loss(name).group)
        yield cr.Network(2, [cr.Dense(3, "tanh"), cr.Dense(width)], name, l1=0.1, l2=0.1), k


def formulas():
    """Formulas in every form, each with what a quantity of it is called."""
    for net, k in networks():
        own = problem(net, n=2, seed=4 + k)
        passes = Passes(net, own.params, Examples(own.X, own.y, None), None)
        made = derive_from(passes, ALL, top=2, made=Update(cr.Adam(0.1), 1), every_form=True)
        notation = [*NOTATIONS.values()][k % len(NOTATIONS)]
        for step in made.steps():
            if step.formula is not None:
                yield step.formula, lambda key, at=made.at, by=notation: name_of(key, at, by)


def name_list(name):
    if not isinstance(name, Name):
        return ["", "", 0, [name_list(name.above), name_list(name.below)]]
    (text, _), (math, level) = (WRITERS[each].named(name) for each in WRITERS)
    return [text, math, int(level)]


def by_python(formula, called):
    formula = settled(formula)

    def both(writer):
        def name(quantity):
            return writer.named(called(quantity.key))

        def put(quantity):
            return writer.figure(figure(quantity.value))

        names = writer.write(formula, name, chosen=False)
        return [[*names], [*writer.write(formula, put, chosen=True)]]

    return [both(writer) for writer in WRITERS.values()]


def by_page(given):
    def told(formula, called):
        return tree(formula, lambda q: ["q", name_list(called(q.key)), q.value])

    known = {
        "script": "\n".join(formula_scripts()),
        "shapes": {name: shapes(writer) for name, writer in WRITERS.items()},
        "cases": [told(*each) for each in given],
    }
    command = [NODE, Path(__file__).with_name("formula_writer.js")]
    done = subprocess.run(
        command, input=json.dumps(known), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_formulas_are_written_as_python_writes_them():
    given = [*formulas()]
    wanted = [by_python(*each) for each in given]
    for (formula, _), got, own in zip(given, by_page(given), wanted, strict=True):
        assert got == own, formula
    assert len(given) > 1000
    assert sum(bool(open_conditions(formula)) for formula, _ in given) > 20


def test_a_form_is_chosen_by_its_numbers():
    def form(value):
        return 2 * Either(Condition(Quantity("x", value), "<", node(1)), node(3), node(4))

    given = [(form(value), Name) for value in (0.5, 1.0)]
    texts = [text for ((_, (text, _)), _) in by_page(given)]
    assert texts == ["2 · 3", "2 · 4"]
