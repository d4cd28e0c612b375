"""The catalogue of mistakes and conventions: each is one row, and changes the rules at one seam.

The commonest come first, for so they are named. A row whose change returns None does not apply to
the network. What several rows give alike, such as ½ and the mean over two outputs, no figure can
tell apart: all of them are named.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from chainrule import losses
from chainrule.batches import Examples
from chainrule.diagnose import slopes
from chainrule.diagnose.worked_rules import Rules, chained
from chainrule.layers import Activate, Role
from chainrule.layers.predictions import of_members
from chainrule.optimizers import SGD, Adam
from chainrule.trees import Array, leaf_names, tree_map


class Mistake(NamedTuple):
    """A row: its name, the seam, what was done, what to do, and the change of the rules.

    Two rows of one seam make no pair.
    """

    name: str
    seam: str
    sentence: str
    fix: str
    change: Callable[[Rules], Rules | None]


# Changes


def at(seam: str, f: Callable[..., Any], when: Callable[[Rules], bool] | None = None) -> Any:
    """Return the change that adds a function to a seam, where it applies.

    >>> at("da", lambda da, a, y, loss: -da).__name__
    'change'
    """

    def change(rules: Rules) -> Rules | None:
        if when is not None and not when(rules):
            return None
        new: dict[str, Any] = {seam: chained(getattr(rules, seam), f)}
        return replace(rules, **new)

    return change


def _sloped(change: slopes.Change, which: Callable[[int, int], bool]) -> Any:
    """Change the activations of some layers: of number k, where the last of them is `end`."""

    def changed(rules: Rules) -> Rules | None:
        layers = rules.layers
        end = max((k for k, each in enumerate(layers) if not each.training_only), default=0)
        new = tuple(
            slopes.altered(each, change) if which(k, end) else each for k, each in enumerate(layers)
        )
        same = all(a is b for a, b in zip(new, layers, strict=True))
        return None if same else replace(rules, layers=new)

    return changed


def _everywhere(k: int, end: int) -> bool:
    return True


def _at_the_end(k: int, end: int) -> bool:
    return k == end


def _before_the_end(k: int, end: int) -> bool:
    return k != end


def _loss(name: str) -> Any:
    def change(rules: Rules) -> Rules | None:
        squares = ("half_squared_error", "squared_error", "mean_squared_error")
        own = losses.loss(rules.net.loss).name
        if own not in squares or own == name:
            return None
        return replace(rules, loss=of_members(losses.loss(name), rules.net.members))

    return change


def _outputs(rules: Rules) -> int:
    return rules.net.outputs


def _reduction(rules: Rules) -> Rules | None:
    if len(rules.data.X) < 2:
        return None
    other = "mean" if rules.net.reduction == "sum" else "sum"
    return replace(rules, net=replace(rules.net, reduction=other))


def _biases(rules: Rules) -> frozenset[str]:
    return frozenset(
        n for n, role in rules.net.roles.items() if n.endswith(".b") and role is Role.BIAS
    )


def _biases_frozen(rules: Rules) -> Rules | None:
    frozen = rules.frozen | _biases(rules)
    return None if frozen == rules.frozen or not rules.optimizer else replace(rules, frozen=frozen)


def _biases_trained(rules: Rules) -> Rules | None:
    frozen = rules.frozen - _biases(rules)
    return None if frozen == rules.frozen or not rules.optimizer else replace(rules, frozen=frozen)


def _of_leaves(last: str, f: Callable[[Array], Array]) -> Callable[..., Any]:
    """A change of all leaves of a name."""

    def change(tree: Any, *_: Any) -> Any:
        names = leaf_names(tree)
        return tree_map(
            lambda name, leaf: f(leaf) if name.rpartition(".")[2] == last else leaf, names, tree
        )

    return change


def _read_across(W: Array) -> Array:
    """The numbers of W (o, i) read as those of a matrix (i, o)."""
    return W.reshape(W.shape[::-1]).T if W.ndim == 2 else W


def _written_across(W: Array) -> Array:
    return np.ascontiguousarray(W.T).reshape(W.shape) if W.ndim == 2 else W


def _flipped(W: Array) -> Array:
    """The transposed of a square matrix."""
    return W.T if W.ndim == 2 and W.shape[0] == W.shape[1] else W


def _transposed(rules: Rules) -> Rules | None:
    read, back = _of_leaves("W", _read_across), _of_leaves("W", _written_across)
    return replace(rules, read=chained(rules.read, read), unread=chained(back, rules.unread))


def _shared_bias(tree: Any, *_: Any) -> Any:
    return _of_leaves("b", lambda b: np.full_like(b, np.sum(b)))(tree)


def _own_output(record: Any) -> Any:
    """The record with a layer's own output in the place of what entered it."""
    return record._replace(x=record.a) if record.x.shape == record.a.shape else record


