"""What can be asked of a training: one frozen record, from the command line or a TOML file."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from chainrule.activations import activation
from chainrule.distributed import Alone, Ranks, check_shards, default_shards
from chainrule.distributed.ranks import TIMEOUT
from chainrule.engine import bfloat16
from chainrule.engine.bfloat16 import Precision
from chainrule.errors import unknown_name
from chainrule.fields import Names, Record, documented, option
from chainrule.losses import check_quantiles
from chainrule.optimizers import OPTIMIZERS, Adam, AdamW, Optimizer
from chainrule.streams import Seed
from chainrule.tabular.columns.category_limits import FEW, MANY, MAX_CATEGORIES
from chainrule.tabular.effort import EFFORTS
from chainrule.tabular.intervals import InnerShare
from chainrule.tabular.objectives import checked_class_weights, checked_loss, smoothed_loss
from chainrule.tabular.read_options import column_name
from chainrule.tabular.scores import MAIN, METRICS
from chainrule.value_types import (
    AtLeastOne,
    Bounds,
    Fraction,
    Must,
    NotNegative,
    OneOf,
    Positive,
    Takes,
)

TASKS = ("classification", "regression")


def _of(kind: type[Optimizer]) -> tuple[str, ...]:
    """Return the optimizers of a kind by their names."""
    return tuple(name for name, each in OPTIMIZERS.items() if issubclass(each, kind))


ADAPTIVE = _of(Adam)
OF_OPTIMIZERS = {"beta2": ADAPTIVE, "weight_decay": _of(AdamW)}
"""The options that only some optimizers take."""

EMBEDDINGS = ("piecewise", "periodic", "none")
SCHEDULES = ("cosine", "coslog4", "one-cycle", "constant")

MACHINE = ("threads", "memory", "timeout")
"""The options that change no bit of what comes out."""


MOST_MEMBERS = 100
"""The most networks of a model."""

REPEATED = 200_000
"""The most examples for which training is repeated with all of them: beyond, more tell little."""

OF_COLUMNS = ("numbers", "categories", "dates", "texts", "leave_out", "order", "weight")
"""The options that say what columns are."""

COLUMNS = (*OF_COLUMNS, "groups", "time")
"""The options that name columns."""


def check_metric(name: str) -> None:
    """Raise ValueError for a score that no epoch can be chosen by.

    >>> check_metric("accuracy")
    """
    if name not in METRICS:
        raise unknown_name("metric", name, METRICS)


Within = Annotated[float, Bounds(above=0, below=1)]
DistinctLevels = Annotated[
    tuple[Within, ...], Must("different numbers between 0 and 1, such as (0.1, 0.5)")
]
Orders = Annotated[Mapping[str, Names], Must("the categories of each column by its name")]
Sizes = Annotated[tuple[AtLeastOne, ...], Must("a list of whole numbers, such as [128, 64]")]
Rates = Annotated[
    tuple[Positive, ...],
    Must("different numbers, such as (0.003, 0.01)", lambda rates: 0 < len({*rates}) == len(rates)),
]
ActivationName = Annotated[str, Takes(activation)]
ClassWeights = Annotated[str | Mapping[str, float], Must("'balanced' or such as 'yes=2,no=1'")]
MetricName = Annotated[str, Takes(check_metric)]
Shards = Annotated[int, Takes(lambda shards: check_shards("shards", shards))]


@documented
@dataclass(frozen=True, kw_only=True)
class Options(Record):
    """What can be asked of a training; what is None, the data decide.

    Raises TypeError or ValueError where a value is not what it must be.

    Examples
    --------
    >>> Options(hidden=(64,), epochs=10).epochs
    10
    >>> Options.from_mapping({"hidden": [8, 4]}).hidden
    (8, 4)
    """

    # The table
    task: Annotated[str, OneOf(TASKS)] | None = option(
        None, "Classification or regression; by default, the target column decides."
    )
    quantiles: DistinctLevels = option(
        (), "Quantiles to predict instead of the mean, such as 0.1,0.5,0.9."
    )
    interval: InnerShare | None = option(
        None, "The share of new rows that bounds, or sets of classes, are to hold, such as 0.9."
    )
    numbers: Names = option((), "Columns to take as numbers.")
    categories: Names = option((), "Columns to take as categories.")
    dates: Names = option((), "Columns to take as dates.")
    texts: Names = option((), "Columns to take as texts.")
    leave_out: Names = option((), "Columns to leave out.")
    order: Orders = option(dict, "Categories of a column from the lowest to the highest.")
    many_categories: Annotated[str, OneOf(MANY)] = option(
        "both",
        f"What more than {FEW} categories become: means of the target, cross-fitted; vectors, "
        "learnt; both, vectors where rows suffice; or a feature for each of the "
        f"{MAX_CATEGORIES} most frequent.",
    )
    weight: str | None = option(None, "The column of the rows' weights.")
    # The part held out for validation
    validation: Within = option(0.15, "The share of the rows held out for validation.")
    groups: str | None = option(None, "A column of groups; the rows of a group stay together.")
    time: str | None = option(None, "A column of times or numbers; the latest rows are held out.")
    # The network
    embedding: Annotated[str, OneOf(EMBEDDINGS)] = option(
        "piecewise", "What numbers become first: a line in pieces, waves, or nothing else."
    )
    hidden: Sizes | None = option(None, "Units of each hidden layer, such as 128,64.")
    activation: ActivationName = option("relu", "The activation of the hidden layers.")
    dropout: Fraction | None = option(None, "Dropout rate of the hidden layers.")
    # The training
    effort: Annotated[str, OneOf(EFFORTS)] = option(
        "default", "How much work goes into it where the options leave that open."
    )
    budget: Positive | None = option(
        None,
        "The most time for all of it, such as 90s or 5min; the model then depends on the machine.",
        unit="seconds",
    )
    members: Annotated[int, Bounds(least=1, below=1 + MOST_MEMBERS)] | None = option(
        None, "How many networks are trained; the model predicts their mean."
    )
    loss: str | None = option(
        None, "The loss to train with, such as absolute_error, huber(1) or poisson for counts."
    )
    label_smoothing: Fraction = option(
        0.0, "How much of each label is shared among all classes in training, such as 0.1."
    )
    class_weight: ClassWeights | None = option(
        None, "Weights of the classes: balanced, or such as yes=2,no=1.", form="WEIGHTS"
    )
    metric: MetricName | None = option(
        None, f"Choose the best epoch by this score, not by the loss: {', '.join(METRICS)}."
    )
    optimizer: Annotated[str, OneOf(OPTIMIZERS)] = option("adamw", "The optimizer.")
    learning_rate: Positive | Rates | None = option(
        None, "The highest learning rate of the schedule; of several, a race decides."
    )
    schedule: Annotated[str, OneOf(SCHEDULES)] = option("coslog4", "How the learning rate changes.")
    beta2: Fraction | None = option(
        None, f"The decay of the running mean of squared gradients of {', '.join(ADAPTIVE)}."
    )
    weight_decay: NotNegative | None = option(None, "The weight decay of adamw.")
    epochs: AtLeastOne | None = option(None, "The most epochs.")
    batch_size: AtLeastOne | None = option(None, "Examples per step.")
    shards: Shards | None = option(
        None,
        "In how many parts gradients are summed, a power of two; the same number gives the same "
        "model on any number of machines. By default, under mpiexec, the batch decides.",
    )
    patience: AtLeastOne | None = option(
        None, "Stop after so many epochs without a better validation loss."
    )
    clip_norm: Positive | None = option(None, "Clip gradients to this norm.")
    refit: bool | None = option(
        None,
        f"Whether to train again with all rows after validation; by default up to {REPEATED:,}.",
    )
    precision: Precision = option(
        None,
        "In which numbers products are made, such as bfloat16: faster where layers are wide, on "
        "processors that have them.",
    )
    seed: Seed = option(0, "The random seed; the same seed gives the same model.")
    # The machine: no bit of the model depends on these
    threads: AtLeastOne | None = option(None, "The number of threads.")
    memory: AtLeastOne | None = option(
        None,
        "Memory for the table, such as 300MB; the rest goes to a temporary file.",
        unit="bytes",
    )
    timeout: Positive | None = option(
        None,
        "Under mpiexec, how long one that does not answer is waited for; by default "
        f"{TIMEOUT:g} s.",
        unit="seconds",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.learning_rate, tuple) and len(self.learning_rate) == 1:
            object.__setattr__(self, "learning_rate", self.learning_rate[0])
        if self.quantiles:
            rising = tuple(sorted(check_quantiles("quantiles", self.quantiles)))
            object.__setattr__(self, "quantiles", rising)
        object.__setattr__(self, "class_weight", checked_class_weights(self.class_weight))
        loss = smoothed_loss(self.loss, self.label_smoothing, self.task)
        loss, quantiles = checked_loss(loss, self.quantiles, self.task)
        object.__setattr__(self, "loss", loss)
        object.__setattr__(self, "quantiles", quantiles)
        for name, optimizers in OF_OPTIMIZERS.items():
            if getattr(self, name) is not None and self.optimizer not in optimizers:
                known = ", ".join(optimizers)
                raise ValueError(f"{name} is for the optimizer {known}, got {self.optimizer}")
        if self.interval is not None and quantiles:
            raise ValueError("`interval=` has bounds beside the mean; leave `quantiles=` out")
        if self.shards and self.batch_size and self.shards > self.batch_size:
            raise ValueError(
                f"`shards=` must be at most the {self.batch_size} examples of `batch_size=`, got "
                f"{self.shards}"
            )
        if self.precision is not None and self.shards is not None:
            raise bfloat16.refusal("", "none are made in shards, nor on several ranks")
        if self.groups is not None and self.time is not None:
            raise ValueError("`groups=` and `time=` exclude each other; give one of them")

    @property
    def rates(self) -> tuple[float, ...]:
        """The learning rates, of options that are complete."""
        rate: Any = self.learning_rate
        return rate if isinstance(rate, tuple) else (rate,)

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


SMALL = 20_000
"""The most examples of a small table, of which a network more takes a second or few."""

EPOCHS = ((SMALL, 60), (200_000, 30), (math.inf, 10))
"""Up to how many examples training makes so many epochs."""

RATES = {"classification": 3e-3, "regression": 1e-2, "several": 3e-3}
"""The learning rates: classes are noisy, quantities smooth; several targets may have both."""

DROPOUT, CLEAN = 0.25, 1e-2
"""The dropout rate, and the learning rate from which there is none: that is for clean data."""

BETA2 = 0.95
"""β₂ of Adam and its kin: a short memory, as the gradients of tables change in size."""

DECAY = 2.5
"""The exponent by which weights that no gradient holds up have shrunk at the end of training."""


def completed(options: Options, task: str, examples: int, outputs: int = 1) -> Options:
    """Return options in which task, examples and outputs have decided what was left open.

    By what measurements they decide so stands in `benchmarks/results/table_recipe.md`. The weight
    decay of AdamW acts at each step; it is such that all steps together shrink a weight by
    e^−DECAY, the rate being half its highest in the mean. Where several rates are raced, it stays
    open until each has its own, and so does dropout. Source of that normalisation: Loshchilov and
    Hutter (2019), Decoupled weight decay regularization, appendix B.1.

    >>> chosen = completed(Options(batch_size=64), "regression", examples=1_000)
    >>> chosen.hidden, chosen.batch_size, chosen.epochs
    ((256, 256), 64, 60)
    """
    effort = EFFORTS[options.effort]
    batch = batch_for(options, examples)
    steps = math.ceil(examples / batch)
    epochs = options.epochs or next(e for most, e in EPOCHS if examples <= most)
    rate = options.learning_rate or _one_or_several(effort.rates or (RATES[task],))
    many = task == "classification" and outputs > 2 and examples <= SMALL
    open_to_data: dict[str, Any] = {
        "hidden": (256, 256),
        "dropout": None if isinstance(rate, tuple) else _dropout(rate),
        "learning_rate": rate,
        "members": effort.members if many else math.ceil(effort.members / 2),
        "beta2": BETA2,
        "weight_decay": None if isinstance(rate, tuple) else _decay(rate, steps * epochs),
        "batch_size": batch,
        "epochs": epochs,
        "patience": epochs,
        "refit": None if examples <= REPEATED else False,
        "metric": MAIN["counts"] if options.loss == "poisson" else None,
    }
    missing = {
        name: value
        for name, value in open_to_data.items()
        if getattr(options, name) is None
        and options.optimizer in OF_OPTIMIZERS.get(name, OPTIMIZERS)
    }
    return dataclasses.replace(options, **missing)


def shards_for(options: Options, ranks: Ranks | None, rows: int) -> int | None:
    """Return in how many parts gradients of so many rows are summed: as asked, or by the batch.

    One process that is asked for none takes them whole.

    >>> shards_for(Options(), None, 1_000), shards_for(Options(shards=2), None, 1_000)
    (None, 2)
    """
    if options.shards or ranks is None or isinstance(ranks, Alone):
        return options.shards
    return default_shards(batch_for(options, rows))


def batch_for(options: Options, examples: int) -> int:
    """Return how many examples make a step: as asked, or what suits so many in training.

    >>> batch_for(Options(), examples=1_000), batch_for(Options(), examples=100_000)
    (32, 256)
    """
    return options.batch_size or min(256, max(32, 2 ** round(math.log2(max(examples, 1) / 32))))


def at_rate(options: Options, rate: float, task: str, examples: int) -> Options:
    """Return options that are complete, for one of their rates.

    >>> chosen = completed(Options(learning_rate=(0.1, 0.2)), "regression", 500)
    >>> at_rate(chosen, 0.2, "regression", 500).learning_rate
    0.2
    """
    return completed(dataclasses.replace(options, learning_rate=rate), task, examples)


def _one_or_several(rates: tuple[float, ...]) -> float | tuple[float, ...]:
    return rates if len(rates) > 1 else rates[0]


def _dropout(rate: float) -> float:
    return DROPOUT if rate < CLEAN else 0.0


def _decay(rate: float, steps: int) -> float:
    return min(5.0, float(f"{DECAY / (rate / 2 * steps):.2g}"))
