"""Checkpoints of a training on a table: what it is part of, and what it goes on from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from chainrule.engine.native_run import arithmetic
from chainrule.fitting.checkpoint import CheckpointWriter
from chainrule.fitting.trainer import Trainer
from chainrule.history import History
from chainrule.network import Parameters
from chainrule.serialization import CheckpointError, Store
from chainrule.serialization.checkpoint_store import CHECKPOINTS
from chainrule.streams import EDITION
from chainrule.tabular.table_training import TableTraining


def identity(training: TableTraining) -> dict[str, str]:
    """Return what makes a training the same: all that its bits follow from but the machine."""
    net, source = training.trainer.plan.net, training.source
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


def _take(trainer: Trainer, store: Store, params: Parameters, history: History) -> None:
    try:
        trainer.take(params, history)
    except ValueError as error:
        raise CheckpointError(f"{store.directory}: {error}; start anew by `restart=True`") from None


@contextmanager
def keeping(
    training: TableTraining, directory: str | Path | None, every: float
) -> Iterator[Callable[[Trainer], None]]:
    """Bring a training to where its last checkpoint left it, and yield its hook after each visit.

    A checkpoint is written where `every` seconds have gone by since the last, and where the
    training breaks off; one that cannot be written is a warning. Once the training is over and the
    caller has what it needs, `discard` removes them.
    """
    if directory is None:
        yield lambda trainer: None
        return
    trainer = training.trainer
    net, params, optimizer = trainer.plan.net, trainer.params, trainer.plan.optimizer
    with Store(directory) as store:
        made_by = arithmetic(net, params, optimizer)
        writer = CheckpointWriter(store, net, lambda: identity(training), made_by, every)
        if (found := writer.found(params)) is not None:
            _take(trainer, store, *found)

        def after_visit(trainer: Trainer) -> None:
            assert trainer.history
            writer(trainer.history)

        try:
            yield after_visit
        except KeyboardInterrupt:
            if trainer.history and trainer.visits != writer.saved:
                writer.write(trainer.history)
            raise
