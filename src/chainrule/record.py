"""What a run of `fit` is: what stays the same through it, where it stands, what it was given."""

from __future__ import annotations

from typing import Any, NamedTuple

from chainrule.network import Network, Parameters
from chainrule.optimizers import Optimizer, State, init_states
from chainrule.ties import Ties


class Plan(NamedTuple):
    """What stays the same through a run."""

    net: Network
    optimizer: Optimizer
    seed: int
    frozen: frozenset[str]
    clip_value: float | None
    clip_norm: float | None
    mean_weight: float = 1.0
    """Of all examples that batches are drawn from."""
    ties: Ties = ()
    shards: int | None = None
    """In how many parts of the examples sums are taken each by itself."""
    precision: str | None = None
    """In what products are made, where not in the dtype of the parameters."""


class TrainingState(NamedTuple):
    """Where a run stands: enough to go on from, with the kind of optimizer that made the states."""

    params: Parameters
    states: list[State]
    step: int
    epoch: int
    optimizer: str


class Run(NamedTuple):
    """A call of `fit`, with all that it takes to make it again: everything as it was given."""

    plan: Plan
    X: Any
    y: Any
    sample_weight: Any
    validation: Any
    batch_size: int | None
    shuffle: bool
    native: bool
    params: Parameters
    states: list[State] | None
    """None where they were new."""
    step: int
    epoch: int

    @property
    def start(self) -> TrainingState:
        """Where it began."""
        optimizer = self.plan.optimizer
        states = init_states(optimizer, self.params) if self.states is None else self.states
        return TrainingState(self.params, states, self.step, self.epoch, type(optimizer).__name__)
