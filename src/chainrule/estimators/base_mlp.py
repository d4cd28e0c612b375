"""What the two estimators share: parameters and training."""

from __future__ import annotations

import functools
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.callback import CallbackSupportMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from chainrule.batches import Examples
from chainrule.estimators import estimator_html, hidden_layers, hyperparameters, inputs
from chainrule.estimators.epoch_hooks import EpochHooks
from chainrule.estimators.fit_data import FitData, ValidationArguments, ValidationData
from chainrule.estimators.fit_state import Curves, FitState
from chainrule.estimators.fitted import FittedMLP
from chainrule.estimators.gradient_descent import Descent, going_on
from chainrule.estimators.hyperparameters import (
    BatchSize,
    Engine,
    Epochs,
    LearningRate,
    Metrics,
    Solver,
    Threads,
    Truth,
    Verbosity,
)
from chainrule.estimators.lbfgs import Minimisation, check_statistics
from chainrule.estimators.scorers import Scorer, scorer, scorers
from chainrule.fitting.hold_out import as_given, as_scikit_learn
from chainrule.fitting.patience import Patience
from chainrule.fitting.trainer import OneBlock, TrainingPlan
from chainrule.history import History
from chainrule.network import Network
from chainrule.trees import leaves
from chainrule.value_types import AtLeastOne, Fraction, NotNegative, Positive
from chainrule.warn import warn

Array = NDArray[Any]

Kind = TypeVar("Kind", bound=type)


def documented(kind: Kind) -> Kind:
    """Put the shared parameters and attributes in the docstring of an estimator."""
    line = "    ----------\n"
    shared = (BaseMLP.__doc__ or "").partition("    Parameters\n" + line)[2]
    listed, _, attributes = shared.partition("\n    Attributes\n" + line)
    doc = (kind.__doc__ or "").replace("    {parameters}", listed.rstrip())
    kind.__doc__ = doc.replace("    {attributes}", attributes.rstrip())
    return kind


