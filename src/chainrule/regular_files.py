"""Files that are opened with mistrust: regular ones of a bounded size, or none at all.

What is read whole is opened here. A device may have no end, and a pipe keep its reader waiting.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import sys
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}
"""What is no regular file."""

AT_ONCE = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""How a file is opened, where another has taken its place: without waiting for a pipe's writer."""

PIECE = 2**20


def behind_links(path: str | Path) -> Path:
    """Return where a file is, or is to be made, behind symbolic links.

    Raises OSError where they lead round in a circle.

    >>> link = getfixture("tmp_path") / "link"
    >>> link.symlink_to(link)
    >>> behind_links(link)
    Traceback (most recent call last):
    ...
    OSError: [Errno 40] Too many levels of symbolic links: ...
    """
    found = Path(os.path.realpath(path))
    if found.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    return found


def open_regular(path: str | Path, most: int) -> BufferedReader:
    """Return a regular file of at most so many bytes to read, behind symbolic links.

    Raises OSError where it cannot be opened, and ValueError, at once, for what is no such file.

    >>> open_regular("/dev/zero", most=2**20)
    Traceback (most recent call last):
    ...
    ValueError: /dev/zero: is not a regular file but a device; save what it gives in a file
    """
    _check(path, os.stat(path), most)  # before it is opened, which of a device may do something
    file = open(os.open(path, AT_ONCE), "rb")  # noqa: SIM115
    try:
        _check(path, os.fstat(file.fileno()), most)
        file.peek(1)
    except ValueError:
        file.close()
        raise
    except OSError as error:  # of reading, which names no file
        file.close()
        raise OSError(error.errno, error.strerror, str(path)) from None
    return file


def _check(path: str | Path, found: os.stat_result, most: int) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = KINDS.get(stat.S_IFMT(found.st_mode), "something else")
        fix = "name a file" if kind == "a folder" else "save what it gives in a file"
        raise ValueError(f"{path}: is not a regular file but {kind}; {fix}")
    if found.st_size > most:
        raise too_long(path, most, f"got {found.st_size:,}")


def too_long(what: str | Path, most: int, got: str) -> ValueError:
    """Return the error of what has more bytes than are taken.

    >>> too_long("houses.toml", 2**20, "got more")
    ValueError('houses.toml: must have at most 1,048,576 bytes, got more')
    """
    return ValueError(f"{what}: must have at most {most:,} bytes, {got}")


def read_regular(path: str | Path, most: int) -> bytes:
    """Return the bytes of a regular file that has at most so many.

    Raises OSError and ValueError as `open_regular` does, and ValueError for a file that becomes
    longer or shorter meanwhile, as some of the system do.

    >>> path = getfixture("tmp_path") / "network.toml"
    >>> path.write_bytes(b"layers = [2, 2]")
    15
    >>> read_regular(path, most=15)
    b'layers = [2, 2]'
    """
    with open_regular(path, most) as file:
        size = os.fstat(file.fileno()).st_size
        found = file.read(size + 1)  # one more than it says, by which some of the system tell
    if len(found) != size:
        raise ValueError(
            f"{path}: changes while it is read, from {size:,} bytes to {len(found):,} or more; "
            "read a copy of it"
        )
    return found


def sha256_of(path: str | Path) -> tuple[str, int]:
    """Return the SHA-256 of a regular file, in hexadecimal, and how many bytes it has.

    >>> path = getfixture("tmp_path") / "empty"
    >>> path.touch()
    >>> sha256, size = sha256_of(path)
    >>> sha256[:12], size
    ('e3b0c44298fc', 0)
    """
    with open_regular(path, sys.maxsize) as file:
        size = os.fstat(file.fileno()).st_size
        sha = hashlib.sha256()
        digest(file, size, sha)
    return sha.hexdigest(), size


def digest(file: BinaryIO, size: int, sha: hashlib._Hash) -> None:
    """Enter the next `size` bytes of a file, and no more though it grows, into a hash.

    >>> import io
    >>> sha = hashlib.sha256()
    >>> digest(io.BytesIO(b"begin and more"), 5, sha)
    >>> sha.hexdigest() == hashlib.sha256(b"begin").hexdigest()
    True
    """
    while size and (piece := file.read(min(size, PIECE))):
        sha.update(piece)
        size -= len(piece)
