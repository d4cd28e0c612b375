"""Checkpoints of each run of a training on a table: what it is part of, and goes on from."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from chainrule.distributed import RankError, Ranks
from chainrule.engine.native_run import arithmetic
from chainrule.fitting.checkpoint import CheckpointWriter
from chainrule.fitting.trainer import Trainer
from chainrule.history import History
from chainrule.network import Parameters
from chainrule.serialization import CheckpointError, Store
from chainrule.serialization.checkpoint_store import CHECKPOINTS, Series
from chainrule.streams import EDITION
from chainrule.tabular.table_training import TableTraining
from chainrule.tabular.training_runs import Run, Stage


def identity(training: TableTraining) -> dict[str, str]:
    """Return what makes a training the same: all that its bits follow from but the machine."""
    net, source = training.stages[0].runs[0].trainer.plan.net, training.source
    asked = source.reading.changed() | training.options.of_the_model()
    return {
        "streams": f"of edition {EDITION}",
        "the table": f"one with SHA-256 {source.fingerprint()[:16]}…",
        "inputs": repr(net.inputs),
        **{f"layer {k}": repr(layer) for k, layer in enumerate(net.layers)},
        **{name.replace("_", " "): repr(value) for name, value in asked.items()},
    }


def waiting(directory: Path) -> bool:
    """Whether a directory holds checkpoints.

    >>> waiting(Path("missing"))
    False
    """
    return any(directory.glob(CHECKPOINTS))


def written(directory: Path) -> float | None:
    """Return when the last checkpoint of a directory was written, or None where it has none.

    >>> written(Path("missing"))
    """
    return max((path.stat().st_mtime for path in directory.glob(CHECKPOINTS)), default=None)


def discard(directory: Path) -> None:
    """Remove the checkpoints of a directory, and it too if nothing else is in it.

    >>> directory = getfixture("tmp_path") / "checkpoints"
    >>> directory.mkdir()
    >>> discard(directory)
    >>> directory.exists()
    False
    """
    if directory.is_dir():
        with Store(directory) as store:
            store.clear()


class Keeper:
    """A hook that leaves checkpoints of all runs, and brings the runs of a stage to theirs.

    They are written where `every` seconds have gone by since the last were; one that cannot be
    written is a warning. A run that has gone no further has none to write. Of several ranks, the
    first keeps where all stand.
    """

    store: Store
    training: TableTraining
    identity: Callable[[], dict[str, str]]
    every: float

    def __init__(
        self,
        store: Store,
        training: TableTraining,
        identity: Callable[[], dict[str, str]],
        every: float,
    ) -> None:
        self.store, self.training, self.identity, self.every = store, training, identity, every
        self.runs: list[tuple[Trainer, CheckpointWriter]] = []
        self.time: float = time.monotonic()

    def take_up(self, stage: Stage) -> None:
        """Bring the runs of a stage to where their last checkpoints left them."""
        for run in stage.runs:
            self.runs.append((run.trainer, self._taken_up(run)))

    def _taken_up(self, run: Run) -> CheckpointWriter:
        trainer, series = run.trainer, self.store.of(run.name)
        net, params, optimizer = trainer.plan.net, trainer.params, trainer.plan.optimizer
        made_by = arithmetic(net, params, optimizer, precision=trainer.plan.precision)
        writer = CheckpointWriter(series, net, self.identity, made_by, self.every)
        if (found := self.training.ranks.first(writer.found(params))) is not None:
            _take(trainer, series, *found)
        return writer

    def __call__(self, trainer: Trainer) -> None:
        """Write what there is to write, where it is time to."""
        if time.monotonic() - self.time >= self.every:
            self.write()

    def write(self) -> None:
        """Write a checkpoint of each run that has gone further."""
        for trainer, writer in self.runs:
            if trainer.history and trainer.visits != writer.saved:
                writer.write(trainer.history)
        self.time = time.monotonic()


class NoKeeper:
    """What keeps nothing."""

    def take_up(self, stage: Stage) -> None:
        """Leave the runs of a stage at their beginning."""

    def __call__(self, trainer: Trainer) -> None:
        """Do nothing."""


class Follower(NoKeeper):
    """What keeps nothing on the other ranks, and takes what the first has kept."""

    def __init__(self, ranks: Ranks) -> None:
        self.ranks = ranks

    def take_up(self, stage: Stage) -> None:
        """Bring the runs of a stage to where the first rank brings them."""
        for run in stage.runs:
            if (found := self.ranks.first(None)) is not None:
                run.trainer.take(*found)


def _take(trainer: Trainer, series: Series, params: Parameters, history: History) -> None:
    try:
        trainer.take(params, history)
    except ValueError as error:
        raise CheckpointError(
            f"{series.directory}: {error}; start anew by `restart=True`"
        ) from None


@contextmanager
def keeping(
    training: TableTraining, directory: str | Path | None, every: float
) -> Iterator[Keeper | NoKeeper]:
    """Yield what leaves checkpoints of a training's runs, and brings them to where they were left.

    A checkpoint is written of each run where the training breaks off, or another rank does. Once it
    is over and the caller has what it needs, `discard` removes them.
    """
    if directory is None:
        yield NoKeeper()
        return
    known = functools.cache(lambda: identity(training))
    if training.ranks.size > 1:
        known()  # which they find out together
    if training.ranks.rank:
        yield Follower(training.ranks)
        return
    with Store(directory) as store:
        keeper = Keeper(store, training, known, every)
        try:
            yield keeper
        except (KeyboardInterrupt, RankError):
            keeper.write()
            raise
