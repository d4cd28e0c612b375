"""`MLPRegressor`: one number or several for each example."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import type_of_target

from chainrule import losses
from chainrule.docstrings import documented_by
from chainrule.errors import check_predicted, unknown_name
from chainrule.estimators import hyperparameters, inputs, quantiles
from chainrule.estimators.base_mlp import BaseMLP
from chainrule.estimators.fit_data import ValidationArguments
from chainrule.estimators.fit_state import whole_or_not_at_all
from chainrule.estimators.hyperparameters import Truth
from chainrule.estimators.mlp_parameters import MLPParameters
from chainrule.estimators.shared_rows import SharedRows
from chainrule.fitting.target_scaling import TargetScale, powers_of_two
from chainrule.loss_row import Loss
from chainrule.losses import LOSSES

Array = NDArray[Any]


@documented_by(MLPParameters)
@dataclass(eq=False, repr=False)
class MLPRegressor(RegressorMixin, BaseMLP):  # type: ignore[misc]
    """A feedforward network that predicts numbers, with scikit-learn's interface.

    It takes the place of scikit-learn's own class: parameters, attributes and methods are the
    same, and begin with the same weights. What is said of the others is Chainrule's.

    Parameters
    ----------
    loss
        "squared_error" (halved, as in scikit-learn), "poisson", "absolute_error", "huber(0.5)",
        "quantile(0.9)", "log_cosh", or another row of the table of losses or of your own.
    hidden_layer_sizes
        The units of each hidden layer.
    activation
        A row of the table of activations, "relu" or "elu(0.5)", or a row of your own; one for all
        hidden layers or a list. "logistic" is "sigmoid".
    quantiles
        For `loss="quantile"`: the quantiles to predict at once, `(0.1, 0.5, 0.9)`, which never
        cross; predictions are then (n, quantiles), or (n, targets, quantiles). None is the median.
    scale_target
        Whether to train on targets of mean 0 and standard deviation 1. Predictions are of the
        scale of y; losses are not.
    {Parameters}

    Attributes
    ----------
    {Attributes}

    Examples
    --------
    >>> X = np.linspace(-2, 2, 50)[:, None]
    >>> model = MLPRegressor(hidden_layer_sizes=16, solver="lbfgs", random_state=0)
    >>> model.fit(X, X[:, 0] ** 2).score(X, X[:, 0] ** 2) > 0.99
    True
    """

    loss: Any = "squared_error"
    hidden_layer_sizes: Any = (100,)
    activation: Any = "relu"
    quantiles: Any = field(default=None, kw_only=True)
    scale_target: Truth = field(default=False, kw_only=True)

    @available_if(hyperparameters.descends)
    @whole_or_not_at_all
    @documented_by(BaseMLP.fit)
    def partial_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        record: bool = False,
        comm: Any = None,
    ) -> MLPRegressor:
        """Make one epoch more, over these examples.

        Parameters
        ----------
        {X, y}
        {sample_weight}
        {X_val, y_val, sample_weight_val}
        {record}
        {comm}
        """
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
        """Learn the number of targets, and their mean and scale from the first call."""
        targets = self._columns(y)
        if not first:
            return
        self._targets, self._scale = targets.shape[1], None
        if self.scale_target:
            found = TargetScale.of if shared is None else shared.scale
            self._scale = found(targets, weight)

    def _columns(self, y: Array) -> Array:
        if y.dtype.kind not in "biuf":
            type_of_target(y, input_name="y", raise_unknown=True)
        targets = np.asarray(y, np.float64)
        return targets[:, None] if targets.ndim == 1 else targets

    def _encode(self, y: Array) -> Array:
        targets = self._columns(y)
        if targets.shape[1] != self._targets:
            raise ValueError(
                f"y must have {self._targets} columns, as in the first call; got {targets.shape[1]}"
            )
        if self._scale is not None:
            targets = self._scale.scaled(targets)
        return np.repeat(targets, len(self._levels()), axis=1) if self._levels() else targets

    def _levels(self) -> tuple[float, ...]:
        """The quantiles to be predicted at once; () where the loss has one target for each."""
        if self.quantiles is None:
            return ()
        what = f"{type(self).__name__}: quantiles"
        return tuple(sorted(losses.check_quantiles(what, self.quantiles)))

    def _loss(self) -> str | Loss:
        kind, given = type(self).__name__, self.loss
        if isinstance(given, str) and given.partition("(")[0].strip() not in (*LOSSES, "heads"):
            raise unknown_name(f"loss of {kind}", given, LOSSES)
        levels = self._levels()
        if levels:
            if not (isinstance(given, str) and given == "quantile"):
                raise ValueError(f"{kind}: quantiles are for loss='quantile', got loss={given!r}")
            return str(losses.quantile(*levels))
        known = losses.single(f"{kind}: loss", given)
        if isinstance(given, str) and known.group > 1:
            raise ValueError(
                f"{kind}: several quantiles must be given by loss='quantile', "
                f"quantiles={known.parameters}, got loss={given!r}"
            )
        if self.scale_target and known.target != "real":
            raise ValueError(
                f"{kind}: scale_target=True is for losses of real numbers, and loss={given!r} is "
                f"of another kind, {known.target!r}"
            )
        row: str | Loss = "half_squared_error" if given == "squared_error" else given
        return row

    def _stratify(self, y: Array) -> Array | None:
        return None

    # Predictions

    @property
    def out_activation_(self) -> str:
        """What turns the last layer into a prediction."""
        self._fitted("out_activation_")
        return "exp" if str(self.loss) == "poisson" else "identity"

    def predict(self, X: Any) -> Any:
        """Return the prediction for each example, (n,) or (n, targets), or its quantiles.

        Parameters
        ----------
        X
            The examples.
        """
        return inputs.like(X, self._values(self._predicted(X, "predict")))

    def _values(self, predicted: Array) -> Array:
        count = len(self._levels())
        values = quantiles.in_order(predicted, count or 1)
        if self._scale is not None:
            values = self._scale.unscaled(values)
            check_predicted(values)
        values = values if count else values[:, :, 0]
        return values[:, 0] if self._targets == 1 else values

    @documented_by(BaseMLP.fit)
    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return R², or for several quantiles the share of their constant loss that is gone.

        Parameters
        ----------
        {X, y}
        {sample_weight}
        """
        X, y = inputs.check_data(self, X, y, first=False)
        return float(self._bare()._score(X, y, inputs.check_sample_weight(sample_weight, X)))

    def _score(self, X: Array, y: Array, sample_weight: Array | None = None) -> float:
        return self._score_of(self._predicted(X, "score"), y, sample_weight)

    def _score_of(self, predicted: Array, y: Array, sample_weight: Array | None) -> float:
        """Return R² of predictions, or the share of the constant loss that is gone."""
        levels = self._levels()
        unit = powers_of_two(y)  # the scores are of no scale, but go by squares
        values = self._values(predicted).reshape(len(y), self._targets, -1)
        y, values = y / unit, values / unit[..., None]
        if not levels:
            return float(r2_score(y, values[:, :, 0], sample_weight=sample_weight))
        return quantiles.d2_score(y, values, levels, sample_weight)
