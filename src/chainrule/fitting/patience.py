"""scikit-learn's way to end a training early."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from chainrule.history import EarlyStopping


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
    of: Literal["validation_loss", "loss"] = "loss"
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
