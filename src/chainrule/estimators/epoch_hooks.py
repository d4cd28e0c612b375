"""What is done after each epoch: scores, the end of the run, callbacks, progress."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import _safe_indexing

from chainrule.batches import HeldOut
from chainrule.estimators import hyperparameters
from chainrule.estimators.fit_progress import Progress
from chainrule.estimators.validation_data import Held, scorer, scorers
from chainrule.history import EarlyStopping, History
from chainrule.network import Parameters
from chainrule.trees import Array


@dataclass(frozen=True)
class Patience(EarlyStopping):
    """scikit-learn's end of a run: more than so many epochs one after the other without a gain.

    An epoch gains where its loss is at most the lowest before it less `tolerance`. Only epochs
    after `start` count; the lowest loss is that of all.

    >>> Patience(2, 0.1).is_over([3.0, 2.0, 1.95, 1.95, 1.95])
    True
    """

    patience: Any = 10
    tolerance: float = 1e-4
    of: str = "loss"
    start: int = 0

    def __post_init__(self) -> None:
        """Its numbers are the estimator's, which has checked them."""

    def is_over(self, losses: list[float]) -> bool:
        """Whether the last epochs, more than `patience` of them, have not gained."""
        first = len(losses) - 1 - self.patience
        if first < max(self.start, 1):  # the first epoch of all gains
            return False
        best = min(losses[:first])
        for loss in losses[first:]:
            if not loss > best - self.tolerance:
                return False
            best = min(best, loss)
        return True


class Task(NamedTuple):
    """What a fit works on: the examples as the user gave them, and as arrays.

    Those that were set aside for validation are among them.
    """

    given: tuple[Any, Any]
    X: Array
    y: Array
    target: Array
    weight: Array | None
    held: Held | None

    @property
    def measured(self) -> tuple[Array, Array, Array | None]:
        """What metrics are taken of where there are no validation data."""
        return self.X, self.y, self.weight

    @property
    def rows(self) -> Array | None:
        """The numbers of the examples in training, None for all."""
        held = None if self.held is None else self.held.rows
        if held is None:
            return None
        kept = np.ones(len(self.X), bool)
        kept[held] = False
        return np.flatnonzero(kept)

    @property
    def n(self) -> int:
        """How many examples are in training."""
        held = None if self.held is None else self.held.rows
        return len(self.X) - (0 if held is None else len(HeldOut(held).distinct))

    def part(self, k: int) -> Any:
        """Return the rows in training of the user's X (0) or y (1)."""
        rows = self.rows
        return self.given[k] if rows is None else _safe_indexing(self.given[k], rows)

    def weights(self) -> Array | None:
        """Return the weights of the examples in training."""
        rows = None if self.weight is None else self.rows
        return self.weight if self.weight is None or rows is None else self.weight[rows]


