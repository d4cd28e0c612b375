r"""The examples of a run in shards: each rank gives some of them, and has those of its shards.

X   (n, inputs)   the examples      y   (n, outputs), or labels (n,)      w   (n,)   weights

All rows are numbered through the ranks in order; shard s of M has a part of them in a row, those
from ⌊s N / M⌋ on. So what a shard is does not depend on the number of ranks. One process that has
all of them is a run in shards too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from chainrule.batches import (
    Examples,
    HeldOut,
    Order,
    Rows,
    Subset,
    check_examples,
    check_sides,
    entries,
    set_aside,
)
from chainrule.distributed import DealtRows, Ranks, agreed, by_each, total_of_shards
from chainrule.network import Network, Parameters
from chainrule.sparse_rows import as_entries, from_entries, is_sparse, no_rows
from chainrule.trees import leaves


@dataclass(frozen=True, eq=False)
class SubsetInShards:
    """Some examples of all ranks: those of the shards here, and what is known of all.

    `by_shard` are the numbers of the rows of each shard here among the examples.
    """

    here: Subset
    by_shard: list[Rows]
    n: int
    weight: float
    """The sum of the weights."""


@dataclass(frozen=True, eq=False)
class ExamplesInShards:
    """The examples of a run, those in training and those held out; `sizes` of all its shards."""

    ranks: Ranks
    shards: int
    training: SubsetInShards
    held_out: SubsetInShards | None

    @property
    def sizes(self) -> list[int]:
        """How many examples each of all shards has in training; all ranks ask together."""
        own = [len(rows) for rows in self.training.by_shard]
        return [n for part in self.ranks.values(own) for n in part]


def deal_examples(
    ranks: Ranks,
    shards: int,
    net: Network,
    params: Parameters,
    given: tuple[Any, Any, Any],
    validation: Any,
    seed: int,
    order: Order,
    *,
    whole: bool = True,
) -> ExamplesInShards:
    """Return the examples of a run in shards, of what each rank gives: X, y and weights or None.

    Validation data of one's own each rank gives in part too. Rows to hold out are numbered through
    all ranks; what the ranks name together is held out, each row once.
    """
    data, rows = _dealt(ranks, shards, net, params, given, "")
    if validation is None or isinstance(validation, (tuple, list)):
        training, held_out = _in_shards(Subset(data), rows), None
        if whole:
            _check_weight("sample_weight", training, ranks)
        if validation is not None:
            own, its = _dealt(ranks, shards, net, params, entries(validation), "validation ")
            held_out = _in_shards(Subset(own), its)
            _check_weight("validation sample_weight", held_out, ranks)
        return ExamplesInShards(ranks, shards, training, held_out)
    if isinstance(validation, HeldOut):
        validation = HeldOut(np.concatenate(ranks.deal([validation.rows] * ranks.size)))
    numbers, what = by_each(ranks, lambda: set_aside(rows.n, validation, seed, order))
    numbers = HeldOut(numbers).distinct - rows.held.start
    numbers = numbers[(numbers >= 0) & (numbers < len(rows.held))]
    training = _in_shards(Subset(data, numbers), rows)
    held_out = _in_shards(Subset(data, numbers, without=False), rows)
    by_each(ranks, lambda: check_sides(what, training.weight, held_out.weight))
    return ExamplesInShards(ranks, shards, training, held_out)


def _in_shards(here: Subset, rows: DealtRows) -> SubsetInShards:
    """Return some examples here, and what is known of all; their rows are in order."""
    numbers = np.arange(len(rows.held)) if here.numbers is None else here.numbers
    ends = [part.stop for part in rows.by_shard[:-1]]
    by_shard = np.split(numbers, np.searchsorted(numbers, ends)) if rows.by_shard else []
    n = total_of_shards(rows.ranks, rows.shards, [len(own) for own in by_shard])
    if here.data.w is None:
        return SubsetInShards(here, by_shard, int(n), n)
    w = np.asarray(here.data.w)
    sums = [float(np.sum(w[own], dtype=np.float64)) for own in by_shard]
    weight = total_of_shards(rows.ranks, rows.shards, sums)
    return SubsetInShards(here, by_shard, int(n), weight)


def _check_weight(what: str, part: SubsetInShards, ranks: Ranks) -> None:
    if not part.weight > 0:
        message = f"{what} must hold at least one weight above zero, got only zeros"
        raise agreed(ValueError(message), ranks)


def _dealt(
    ranks: Ranks,
    shards: int,
    net: Network,
    params: Parameters,
    given: tuple[Any, Any, Any],
    of: str,
) -> tuple[Examples, DealtRows]:
    """Return the examples that this rank is to have, checked where they are given."""
    own = _checked(ranks, net, params, given, of)
    rows = DealtRows(ranks, shards, own.n)
    return Examples(*(part if part is None else deal(rows, part) for part in own)), rows


def deal(rows: DealtRows, part: Any) -> Any:
    """Return the rows of X, y or w that this rank is to have, of those that all give.

    >>> from chainrule.distributed import Alone
    >>> deal(DealtRows(Alone(), shards=2, given=3), np.arange(3))
    array([0, 1, 2])
    """
    if not is_sparse(part):
        return rows.deal(part)
    starts, columns, values = as_entries(part)
    own = rows.deal(columns, starts), rows.deal(values, starts)
    return from_entries(part.shape[1], rows.deal(np.diff(starts)), *own)


def _checked(
    ranks: Ranks, net: Network, params: Parameters, given: tuple[Any, Any, Any], of: str
) -> Examples:
    """Return the examples that this rank gives, in the same form as those of all others.

    A rank may give none; then its y and weights may be anything.
    """
    none = ranks.size > 1 and np.shape(given[0])[:1] == (0,)
    own = by_each(
        ranks,
        lambda: None if none else check_examples(net, params, *given, of=of, whole=False),
    )
    forms = ranks.values(None if own is None else _form(own))
    known = [(rank, form) for rank, form in enumerate(forms) if form is not None]
    if not known:  # and an error
        return by_each(ranks, lambda: check_examples(net, params, *given, of=of))
    (first, form), *others = known
    for rank, other in others:
        if other != form:
            message = (
                f"fit: {of}X, y and sample_weight must be of one form on all ranks: rank {first} "
                f"gave {form.in_words}, rank {rank} gave {other.in_words}"
            )
            raise agreed(ValueError(message), ranks)
    return form.without_rows(net, leaves(params)[0].dtype) if own is None else own


class _Form(NamedTuple):
    """What y is, whether there are weights, and whether X is sparse."""

    y: str
    columns: tuple[int, ...]
    weighted: bool
    sparse: bool

    @property
    def in_words(self) -> str:
        y = f"{self.columns[0]} columns of y" if self.columns else "labels (n,)"
        X = " and sparse X" if self.sparse else ""
        return f"{y} {'with' if self.weighted else 'without'} weights{X}"

    def without_rows(self, net: Network, dtype: Any) -> Examples:
        """Examples of this form, but none."""
        w = np.empty(0, dtype) if self.weighted else None
        X = np.empty((0, net.inputs), dtype)
        return Examples(no_rows(X) if self.sparse else X, np.empty((0, *self.columns), self.y), w)


def _form(examples: Examples) -> _Form:
    y = examples.y
    weighted, sparse = examples.w is not None, is_sparse(examples.X)
    return _Form(str(y.dtype), tuple(y.shape[1:]), weighted, sparse)
