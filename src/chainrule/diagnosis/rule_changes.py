"""How rules are changed: what the rows of the table of mistakes are made of.

Each function is a change of the rules, or returns one; it returns None where it does not apply.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule import losses
from chainrule.batches import Examples
from chainrule.diagnosis import slopes
from chainrule.diagnosis.worked_rules import Rules, chained
from chainrule.layers import Activate, Role
from chainrule.layers.predictions import of_members
from chainrule.optimizers import SGD, Adam
from chainrule.trees import Array, leaf_names, tree_map


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


def sloped(change: slopes.Change, which: Callable[[int, int], bool]) -> Any:
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


def everywhere(k: int, end: int) -> bool:
    """Choose every layer."""
    return True


def at_the_end(k: int, end: int) -> bool:
    """Choose the last layer."""
    return k == end


def before_the_end(k: int, end: int) -> bool:
    """Choose the layers before the last."""
    return k != end


def of_squares(name: str) -> Any:
    """Return what takes another of the squared errors for the loss."""

    def change(rules: Rules) -> Rules | None:
        squares = ("half_squared_error", "squared_error", "mean_squared_error")
        own = losses.loss(rules.net.loss).name
        if own not in squares or own == name:
            return None
        return replace(rules, loss=of_members(losses.loss(name), rules.net.members))

    return change


def outputs(rules: Rules) -> int:
    """Return how many outputs the network has."""
    return rules.net.outputs


def other_reduction(rules: Rules) -> Rules | None:
    """Exchange mean and sum over the examples."""
    if len(rules.data.X) < 2:
        return None
    other = "mean" if rules.net.reduction == "sum" else "sum"
    return replace(rules, net=replace(rules.net, reduction=other))


def biases(rules: Rules) -> frozenset[str]:
    """Return the names of the biases."""
    return frozenset(
        n for n, role in rules.net.roles.items() if n.endswith(".b") and role is Role.BIAS
    )


def biases_frozen(rules: Rules) -> Rules | None:
    """Freeze the biases."""
    frozen = rules.frozen | biases(rules)
    return None if frozen == rules.frozen or not rules.optimizer else replace(rules, frozen=frozen)


def biases_trained(rules: Rules) -> Rules | None:
    """Let the biases move."""
    frozen = rules.frozen - biases(rules)
    return None if frozen == rules.frozen or not rules.optimizer else replace(rules, frozen=frozen)


def of_leaves(last: str, f: Callable[[Array], Array]) -> Callable[..., Any]:
    """A change of all leaves of a name."""

    def change(tree: Any, *_: Any) -> Any:
        names = leaf_names(tree)
        return tree_map(
            lambda name, leaf: f(leaf) if name.rpartition(".")[2] == last else leaf, names, tree
        )

    return change


def read_across(W: Array) -> Array:
    """The numbers of W (o, i) read as those of a matrix (i, o)."""
    return W.reshape(W.shape[::-1]).T if W.ndim == 2 else W


def written_across(W: Array) -> Array:
    """Put the numbers of W back from that."""
    return np.ascontiguousarray(W.T).reshape(W.shape) if W.ndim == 2 else W


def flipped(W: Array) -> Array:
    """The transposed of a square matrix."""
    return W.T if W.ndim == 2 and W.shape[0] == W.shape[1] else W


def transposed(rules: Rules) -> Rules | None:
    """Read the weights across, and write their gradient so."""
    read, back = of_leaves("W", read_across), of_leaves("W", written_across)
    return replace(rules, read=chained(rules.read, read), unread=chained(back, rules.unread))


def shared_bias(tree: Any, *_: Any) -> Any:
    """Give each bias of a layer the sum of their gradients."""
    return of_leaves("b", lambda b: np.full_like(b, np.sum(b)))(tree)


def own_output(record: Any) -> Any:
    """The record with a layer's own output in the place of what entered it."""
    return record._replace(x=record.a) if record.x.shape == record.a.shape else record


def first_path(delta: Any) -> Any:
    """The delta of the first unit alone."""
    return tree_map(lambda part: part * (np.arange(part.shape[-1]) == 0), delta)


def link_slope(da: Array, a: Array, y: Array, loss: Any) -> Array:
    """∂L/∂a times σ′, which the cross-entropy has cancelled."""
    p = loss.link(a, np)
    return da * p * (1 - p)