class Watch:
    """A run under watch, from its first epoch to its last.

    Attributes
    ----------
    over
        Whether nothing more is to be done.
    rule
        The end by the training loss, which `fit` looks after; None where this watch does.
    callbacks
        What `fit` is to call after each epoch; nothing where the rule alone decides, so that many
        epochs can be made at once.
    """

    def __init__(self, estimator: Any, task: Task, epochs: int, *, whole: bool) -> None:
        self.estimator, self.task, self.held = estimator, task, task.held
        self.goal, self.over = estimator.history_.epochs + epochs, False
        self.scorer = None if estimator.scoring in (None, "loss") else scorer(estimator.scoring)
        self.metrics = scorers(estimator)
        self.by_score = bool(estimator.early_stopping and task.held)
        self.context: Any = None
        self.epoch: Any = None
        if whole and hasattr(estimator, "_skl_callbacks"):
            self.context = estimator._init_callback_context(max_subtasks=epochs)
        self.progress = Progress(estimator.verbose and whole, epochs)
        self._prepare_curves()

    def _prepare_curves(self) -> None:
        """Go on with copies of the curves so far, so that a fit that fails leaves them alone."""
        e = self.estimator
        if self.held and getattr(e, "validation_scores_", None):
            e.validation_scores_ = list(e.validation_scores_)
        elif self.held:
            e.validation_scores_, e.best_validation_score_ = [], -math.inf
            e._since = {**e._since, "score": 0}
        if self.metrics:
            before = getattr(e, "metrics_curve_", {})
            e.metrics_curve_ = {name: list(before.get(name, ())) for name in self.metrics}

    def __enter__(self) -> Watch:
        if self.context is not None:
            self.context.call_on_fit_task_begin(**self._data())
            if hyperparameters.is_descent(self.estimator):
                self._begin_epoch()
        self.progress.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.progress.__exit__(kind, error, traceback)
        if self.context is not None and error is None:
            if self.epoch is not None:  # Ctrl-C came in the midst of it
                self._end_epoch()
            self.context.call_on_fit_task_end(**self._data(), **self._fitted())

    def _data(self) -> dict[str, Any]:
        """What the callbacks are told: the examples in training, made only if they ask."""
        task, weight = self.task, self.task.weights()
        return {
            "estimator": self.estimator,
            "X": lambda: task.part(0),
            "y": lambda: task.part(1),
            "metadata": None if weight is None else {"sample_weight": weight},
        }

    def _fitted(self) -> dict[str, Any]:
        e = self.estimator
        return {"reconstruction_attributes": lambda: {"parameters_": e.parameters_}}

    def _begin_epoch(self) -> None:
        self.epoch = self.context.subcontext(task_name="epoch")
        self.epoch.call_on_fit_task_begin(**self._data())

    def _end_epoch(self) -> bool:
        ended, self.epoch = self.epoch, None
        return bool(ended.call_on_fit_task_end(**self._data(), **self._fitted()))

    @property
    def validation(self) -> Any:
        """The validation data as `fit` takes them."""
        held = self.held
        if held is None:
            return None
        return (held.X, held.target, held.weight) if held.rows is None else HeldOut(held.rows)

    @property
    def patience(self) -> Patience:
        """The rule by which the run ends, or slows down."""
        e = self.estimator
        return Patience(e.n_iter_no_change, e.tol, start=e._since[self._curve])

    @property
    def _curve(self) -> str:
        return "score" if self.by_score else "loss"

    def _losses(self) -> list[float]:
        e = self.estimator
        return [-score for score in e.validation_scores_] if self.by_score else e.loss_curve_

    @property
    def rule(self) -> EarlyStopping | None:
        """The rule where no epoch needs watching, else None."""
        return None if self.callbacks else self.patience

    @property
    def callbacks(self) -> list[Callable[[History], bool]]:
        """What is to be called after each epoch."""
        asked = self.held, self.metrics, self.context is not None, self.progress.shown
        return [self.after_epoch] if any(asked) else []

    def after_epoch(self, history: History) -> bool:
        """Measure, show, and ask whether the run is over or slows down."""
        e = self.estimator
        e._take(history.at.params, history)
        self._measure(history)
        slower = False
        if self.patience.is_over(self._losses()):
            slower = not self.lose_patience()
        self.after_step(e.loss_)
        return slower or self.over

    def after_step(self, loss: float) -> bool:
        """Show a step of the run, an epoch or one of L-BFGS, and call scikit-learn's callbacks."""
        e = self.estimator
        scores = e.validation_scores_ if self.held else None
        self.progress.advance(loss, scores[-1] if scores else None)
        if self.context is not None:
            if self.epoch is None:  # L-BFGS says only when a step is done
                self._begin_epoch()
            self.over = self._end_epoch() or self.over
            more = hyperparameters.is_descent(e) and e.history_.epochs < self.goal
            if more and not self.over:
                self._begin_epoch()
        return self.over

    def _measure(self, history: History) -> None:
        """Enter the score and the metrics; keep the parameters of the best score."""
        e, model, held = self.estimator, self.estimator._bare(), self.held
        X, y, weight = (held or self.task).measured
        for name, metric in self.metrics.items():
            e.metrics_curve_[name].append(metric(model, X, y, weight))
        if held is None:
            return
        e.validation_loss_curve_ = history.validation_loss
        if e.scoring == "loss":
            score = -history.validation_loss[-1]
        else:
            score = (self.scorer or type(e)._score)(model, X, y, weight)
        e.validation_scores_.append(score)
        if score > e.best_validation_score_:
            e.best_validation_score_, e._best = score, history.at.params

    def lose_patience(self) -> bool:
        """Slow down, where that is wanted and can be; else the run is over. Return whether it is.

        From here on, the epochs without a gain are counted anew.
        """
        e = self.estimator
        e._since = {**e._since, self._curve: len(self._losses())}
        if hyperparameters.slows_down(e) and e.learning_rate_init * e._slowdown > 1e-6:
            e._slowdown /= 5
        else:
            self.over = True
        return self.over

    def restore(self) -> None:
        """Give the estimator its best parameters, where scores decide."""
        e = self.estimator
        best: Parameters | None = e._best
        if self.by_score and best is not None:
            e.parameters_ = e.history_.best = best
            e.history_.restored = True