def _first_path(delta: Any) -> Any:
    """The delta of the first unit alone."""
    return tree_map(lambda part: part * (np.arange(part.shape[-1]) == 0), delta)


def _link_slope(da: Array, a: Array, y: Array, loss: Any) -> Array:
    """∂L/∂a times σ′, which the cross-entropy has cancelled."""
    p = loss.link(a, np)
    return da * p * (1 - p)


def _links(rules: Rules) -> bool:
    return rules.loss.link_name in ("sigmoid", "softmax")


def _link_twice(rules: Rules) -> Rules | None:
    if not _links(rules):
        return None
    return replace(rules, layers=(*rules.layers, Activate(rules.loss.link_name)))


def _residual(a: Array, y: Array, loss: Any) -> Array:
    return loss.link(a, np) - y


def _data(f: Callable[[Array, Array], tuple[Array, Array]], when: Callable[..., bool]) -> Any:
    def change(rules: Rules) -> Rules | None:
        X, y, w = rules.data
        if not when(X, y):
            return None
        X, y = f(X, y)
        return replace(rules, data=Examples(X, y, w))

    return change


def _unweighted(rules: Rules) -> Rules | None:
    return None if rules.data.w is None else replace(rules, data=rules.data._replace(w=None))


def _optimizer(f: Callable[[Any], Any]) -> Any:
    """Change the optimizer; f returns None where it does not apply."""

    def change(rules: Rules) -> Rules | None:
        new = None if rules.optimizer is None else f(rules.optimizer)
        return None if new is None else replace(rules, optimizer=new)

    return change


def _rate(f: Callable[[float], float]) -> Any:
    def change(optimizer: Any) -> Any:
        rate = optimizer.learning_rate
        if not isinstance(rate, (int, float)) or f(rate) == rate:
            return None
        return replace(optimizer, learning_rate=f(rate))

    return _optimizer(change)


def _momentum(when: Callable[[SGD], bool], **new: Any) -> Any:
    def change(optimizer: Any) -> Any:
        fits = isinstance(optimizer, SGD) and optimizer.momentum and when(optimizer)
        return replace(optimizer, **new) if fits else None

    return _optimizer(change)


def _running_mean(optimizer: Any) -> Any:
    plain = isinstance(optimizer, SGD) and optimizer.momentum and not optimizer.dampening
    return replace(optimizer, dampening=optimizer.momentum, nesterov=False) if plain else None


def _uncorrected(rules: Rules) -> Rules | None:
    fits = isinstance(rules.optimizer, Adam) and isinstance(
        rules.optimizer.learning_rate, (int, float)
    )
    return replace(rules, bias_corrected=False) if fits else None


def _undecayed(optimizer: Any) -> Any:
    return replace(optimizer, weight_decay=0.0) if optimizer.weight_decay else None


def _penalty(l1: float, l2: float) -> Any:
    """Multiply the penalties."""

    def change(rules: Rules) -> Rules | None:
        net = rules.net
        new = replace(net, l1=l1 * net.l1, l2=l2 * net.l2)
        return None if new == net else replace(rules, net=new)

    return change


def _later(steps: int) -> Any:
    return lambda rules: replace(rules, later=rules.later + steps) if rules.optimizer else None


def _updated_first(rules: Rules) -> Rules | None:
    fits = rules.optimizer is not None and len(rules.layers) > 1
    return replace(rules, updated_first=True) if fits else None


# Rounding


def decimals(digits: int, value: Array) -> Array:
    """Return numbers rounded to decimals.

    >>> decimals(2, np.array([0.125, 0.126]))
    array([0.12, 0.13])
    """
    return np.round(value, digits)


def significant(digits: int, value: Array) -> Array:
    """Return numbers rounded to significant digits.

    >>> significant(2, np.array([0.01234, 123.4, 0.0]))
    array([1.2e-02, 1.2e+02, 0.0e+00])
    """
    value = np.asarray(value)
    text = [f"{each:.{digits - 1}e}" for each in value.ravel().tolist()]
    return np.array([*map(float, text)], value.dtype).reshape(value.shape)


