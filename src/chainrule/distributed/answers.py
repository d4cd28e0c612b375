"""What ranks find out for each other: values, and the errors of any of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from chainrule.distributed.ranks import Ranks, agreed

T = TypeVar("T")


def by_first(ranks: Ranks, find: Callable[[], T]) -> T:
    """Return what the first rank finds, which all others take: such as what a clock says.

    >>> from chainrule.distributed import Alone
    >>> by_first(Alone(), lambda: 3)
    3
    """
    found: T = ranks.first(find() if ranks.rank == 0 else None)
    return found


def by_each(ranks: Ranks, find: Callable[[], T]) -> T:
    """Return what this rank finds; where one of them raises, all raise what the lowest such did.

    >>> from chainrule.distributed import Alone
    >>> by_each(Alone(), lambda: int("x"))
    Traceback (most recent call last):
    ...
    ValueError: invalid literal for int() with base 10: 'x'
    """
    if ranks.size == 1:
        return find()
    own: Exception | None = None
    try:
        found = find()
    except Exception as error:
        own = error
    for rank, other in enumerate(ranks.values(own)):
        if other is not None:
            raise agreed(own if own is not None and rank == ranks.rank else other, ranks)
    return found
