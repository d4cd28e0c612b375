r"""Layers with their parameters, as they come from another library, and the network that they make.

W   (o, i)   b   (o,)   gamma, beta, running_mean, running_variance   (i,)
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule import losses
from chainrule.backprop import forward
from chainrule.errors import finite
from chainrule.layers import Activate, Dense, Layer, Residual
from chainrule.layers.dense import DenseParameters
from chainrule.layers.layer_norm import LayerNormParameters
from chainrule.layers.parameter_shapes import copied
from chainrule.loss_row import Loss
from chainrule.network import Network, Parameters, check_parameters
from chainrule.streams import Stream, generator
from chainrule.trees import Array, leaves


class Imported(NamedTuple):
    """A layer and its parameters, of NumPy's arrays; () where it has none."""

    layer: Layer
    params: Any = ()


@contextlib.contextmanager
def named(place: str) -> Iterator[None]:
    """Put the place into the message of a ValueError or TypeError.

    >>> with named("from_torch: model.1"):
    ...     cr.Dropout(1.0)
    Traceback (most recent call last):
    ...
    ValueError: from_torch: model.1: Dropout: rate must be a finite number >= 0 and < 1, got 1.0
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{place}: {error}") from None


def taken(what: str, given: Any) -> Array:
    """Return a copy of numbers as parameters have them: float32 or float64, and finite.

    Half precision becomes float32, which has all of its numbers. Raises TypeError for what are no
    such numbers, and ValueError where one is not finite.

    >>> taken("weight", np.array([1.0, 2.0], np.float16))
    array([1., 2.], dtype=float32)
    """
    array = np.asarray(given)
    dtype = np.dtype(np.float32) if array.dtype == np.float16 else array.dtype
    if dtype not in (np.float32, np.float64):
        raise TypeError(f"{what} must be of float64, float32 or half precision, got {dtype}")
    fix = "it has come apart in training: take parameters from before"
    return copied(finite(what, array, dtype, np, fix=fix))


def dense(W: Array, b: Array | None, activation: str = "identity") -> Imported:
    """Return a dense layer of weights (o, i) and biases (o,), which are 0 where there are none.

    >>> dense(np.ones((2, 3)), None, "tanh").layer
    Dense(2, 'tanh')
    """
    biases = copied(np.zeros(len(W), W.dtype)) if b is None else b
    return Imported(Dense(len(W), activation), DenseParameters(W, biases))


def gains(width: int, dtype: Any, gamma: Array | None, beta: Array | None) -> LayerNormParameters:
    """Return gains and shifts (i,), which are 1 and 0 where there are none.

    >>> gains(2, "float32", None, None).gamma
    array([1., 1.], dtype=float32)
    """
    return LayerNormParameters(
        copied(np.ones(width, dtype)) if gamma is None else gamma,
        copied(np.zeros(width, dtype)) if beta is None else beta,
    )


def joined(given: Sequence[Imported]) -> list[Imported]:
    """Return the same layers with each activation in the dense layer that it stands behind.

    >>> joined([dense(np.ones((2, 3)), None), Imported(cr.Activate("tanh"))])[0].layer
    Dense(2, 'tanh')
    """
    made: list[Imported] = []
    for each in given:
        last = made[-1].layer if made else None
        if (
            isinstance(each.layer, Activate)
            and isinstance(last, Dense)
            and last.activation == "identity"
        ):
            made[-1] = Imported(Dense(last.units, each.layer.activation), made[-1].params)
        else:
            made.append(each)
    return made


def residual(given: Sequence[Imported]) -> Imported:
    """Return the layer that adds what some layers make of x to x.

    >>> residual([dense(np.ones((3, 3)), None, "tanh")]).layer
    Residual(Dense(3, 'tanh'))
    """
    within = joined(given)
    return Imported(Residual(*(part.layer for part in within)), tuple(p.params for p in within))


LINKS = {"sigmoid": "binary_cross_entropy", "softmax": "cross_entropy"}
"""The losses that a last activation suggests; they apply it themselves."""


def ends_in(given: Sequence[Imported]) -> str:
    """Return the last activation, "" where the last layer is none and has none.

    >>> ends_in([dense(np.ones((2, 3)), None, "softmax")])
    'softmax'
    """
    last = given[-1].layer if given else None
    name = str(last.activation) if isinstance(last, Dense | Activate) else ""
    return "" if name == "identity" else name


def suggested(given: Sequence[Imported]) -> str:
    """Return the loss that is taken where none is named: what the last activation suggests.

    >>> suggested([dense(np.ones((2, 3)), None, "softmax")])
    'cross_entropy'
    """
    return LINKS.get(ends_in(given), "mean_squared_error")


def without_link(given: Sequence[Imported], loss: str | Loss) -> list[Imported]:
    """Return the layers without a last activation that the loss applies itself.

    >>> without_link([dense(np.ones((1, 3)), None, "sigmoid")], "binary_cross_entropy")[0].layer
    Dense(1, 'identity')
    """
    made, link = list(given), losses.loss(loss).link_name
    if link and ends_in(made) == link:
        layer, params = made.pop()
        if isinstance(layer, Dense):
            made.append(Imported(Dense(layer.units), params))
    return made


def assembled(
    what: str, given: Sequence[Imported], loss: str | Loss, l1: float = 0.0, l2: float = 0.0
) -> tuple[Network, Parameters]:
    """Return the network of some layers, and its parameters.

    How many inputs it has follows from the first parameter. Raises ValueError where there is none,
    or where the layers do not fit.

    >>> net, _ = assembled("from_torch", [dense(np.ones((1, 3)), None)], "huber")
    >>> net
    Network(inputs=3, layers=(Dense(1, 'identity'),), loss='huber', l1=0.0, l2=0.0)
    """
    made = without_link(given, loss)
    params = tuple(each.params for each in made)
    if not leaves(params):
        raise ValueError(
            f"{what}: the model has no layer with parameters, from which the number of inputs "
            "follows; it must have one, such as a linear layer"
        )
    inputs = leaves(params)[0].shape[-1]
    with named(what):
        net = Network(inputs, [each.layer for each in made], loss, l1, l2)
        check_parameters(net, params)
    return net, params


ROWS = 4
"""How many random rows a model that came over is compared on."""


def check_alike(
    what: str, given: Sequence[Imported], predict: Callable[[Array], Any], eps: float
) -> None:
    """Raise ValueError unless layers make of random rows what the original makes of them.

    That holds what was read to what is computed, whatever stands in between: hooks, conditions,
    work in place. `predict` takes rows (n, i) in the dtype of the parameters, and returns what the
    last layer makes of them; `eps` is the rounding of its numbers.

    >>> check_alike("from_torch", [dense(np.eye(2), None)], lambda X: X, 2e-16)
    """
    net, params = assembled(what, given, "half_squared_error")
    X = random_rows(net.inputs, leaves(params)[0].dtype)
    with np.errstate(all="ignore"):
        ours = forward(net, params, X).output
    if got := difference(ours, predict(X), eps):
        raise ValueError(
            f"{what}: the model predicts something else than its layers say, {len(net.layers)} of "
            f"them: for {ROWS} random rows the two differ {got}. It does more than can be seen of "
            "it: look for hooks, for work in place, and for conditions in its own code"
        )


def random_rows(inputs: int, dtype: Any) -> Array:
    """Return the random rows on which models are compared, the same each time.

    >>> random_rows(3, "float32").shape
    (4, 3)
    """
    return generator(Stream.IMPORTED).normal(size=(ROWS, inputs)).astype(dtype)


def difference(ours: Array, theirs: Any, eps: float) -> str:
    """Return how two predictions differ, in words; "" where they do not.

    >>> difference(np.ones((4, 1)), np.ones((4, 1)) + 1e-9, 2e-16)
    ''
    >>> difference(np.ones((4, 1)), np.zeros((4, 1)), 2e-16)
    'by 1.0e+00'
    """
    theirs = np.asarray(theirs, ours.dtype)
    if theirs.shape != ours.shape:
        return f"in shape, {theirs.shape}"
    scale = max(1.0, float(np.abs(ours).max())) if np.isfinite(ours).all() else 1.0
    if np.allclose(ours, theirs, rtol=0, atol=eps**0.5 * scale, equal_nan=True):
        return ""
    return f"by {np.abs(ours - theirs).max():.1e}"
