"""What makes a run of `fit` the same run: all that its bits follow from but the machine."""

from __future__ import annotations

import functools
import hashlib
from typing import Any

import numpy as np

from chainrule.batches import HeldOut
from chainrule.dealt_examples import deal
from chainrule.distributed import DealtRows, Ranks, agree
from chainrule.errors import as_numbers
from chainrule.given_examples import shards_of_run
from chainrule.serialization.model_file import raw_bytes
from chainrule.serialization.parameter_arrays import arrays_of
from chainrule.sparse_rows import as_entries, as_rows, is_sparse

_SETTINGS = ("optimizer", "batch_size", "seed", "shuffle", "clip_value", "clip_norm", "freeze")

_OF_EACH = ("sample_weight", "validation")
"""What each rank gives a part of, or none."""


def identity(given: dict[str, Any], ranks: Ranks) -> dict[str, str]:
    """Return what a run is, by the arguments of `fit`; of several ranks all call it.

    What each rank gives of the examples counts together, as shards have it.
    """
    net, shards = given["net"], None
    if given["comm"] is not None or given["shards"] is not None:
        agree(ranks, {name: given[name] is not None for name in _OF_EACH})
        shards = shards_of_run(ranks, given["shards"], given["batch_size"], given["X"])
    fingerprint = functools.partial(_fingerprint, ranks=ranks, shards=shards)
    weights = [np.ravel(array) for array in arrays_of(given["params"]).values()]
    return {
        "inputs": repr(net.inputs),
        **{f"layer {k}": repr(layer) for k, layer in enumerate(net.layers)},
        "loss": str(net.loss),
        **{name: repr(getattr(net, name)) for name in ("l1", "l2")},
        **({} if net.reduction == "mean" else {"reduction": net.reduction}),
        **({} if not given["ties"] else {"ties": repr(given["ties"])}),
        **({} if given["mean_weight"] is None else {"mean_weight": repr(given["mean_weight"])}),
        **({} if given["precision"] is None else {"precision": given["precision"]}),
        **({} if shards is None else {"shards": repr(shards)}),
        **{name: repr(given[name]) for name in _SETTINGS},
        **{name: fingerprint(name, given[name]) for name in ("X", "y", "sample_weight")},
        "validation": _held_out(given["validation"], fingerprint, ranks, shards),
        "params": _fingerprint("params", np.concatenate(weights) if weights else []),
    }


def _held_out(validation: Any, fingerprint: Any, ranks: Ranks, shards: int | None) -> str:
    """Return what a run is validated with."""
    if isinstance(validation, (tuple, list)):
        return ", ".join(fingerprint("validation", part) for part in validation)
    if shards is not None and isinstance(validation, HeldOut):
        rows = np.concatenate(ranks.values(validation.rows))
        return f"HeldOut: {_fingerprint('validation', np.unique(rows))}"
    return repr(validation)


def _fingerprint(
    what: str, given: Any, ranks: Ranks | None = None, shards: int | None = None
) -> str:
    """Return the form of an array and the first digits of its SHA-256; in shards, of theirs."""
    if given is None:
        return "None"
    sparse = is_sparse(given)
    array = as_rows(what, given) if sparse else np.ascontiguousarray(as_numbers(what, given))
    if shards is None or ranks is None:
        return _in_words(array.dtype, array.shape, _content(array))
    rows = DealtRows(ranks, shards, array.shape[0])
    own = deal(rows, array)
    digests = [hashlib.sha256(_content(own[part])).digest() for part in rows.by_shard]
    every = b"".join(digest for each in ranks.values(digests) for digest in each)
    return _in_words(array.dtype, (rows.n, *array.shape[1:]), every)


def _content(array: Any) -> Any:
    """Return the bytes that an array is known by: of sparse rows those of their entries."""
    if not is_sparse(array):
        return raw_bytes(array)
    starts, columns, values = as_entries(array)
    return b"".join(map(raw_bytes, (np.diff(starts), columns, values)))


def _in_words(dtype: Any, shape: tuple[int, ...], content: Any) -> str:
    return f"{dtype} {shape} with SHA-256 {hashlib.sha256(content).hexdigest()[:16]}…"
