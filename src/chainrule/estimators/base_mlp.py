"""What the two estimators share: a fit, from its data to its end."""

from __future__ import annotations

import functools
from abc import abstractmethod
from contextlib import nullcontext
from typing import Any, Self

from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from chainrule.batches import Examples
from chainrule.begun_run import Watching, is_watching
from chainrule.distributed import Ranks, as_ranks
from chainrule.estimators import estimator_html, hidden_layers, hyperparameters
from chainrule.estimators.epoch_hooks import EpochHooks
from chainrule.estimators.fit_data import FitData, ValidationArguments
from chainrule.estimators.fit_examples import AUTO, FitExamples
from chainrule.estimators.fit_state import Curves, FitState, whole_or_not_at_all
from chainrule.estimators.gradient_descent import Descent, going_on
from chainrule.estimators.lbfgs import Minimisation, check_statistics
from chainrule.estimators.scorers import Scorer, Scoring, scorer, scorers
from chainrule.estimators.shared_rows import SharedRows
from chainrule.fitting.patience import Patience
from chainrule.fitting.sklearn_versions import CallbackSupportMixin, with_callbacks
from chainrule.fitting.trainer import OneBlock, TrainingPlan
from chainrule.history import History
from chainrule.layers import Layer
from chainrule.loss_row import Loss
from chainrule.network import Network
from chainrule.optimizers import Optimizer
from chainrule.trees import leaves
from chainrule.warn import warn

Array = NDArray[Any]


