"""How a rank waits: it yields, hears what others tell, and gives up who does not answer."""

from __future__ import annotations

import os
import time
from typing import Any

from chainrule.distributed.ranks import RankError
from chainrule.distributed.small_messages import Kind, SmallMessages

TESTS = 50
"""So often a message is looked for at once, before the processor is given to others."""

LISTEN, SLEEP = 0.001, 0.05
"""The seconds of waiting from which on a rank listens, and sleeps between looks."""

NAP = 0.0003
"""The seconds between two looks then."""

LEFT = 1.0
"""The seconds in which a message still comes of a rank that has left."""

_yield = getattr(os, "sched_yield", lambda: time.sleep(0))


class Waiting:
    """The waiting of a rank in one exchange."""

    def __init__(self, messages: SmallMessages, timeout: float) -> None:
        from mpi4py import MPI

        self._messages, self._timeout = messages, timeout
        self._status, self._mpi = MPI.Status(), MPI
        self._asked = self._since = 0.0

    def finish(self, k: int, request: Any, size: int | None) -> None:
        """Wait until a message to or from rank k is through, of so many bytes where it is awaited.

        Raises RankError for what fails elsewhere, and where rank k does not answer.
        """
        try:
            self._wait(request, [k])
        except self._mpi.Exception as error:
            raise RankError(self._of_mpi(error, k, size), k) from None
        if size is not None and (got := self._status.Get_count(self._mpi.BYTE)) != size:
            raise RankError(f"rank {k} sent {got:,} bytes, where {size:,} were awaited", k)

    def finish_all(self, request: Any) -> None:
        """Wait until what all ranks do together is done; raises as `finish` does."""
        try:
            self._wait(request, self._messages.others)
        except self._mpi.Exception as error:
            raise RankError(f"MPI fails: {error}", self._messages.rank) from None

    def _of_mpi(self, error: Any, k: int, size: int | None) -> str:
        if error.Get_error_class() == self._mpi.ERR_TRUNCATE:
            return f"rank {k} sent more bytes than the {size:,} that were awaited"
        return f"rank {k} cannot be reached: {error}"

    def _wait(self, request: Any, others: list[int]) -> None:
        for _ in range(TESTS):
            if request.Test(self._status):
                return
        self._wait_long(request, others)

    def _wait_long(self, request: Any, others: list[int]) -> None:
        self._messages.work.waits = True
        start, self._since, self._asked = time.monotonic(), self._messages.clock.now(), 0.0
        try:
            while not request.Test(self._status):
                self._pause(others, time.monotonic() - start)
        finally:
            self._messages.work.waits = False

    def _pause(self, others: list[int], waited: float) -> None:
        if waited > LISTEN:
            self._messages.listen()
            if failure := self._messages.failure():
                raise failure
        if waited > SLEEP:
            self._look_after(others, waited)
            time.sleep(NAP)
        else:
            _yield()

    def _look_after(self, others: list[int], waited: float) -> None:
        """Ask now and then whether those that are waited for are there; give up who is not."""
        messages, now = self._messages, self._messages.clock.now()
        if waited - self._asked > min(1.0, self._timeout / 4):
            self._asked = waited
            messages.send(Kind.ASKED, others)
        for k in others:
            if now - messages.left.get(k, now) > LEFT:
                raise RankError(f"rank {k} has ended, and this rank waits for it", k)
        self._give_up([k for k in others if self._is_silent(k, now)], others, now)

    def _is_silent(self, k: int, now: float) -> bool:
        return now - max(self._since, self._messages.worked_at.get(k, 0.0)) > self._timeout

    def _give_up(self, silent: list[int], others: list[int], now: float) -> None:
        """Raise RankError for who neither answers nor works, or for all, if all wait as this does.

        Who waits itself has not the fault.
        """
        waits = self._messages.waits_at
        at_fault = [k for k in silent if now - waits.get(k, -self._timeout) > self._timeout / 2]
        if at_fault or silent == others:
            k = (at_fault or silent)[0]
            self._messages.lost.add(k)
            raise RankError(f"rank {k} has not answered for {self._timeout:g} s", k)
