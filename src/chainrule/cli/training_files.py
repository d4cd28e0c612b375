"""What a training reads and writes besides its options, and models as the commands read them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chainrule.cli.exits import Refusal
from chainrule.fields import Names, Record, option
from chainrule.value_types import NotNegative

if TYPE_CHECKING:
    from chainrule.tabular import TableModel

SUFFIX = ".model"


@dataclass(frozen=True, kw_only=True)
class Files(Record):
    """Where a training's table comes from and its model goes; the help is in the fields."""

    table: str | None = option(None, "The table: a file, or a data set such as sklearn:digits.")
    target: str | Names | None = option(None, "The column to predict, or several: price,rent.")
    out: Path | None = option(None, "The model [default: the table's name, ending in .model].")
    report: Path | None = option(None, "Write a report of the training, such as report.html.")
    checkpoint: Path | None = option(None, "Where checkpoints go [default: beside the model].")
    checkpoint_every: NotNegative = option(
        30.0, "Time between checkpoints, such as 5min.", unit="seconds"
    )

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
        return self.checkpoint or Path(f"{self.model}.checkpoints")


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
    from chainrule.serialization import read_file

    try:
        return bool(read_file(path)[1]["kind"] == "table")
    except (OSError, ValueError):
        return False
