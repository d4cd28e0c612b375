"""The ranks of a job over MPI, by mpi4py, which is imported only when they are made.

All waiting looks again and again: it hears of what fails on other ranks, and gives up who does not
answer.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from chainrule.distributed import departure
from chainrule.distributed.agreement import agree_on_versions
from chainrule.distributed.ranks import (
    TIMEOUT,
    RankError,
    Ranks,
    is_agreed,
    silenced,
)
from chainrule.distributed.small_messages import PatientClock, SmallMessages
from chainrule.distributed.tree_sum import Array
from chainrule.distributed.waiting import Waiting
from chainrule.errors import check_number

PIECE = 2**30
"""The most bytes of one message: MPI counts them by an int."""

HELLO, DATA = 30_117, 1
"""The tags of messages; on a communicator that is not our own, a number that is rare."""

ANSWER = 2.0
"""The seconds that a rank that fails waits for the others to hear of it, before it says so."""

AT_AN_INTERRUPTION = 0.2
"""The same after Ctrl-C: the launcher soon kills who does not end."""


def timeout_or_default(timeout: float | None) -> float:
    """Return a time-out in seconds: that given, or the environment's, or the default.

    >>> timeout_or_default(None), timeout_or_default(5)
    (60.0, 5.0)
    """
    name = "CHAINRULE_MPI_TIMEOUT"
    if timeout is not None or not (text := os.environ.get(name)):
        return check_number("timeout", TIMEOUT if timeout is None else timeout, above=0)
    try:
        return check_number(name, float(text), above=0)
    except ValueError:
        raise ValueError(f"{name} must be a number of seconds > 0, got {text!r}") from None


def ranks_of(comm: Any, timeout: float | None = None) -> Ranks:
    """Return the ranks of a communicator: those that it has, or new ones."""
    if not _KEY:
        _KEY.append(_mpi4py().Comm.Create_keyval())
    found: Ranks | None = comm.Get_attr(_KEY[0])
    if found is None:
        found = MpiRanks(comm, timeout)
        comm.Set_attr(_KEY[0], found)
    return found


_KEY: list[int] = []
"""Under which number communicators keep their ranks, once there are any."""


def _mpi4py() -> Any:
    from mpi4py import MPI

    return MPI


class MpiRanks(Ranks):
    """Ranks that send by MPI."""

    rank: int
    size: int

    def __init__(self, comm: Any, timeout: float | None = None) -> None:
        self._mpi = _mpi4py()
        self.rank, self.size = comm.Get_rank(), comm.Get_size()
        self.timeout: float = timeout_or_default(timeout)
        departure.end_orderly(self)
        self.messages: SmallMessages | None = None
        self._greet(comm)
        self._comm = self._copy_of(comm)
        self.messages = SmallMessages(self._copy_of(comm), self.others)
        agree_on_versions(self)

    def _greet(self, comm: Any) -> None:
        """Wait until all ranks are here: what MPI itself does together has no time-out."""
        sent = [comm.Isend([b"", self._mpi.BYTE], k, HELLO) for k in self.others]
        missing = {k: comm.Irecv([bytearray(), self._mpi.BYTE], k, HELLO) for k in self.others}
        clock = PatientClock()
        while missing := {k: each for k, each in missing.items() if not each.Test()}:
            if clock.now() > self.timeout:
                self._miss(min(missing), first=min({*range(self.size)} - {*missing}))
            time.sleep(0.001)
        self._mpi.Request.Waitall(sent)

    def _miss(self, missing: int, first: int) -> None:
        error = RankError(f"rank {missing} has not come for {self.timeout:g} s", missing)
        raise error if first == self.rank else silenced(error)

    def _copy_of(self, comm: Any) -> Any:
        """Return a communicator of our own of the same ranks, which no other message comes to."""
        copy, request = comm.Idup()
        while not request.Test():
            time.sleep(0.0005)
        return copy

    @contextmanager
    def together(self) -> Iterator[None]:
        try:
            yield
            self.barrier()
        except BaseException as error:
            raised = self.told(error)
            if raised is error:
                raise
            raise raised from error

    def told(self, error: BaseException) -> BaseException:
        """Tell the other ranks of an exception; return the one to be raised here."""
        if is_agreed(error) or self.messages is None:
            return error
        interrupted = isinstance(error, KeyboardInterrupt)
        raised = self.messages.tell(error, AT_AN_INTERRUPTION if interrupted else ANSWER)
        if not isinstance(raised, RankError):
            _note(raised, f"on rank {self.rank} of {self.size}")
        return raised

    def leave(self, seconds: float) -> bool:
        """Take part no more; return whether the process can end in MPI's own way.

        After a failure it can where all others leave too, within the seconds.
        """
        if self.messages is None:
            return False
        all_left = self.messages.leave(seconds if self.messages.failed else 0.0)
        self.messages.stop()
        return all_left or not self.messages.failed

    def abort(self) -> None:
        """End the processes of all ranks."""
        self._mpi.COMM_WORLD.Abort(1)

    def swap(self, sent: Mapping[int, Array], received: Mapping[int, Array]) -> None:
        assert self.messages is not None
        if failure := self.messages.failure():
            raise failure
        waiting = Waiting(self.messages, self.timeout)
        try:
            for k, request, size in self._begun(sent, received):
                waiting.finish(k, request, size)
        except self._mpi.Exception as error:
            raise RankError(f"rank {self.rank}: {error}", self.rank) from None

    def reduce(self, own: Array) -> None:
        assert self.messages is not None
        if failure := self.messages.failure():
            raise failure
        request = self._comm.Iallreduce(self._mpi.IN_PLACE, own)
        Waiting(self.messages, self.timeout).finish_all(request)

    def _begun(
        self, sent: Mapping[int, Array], received: Mapping[int, Array]
    ) -> list[tuple[int, Any, int | None]]:
        """Begin to send and to receive: the rank, the request, and the bytes that are awaited."""
        assert self.messages is not None
        tag = DATA + self.messages.run  # what was sent before a failure of all comes to nobody
        begun: list[tuple[int, Any, int | None]] = [
            (k, self._comm.Irecv([piece, self._mpi.BYTE], k, tag), piece.size)
            for k in sorted(received, key=self._turn)
            for piece in _pieces(received[k])
        ]
        begun += [
            (k, self._comm.Isend([piece, self._mpi.BYTE], k, tag), None)
            for k in sorted(sent, key=self._turn, reverse=True)
            for piece in _pieces(sent[k])
        ]
        return begun

    def _turn(self, k: int) -> int:
        """How soon to receive from rank k: each begins with its neighbour, not all with rank 0."""
        return (self.rank - k) % self.size


def _note(error: BaseException, note: str) -> None:
    if note not in getattr(error, "__notes__", ()):
        error.add_note(note)


def _pieces(array: Array) -> Iterator[Array]:
    """Return the bytes of an array, in pieces that fit into a message."""
    flat = array.reshape(-1).view(np.uint8)
    return (flat[start : start + PIECE] for start in range(0, flat.size, PIECE))
