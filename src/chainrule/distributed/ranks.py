"""The ranks of a job: what they exchange, built on one way of sending arrays, and one rank alone.

| letter | shape | meaning |
|---|---|---|
| P | | the number of ranks |
| M | | the number of shards |
| k | | the nodes of the tree over shards that a rank has |
| n | | the numbers of a sum |
"""

from __future__ import annotations

import pickle
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np

from chainrule.distributed.pairwise_sum import PairwiseSum, pairs_up
from chainrule.distributed.shards import Subtree, in_tree, shards_of, subtrees
from chainrule.distributed.tree_sum import Array, TreeSum

E = TypeVar("E", bound=BaseException)

TIMEOUT = 60.0
"""The seconds after which a rank that does not answer is given up."""

SUMS = 4
"""The lengths of sums whose memory is kept: a step has a few."""


class RankError(RuntimeError):
    """Another rank failed, or does not answer: the job cannot go on.

    Parameters
    ----------
    message
        What happened, on one line.
    rank
        The rank that failed.
    error
        The exception there, or None where it did not answer.

    Examples
    --------
    >>> error = RankError("rank 3 has not answered for 60 s", 3)
    >>> error.rank, error.error
    (3, None)
    """

    rank: int
    error: BaseException | None

    def __init__(self, message: str, rank: int, error: BaseException | None = None) -> None:
        super().__init__(message)
        self.rank, self.error = rank, error


def agreed(error: E, ranks: Ranks) -> E:
    """Return an exception that all ranks raise alike: none need be told, and rank 0 prints it.

    >>> raised = agreed(ValueError("no rows"), Alone())
    >>> is_agreed(raised), is_silent(raised)
    (True, False)
    """
    mark_agreed(error)
    return silenced(error) if ranks.rank else error


def mark_agreed(error: BaseException) -> None:
    """Mark an exception that all ranks raise alike.

    >>> error = ValueError("no rows")
    >>> mark_agreed(error)
    >>> is_agreed(error)
    True
    """
    error.__dict__["agreed"] = True


def is_agreed(error: BaseException) -> bool:
    """Whether all ranks raise an exception alike: the job can go on.

    >>> is_agreed(ValueError("no rows"))
    False
    """
    return error.__dict__.get("agreed", False) is True


def silenced(error: E) -> E:
    """Return an exception that another rank prints.

    >>> is_silent(silenced(RankError("rank 1: no rows", 1)))
    True
    """
    error.__dict__["silent"] = True
    return error


def is_silent(error: BaseException) -> bool:
    """Whether another rank prints an exception, so that the message is there once.

    >>> is_silent(ValueError("no rows"))
    False
    """
    return error.__dict__.get("silent", False) is True


