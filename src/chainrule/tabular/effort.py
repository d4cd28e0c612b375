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
        How many networks a model of classes has, of a small table; a quantity's, and that of a
        larger table, has half as many, for there a second one brings most of what more would.
    race
        The share of the epochs that each rate gets in the race, in a schedule of its own; at 1, the
        network that wins is itself the first member.
    """

    rates: tuple[float, ...]
    members: int
    race: float = 1.0


EFFORTS = {
    "fast": Effort(rates=(), members=1),
    "default": Effort(rates=(0.003, 0.01), members=3),
    "best": Effort(rates=(0.003, 0.01), members=6),
}
