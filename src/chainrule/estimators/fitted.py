"""What a fit leaves, and what can be read off it: predictions, weights, activations, gradients."""

from __future__ import annotations

import copy
from abc import ABC
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from chainrule import backprop, evaluation
from chainrule.estimators import hyperparameters, inputs
from chainrule.estimators.fit_state import Curves, FitState
from chainrule.explanation import explain
from chainrule.fitting.sklearn_versions import FROM_1_9
from chainrule.history import History
from chainrule.network import Network, Parameters
from chainrule.sparse_rows import dense, is_sparse
from chainrule.trees import leaves, rebuild

if TYPE_CHECKING:
    from chainrule.explanation.result import Explanation

Array = NDArray[Any]

BY_EPOCH = (
    "loss_",
    "loss_curve_",
    "best_loss_",
    "validation_scores_",
    "best_validation_score_",
    "validation_loss_curve_",
    "metrics_curve_",
)
"""What a fit knows by epoch."""


def _dense(params: Any) -> Iterator[Any]:
    """Yield what is made of weights W and biases b, in the order of the parameters."""
    if getattr(params, "_fields", ()) == ("W", "b"):
        yield params
    elif isinstance(params, tuple):
        for part in params:
            yield from _dense(part)


class FittedMLP(BaseEstimator, ABC):  # type: ignore[misc]
    """What a fitted estimator can be asked."""

    n_iter_: int
    t_: int
    loss_curve_: list[float]
    validation_scores_: list[float] | None
    best_validation_score_: float | None

    network_: Network
    parameters_: Parameters
    history_: History
    engine: str
    early_stopping: bool
    _curves = Curves()

    @property
    def coefs_(self) -> list[Array]:
        """The weights of each dense layer, (inputs, outputs), of those within others too."""
        return [part.W.T for part in _dense(self._fitted("coefs_"))]

    @coefs_.setter
    def coefs_(self, given: list[Array]) -> None:
        self._put("W", [np.asarray(W).T for W in given])

    @property
    def intercepts_(self) -> list[Array]:
        """The biases of each dense layer, of those within others too."""
        return [part.b for part in _dense(self._fitted("intercepts_"))]

    @intercepts_.setter
    def intercepts_(self, given: list[Array]) -> None:
        self._put("b", list(given))

    def _put(self, name: str, given: list[Array]) -> None:
        """Set the weights W or the biases b of dense layers; a later call goes on from them."""
        new = leaves(self.parameters_)
        numbered = rebuild(self.parameters_, range(len(new)))
        places = [getattr(part, name) for part in _dense(numbered)]
        for k, array in zip(places, given, strict=True):
            new[k] = np.array(array, new[k].dtype).reshape(new[k].shape)
        self.parameters_ = rebuild(self.parameters_, new)
        if self.history_.last is not None:
            self.history_ = self.history_.copy()
            self.history_.last = self.history_.at._replace(params=self.parameters_)

    def _fitted(self, name: str) -> Parameters:
        if "parameters_" not in vars(self):
            raise AttributeError(f"{type(self).__name__} has no {name} before it is fitted")
        return self.parameters_

    def gradient(self, X: Any, y: Any, sample_weight: Any = None) -> Parameters:
        """Return the gradient of the cost by the parameters, in their form.

        Parameters
        ----------
        X, y
            The examples and their targets.
        sample_weight
            The weights of the examples, (n,).

        Examples
        --------
        >>> model = cr.MLPRegressor(hidden_layer_sizes=4, solver="lbfgs", random_state=0)
        >>> gradient = model.fit([[0.0], [1.0]], [0.0, 1.0]).gradient([[0.0]], [0.0])
        >>> gradient[0].W.shape
        (4, 1)
        """
        X, target, weight = self._examples(X, y, sample_weight)
        _, found = evaluation.cost_and_gradient(
            self.network_, self.parameters_, X, target, weight, **self._engine()
        )
        return found

    def example_gradient_norms(self, X: Any, y: Any) -> Array:
        """Return the norm of the gradient of each example's own loss, (n,).

        Examples with a wrong label have large ones and rise to the top.

        Parameters
        ----------
        X, y
            The examples and their targets.

        Examples
        --------
        >>> X, y = np.array([[0.0], [0.1], [0.9], [1.0]] * 5), [0, 0, 1, 1] * 4 + [0, 0, 1, 0]
        >>> model = cr.MLPClassifier(4, solver="lbfgs", alpha=1, random_state=0).fit(X, y)
        >>> int(model.example_gradient_norms(X, y).argmax())
        19
        """
        X, target, _ = self._examples(X, y, None)
        squared = evaluation.example_squared_norms(
            self.network_, self.parameters_, X, target, **self._engine()
        )
        return np.asarray(np.sqrt(squared) * X.shape[0])

    def activations(self, X: Any) -> list[Any]:
        """Return what each layer makes of each example, (n, units), the hidden ones first.

        The last are those of the output layer, before they are turned into predictions; of several
        members, side by side. Layers that act in training alone, such as dropout, are left out.

        Parameters
        ----------
        X
            The examples.

        Examples
        --------
        >>> model = cr.MLPRegressor(hidden_layer_sizes=(4, 3), solver="lbfgs", random_state=0)
        >>> [a.shape for a in model.fit([[0.0], [1.0]], [0.0, 1.0]).activations([[0.5]])]
        [(1, 4), (1, 3), (1, 1)]
        """
        check_is_fitted(self)
        checked = dense(inputs.check_inputs(self, X, "activations"))
        trace = backprop.forward(self.network_, self.parameters_, checked)
        pairs = zip(self.network_.layers, trace, strict=True)
        return [inputs.like(X, seen.a) for layer, seen in pairs if not layer.training_only]

    def explain(self, X: Any, y: Any, *, of: str, **options: Any) -> Explanation:
        """Return the chain rule of a derivative of the cost, worked out with its numbers.

        Parameters
        ----------
        X, y
            One example, `model.explain(X[0], y[0], of="w5")`, or a data set.
        of
            What is explained, by its name in `cr.explain`.
        **options
            Those of `cr.explain`; the columns and the classes give the names.

        Examples
        --------
        >>> model = cr.MLPRegressor(hidden_layer_sizes=2, solver="lbfgs", random_state=0)
        >>> model.fit([[0.0], [1.0]], [0.0, 1.0]).explain([0.5], 0.5, of="w1").steps[-1].symbol
        '∂E_total/∂w1'
        """
        asked = self
        if np.ndim(X) == 1:  # a row has no names of columns
            asked, X, y = self._bare(), np.asarray(dense(X))[None], np.asarray(y)[None]
        elif is_sparse(X) and np.ndim(y) == 0:  # a row of a sparse matrix has two axes
            y = np.asarray(y)[None]
        checked, target, _ = asked._examples(X, y, None)
        names = {"inputs": getattr(self, "feature_names_in_", ()), **options}
        return explain(self.network_, self.parameters_, checked, target, of=of, **names)

    def _examples(self, X: Any, y: Any, weight: Any) -> tuple[Array, Array, Array | None]:
        check_is_fitted(self)
        X, y = inputs.check_data(self, X, y, first=False)
        return X, self._encode(y), inputs.check_sample_weight(weight, X)

    def _engine(self) -> dict[str, Any]:
        """What computes gradients."""
        return {"engine": self.engine, "threads": hyperparameters.threads(self)}

    def _predicted(self, X: Any, method: str) -> Array:
        """What the network predicts for each example, (n, outputs), each of them finite."""
        made = self._predicted_at_once(X)
        return self._predicted_with_care(X, method) if made is None else made

    def _predicted_at_once(self, X: Any) -> Array | None:
        """The same where scikit-learn's look at X can find nothing, which takes five times as long.

        That is where X is an array of NumPy's as the fit was given one, and the engine finds it to
        be of as many columns and finite.
        """
        state = vars(self)
        if (
            type(X) is not np.ndarray
            or "parameters_" not in state
            or "feature_names_in_" in state
            or self._library != "numpy"
            or self.engine != "auto"
        ):
            return None
        threads = hyperparameters.threads(self)
        return evaluation.predicted_at_once(self.network_, self.parameters_, X, threads=threads)

    def _predicted_with_care(self, X: Any, method: str) -> Array:
        check_is_fitted(self)
        checked = inputs.check_inputs(self, X, method)
        made: Array = evaluation.predict_finite(
            self.network_, self.parameters_, checked, **self._engine()
        )
        return made

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.array_api_support = FROM_1_9  # before, classes_ had to be of the library of X
        return tags

    def _bare(self) -> Any:
        """Return a copy for measuring on arrays: the same network, but no names of columns."""
        bare = copy.copy(self)
        bare.__dict__.pop("feature_names_in_", None)
        bare._library = "numpy"
        return bare

    def _model(self, state: FitState) -> Any:
        """Return a copy that stands where a fit does, for measuring on arrays."""
        model = self._bare()
        model._take(state)
        return model

    def _take(self, state: FitState) -> None:
        """Make attributes of where a fit stands."""
        self.network_, self.parameters_, self.history_ = state.network, state.params, state.history
        self.n_iter_, self.t_ = state.n_iter, state.t
        if state.loss is not None:
            self.loss_: float = state.loss
        if state.curves is not None:
            self._take_curves(state.curves, state.history)

    def _take_curves(self, curves: Curves, history: History) -> None:
        """Make attributes of what a fit knows by epoch."""
        validated = curves.scores is not None
        self._curves, self.loss_curve_ = curves, history.loss
        self.validation_scores_, self.best_validation_score_ = curves.scores, curves.best_score
        if validated:
            self.validation_loss_curve_: list[float] = history.validation_loss
        if curves.metrics:
            self.metrics_curve_: dict[str, list[float]] = curves.metrics
        by_score = self.early_stopping and validated
        self.best_loss_: float | None = None if by_score else min(history.loss, default=None)

    def _forget(self) -> None:
        """Forget what earlier fits knew by epoch."""
        for name in BY_EPOCH:
            self.__dict__.pop(name, None)
