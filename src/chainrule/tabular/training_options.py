"""What can be asked of a training: one frozen record, from the command line or a TOML file."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chainrule.activations import activation
from chainrule.errors import check_number, check_whole, unknown_name
from chainrule.fields import Record, check_names, column_name, told
from chainrule.losses import check_quantiles
from chainrule.network import SEEDS
from chainrule.optimizers import OPTIMIZERS
from chainrule.tabular.objectives import checked_class_weights, checked_loss
from chainrule.tabular.scores import MAIN, METRICS

TASKS = ("classification", "regression")
SCHEDULES = ("cosine", "one-cycle", "constant")

MACHINE = ("threads", "memory")
"""The options that change no bit of what comes out."""


COLUMNS = ("numbers", "categories", "dates", "leave_out", "order", "weight", "groups", "time")
"""The options that name columns."""


@dataclass(frozen=True, kw_only=True)
class Options(Record):
    """What can be asked of a training; what is None, the data decide.

    The help of each field is in its metadata. Raises TypeError or ValueError where a value is not
    what it must be.

    >>> Options(hidden=(64,), epochs=10).epochs
    10
    >>> Options.from_mapping({"hidden": [8, 4]}).hidden
    (8, 4)
    """

    # The table
    task: str | None = told(
        None, "Classification or regression; by default, the target column decides.", choices=TASKS
    )
    quantiles: tuple[float, ...] = told(
        (), "Quantiles to predict instead of the mean, such as 0.1,0.5,0.9."
    )
    numbers: tuple[str, ...] = told((), "Columns to take as numbers.")
    categories: tuple[str, ...] = told((), "Columns to take as categories.")
    dates: tuple[str, ...] = told((), "Columns to take as dates.")
    leave_out: tuple[str, ...] = told((), "Columns to leave out.")
    order: Mapping[str, tuple[str, ...]] = told(
        dict, "Categories of a column from the lowest to the highest."
    )
    weight: str | None = told(None, "The column of the rows' weights.")
    # The part held out for validation
    validation: float = told(0.15, "The share of the rows held out for validation.")
    groups: str | None = told(None, "A column of groups; the rows of a group stay together.")
    time: str | None = told(None, "A column of times or numbers; the latest rows are held out.")
    # The network
    hidden: tuple[int, ...] | None = told(None, "Units of each hidden layer, such as 128,64.")
    activation: str = told("relu", "The activation of the hidden layers.")
    dropout: float | None = told(None, "Dropout rate of the hidden layers.")
    # The training
    loss: str | None = told(
        None, "The loss to train with, such as absolute_error, huber(1) or poisson for counts."
    )
    class_weight: str | Mapping[str, float] | None = told(
        None, "Weights of the classes: balanced, or such as yes=2,no=1.", form="WEIGHTS"
    )
    metric: str | None = told(
        None, f"Choose the best epoch by this score, not by the loss: {', '.join(METRICS)}."
    )
    optimizer: str = told("adamw", "The optimizer.", choices=tuple(OPTIMIZERS))
    learning_rate: float | None = told(None, "The highest learning rate of the schedule.")
    schedule: str = told("cosine", "How the learning rate changes.", choices=SCHEDULES)
    weight_decay: float | None = told(None, "The weight decay of adamw.")
    epochs: int | None = told(None, "The most epochs.")
    batch_size: int | None = told(None, "Examples per step.")
    patience: int | None = told(None, "Stop after so many epochs without a better validation loss.")
    clip_norm: float | None = told(None, "Clip gradients to this norm.")
    refit: bool | None = told(
        None, "Whether to train a small table's model again on all rows after validation."
    )
    seed: int = told(0, "The random seed; the same seed gives the same model.")
    # The machine: no bit of the model depends on these
    threads: int | None = told(None, "The number of threads.")
    memory: int | None = told(
        None,
        "Memory for the table, such as 300MB; the rest goes to a temporary file.",
        unit="bytes",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for column, words in _mapping("order", self.order).items():
            check_names(f"order of {column!r}", words)
        activation(self.activation)
        _check_sizes("hidden", self.hidden)
        if self.quantiles:
            rising = tuple(sorted(check_quantiles("quantiles", self.quantiles)))
            object.__setattr__(self, "quantiles", rising)
        if self.metric is not None and self.metric not in METRICS:
            raise unknown_name("metric", self.metric, METRICS)
        object.__setattr__(self, "class_weight", checked_class_weights(self.class_weight))
        loss, quantiles = checked_loss(self.loss, self.quantiles, self.task)
        object.__setattr__(self, "loss", loss)
        object.__setattr__(self, "quantiles", quantiles)
        check_number("validation", self.validation, above=0, below=1)
        check_whole("seed", self.seed, least=0, below=SEEDS)
        for name, bounds in _NUMBERS.items():
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), **bounds)
        for name in ("epochs", "batch_size", "patience", "threads", "memory"):
            if getattr(self, name) is not None:
                check_whole(name, getattr(self, name), least=1)
        if self.weight_decay is not None and self.optimizer != "adamw":
            raise ValueError(f"weight_decay is for the optimizer adamw, got {self.optimizer}")
        if self.groups is not None and self.time is not None:
            raise ValueError("`groups=` and `time=` exclude each other; give one of them")

    def of_the_model(self) -> dict[str, Any]:
        """Return those of them that the model depends on: not those of the machine.

        >>> Options(threads=2, epochs=3).of_the_model()["epochs"], "threads" in vars(Options())
        (3, True)
        """
        return {name: value for name, value in self.given().items() if name not in MACHINE}


def by_text(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options in which columns are named by text, of such as data frames have them.

    >>> by_text({"numbers": [3, "size"], "weight": ("sales", "sum"), "epochs": 3})
    {'numbers': ['3', 'size'], 'weight': 'sales.sum', 'epochs': 3}
    """
    return {k: _by_text(k, value) if k in COLUMNS else value for k, value in options.items()}


