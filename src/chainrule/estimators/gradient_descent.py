"""Training by steps down the gradient: the core's `fit`, run after run until nothing is left."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from chainrule.estimators import hyperparameters
from chainrule.estimators.epoch_hooks import Task, Watch
from chainrule.history import History, TrainingInterrupted
from chainrule.optimizers import Optimizer, init_states
from chainrule.training import fit
from chainrule.warn import warn


def run(estimator: Any, task: Task, watch: Watch) -> None:
    """Make the epochs of a fit, and enter where the estimator stands after them."""
    n, before = task.n, estimator.history_.epochs
    batch = _batch(estimator, n)
    weight = task.weights()
    mean = 1.0 if weight is None else float(weight.mean())
    estimator.network_ = estimator._network(task.X.shape[1], batch * mean)
    try:
        while estimator.history_.epochs < watch.goal and not watch.over:
            _run(estimator, task, batch, watch)
    except KeyboardInterrupt as interrupt:
        if isinstance(interrupt, TrainingInterrupted):
            estimator._take(interrupt.params, interrupt.history)
        watch.over = True
        warn("Training interrupted by user.")
    estimator.n_iter_ = estimator.history_.epochs - before
    estimator.t_ += n * estimator.n_iter_


def _run(estimator: Any, task: Task, batch: int, watch: Watch) -> None:
    """Make a run of `fit`, up to where the rate of learning changes."""
    rule = hyperparameters.optimizer(estimator, task.n, batch, estimator._slowdown)
    before = _history(estimator, rule)
    params, history = fit(
        estimator.network_,
        estimator.parameters_,
        task.X,
        task.target,
        rule,
        epochs=watch.goal - estimator.history_.epochs,
        batch_size=batch,
        seed=estimator.seed_,
        shuffle=bool(estimator.shuffle),
        sample_weight=task.weight,
        validation=watch.validation,
        early_stopping=watch.rule,
        clip_value=estimator.clip_value,
        clip_norm=estimator.clip_norm,
        callbacks=watch.callbacks,
        history=before,
        **estimator._engine(),
    )
    _check_states(history)
    estimator._take(params, history)
    if history.stopped == "early stopping":
        watch.lose_patience()


def _check_states(history: History) -> None:
    """Raise where the squares of gradients have outgrown the dtype: steps are 0 from then on."""
    if not all(np.isfinite(array).all() for state in history.at.states for array in state):
        raise ValueError(
            "Solver produced non-finite sums of squared gradients. The input data may contain "
            "large values and need to be preprocessed."
        )


def _batch(estimator: Any, n: int) -> int:
    size: Any = estimator.batch_size
    if isinstance(size, str):
        return min(200, n)
    if size > n:
        warn(
            f"{type(estimator).__name__}: batch_size={size} is more than the {n} "
            f"examples; {n} are taken",
        )
    return min(int(size), n)


def _history(estimator: Any, rule: Optimizer) -> History | None:
    """Return the history to go on from; another optimizer starts with a state of its own."""
    history: History = estimator.history_
    if not history.epochs:
        return None
    kind, states = type(rule).__name__, init_states(rule, estimator.parameters_)
    if (history.at.optimizer, [*map(len, history.at.states)]) != (kind, [*map(len, states)]):
        history = history.copy()
        history.last = history.at._replace(
            params=estimator.parameters_, states=states, optimizer=kind
        )
    return history


def conclude(estimator: Any, watch: Watch, *, whole: bool) -> None:
    """Keep the best parameters where scores decide, and say what the user should know."""
    kind = type(estimator).__name__
    if watch.by_score:
        estimator.best_loss_ = None
    else:
        estimator.best_loss_ = min(estimator.loss_curve_, default=None)
    if watch.held is None:
        estimator.validation_scores_ = estimator.best_validation_score_ = None
    if watch.by_score and (whole or watch.over):
        watch.restore()
    estimator._is_over = watch.by_score and watch.over and not whole
    if estimator._is_over:
        warn(
            f"{kind}.partial_fit: the score has not gained by tol={estimator.tol:g} in more than "
            f"{estimator.n_iter_no_change} calls; the model is at its best, and stays so",
        )
    if whole and not watch.over:
        warn(
            f"Stochastic Optimizer: Maximum iterations ({estimator.max_iter}) reached and the "
            "optimization hasn't converged yet.",
            ConvergenceWarning,
        )
