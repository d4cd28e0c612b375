"""Several processes that train one network: who has which part, and how they exchange arrays.

A *rank* is one process of a job; a *shard* is one of M logical parts of all rows, M a power of two.
Sums over shards are taken in one binary tree, so they are the same to the bit on any number of
ranks. Nothing here knows of networks.

| file | what it is for |
|---|---|
| `shards.py` | which rank has which shards, and the tree in which sums over shards are taken |
| `ranks.py` | the ranks of a job: what they exchange, and one process as the only rank |
| `dealt_rows.py` | rows that ranks give in any parts, dealt so that each has those of its shards |
| `tree_sum.py` | the sum over all shards, a slice of it at each rank |
| `pairwise_sum.py` | the same where the number of ranks is a power of two, by pairs of them |
| `mpi_ranks.py` | ranks that send by MPI |
| `waiting.py` | how they wait: they yield, listen, and give up who does not answer |
| `small_messages.py` | what they tell each other beside arrays: who failed, who left, who is busy |
| `departure.py` | how a process leaves a job: never with a hang, and with one message |
| `agreement.py` | what all ranks must have alike: versions, code, options |
| `held_signals.py` | Ctrl-C on one of them, at which all stop alike |
| `answers.py` | what ranks find out for each other: values, and the errors of any of them |
| `idle_ranks.py` | a word on ranks that have no shard |
| `cores_shared.py` | how ranks of one machine share its cores |
| `world.py` | all processes that `mpiexec` started as ranks, and what is wrong with an MPI |
| `mpi_found.py` | what of MPI is installed here, in words |
| `launch.py` | what a launcher such as `mpiexec` says of a process |
"""

from chainrule.distributed.agreement import agree
from chainrule.distributed.answers import by_each, by_first
from chainrule.distributed.cores_shared import share_of_cores
from chainrule.distributed.dealt_rows import DealtRows, total_of_shards
from chainrule.distributed.held_signals import HeldSignals
from chainrule.distributed.idle_ranks import warn_of_idle
from chainrule.distributed.ranks import (
    Alone,
    RankError,
    Ranks,
    agreed,
    as_ranks,
    is_agreed,
    is_silent,
)
from chainrule.distributed.shards import (
    check_shards,
    default_shards,
    in_tree,
    part_of,
    shards_of,
    subtrees,
)
from chainrule.distributed.tree_sum import Array

__all__ = [
    "Alone",
    "Array",
    "DealtRows",
    "HeldSignals",
    "RankError",
    "Ranks",
    "agree",
    "agreed",
    "as_ranks",
    "by_each",
    "by_first",
    "check_shards",
    "default_shards",
    "in_tree",
    "is_agreed",
    "is_silent",
    "part_of",
    "shards_of",
    "share_of_cores",
    "subtrees",
    "total_of_shards",
    "warn_of_idle",
]
