r"""The tables of activations and losses once more, as formulas: a row for a row.

What a form says is what its row computes; the tests hold the two together. Where the plain form
would lose digits, as a(1 − a) does once a is nearly 1, a longer one is written.

A form brings its own letters along: `let("u", ...)` is a quantity with a line of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from chainrule.explanation.expressions import (
    Call,
    Cases,
    Condition,
    Either,
    Expression,
    Negative,
    Number,
    Quantity,
    Sum,
    call,
    in_double,
    node,
)
from chainrule.explanation.notation import Key


class Let(NamedTuple):
    """A letter and what it stands for: a line before the one that needs it."""

    quantity: Quantity
    expression: Expression


class Formula(NamedTuple):
    """A formula, and the letters that it brings along: where a condition holds, if there is one."""

    expression: Expression
    lets: tuple[Let, ...] = ()
    when: Condition | None = None


def let(letter: str, expression: Expression) -> Let:
    """Return a letter for an expression, whose number is worked out.

    >>> let("u", number(0.25) * 2).quantity.value
    0.5
    """
    return Let(Quantity(Key("letter", text=letter), in_double(expression)), expression)


def exp(x: Expression) -> Call:
    """Return e^x.

    >>> exp(number(2))
    Call(name='exp', arguments=(Number(text='2'),))
    """
    return call("exp", x)


def cases(*rows: tuple[Expression | float, Expression, str, Expression | float]) -> Cases:
    """Return expressions, each with the left, sign and right of its condition.

    >>> z = number(0.5)
    >>> cases((z, z, ">", 0), (0, z, "≤", 0)).row[0]
    Number(text='0.5')
    """
    return Cases(tuple((node(value), when(left, sign, right)) for value, left, sign, right in rows))


def when(left: Expression, sign: str, right: Expression | float) -> Condition:
    """Return the condition of a form.

    >>> when(number(0.5), "<", 1).holds
    True
    """
    return Condition(left, sign, node(right))


def number(value: float) -> Number | Negative:
    """Return a constant in the shortest form that is it exactly.

    >>> number(0.5), number(-2.0)
    (Number(text='0.5'), Negative(inner=Number(text='2')))
    """
    text = repr(abs(value))
    plain = text.removesuffix(".0")
    return Negative(Number(plain)) if value < 0 else Number(plain)


# Activations: a = f(z) and ∂a/∂z, from z, a and the row's parameters.

Rule = Callable[..., Formula]


def _of_z(value: Callable[..., Expression], slope: Callable[..., Expression]) -> tuple[Rule, Rule]:
    """Rules without letters of their own."""
    return (
        lambda z, a, *parameters: Formula(value(z, *parameters)),
        lambda z, a, *parameters: Formula(slope(z, a, *parameters)),
    )


def _times(k: tuple[Expression, ...], x: Expression) -> Expression:
    """kx, where a slope k of 1 is not written."""
    return k[0] * x if k else x


def _sigmoid_slope(z: Quantity, a: Quantity, *k: Expression) -> Expression:
    e = exp(-_times(k, z))
    return Either(when(a, "<", 0.999), _times(k, a * (1 - a)), _times(k, e / (1 + e) ** 2))


def _bipolar_slope(z: Quantity, a: Quantity, *k: Expression) -> Expression:
    half = k[0] / 2 if k else Number("1") / 2
    return Either(_is_steep(a), half * (1 - a**2), half / call("cosh", half * z) ** 2)


def _tanh_slope(z: Quantity, a: Quantity) -> Expression:
    return Either(_is_steep(a), 1 - a**2, 1 / call("cosh", z) ** 2)


def _is_steep(a: Quantity) -> Condition:
    """Whether a is far from ±1, which it may round to."""
    return when(call("abs", a), "<", 0.99)


SELU_SCALE, SELU_ALPHA = number(1.0507009873554805), number(1.6732632423543772)
GELU_K, GELU_C = (
    2 * call("sqrt", Number("2") / Quantity(Key("letter", text="π"), math.pi)),
    number(0.044715),
)


LARGEST_CUBED = 1e100
"""The z up to which u, of z³, is a letter; beyond, double precision might not hold its number."""


def _gelu_u(z: Quantity) -> Expression:
    return GELU_K * Sum((z, GELU_C * z**3))


def _gelu_tanh(z: Quantity, a: Quantity) -> Formula:
    return _gelu_by(z, (let("u", _gelu_u(z)),), lambda u: z * call("σ", u))


def _gelu_tanh_slope(z: Quantity, a: Quantity) -> Formula:
    du = GELU_K * (1 + 3 * GELU_C * z**2)
    lets = let("u", _gelu_u(z)), let("u′", du)
    return _gelu_by(z, lets, lambda u, du: _gelu_slope(z, u, du))


def _gelu_by(z: Quantity, lets: tuple[Let, ...], rule: Callable[..., Expression]) -> Formula:
    """A formula by letters, where double precision holds their numbers, or written out."""
    small = when(call("abs", z), "≤", LARGEST_CUBED)
    by_letters, written_out = (rule(*each) for each in zip(*lets, strict=True))
    return Formula(Either(small, by_letters, written_out), lets, small)


def _gelu_slope(z: Quantity, u: Expression, du: Expression) -> Expression:
    left, right = call("σ", u), call("σ", -u)
    return left + z * left * right * du


def _mish(z: Quantity, a: Quantity) -> Formula:
    s = let("s", call("ln", 1 + exp(z)))
    return Formula(z * call("tanh", s.quantity), (s,))


def _mish_slope(z: Quantity, a: Quantity) -> Formula:
    s = let("s", call("ln", 1 + exp(z)))
    t = let("t", call("tanh", s.quantity))
    return Formula(t.quantity + z * Sum((node(1), -(t.quantity**2))) * call("σ", z), (s, t))


ACTIVATION_FORMULAS: dict[str, tuple[Rule, Rule]] = {
    "identity": _of_z(lambda z: z, lambda z, a: node(1)),
    "sigmoid": _of_z(lambda z, *k: 1 / (1 + exp(-_times(k, z))), _sigmoid_slope),
    "bipolar_sigmoid": _of_z(lambda z, *k: 2 / (1 + exp(-_times(k, z))) - 1, _bipolar_slope),
    "tanh": _of_z(lambda z: call("tanh", z), _tanh_slope),
    "relu": _of_z(
        lambda z: call("max", z, 0),
        lambda z, a: cases((1, z, ">", 0), (0, z, "≤", 0)),
    ),
    "leaky_relu": _of_z(
        lambda z, s: cases((z, z, ">", 0), (s * z, z, "≤", 0)),
        lambda z, a, s: cases((1, z, ">", 0), (s, z, "≤", 0)),
    ),
    "elu": _of_z(
        lambda z, s: cases((z, z, ">", 0), (s * (exp(z) - 1), z, "≤", 0)),
        lambda z, a, s: cases((1, z, ">", 0), (s * exp(z), z, "≤", 0)),
    ),
    "selu": _of_z(
        lambda z: cases(
            (SELU_SCALE * z, z, ">", 0),
            (SELU_SCALE * SELU_ALPHA * (exp(z) - 1), z, "≤", 0),
        ),
        lambda z, a: cases((SELU_SCALE, z, ">", 0), (SELU_SCALE * SELU_ALPHA * exp(z), z, "≤", 0)),
    ),
    "gelu": _of_z(
        lambda z: z * call("Φ", z),
        lambda z, a: call("Φ", z) + z * call("φ", z),
    ),
    "gelu_tanh": (_gelu_tanh, _gelu_tanh_slope),
    "silu": _of_z(
        lambda z: z * call("σ", z),
        lambda z, a: call("σ", z) * (1 + z * call("σ", -z)),
    ),
    "softplus": _of_z(lambda z: call("ln", 1 + exp(z)), lambda z, a: 1 / (1 + exp(-z))),
    "softsign": _of_z(
        lambda z: z / (1 + call("abs", z)), lambda z, a: 1 / (1 + call("abs", z)) ** 2
    ),
    "mish": (_mish, _mish_slope),
    "hard_tanh": _of_z(
        lambda z: call("max", -1, call("min", z, 1)),
        lambda z, a: cases((1, call("abs", z), "<", 1), (0, call("abs", z), "≥", 1)),
    ),
}


# Losses: the share of an output and ∂C/∂a, from its a and y, the number of outputs o, and the row's
# parameters.


class LossFormula(NamedTuple):
    """`value` and `slope` from (a, y, o, *parameters), or with p in the place of a."""

    value: Callable[..., Expression]
    slope: Callable[..., Expression]


def _huber(a: Quantity, y: Quantity, o: Number, d: Number) -> Expression:
    r = call("abs", a - y)
    half = number(in_double(d) / 2)
    return cases((Number("1") / 2 * (a - y) ** 2, r, "≤", d), (d * (r - half), r, ">", d))


def _huber_slope(a: Quantity, y: Quantity, o: Number, d: Number) -> Expression:
    return call("max", -d, call("min", a - y, d))


def _quantile(a: Quantity, y: Quantity, o: Number, q: Number) -> Expression:
    return call("max", (1 - q) * (a - y), q * (y - a))


def _quantile_slope(a: Quantity, y: Quantity, o: Number, q: Number) -> Expression:
    return cases((1 - q, a, ">", y), (0, a, "=", y), (-q, a, "<", y))


def _hinge_slope(a: Quantity, y: Quantity, o: Number) -> Expression:
    return cases((-y, y * a, "<", 1), (0, y * a, "≥", 1))


NEARLY_1, NEARLY_0 = 0.99, 1e-290
"""Beyond these a probability has too few digits for ln p and 1 − p: they come from its logit."""


def _binary(p: Quantity, y: Quantity, o: Number, a: Quantity) -> Expression:
    """The term of a label 0 or 1 alone is written without the other, which is 0."""

    def of(plain: Expression, by_logit: Expression) -> Expression:
        little = Either(when(p, "≤", NEARLY_0), by_logit, plain)
        return Either(when(p, "≥", NEARLY_1), by_logit, little)

    zero = of(call("ln", 1 - p), call("ln", call("σ", -a)))
    one = of(call("ln", p), call("ln", call("σ", a)))
    alone = cases((-one, y, "=", 1), (-zero, y, "=", 0))
    both = -(y * one + (1 - y) * zero)
    return Either(when(y, "=", 1), alone, Either(when(y, "=", 0), alone, both))


def _binary_slope(p: Quantity, y: Quantity, o: Number, a: Quantity) -> Expression:
    """p − y, but −σ(−a) where y is 1, which p may round to."""
    by_logit = Either(when(y, "=", 1), -call("σ", -a), call("σ", a) - y)
    return Either(when(p, "<", NEARLY_1), p - y, by_logit)


def smoothed(y: Quantity, s: Expression, o: Expression) -> Expression:
    """Return the label of an output where a share `s` of all labels is spread over the outputs.

    >>> in_double(smoothed(Quantity(Key("y"), 1.0), number(0.1), number(4)))
    0.925
    """
    return (1 - s) * y + s / o


SMALLEST_PROBABILITY, LARGEST_PROBABILITY = 1e-290, 0.99
"""Outside of these −ln p is worked out by another way than from p, which has too few digits."""


def minus_log(
    p: Quantity, t: Quantity, exponent: Expression, whole: Quantity, others: Expression | None
) -> Expression:
    """Return −t ln p, from the other probabilities where p is nearly 1, from ln S where it is 0.

    >>> half, one = Quantity(Key("p"), 0.5), Quantity(Key("y"), 1.0)
    >>> round(in_double(minus_log(half, one, node(0), half, None)), 6)
    0.693147
    """
    made: Expression = LOSS_FORMULAS["cross_entropy"].value(p, t, number(1))
    if others is not None:
        by_others = -(t * call("ln", 1 - others))
        made = Either(when(p, "<", LARGEST_PROBABILITY), made, by_others)
    by_logit = t * Sum((call("ln", whole), -exponent))
    return Either(when(p, "<", SMALLEST_PROBABILITY), by_logit, made)


LOSS_FORMULAS: dict[str, LossFormula] = {
    "half_squared_error": LossFormula(
        lambda a, y, o: Number("1") / 2 * (a - y) ** 2, lambda a, y, o: a - y
    ),
    "squared_error": LossFormula(lambda a, y, o: (a - y) ** 2, lambda a, y, o: 2 * (a - y)),
    "mean_squared_error": LossFormula(
        lambda a, y, o: (a - y) ** 2 / o, lambda a, y, o: 2 * (a - y) / o
    ),
    "absolute_error": LossFormula(
        lambda a, y, o: call("abs", a - y), lambda a, y, o: call("sgn", a - y)
    ),
    "huber": LossFormula(_huber, _huber_slope),
    "quantile": LossFormula(_quantile, _quantile_slope),
    "log_cosh": LossFormula(
        lambda a, y, o: call("ln", call("cosh", a - y)), lambda a, y, o: call("tanh", a - y)
    ),
    "poisson": LossFormula(lambda a, y, o: exp(a) - y * a, lambda a, y, o: exp(a) - y),
    "hinge": LossFormula(lambda a, y, o: call("max", 1 - y * a, 0), _hinge_slope),
    "binary_cross_entropy": LossFormula(_binary, _binary_slope),
    "cross_entropy": LossFormula(lambda p, t, o: -(t * call("ln", p)), lambda p, t, o: p - t),
}
"""The cross-entropies are of p, what their link makes of the logits; `cross_entropy` of t, the
smoothed label, and `binary_cross_entropy` of the logit too: see `working`."""
