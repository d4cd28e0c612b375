"""How much work goes into a model where nothing more is asked: one row of a table for each effort.

A race trains a network at each of several rates, on the same rows, and goes on with the best.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """What an effort stands for.

    Parameters
    ----------
    rates
        The learning rates that are raced; of one there is no race, and of none it is the task's.
    members
        How many networks a model of three classes or more has, of a small table. A quantity, two
        classes and a larger table have half as many: predictions then take no longer than those
        of boosted trees, which have a tree in a round for each class, and one for these.
    race
        The share of the epochs that each rate gets in the race, in a schedule of its own; at 1, the
        network that wins is itself the first member.
    """

    rates: tuple[float, ...]
    members: int
    race: float = 1.0


EFFORTS = {
    "fast": Effort(rates=(), members=1),
    "default": Effort(rates=(0.003, 0.01), members=4),
    "best": Effort(rates=(0.003, 0.01), members=8),
}
