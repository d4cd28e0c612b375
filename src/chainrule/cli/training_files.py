"""What a training reads and writes besides its options, and what it may replace."""

from __future__ import annotations

import glob
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chainrule.cli.exits import FULL, Failure, Refusal
from chainrule.cli.output_files import check_apart, check_replaceable, is_same
from chainrule.errors import check_number
from chainrule.fields import told
from chainrule.regular_files import behind_links
from chainrule.serialization.checkpoint_store import is_own
from chainrule.serialization.locks import HeldError, Lock

if TYPE_CHECKING:
    from chainrule.tabular import TableModel

SUFFIX = ".model"

REPLACE = "replace it by --force, or choose another --out"
"""What can be done where a model has the name that another is to have."""


@dataclass(frozen=True, kw_only=True)
class Files:
    """Where a training's table comes from and its model goes; the help is in the fields."""

    table: str | None = told(None, "The table: a file, or a data set such as sklearn:digits.")
    target: str | None = told(None, "The column to predict.")
    out: Path | None = told(None, "The model [default: the table's name, ending in .model].")
    report: Path | None = told(None, "Write a report of the training, such as report.html.")
    checkpoint: Path | None = told(None, "Where checkpoints go [default: beside the model].")
    checkpoint_every: float = told(30.0, "Time between checkpoints, such as 5min.", unit="seconds")

    def __post_init__(self) -> None:
        check_number("checkpoint_every", self.checkpoint_every, least=0)

    @property
    def model(self) -> Path:
        """Where the model goes."""
        if self.out is not None:
            return self.out
        from chainrule.tabular.files.compression import ENDINGS

        name = Path(str(self.table).rpartition(":")[2]).name
        packed = next((ending for ending in ENDINGS if name.endswith(ending)), "")
        own = name.removesuffix(packed) not in ("", ".", "..", "-")
        return Path(name.removesuffix(packed) if own else "table").with_suffix(SUFFIX)

    @property
    def checkpoints(self) -> Path:
        """Where checkpoints go."""
        return self.checkpoint or self.model.with_name(f"{self.model.name}.checkpoints")


def check_writable(path: Path) -> None:
    """Refuse a place where no file can be made or replaced, before any work is done for it."""
    if path.exists() and not path.is_file():
        raise Refusal(f"{path}: is not a file that could be replaced")
    try:
        with tempfile.TemporaryFile(dir=behind_links(path).parent):
            pass
    except OSError as error:
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> Failure | Refusal:
    kind = Failure if error.errno in FULL else Refusal
    return kind(f"{path}: cannot be written: {error.strerror}")


def load_model(path: str | Path, table: str) -> TableModel:
    """Return a model of a table, or refuse it, and say so where the two are named in turn."""
    from chainrule.serialization import ModelFileError
    from chainrule.tabular import TableModel

    try:
        return TableModel.load(path)
    except ModelFileError as error:
        if is_model(table):
            raise Refusal(f"{table} is the model; name it before the table, {path}") from None
        raise error


def is_model(path: str | Path) -> bool:
    """Whether a file is a model of a table."""
    from chainrule.tabular import TableModel

    try:
        TableModel.load(path)
    except (OSError, ValueError):
        return False
    return True


def check_files(files: Files, *read: str | Path) -> None:
    """Refuse to write what is read, the table and what else there is, or one file twice."""
    outputs = {"the model": files.model, "the page": files.report}
    for path in filter(None, outputs.values()):
        check_writable(path)
    inputs = (str(files.table), *read)
    check_apart(outputs, *inputs)
    check_apart({**outputs, "the folder of checkpoints": files.checkpoints})
    for path in (*filter(None, outputs.values()), *map(Path, inputs)):
        if is_own(path.name) and is_same(path.parent, files.checkpoints):
            raise Refusal(f"{path}: is called as a checkpoint in {files.checkpoints}; rename it")


@contextmanager
def claimed(path: Path) -> Iterator[None]:
    """Keep every other training from a model for as long as this one takes."""
    target = behind_links(path)
    try:
        lock = Lock(target.with_name(f".{target.name}.lock"))
    except HeldError as held:
        raise Refusal(
            f"{path}: process {held.holder} is training it; end that first, or choose another --out"
        ) from None
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        yield
    finally:
        with suppress(OSError):  # its folder is gone
            lock.remove()


def check_model(files: Files, *, force: bool, resume: bool, restart: bool) -> bool:
    """Return whether there are checkpoints to go on from, or refuse what would lose work."""
    from chainrule.atomic_write import remove_unfinished
    from chainrule.tabular.block_checkpoints import discard, waiting

    if files.report is not None:
        check_replaceable(files.report, force=force)
    begun = waiting(files.checkpoints)
    if begun and not (resume or restart):
        raise Refusal(
            f"{files.checkpoints} holds checkpoints of a training that did not end; go on from "
            "them by --resume, or remove them and start anew by --restart"
        )
    if not begun:
        discard(files.checkpoints)  # what a kill between two removals left of it
    model = behind_links(files.model)
    remove_unfinished(model.parent, glob.escape(model.name))
    if files.model.exists() and not (force or resume):
        raise Refusal(f"{files.model}: is there already; {REPLACE}")
    return begun and resume