@dataclass(eq=False, repr=False, kw_only=True)
class BaseMLP(CallbackSupportMixin, FittedMLP):  # type: ignore[misc]
    """The parameters of both estimators, and what is known after a fit.

    Parameters
    ----------
    solver
        How the network is trained: "adam", "sgd", "adamw", "nadam", "rmsprop", "adagrad", "lion",
        "rprop"; "lbfgs", which goes through SciPy; or an optimizer such as `cr.Adam(1e-3)`, which
        then brings its own learning rate and numbers.
    alpha, l1
        The strength of the penalties ½α‖W‖² and l₁‖W‖₁ on the weights. As in scikit-learn they
        are divided by the weight of the batch.
    batch_size
        How many examples make a step; "auto" is 200, or all where there are fewer. Weights of
        examples and classes act alike in batches of any size: they count beside the mean weight of
        all examples of the call, where scikit-learn's perceptron takes that of the batch.
    learning_rate
        "constant"; "invscaling" or "adaptive" for the solver "sgd"; or a schedule such as
        `cr.Cosine(1e-2, steps=1000)`, for every solver but "lbfgs".
    learning_rate_init, power_t
        The learning rate at the start, and the power by which "invscaling" lowers it.
    max_iter, max_fun
        The most epochs (for "lbfgs" the most steps), and the most costs that "lbfgs" computes.
    shuffle, random_state
        Whether each epoch has an order of its own; the source of everything random. One
        `random_state` gives one model on any number of threads.
    tol, n_iter_no_change
        The run ends when for more than `n_iter_no_change` epochs one after the other the loss, or
        under early stopping the score, has not gained by `tol`.
    verbose
        Whether to show how far a fit has come: a bar in a terminal, lines elsewhere.
    warm_start
        Whether `fit` goes on from where the last call ended. a epochs and then b are a + b at
        once, bit for bit, through pickle too.
    momentum, nesterovs_momentum
        For the solver "sgd".
    early_stopping
        Whether validation data decide when the run ends. The parameters of the best score are
        kept then. `partial_fit` counts over its calls, where it is given `X_val` and `y_val`; at
        the end it keeps the best, says so once, and trains no more.
    validation_fraction, validation_split
        What `fit` sets aside for validation unless it is given `X_val` and `y_val`: under early
        stopping a fraction; or a split, which is a mask, the rows to hold out, or a splitter of
        one split such as `PredefinedSplit`.
    scoring
        What scores the validation data: None for the accuracy or R², "loss" for the loss of the
        network, the name of a scorer, or a function of (model, X, y).
    metrics
        Scorers to take after each epoch, by name: `{"auc": "roc_auc"}`; of the validation data
        where there are any, else of the training data.
    beta_1, beta_2, epsilon
        For the solvers of Adam's family; ε is added to √v̂, as in the paper, not to √v.
    dropout
        The rate at which activations are silenced in training, for all hidden layers or a list.
    layers
        The layers before the outputs in the place of hidden_layer_sizes, activation and dropout:
        a list of layers of any kind, `[cr.LayerNorm(), cr.Dense(32, "relu")]`. A linear layer for
        the outputs comes after them; where the last is `cr.Members`, within it, so that each
        member has outputs of its own. Each layer draws its initial parameters itself. A later call
        that goes on must be given the same layers. The statistics of a batch norm count each
        example once, whatever its weight; "lbfgs" makes no batches and refuses it.
    clip_value, clip_norm
        Bounds on each entry of the gradient, then on the norm of the whole.
    n_jobs
        How many threads to use: None for as many as are worth it, -1 for all.
    engine
        "auto", "native" to insist on the compiled engine, "reference" for the core.

    Attributes
    ----------
    network_, parameters_, history_
        The network, its parameters and the course of the training, for the functions of the core.
    coefs_, intercepts_
        The weights (inputs, outputs) and the biases of each dense layer, of those within other
        layers too; `parameters_` has those of all kinds.
    loss_, loss_curve_, best_loss_
        The loss of the last epoch, of each, and the lowest; None under early stopping.
    validation_scores_, best_validation_score_, validation_loss_curve_
        The scores of the validation data by epoch, the best, and their loss by epoch.
    metrics_curve_
        What `metrics` gave, by name and epoch.
    n_iter_, t_
        The epochs of the last call, and the examples seen in all calls.
    n_layers_, n_outputs_, out_activation_, n_features_in_, feature_names_in_
        The layers that have parameters, and the inputs, counted; the outputs; what turns the last
        into predictions; the columns.
    """

    solver: Solver = "adam"
    alpha: NotNegative = 0.0001
    batch_size: BatchSize = "auto"
    learning_rate: LearningRate = "constant"
    learning_rate_init: Positive = 0.001
    power_t: NotNegative = 0.5
    max_iter: AtLeastOne = 200
    shuffle: Truth = True
    random_state: Any = None
    tol: NotNegative = 1e-4
    verbose: Verbosity = False
    warm_start: Truth = False
    momentum: Fraction = 0.9
    nesterovs_momentum: Truth = True
    early_stopping: Truth = False
    validation_fraction: Fraction = 0.1
    beta_1: Fraction = 0.9
    beta_2: Fraction = 0.999
    epsilon: Positive = 1e-8
    n_iter_no_change: Epochs = 10
    max_fun: AtLeastOne = 15000
    l1: NotNegative = 0.0
    dropout: Any = 0.0
    layers: Any = None
    clip_value: Positive | None = None
    clip_norm: Positive | None = None
    validation_split: Any = None
    scoring: Any = None
    metrics: Metrics | None = None
    n_jobs: Threads = None
    engine: Engine = "auto"

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
        start = curves.starts["score" if by_score else "loss"]
        plan = TrainingPlan(
            net=self._network(data.X.shape[1], batch * data.mean_weight),
            optimizer=rule(curves.slowdown),
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
        return Descent(
            plan,
            OneBlock(Examples(data.X, data.target, data.weight)),
            self.parameters_,
            going_on(self.history_, plan.optimizer, self.parameters_),
            held and held.as_fit_takes_it,
            data=data,
            curves=curves,
            model=self._model,
            score=self._scorer(),
            metrics=scorers(self),
            by_score=by_score,
            rule=rule,
            falling=self.learning_rate_init if hyperparameters.slows_down(self) else None,
            seen=self.t_,
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
