"""Training by steps down the gradient: scores may decide when it ends, and its rate may fall."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from chainrule.distributed import is_agreed
from chainrule.estimators.fit_data import FitData
from chainrule.estimators.fit_state import Curves, FitState
from chainrule.estimators.scorers import Scoring
from chainrule.fitting.patience import Patience
from chainrule.fitting.trainer import Hook, Trainer
from chainrule.history import History, TrainingInterrupted
from chainrule.network import Parameters
from chainrule.optimizers import Optimizer, init_states

SLOWER, SLOWEST = 5, 1e-6
"""By what "adaptive" divides the rate of learning, and the rate that it divides no more."""


@dataclass(kw_only=True)
class Descent(Trainer):
    """The training of an estimator.

    Attributes
    ----------
    data, curves
        Its examples, and what is known by epoch.
    scoring
        What looks at it after each epoch.
    by_score
        Whether the scores decide when it ends, and not the loss.
    rule, falling
        The optimizer for what is left of the rate of learning; the rate at the start where it falls
        when nothing is gained, None where the training ends then.
    seen, begun
        The examples and the epochs that earlier calls have seen and made.
    interrupted
        Whether Ctrl-C has ended it.
    """

    data: FitData
    curves: Curves
    scoring: Scoring
    by_score: bool
    rule: Callable[[float], Optimizer]
    falling: float | None
    seen: int
    interrupted: bool = field(default=False, init=False)
    begun: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.begun = self.epochs

    @property
    def state(self) -> FitState:
        """Where it stands."""
        history, made = self.history or History(), self.epochs - self.begun
        loss = history.loss[-1] if history.loss else None
        seen = self.seen + self.data.n * made
        return FitState(self.plan.net, self.params, history, made, seen, loss, self.curves)

    @property
    def ended(self) -> bool:
        """Whether it is over for another reason than that its epochs are made."""
        return self.interrupted or bool(self.stopped)

    @property
    def figures(self) -> list[float]:
        """The losses, or where the scores decide what they lack."""
        return [-score for score in self.curves.scores or ()] if self.by_score else self.losses

    def settle(self) -> None:
        """Measure, and slow down where nothing is gained if that is wanted and can be."""
        self._measure()
        self._slow_down_where_it_stands_still()

    def _measure(self) -> None:
        """Enter the metrics and the score; keep the parameters of the best score."""
        curves, held, (make, score, metrics) = self.curves, self.data.held, self.scoring
        if not metrics and held is None:
            return
        model, measured = make(self.state), (held or self.data).measured
        for name, metric in metrics.items():
            curves.metrics[name].append(metric(model, *measured))
        if held is not None:
            found = score(model, *measured) if score else -self.validation_losses[-1]
            curves.enter(found, self.params)

    def _slow_down_where_it_stands_still(self) -> None:
        """Lower the rate if that can be; from here on, epochs without a gain are counted anew."""
        if self.stopped != "early stopping":
            return
        curves, patience, counted = self.curves, self.plan.stopping, len(self.figures)
        assert isinstance(patience, Patience)
        curves.starts["score" if self.by_score else "loss"] = counted
        if self.falling is None or not self.falling * curves.slowdown > SLOWEST:
            return
        curves.slowdown /= SLOWER
        self.plan = dataclasses.replace(
            self.plan,
            optimizer=self.rule(curves.slowdown),
            stopping=dataclasses.replace(patience, start=counted),
        )

    def run(self, *hooks: Hook) -> FitState:
        """Go on until it is over or Ctrl-C is pressed, and return where it stands then."""
        try:
            self._slow_down_where_it_stands_still()  # by the epochs of earlier calls
            self.train(*hooks)
        except KeyboardInterrupt as interrupt:
            if self._alone_of_ranks(interrupt):
                raise
            self.interrupted = True
            if isinstance(interrupt, TrainingInterrupted):
                self._stand_at(interrupt.params, interrupt.history)
        else:
            _check_states(self.history)
        return self.state

    def _alone_of_ranks(self, interrupt: KeyboardInterrupt) -> bool:
        """Whether other ranks have not come to the same end: Ctrl-C then is an error on all."""
        shared = self.data.shared
        several = shared is not None and shared.ranks.size > 1
        return several and not is_agreed(interrupt)

    def concluded(self, *, whole: bool) -> FitState:
        """Return where it ends: at the best parameters, where scores decide and it is over."""
        state, best = self.state, self.curves.best
        self.curves.is_over = self.by_score and self.ended and not whole
        if not self.by_score or best is None or not (whole or self.ended):
            return state
        history = dataclasses.replace(state.history, best=best, restored=True)
        return dataclasses.replace(state, params=best, history=history)


def _check_states(history: History | None) -> None:
    """Raise where the squares of gradients have outgrown the dtype: steps are 0 from then on."""
    states = history.at.states if history else []
    if not all(np.isfinite(array).all() for state in states for array in state):
        raise ValueError(
            "Solver produced non-finite sums of squared gradients. The input data may contain "
            "large values and need to be preprocessed."
        )


def going_on(history: History, optimizer: Optimizer, params: Parameters) -> History | None:
    """Return the history to go on from; another optimizer starts with a state of its own.

    >>> net = cr.Network(1, [cr.Dense(1)], loss="huber")
    >>> params, history = cr.fit(net, net.init(), [[1.0]], [2.0], cr.SGD(), epochs=1)
    >>> going_on(history, cr.Adam(), params).at.optimizer
    'Adam'
    """
    if not history.epochs:
        return None
    kind, states = type(optimizer).__name__, init_states(optimizer, params)
    if (history.at.optimizer, [*map(len, history.at.states)]) != (kind, [*map(len, states)]):
        history = history.copy()
        history.last = history.at._replace(params=params, states=states, optimizer=kind)
    return history
