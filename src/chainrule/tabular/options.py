"""What can be asked of a training: one frozen record, from the command line or a TOML file."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chainrule.activations import activation
from chainrule.errors import check_number, check_whole, unknown_name
from chainrule.network import SEEDS
from chainrule.optimizers import OPTIMIZERS

TASKS = ("classification", "regression")
SCHEDULES = ("cosine", "one-cycle", "constant")


@dataclass(frozen=True, kw_only=True)
class Options:
    """What can be asked of a training; what is None, the data decide.

    Raises TypeError or ValueError where a value is not what it must be.

    >>> Options(hidden=(64,), epochs=10).epochs
    10
    """

    # The table
    task: str | None = None
    numbers: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()
    weight: str | None = None
    # The part held out for validation
    validation: float = 0.15
    groups: str | None = None
    time: str | None = None
    # The network
    hidden: tuple[int, ...] | None = None
    activation: str = "relu"
    dropout: float | None = None
    # The training
    optimizer: str = "adamw"
    learning_rate: float | None = None
    schedule: str = "cosine"
    weight_decay: float | None = None
    epochs: int | None = None
    batch_size: int | None = None
    patience: int | None = None
    clip_norm: float | None = None
    refit: bool | None = None
    seed: int = 0
    threads: int | None = None
    memory: int | None = field(default=None, metadata={"unit": "bytes"})

    def __post_init__(self) -> None:
        _one_of("task", self.task, TASKS)
        _one_of("optimizer", self.optimizer, OPTIMIZERS)
        _one_of("schedule", self.schedule, SCHEDULES)
        activation(self.activation)
        for size in self.hidden or ():
            check_whole("hidden", size, least=1)
        check_number("validation", self.validation, above=0, below=1)
        check_whole("seed", self.seed, least=0, below=SEEDS)
        for name, bounds in _NUMBERS.items():
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), **bounds)
        for name in ("epochs", "batch_size", "patience", "threads", "memory"):
            if getattr(self, name) is not None:
                check_whole(name, getattr(self, name), least=1)

    @classmethod
    def from_mapping(cls, given: Mapping[str, Any]) -> Options:
        """Return options from names and values as TOML has them, lists among them.

        >>> Options.from_mapping({"hidden": [8, 4]}).hidden
        (8, 4)
        """
        names = [f.name for f in dataclasses.fields(cls)]
        for name in given:
            if name not in names:
                raise unknown_name("option", name, names)
        lists = {name: tuple(v) if isinstance(v, list) else v for name, v in given.items()}
        return cls(**lists)

    def given(self) -> dict[str, Any]:
        """Return the options that are not None, as JSON and TOML have them."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in vars(self).items()
            if value is not None
        }


_NUMBERS: dict[str, dict[str, float]] = {
    "dropout": {"least": 0, "below": 1},
    "learning_rate": {"above": 0},
    "weight_decay": {"least": 0},
    "clip_norm": {"above": 0},
}


def _one_of(name: str, value: Any, known: Any) -> None:
    if value is not None and value not in known:
        raise unknown_name(name, str(value), known)


SMALL = 20_000
"""The most examples for which training is repeated with all of them: there each one counts."""

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
    open_to_data = {
        "hidden": (128,) if examples < TINY else (256, 128),
        "dropout": 0.2 if examples < TINY else 0.1 if small else 0.0,
        "learning_rate": rate,
        "weight_decay": min(5.0, float(f"{DECAY / (rate / 2 * steps * epochs):.2g}")),
        "batch_size": batch,
        "epochs": epochs,
        "patience": epochs if small else max(5, epochs // 3),
        "refit": small,
    }
    missing = {name: v for name, v in open_to_data.items() if getattr(options, name) is None}
    return dataclasses.replace(options, **missing)