def links(rules: Rules) -> bool:
    """Return whether the loss applies a sigmoid or a softmax."""
    return rules.loss.link_name in ("sigmoid", "softmax")


def link_twice(rules: Rules) -> Rules | None:
    """Apply the loss's link to the outputs before."""
    if not links(rules) or rules.net.members > 1:
        return None
    return replace(rules, layers=(*rules.layers, Activate(rules.loss.link_name)))


def residual(a: Array, y: Array, loss: Any) -> Array:
    """Return by how much the prediction is above the target."""
    return loss.link(a, np) - y


def exchanged(f: Callable[[Array, Array], tuple[Array, Array]], when: Callable[..., bool]) -> Any:
    """Return what takes other examples, where `when` says that it can."""

    def change(rules: Rules) -> Rules | None:
        X, y, w = rules.data
        if not when(X, y):
            return None
        X, y = f(X, y)
        return replace(rules, data=Examples(X, y, w))

    return change


def unweighted(rules: Rules) -> Rules | None:
    """Leave out the weights of the examples."""
    return None if rules.data.w is None else replace(rules, data=rules.data._replace(w=None))


def of_optimizer(f: Callable[[Any], Any]) -> Any:
    """Change the optimizer; f returns None where it does not apply."""

    def change(rules: Rules) -> Rules | None:
        new = None if rules.optimizer is None else f(rules.optimizer)
        return None if new is None else replace(rules, optimizer=new)

    return change


def of_rate(f: Callable[[float], float]) -> Any:
    """Return what changes the learning rate, where it is a number."""

    def change(optimizer: Any) -> Any:
        rate = optimizer.learning_rate
        if not isinstance(rate, (int, float)) or f(rate) == rate:
            return None
        return replace(optimizer, learning_rate=f(rate))

    return of_optimizer(change)


def of_momentum(when: Callable[[SGD], bool], **new: Any) -> Any:
    """Return what changes the settings of a momentum."""

    def change(optimizer: Any) -> Any:
        fits = isinstance(optimizer, SGD) and optimizer.momentum and when(optimizer)
        return replace(optimizer, **new) if fits else None

    return of_optimizer(change)


def running_mean(optimizer: Any) -> Any:
    """Make the momentum a running mean."""
    plain = isinstance(optimizer, SGD) and optimizer.momentum and not optimizer.dampening
    return replace(optimizer, dampening=optimizer.momentum, nesterov=False) if plain else None


def uncorrected(rules: Rules) -> Rules | None:
    """Leave Adam's means uncorrected."""
    fits = isinstance(rules.optimizer, Adam) and isinstance(
        rules.optimizer.learning_rate, (int, float)
    )
    return replace(rules, bias_corrected=False) if fits else None


def undecayed(optimizer: Any) -> Any:
    """Leave out the decay of the weights."""
    return replace(optimizer, weight_decay=0.0) if optimizer.weight_decay else None


def of_penalty(l1: float, l2: float) -> Any:
    """Multiply the penalties."""

    def change(rules: Rules) -> Rules | None:
        net = rules.net
        new = replace(net, l1=l1 * net.l1, l2=l2 * net.l2)
        return None if new == net else replace(rules, net=new)

    return change


def later_by(steps: int) -> Any:
    """Return what makes so many steps more."""
    return lambda rules: replace(rules, later=rules.later + steps) if rules.optimizer else None


def updated_first(rules: Rules) -> Rules | None:
    """Take the updated weights on the way back."""
    fits = rules.optimizer is not None and len(rules.layers) > 1
    return replace(rules, updated_first=True) if fits else None


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


def rounding_by(between: Callable[[Array], Array], *, all_steps: bool) -> Any:
    """Return what rounds the factors, or every result."""

    def change(rules: Rules) -> Rules | None:
        layers = tuple(slopes.altered(each, slopes.rounded(between)) for each in rules.layers)
        return replace(
            rules,
            layers=layers,
            between=chained(rules.between, between),
            all_steps=rules.all_steps or all_steps,
        )

    return change


def in_float32(rules: Rules) -> Rules:
    """Work in float32."""
    X, y, w = (None if p is None else p.astype(np.float32) for p in rules.data)
    return replace(rules, data=Examples(X, y, w), single=True, reading="single")


def read_as(name: str) -> Any:
    """Return what reads figures in another way."""
    return lambda rules: replace(rules, reading=name)
