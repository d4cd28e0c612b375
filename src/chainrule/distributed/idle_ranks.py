"""A word on ranks that have no shard of the rows, and so only wait for the others."""

from __future__ import annotations

from chainrule.distributed.ranks import Ranks
from chainrule.errors import argument
from chainrule.formatting import counted
from chainrule.warn import warn


def warn_of_idle(ranks: Ranks, shards: int, batch: int) -> None:
    """Warn where there are more ranks than shards: rank 0 does, once of a job.

    A batch of so many examples has room for as many shards.

    >>> from chainrule.distributed.ranks import Alone
    >>> warn_of_idle(Alone(), shards=1, batch=64)  # nobody waits
    """
    idle = ranks.size - shards
    if idle <= 0 or ranks.rank or ranks.told_of_idle:
        return
    ranks.told_of_idle = True
    enough = 1 << (ranks.size - 1).bit_length()
    more = f", or {argument('shards', enough)}, which changes the last bits" * (enough <= batch)
    are = "is" if shards == 1 else "are"
    do = "has no part of the rows and waits" if idle == 1 else "have no part of the rows and wait"
    warn(
        f"{idle:,} of {ranks.size:,} ranks {do}, for there {are} {counted(shards, 'shard')}: use "
        f"{counted(shards, 'rank')}{more}"
    )
