"""What ranks find out for each other: values, and the errors of any of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from chainrule.distributed.ranks import Ranks, agreed

T = TypeVar("T")


def by_first(ranks: Ranks, find: Callable[[], T]) -> T:
    """Return what the first rank finds, which all others take: such as what a clock says.

    What it raises, all raise.

    >>> from chainrule.distributed import Alone
    >>> by_first(Alone(), lambda: 3)
    3
    """
    if ranks.size == 1:
        return find()
    found, error = ranks.first(_tried(find) if ranks.rank == 0 else None)
    if error is not None:
        raise agreed(error, ranks)
    value: T = found
    return value


def _tried(find: Callable[[], Any]) -> tuple[Any, Exception | None]:
    try:
        return find(), None
    except Exception as error:
        return None, error


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
    found, own = _tried(find)
    for rank, other in enumerate(ranks.values(own)):
        if other is not None:
            raise agreed(own if own is not None and rank == ranks.rank else other, ranks)
    value: T = found
    return value