def _rounded(between: Callable[[Array], Array], *, all_steps: bool) -> Any:
    def change(rules: Rules) -> Rules | None:
        layers = tuple(slopes.altered(each, slopes.rounded(between)) for each in rules.layers)
        return replace(
            rules,
            layers=layers,
            between=chained(rules.between, between),
            all_steps=rules.all_steps or all_steps,
        )

    return change


def _rounding() -> list[Mistake]:
    """A row for each count of digits, of factors alone and of every result."""
    rows = []
    for kind, f in (("decimals", decimals), ("significant digits", significant)):
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
                        _rounded(between, all_steps=all_steps),
                    )
                )
    return rows


def _in_float32(rules: Rules) -> Rules:
    X, y, w = (None if p is None else p.astype(np.float32) for p in rules.data)
    return replace(rules, data=Examples(X, y, w), single=True, reading="single")


def _reading(name: str) -> Any:
    return lambda rules: replace(rules, reading=name)


# The table

MISTAKES: dict[str, Mistake] = {
    row.name: row
    for row in (
        Mistake(
            "updated weights in the hidden deltas",
            "order",
            "the hidden deltas were taken with the weights after the update",
            "work out all gradients with the old weights, and update then",
            _updated_first,
        ),
        Mistake(
            "slope left out",
            "slope",
            "σ′, the slope of the activation, was left out in every layer",
            "multiply ∂C/∂a by σ′(z)",
            _sloped(slopes.left_out, _everywhere),
        ),
        Mistake(
            "slope left out of the outputs",
            "slope",
            "σ′ was left out in the output layer, as only a cross-entropy allows",
            "multiply ∂C/∂a by σ′(z) in the output layer too",
            _sloped(slopes.left_out, _at_the_end),
        ),
        Mistake(
            "slope left out of the hidden layers",
            "slope",
            "σ′ was left out in the hidden layers",
            "multiply ∂C/∂a by σ′(z) in each hidden layer",
            _sloped(slopes.left_out, _before_the_end),
        ),
        Mistake(
            "slope of a",
            "slope",
            "σ′ was taken of the activation, σ′(a), in place of the weighted input",
            "take σ′(z), or the formula by the output, such as a(1 − a)",
            _sloped(slopes.of_activation, _everywhere),
        ),
        Mistake(
            "output's formula at z",
            "slope",
            "the formula of σ′ by the output was worked out of the weighted input, as z(1 − z)",
            "put the activation in: a(1 − a)",
            _sloped(slopes.output_form_of_input, _everywhere),
        ),
        Mistake(
            "slope of a sigmoid",
            "slope",
            "σ′ was taken as a(1 − a), which is the sigmoid's, of another activation",
            "take the slope of the activation that the layer has",
            _sloped(slopes.as_if("sigmoid"), _everywhere),
        ),
        Mistake(
            "slope of a tanh",
            "slope",
            "σ′ was taken as 1 − a², which is tanh's, of another activation",
            "take the slope of the activation that the layer has",
            _sloped(slopes.as_if("tanh"), _everywhere),
        ),
        Mistake(
            "softmax without its other terms",
            "slope",
            "of the softmax's derivatives only ∂a_j/∂z_j = a_j(1 − a_j) was taken",
            "add −a_j a_k for the other outputs: all of them depend on each z",
            _sloped(slopes.diagonal, _everywhere),
        ),
        Mistake(
            "stray minus at the slope",
            "slope",
            "σ′ was taken with a stray minus, −a(1 − a)",
            "take σ′ without it",
            _sloped(slopes.negated, _everywhere),
        ),
        Mistake(
            "sign of the error",
            "sign",
            "the sign is reversed: (y − a) was taken for ∂C/∂a in place of (a − y)",
            "take (a − y); the minus of target − output belongs to the derivative",
            at("da", lambda da, a, y, loss: -da),
        ),
        Mistake(
            "update uphill",
            "update's sign",
            "the gradient was added to the weights in the update",
            "subtract it: w⁺ = w − η ∂C/∂w",
            at(
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
            _loss("half_squared_error"),
        ),
        Mistake(
            "sum of the squares",
            "loss",
            "the loss was taken as Σ(a − y)², without a ½ or a mean",
            "take the factor of the network's loss, or change its loss",
            _loss("squared_error"),
        ),
        Mistake(
            "mean of the squares",
            "loss",
            "the loss was taken as the mean of (a − y)² over the outputs",
            "take the factor of the network's loss, or change its loss",
            _loss("mean_squared_error"),
        ),
        Mistake(
            "gradient doubled",
            "factor",
            "the derivative of the loss is twice what it is: a 2 of the square is left",
            "cancel it with the ½ of the loss",
            at("da", lambda da, a, y, loss: 2 * da),
        ),
        Mistake(
            "gradient halved",
            "factor",
            "the derivative of the loss is half of what it is",
            "keep the 2 of the square where the loss has no ½",
            at("da", lambda da, a, y, loss: da / 2),
        ),
        Mistake(
            "mean over outputs",
            "factor",
            "the derivative of the loss was divided by the number of outputs",
            "divide only where the loss is a mean over its outputs",
            at("da", lambda da, a, y, loss: da / a.shape[1], lambda r: _outputs(r) > 1),
        ),
        Mistake(
            "sum over outputs",
            "factor",
            "the derivative of the loss is that of a sum over the outputs, not of their mean",
            "divide by the number of outputs",
            at("da", lambda da, a, y, loss: da * a.shape[1], lambda r: _outputs(r) > 1),
        ),
        Mistake(
            "mean and sum over examples",
            "examples",
            "sum and mean over the examples were exchanged",
            "take what the network's reduction says, by default the mean",
            _reduction,
        ),
        Mistake(
            "biases frozen",
            "biases",
            "the biases were not updated",
            "update them like the weights",
            _biases_frozen,
        ),
        Mistake(
            "biases updated",
            "biases",
            "the biases were updated, which stay as they are here",
            "leave them, or leave out freeze",
            _biases_trained,
        ),
        Mistake(
            "biases forgotten",
            "biases",
            "the biases were forgotten on the way forward",
            "add b: z = Wx + b",
            at("read", _of_leaves("b", np.zeros_like)),
        ),
        Mistake(
            "bias shared",
            "biases",
            "one bias was taken for all units of a layer: its derivative is their sum",
            "give each unit a bias of its own, or tie them: ties",
            at("grads", _shared_bias),
        ),
        Mistake(
            "weights transposed",
            "weights",
            "the weights were numbered the other way: those that leave a unit, one after the other",
            "number them by the unit they lead into, W (outputs, inputs), or say weights_are",
            _transposed,
        ),
        Mistake(
            "weights not transposed on the way back",
            "weights back",
            "on the way back, W was taken in place of its transposed",
            "take δ W: the weights that leave the unit",
            at("back", _of_leaves("W", _flipped)),
        ),
        Mistake(
            "weights left out on the way back",
            "weights back",
            "on the way back, the weights were left out: the deltas alone were summed",
            "multiply each delta by the weight it comes back through",
            at("back", _of_leaves("W", np.ones_like)),
        ),
        Mistake(
            "one path only",
            "paths",
            "on the way back, only the path through the first unit of the next layer was taken",
            "sum over all units that the unit leads to",
            at("through", _first_path),
        ),
        Mistake(
            "gradient transposed",
            "gradient",
            "the gradient of W was transposed: x ⊗ δ in place of δ ⊗ x",
            "∂C/∂W[j, k] is δ_j x_k, with k the unit it comes from",
            at("grads", _of_leaves("W", _flipped)),
        ),
        Mistake(
            "own output for the input",
            "gradient",
            "δ was multiplied by the layer's own output in place of what entered it",
            "multiply δ by the activation of the layer before",
            at("entering", _own_output),
        ),
        Mistake(
            "stray square, negative",
            "square",
            "the residual is squared in the derivative: −(y − a)²",
            "the derivative of (y − a)² has (y − a) to the first power",
            at("da", lambda da, a, y, loss: -da * _residual(a, y, loss)),
        ),
        Mistake(
            "stray square",
            "square",
            "the residual is squared in the derivative: (a − y)²",
            "the derivative of (a − y)² has (a − y) to the first power",
            at("da", lambda da, a, y, loss: da * _residual(a, y, loss)),
        ),
        Mistake(
            "activation twice",
            "end",
            "the activation was applied before a loss that applies it itself: σ(σ(z))",
            "give the cross-entropy the weighted inputs, the logits",
            _link_twice,
        ),
        Mistake(
            "activation twice, its slope once",
            "end",
            "the loss took the probabilities for logits, and p − y was taken for the delta",
            "give the cross-entropy the weighted inputs, the logits",
            at("da", lambda da, a, y, loss: loss.grad(loss.link(a, np), y, np), _links),
        ),
        Mistake(
            "slope beside a cross-entropy",
            "end",
            "σ′ was multiplied in, which the cross-entropy has cancelled: δ is p − y",
            "leave σ′ out at the outputs",
            at("da", _link_slope, _links),
        ),
        Mistake(
            "outputs without activation",
            "end",
            "the activation of the output layer was left out",
            "apply it to the weighted inputs of the outputs",
            _sloped(slopes.linear, _at_the_end),
        ),
        Mistake(
            "one step too few",
            "steps",
            "the figure is of one step earlier",
            "count the updates: the figures of step t follow t − 1 of them",
            _later(-1),
        ),
        Mistake(
            "one step too many",
            "steps",
            "the figure is of one step later",
            "count the updates: the figures of step t follow t − 1 of them",
            _later(1),
        ),
        Mistake(
            "rate forgotten",
            "rate",
            "the learning rate was forgotten in the update",
            "multiply the gradient by η",
            _rate(lambda rate: 1.0),
        ),
        Mistake(
            "rate twice",
            "rate",
            "the learning rate was applied twice",
            "multiply the gradient by η once",
            _rate(lambda rate: rate * rate),
        ),
        Mistake(
            "momentum as a running mean",
            "momentum",
            "momentum was taken as a running mean, v ← βv + (1 − β)g",
            "take v ← βv + ηg, or say dampening",
            _optimizer(_running_mean),
        ),
        Mistake(
            "momentum as a sum",
            "momentum",
            "momentum was taken as a sum, v ← βv + ηg, without (1 − β)",
            "take v ← βv + (1 − β)g, or leave out dampening",
            _momentum(lambda o: bool(o.dampening), dampening=0.0),
        ),
        Mistake(
            "momentum forgotten",
            "momentum",
            "momentum was forgotten",
            "add β times the velocity of the step before",
            _momentum(lambda o: True, momentum=0.0, dampening=0.0, nesterov=False),
        ),
        Mistake(
            "look-ahead added",
            "momentum",
            "Nesterov's look-ahead was taken, which the optimizer does not have",
            "subtract the velocity as it is",
            _momentum(lambda o: not (o.nesterov or o.dampening), nesterov=True),
        ),
        Mistake(
            "look-ahead forgotten",
            "momentum",
            "Nesterov's look-ahead was forgotten",
            "subtract μv + ηg",
            _momentum(lambda o: o.nesterov, nesterov=False),
        ),
        Mistake(
            "means not corrected",
            "momentum",
            "Adam's means were not corrected for their start at 0",
            "divide them by 1 − βᵗ",
            _uncorrected,
        ),
        Mistake(
            "decay forgotten",
            "penalty",
            "the decay of the weights was forgotten",
            "subtract ηλw too",
            _optimizer(_undecayed),
        ),
        Mistake(
            "penalty forgotten",
            "penalty",
            "the penalty on the weights was forgotten",
            "add its derivative, λ₂w and λ₁ sgn w",
            _penalty(0, 0),
        ),
        Mistake(
            "penalty without its ½",
            "penalty",
            "the penalty was taken as λ₂Σw², without its ½",
            "take ½λ₂Σw², with the derivative λ₂w",
            _penalty(1, 2),
        ),
        Mistake(
            "weights of examples forgotten",
            "examples",
            "the weights of the examples were forgotten",
            "weigh each example",
            _unweighted,
        ),
        Mistake(
            "inputs and targets exchanged",
            "data",
            "inputs and targets were exchanged",
            "x enters the network, y is compared with its output",
            _data(lambda X, y: (y, X), lambda X, y: X.shape == y.shape),
        ),
        Mistake(
            "inputs in reverse order",
            "data",
            "the inputs were taken in reverse order",
            "x1 comes first",
            _data(lambda X, y: (X[:, ::-1], y), lambda X, y: X.shape[1] > 1),
        ),
        Mistake(
            "targets in reverse order",
            "data",
            "the targets were taken in reverse order",
            "y1 is the target of o1",
            _data(lambda X, y: (X, y[:, ::-1]), lambda X, y: y.shape[1] > 1),
        ),
        Mistake(
            "cut off",
            "reading",
            "the digits were cut off in place of rounded",
            "round the last digit",
            _reading("truncated"),
        ),
        *_rounding(),
        Mistake(
            "single precision",
            "rounding",
            "it was worked out in single precision, float32, whose digits end after the seventh",
            "work in double precision, or print seven digits",
            _in_float32,
        ),
        Mistake(
            "last digit",
            "reading",
            "the last digit is off by one: a slip of rounding",
            "round the full figure once",
            _reading("next"),
        ),
    )
}
"""The rows by their names, the commonest first."""
