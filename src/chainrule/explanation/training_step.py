"""The step of a training that an explanation is of: by which rule, which one, from which state."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from chainrule.batches import Examples
from chainrule.errors import check_whole
from chainrule.explanation.derivation import in_double, inputs_in_double
from chainrule.explanation.derivation_steps import Update
from chainrule.explanation.replay import before_step
from chainrule.explanation.tied_names import checked_ties, untied_names
from chainrule.explanation.unit_places import Places
from chainrule.layers import Draw
from chainrule.network import Network, Parameters, check_parameters, frozen
from chainrule.optimizers import Optimizer, State
from chainrule.record import Plan
from chainrule.ties import Ties, check_equal
from chainrule.trees import leaves, named_leaves

SEED = 0
"""Of dropout's masks, which the steps draw."""


class StepStart(NamedTuple):
    """What a step begins with, and what is said of it."""

    params: Parameters
    data: Examples
    made: Update | None
    draw: Draw | None
    about: str


class TrainingStep(NamedTuple):
    """What `explain` is told of a training; see there."""

    optimizer: Optimizer | None
    freeze: Collection[str]
    velocity: Parameters | None
    step: int | None
    batch_size: int | None
    at: Places

    @property
    def is_later(self) -> bool:
        """Whether a step is asked for, which may be a later one or one of a batch."""
        return self.step is not None or self.batch_size is not None

    def start(
        self, net: Network, params: Parameters, X: Any, y: Any, weight: Any, *, of_cost: bool
    ) -> StepStart:
        """Return where what is explained begins; a unit's own derivative needs no targets."""
        if not (of_cost or self.is_later):
            params, X = inputs_in_double(net, params, X)
            return StepStart(params, Examples(X, X, None), None, None, "")
        if y is None:
            what = "the cost" if of_cost else "a step of the training"
            raise ValueError(f"explain: {what} needs targets: give y, or in a file targets")
        return self.begin(net, *in_double(net, params, X, y, weight))

    def begin(self, net: Network, params: Parameters, data: Examples) -> StepStart:
        """Return where the step begins that is explained, or raise where nothing says how."""
        stays = frozen(params, self.freeze, of="explain")
        ties = checked_ties(params, self.at, net.roles, stays)
        if self.optimizer is None:
            for name in ("velocity", "step", "batch_size"):
                if getattr(self, name) is not None:
                    raise ValueError(
                        f"explain: {name} is of a training, which needs its rate: give optimizer, "
                        "such as cr.SGD(0.5), or in a file rate = 0.5"
                    )
            return StepStart(params, data, None, None, "")
        if not isinstance(self.optimizer, Optimizer):
            raise TypeError(
                f"explain: optimizer must be one such as cr.SGD(0.5), got {self.optimizer!r}"
            )
        made = Update(self.optimizer, 1, self._states(net, self.optimizer, ties), stays, ties=ties)
        if not self.is_later:
            return StepStart(params, data, made, None, "")
        return self._reached(net, params, data, made, ties)

    def _states(self, net: Network, optimizer: Optimizer, ties: Ties) -> list[State] | None:
        """The state that momentum starts from; None where it is new."""
        if self.velocity is None:
            return None
        if not getattr(optimizer, "momentum", 0):
            raise ValueError(
                "explain: velocity is of SGD with momentum, such as momentum = 0.9, got "
                f"{optimizer!r}"
            )
        check_parameters(net, self.velocity)
        check_equal(dict(named_leaves(self.velocity)), ties, "velocities", untied_names(self.at))
        return [(v,) for v in leaves(self.velocity)]

    def _reached(
        self, net: Network, params: Parameters, data: Examples, made: Update, ties: Ties
    ) -> StepStart:
        """The step, after those before it."""
        step = check_whole("explain: step", 1 if self.step is None else self.step, least=1)
        size = self.batch_size
        if size is not None:
            size = check_whole("explain: batch_size", size, least=1)
        plan = Plan(net, made.optimizer, SEED, made.frozen, None, None, data.mean_weight, ties)
        stand, rows = before_step(plan, params, data, step, size, made.states)
        part = len(rows) < len(data.X)
        made = made._replace(
            step=step,
            states=list(stand.states),
            mean_weight=data.mean_weight if part else None,
        )
        about = f"Step {step} of the training"
        if part:
            about += f", with {_named(rows)} of the {len(data.X)}"
        return StepStart(stand.params, stand.batch, made, Draw(SEED, step), f"{about}.")


def _named(rows: list[int]) -> str:
    """What the examples of a batch are called.

    >>> _named([4]), _named([2, 3, 4])
    ('example 5', 'examples 3 to 5')
    """
    first, last = rows[0] + 1, rows[-1] + 1
    return f"example {first}" if first == last else f"examples {first} to {last}"
