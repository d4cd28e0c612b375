r"""What is timed, and what is asked of it: one row for each case.

| task | a unit of the work is |
|---|---|
| train | an epoch; some of them make one call, and the figures are for one step |
| train_layers | the same, of layers of other kinds than dense ones |
| predict_row | one row predicted, called from Python |
| predict_rows | all rows predicted in one call |
| squared_norms | the squared norm of each row's gradient, all in one call |
| many_networks | as many networks trained, each on all rows |
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

import chainrule as cr
from chainrule.network import Parameters

RATE, DECAY = 1e-4, 0.01
"""Learning rate, and weight decay where there is any. The rate is a small one, so that the losses
of the first epoch show whether all engines compute the same, whatever their orders."""

NETWORKS, NETWORK_EPOCHS = 100, 10
"""How many networks the task many_networks trains, and for how many epochs."""

UNITS = {
    "train": ("microseconds a step", 1e6),
    "train_layers": ("microseconds a step", 1e6),
    "predict_row": ("microseconds a row", 1e6),
    "predict_rows": ("milliseconds", 1e3),
    "squared_norms": ("milliseconds", 1e3),
    "many_networks": ("milliseconds", 1e3),
}
"""What the figures of a task are, and how many of them make a second."""


@dataclass(frozen=True)
class Goal:
    """What is asked of a case; a bound that is None is not asked."""

    peer: float | None = None
    """The best peer takes at least so many times Chainrule's time."""
    limit: float | None = None
    """Chainrule takes at most so many times the limit of `limit.py`, which is of one core."""
    figure: float | None = None
    """Chainrule takes at most so long, in the unit of the case."""
    alone: float | None = None
    """Many networks at once take at most this share of one after the other."""


@dataclass(frozen=True)
class Case:
    """One row: a network, its data, what is done with them, and the goals.

    It is timed on as many cores as there are goals for.
    """

    name: str
    sizes: tuple[int, ...]
    rows: int
    batch: int | None = None  # None is the full batch
    goals: dict[int, Goal] = field(default_factory=dict)
    task: str = "train"
    activation: str = "relu"
    loss: str = "cross_entropy"
    dropout: float = 0.0
    decay: float = 0.0
    layers: tuple[cr.Layer, ...] = ()  # instead of dense ones of these sizes
    note: str = ""

    @property
    def title(self) -> str:
        """The name, and what else tells the cases apart."""
        return f"{self.name}, {self.note or f'batch {self.batch}'}"

    @property
    def steps(self) -> int:
        """How many steps an epoch has."""
        return self.rows // self.batch if self.batch else 1

    @property
    def trains(self) -> bool:
        """Whether it is epochs that are timed."""
        return self.task in ("train", "train_layers")

    @property
    def unit(self) -> str:
        """What a figure of this case is."""
        if self.trains and self.batch is None:
            return "microseconds an epoch"
        return UNITS[self.task][0]

    @property
    def per_second(self) -> float:
        """How many of a figure's microseconds or milliseconds make a second."""
        return UNITS[self.task][1]

    @property
    def scale(self) -> float:
        """What turns the seconds of a unit of the work into a figure."""
        return self.per_second / (self.steps if self.trains else 1)

    @property
    def operations(self) -> int:
        """Operations of the products of a step: three a layer, but no dX of the first."""
        products = [i * o for i, o in itertools.pairwise(self.sizes)]
        return 2 * (self.batch or self.rows) * (3 * sum(products) - products[0])


def both(goal: Goal) -> dict[int, Goal]:
    """Return the same goal for one core and for two."""
    return {1: goal, 2: goal}


DIGITS = (784, 128, 10)


def of_layers(
    name: str, inputs: int, note: str, *layers: cr.Layer, goals: dict[int, Goal] | None = None
) -> Case:
    """Return the case of a regression by layers of any kinds."""
    return Case(
        name,
        (inputs, 1),
        10_240,
        256,
        goals or both(Goal(peer=1.3)),
        task="train_layers",
        loss="mean_squared_error",
        layers=layers,
        note=note,
    )


NORMED = (cr.Dense(256), cr.BatchNorm(), cr.Activate("relu"))
BLOCK = cr.Residual(cr.LayerNorm(), cr.Dense(512, "relu"), cr.Dense(256))
EDGES = np.linspace(-2.5, 2.5, 33).tolist()
MEMBERS = cr.Members(4, cr.Dense(256, "relu"), cr.Dense(256, "relu"), cr.Dense(1))

