"""What a training writes, its model, its page and its checkpoints, and what they may replace."""

from __future__ import annotations

import errno
import glob
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from chainrule.atomic_write import remove_unfinished
from chainrule.distributed import Ranks
from chainrule.errors import argument
from chainrule.extras import library
from chainrule.regular_files import behind_links
from chainrule.serialization import CheckpointError
from chainrule.serialization.checkpoint_store import is_own
from chainrule.serialization.locks import HeldError, Lock
from chainrule.tabular.block_checkpoints import discard, waiting, written
from chainrule.tabular.output_files import Destination, check_apart, check_replaceable, is_same
from chainrule.tabular.table_model import TableModel
from chainrule.tabular.table_training import TableTraining, is_model_of

REPLACE = "replace it by `force=True`, or choose another `out=`"
"""What can be done where a model has the name that another is to have."""


@dataclass(frozen=True)
class TrainingOutputs:
    """The files that a training writes, each of which may be None."""

    model: Path | None = None
    page: Path | None = None
    checkpoints: Path | None = None

    def of(self, ranks: Ranks) -> TrainingOutputs:
        """Return what a rank writes of them: the first one all, and the others nothing."""
        return TrainingOutputs() if ranks.rank else self

    def check_apart(self, *read: str | Path) -> None:
        """Refuse to write what is read, the table and what else there is, or one file twice."""
        files = {"the model": self.model, "the page": self.page}
        if not any(files.values()):
            return
        for path in filter(None, files.values()):
            check_writable(path)
        check_apart(files, *read)
        check_apart({**files, "the folder of checkpoints": self.checkpoints})
        for path in (*filter(None, files.values()), *map(Path, read)):
            if self.checkpoints and is_own(path.name) and is_same(path.parent, self.checkpoints):
                raise ValueError(
                    f"{path}: is called as a checkpoint in {self.checkpoints}; rename it"
                )

    def check_begun(self, *, resume: bool, restart: bool, force: bool) -> bool:
        """Return whether there are checkpoints to go on from, or refuse what would lose work."""
        resume = resume and not restart
        if self.page is not None:
            library("matplotlib", argument("report"))
            check_replaceable(self.page, force=force)
        begun = self.checkpoints is not None and waiting(self.checkpoints)
        if begun and not (resume or restart):
            raise CheckpointError(
                f"{self.checkpoints} holds checkpoints of a training that did not end; go on from "
                "them by `resume=True`, or remove them and start anew by `restart=True`"
            )
        if restart or not begun:
            self.discard_checkpoints()  # also what a kill between two removals left of them
        if self.model is not None:
            model = behind_links(self.model)
            remove_unfinished(model.parent, glob.escape(model.name))
            if self.model.exists() and not (force or resume):
                raise FileExistsError(errno.EEXIST, f"is there already; {REPLACE}", str(self.model))
        return begun and resume

    def discard_checkpoints(self) -> None:
        """Remove the checkpoints, and their folder if nothing else is in it."""
        if self.checkpoints is not None:
            discard(self.checkpoints)

    def own_model(self, training: TableTraining) -> TableModel | None:
        """Return the model that this training had saved before it was killed, or None.

        Refuse to go on where the model there is another's that came later than the checkpoints.
        What was there before them gives way to the training that goes on.
        """
        if self.model is None or not self.model.exists():
            return None
        try:
            model = TableModel.load(self.model)
        except ValueError:
            model = None
        if model is not None and is_model_of(model, training):
            return model
        last = None if self.checkpoints is None else written(self.checkpoints)
        if last is None or (model is not None and self.model.stat().st_mtime > last):
            why = f"is there already, of another training; {REPLACE}"
            raise FileExistsError(errno.EEXIST, why, str(self.model))
        return None

    @contextmanager
    def saving(self) -> Iterator[Saving]:
        """Yield what writes the model and the page; once they stand, checkpoints are discarded.

        What takes long to make is kept, whatever becomes of its name in the meantime: then, at the
        end, SavedElsewhereError says where it is.
        """
        places = (self.model, self.page)
        made = Saving(*(None if path is None else Destination(path) for path in places))
        yield made
        if made.model:
            self.discard_checkpoints()
            made.model.check("the model")
        if made.page:
            made.page.check("the page")


class Saving(NamedTuple):
    """Where the files of a training go, each of which may be None."""

    model: Destination | None
    page: Destination | None

    def save(self, model: TableModel) -> None:
        """Write the model."""
        if self.model:
            self.model.write(partial(model.save, force=True))  # what may be replaced is settled

    def report(self, training: TableTraining, model: TableModel) -> None:
        """Write the page, which all ranks find out together."""
        from chainrule.tabular.report import all_findings, page, write_report
        from chainrule.tabular.trained_model import judged

        found = all_findings(training.prepared, judged(training), model, training.source)
        if self.page:
            text = page(*found)
            self.page.write(lambda path, replace: write_report(path, text, replace=replace))


def check_writable(path: Path) -> None:
    """Refuse a place where no file can be made or replaced, before any work is done for it.

    >>> check_writable(Path("."))
    Traceback (most recent call last):
    ...
    ValueError: .: is not a file that could be replaced
    """
    if path.exists() and not path.is_file():
        raise ValueError(f"{path}: is not a file that could be replaced")
    try:
        with tempfile.TemporaryFile(dir=behind_links(path).parent):
            pass
    except OSError as error:
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> OSError:
    return OSError(error.errno, f"cannot be written: {error.strerror}", str(path))


@contextmanager
def claimed(path: Path | None) -> Iterator[None]:
    """Keep every other training from a model for as long as this one takes."""
    if path is None:
        yield
        return
    target = behind_links(path)
    try:
        lock = Lock(target.with_name(f".{target.name}.lock"))
    except HeldError as held:
        why = f"process {held.holder} is training it; end that first, or choose another `out=`"
        raise BlockingIOError(errno.EAGAIN, why, str(path)) from None
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        yield
    finally:
        with suppress(OSError):  # its folder is gone
            lock.remove()
