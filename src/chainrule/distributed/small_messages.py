"""What ranks tell each other beside arrays: who failed and why, who has left, who is still busy.

A rank that waits asks those it waits for; a thread of theirs answers while their process works,
whatever it is at. Only who neither answers nor works is given up.
"""

from __future__ import annotations

import enum
import pickle
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from chainrule.distributed.ranks import RankError, is_silent, mark_agreed, silenced
from chainrule.errors import on_one_line

SETTLED = 1.0
"""The seconds in which all ranks fail that do, such as by an option that is wrong at all."""


class Kind(enum.IntEnum):
    """What a message says: its tag."""

    FAILED = 1  # an exception of the sender's own
    HEARD = 2  # the answer to that of one who had not failed
    THEN = 6  # what becomes of that one: whether it has an exception of its own too
    LEFT = 3  # the sender takes part in nothing any more
    ASKED = 4  # is the receiver still there?
    WORKED = 5  # the answer: the seconds since the sender last worked, and whether it waits


@dataclass(frozen=True)
class Failure:
    """What a rank tells of its exception."""

    said: str
    rank: int
    error: BaseException | None
    own: bool = True  # no failure to hear of another rank
    lost: frozenset[int] = frozenset()  # who does not answer

    @classmethod
    def of(cls, error: BaseException, rank: int) -> Failure:
        """Return what a rank tells of an exception: of another's silence, who that is."""
        if isinstance(error, RankError):
            return cls(str(error), error.rank, None, own=False)
        said = on_one_line(str(error)) or type(error).__name__
        return cls(f"rank {rank}: {said}", rank, _that_pickles(error), _is_own(error))

    def as_error(self) -> RankError:
        """Return the error that those raise who hear of it; another prints it."""
        return silenced(RankError(self.said, self.rank, self.error))


def _is_own(error: BaseException) -> bool:
    """Whether an exception says what is wrong here, and came where exchanges can begin anew."""
    return isinstance(error, Exception) and not isinstance(error, RankError)


def _that_pickles(error: BaseException) -> BaseException | None:
    """Return an exception that other ranks can read, in a message that needs no waiting."""
    try:
        pickled = pickle.dumps(error)
        if len(pickled) < 2_000 and pickle.loads(pickled):
            return error
    except Exception:
        pass
    return KeyboardInterrupt(str(error)) if isinstance(error, KeyboardInterrupt) else None