def _by_text(option: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {column_name(name): [*map(str, words)] for name, words in value.items()}
    if option in ("weight", "groups", "time"):
        return None if value is None else column_name(value)
    return [column_name(name) for name in value] if isinstance(value, list | tuple) else value


_NUMBERS: dict[str, dict[str, float]] = {
    "dropout": {"least": 0, "below": 1},
    "learning_rate": {"above": 0},
    "weight_decay": {"least": 0},
    "clip_norm": {"above": 0},
}


def _check_sizes(name: str, value: Any) -> None:
    if not isinstance(value, tuple | list | None):
        raise TypeError(f"{name} must be a list of whole numbers, such as [128, 64], got {value!r}")
    for size in value or ():
        check_whole(name, size, least=1)


def _mapping(name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError(
            f"{name} must give the categories of each column by its name, got {value!r}"
        )
    return value


SMALL = 20_000
"""The most examples for which training may be repeated with all of them: there each one counts."""

TINY = 1_000
"""The examples from which a second hidden layer helps."""

DECAY = 2.5
"""The exponent by which weights that no gradient holds up have shrunk at the end of training."""


def completed(options: Options, examples: int) -> Options:
    """Return options in which the number of examples in training has decided what was left open.

    The weight decay of AdamW acts at each step; it is such that all steps together shrink a weight
    by e^−DECAY, the rate falling from its start to 0. Source of that normalisation: Loshchilov and
    Hutter (2019), Decoupled weight decay regularization, appendix B.1.

    >>> chosen = completed(Options(batch_size=64), examples=1_000)
    >>> chosen.hidden, chosen.batch_size, chosen.epochs
    ((256, 128), 64, 60)
    """
    batch = options.batch_size or min(512, max(32, 2 ** round(math.log2(examples / 64))))
    steps = math.ceil(examples / batch)
    epochs = options.epochs or min(60, max(20, round(20_000 / steps)))
    rate = options.learning_rate or 2e-3
    small = examples <= SMALL
    open_to_data: dict[str, Any] = {
        "hidden": (128,) if examples < TINY else (256, 128),
        "dropout": 0.2 if examples < TINY else 0.1 if small else 0.0,
        "learning_rate": rate,
        "weight_decay": min(5.0, float(f"{DECAY / (rate / 2 * steps * epochs):.2g}")),
        "batch_size": batch,
        "epochs": epochs,
        "patience": epochs if small else max(5, epochs // 3),
        "refit": None if small else False,
        "metric": MAIN["counts"] if options.loss == "poisson" else None,
    }
    if options.optimizer != "adamw":
        del open_to_data["weight_decay"]
    missing = {name: v for name, v in open_to_data.items() if getattr(options, name) is None}
    return dataclasses.replace(options, **missing)
