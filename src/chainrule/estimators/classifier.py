"""`MLPClassifier`: classes, labels, or several labels at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

from chainrule import losses
from chainrule.docstrings import documented_by
from chainrule.errors import unknown_name
from chainrule.estimators import hyperparameters, inputs
from chainrule.estimators.base_mlp import BaseMLP
from chainrule.estimators.fit_data import ValidationArguments
from chainrule.estimators.fit_state import whole_or_not_at_all
from chainrule.estimators.mlp_parameters import MLPParameters
from chainrule.estimators.shared_rows import SharedRows
from chainrule.loss_row import Loss
from chainrule.losses import LOSSES

Array = NDArray[Any]


def gives_probabilities(estimator: Any) -> bool:
    """Whether the loss is one of probabilities; else AttributeError.

    >>> gives_probabilities(cr.MLPClassifier())
    True
    """
    if estimator._kind() in ("class", "probability"):
        return True
    raise AttributeError(f"loss={estimator.loss!r} gives no probabilities; see decision_function")


def gives_decisions(estimator: Any) -> bool:
    """Whether the loss is one of signed decisions; else AttributeError.

    >>> gives_decisions(cr.MLPClassifier(loss="hinge"))
    True
    """
    if estimator._kind() in ("sign", "real"):
        return True
    raise AttributeError(f"loss={estimator.loss!r} gives no decisions; see predict_proba")


@documented_by(MLPParameters)
@dataclass(eq=False, repr=False)
class MLPClassifier(ClassifierMixin, BaseMLP):  # type: ignore[misc]
    """A feedforward network that tells classes apart, with scikit-learn's interface.

    It takes the place of scikit-learn's own class: parameters, attributes and methods are the
    same, and begin with the same weights. What is said of the others is Chainrule's.

    Parameters
    ----------
    hidden_layer_sizes
        The units of each hidden layer.
    activation
        A row of the table of activations, "relu" or "elu(0.5)", or a row of your own; one for all
        hidden layers or a list. "logistic" is "sigmoid".
    loss
        "log_loss", the cross-entropy of two or more classes, or of each label of several; or a row
        of the table of losses: "cross_entropy(0.1)" for smoothed labels, "binary_cross_entropy" or
        "hinge" for each class against the rest.
    class_weight
        What an example counts for by its class, in training and in validation: a mapping, or
        "balanced". It multiplies `sample_weight`.
    {Parameters}

    Attributes
    ----------
    classes_
        The classes, in the order of the probabilities.
    {Attributes}

    Examples
    --------
    >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]] * 10), ["a", "a", "b", "b"] * 10
    >>> model = MLPClassifier((16,), "tanh", solver="lbfgs", random_state=0).fit(X, y)
    >>> model.predict([[0.5], [2.5]]).tolist(), model.score(X, y)
    (['a', 'b'], 1.0)
    """

    hidden_layer_sizes: Any = (100,)
    activation: Any = "relu"
    loss: Any = field(default="log_loss", kw_only=True)
    class_weight: Any = field(default=None, kw_only=True)

    @available_if(hyperparameters.descends)
    @whole_or_not_at_all
    @documented_by(BaseMLP.fit)
    def partial_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        classes: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        record: bool = False,
        comm: Any = None,
    ) -> MLPClassifier:
        """Make one epoch more, over these examples; the first call is told all classes.

        Parameters
        ----------
        {X, y}
        {sample_weight}
        classes
            All classes, in the first call.
        {X_val, y_val, sample_weight_val}
        {record}
        {comm}
        """
        y = inputs.as_numpy(y)
        if not hasattr(self, "parameters_"):
            if classes is None:
                raise ValueError("classes must be passed on the first call to partial_fit.")
            self._all_classes = y if type_of_target(y).startswith("multilabel") else classes
        elif classes is not None and not np.array_equal(self.classes_, unique_labels(classes)):
            raise ValueError(
                f"`classes={classes!r}` is not the same as on last call to partial_fit, was: "
                f"{self.classes_!r}"
            )
        validation = ValidationArguments(X_val, y_val, sample_weight_val)
        self._train(X, y, sample_weight, validation, epochs=1, record=record, comm=comm)
        return self

    # What y is

    def _learn(
        self,
        y: Array,
        weight: Array | None,
        shared: SharedRows | None,
        *,
        first: bool,
        whole: bool,
    ) -> None:
        y = y if shared is None else shared.classes(y)
        if not first:
            if whole and y.ndim == 1 and not self._is_multilabel:
                self._check_same_classes(y)
            check_classification_targets(y)
            return
        known = np.asarray(self.__dict__.pop("_all_classes", y))
        self._target_type = type_of_target(known, input_name="y")
        if self._target_type not in ("binary", "multiclass", "multilabel-indicator"):
            check_classification_targets(known)  # several columns of classes pass it
            raise ValueError(
                "Multioutput target data is not supported: y must be one class for each example, "
                f"or a matrix of 0 and 1 for labels; got shape {known.shape}"
            )
        self.classes_ = np.arange(known.shape[1]) if self._is_multilabel else np.unique(known)
        if len(self.classes_) < 2 and not self._is_multilabel:
            raise ValueError(
                f"{type(self).__name__} tells classes apart and needs at least two; y holds one "
                f"class only, {self.classes_.tolist()[0]!r}"
            )

    def _check_same_classes(self, y: Array) -> None:
        classes = np.unique(y)
        if not np.array_equal(classes, self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit, {self.classes_.tolist()}; `y` has {classes.tolist()}. partial_fit "
                "takes some of them"
            )

    @property
    def _is_multilabel(self) -> bool:
        return bool(self._target_type == "multilabel-indicator")

    def _encode(self, y: Array) -> Array:
        if self._is_multilabel != (y.ndim == 2) or (y.ndim == 2 and y.shape[1] != self._width):
            raise ValueError(
                f"y must have the shape of the first call, {self._shape}; got {y.shape}"
            )
        kind = self._kind()
        if y.ndim == 2:
            columns = np.asarray(y, np.float64)
        else:
            codes = self._codes(y)
            if kind == "class":
                return codes
            width = len(self.classes_)
            columns = (codes[:, None] == (np.arange(width) if width > 2 else 1)).astype(np.float64)
        return columns if kind == "probability" else 2 * columns - 1

    def _codes(self, y: Array) -> Array:
        """The number of each example's class."""
        codes = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
        unseen = np.unique(y[self.classes_[codes] != y]).tolist()
        if unseen:
            raise ValueError(
                f"`y` has classes not in `self.classes_`: {unseen}; known: {self.classes_.tolist()}"
            )
        return codes

    @property
    def _width(self) -> int:
        return len(self.classes_)

    @property
    def _shape(self) -> str:
        return f"(n, {self._width})" if self._is_multilabel else "(n,)"

    def _kind(self) -> str:
        """What the loss compares with: `class`, `probability`, `sign` or `real`."""
        if self.loss != "log_loss":
            return str(losses.single(f"{type(self).__name__}: loss", self.loss).target)
        several = getattr(self, "_target_type", "binary") == "multiclass"
        return "class" if several else "probability"

    def _loss(self) -> str | Loss:
        kind, given = type(self).__name__, self.loss
        known = (*LOSSES, "log_loss")
        if isinstance(given, str) and given.partition("(")[0].strip() not in (*known, "heads"):
            raise unknown_name(f"loss of {kind}", given, known)
        compares = self._kind()
        if compares == "count":
            raise ValueError(f"{kind}: loss must be one for classes, got {given!r}, for counts")
        if compares == "class" and hasattr(self, "_target_type") and self._is_multilabel:
            raise ValueError(
                f"{kind}: loss={given!r} takes one class for each example, and y holds several "
                "labels; take 'log_loss'"
            )
        if given != "log_loss":
            row: str | Loss = given
            return row
        return "cross_entropy" if compares == "class" else "binary_cross_entropy"

    def _weights(
        self, y: Array, sample_weight: Array | None, shared: SharedRows | None = None
    ) -> Array | None:
        if self.class_weight is None:
            return sample_weight
        if isinstance(self.class_weight, dict) and y.ndim == 1:
            by_class = self._by_class()[np.searchsorted(self.classes_, y)]
        elif shared is not None and isinstance(self.class_weight, str):
            by_class = shared.balanced(y)
        else:
            by_class = compute_sample_weight(self.class_weight, y)
        weights = by_class if sample_weight is None else by_class * sample_weight
        what, whole = f"class_weight={self.class_weight!r}", shared is None
        return inputs.check_sample_weight(weights, y, what, whole=whole)

    def _by_class(self) -> Array:
        """The weights of the mapping, in the order of the classes; 1 for those not named."""
        unknown = [name for name in self.class_weight if name not in self.classes_]
        if unknown:
            raise ValueError(
                f"{type(self).__name__}: class_weight names {unknown}, which y does not hold; its "
                f"classes are {self.classes_.tolist()}"
            )
        return np.array([float(self.class_weight.get(name, 1)) for name in self.classes_])

    def _stratify(self, y: Array) -> Array | None:
        return y if self.n_outputs_ == 1 else None

    # Predictions

    @property
    def out_activation_(self) -> str:
        """What turns the last layer into probabilities."""
        self._fitted("out_activation_")
        return {"class": "softmax", "probability": "logistic"}.get(self._kind(), "identity")

    def predict(self, X: Any) -> Any:
        """Return the class of each example (n,), or its labels (n, labels).

        Parameters
        ----------
        X
            The examples.
        """
        return inputs.like(X, self._labels(self._predicted(X, "predict")))

    def _labels(self, predicted: Array) -> Array:
        threshold = 0.5 if self._kind() in ("class", "probability") else 0.0
        if self._is_multilabel:
            return (predicted > threshold).astype(int)
        if self.n_outputs_ == 1:
            return np.asarray(self.classes_[(predicted[:, 0] > threshold).astype(int)])
        return np.asarray(self.classes_[predicted.argmax(axis=1)])

    @available_if(gives_probabilities)
    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class, (n, classes), or of each label.

        Parameters
        ----------
        X
            The examples.
        """
        return inputs.like(X, self._probabilities(X, "predict_proba"))

    @available_if(gives_probabilities)
    def predict_log_proba(self, X: Any) -> Any:
        """Return the logarithm of the probability of each class, (n, classes).

        Parameters
        ----------
        X
            The examples.
        """
        with np.errstate(divide="ignore"):
            return inputs.like(X, np.log(self._probabilities(X, "predict_log_proba")))

    def _probabilities(self, X: Any, method: str) -> Array:
        p = self._predicted(X, method)
        if self.n_outputs_ == 1:
            return np.hstack([1 - p, p])
        if self._kind() == "probability" and not self._is_multilabel:  # each against the rest
            total = p.sum(axis=1, keepdims=True)
            return np.where(total > 0, p, 1 / p.shape[1]) / np.where(total > 0, total, 1)
        return p

    @available_if(gives_decisions)
    def decision_function(self, X: Any) -> Any:
        """Return how far each example lies on the side of a class: (n,) of two, (n, classes).

        Parameters
        ----------
        X
            The examples.
        """
        made = self._predicted(X, "decision_function")
        return inputs.like(X, made.ravel() if self.n_outputs_ == 1 else made)

    def _score(self, X: Array, y: Array, sample_weight: Array | None = None) -> float:
        return self._score_of(self._predicted(X, "score"), y, sample_weight)

    def _score_of(self, predicted: Array, y: Array, sample_weight: Array | None) -> float:
        """Return the accuracy of what the network predicts."""
        right = self._labels(predicted) == y
        right = right.all(axis=1) if right.ndim == 2 else right
        return float(np.average(right, weights=sample_weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
