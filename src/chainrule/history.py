"""What a training run leaves behind, and how it can end early."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from chainrule.errors import check_number, check_whole, unknown_name
from chainrule.network import Parameters
from chainrule.optimizers import State

if TYPE_CHECKING:
    from chainrule.explanation.contributions import Contributions
    from chainrule.explanation.result import Explanation

LOSSES_BY_EPOCH = ("loss", "validation_loss")
"""The figures that a history has for each epoch."""


@dataclass(frozen=True)
class EarlyStopping:
    """End training when a loss has not improved for some epochs.

    Raises ValueError for a patience below 1, a negative tolerance, or another loss.

    Parameters
    ----------
    patience
        For how many epochs no improvement is waited for.
    tolerance
        By how much a loss must be below the best so far to be an improvement.
    of
        "validation_loss", after which `fit` returns the best parameters, or "loss", that of
        training, after which it returns the last.

    Examples
    --------
    >>> EarlyStopping(patience=5)
    EarlyStopping(patience=5, tolerance=0.0, of='validation_loss')
    """

    patience: int = 10
    tolerance: float = 0.0
    of: str = "validation_loss"

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
        check_whole("EarlyStopping: patience", self.patience, least=1)
        check_number("EarlyStopping: tolerance", self.tolerance, least=0)
        if self.of not in LOSSES_BY_EPOCH:
            raise unknown_name("loss of EarlyStopping", str(self.of), LOSSES_BY_EPOCH)


class Progress(NamedTuple):
    """Where a run stands: enough to go on from, with the kind of optimizer that made the states."""

    params: Parameters
    states: list[State]
    step: int
    epoch: int
    optimizer: str


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
    runs
        What the calls of `fit` were given, so that any of their steps can be made again. It is not
        pickled with the rest.
    """

    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    best_epoch: int = 0
    stopped: str = ""
    last: Progress | None = field(default=None, repr=False, compare=False)
    best: Parameters | None = field(default=None, repr=False, compare=False)
    restored: bool = False
    runs: tuple[Any, ...] = field(default=(), repr=False, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "runs": ()}

    def explain(self, *, step: int, of: str, **options: Any) -> Explanation:
        """Return the working of one step of training, made again from the start of its run.

        Steps count from 1. `of` and the options are those of `cr.explain`: notation, digits, top,
        inputs, outputs. The arrays that `fit` was given must be what they were. Raises ValueError
        for a step that was not made.

        Parameters
        ----------
        step
            The number of the step, from 1.
        of
            What is explained, by its name in `cr.explain`.
        **options
            Those of `cr.explain`: notation, digits, top, inputs, outputs.

        Examples
        --------
        >>> net = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
        >>> params = net.parameters([([[0.5]], [0.25])])
        >>> _, history = cr.fit(net, params, [[3.0]], [1.0], cr.SGD(0.1), epochs=5)
        >>> history.explain(step=1, of="w1").steps[-1].result
        '0.275'
        """
        from chainrule.explanation.replay import explain_step

        return explain_step(self, step, of, **options)

    def contributions(self, *, of: str, step: int | None = None) -> Contributions:
        """Return what each example and each output gave to a weight's change up to a step.

        Raises ValueError for a step that was not made, and for what is not a weight or bias.

        Parameters
        ----------
        of
            A weight or a bias, by its name in `cr.explain`.
        step
            Up to which step; left out, the last.

        Examples
        --------
        >>> net = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
        >>> params = net.parameters([([[0.5]], [0.25])])
        >>> _, history = cr.fit(net, params, [[3.0]], [1.0], cr.SGD(0.1), epochs=1)
        >>> history.contributions(of="w1").examples.round(3)
        array([-0.225])
        """
        from chainrule.explanation.contributions import contributions

        return contributions(self, of, step)

    @property
    def epochs(self) -> int:
        """The number of epochs made."""
        return len(self.loss)

    @property
    def at(self) -> Progress:
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
        >>> history = cr.History(loss=[0.5], last=cr.history.Progress((), [], 3, 1, "SGD"))
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
        The parameters after the last whole step.
    history
        The course of the training until then.
    """

    def __init__(self, params: Parameters, history: History) -> None:
        super().__init__("training was interrupted; the exception has the params so far")
        self.params, self.history = params, history

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.params, self.history)
