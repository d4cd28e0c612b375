"""The explanation of random networks: its numbers are the core's, and what it prints is true."""

from __future__ import annotations

import functools
import itertools
from decimal import Decimal

import pytest

import chainrule as cr
import reading
from chainrule.demo import worked_example
from chainrule.explanation import printed_digits
from chainrule.explanation.expressions import Cases, Negative, Number, Quantity, exact
from chainrule.explanation.formulas import cases
from chainrule.explanation.notation import COST, NOTATIONS, Key, Name, Ratio, derivative, name_of
from explained import SEEDS, core, explained, is_near, quantities, steps_with_rows
from test_worked_example import GOLDEN, LAST

# ---- its numbers ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_every_number_is_that_of_the_core(seed):
    given, own = explained(seed), core(seed)
    known = 0
    for part, row, step in steps_with_rows(given):
        for quantity in [step.quantity, *quantities(step)]:
            expected = own.value(quantity.key, row)
            if expected is not None:
                known += 1
                assert is_near(quantity.value, float(expected), 1.0), (part.title, quantity)
    assert known


@pytest.mark.parametrize("seed", SEEDS)
def test_every_formula_gives_its_value(seed):
    for step in explained(seed).derivation.steps():
        if step.formula is not None:
            size = max([abs(q.value) for q in quantities(step)], default=0.0)
            assert is_near(float(exact(step.formula)), step.value, 10 * (1 + size)), step


@pytest.mark.parametrize("seed", SEEDS)
def test_last_step_is_the_subject(seed):
    given, own = explained(seed), core(seed)
    of = given.derivation.subject
    steps = [s for part in given.derivation.parts if part.title != "The update" for s in part.steps]
    if of.kind == "all":
        found = {s.key for s in steps}
        assert {derivative(COST, key) for key in all_parameters(own.at)} <= found
        return
    last = steps[-1]
    if of == COST:
        expected = own.cost(COST)
        assert last.key == COST
    else:
        expected = own.mean(COST, of)
        assert last.key == derivative(COST, of)
    assert is_near(last.value, float(expected))
    assert given.name(last.key) == given.name(COST if of == COST else derivative(COST, of))


@pytest.mark.parametrize(
    ("of", "symbol", "figure"),
    [
        ("o1", "∂E_total/∂out_o1", "∂E/∂out_o1"),
        ("out_o1", "∂E_total/∂out_o1", "∂E/∂out_o1"),
        ("net_o1", "∂E_total/∂net_o1", "δ_o1"),
        ("delta_o1", "∂E_total/∂net_o1", "δ_o1"),
        ("delta_o2", "∂E_total/∂net_o2", "δ_o2"),
        ("h1", "∂E_total/∂out_h1", "∂E/∂out_h1"),
        ("net_h1", "∂E_total/∂net_h1", "∂E/∂b1"),
    ],
)
@pytest.mark.parametrize("notation", NOTATIONS)
def test_heading_symbol_and_number_are_one_thing(of, symbol, figure, notation):
    w = worked_example
    given = cr.explain(w.NET, w.START, w.X[0], w.Y[0], of=of, notation=notation)
    last = given.steps[-1]
    assert given.text().startswith(f"{last.symbol} — ")
    assert notation != "mazur" or last.symbol == symbol
    assert last.value == pytest.approx(GOLDEN[figure][1], rel=0, abs=LAST)


def all_parameters(at):
    for layer, (i, o) in enumerate(itertools.pairwise(at.widths)):
        for j in range(o):
            yield Key("b", layer, j)
            yield from (Key("w", layer, j, k) for k in range(i))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_chain_rule_heads_the_derivation_of_each_example(seed):
    derived = explained(seed).derivation
    of, n = derived.subject, len(derived.data.X)
    chains = [part for part in derived.parts if part.title.startswith("The chain rule")]
    if of.kind in ("all", "C") or (of.kind == "a" and of.layer == derived.at.last):
        assert not chains or isinstance(derived.net.layers[-1], cr.Dropout)
        return
    assert len(chains) == n
    for row, part in enumerate(chains):
        cost = Key("C", example=row + 1) if n > 1 else Key("C")
        if n == 1 and derived.net.l1 + derived.net.l2:
            cost = Key("L")
        a, z = Key("a", of.layer, of.unit), Key("z", of.layer, of.unit)
        last = part.steps[-1]
        assert last.key == derivative(cost, of)
        if of.kind in ("w", "b"):
            factors = [derivative(cost, a), derivative(a, z), derivative(z, of)]
            assert [factor.key for factor in last.formula.factors] == factors


# ---- what it prints ------------------------------------------------------------------------------


@functools.cache
def printed(seed):
    text = explained(seed).text(width=10**6)
    return list(zip(reading.steps(text), explained(seed).derivation.steps(), strict=True))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_line_recomputes_from_what_it_prints(seed):
    for line, step in printed(seed):
        check_line(line, step)


def check_line(line, step, digits=None):
    """Work a line out from its printed figures; what it says of cases must hold by them too."""
    if line.rounded:
        return
    if line.condition:
        assert reading.holds(line.condition), line
    if line.numbers:
        digits = digits or max(4, reading.digits(line.result))
        assert reading.agrees(line.numbers, line.result, digits), line
    elif line.formula:  # of one name or of numbers alone; of cases the one that holds is a number
        assert is_bare(step.formula), line


