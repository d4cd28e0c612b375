"""What a training run leaves behind, and how it can end early."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any, Literal

from chainrule.fields import documented, hold, option
from chainrule.formatting import counted, number
from chainrule.html_page.curve import curves
from chainrule.html_page.notebook_part import in_notebook
from chainrule.network import Network, Parameters
from chainrule.optimizers import Optimizer
from chainrule.record import Run, TrainingState
from chainrule.value_types import AtLeastOne, NotNegative


@documented
@dataclass(frozen=True)
class EarlyStopping:
    """End training when a loss has not improved for some epochs.

    Raises TypeError or ValueError for a patience below 1, a negative tolerance, or another loss.

    Examples
    --------
    >>> EarlyStopping(patience=5)
    EarlyStopping(patience=5, tolerance=0.0, of='validation_loss')
    """

    patience: AtLeastOne = option(10, "For how many epochs no improvement is waited for.")
    tolerance: NotNegative = option(
        0.0, "By how much a loss must be below the best so far to be an improvement."
    )
    of: Literal["validation_loss", "loss"] = option(
        "validation_loss",
        '"validation_loss", after which `fit` returns the best parameters, or "loss", that of '
        "training, after which it returns the last.",
    )

    def is_over(self, losses: list[float]) -> bool:
        """Whether the last `patience` of the losses have not improved on those before.

        Parameters
        ----------
        losses
            The loss by epoch.

        Examples
        --------
        >>> EarlyStopping(patience=2).is_over([3.0, 2.0, 2.5, 2.1])
        True
        """
        best, waited = math.inf, 0
        for loss in losses:
            best, waited = (loss, 0) if loss < best - self.tolerance else (best, waited + 1)
        return waited >= self.patience

    def __post_init__(self) -> None:
        hold(self, "EarlyStopping: ")


@dataclass
class History:
    """The course of a run: one figure an epoch, and where it can go on from.

    Parameters
    ----------
    loss
        The cost C by epoch: the mean over its batches, each at its own step, weighted by the
        examples' weights.
    validation_loss
        The cost C of the validation data after each epoch; empty without such data.
    best_epoch
        The epoch, counted from 1, whose validation loss is the lowest (without such data, 0).
    stopped
        Why the run ended before its epochs were done: "" if it did not, "early stopping", or
        "callback".
    last
        Where the run stood after its last whole epoch, or before the step that diverged; a run
        goes on from there.
    best
        The parameters after the best epoch; None without validation data.
    restored
        Whether the run ended with the best parameters, as under early stopping, not the last.
    net
        The network that was trained last.
    optimizer
        The optimizer that it was trained with last: given to `fit` with the history, it goes on.
    runs
        What the last calls of `fit` that were to `record` were given, so that any of their steps
        can be made again, by `cr.explain_step` and `cr.contributions`. Neither `net` nor `runs` is
        pickled with the rest.
    """

    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    best_epoch: int = 0
    stopped: str = ""
    last: TrainingState | None = field(default=None, repr=False, compare=False)
    best: Parameters | None = field(default=None, repr=False, compare=False)
    restored: bool = False
    net: Network | None = field(default=None, repr=False, compare=False)
    optimizer: Optimizer | None = field(default=None, repr=False, compare=False)
    runs: tuple[Run, ...] = field(default=(), repr=False, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "net": None, "runs": ()}

    def _repr_html_(self) -> str:
        lines = {"training": self.loss, "validation": self.validation_loss}
        return in_notebook(
            curves(lines, self.best_epoch, _in_words(self)) or f"<p>{_in_words(self)}</p>"
        )

    @property
    def epochs(self) -> int:
        """The number of epochs made."""
        return len(self.loss)

    @property
    def at(self) -> TrainingState:
        """Where the run stands."""
        if self.last is None:
            raise ValueError("this history holds no run; fit makes histories")
        return self.last

    @property
    def returned(self) -> Parameters:
        """The parameters that fit returned: the best under early stopping, else the last."""
        return self.best if self.restored and self.best is not None else self.at.params

    def enter_validation(self, figure: float) -> None:
        """Enter what was found of the validation data after the last epoch: the less the better.

        Parameters
        ----------
        figure
            What was found.

        Examples
        --------
        >>> history = cr.History(loss=[0.5], last=TrainingState((), [], 3, 1, "SGD"))
        >>> history.enter_validation(0.25)
        >>> history.best_epoch, history.validation_loss
        (1, [0.25])
        """
        if figure < min(self.validation_loss, default=math.inf):
            self.best_epoch, self.best = self.epochs, self.at.params
        self.validation_loss.append(figure)

    def copy(self) -> History:
        """Return a history that can be added to while this one stays as it is."""
        return dataclasses.replace(
            self,
            loss=list(self.loss),
            validation_loss=list(self.validation_loss),
            stopped="",
            restored=False,
        )


def _in_words(history: History) -> str:
    """Return what is to be said below the curve.

    >>> _in_words(History(loss=[2.0, 1.0], validation_loss=[4.0, 3.0], best_epoch=2))
    'Training loss 1 after 2 epochs; validation loss 3 after epoch 2, the best.'
    """
    if not history.loss:
        return "No epoch was made."
    said = f"Training loss {number(history.loss[-1])} after {counted(history.epochs, 'epoch')}"
    if best := history.best_epoch:
        found = number(history.validation_loss[best - 1])
        said += f"; validation loss {found} after epoch {best:,}, the best"
    return said + (f"; ended by {history.stopped}." if history.stopped else ".")


REMEDY = "lower the learning rate, scale X and y, or set clip_norm"
"""What helps where training diverges."""


class DivergenceError(ValueError):
    """Training met a value that is not finite.

    Parameters
    ----------
    message
        What diverged, where, and what helps.
    params
        The parameters before the step.
    history
        The course of the training until then.
    """

    params: Parameters
    history: History

    def __init__(self, message: str, params: Parameters, history: History) -> None:
        super().__init__(message)
        self.params, self.history = params, history

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.args[0], self.params, self.history)


class TrainingInterrupted(KeyboardInterrupt):
    """Training was interrupted, by Ctrl-C.

    Parameters
    ----------
    params
        The parameters after the last whole step; of `fit_many` a list, with those of each network.
    history
        The course of the training until then; of `fit_many` a list.
    """

    params: Any
    history: Any

    def __init__(self, params: Any, history: Any) -> None:
        super().__init__("training was interrupted; the exception has the params so far")
        self.params, self.history = params, history

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.params, self.history)
