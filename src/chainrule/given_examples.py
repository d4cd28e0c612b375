r"""What `fit` is given to train with: all of it here, or in shards and on several ranks a part."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from chainrule import engine
from chainrule.batches import CheckExamples, CheckInputs, Subset, check_examples, split
from chainrule.dealt_examples import ExamplesInShards, deal_examples
from chainrule.distributed import Ranks, agree, by_each, check_shards, default_shards, warn_of_idle
from chainrule.engine.native_run import reason_against
from chainrule.engine.quick_checks import check_inputs
from chainrule.engine.session import shuffled
from chainrule.history import History
from chainrule.network import Network, Parameters
from chainrule.record import Plan
from chainrule.trees import leaves

SHOWN = 200
"""So many characters of a value a message shows."""


class GivenExamples(NamedTuple):
    """The examples of a run: those here, and in shards what is known of all."""

    ranks: Ranks
    training: Subset
    held_out: Subset | None
    in_shards: ExamplesInShards | None

    @property
    def mean_weight(self) -> float:
        whole = self.training if self.in_shards is None else self.in_shards.training
        return whole.weight / whole.n


def given_examples(
    ranks: Ranks,
    shards: int | None,
    net: Network,
    params: Parameters,
    given: tuple[Any, Any, Any],
    validation: Any,
    seed: int,
    whole: bool,
    check: CheckExamples = check_examples,
    inputs: CheckInputs = check_inputs,
) -> GivenExamples:
    """Return the examples of a run, checked; the weights of the whole may not all be 0."""
    if shards is None:
        data = check(net, params, *given, whole=whole, inputs=inputs)
        parts = split(net, params, data, validation, seed, shuffled, check)
        return GivenExamples(ranks, *parts, None)
    dealt = deal_examples(
        ranks, shards, net, params, given, validation, seed, shuffled, whole=whole
    )
    held_out = None if dealt.held_out is None else dealt.held_out.here
    return GivenExamples(ranks, dealt.training.here, held_out, dealt)


def shards_of_run(ranks: Ranks, shards: int | None, batch_size: int | None, X: Any) -> int:
    """Return in how many shards a run is, by default as many as suit its batches."""
    n = sum(ranks.values(sum(np.shape(X)[:1])))
    batch, asked = min(batch_size or n, n), shards
    if asked is None:
        found = default_shards(batch)
    else:
        found = by_each(ranks, lambda: check_shards("fit: shards", asked))
    warn_of_idle(ranks, found, batch)
    return found


def check_shared(
    plan: Plan,
    data: GivenExamples,
    history: History,
    comm: Any,
    batch_size: int | None,
    engine: str,
    record: Any,
) -> None:
    """Raise where a run in shards, or on ranks, cannot be made as it is asked for."""
    if data.in_shards is not None:
        n = data.in_shards.training.n
        refused = _refused(plan, history, n, comm, batch_size, engine, record)
        by_each(data.ranks, lambda: _raise(refused))


def _raise(message: str) -> None:
    if message:
        raise ValueError(f"fit: {message}")


def _refused(
    plan: Plan,
    history: History,
    n: int,
    comm: Any,
    batch_size: int | None,
    engine: str,
    record: Any,
) -> str:
    """Return why a run of n examples in training cannot be, or ""."""
    shards = plan.shards or 1
    if batch_size is not None and shards > batch_size and n > batch_size:
        return (
            f"shards must be at most the batch size, {batch_size}, got {shards}; each batch takes "
            "its share of each of them"
        )
    if record:
        return "record=True records no run in shards; leave one of the two out"
    if comm is None:
        return ""
    if engine == "reference":
        return "engine='reference' trains in one process; leave it out, or comm"
    reason = reason_against(plan, history.at.params)
    return reason and f"comm needs the compiled engine, which cannot run this: {reason}"


ALIKE = (
    "net",
    "optimizer",
    "epochs",
    "batch_size",
    "seed",
    "shuffle",
    "early_stopping",
    "clip_value",
    "clip_norm",
    "mean_weight",
    "freeze",
    "record",
    "engine",
    "shards",
    "reproducible",
)
"""The arguments of `fit` that all ranks must give alike."""

LOWEST = "set CHAINRULE_ISA to the lowest of them for all ranks"


def agree_on_run(ranks: Ranks, history: History, asked: Mapping[str, Any]) -> None:
    """Raise at all ranks where they do not start alike, or are not asked for the same by name."""
    known = {name: _short(asked[name]) for name in ALIKE}
    validation, numbers = asked["validation"], 0
    is_share = isinstance(validation, float)
    known["validation"] = str(validation if is_share else type(validation).__name__)
    for leaf in leaves(history.at.params):
        numbers = zlib.crc32(np.ascontiguousarray(leaf).data, numbers)
    known["steps made"], known["a checksum of params"] = str(history.at.step), f"{numbers:08x}"
    agree(ranks, known)
    agree(ranks, {"instruction set": engine.isa}, LOWEST)


def _short(value: Any) -> str:
    """Return what tells a value from others, short enough for a message."""
    text = repr(sorted(value) if isinstance(value, frozenset) else value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({zlib.crc32(text.encode()):08x})"
