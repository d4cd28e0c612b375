r"""From scikit-learn's perceptrons: `coefs_` are (i, o) there, and W is (o, i) here."""

from __future__ import annotations

from typing import Any

from chainrule.errors import shown
from chainrule.extras import library
from chainrule.interop.imported_layers import assembled, dense, taken
from chainrule.layers.parameter_shapes import copied
from chainrule.network import Network, Parameters

HIDDEN = {"identity": "identity", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}
"""The activations of the hidden layers, as they are called here."""

OUTPUTS = {
    "identity": "half_squared_error",
    "exp": "poisson",
    "logistic": "binary_cross_entropy",
    "softmax": "cross_entropy",
}
"""The losses, by the activation of the last layer, which they apply themselves."""


def from_sklearn(model: Any) -> tuple[Network, Parameters]:
    r"""Return the network of scikit-learn's fitted perceptron, and a copy of its parameters.

    $$W_k = \mathtt{coefs\_}[k]^\top,\qquad b_k = \mathtt{intercepts\_}[k]$$

    | of | the loss is | `cr.predict` gives |
    |---|---|---|
    | `MLPRegressor` | `half_squared_error`, or `poisson` | the quantities |
    | `MLPClassifier`, two classes | `binary_cross_entropy` | (n, 1): that of `classes_[1]` |
    | more classes | `cross_entropy` | (n, classes): in the order of `classes_` |
    | several labels a row | `binary_cross_entropy` | (n, labels) |

    The gradient is scikit-learn's own, but for its penalty: that is alpha over the number of rows
    in a batch, which the model does not keep. `cr.Network(net.inputs, net.layers, net.loss,
    l2=model.alpha / rows)` has it. Targets are integer labels 0, 1, …, places in `classes_`.

    Parameters
    ----------
    model
        A fitted `MLPClassifier` or `MLPRegressor` of scikit-learn.

    Raises
    ------
    TypeError
        For anything else; of a pipeline or a search, the message says what to give.
    ValueError
        For one that is not fitted, or has a parameter that is not finite.

    Examples
    --------
    >>> from sklearn.neural_network import MLPRegressor
    >>> X = np.linspace(0, 1, 50)[:, None]
    >>> model = MLPRegressor(hidden_layer_sizes=3, activation="tanh", solver="lbfgs")
    >>> model = model.fit(X, X[:, 0] ** 2)
    >>> net, params = cr.from_sklearn(model)
    >>> net.layers
    (Dense(3, 'tanh'), Dense(1, 'identity'))
    >>> bool(np.allclose(cr.predict(net, params, X)[:, 0], model.predict(X)))
    True
    """
    perceptrons = library("sklearn.neural_network", "from_sklearn")
    if not isinstance(model, perceptrons.MLPClassifier | perceptrons.MLPRegressor):
        raise TypeError(
            "from_sklearn: model must be a fitted MLPClassifier or MLPRegressor of "
            f"scikit-learn, got {_instead(model)}"
        )
    name = type(model).__name__
    if not hasattr(model, "coefs_"):
        raise ValueError(
            f"from_sklearn: this {name} is not fitted, so that it has no weights: call fit first"
        )
    count = len(model.coefs_)
    layers = []
    for k, (W, b) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        weights = copied(taken(f"from_sklearn: coefs_[{k}]", W).T)
        biases = taken(f"from_sklearn: intercepts_[{k}]", b)
        f = HIDDEN[model.activation] if k < count - 1 else "identity"
        layers.append(dense(weights, biases, f))
    return assembled("from_sklearn", layers, OUTPUTS[model.out_activation_])


def _instead(model: Any) -> str:
    """What was given in place of a model, and what to give."""
    kind = type(model).__name__
    if hasattr(model, "steps"):
        return f"a {kind}: give its last step, model[-1], and rows that model[:-1] has transformed"
    if hasattr(model, "estimator") and hasattr(model, "refit"):
        return f"a {kind}: give its best_estimator_"
    if hasattr(model, "network_"):
        return f"a {kind} of Chainrule: its network is model.network_, with model.parameters_"
    if isinstance(model, type):
        return f"the class {model.__name__}: give an object, fitted"
    return shown(model) if not hasattr(model, "get_params") else f"a {kind}"
