"""The mistakes that are made around a pass: in steps, rates, momentum, data, and in figures."""

from __future__ import annotations

import functools

from chainrule.diagnosis import rule_changes as to
from chainrule.diagnosis.mistake import Mistake


def _rounding() -> list[Mistake]:
    """A row for each count of digits, of factors alone and of every result."""
    rows = []
    for kind, f in (("decimals", to.decimals), ("significant digits", to.significant)):
        for digits in range(2, 10):
            between = functools.partial(f, digits)
            for all_steps in (True, False):
                what = "every result on the way" if all_steps else "every factor"
                rows.append(
                    Mistake(
                        f"{'results' if all_steps else 'factors'} rounded to {digits} {kind}",
                        "rounding",
                        f"{what} was rounded to {digits} {kind} before it was used",
                        "round only what is printed, and go on with the full figure",
                        to.rounding_by(between, all_steps=all_steps),
                    )
                )
    return rows


PROCEDURE_MISTAKES = (
    Mistake(
        "one step too few",
        "steps",
        "the figure is of one step earlier",
        "count the updates: the figures of step t follow t − 1 of them",
        to.later_by(-1),
    ),
    Mistake(
        "one step too many",
        "steps",
        "the figure is of one step later",
        "count the updates: the figures of step t follow t − 1 of them",
        to.later_by(1),
    ),
    Mistake(
        "rate forgotten",
        "rate",
        "the learning rate was forgotten in the update",
        "multiply the gradient by η",
        to.of_rate(lambda rate: 1.0),
    ),
    Mistake(
        "rate twice",
        "rate",
        "the learning rate was applied twice",
        "multiply the gradient by η once",
        to.of_rate(lambda rate: rate * rate),
    ),
    Mistake(
        "momentum as a running mean",
        "momentum",
        "momentum was taken as a running mean, v ← βv + (1 − β)g",
        "take v ← βv + ηg, or say dampening",
        to.of_optimizer(to.running_mean),
    ),
    Mistake(
        "momentum as a sum",
        "momentum",
        "momentum was taken as a sum, v ← βv + ηg, without (1 − β)",
        "take v ← βv + (1 − β)g, or leave out dampening",
        to.of_momentum(lambda o: bool(o.dampening), dampening=0.0),
    ),
    Mistake(
        "momentum forgotten",
        "momentum",
        "momentum was forgotten",
        "add β times the velocity of the step before",
        to.of_momentum(lambda o: True, momentum=0.0, dampening=0.0, nesterov=False),
    ),
    Mistake(
        "look-ahead added",
        "momentum",
        "Nesterov's look-ahead was taken, which the optimizer does not have",
        "subtract the velocity as it is",
        to.of_momentum(lambda o: not (o.nesterov or o.dampening), nesterov=True),
    ),
    Mistake(
        "look-ahead forgotten",
        "momentum",
        "Nesterov's look-ahead was forgotten",
        "subtract μv + ηg",
        to.of_momentum(lambda o: o.nesterov, nesterov=False),
    ),
    Mistake(
        "means not corrected",
        "momentum",
        "Adam's means were not corrected for their start at 0",
        "divide them by 1 − βᵗ",
        to.uncorrected,
    ),
    Mistake(
        "decay forgotten",
        "penalty",
        "the decay of the weights was forgotten",
        "subtract ηλw too",
        to.of_optimizer(to.undecayed),
    ),
    Mistake(
        "penalty forgotten",
        "penalty",
        "the penalty on the weights was forgotten",
        "add its derivative, λ₂w and λ₁ sgn w",
        to.of_penalty(0, 0),
    ),
    Mistake(
        "penalty without its ½",
        "penalty",
        "the penalty was taken as λ₂Σw², without its ½",
        "take ½λ₂Σw², with the derivative λ₂w",
        to.of_penalty(1, 2),
    ),
    Mistake(
        "weights of examples forgotten",
        "examples",
        "the weights of the examples were forgotten",
        "weigh each example",
        to.unweighted,
    ),
    Mistake(
        "inputs and targets exchanged",
        "data",
        "inputs and targets were exchanged",
        "x enters the network, y is compared with its output",
        to.exchanged(lambda X, y: (y, X), lambda X, y: X.shape == y.shape),
    ),
    Mistake(
        "inputs in reverse order",
        "data",
        "the inputs were taken in reverse order",
        "x1 comes first",
        to.exchanged(lambda X, y: (X[:, ::-1], y), lambda X, y: X.shape[1] > 1),
    ),
    Mistake(
        "targets in reverse order",
        "data",
        "the targets were taken in reverse order",
        "y1 is the target of o1",
        to.exchanged(lambda X, y: (X, y[:, ::-1]), lambda X, y: y.shape[1] > 1),
    ),
    Mistake(
        "cut off",
        "reading",
        "the digits were cut off in place of rounded",
        "round the last digit",
        to.read_as("truncated"),
    ),
    *_rounding(),
    Mistake(
        "single precision",
        "rounding",
        "it was worked out in single precision, float32, whose digits end after the seventh",
        "work in double precision, or print seven digits",
        to.in_float32,
    ),
    Mistake(
        "last digit",
        "reading",
        "the last digit is off by one: a slip of rounding",
        "round the full figure once",
        to.read_as("next"),
    ),
)
"""The rows, the commonest first."""