def _made_of(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and those that it was raised for, as by a command that words it anew."""
    made: BaseException | None = error
    while made is not None:
        yield made
        made = made.__cause__ or made.__context__


_NONE = Exception()


class PatientClock:
    """Seconds that pass while this process runs: what it is stopped for is not counted."""

    def __init__(self) -> None:
        self._seconds, self._before = 0.0, time.monotonic()

    def now(self) -> float:
        """Return the seconds; asked seldom, it counts one for each time."""
        before, self._before = self._before, time.monotonic()
        self._seconds += min(self._before - before, 1.0)
        return self._seconds


class Worked:
    """When this process last worked, by the processor time that it used, waiting left out."""

    LEAST = 0.002
    """The seconds of processor time between two looks that are work, not only the looking."""

    def __init__(self) -> None:
        self.waits = False
        self._used, self._last = time.process_time(), time.monotonic()

    def look(self) -> None:
        """Note whether there was work since the last look."""
        used, before = time.process_time(), self._used
        self._used = used
        if used - before > self.LEAST and not self.waits:
            self._last = time.monotonic()

    def seconds_ago(self) -> float:
        """Return the seconds since there was work."""
        return time.monotonic() - self._last


class SmallMessages:
    """The small messages of a rank, over a communicator of their own."""

    rank: Any
    others: list[int]
    clock: PatientClock
    work: Worked

    LOOKS = 0.2
    """The seconds between two looks of the thread."""

    def __init__(self, comm: Any, others: list[int]) -> None:
        from mpi4py import MPI

        self._comm, self._mpi = comm, MPI
        self.rank, self.others = comm.Get_rank(), others
        self.failed: dict[int, Failure] = {}
        self.then: dict[int, bool] = {}
        self.run: int = 0
        self.lost: set[int] = set()
        self.heard: set[int] = set()
        self.left: dict[int, float] = {}
        self.worked_at: dict[int, float] = {}
        self.waits_at: dict[int, float] = {}
        self.clock, self.work = PatientClock(), Worked()
        self._told: tuple[BaseException, BaseException] = _NONE, _NONE  # and what was raised
        self._sent: list[Any] = []
        self._one_at_a_time = threading.RLock()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._attend, name="ranks", daemon=True)
        if MPI.Query_thread() == MPI.THREAD_MULTIPLE and others:
            self._thread.start()

    def _attend(self) -> None:
        """Answer while this process is at something else."""
        while not self._end.wait(self.LOOKS):
            self.work.look()
            self.listen()

    def stop(self) -> None:
        """End the thread."""
        self._end.set()
        if self._thread.is_alive():
            self._thread.join()

    def send(self, kind: Kind, to: Iterable[int], content: Any = None) -> None:
        """Send a message, without waiting."""
        with self._one_at_a_time:
            self._sent = [request for request in self._sent if not request.Test()]
            self._sent += [self._comm.isend(content, k, int(kind)) for k in to]

    def listen(self) -> None:
        """Take in all messages that are there."""
        with self._one_at_a_time:
            for kind, source, content in self._there():
                self._take(kind, source, content)

    def _there(self) -> Iterator[tuple[Kind, int, Any]]:
        status = self._mpi.Status()
        while self._comm.iprobe(status=status):
            source, tag = status.Get_source(), status.Get_tag()
            yield Kind(tag), source, self._comm.recv(source=source, tag=tag)

    def _take(self, kind: Kind, source: int, content: Any) -> None:
        now = self.clock.now()
        if kind is Kind.FAILED:
            self._take_failure(source, content)
        elif kind is Kind.HEARD:
            self.heard.add(source)
        elif kind is Kind.THEN:
            self.then[source] = content
        elif kind is Kind.LEFT:
            self.left[source] = now
        elif kind is Kind.ASKED:
            self.send(Kind.WORKED, [source], (self.work.seconds_ago(), self.work.waits))
        else:
            seconds, waits = content
            if waits:
                self.waits_at[source] = now
            self.worked_at[source] = max(self.worked_at.get(source, 0.0), now - seconds)

    def _take_failure(self, source: int, failure: Failure) -> None:
        self.failed[source] = failure
        self.lost |= failure.lost
        if self.rank not in self.failed:
            self.send(Kind.HEARD, [source])

    def failure(self) -> RankError | None:
        """Return what is to be raised here for a failure, that of another before one's own."""
        told = sorted(self.failed, key=lambda k: (k == self.rank, k))
        return self.failed[told[0]].as_error() if told else None

    def tell(self, error: BaseException, seconds: float) -> BaseException:
        """Tell all of an exception of this rank; return what is to be raised here.

        That is the exception itself where this rank is the one to print it: of those that fail at
        once, and have heard of no other, the first. Where all fail by themselves, each raises its
        own, rank 0 prints it, and the job can go on.
        """
        before, raised = self._told
        if any(each is before or each is raised for each in _made_of(error)):
            return silenced(error) if is_silent(raised) else error
        raised = self._agreed_upon(error, seconds)
        self._told = (error, raised) if self.failed else (_NONE, _NONE)
        return raised

    def _agreed_upon(self, error: BaseException, seconds: float) -> BaseException:
        with self._one_at_a_time:
            self.listen()
            heard = self.failure()
            if heard:
                self.send(Kind.THEN, self.others, _is_own(error))
            else:
                self._fail(error)
        if not heard:
            self._await(lambda k: k in self.failed or k in self.heard or k in self.left, seconds)
        if _is_own(error) and self._all_fail():
            return self._begin_anew(error)
        if heard:
            return error if is_silent(error) else heard
        first = min(self.failed)
        return error if first == self.rank else self.failed[first].as_error()

    def _fail(self, error: BaseException) -> None:
        failure = replace(Failure.of(error, self.rank), lost=frozenset(self.lost))
        self.failed[self.rank] = failure
        self.send(Kind.FAILED, self.others, failure)

    def _all_fail(self) -> bool:
        """Whether each other rank has an exception of its own too, as by what is wrong at all."""
        self._await(lambda k: k in self.failed or k in self.then or k in self.left, SETTLED)
        own = {k for k, failure in self.failed.items() if failure.own}
        return all(k in own or self.then.get(k) for k in self.others)

    def _begin_anew(self, error: BaseException) -> BaseException:
        """Forget a failure of all, and what they sent before it: return what is raised here."""
        self.failed, self.heard, self.then = {}, set(), {}
        self.run += 1
        mark_agreed(error)
        return silenced(error) if self.rank else error

    def leave(self, seconds: float) -> bool:
        """Tell all that this rank has left; return whether all have, within the seconds."""
        self.send(Kind.LEFT, self.others)
        return self._await(lambda k: k in self.left, seconds) and not self.lost

    def _await(self, come: Callable[[int], bool], seconds: float) -> bool:
        """Take in messages until something has come of all who are not lost; return whether so."""
        until = time.monotonic() + seconds
        while not all(come(k) for k in self.others if k not in self.lost):
            if time.monotonic() > until:
                return False
            time.sleep(0.001)
            self.listen()
        return True
