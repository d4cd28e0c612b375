"""The loss that a model of Keras is compiled with, as it is called here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.interop.imported_layers import Imported, ends_in

MEANS = {
    "mean_absolute_error": "absolute_error",
    "huber": "huber",
    "log_cosh": "log_cosh",
    "hinge": "hinge",
    "binary_crossentropy": "binary_cross_entropy",
}
"""Losses that are a mean over the outputs there, and their sum here: the same of one output."""

ENTROPIES = {
    "binary_crossentropy": "sigmoid",
    "categorical_crossentropy": "softmax",
    "sparse_categorical_crossentropy": "softmax",
}
"""The activations that probabilities come from, by the loss that takes them."""

UNSAID: dict[str, Any] = {
    "axis": -1,
    "ignore_class": None,
    "label_smoothing": 0.0,
    "from_logits": False,
}
"""Settings of a loss, as they must be where nothing else is said of them."""


def compiled_loss(keras: Any, model: Any, layers: Sequence[Imported]) -> str:
    """Return the name of the compiled loss; raise ValueError where it is none here."""
    given = model.loss
    of_function = isinstance(given, keras.losses.Loss) and hasattr(given, "fn")
    function = given.fn if of_function else keras.losses.get(given)
    settings = dict(given._fn_kwargs) if of_function else {}
    name = getattr(function, "__name__", type(function).__name__)
    fix = "; name the one that you mean, from_keras(model, loss=…)"
    if getattr(given, "reduction", "sum_over_batch_size") != "sum_over_batch_size":
        raise ValueError(f"loss {name} must be the mean over the examples, got a sum{fix}")
    delta = settings.pop("delta", 1.0)
    if name in ENTROPIES:
        logits, end = settings.pop("from_logits", False), ends_in(layers)
        if (end == ENTROPIES[name]) == logits:
            raise ValueError(
                f"loss {name} with from_logits={logits} does not fit a model that ends in "
                f"{end or 'no activation'}{fix}"
            )
    smoothing = settings.pop("label_smoothing", 0.0) if name == "categorical_crossentropy" else 0.0
    if any(value != UNSAID.get(key, value) for key, value in settings.items()):
        raise ValueError(f"loss {name} has settings that no loss of Chainrule has{fix}")
    outputs = model.outputs[0].shape[-1]
    if name == "mean_squared_error":
        return name
    if ENTROPIES.get(name) == "softmax":
        return f"cross_entropy({smoothing!r})" if smoothing else "cross_entropy"
    if name not in MEANS:
        raise ValueError(f"loss {name} is nothing that Chainrule has{fix}")
    if outputs != 1:
        raise ValueError(
            f"loss {name} is the mean over the {outputs} outputs, of which Chainrule takes the "
            f"sum, whose gradient is {outputs} times theirs{fix}"
        )
    return f"huber({delta!r})" if name == "huber" else MEANS[name]
