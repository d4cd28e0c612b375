"""Files that are whole or not there: a name never stands for half of what was to be written."""

from __future__ import annotations

import glob
import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

UNFINISHED = ".{name}.{token}.tmp"
"""The name of a file while it is written, beside where it goes."""


def write_whole(path: Path, parts: Iterable[bytes | memoryview]) -> None:
    """Write a file down to the disk, and only then under its name; one of that name is replaced.

    Symbolic links are followed. Raises OSError, which names the file, where it cannot be written,
    and ValueError where something that is no file has its name.

    >>> write_whole(Path("/dev/null"), [b"never"])
    Traceback (most recent call last):
    ...
    ValueError: /dev/null: is not a file that could be replaced
    """
    target = path.resolve()
    if target.exists() and not target.is_file():
        raise ValueError(f"{path}: is not a file that could be replaced")
    beside = target.with_name(UNFINISHED.format(name=target.name, token=secrets.token_hex(4)))
    try:
        _write(beside, parts)
        beside.replace(target)
        _sync_folder(target.parent)
    except OSError as error:  # which names the file beside it, or none
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        with suppress(OSError):  # it is not there: it has its name now, or its folder is none
            beside.unlink()


def remove_unfinished(path: Path) -> None:
    """Remove what processes that were killed left of a file that they were writing.

    >>> path = getfixture("tmp_path") / "houses.model"
    >>> path.with_name(".houses.model.0a1b2c3d.tmp").touch()
    >>> remove_unfinished(path)
    >>> list(path.parent.iterdir())
    []
    """
    target = path.resolve()
    pattern = UNFINISHED.format(name=glob.escape(target.name), token="*")
    for left in target.parent.glob(pattern):
        left.unlink(missing_ok=True)


def _write(path: Path, parts: Iterable[bytes | memoryview]) -> None:
    with path.open("xb") as file:
        for part in parts:
            file.write(part)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Write the folder down too: it holds the new name."""
    if os.name == "nt":  # where a folder cannot be opened
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
