"""Explanations over the whole range of double precision: no crash, and no untrue line."""

import functools
import math
import re
from fractions import Fraction

import mpmath
import numpy as np
import pytest

import chainrule as cr
import reading
from chainrule.explanation import enclosing
from chainrule.explanation.enclosing import Between, between
from chainrule.explanation.expressions import Number, Quantity, call, compute
from chainrule.explanation.latex import Latex
from chainrule.explanation.mathml import MathML
from chainrule.explanation.notation import Key
from chainrule.explanation.printed_digits import figure, rounding
from pages import expected, shown_lines
from reducers import of_latex, of_mathml, value
from strategies import problem
from tables import ACTIVATION_NAMES
from test_explain_derivation import check_line
from test_losses import NAMES as LOSS_NAMES
from wide import explained, wide

SIZES = [1e3, 43274079.4, 3e10, 3e19, 1e38, 1e110, 1e308, 5e-324, 1e-310]


def lines(explanation):
    """Each printed line, which is checked, and its step."""
    text = explanation.text(width=10**6)
    found = list(zip(reading.steps(text), explanation.derivation.steps(), strict=True))
    for printed, step in found:
        digits = explanation.digits or max(4, reading.digits(printed.result))
        exact = reading.rounded(step.value, digits)
        assert exact == reading.rounded(reading.read(printed.result), digits), printed
        check_line(printed, step, explanation.digits)
    return found


def attempt(explain):
    """What is explained and "", or None and what is said."""
    try:
        return explain(), ""
    except (ValueError, cr.DivergenceError) as error:
        return None, str(error)


def unit(activation, z, loss="squared_error", y=0.0):
    """A network of one unit whose weighted input is z, with its example."""
    net = cr.Network(1, [cr.Dense(1, activation)], loss=loss)
    return net, net.parameters([([[z]], [0.0])]), [1.0], [y]


# ---- any network ---------------------------------------------------------------------------------


@pytest.mark.parametrize("first", range(0, 120, 20))
def test_every_line_of_a_wide_network_is_true(first):
    """Of its text, and of every fourth in LaTeX and in MathML too."""
    count = 0
    for seed in range(first, first + 20):
        explanation, said = attempt(functools.partial(explained, seed))
        if explanation is None:
            assert re.fullmatch(r".*(not finite|\binf\b|\bnan\b|diverged|must fit).*", said), seed
            continue
        count += len(lines(explanation))
        if seed % 4 == 0:
            assert_written(explanation)
    assert count > 200


def assert_written(explanation):
    """Each line of figures in LaTeX and in MathML, read back, comes to the result it prints."""
    for writer, reader in ((Latex(), of_latex), (MathML(), of_mathml)):
        for _, own in explanation.written(writer):
            for each in own:
                if each.numbers and not each.rounded:
                    printed = reader(each.result)
                    mantissa = next(token for token in printed if token != "−")
                    digits = len(re.sub(r"^[0.]+|\.", "", mantissa))
                    digits = explanation.digits or max(4, digits)
                    assert reading.gives(value(reader(each.numbers)), value(printed), digits)


def test_the_wide_networks_are_wide():
    """They hold what they are for, or the test above shows nothing."""
    made = [wide(seed) for seed in range(120)]
    weights = np.concatenate([np.abs(p.W).ravel() for m in made for p in m.params if p])
    inputs = np.concatenate([np.abs(m.X).ravel() for m in made])
    assert weights[weights > 0].min() < 1e-29
    assert weights.max() > 1e29
    for low, high in ((1e18, 1e19), (18, 90), (1e200, 1e300), (5e-324, 1e-309)):
        assert np.any((low <= inputs) & (inputs <= high))
    kinds = {
        str(layer.activation) for m in made for layer in m.net.layers if layer.__class__ is cr.Dense
    }
    assert len(kinds) > 15
    assert len({m.net.loss for m in made}) > 10


def test_the_reader_refuses_what_is_not_true():
    assert reading.agrees("0.3 − 3 · 0.1", "0", 9)
    for numbers in ("1 / cosh(43274079.4)²", "1 · e^(−3.8 · 10¹⁴)", "ln(1 + e^(−1013.6))"):
        assert not reading.agrees(numbers, "0", 9)
    assert reading.agrees("1 − 10⁻¹²", "1", 9)
    assert not reading.agrees("1 − 6 · 10⁻¹⁰", "1", 9)
    assert not reading.agrees("√(2)", "1.41421357", 9)


# ---- each activation, loss and optimizer ---------------------------------------------------------


@pytest.mark.parametrize("name", ACTIVATION_NAMES)
def test_an_activation_at_any_size(name):
    """It is explained where the core's numbers are finite; they are but of the largest z."""
    for z in (sign * size for size in SIZES for sign in (1, -1)):
        given = functools.partial(cr.explain, *unit(name, z, "absolute_error"), of="all")
        explanation, said = attempt(given)
        if explanation is None:
            assert re.match(r"explain: .* is (nan|-?inf) for example 1, ", said)
            assert abs(z) > 1e100
        else:
            assert len(lines(explanation)) > 5