def is_bare(formula):
    """Whether a formula is no more than a quantity or a number."""
    match formula:
        case Cases():
            return is_bare(formula.row[0])
        case Negative(inner):
            return is_bare(inner)
        case _:
            return isinstance(formula, Quantity | Number)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_figure_is_rounded_rightly(seed):
    for line, step in printed(seed):
        digits = max(4, reading.digits(line.result))
        assert reading.rounded(step.value, digits) == reading.rounded(
            reading.read(line.result), digits
        ), line
        if not line.numbers:
            continue
        ways = [{to_figure(abs(q.value), d) for q in quantities(step)} for d in range(1, 18)]
        constants = set(reading.figures(line.formula))
        for figure in reading.figures(line.numbers):
            assert figure in constants or any(figure in way for way in ways), (figure, line)


def to_figure(value, digits):
    return Decimal(f"{value:.{digits - 1}e}")


def test_few_lines_are_rounded():
    lines = [line for seed in SEEDS for line, _ in printed(seed)]
    rounded = [line for line in lines if line.rounded]
    assert len(lines) > 5000
    assert len(rounded) <= 0.002 * len(lines), rounded


def quantity(value):
    return Quantity(Key("x"), value)


def test_a_difference_of_nearly_equal_numbers_has_fewer_digits():
    formula = quantity(0.1234567890123456) - quantity(0.12345678901)
    printed = printed_digits.rounding(formula, 0.1234567890123456 - 0.12345678901)
    assert printed.digits > 15
    assert not printed.rounded
    assert 4 <= len(printed.result.mantissa.replace(".", "")) < printed_digits.DIGITS


@pytest.mark.parametrize(("value", "rounded"), [(0.21, False), (0.2103, True)])
def test_a_line_that_cannot_be_true_says_that_it_is_rounded(value, rounded):
    printed = printed_digits.rounding(quantity(0.3) * quantity(0.7), value)
    assert printed.rounded == rounded
    assert printed_digits.rounding(quantity(0.3) * quantity(0.7), value, digits=2).rounded is False


def test_a_condition_holds_by_its_figures_too():
    z, one = quantity(1 + 1e-12), Number("1")
    formula = cases((0, z, ">", one), (1, z, "≤", one))
    assert printed_digits.rounding(formula, 0.0).digits == 13
    assert printed_digits.rounding(formula, 0.0, digits=9).rounded


@pytest.mark.parametrize("digits", [3, 6, 12])
@pytest.mark.parametrize("seed", [0, 6, 13, 20, 27])
def test_given_digits_are_those_of_every_figure(seed, digits):
    text = explained(seed, digits).text(width=10**6)
    steps = explained(seed, digits).derivation.steps()
    for line, step in zip(reading.steps(text), steps, strict=True):
        result = reading.read(line.result)
        assert reading.rounded(step.value, digits) == reading.rounded(result, digits)
        assert reading.digits(line.result) <= digits or not line.numbers
        allowed = {to_figure(abs(q.value), digits) for q in quantities(step)}
        allowed |= set(reading.figures(line.formula))
        assert set(reading.figures(line.numbers)) <= allowed, line
        if line.numbers and not line.rounded:
            assert reading.agrees(line.numbers, line.result, digits), line


# ---- the worked example --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tutorial():
    w = worked_example
    frozen = {"freeze": ["*.b"]}
    return cr.explain(w.NET, w.START, w.X[0], w.Y[0], of="all", optimizer=cr.SGD(w.RATE), **frozen)


@pytest.mark.parametrize("name", [name for name in GOLDEN if name != "E_total⁺"])
def test_figure_of_the_tutorial(name, tutorial):
    found = [
        view.value for view in tutorial.steps if view.symbol == name.replace("∂E/", "∂E_total/")
    ]
    assert found
    assert found == [pytest.approx(GOLDEN[name][1], rel=0, abs=LAST)] * len(found)


def test_cost_after_the_tutorials_first_round(tutorial):
    w = worked_example
    new = {s.key.of[0]: s.value for s in tutorial.derivation.steps() if s.key.kind == "new"}
    layers = [
        (
            [[new[Key("w", k, j, i)] for i in range(2)] for j in range(2)],
            [new[Key("b", k, j)] for j in range(2)],
        )
        for k in range(2)
    ]
    after = cr.explain(w.NET, w.NET.parameters(layers), w.X[0], w.Y[0], of="cost")
    assert after.steps[-1].value == pytest.approx(GOLDEN["E_total⁺"][1], rel=0, abs=LAST)


# ---- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("notation", NOTATIONS)
def test_every_notation_names_every_quantity(notation):
    for seed in SEEDS:
        derived = explained(seed).derivation
        for step in derived.steps():
            for quantity in [step.quantity, *quantities(step)]:
                name = name_of(quantity.key, derived.at, NOTATIONS[notation])
                for part in (name.above, name.below) if isinstance(name, Ratio) else (name,):
                    assert isinstance(part, Name)
                    assert part.base


@pytest.mark.parametrize("notation", NOTATIONS)
def test_every_notation_tells_the_quantities_of_an_example_apart(notation):
    for seed in range(1, 50, 2):
        derived = explained(seed).derivation
        names = {}
        for step in derived.steps():
            for quantity in [step.quantity, *quantities(step)]:
                name = name_of(quantity.key, derived.at, NOTATIONS[notation])
                if quantity.key.kind not in ("letter", "rest"):
                    assert names.setdefault(name, quantity.key) == quantity.key
