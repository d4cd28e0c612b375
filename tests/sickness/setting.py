"""A setting: what a user trains, as data; a healthy twin differs from the sick one in one field.

X   (n, i)   examples      y   (n,) or (n, o)   their targets, coded as the loss wants them
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

import chainrule as cr
from sickness import changes
from sickness.data import Array, Part, Task, task


class Setup(NamedTuple):
    """All that a user has when training starts: `cr.fit(net, params, X, y, **options)`.

    X_val and y_val are None where the user sets none aside; else `options` has them too.
    """

    net: cr.Network
    params: Any
    X: Array
    y: Array
    X_val: Array | None
    y_val: Array | None
    options: dict[str, Any]


def dense(activation: str, *widths: int) -> tuple[cr.Dense, ...]:
    """Return dense layers of one activation."""
    return tuple(cr.Dense(width, activation) for width in widths)


RELU, ADAM = dense("relu", 32), cr.Adam(0.01)
"""What trains well on most of the tasks."""


@dataclass(frozen=True)
class Setting:
    """How a network is built and trained on a task.

    `loss` is by default what suits the task. `start` changes the parameters drawn, `inputs` all
    examples, `units` all targets; `train_inputs`, `rows` and `targets` those of training alone.
    """

    data: str
    hidden: Sequence[cr.Layer] = RELU
    optimizer: cr.Optimizer = ADAM
    epochs: int = 20
    batch_size: int | None = 32
    loss: str | None = None
    output: Any = "identity"
    outputs: int | None = None
    prepared: bool = True
    start: Callable[[Any], Any] = changes.nothing
    inputs: Callable[[Array], Array] = changes.nothing
    train_inputs: Callable[[Array], Array] = changes.nothing
    units: Callable[[Array], Array] = changes.nothing
    rows: Callable[[Array], Any] = changes.all_rows
    targets: Callable[[Array], Array] = changes.nothing
    balanced: bool = False
    validation: bool = False
    penalties: tuple[float, float] = (0.0, 0.0)
    reduction: str = "mean"
    shuffle: bool = True
    clip_norm: float | None = None
    clip_value: float | None = None
    freeze: tuple[str, ...] = ()
    seed: int = 0

    @property
    def task(self) -> Task:
        return task(self.data)

    @property
    def loss_name(self) -> str:
        classes = self.task.classes
        return self.loss or ("cross_entropy" if classes else "squared_error")

    def build(self, seed: int | None = None) -> Setup:
        """Return what this setting is; the seed is that of its weights and batches."""
        seed = self.seed if seed is None else seed
        part = self.task.train
        kept = self.rows(part.y)
        labels = self.targets(self.units(part.y[kept]))
        X, y = self.train_inputs(self._inputs(part)[kept]), self._coded(labels)
        net = self._network(X.shape[1], y)
        options: dict[str, Any] = {
            "optimizer": self.optimizer,
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "seed": seed,
        }
        if not self.shuffle:
            options["shuffle"] = False
        if self.balanced:
            options["sample_weight"] = (1 / np.bincount(labels))[labels]
        for name in ("clip_norm", "clip_value", "freeze"):
            if getattr(self, name):
                options[name] = getattr(self, name)
        X_val = y_val = None
        if self.validation:
            X_val, y_val = options["validation"] = self.held_out()
        return Setup(net, self.start(net.init(seed)), X, y, X_val, y_val, options)

    def held_out(self) -> tuple[Array, Array]:
        """Return the rows held out, in the units of training."""
        part = self.task.held_out
        return self._inputs(part), self._coded(self.units(part.y))

    def _inputs(self, part: Part) -> Array:
        return self.inputs(part.X if self.prepared else part.raw)

    def _coded(self, y: Array) -> Array:
        """Return labels as the loss wants them: themselves, 0 and 1, −1 and 1, or one-hot."""
        if not self.task.classes or self.loss_name.startswith("cross_entropy"):
            return y
        if self.loss_name == "hinge":
            return 2.0 * y - 1
        if self.task.classes == 2:
            return y.astype(float)
        return np.eye(self.task.classes)[y]

    def _network(self, inputs: int, y: Array) -> cr.Network:
        labels = self.loss_name.startswith("cross_entropy")
        outputs = self.outputs or (self.task.classes if labels else y.shape[1] if y.ndim > 1 else 1)
        layers = (*self.hidden, cr.Dense(outputs, self.output))
        l1, l2 = self.penalties
        return cr.Network(inputs, layers, self.loss_name, l1, l2, self.reduction, check=False)
