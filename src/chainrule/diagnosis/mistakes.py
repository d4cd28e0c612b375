"""The catalogue of mistakes and conventions: each is one row, and changes the rules at one seam.

The commonest come first, for so they are named. A row whose change returns None does not apply to
the network. What several rows give alike, such as ½ and the mean over two outputs, no figure can
tell apart: all of them are named.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from chainrule.diagnosis import rule_changes as to
from chainrule.diagnosis import slopes
from chainrule.diagnosis.worked_rules import Rules
from chainrule.trees import tree_map


class Mistake(NamedTuple):
    """A row: its name, the seam, what was done, what to do, and the change of the rules.

    Two rows of one seam make no pair.
    """

    name: str
    seam: str
    sentence: str
    fix: str
    change: Callable[[Rules], Rules | None]


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


MISTAKES: dict[str, Mistake] = {
    row.name: row
    for row in (
        Mistake(
            "updated weights in the hidden deltas",
            "order",
            "the hidden deltas were taken with the weights after the update",
            "work out all gradients with the old weights, and update then",
            to.updated_first,
        ),
        Mistake(
            "slope left out",
            "slope",
            "σ′, the slope of the activation, was left out in every layer",
            "multiply ∂C/∂a by σ′(z)",
            to.sloped(slopes.left_out, to.everywhere),
        ),
        Mistake(
            "slope left out of the outputs",
            "slope",
            "σ′ was left out in the output layer, as only a cross-entropy allows",
            "multiply ∂C/∂a by σ′(z) in the output layer too",
            to.sloped(slopes.left_out, to.at_the_end),
        ),
        Mistake(
            "slope left out of the hidden layers",
            "slope",
            "σ′ was left out in the hidden layers",
            "multiply ∂C/∂a by σ′(z) in each hidden layer",
            to.sloped(slopes.left_out, to.before_the_end),
        ),
        Mistake(
            "slope of a",
            "slope",
            "σ′ was taken of the activation, σ′(a), in place of the weighted input",
            "take σ′(z), or the formula by the output, such as a(1 − a)",
            to.sloped(slopes.of_activation, to.everywhere),
        ),
        Mistake(
            "output's formula at z",
            "slope",
            "the formula of σ′ by the output was worked out of the weighted input, as z(1 − z)",
            "put the activation in: a(1 − a)",
            to.sloped(slopes.output_form_of_input, to.everywhere),
        ),
        Mistake(
            "slope of a sigmoid",
            "slope",
            "σ′ was taken as a(1 − a), which is the sigmoid's, of another activation",
            "take the slope of the activation that the layer has",
            to.sloped(slopes.as_if("sigmoid"), to.everywhere),
        ),
        Mistake(
            "slope of a tanh",
            "slope",
            "σ′ was taken as 1 − a², which is tanh's, of another activation",
            "take the slope of the activation that the layer has",
            to.sloped(slopes.as_if("tanh"), to.everywhere),
        ),
        Mistake(
            "softmax without its other terms",
            "slope",
            "of the softmax's derivatives only ∂a_j/∂z_j = a_j(1 − a_j) was taken",
            "add −a_j a_k for the other outputs: all of them depend on each z",
            to.sloped(slopes.diagonal, to.everywhere),
        ),
        Mistake(
            "stray minus at the slope",
            "slope",
            "σ′ was taken with a stray minus, −a(1 − a)",
            "take σ′ without it",
            to.sloped(slopes.negated, to.everywhere),
        ),
        Mistake(
            "sign of the error",
            "sign",
            "the sign is reversed: (y − a) was taken for ∂C/∂a in place of (a − y)",
            "take (a − y); the minus of target − output belongs to the derivative",
            to.at("da", lambda da, a, y, loss: -da),
        ),
        Mistake(
            "update uphill",
            "update's sign",
            "the gradient was added to the weights in the update",
            "subtract it: w⁺ = w − η ∂C/∂w",
            to.at(
                "to_update",
                lambda grads: tree_map(lambda g: -g, grads),
                lambda r: bool(r.optimizer),
            ),
        ),
        Mistake(
            "half the squares",
            "loss",
            "the loss was taken as ½Σ(a − y)²",
            "take the factor of the network's loss, or change its loss",
            to.of_squares("half_squared_error"),
        ),
        Mistake(
            "sum of the squares",
            "loss",
            "the loss was taken as Σ(a − y)², without a ½ or a mean",
            "take the factor of the network's loss, or change its loss",
            to.of_squares("squared_error"),
        ),
        Mistake(
            "mean of the squares",
            "loss",
            "the loss was taken as the mean of (a − y)² over the outputs",
            "take the factor of the network's loss, or change its loss",
            to.of_squares("mean_squared_error"),
        ),
        Mistake(
            "gradient doubled",
            "factor",
            "the derivative of the loss is twice what it is: a 2 of the square is left",
            "cancel it with the ½ of the loss",
            to.at("da", lambda da, a, y, loss: 2 * da),
        ),
        Mistake(
            "gradient halved",
            "factor",
            "the derivative of the loss is half of what it is",
            "keep the 2 of the square where the loss has no ½",
            to.at("da", lambda da, a, y, loss: da / 2),
        ),
        Mistake(
            "mean over outputs",
            "factor",
            "the derivative of the loss was divided by the number of outputs",
            "divide only where the loss is a mean over its outputs",
            to.at("da", lambda da, a, y, loss: da / a.shape[1], lambda r: to.outputs(r) > 1),
        ),
        Mistake(
            "sum over outputs",
            "factor",
            "the derivative of the loss is that of a sum over the outputs, not of their mean",
            "divide by the number of outputs",
            to.at("da", lambda da, a, y, loss: da * a.shape[1], lambda r: to.outputs(r) > 1),
        ),
        Mistake(
            "mean and sum over examples",
            "examples",
            "sum and mean over the examples were exchanged",
            "take what the network's reduction says, by default the mean",
            to.other_reduction,
        ),
        Mistake(
            "biases frozen",
            "biases",
            "the biases were not updated",
            "update them like the weights",
            to.biases_frozen,
        ),
        Mistake(
            "biases updated",
            "biases",
            "the biases were updated, which stay as they are here",
            "leave them, or leave out freeze",
            to.biases_trained,
        ),
        Mistake(
            "biases forgotten",
            "biases",
            "the biases were forgotten on the way forward",
            "add b: z = Wx + b",
            to.at("read", to.of_leaves("b", np.zeros_like)),
        ),
        Mistake(
            "bias shared",
            "biases",
            "one bias was taken for all units of a layer: its derivative is their sum",
            "give each unit a bias of its own, or tie them: ties",
            to.at("grads", to.shared_bias),
        ),
        Mistake(
            "weights transposed",
            "weights",
            "the weights were numbered the other way: those that leave a unit, one after the other",
            "number them by the unit they lead into, W (outputs, inputs), or say weights_are",
            to.transposed,
        ),
        Mistake(
            "weights not transposed on the way back",
            "weights back",
            "on the way back, W was taken in place of its transposed",
            "take δ W: the weights that leave the unit",
            to.at("back", to.of_leaves("W", to.flipped)),
        ),
        Mistake(
            "weights left out on the way back",
            "weights back",
            "on the way back, the weights were left out: the deltas alone were summed",
            "multiply each delta by the weight it comes back through",
            to.at("back", to.of_leaves("W", np.ones_like)),
        ),
        Mistake(
            "one path only",
            "paths",
            "on the way back, only the path through the first unit of the next layer was taken",
            "sum over all units that the unit leads to",
            to.at("through", to.first_path),
        ),
        Mistake(
            "gradient transposed",
            "gradient",
            "the gradient of W was transposed: x ⊗ δ in place of δ ⊗ x",
            "∂C/∂W[j, k] is δ_j x_k, with k the unit it comes from",
            to.at("grads", to.of_leaves("W", to.flipped)),
        ),
        Mistake(
            "own output for the input",
            "gradient",
            "δ was multiplied by the layer's own output in place of what entered it",
            "multiply δ by the activation of the layer before",
            to.at("entering", to.own_output),
        ),
        Mistake(
            "stray square, negative",
            "square",
            "the residual is squared in the derivative: −(y − a)²",
            "the derivative of (y − a)² has (y − a) to the first power",
            to.at("da", lambda da, a, y, loss: -da * to.residual(a, y, loss)),
        ),
        Mistake(
            "stray square",
            "square",
            "the residual is squared in the derivative: (a − y)²",
            "the derivative of (a − y)² has (a − y) to the first power",
            to.at("da", lambda da, a, y, loss: da * to.residual(a, y, loss)),
        ),
        Mistake(
            "activation twice",
            "end",
            "the activation was applied before a loss that applies it itself: σ(σ(z))",
            "give the cross-entropy the weighted inputs, the logits",
            to.link_twice,
        ),
        Mistake(
            "activation twice, its slope once",
            "end",
            "the loss took the probabilities for logits, and p − y was taken for the delta",
            "give the cross-entropy the weighted inputs, the logits",
            to.at("da", lambda da, a, y, loss: loss.grad(loss.link(a, np), y, np), to.links),
        ),
        Mistake(
            "slope beside a cross-entropy",
            "end",
            "σ′ was multiplied in, which the cross-entropy has cancelled: δ is p − y",
            "leave σ′ out at the outputs",
            to.at("da", to.link_slope, to.links),
        ),
        Mistake(
            "outputs without activation",
            "end",
            "the activation of the output layer was left out",
            "apply it to the weighted inputs of the outputs",
            to.sloped(slopes.linear, to.at_the_end),
        ),
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
}
"""The rows by their names, the commonest first."""
