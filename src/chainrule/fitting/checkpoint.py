"""A `fit` that survives its process: what it is part of, and what it goes on from."""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chainrule import engine
from chainrule.distributed import as_ranks
from chainrule.engine.native_run import arithmetic as arithmetic_of_run
from chainrule.errors import argument
from chainrule.fields import hold
from chainrule.fitting.run_identity import identity
from chainrule.history import History
from chainrule.network import Network, Parameters, frozen
from chainrule.optimizers import Optimizer
from chainrule.serialization.checkpoint_store import CheckpointError, Series, Store
from chainrule.serialization.parameter_arrays import contents, from_contents
from chainrule.training import fit
from chainrule.trees import leaves
from chainrule.value_types import AtLeastOne, NotNegative, read
from chainrule.warn import warn


@dataclass(frozen=True)
class Checkpoint:
    """A directory in which a run of `fit` leaves where it stands, and from which it goes on.

    Run the same program again after a crash, and the run goes on from its last checkpoint, to the
    same bits as if nothing had happened. A checkpoint is a file as `save` writes it, and `load`
    reads it at any time. Among the callbacks of `cr.fit`, it leaves checkpoints and no more: the
    `history` that `load` returns from the `newest` is what `cr.fit` goes on from; of several ranks,
    the first alone has it there.

    Parameters
    ----------
    directory
        Where the checkpoints are; made where it is missing. One run has it at a time.
    every
        The fewest seconds between two checkpoints, which is what a crash costs at most, beside the
        epoch that it falls into; 0 writes one after each epoch.
    keep
        How many of the last checkpoints stay.

    Examples
    --------
    >>> import tempfile
    >>> net = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
    >>> def program(directory, epochs=10):  # run after a crash, or with more epochs, it goes on
    ...     checkpoint = cr.Checkpoint(directory)
    ...     return checkpoint.fit(net, net.init(), [[1.0]], [2.0], cr.Adam(0.1), epochs=epochs)
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     program(directory)[1].epochs, program(directory, epochs=15)[1].epochs
    (10, 15)
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     left = cr.Checkpoint(directory, every=0)
    ...     _ = cr.fit(net, net.init(), [[1.0]], [2.0], cr.Adam(0.1), epochs=4, callbacks=[left])
    ...     cr.load(left.newest)[2].epochs
    4
    """

    directory: str | Path
    every: NotNegative = 30.0
    keep: AtLeastOne = 3
    _written: float = field(default_factory=time.monotonic, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        hold(self, "Checkpoint: ")

    def __call__(self, history: History) -> None:
        """Leave a checkpoint where it is time for one.

        Parameters
        ----------
        history
            Where the run stands.
        """
        if time.monotonic() - self._written >= self.every:
            if history.net is None:
                raise ValueError("Checkpoint: this history is of no run; fit calls its callbacks")
            with Store(self.directory, self.keep) as store:
                store.save_or_warn(*contents(history.net, history.returned, history))
            object.__setattr__(self, "_written", time.monotonic())

    @property
    def newest(self) -> Path:
        """The newest checkpoint; FileNotFoundError where there is none."""
        with Store(self.directory, self.keep) as store:
            return store.newest

    def fit(
        self,
        net: Network,
        params: Parameters,
        X: Any,
        y: Any,
        optimizer: Optimizer,
        *,
        epochs: int,
        **options: Any,
    ) -> tuple[Parameters, History]:
        """Train as `cr.fit` does, from the last checkpoint if there is one, and leave new ones.

        A checkpoint that cannot be written, as on a disk that is full, is a warning: the run goes
        on, and tries again when it is time for the next. Of several ranks, with `comm`, the first
        writes them, and the run goes on on any number of ranks. Beside what `cr.fit` raises, raises
        CheckpointError where the directory cannot be used, or a checkpoint cannot be read or is of
        another run: the message says what differs.

        Parameters
        ----------
        net, params, X, y, optimizer
            As in `cr.fit`.
        epochs
            How many epochs the run has, from its beginning.
        **options
            Those of `cr.fit` but `history`.
        """
        given = _bound(net, params, X, y, optimizer, epochs=epochs, **options)
        ranks = as_ranks(given["comm"])
        with ranks.together():
            run = identity(given, ranks)  # before X can change
            if ranks.rank:
                return self._from(given, ranks.first(None))
            with Store(self.directory, self.keep) as store:
                writer = CheckpointWriter(store, net, lambda: run, _arithmetic(given), self.every)
                return self._from(given, ranks.first(writer.found(params)), writer)

    def _from(
        self,
        given: dict[str, Any],
        found: tuple[Parameters, History] | None,
        writer: CheckpointWriter | None = None,
    ) -> tuple[Parameters, History]:
        """Train from what was found, if anything; of several ranks the first has the writer."""
        start, history = found or (given["params"], None)
        done, epochs = history.epochs if history else 0, given["epochs"]
        if history and done == epochs:
            return start, history
        if done > epochs:
            raise CheckpointError(
                f"{self.directory}: its checkpoint is after epoch {done}, and epochs={epochs} "
                "ask for less; ask for more, or take another directory to start anew"
            )
        params, history = _gone_on(given, start, history, writer)
        if writer:
            writer.write(history)
        return params, history


def _bound(*args: Any, **options: Any) -> dict[str, Any]:
    """Return the arguments of `fit` by name, checked where a checkpoint depends on them."""
    if "history" in options:
        raise TypeError("Checkpoint: history comes from the checkpoint; leave it out")
    bound = inspect.signature(fit).bind(*args, **options)
    bound.apply_defaults()
    given = bound.arguments
    read(given["epochs"], AtLeastOne, "fit: epochs")
    contents(given["net"], given["params"], None)  # raises what no checkpoint could hold
    given["ties"] = [list(group) for group in given["ties"]]
    given["freeze"] = sorted(frozen(given["params"], given["freeze"]))
    return given


def _gone_on(
    given: dict[str, Any],
    start: Parameters,
    history: History | None,
    writer: CheckpointWriter | None,
) -> tuple[Parameters, History]:
    """Call `fit` for the epochs that are left, and leave a checkpoint after each but the last."""
    epochs = given["epochs"]

    def after_epoch(history: History) -> None:
        if writer and history.epochs < epochs:  # `fit` has to end the last
            writer(history)

    rest = {
        "params": start,
        "history": history,
        "epochs": epochs - (history.epochs if history else 0),
        "callbacks": [*given["callbacks"], after_epoch],
    }
    return fit(**{**given, **rest})


class CheckpointWriter:
    """Leaves checkpoints of one run in an open store, and finds the one that it goes on from.

    `identity` returns what the run is: it is asked for once, and only if it is needed. `arithmetic`
    is what its bits follow from. Called with a history, it writes where `every` seconds have gone
    by. Attribute `saved` is the number of epochs of the last checkpoint written or found.

    >>> net = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
    >>> _, history = cr.fit(net, net.init(), [[1.0]], [2.0], cr.Adam(0.1), epochs=4)
    >>> with Store(getfixture("tmp_path")) as store:
    ...     writer = CheckpointWriter(store, net, lambda: {"inputs": "1"}, "fused", every=0)
    ...     writer.write(history)
    ...     writer.found(net.init())[1].epochs
    4
    """

    store: Series
    net: Network
    arithmetic: str
    every: float
    saved: int
    time: float

    def __init__(
        self,
        store: Series,
        net: Network,
        identity: Callable[[], dict[str, str]],
        arithmetic: str,
        every: float,
    ) -> None:
        self.store, self.net, self.arithmetic, self.every = store, net, arithmetic, every
        self.identity: Callable[[], dict[str, str]] = functools.cache(identity)
        self.saved, self.time = 0, time.monotonic()

    def __call__(self, history: History) -> None:
        """Write a checkpoint where it is time for one."""
        if time.monotonic() - self.time >= self.every:
            self.write(history)

    def write(self, history: History) -> None:
        """Write a checkpoint; one that cannot be written is a warning."""
        arrays, about = contents(self.net, history.returned, history)
        run = {"run": self.identity(), "arithmetic": self.arithmetic}
        if self.store.save_or_warn(arrays, {**about, **run}):
            self.saved = history.epochs
        self.time = time.monotonic()

    def found(self, params: Parameters) -> tuple[Parameters, History] | None:
        """Return where the run stands that began with `params`, or None where it has not begun.

        Raises CheckpointError for the checkpoint of another run. Warns where the run goes on by
        another arithmetic than before, so to other bits.
        """
        found = self.store.latest()
        if found is None:
            return None
        arrays, about = found
        self._check_same(about.get("run"))
        try:
            start, history = self._read(arrays, about, params)
        except (TypeError, ValueError) as error:
            raise CheckpointError(
                f"{self.store.directory}: {error}; take another directory"
            ) from None
        _compare(self.store, about.get("arithmetic"), self.arithmetic)
        self.saved = history.epochs
        return start, history

    def _check_same(self, there: Any) -> None:
        """Raise for a checkpoint of another run, and name what differs."""
        directory, here = self.store.directory, self.identity()
        if not isinstance(there, dict):
            raise CheckpointError(
                f"{directory}: its checkpoints do not say of what run they are; load the newest, "
                "or take another directory"
            )
        for name in {**here, **there}:
            old, new = there.get(name, "missing"), here.get(name, "missing")
            if old != new:
                raise CheckpointError(
                    f"{directory}: its checkpoint is of another run: {name} is {old} there, {new} "
                    f"here; {_remedy(name, old)}"
                )

    def _read(
        self, arrays: Any, about: dict[str, Any], params: Parameters
    ) -> tuple[Parameters, History]:
        net, start, history = from_contents(arrays, about)
        if history is None:
            raise ValueError("its history is missing")
        dtypes, others = ([leaf.dtype for leaf in leaves(own)] for own in (start, params))
        if net != self.net or dtypes != others:
            raise ValueError("its checkpoint holds another network than its run has")
        return start, history


def _remedy(name: str, there: str) -> str:
    """Return what helps where a checkpoint is of another run."""
    if name == "shards" and there.isdecimal():
        return f"go on by {argument(name, int(there))}, or take another directory"
    return "take another directory for this run, or remove that one to start anew"


MADE_BY = {
    "fused": "the engine for v3, v4 or neon",
    "separate": "the engine for v2 or generic",
    "reference": "the reference loop",
    "bfloat16": "the engine in bfloat16",
}
"""Who makes steps by each arithmetic."""


def _compare(store: Series, there: Any, here: str) -> None:
    """Warn where a checkpoint was made by another arithmetic; those of before do not say."""
    if there == here or not isinstance(there, str) or there not in MADE_BY:
        return
    choice = "" if here == "reference" else engine.choice_for(there)
    remedy = f"; with CHAINRULE_ISA={choice} it goes on to the same bits" if choice else ""
    warn(
        f"{store.directory}: its checkpoint was made by {MADE_BY[there]}, and the run goes on by "
        f"{MADE_BY[here]}, to other bits than without a break{remedy}",
        RuntimeWarning,
    )


def _arithmetic(given: dict[str, Any]) -> str:
    run = given["net"], given["params"], given["optimizer"]
    how = {"ties": given["ties"], "name": given["engine"], "precision": given["precision"]}
    return arithmetic_of_run(*run, **how)
