"""What is made of the parts of a table, on threads, in the order of the parts."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
Made = TypeVar("Made")
THREADS = 2
"""The parts that are in work at a time: each is in memory."""


def ahead(function: Callable[[T], Made], given: Iterable[T]) -> Iterator[Made]:
    """Yield a function's results in order, the next made while one is in use.

    >>> list(ahead(abs, [-1, 2, -3]))
    [1, 2, 3]
    """
    waiting: deque[Future[Made]] = deque()
    with ThreadPoolExecutor(THREADS) as pool:
        for each in given:
            waiting.append(pool.submit(function, each))
            if len(waiting) > THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
