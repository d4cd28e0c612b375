"""Checkpoints of a training on a table: what it is part of, and what it goes on from."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from chainrule.engine.native_run import arithmetic
from chainrule.history import History
from chainrule.network import Parameters
from chainrule.serialization import CheckpointError, Store
from chainrule.serialization.checkpoint import begun, leave
from chainrule.serialization.checkpoint_store import CHECKPOINTS
from chainrule.streams import EDITION
from chainrule.tabular.block_training import Run
from chainrule.tabular.files.source import Source
from chainrule.tabular.training_options import Options


def identity(run: Run, source: Source, options: Options) -> dict[str, str]:
    """Return what makes a training the same: all that its bits follow from but the machine."""
    net = run.plan.net
    told = source.reading.changed() | options.of_the_model()
    return {
        "streams": f"of edition {EDITION}",
        "the table": f"one with SHA-256 {source.fingerprint()[:16]}…",
        "inputs": repr(net.inputs),
        **{f"layer {k}": repr(layer) for k, layer in enumerate(net.layers)},
        **{name.replace("_", " "): repr(value) for name, value in told.items()},
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


def _take(run: Run, store: Store, params: Parameters, history: History) -> None:
    try:
        run.take(params, history)
    except ValueError as error:
        raise CheckpointError(f"{store.directory}: {error}; start anew by `restart=True`") from None


@contextmanager
def keeping(
    run: Run, source: Source, options: Options, directory: str | Path | None, every: float
) -> Iterator[Callable[[Run], None]]:
    """Bring a run to where its last checkpoint left it, and yield what is to be done after a visit.

    A checkpoint is written where `every` seconds have gone by since the last, and where the run
    breaks off; one that cannot be written is a warning. Once the run is over and the caller has
    what it needs, `discard` removes them.
    """
    if directory is None:
        yield lambda run: None
        return
    with Store(directory) as store:
        own = functools.cache(lambda: identity(run, source, options))  # it reads all of a file
        made_by = arithmetic(run.plan.net, run.params, run.plan.optimizer)
        if store.holds_some:
            found = begun(store, own(), run.plan.net, run.params, made_by)
            if found is not None:
                _take(run, store, *found)
        saved, written = run.visits, time.monotonic()

        def save(run: Run) -> None:
            nonlocal saved, written
            if run.history is None or run.visits == saved:
                return
            if leave(store, run.plan.net, run.history, own(), made_by):
                saved = run.visits
            written = time.monotonic()

        def after_visit(run: Run) -> None:
            if time.monotonic() - written >= every:
                save(run)

        try:
            yield after_visit
        except KeyboardInterrupt:
            save(run)
            raise
