"""Where the fit of an estimator stands: what a solver is handed, and what it hands back."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from chainrule.history import History
from chainrule.network import Network, Parameters

Method = TypeVar("Method", bound=Callable[..., Any])


def whole_or_not_at_all(method: Method) -> Method:
    """Make a method that leaves its object as it was where it fails."""

    @functools.wraps(method)
    def attempted(self: Any, *args: Any, **kwargs: Any) -> Any:
        before = dict(vars(self))
        try:
            return method(self, *args, **kwargs)
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    return attempted  # type: ignore[return-value]


@dataclass
class Curves:
    """What a fit knows by epoch beside its history, and what follows from that.

    Attributes
    ----------
    scores, best_score, best
        The scores of the validation data by epoch, the best of them, and its parameters; `scores`
        are None without such data.
    metrics
        What each metric gave by epoch.
    starts
        The epochs before which early stopping counts nothing, by "loss" and by "score".
    slowdown
        What is left of the learning rate.
    is_over
        Whether `partial_fit` has come to its end.

    >>> Curves().begun([], validated=True).best_score
    -inf
    """

    scores: list[float] | None = None
    best_score: float | None = None
    best: Parameters | None = None
    metrics: dict[str, list[float]] = field(default_factory=dict)
    starts: dict[str, int] = field(default_factory=lambda: {"loss": 0, "score": 0})
    slowdown: float = 1.0
    is_over: bool = False

    def begun(self, metrics: Iterable[str], *, validated: bool) -> Curves:
        """Return what a call goes on with: a copy, so that one that fails leaves this alone.

        >>> Curves(metrics={"auc": [0.5]}).begun(["auc", "f1"], validated=True).metrics
        {'auc': [0.5], 'f1': []}
        """
        new = dataclasses.replace(self, starts=dict(self.starts), is_over=False)
        if names := list(metrics):
            new.metrics = {name: list(self.metrics.get(name, ())) for name in names}
        new.scores = list(self.scores or ()) if validated else None
        if not new.scores:
            new.best_score = -math.inf if validated else None
            new.starts["score"] = 0
        return new

    def enter(self, score: float, params: Parameters) -> None:
        """Enter the score of an epoch, and keep its parameters where it is the best."""
        assert self.scores is not None
        assert self.best_score is not None
        self.scores.append(score)
        if score > self.best_score:
            self.best_score, self.best = score, params


@dataclass(frozen=True)
class FitState:
    """Where a fit stands; the estimator alone makes attributes of it.

    Attributes
    ----------
    n_iter, t
        The epochs or steps of this call, and the examples seen in all calls.
    loss
        The loss of the last of them; None where there is none.
    curves
        What is known by epoch; None for a solver that makes none.
    """

    network: Network
    params: Parameters
    history: History
    n_iter: int
    t: int
    loss: float | None = None
    curves: Curves | None = None