class BaseMLP(CallbackSupportMixin, FitExamples):  # type: ignore[misc]
    """A fit from its data to its end, for both estimators."""

    _html_repr = estimator_html.html_repr
    _sk_visual_block_ = estimator_html.visual_block

    @abstractmethod
    def _loss(self) -> Any:
        """Return the row of the table of losses that the parameters ask for."""

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
        comm: Any = None,
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
        comm
            The processes that train together: a communicator of mpi4py, `MPI.COMM_WORLD`, or
            `cr.Ranks`. Each calls this alike with its own part of the rows, of validation data too,
            and comes to the same model; a part may have no rows. None is this process alone, under
            `mpiexec` too, so that many trainings may go on side by side there.
        """
        validation = ValidationArguments(X_val, y_val, sample_weight_val)
        self._train(X, y, sample_weight, validation, record=record, comm=comm)
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
        comm: Any = None,
    ) -> None:
        """Train for some epochs, from where an earlier call ended if that is what is wanted."""
        hyperparameters.check_parameters(self)
        given.check()
        ranks = None if comm is None and self.shards is None else as_ranks(comm)
        with ranks.together() if ranks else nullcontext():
            self._train_on(ranks, (X, y, weight), given, record=record, epochs=epochs)

    def _train_on(
        self,
        ranks: Ranks | None,
        rows: tuple[Any, Any, Any],
        given: ValidationArguments,
        *,
        record: bool,
        epochs: int | None,
    ) -> None:
        whole, fitted = epochs is None, "parameters_" in vars(self)
        if fitted and self.early_stopping and self._curves.is_over and not whole:
            return
        goes_on = fitted and (self.warm_start or not whole)
        if goes_on:
            hidden_layers.check_same_form(self, self._form)
        data = self._data(*rows, given, ranks, first=not goes_on, whole=whole)
        begin = self._descent if hyperparameters.is_descent(self) else self._minimisation
        training = begin(data, epochs or self.max_iter, record=record)
        if whole and isinstance(training, Descent):
            training.watches = self._watches()
        with EpochHooks(self, data, epochs or self.max_iter, self._take, whole=whole) as hooks:
            self._take(training.run(*hooks.after_each))
        self._take(training.concluded(whole=whole))
        if data.leads:
            self._warn_of_end(training, whole=whole)

    def _descent(self, data: FitData, epochs: int, *, record: bool) -> Descent:
        """Return the training by steps down the gradient, before its first step."""
        held, batch, shared = data.held, self._batch(data), data.shared
        by_score = self.early_stopping and held is not None
        curves = self._curves.begun(self.metrics or (), validated=held is not None)
        rule = functools.partial(hyperparameters.optimizer, self, data.n, batch)
        scoring = Scoring(self._model, self._scorer(), scorers(self))
        _check_measured(self, data)
        optimizer, start = rule(curves.slowdown), curves.starts["score" if by_score else "loss"]
        return Descent(
            self._plan(data, optimizer, batch, epochs, start, record=record),
            OneBlock(Examples(data.X, data.target, data.weight)),
            self.parameters_,
            going_on(self.history_, optimizer, self.parameters_),
            held and held.as_fit_takes_it,
            data=data,
            curves=curves,
            scoring=shared.scoring(scoring, type(self)._score) if shared else scoring,
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
            comm=None if data.shared is None else data.shared.others,
            shards=None if data.shared is None else data.shared.shards,
            precision=self.precision,
            **self._engine(),
        )

    def _watches(self) -> list[Watching]:
        """Return those of scikit-learn's callbacks that watch each training by `fit` too."""
        return [each for each in getattr(self, "_skl_callbacks", ()) if is_watching(each)]

    def _minimisation(self, data: FitData, steps: int, *, record: bool) -> Minimisation:
        """Return the training by L-BFGS, before its first step."""
        if record:
            raise ValueError(
                f"{type(self).__name__}: solver='lbfgs' makes no steps to be made again; leave "
                "record out, or take another solver, such as 'adam'"
            )
        if self.precision is not None:
            raise ValueError(
                f"{type(self).__name__}: solver='lbfgs' has no products in bfloat16; leave "
                "precision out, or take another solver, such as 'adam'"
            )
        net = self._network(data.X.shape[1], data.n * data.mean_weight)
        check_statistics(type(self).__name__, net)
        state = FitState(net, self.parameters_, History(), n_iter=0, t=self.t_)
        return Minimisation(state, data, steps, self.max_fun, self.tol, self._engine())

    def _batch(self, data: FitData) -> int:
        """Return how many of the examples in training make a step."""
        n = data.n
        if isinstance(self.batch_size, str):
            return min(AUTO, n)
        if self.batch_size > n and data.leads:
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

    def _begin(self, X: Array, target: Array, shared: SharedRows | None) -> None:
        """Draw new parameters, and forget all earlier calls."""
        self._forget()
        rng = check_random_state(self.random_state)
        if shared is not None:
            rng = shared.random_state(self.random_state, rng)
        self.n_outputs_: Any | int = target.shape[1] if target.ndim > 1 else len(self.classes_)
        self.network_, self._form = self._network(X.shape[1], 1.0), hidden_layers.form(self)
        self.n_layers_: int = 1 + sum(bool(leaves(part)) for part in self.network_.form)
        self.parameters_ = hidden_layers.initial(self, self.network_, rng, X.dtype)
        self.seed_ = int(rng.randint(2**31))
        self.t_, self.n_iter_, self.history_ = 0, 0, History()
        self._curves = Curves()

    def _network(self, inputs: int, weight: float) -> Network:
        """The network, with a penalty that a batch of some weight shares out among its examples."""
        layers = tuple(hidden_layers.layers(self, self.n_outputs_))
        return _network(inputs, layers, self._loss(), self.l1 / weight, self.alpha / weight)


@functools.lru_cache
def _network(
    inputs: int, layers: tuple[Layer, ...], loss: str | Loss, l1: float, l2: float
) -> Network:
    """Return a network, for fits of one specification the same: what was made of it serves them."""
    return Network(inputs, layers, loss, l1=l1, l2=l2)


def _check_measured(estimator: Any, data: FitData) -> None:
    """Raise for metrics of training data that no rank has whole."""
    if estimator.metrics and data.held is None and data.shared and data.shared.ranks.size > 1:
        raise ValueError(
            f"{type(estimator).__name__}: metrics on several ranks are taken of validation data, "
            "which rank 0 gathers; give X_val and y_val, or early_stopping=True"
        )
