"""Files that are whole or not there: a name never stands for half of what was to be written."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path

from chainrule.regular_files import behind_links

TOKEN = 4
"""The random bytes in the name of a file while it is written."""


def _unfinished(name: str, token: str) -> str:
    """Return the name of a file while it is written, beside where it goes."""
    return f".{name}.{token}.tmp"


def write_whole(path: Path, parts: Iterable[bytes | memoryview], *, replace: bool = True) -> None:
    """Write a file down to the disk, and only then under its name; one of that name is replaced.

    Symbolic links are followed. Raises OSError, which names the file, where it cannot be written,
    of which FileExistsError where another has its name by then and is not to be replaced, and
    ValueError where something that is no file has its name.

    >>> write_whole(Path("/dev/null"), [b"never"])
    Traceback (most recent call last):
    ...
    ValueError: /dev/null: is not a file that could be replaced
    """
    target = behind_links(path)
    if target.exists() and not target.is_file():
        raise ValueError(f"{path}: is not a file that could be replaced")
    beside = target.with_name(_unfinished(target.name, secrets.token_hex(TOKEN)))
    try:
        _write(beside, parts)
        (beside.replace if replace else partial(_name_anew, beside))(target)
        _sync_folder(target.parent)
    except OSError as error:  # which names the file beside it, or none
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        with suppress(OSError):  # it is not there: it has its name now, or its folder is none
            beside.unlink()


def _name_anew(beside: Path, target: Path) -> None:
    """Give a file a name that no other has; FileExistsError where one has it."""
    try:
        target.hardlink_to(beside)
    except FileExistsError:
        raise
    except OSError:  # a file system without links: the name is taken first
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        try:
            beside.replace(target)
        except BaseException:
            target.unlink()
            raise


def remove_unfinished(folder: Path, pattern: str) -> None:
    """Remove what processes that were killed left of files that they were writing in a folder.

    >>> folder = getfixture("tmp_path")
    >>> (folder / ".houses.model.0a1b2c3d.tmp").touch()
    >>> remove_unfinished(folder, "houses.model")
    >>> list(folder.iterdir())
    []
    """
    for left in folder.glob(_unfinished(pattern, "[0-9a-f]" * 2 * TOKEN)):
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
