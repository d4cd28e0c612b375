"""Where files are written: never over what is read, nor over what is not quickly made again."""

from __future__ import annotations

import errno
import itertools
import os
import stat
import sys
import tempfile
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from chainrule.atomic_write import stays
from chainrule.extras import needed_by
from chainrule.log import LOGGER
from chainrule.regular_files import behind_links
from chainrule.serialization import begins_as_model

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
"""Errors of the system that are none of the input's; the last is that of an output closed."""


class SavedElsewhereError(OSError):
    """A file that has another name than it was to have, which the message tells."""


# No output is an input


def check_apart(outputs: Mapping[str, Path | None], *inputs: str | Path) -> None:
    """Refuse to write what is being read, under whatever name, and one file twice.

    The outputs stand under what messages call them. What a command prints is one too, where it
    goes to the end of a file.

    >>> check_apart({"the page": Path("houses.html")}, "./houses.html")
    Traceback (most recent call last):
    ...
    ValueError: houses.html: is being read; choose another name for what is written
    """
    given = [(what, path) for what, path in outputs.items() if path is not None]
    for (what, one), (_, other) in itertools.combinations(given, 2):
        if is_same(one, other):
            raise ValueError(f"{other}: is {what}; choose another name for what else is written")
    for _, path in given:
        if any(is_same(path, each) for each in inputs):
            raise ValueError(f"{path}: is being read; choose another name for what is written")
    printed = _standard(sys.stdout)
    if printed and any(_is_of(each, printed) for each in (*inputs, *outputs.values()) if each):
        raise ValueError("standard output: is a file that is read or written; choose another")


def is_same(one: str | Path, other: str | Path) -> bool:
    """Whether two names are of one file, by links or in other letters, also of one to be made.

    >>> is_same("houses.csv", "./houses.csv"), is_same("Sheet.html", "sheet.html")
    (True, True)
    """
    found, its = _status(one), _status(other)
    if found and its:
        return os.path.samestat(found, its)
    return not found and not its and _folded(one) == _folded(other)


def _is_of(name: str | Path, status: os.stat_result) -> bool:
    found = _status(name)
    return found is not None and os.path.samestat(found, status)


def _status(name: str | Path) -> os.stat_result | None:
    """Return what the system knows of a file, the standard input's for `-`; None of none."""
    if str(name) == "-":
        return _standard(sys.stdin)
    try:
        return os.stat(name)
    except (OSError, ValueError):
        return None


def _standard(stream: object) -> os.stat_result | None:
    """Return what the system knows of a standard stream that is a file; None of a pipe."""
    try:
        found = os.fstat(stream.fileno())  # type: ignore[attr-defined]
    except (AttributeError, OSError, ValueError):
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def _folded(name: str | Path) -> str:
    """Return a path as file systems have it that do not tell apart upper and lower case."""
    return unicodedata.normalize("NFC", str(behind_links(name))).casefold()


# What is not quickly made again


def check_replaceable(path: Path, *, force: bool) -> None:
    """Refuse to replace a model, a table or a network by a page or a sheet, unless it is forced.

    >>> check_replaceable(Path("missing.csv"), force=False)
    """
    if not force and (kind := kind_of(path)):
        raise stays(path, f"is {kind}")


def check_predictions(path: Path, *, force: bool) -> None:
    """Refuse to replace what is no table of predictions by one, unless it is forced."""
    from chainrule.tabular.files.open_source import open_source
    from chainrule.tabular.prediction_columns import are_predictions
    from chainrule.tabular.table_error import TableError

    kind = "" if force else kind_of(path)
    if kind == "a table":
        try:
            kind = "" if are_predictions(open_source(path).columns) else "a table of other columns"
        except TableError:
            kind = kind if _has_rows(path) else ""
    if kind:
        raise stays(path, f"is {kind}")


def _has_rows(path: Path) -> bool:
    with path.open("rb") as file:
        return b"\n" in file.read(2**16).strip()


def kind_of(path: Path) -> str:
    """Return what a file is that is not quickly made again; "" for a page, a sheet or no file.

    >>> path = getfixture("tmp_path") / "houses.csv"
    >>> _ = path.write_text("size,price")
    >>> kind_of(path)
    'a table'
    """
    if not path.is_file() or not path.stat().st_size or _is_page(path):
        return ""
    with path.open("rb") as file:
        if begins_as_model(file.read(9)):
            return "a model"
    with needed_by(f"{path}: telling whether it is a table"):
        from chainrule.tabular.files.open_source import is_table
    if is_table(path):
        return "a table"
    return "a file of keys in TOML" if _is_toml(path) else ""


def _is_page(path: Path) -> bool:
    """Whether a file is a page of HTML, by its name and its first bytes."""
    with path.open("rb") as file:
        return path.suffix.lower() == ".html" and file.read(9).lower() == b"<!doctype"


def _is_toml(path: Path) -> bool:
    from chainrule.explanation.toml_file import TomlFile

    try:
        return path.suffix.lower() == ".toml" or bool(TomlFile.read(path, str(path)).given)
    except ValueError:
        return False


# What takes long to make is kept, whatever becomes of its name in the meantime


class Destination:
    """Where a file goes: under its name, as long as nobody else has taken that since.

    >>> place = Destination(getfixture("tmp_path") / "houses.model")
    >>> _ = place.path.write_text("by another")
    >>> place.write(lambda path, replace: path.write_text("by us") and None)
    >>> place.made.name, place.path.read_text()
    ('houses-2.model', 'by another')
    """

    path: Path
    made: Path

    def __init__(self, path: Path) -> None:
        self.path, self.made, self._error = path, path, ""
        self._target = behind_links(path)
        self._before = self._stamp()

    def _stamp(self) -> tuple[int, ...]:
        from chainrule.tabular.files.source import stamp  # loads polars

        return stamp(self._target)

    def write(self, write: Callable[..., None]) -> None:
        """Have a file written, by a function of a path and of whether to `replace` one there."""
        now = self._stamp()
        if now in ((), self._before):
            try:
                write(self._target, replace=bool(now))
            except OSError as error:
                if error.errno in FULL:
                    raise
                self._error = f"cannot be written: {error.strerror}"
        else:
            self._error = "was made by another since this began, and stays"
        if self._error:
            self._write_elsewhere(write)
        LOGGER.info("%s written", self.made)

    def _write_elsewhere(self, write: Callable[..., None]) -> None:
        for path in _free(self._target):
            try:
                write(path, replace=False)
            except OSError as error:
                if error.errno in FULL:
                    raise
            else:
                self.made = path
                return
        raise OSError(errno.EIO, self._error, str(self.path))

    def check(self, what: str) -> None:
        """Raise SavedElsewhereError where the file has another name than it was to have."""
        if self._error:
            said = f"{self.path}: {self._error}; {what} is saved as {self.made}"
            raise SavedElsewhereError(said)


def _free(path: Path) -> Iterator[Path]:
    """Yield names beside a file that no other has, then some among the temporary files."""
    for folder in (path.parent, Path(tempfile.gettempdir())):
        numbered = (folder / f"{path.stem}-{k}{path.suffix}" for k in itertools.count(2))
        yield from itertools.islice((each for each in numbered if not each.exists()), 3)