CASES = [
    Case("2-2-2", (2, 2, 2), 2_000, 1, {1: Goal(peer=5, limit=1.8), 2: Goal(peer=5)}),
    Case("4-16-3", (4, 16, 3), 16_000, 16, {1: Goal(peer=12, limit=1.8), 2: Goal(peer=12)}),
    Case(
        "30-64-64-2",
        (30, 64, 64, 2),
        16_000,
        32,
        {1: Goal(peer=2.3, limit=1.25), 2: Goal(peer=2.7)},
    ),
    Case(
        "784-128-10",
        DIGITS,
        12_800,  # more than caches hold
        64,
        {1: Goal(peer=1.6, limit=1.12), 2: Goal(peer=1.7)},
    ),
    Case(
        "784-512-512-10",
        (784, 512, 512, 10),
        5_120,
        256,
        {1: Goal(peer=1.25, limit=1.06), 2: Goal(peer=1.25)},
    ),
    Case(
        "256-1024-1024-1024-10",
        (256, 1024, 1024, 1024, 10),
        8_192,
        1024,
        {1: Goal(peer=1.1, limit=1.06), 2: Goal(peer=1.1)},
    ),
    Case(
        "4-32-16-4",
        (4, 32, 16, 4),
        10_000,
        None,
        {1: Goal(peer=2.2, limit=1.2), 2: Goal(peer=2.5)},
        activation="tanh",
        loss="mean_squared_error",
        note="full batch, tanh",
    ),
    Case(
        "100-256-256-256-1",
        (100, 256, 256, 256, 1),
        10_240,
        256,
        both(Goal(peer=1.3)),
        activation="silu",
        loss="mean_squared_error",
        dropout=0.1,
        decay=DECAY,
        note="batch 256, SiLU, AdamW, dropout",
    ),
    Case(
        "8-1",
        (8, 1),
        64_000,
        128,
        both(Goal(peer=1.3)),
        loss="binary_cross_entropy",
        note="batch 128, logistic",
    ),
    of_layers(
        "batch-norm",
        100,
        "100-256-256-256-1, batch 256, batch norm",
        *(NORMED * 3),
        cr.Dense(1),
    ),
    of_layers(
        "residual",
        100,
        "100-256, 2 residual blocks of layer norm, 512, 256; batch 256",
        *(cr.Dense(256), BLOCK, BLOCK, cr.Dense(1)),
    ),
    of_layers(
        "members",
        10,
        "10 numbers in 32 bins, 4 members of 256-256-1, batch 256",
        *(cr.PiecewiseLinear([EDGES] * 10, 8), MEMBERS),
    ),
    of_layers(
        "table",
        30,
        "10 numbers in 32 bins beside 20 one-hot, 4 members of 256-256-1, batch 256",
        *(cr.PiecewiseLinear([EDGES] * 10 + [[]] * 20, 8), MEMBERS),
        goals={1: Goal(peer=3, limit=1.3), 2: Goal(peer=3)},
    ),
    Case(
        "one-row",
        DIGITS,
        1,
        goals={1: Goal(peer=2.8, limit=1.25)},
        task="predict_row",
        note="784-128-10",
    ),
    Case(
        "many-rows",
        DIGITS,
        100_000,
        goals={1: Goal(peer=1.6, limit=1.1), 2: Goal(peer=1.3)},  # on Intel
        task="predict_rows",
        note="784-128-10, 100,000 rows",
    ),
    Case(
        "squared-norms",
        DIGITS,
        10_000,
        goals=both(Goal(peer=50)),
        task="squared_norms",
        note="784-128-10, 10,000 rows",
    ),
    Case(
        "100-networks",
        (30, 64, 64, 2),
        1_024,
        32,
        both(Goal(alone=0.5)),
        task="many_networks",
        note="30-64-64-2, batch 32",
    ),
]


class Problem(NamedTuple):
    """The data of a case, and the parameters that every engine starts from."""

    case: Case
    net: cr.Network
    params: Parameters
    X: Any  # (rows, inputs), float32
    y: Any  # labels (rows,), or (rows, outputs), float32

    @property
    def weights(self) -> list[tuple[Any, Any]]:
        """W (o, i) and b (o,) of each dense layer."""
        return [(layer.W, layer.b) for layer in self.params if layer]


def problem(case: Case) -> Problem:
    """Make a network, and examples whose targets it can learn but for some noise."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((case.rows, case.sizes[0]), dtype=np.float32)
    teacher = rng.standard_normal((case.sizes[0], case.sizes[-1]), dtype=np.float32)
    noise = rng.standard_normal((case.rows, case.sizes[-1]), dtype=np.float32)
    scores = X @ teacher / np.float32(case.sizes[0] ** 0.5) + noise / 2
    y: Any = scores
    if case.loss == "cross_entropy":
        y = scores.argmax(axis=1)
    elif case.loss == "binary_cross_entropy":
        y = (scores > 0).astype(np.float32)
    net = network(case)
    return Problem(case, net, net.init(0), X, y)


def network(case: Case) -> cr.Network:
    """Return the network of a case, with its dropout after each hidden layer."""
    if case.layers:
        return cr.Network(case.sizes[0], case.layers, loss=case.loss)
    layers: list[cr.Layer] = []
    for units in case.sizes[1:-1]:
        layers.append(cr.Dense(units, case.activation))
        if case.dropout:
            layers.append(cr.Dropout(case.dropout))
    return cr.Network(case.sizes[0], [*layers, cr.Dense(case.sizes[-1])], loss=case.loss)
