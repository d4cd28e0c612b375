"""Files that are whole or not there: a name never stands for half of what was to be written."""

from __future__ import annotations

import errno
import glob
import os
import secrets
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path

from chainrule.regular_files import behind_links

TOKEN = 4
"""The random bytes in the name of a file while it is written."""

HEAD = 128
"""How many bytes of a file tell what wrote it."""


def _unfinished(name: str, token: str) -> str:
    """Return the name of a file while it is written, beside where it goes."""
    return f".{name}.{token}.tmp"


def check_replaceable(path: Path) -> None:
    """Raise ValueError where something that is no file has a name.

    >>> check_replaceable(Path("/dev/null"))
    Traceback (most recent call last):
    ...
    ValueError: /dev/null: is not a file that could be replaced
    """
    if path.exists() and not path.is_file():
        raise ValueError(f"{path}: is not a file that could be replaced")


def stays(path: Path, why: str) -> FileExistsError:
    """Return the error that a file stays, for it is something else, with what can be done.

    >>> print(stays(Path("houses.csv"), "is a table"))
    [Errno 17] is a table; replace it by `force=True`, or choose another name: 'houses.csv'
    """
    told = f"{why}; replace it by `force=True`, or choose another name"
    return FileExistsError(errno.EEXIST, told, str(path))


def check_kind(
    path: str | os.PathLike[str], kind: str, begins: Callable[[bytes], bool], *, force: bool
) -> None:
    """Raise FileExistsError where a file is there that does not begin as one of a kind.

    An empty one may be replaced by any, and every one where that is forced.

    >>> path = getfixture("tmp_path") / "houses.csv"
    >>> _ = path.write_text("size,price")
    >>> check_kind(path, "a page", lambda head: head[:1] == b"<", force=False)
    Traceback (most recent call last):
    ...
    FileExistsError: [Errno 17] is there, and is not a page; replace it by `force=True`, or ...
    """
    path = Path(path)
    if force or not path.is_file():
        return
    with path.open("rb") as file:
        head = file.read(HEAD)
    if head and not begins(head):
        raise stays(path, f"is there, and is not {kind}")


class AtomicFile:
    """A file that is written beside where it goes, and has its name once it is whole.

    `beside` is where it is written; what stands there under longer names goes with it. Symbolic
    links are followed. Raises ValueError where something that is no file has its name.

    >>> file = AtomicFile(getfixture("tmp_path") / "houses.csv")
    >>> with file:
    ...     file.beside.write_bytes(b"price")
    ...     file.commit()
    ...     file.target.read_bytes()
    5
    b'price'
    """

    target: Path

    def __init__(self, path: Path, *, replace: bool = True) -> None:
        check_replaceable(path)
        self.target, self._replace = behind_links(path), replace
        name = _unfinished(self.target.name, secrets.token_hex(TOKEN))
        self.beside: Path = self.target.with_name(name)

    def commit(self) -> None:
        """Write the file down to the disk, and only then give it its name.

        Raises OSError where that fails, of which FileExistsError where another has its name by then
        and is not to be replaced.
        """
        _sync(self.beside, os.O_RDWR)
        (self.beside.replace if self._replace else partial(_name_anew, self.beside))(self.target)
        if os.name != "nt":  # where a folder cannot be opened
            _sync(self.target.parent, os.O_RDONLY)  # it holds the new name

    def __enter__(self) -> AtomicFile:
        return self

    def __exit__(self, *_: object) -> None:
        """Remove what has no name."""
        with suppress(OSError):  # its folder is none
            _remove(self.target.parent, f"{glob.escape(self.beside.name)}*")


def write_whole(path: Path, parts: Iterable[bytes | memoryview], *, replace: bool = True) -> None:
    """Write a file that has its name once it is whole; one of that name is replaced.

    Raises as `AtomicFile` does; an OSError names the file.

    >>> write_whole(Path("/dev/null"), [b"never"])
    Traceback (most recent call last):
    ...
    ValueError: /dev/null: is not a file that could be replaced
    """
    try:
        with AtomicFile(path, replace=replace) as file:
            _write(file.beside, parts)
            file.commit()
    except OSError as error:  # which names the file beside it, or none
        raise OSError(error.errno, error.strerror, str(path)) from None


def _write(path: Path, parts: Iterable[bytes | memoryview]) -> None:
    with path.open("xb") as file:
        for part in parts:
            file.write(part)


def _sync(path: Path, flags: int) -> None:
    opened = os.open(path, flags)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


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
    _remove(folder, f"{_unfinished(pattern, '[0-9a-f]' * 2 * TOKEN)}*")


def _remove(folder: Path, pattern: str) -> None:
    for left in folder.glob(pattern):
        left.unlink(missing_ok=True)