class Ranks(ABC):
    """The processes of a job, which train one network together.

    Each method is called by all ranks, in the same order. `rank` is which of them this process is,
    from 0, and `size` how many there are.

    Parameters
    ----------
    comm
        A communicator of mpi4py, such as `MPI.COMM_WORLD`, whose processes all make it.
    timeout
        The seconds after which a rank is given up that others wait for, and that neither answers
        nor works; by default what the environment has as `CHAINRULE_MPI_TIMEOUT`, or 60.
    """

    rank: int
    size: int
    timeout: float = TIMEOUT
    told_of_idle: bool = False
    """Whether it was said that some have no shard."""
    _sums: Mapping[tuple[int, int, str], TreeSum | PairwiseSum] = MappingProxyType({})

    def __new__(cls, comm: Any = None, timeout: float | None = None) -> Ranks:
        """Make those over MPI: `Ranks` by itself has no way of sending."""
        if cls is not Ranks:
            return super().__new__(cls)
        from chainrule.distributed.mpi_ranks import MpiRanks

        return super().__new__(MpiRanks)

    @property
    def others(self) -> list[int]:
        """All ranks but this one."""
        return [k for k in range(self.size) if k != self.rank]

    @abstractmethod
    def swap(self, sent: Mapping[int, Array], received: Mapping[int, Array]) -> None:
        """Send `sent[k]` to rank k, and fill `received[k]` with what rank k sends here.

        Arrays are contiguous, and what one sends is as long as what the other awaits.

        Parameters
        ----------
        sent
            An array for each other rank that gets one.
        received
            An array for each other rank that sends one here.
        """

    @contextmanager
    def together(self) -> Iterator[None]:
        """Tell the other ranks of an exception in the `with` block: each then raises RankError.

        Where there is none, the block ends once it ends on all ranks.
        """
        yield

    def gather(self, own: Array) -> list[Array]:
        """Return every rank's array, in the order of ranks; all are alike in shape and dtype.

        That of this rank is the one given, not a copy.

        Parameters
        ----------
        own
            This rank's array.
        """
        own = np.asarray(own, order="C")
        received = {k: np.empty_like(own) for k in self.others}
        self.swap(dict.fromkeys(received, own), received)
        return self._with_own(own, received)

    def deal(self, parts: Sequence[Array]) -> list[Array]:
        """Send part k to rank k, and return what each rank sends here, in the order of ranks.

        Parts have any number of rows, but one dtype and inner shape, on all ranks. That of this
        rank itself is the one given, not a copy.

        Parameters
        ----------
        parts
            One array for each rank.
        """
        parts = [np.asarray(part, order="C") for part in parts]
        rows = self.gather(np.array([len(part) for part in parts]))
        own = parts[self.rank]
        shapes = [(int(n[self.rank]), *own.shape[1:]) for n in rows]
        received = {k: np.empty(shapes[k], own.dtype) for k in self.others}
        self.swap({k: parts[k] for k in received}, received)
        return self._with_own(own, received)

    def _with_own(self, own: Array, received: Mapping[int, Array]) -> list[Array]:
        return [received.get(k, own) for k in range(self.size)]

    def values(self, own: Any) -> list[Any]:
        """Return every rank's value, in the order of ranks; that of this one is the one given.

        Parameters
        ----------
        own
            This rank's value: any that can be pickled, but small.
        """
        if self.size == 1:
            return [own]
        each = self.deal([_pickled(own)] * self.size)
        return [own if k == self.rank else pickle.loads(part.data) for k, part in enumerate(each)]

    def first(self, own: Any) -> Any:
        """Return the value of rank 0, of any size.

        Parameters
        ----------
        own
            This rank's value: any that can be pickled. Of other ranks than 0 it is not looked at.
        """
        if self.size == 1:
            return own
        sent = np.empty(0, np.uint8) if self.rank else _pickled(own)
        received = self.deal([sent] * self.size)[0]
        return pickle.loads(received.data) if self.rank else own

    def barrier(self) -> None:
        """Wait until all ranks are here."""
        self.gather(np.zeros(1, np.uint8))

    def nodes(self, shards: int, rank: int | None = None) -> list[Subtree]:
        """Return the nodes of the tree over shards whose sums a rank has, in order.

        Parameters
        ----------
        shards
            M, a power of two.
        rank
            Which; by default this one.
        """
        return subtrees(shards_of(self.rank if rank is None else rank, self.size, shards))

    def merge(
        self, own: Array, shards: int, merge: Callable[[Array, Array], Array] = np.add
    ) -> Array:
        """Return what all shards make together, of `own` (k, …): one part for each of `nodes`.

        Parts go to every rank and are merged there in the tree: for what is small, or is not merged
        number by number.

        Parameters
        ----------
        own
            (k, …). A part for each of `nodes`.
        shards
            M, a power of two.
        merge
            What two neighbours in the tree make together.
        """
        nodes = [node for k in range(self.size) for node in self.nodes(shards, k)]
        parts = [row for part in self.deal([own] * self.size) for row in part]
        return in_tree(parts, nodes, merge)

    def reduce(self, own: Array) -> None:
        """Make an array the sum over all ranks, in any order: its last bits are not promised.

        Parameters
        ----------
        own
            This rank's summand, alike in shape and dtype on all ranks; changed in place.
        """
        own[...] = sum(self.gather(own.copy()))

    def add_up(self, sums: Array, shards: int) -> None:
        """Make `sums[0]` the sum over all shards, of `sums` (k, n): a row for each of `nodes`.

        The other rows are lost. A rank without shards has a row too, which only takes the total.

        Parameters
        ----------
        sums
            (k, n), changed in place.
        shards
            M, a power of two.
        """
        key = shards, sums.shape[1], sums.dtype.str
        if key not in self._sums:
            kept = dict([*self._sums.items()][1 - SUMS :])
            self._sums = {**kept, key: self._tree_sum(*key)}
        self._sums[key].add_up(sums, self.swap)

    def _tree_sum(self, shards: int, n: int, dtype: str) -> TreeSum | PairwiseSum:
        """Return how sums of a length are added up, once it is seen to be that of all ranks."""
        for k, theirs in enumerate(self.values((shards, n, dtype))):
            if theirs != (shards, n, dtype):
                raise ValueError(
                    f"rank {k} adds up {theirs[1]:,} numbers {theirs[2]!r} in {theirs[0]} shards, "
                    f"and rank {self.rank} {n:,} numbers {dtype!r} in {shards}: it must be the same"
                )
        if pairs_up(self.size, shards):
            return PairwiseSum(self.rank, self.size, n, dtype)
        return TreeSum(self.rank, [self.nodes(shards, k) for k in range(self.size)], n, dtype)


def _pickled(value: Any) -> Array:
    return np.frombuffer(pickle.dumps(value), np.uint8)


class Alone(Ranks):
    """One process, the only rank.

    >>> alone = Alone()
    >>> alone.values("mine"), alone.first(1.5), alone.nodes(shards=4)
    (['mine'], 1.5, [(0, 4)])
    >>> sums = np.array([[1.0, 2.0]])  # of its only node
    >>> alone.add_up(sums, shards=4)
    >>> sums
    array([[1., 2.]])
    """

    rank: int
    size: int

    rank, size = 0, 1

    def swap(self, sent: Mapping[int, Array], received: Mapping[int, Array]) -> None:
        """Do nothing: there is no other rank."""


def as_ranks(comm: Any, timeout: float | None = None) -> Ranks:
    """Return the ranks of what stands for them: None for one process alone, or Ranks, or a
    communicator of mpi4py, of which the ranks are made once.

    >>> as_ranks(None).size
    1
    """
    if comm is None:
        return Alone()
    if isinstance(comm, Ranks):
        return comm
    if _is_of_mpi4py(comm):
        from chainrule.distributed.mpi_ranks import ranks_of

        return ranks_of(comm, timeout)
    raise TypeError(f"comm must be Ranks or a communicator of mpi4py, got {comm!r}")


def _is_of_mpi4py(comm: Any) -> bool:
    """Whether something is a communicator of one group, without importing mpi4py for that."""
    mpi = sys.modules.get("mpi4py.MPI")
    return mpi is not None and isinstance(comm, mpi.Intracomm)
