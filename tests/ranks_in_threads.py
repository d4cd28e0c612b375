"""Ranks that are threads of one process: what runs on them needs no MPI."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np

from chainrule.distributed import RankError, Ranks
from chainrule.distributed.ranks import is_agreed

SECONDS = 60  # that a thread waits for the others


class Job:
    """What the threads share: the messages on their way, and the first exception."""

    def __init__(self, size):
        self.messages = {}
        self.barrier = threading.Barrier(size)
        self.failed = None


class RankInThread(Ranks):
    def __new__(cls, *_):
        return object.__new__(cls)

    def __init__(self, rank, size, job):
        self.rank, self.size, self.job = rank, size, job

    def swap(self, sent, received):
        assert self.rank not in {*sent, *received}
        for k, part in sent.items():
            assert part.flags.c_contiguous
            self.job.messages[self.rank, k] = part.copy()
        self._wait()
        for k, place in received.items():
            part = self.job.messages.pop((k, self.rank))
            assert (part.dtype, part.size) == (place.dtype, place.size), (k, self.rank)
            np.copyto(place, part.reshape(place.shape))
        self._wait()

    def _wait(self):
        try:
            self.job.barrier.wait(SECONDS)
        except threading.BrokenBarrierError:
            rank, error = self.job.failed or (None, "a rank has ended, or does not answer")
            raise RankError(f"rank {rank}: {error}", rank, error) from None

    @contextmanager
    def together(self):
        with self.told():
            yield
            self.barrier()

    @contextmanager
    def told(self):
        try:
            yield
        except RankError:
            raise
        except BaseException as error:
            if not is_agreed(error):
                self.job.failed = self.job.failed or (self.rank, error)
                self.job.barrier.abort()
            raise


def in_threads(size, function, *arguments):
    """What `function(ranks, *arguments)` returns on each of so many ranks; rank 0 is this thread.

    Raises the exception of the rank that failed first.
    """
    job = Job(size)

    def run(rank):
        ranks = RankInThread(rank, size, job)
        with ranks.told():
            return function(ranks, *arguments)

    with ThreadPoolExecutor(size) as pool:
        runs = [Future(), *(pool.submit(run, rank) for rank in range(1, size))]
        try:
            runs[0].set_result(run(0))
        except BaseException as error:
            runs[0].set_exception(error)
    if job.failed:
        raise job.failed[1]
    return [run.result() for run in runs]
