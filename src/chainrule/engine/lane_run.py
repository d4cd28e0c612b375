"""Epochs of networks side by side, lane by lane, in the compiled engine: the bits of each alone."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule import engine
from chainrule.batches import Subset, steps_of_epoch
from chainrule.engine.native_run import EPOCHS_PER_CALL, RATES_PER_CALL, SECONDS_PER_CALL
from chainrule.engine.program import MadeOnce, for_training
from chainrule.engine.session import NAMES, contiguous, engine_examples, epochs_of, numbers_of
from chainrule.history import History
from chainrule.network import Network, Parameters, divisor
from chainrule.optimizers import State
from chainrule.record import Plan, TrainingState
from chainrule.schedules import Schedule
from chainrule.sparse_rows import is_sparse
from chainrule.trees import leaves, rebuild


class Lane(NamedTuple):
    """A network with what it is trained by; the batch size is 0 where a batch is all examples."""

    plan: Plan
    history: History
    training: Subset
    held_out: Subset | None
    batch: int
    shuffle: bool

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of its parameters."""
        dtype: np.dtype[Any] = leaves(self.history.at.params)[0].dtype
        return dtype


def lanes_at_most(dtype: np.dtype[Any]) -> int:
    """Return how many networks go side by side: as many as a vector has numbers.

    >>> engine.native is None or lanes_at_most(np.dtype("f4")) == 2 * lanes_at_most(np.dtype("f8"))
    True
    """
    assert engine.native is not None
    return int(engine.native.vector_bytes()) // dtype.itemsize


def shape_of(lane: Lane) -> Hashable:
    """Return what networks side by side have in common, None for one that goes alone.

    Sizes alone decide, and what lanes do not have: bounds on the gradient, sparse rows, and layers
    of other kinds than dense ones.
    """
    plan, n = lane.plan, lane.training.n
    parts = [part.data for part in (lane.training, lane.held_out) if part is not None]
    if plan.clip_value is not None or plan.clip_norm is not None or plan.precision:
        return None
    if any(is_sparse(data.X) for data in parts) or not _suits(plan.net, min(lane.batch or n, n)):
        return None
    rate, decay = plan.optimizer.learning_rate, plan.optimizer.weight_decay
    return (
        *(_shape(plan.net), plan.frozen, plan.net.reduction, lane.dtype),
        *(n, lane.batch, lane.shuffle, lane.held_out and lane.held_out.n),
        *((data.y.ndim, data.w is None) for data in parts),
        *(type(plan.optimizer), bool(getattr(plan.optimizer, "momentum", 0))),
        # What shrinks weights does so in all lanes, at every step.
        *(plan.net.l1 > 0, plan.net.l2 > 0, decay > 0),
        decay > 0 and isinstance(rate, Schedule) and rate,
    )


def _suits(net: Network, batch: int) -> bool:
    assert engine.native is not None
    return bool(engine.native.suits_lanes(for_training(net).compiled_by(engine.native), batch))


def _shape_of(net: Network) -> Hashable:
    program = for_training(net)
    parts: list[Any] = [program.values, program.tensors, program.operations, program.heads]
    return (*map(tuple, parts), program.output)


_shape = MadeOnce(_shape_of)


class LaneRun:
    """Networks of one shape in the engine, between its calls."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        first = lanes[0]
        self.lanes: list[Lane] = [
            lane._replace(
                training=_as_read(lane.training),
                held_out=lane.held_out and _as_read(lane.held_out),
            )
            for lane in lanes
        ]
        n = first.training.n
        self.batch: int = min(first.batch or n, n)
        self.steps: int = steps_of_epoch(n, self.batch)
        native, plan = engine.native, first.plan
        assert native is not None
        make = native.lane_trainer32 if first.dtype == np.float32 else native.lane_trainer64
        program = for_training(plan.net)
        self.trainer: Any = make(
            program=program.compiled_by(native),
            frozen=[program.numbers[name] for name in plan.frozen],
            optimizer=NAMES[type(plan.optimizer)],
            numbers=[numbers_of(lane.plan) for lane in lanes],
            batch=self.batch,
        )
        for k, lane in enumerate(lanes):
            self._load(k, lane.history.at)

    def run_epochs(self, most: int, going: Sequence[int]) -> list[int]:
        """Make epochs, as many of these as one call takes, and enter them for those that go on.

        Return which of them diverged: their histories stay as they are.
        """
        epochs = self._at_once(most)
        records = [self._epochs(lane, epochs) for lane in self.lanes]
        examples = [engine_examples(lane.training.data) for lane in self.lanes]
        done = self.trainer.run(examples, records)
        failed = [k for k in going if done.diverged[k]]
        for k in going:
            if not done.diverged[k]:
                self._enter(k, done.steps, done.costs[k])
        return failed

    def stop(self) -> None:
        """Have another thread end the run after a whole step."""
        self.trainer.stop()

    def costs(self) -> list[float]:
        """Return the cost of each one's validation data."""
        parts = [lane.held_out for lane in self.lanes if lane.held_out is not None]
        examples = [engine_examples(part.data) for part in parts]
        losses = self.trainer.losses(examples, [part.numbers for part in parts])
        return [
            loss / divisor(lane.plan.net, part.weight) + penalty
            for lane, part, loss, penalty in zip(
                self.lanes, parts, losses, self.trainer.penalties(), strict=True
            )
        ]

    def _at_once(self, most: int) -> int:
        scheduled = any(
            isinstance(lane.plan.optimizer.learning_rate, Schedule) for lane in self.lanes
        )
        return min(most, max(1, RATES_PER_CALL // self.steps) if scheduled else EPOCHS_PER_CALL)

    def _epochs(self, lane: Lane, epochs: int) -> Any:
        at = lane.history.at
        return epochs_of(
            lane.plan,
            steps=epochs * self.steps,
            shuffles=lane.shuffle and self.batch < lane.training.n,
            first_epoch=at.epoch,
            epochs=epochs,
            batch=self.batch,
            first_step=at.step,
            seconds=SECONDS_PER_CALL,
            left_out=lane.training.rows,
        )

    def _enter(self, k: int, steps: int, costs: list[float]) -> None:
        history = self.lanes[k].history
        at = history.at
        params, states = self._read(k, at)
        history.last = TrainingState(
            params, states, at.step + steps, at.epoch + len(costs), at.optimizer
        )
        history.loss.extend(costs)

    def _load(self, k: int, at: TrainingState) -> None:
        for tensor, (leaf, state) in enumerate(zip(leaves(at.params), at.states, strict=True)):
            whole = [np.ascontiguousarray(array) for array in (leaf, *state)]
            self.trainer.load(k, tensor, whole[0], whole[1:])

    def _read(self, k: int, form: TrainingState) -> tuple[Parameters, list[State]]:
        new = [np.empty_like(leaf, order="C") for leaf in leaves(form.params)]
        states = [tuple(map(np.empty_like, state)) for state in form.states]
        for tensor, (leaf, state) in enumerate(zip(new, states, strict=True)):
            self.trainer.store(k, tensor, leaf, state)
        return rebuild(form.params, new), states


def _as_read(part: Subset) -> Subset:
    """Return a part as the engine reads it."""
    return Subset(contiguous(part.data), part.rows, part.without)