@pytest.mark.parametrize("name", LOSS_NAMES)
def test_a_loss_at_any_size(name):
    net = cr.Network(1, [cr.Dense(6)], loss=name)  # quantiles take turns, by twos or threes
    y, ways = problem(net, n=1).y, np.array([[1.0], [-1.0]] * 3)
    for z in (sign * size for size in SIZES for sign in (1, -1)):
        params = net.parameters([(z * ways, np.zeros(6))])
        given = functools.partial(cr.explain, net, params, [1.0], y[0], of="all")
        explanation, said = attempt(given)
        if explanation is None:
            assert re.search(r"(of|cost).* is (-?inf|nan)\b", said)
            assert abs(z) > (700 if name == "poisson" else 1e150)
        else:
            assert len(lines(explanation)) > 5


ROUNDED = {
    "tanh": (43274079.4, "1 / cosh(43274079.4)²"),
    "elu": (-3.8e14, "1 · e^(−3.8 · 10¹⁴)"),
    "softplus": (-1013.6, "ln(1 + e^(−1013.6))"),
    "sigmoid": (-5e12, "1 / (1 + e^(−(−5 · 10¹²)))"),
    "gelu": (-60.0, "(−60) · Φ(−60)"),
}


@pytest.mark.parametrize("name", ROUNDED)
def test_what_is_nearly_0_is_said_to_be_rounded(name):
    z, numbers = ROUNDED[name]
    steps = {own.numbers: own for own, _ in lines(cr.explain(*unit(name, z), of="w1"))}
    assert (steps[numbers].result, steps[numbers].rounded) == ("0", True)


@pytest.mark.parametrize(
    ("formula", "is_exact"),
    [
        (call("tanh", 0), True),
        (call("ln", 1), True),
        (call("sqrt", Number("0.25")) - Number("0.5"), True),
        (Number("0.3") - 3 * Number("0.1"), True),
        (0 * call("exp", 5), True),
        (call("exp", -(Number("2") ** 70)), False),
        (call("tanh", Number("1e-300")), False),
        (1 - call("tanh", 900), False),
    ],
)
def test_only_what_is_0_is_0(formula, is_exact):
    assert rounding(formula, 0.0).rounded != is_exact


RULES = {
    "adagrad": (cr.Adagrad(0.1), "s⁺"),
    "rmsprop": (cr.RMSprop(0.1), "s⁺"),
    "adam": (cr.Adam(0.1), "v⁺"),
    "nadam": (cr.NAdam(0.1), "v⁺"),
    "sgd": (cr.SGD(1e200), "0.W after the update"),
    "momentum": (cr.SGD(1e200, momentum=0.5), "v⁺"),
}


@pytest.mark.parametrize("name", RULES)
def test_a_state_that_is_not_finite_is_an_error(name):
    rule, what = RULES[name]
    net, params, _, y = unit("identity", 1e-170, "absolute_error")
    with pytest.raises(ValueError, match=rf"^explain: {re.escape(what)} is -?inf[,;]"):
        cr.explain(net, params, [1e170], y, of="w1", optimizer=rule)
    assert lines(cr.explain(net, params, [1e50], y, of="w1", optimizer=rule))


@pytest.mark.parametrize("rule", [cr.Adam(1e-3), cr.Adagrad(1e-3), cr.RMSprop(1e-3)])
def test_a_step_of_a_run_whose_state_is_not_finite_is_an_error(rule):
    net, params, _, y = unit("identity", 1e-170, "absolute_error")
    with np.errstate(all="ignore"):
        _, history = cr.fit(
            net, params, [[1e170]], [y], rule, epochs=2, engine="reference", record=True
        )
    for step in (1, 2):
        with pytest.raises(ValueError, match=r"^explain: [vs]⁺? is inf, "):
            cr.explain_step(history, step=step, of="w1")


def test_other_numbers_that_are_not_finite_are_errors():
    net = cr.Network(1, [cr.Dense(1)], "absolute_error", l2=0.1)
    params = net.parameters([([[1e200]], [0.0])])
    with pytest.raises(ValueError, match="the cost, with its penalty of the weights, is inf"):
        cr.explain(net, params, [1.0], [0.0], of="w1")
    net = cr.Network(1, [cr.Dense(2)], "absolute_error")
    params = net.parameters([([[1.7e308], [1.7e308]], [0.0, 0.0])])
    with pytest.raises(ValueError, match="the cost is inf"):
        cr.explain(net, params, [1.0], [0.0, 0.0], of="w1")
    net = cr.Network(1, [cr.Dense(1), cr.Dense(1)], "half_squared_error")
    params = net.parameters([([[1e200]], [0.0]), ([[1e150]], [0.0])])
    with pytest.raises(ValueError, match=r"^explain: ∂out_o1/∂i1 is inf, "):
        cr.explain(net, params, [1e-100], of="o1", by="i1")


