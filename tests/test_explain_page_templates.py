"""The templates of the page: filled, they are what Python writes, for every row of the tables."""

import pytest

import chainrule as cr
from chainrule import losses
from chainrule.explanation.expressions import Cases, Quantity, walk
from chainrule.explanation.formulas import ACTIVATION_FORMULAS
from chainrule.explanation.mathml import TIMES, MathML
from chainrule.explanation.page.mathml_templates import shapes, template
from chainrule.explanation.printed_digits import figure
from chainrule.explanation.writer import Precedence, Written
from chainrule.losses import LOSSES
from pages import tokens
from strategies import HEADS, problem

WRITER = MathML()
BRACKETS = shapes()["brackets"]


def filled(own, put, *, chosen):
    """A template with its holes filled, as formula_view.js does it."""
    level, parts = own
    written = [
        Written(part, level) if isinstance(part, str) else hole(part, put, chosen=chosen)
        for part in parts
    ]
    text = "".join(each.text for each in written)
    return Written(text, written[0].level if len(written) == 1 else level)


def hole(given, put, *, chosen):
    least, what, *cases = given
    if isinstance(what, Quantity):
        inner = put(what)
    elif what[0] == "t":  # of the first step
        inner = Written(WRITER.number(str(1 + what[1])), Precedence.ATOM)
    elif chosen:
        inner = filled(cases[1][what[1]][0], put, chosen=True)
    else:
        inner = filled(cases[0], put, chosen=False)
    return inner if inner.level >= least else Written(BRACKETS.replace("$1", inner.text), 3)


def assert_same(explanation):
    """Every formula is filled with names, and with the figures of 9 digits."""
    steps = [step for step in explanation.derivation.steps() if step.formula is not None]
    for step in steps:
        own = template(step.formula, lambda quantity: quantity)
        for put, chosen in (
            (lambda quantity: WRITER.named(explanation.name(quantity.key)), False),
            (lambda quantity: WRITER.figure(figure(quantity.value)), True),
        ):
            rows = iter([e.rows.index(e.row) for e in walk(step.formula) if isinstance(e, Cases)])
            if chosen:
                own = picked(own, rows)
            right = WRITER.write(step.formula, put, chosen=chosen)
            got = filled(own, put, chosen=chosen)
            assert tokens(got.text) == tokens(right.text)
            assert got.level == right.level
    return steps


def picked(own, rows):
    """A template in which each of the cases says which of its rows holds."""
    level, parts = own
    return [level, [
        [part[0], ["?", next(rows)], *part[2:]] if isinstance(part, list) and len(part) == 4
        else part
        for part in parts
    ]]  # fmt: skip


@pytest.mark.parametrize("notation", ["mazur", "3blue1brown", "pytorch"])
@pytest.mark.parametrize("name", ACTIVATION_FORMULAS)
def test_every_activation(name, notation):
    net = cr.Network(2, [cr.Dense(3, name), cr.Dense(2)], loss="half_squared_error")
    own = problem(net, n=1, seed=4)
    of = {"of": "all", "notation": notation}
    assert_same(cr.explain(net, own.params, own.X, own.y, optimizer=cr.Adam(0.1), **of))


@pytest.mark.parametrize("name", [*LOSSES, "quantile(0.1, 0.9)", "cross_entropy(0.1)", *HEADS])
def test_every_loss(name):
    width = max(2, losses.loss(name).group)
    net = cr.Network(2, [cr.Dense(3, "tanh"), cr.Dense(width)], loss=name, l1=0.1, l2=0.1)
    own = problem(net, n=2, seed=6)
    assert len(assert_same(cr.explain(net, own.params, own.X, own.y, of="w1"))) > 9


def test_a_hole_takes_its_brackets_from_what_is_put_in():
    a, b = Quantity("a", 1.0), Quantity("b", 2.0)
    own = template(a * (1 - b) ** 2, lambda quantity: quantity)
    put = {1.0: Written("<mi>x</mi>", Precedence.ATOM), 2.0: Written("<mi>y</mi>", Precedence.SUM)}
    text = filled(own, lambda quantity: put[quantity.value], chosen=False).text
    assert tokens(text) == (
        f'<mi>x</mi>{tokens(TIMES)}<msup><mo>(</mo><mn>1</mn><moform="infix">−</mo>'
        "<mo>(</mo><mi>y</mi><mo>)</mo><mo>)</mo><mn>2</mn></msup>"
    )
