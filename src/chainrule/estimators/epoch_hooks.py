"""What is done after each epoch besides measuring: progress, and scikit-learn's callbacks."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from chainrule.estimators import hyperparameters
from chainrule.estimators.fit_data import FitData
from chainrule.estimators.fit_state import FitState
from chainrule.estimators.gradient_descent import Descent
from chainrule.estimators.lbfgs import Minimisation
from chainrule.fitting.progress import Progress
from chainrule.formatting import number


class EpochHooks:
    """What a fit tells others, from its first epoch to its last.

    `take` makes attributes of the estimator of where the fit stands: callbacks look at them.
    """

    estimator: Any
    data: FitData
    take: Callable[[FitState], None]

    def __init__(
        self,
        estimator: Any,
        data: FitData,
        epochs: int,
        take: Callable[[FitState], None],
        *,
        whole: bool,
    ) -> None:
        self.estimator, self.data, self.take = estimator, data, take
        self.context: Any = None
        self.epoch: Any = None
        if whole and hasattr(estimator, "_skl_callbacks"):
            self.context = estimator._init_callback_context(max_subtasks=epochs)
        self.progress: Progress | None = Progress(epochs) if self._shows(whole) else None

    def _shows(self, whole: bool) -> bool:
        """Whether a bar is shown: on several ranks by the first."""
        return bool(self.estimator.verbose and whole and self.data.leads)

    def __enter__(self) -> Self:
        if self.context is not None:
            self.context.call_on_fit_task_begin(**self._data())
            if hyperparameters.is_descent(self.estimator):
                self._begin_epoch()
        if self.progress is not None:
            self.progress.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.progress is not None:
            self.progress.__exit__(kind, error, traceback)
        if self.context is not None and error is None:
            if self.epoch is not None:  # Ctrl-C came in the midst of it
                self._end_epoch()
            self.context.call_on_fit_task_end(**self._data(), **self._fitted())

    @property
    def after_each(self) -> list[Callable[[Any], bool]]:
        """What is to be called after each epoch or step: nothing where nothing is asked of it."""
        asked = self.data.held, self.estimator.metrics, self.context is not None, self.progress
        return [self.after_epoch] if any(asked) else []

    def after_epoch(self, training: Descent | Minimisation) -> bool:
        """Show an epoch or a step, and call the callbacks; return whether one ends the fit."""
        state = training.state
        self.take(state)
        if self.progress is not None:
            self.progress.show(state.n_iter, _said(state, self.progress.left(state.n_iter)))
        if self.context is None:
            return False
        if self.epoch is None:  # L-BFGS says only when a step is done
            self._begin_epoch()
        ends = self._end_epoch()
        if not (training.over or ends):
            self._begin_epoch()
        return ends

    def _begin_epoch(self) -> None:
        self.epoch = self.context.subcontext(task_name="epoch")
        self.epoch.call_on_fit_task_begin(**self._data())

    def _end_epoch(self) -> bool:
        ended, self.epoch = self.epoch, None
        return bool(ended.call_on_fit_task_end(**self._data(), **self._fitted()))

    def _data(self) -> dict[str, Any]:
        """What the callbacks are told: the examples in training, made only if they ask."""
        data, weight = self.data, self.data.weights()
        return {
            "estimator": self.estimator,
            "X": lambda: data.part(0),
            "y": lambda: data.part(1),
            "metadata": None if weight is None else {"sample_weight": weight},
        }

    def _fitted(self) -> dict[str, Any]:
        e = self.estimator
        return {"reconstruction_attributes": lambda: {"parameters_": e.parameters_}}


def _said(state: FitState, left: str) -> str:
    """Return the loss of the last epoch, and its score if it has one."""
    scores = state.curves and state.curves.scores
    score = f"  validation {number(scores[-1])}" if scores else ""
    return f"loss {number(state.loss, 6)}{score}  {left}"
