"""What the two estimators share: a fit, from its data to its end."""

from __future__ import annotations

import functools
from abc import abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from chainrule.batches import Examples
from chainrule.estimators import estimator_html, hidden_layers, hyperparameters, inputs
from chainrule.estimators.epoch_hooks import EpochHooks
from chainrule.estimators.fit_data import FitData, ValidationArguments, ValidationData
from chainrule.estimators.fit_state import Curves, FitState, whole_or_not_at_all
from chainrule.estimators.gradient_descent import Descent, going_on
from chainrule.estimators.lbfgs import Minimisation, check_statistics
from chainrule.estimators.mlp_parameters import MLPParameters
from chainrule.estimators.scorers import Scorer, Scoring, scorer, scorers
from chainrule.fitting.hold_out import as_given, as_scikit_learn
from chainrule.fitting.patience import Patience
from chainrule.fitting.trainer import OneBlock, TrainingPlan
from chainrule.history import History
from chainrule.network import Network
from chainrule.optimizers import Optimizer
from chainrule.trees import leaves
from chainrule.warn import warn

Array = NDArray[Any]


class BaseMLP(CallbackSupportMixin, MLPParameters):  # type: ignore[misc]
    """A fit from its data to its end, for both estimators."""

    _html_repr = estimator_html.html_repr
    _sk_visual_block_ = estimator_html.visual_block

    @abstractmethod
    def _loss(self) -> Any:
        """Return the row of the table of losses that the parameters ask for."""

    @abstractmethod
    def _stratify(self, y: Array) -> Array | None:
        """Return the classes whose shares a part set aside is to keep."""

    def _weights(self, y: Array, sample_weight: Array | None) -> Array | None:
        """Return the weights of the examples."""
        return sample_weight

    @whole_or_not_at_all
    @with_callbacks
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        record: bool = False,
    ) -> Self:
        """Train the network, and measure it on validation data if they are given.

        Parameters
        ----------
        X, y
            The examples and their targets.
        sample_weight
            The weights of the examples, (n,).
        X_val, y_val, sample_weight_val
            Validation data in place of what would be held out.
        record
            Whether `history_` keeps X and y as they are trained with, so that `cr.explain_step` and
            `cr.contributions` can make any step of this call again.
        """
        validation = ValidationArguments(X_val, y_val, sample_weight_val)
        self._train(X, y, sample_weight, validation, record=record)
        return self

    def _train(
        self,
        X: Any,
        y: Any,
        weight: Any,
        given: ValidationArguments,
        *,
        record: bool,
        epochs: int | None = None,
    ) -> None:
        """Train for some epochs, from where an earlier call ended if that is what is wanted."""
        hyperparameters.check_parameters(self)
        given.check()
        whole, fitted = epochs is None, "parameters_" in vars(self)
        if fitted and self.early_stopping and self._curves.is_over and not whole:
            return
        goes_on = fitted and (self.warm_start or not whole)
        if goes_on:
            hidden_layers.check_same_form(self, self._form)
        data = self._data(X, y, weight, given, first=not goes_on, whole=whole)
        begin = self._descent if hyperparameters.is_descent(self) else self._minimisation
        training = begin(data, epochs or self.max_iter, record=record)
        with EpochHooks(self, data, epochs or self.max_iter, self._take, whole=whole) as hooks:
            self._take(training.run(*hooks.after_each))
        self._take(training.concluded(whole=whole))
        self._warn_of_end(training, whole=whole)

    def _descent(self, data: FitData, epochs: int, *, record: bool) -> Descent:
        """Return the training by steps down the gradient, before its first step."""
        held, batch = data.held, self._batch(data.n)
        by_score = self.early_stopping and held is not None
        curves = self._curves.begun(self.metrics or (), validated=held is not None)
        rule = functools.partial(hyperparameters.optimizer, self, data.n, batch)
        optimizer, start = rule(curves.slowdown), curves.starts["score" if by_score else "loss"]
        return Descent(
            self._plan(data, optimizer, batch, epochs, start, record=record),
            OneBlock(Examples(data.X, data.target, data.weight)),
            self.parameters_,
            going_on(self.history_, optimizer, self.parameters_),
            held and held.as_fit_takes_it,
            data=data,
            curves=curves,
            scoring=Scoring(self._model, self._scorer(), scorers(self)),
            by_score=by_score,
            rule=rule,
            falling=self.learning_rate_init if hyperparameters.slows_down(self) else None,
            seen=self.t_,
        )

    def _plan(
        self,
        data: FitData,
        optimizer: Optimizer,
        batch: int,
        epochs: int,
        start: int,
        *,
        record: bool,
    ) -> TrainingPlan:
        """Return what is to be done; the epochs from `start` on count for patience."""
        return TrainingPlan(
            net=self._network(data.X.shape[1], batch * data.mean_weight),
            optimizer=optimizer,
            epochs=self.history_.epochs + epochs,
            batch_size=batch,
            seed=self.seed_,
            stopping=Patience(self.n_iter_no_change, self.tol, start=start),
            shuffle=bool(self.shuffle),
            clip_value=self.clip_value,
            clip_norm=self.clip_norm,
            record=record,
            **self._engine(),
        )

    def _minimisation(self, data: FitData, steps: int, *, record: bool) -> Minimisation:
        """Return the training by L-BFGS, before its first step."""
        if record:
            raise ValueError(
                f"{type(self).__name__}: solver='lbfgs' makes no steps to be made again; leave "
                "record out, or take another solver, such as 'adam'"
            )
        net = self._network(data.X.shape[1], len(data.X) * data.mean_weight)
        check_statistics(type(self).__name__, net)
        state = FitState(net, self.parameters_, History(), n_iter=0, t=self.t_)
        return Minimisation(state, data, steps, self.max_fun, self.tol, self._engine())

    def _batch(self, n: int) -> int:
        """Return how many of n examples make a step."""
        if isinstance(self.batch_size, str):
            return min(200, n)
        if self.batch_size > n:
            warn(
                f"{type(self).__name__}: batch_size={self.batch_size} is more than the {n} "
                f"examples; {n} are taken"
            )
        return min(int(self.batch_size), n)

    def _scorer(self) -> Scorer | None:
        """Return what scores validation data; None for their loss."""
        if self.scoring is None:
            own: Scorer = type(self)._score
            return own
        return None if self.scoring == "loss" else scorer(self.scoring)

    def _warn_of_end(self, training: Descent | Minimisation, *, whole: bool) -> None:
        """Say what the user should know of how a training ended."""
        if training.interrupted:
            warn("Training interrupted by user.")
        if self._curves.is_over and not whole:
            warn(
                f"{type(self).__name__}.partial_fit: the score has not gained by tol={self.tol:g} "
                f"in more than {self.n_iter_no_change} calls; the model is at its best, and stays "
                "so"
            )
        if whole and not training.ended:
            warn(
                f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the "
                "optimization hasn't converged yet.",
                ConvergenceWarning,
            )

    @abstractmethod
    def _learn(self, y: Array, weight: Array | None, *, first: bool, whole: bool) -> None:
        """Learn what y consists of, or raise where it does not fit what was learnt before."""

    @abstractmethod
    def _encode(self, y: Array) -> Array:
        """Return y as the core has it."""

    def _data(
        self,
        X: Any,
        y: Any,
        weight: Any,
        given: ValidationArguments,
        *,
        first: bool,
        whole: bool,
    ) -> FitData:
        """Return the examples, checked, apart from those that are held out."""
        if first:
            self._library = inputs.library(X)
        checked, labels = inputs.check_data(self, X, y, first=first)
        w = inputs.check_sample_weight(weight, checked)
        self._learn(labels, w, first=first, whole=whole)
        target = self._encode(labels)
        if first:
            self._begin(checked, target)
        held = self._held(given, checked, labels, target, w, whole=whole)
        apart = held is not None and held.rows is not None
        weights = held.weight if held is not None and apart else self._weights(labels, w)
        return FitData((X, y), checked, labels, target, weights, held)

    def _held(
        self,
        given: ValidationArguments,
        X: Array,
        y: Array,
        target: Array,
        weight: Array | None,
        *,
        whole: bool,
    ) -> ValidationData | None:
        """The validation data: those given, or some set aside."""
        descends = hyperparameters.is_descent(self)
        if given.X is not None:
            if not descends:
                raise ValueError(
                    f"{type(self).__name__}: X_val and y_val are for solvers that make epochs; "
                    "solver='lbfgs' makes none"
                )
            X_val, y_val = inputs.check_data(self, given.X, given.y, first=False)
            w_val = inputs.check_sample_weight(given.weight, X_val, "sample_weight_val")
            return ValidationData(X_val, y_val, self._encode(y_val), self._weights(y_val, w_val))
        if not (whole and descends and (self.early_stopping or self.validation_split is not None)):
            return None
        rows = self._rows_held_out(X, y)
        return ValidationData(X, y, target, self._weights_apart(y, weight, rows), rows)

    def _rows_held_out(self, X: Array, y: Array) -> Array:
        """Return the rows to set aside for validation."""
        asked, kind = self.validation_split, type(self).__name__
        if asked is not None:
            return as_given(f"{kind}: validation_split", asked, X, y)
        return as_scikit_learn(len(X), self.validation_fraction, self.seed_, self._stratify(y))

    def _weights_apart(self, y: Array, weight: Array | None, rows: Array) -> Array | None:
        """The weights of all examples: of a part set aside, and of the others, each by itself."""
        held = np.zeros(len(y), bool)
        held[rows] = True
        parts = [(of, self._weights(y[of], weight if weight is None else weight[of]))
                 for of in (held, ~held)]  # fmt: skip
        whole = np.empty(len(y))
        for of, w in parts:
            if w is None:
                return None
            whole[of] = w
        return whole

    def _begin(self, X: Array, target: Array) -> None:
        """Draw new parameters, and forget all earlier calls."""
        self._forget()
        rng = check_random_state(self.random_state)
        self.n_outputs_ = target.shape[1] if target.ndim > 1 else len(self.classes_)
        self.network_, self._form = self._network(X.shape[1], 1.0), hidden_layers.form(self)
        self.n_layers_ = 1 + sum(bool(leaves(part)) for part in self.network_.form)
        self.parameters_ = hidden_layers.initial(self, self.network_, rng, X.dtype)
        self.seed_ = int(rng.randint(2**31))
        self.t_, self.n_iter_, self.history_ = 0, 0, History()
        self._curves = Curves()

    def _network(self, inputs: int, weight: float) -> Network:
        """The network, with a penalty that a batch of some weight shares out among its examples."""
        return Network(
            inputs,
            hidden_layers.layers(self, self.n_outputs_),
            self._loss(),
            l1=self.l1 / weight,
            l2=self.alpha / weight,
        )