# ---- figures -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "digits", "expected"),
    [
        (934006656.5, 8, ("9.3400666", 8)),
        (934006656.5, 9, ("934006656", 0)),
        (123456.0, 3, ("1.23", 5)),
        (123000.0, 3, ("123000", 0)),
        (999999.9, 3, ("1", 6)),
        (5e-324, 9, ("4.94065646", -324)),
        (1e300, 9, ("1", 300)),
        (1.7976931348623157e308, 17, ("1.7976931348623157", 308)),
        (-0.0, 9, ("0", 0)),
    ],
)
def test_each_digit_of_a_figure_is_its_own(number, digits, expected):
    shown = figure(number, digits)
    assert (shown.mantissa, shown.exponent, shown.negative) == (*expected, False)


# ---- bounds --------------------------------------------------------------------------------------

POINTS = ["0.3", "-2.5", "45", "-1013.6", "1e-300", "1e6", "-7e9", "3.8e14", "-1e300"]


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("name", ["exp", "tanh", "cosh", "σ", "Φ", "φ"])
def test_the_bounds_of_a_function_hold_its_value(name, point):
    """As mpmath has it with twice the digits and more."""
    x = Fraction(point)
    with mpmath.workdps(30):
        low, high = enclosing.FUNCTIONS[name](x)
    with mpmath.workdps(90):
        z = mpmath.mpf(point)
        exact = {
            "exp": lambda: mpmath.exp(z),
            "tanh": lambda: mpmath.tanh(z),
            "cosh": lambda: mpmath.cosh(z),
            "σ": lambda: 1 / (1 + mpmath.exp(-z)),
            "Φ": lambda: (
                mpmath.erfc(-z / mpmath.sqrt(2)) / 2 if abs(z) < 1e9 else mpmath.mpf(z > 0)
            ),
            "φ": lambda: mpmath.npdf(z),
        }[name]()
        assert low <= exact <= high
        assert high - low <= abs(exact) * mpmath.mpf("1e-20") or abs(x) > 1e5


def test_what_is_not_known_is_not_decided():
    around = Between(mpmath.mpf(-1), mpmath.mpf(1))
    for name in ("ln", "sqrt", "sgn"):
        with pytest.raises(ValueError, match="what may be"):
            enclosing.FUNCTIONS[name](around)
    with pytest.raises(ZeroDivisionError):
        enclosing.divided(Fraction(1), around)
    assert enclosing.lies(around, Fraction(0), Fraction(2)) is None
    assert enclosing.lies(between(mpmath.mpf(10) ** 10**20), Fraction(0), Fraction(2)) is False
    assert enclosing.FUNCTIONS["max"](around, Fraction(2)).low > 1
    assert enclosing.magnitude(around).low == 0


def test_a_long_power_is_bounded():
    found = compute(Number("0.999") ** 1_000_000, lambda quantity: Fraction(0))
    assert float(found.middle) == pytest.approx(math.exp(1e6 * math.log(0.999)), rel=1e-9)


def test_a_half_between_two_numbers_is_no_proof():
    """A reader may round 0.5 up or down, so the line has another digit less or more."""
    half, whole = Quantity(Key("x"), 0.5), Quantity(Key("b"), 934006656.0)
    printed = rounding(half + whole, 934006656.5)
    assert (printed.result.mantissa, printed.rounded) == ("9.3400666", False)


# ---- the page ------------------------------------------------------------------------------------

SHOWN = {
    "tanh": unit("tanh", 43274079.4),
    "softplus": unit("softplus", -1013.6),
    "elu": unit("elu", -3.8e14),
    "mish": unit("mish", 0.5),
    "gelu": unit("gelu", 3e10, "absolute_error"),
    "silu": unit("silu", -60.0, "log_cosh", 1e-300),
    "identity": unit("identity", 934006656.5, "absolute_error"),
    "quantile": unit("leaky_relu", -1e308, "quantile(0.1)"),
}


@pytest.mark.parametrize("name", SHOWN)
def test_the_page_writes_what_python_writes(opened, name):
    explanation = cr.explain(*SHOWN[name], of="all", optimizer=cr.Adam(0.1))
    assert shown_lines(opened(explanation)) == expected(explanation)


def test_a_weighted_example_of_a_batch_on_the_page(opened):
    """The derivative by what all examples move together is weighted as the mean is."""
    net = cr.Network(2, [cr.Dense(3, "tanh"), cr.Dense(2)], loss="squared_error")
    own = problem(net, n=4, seed=3)
    explanation = cr.explain(
        net, own.params, own.X, own.y, of="net_h2", optimizer=cr.SGD(0.1), step=3, batch_size=1,
        sample_weight=own.w,
    )  # fmt: skip
    assert shown_lines(opened(explanation)) == expected(explanation)
