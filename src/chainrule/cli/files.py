"""What a training reads and writes besides its options, and what it may replace."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chainrule.cli.errors import Refusal
from chainrule.errors import check_number
from chainrule.records import told

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
        from chainrule.tables.packing import ENDINGS

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
        with tempfile.TemporaryFile(dir=path.resolve().parent):
            pass
    except OSError as error:
        raise Refusal(f"{path}: cannot be written: {error.strerror}") from None


def check_other(path: Path, *others: str | Path) -> None:
    """Refuse to write over what is being read."""
    for other in others:
        if path.exists() and Path(other).exists() and path.samefile(other):
            raise Refusal(f"{path}: is being read; choose another name for what is written")


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


def check_model(files: Files, *, force: bool, resume: bool, restart: bool) -> bool:
    """Return whether there are checkpoints to go on from, or refuse what would lose work."""
    from chainrule.serialization.whole import remove_unfinished
    from chainrule.tabular.checkpoints import discard, waiting

    for path in filter(None, (files.model, files.report)):
        check_writable(path)
        check_other(path, str(files.table))
    if files.report is not None and files.report.resolve() == files.model.resolve():
        raise Refusal(f"{files.report}: is the model; choose another name for the page")
    begun = waiting(files.checkpoints)
    if begun and not (resume or restart):
        raise Refusal(
            f"{files.checkpoints} holds checkpoints of a training that did not end; go on from "
            "them by --resume, or remove them and start anew by --restart"
        )
    if not begun:
        discard(files.checkpoints)  # what a kill between two removals left of it
    remove_unfinished(files.model)
    if files.model.exists() and not (force or resume):
        raise Refusal(f"{files.model}: is there already; {REPLACE}")
    return begun and resume
