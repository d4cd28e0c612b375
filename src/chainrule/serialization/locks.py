"""A lock that one process holds at a time, and that goes with it, however it ends."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Self

OPENED = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class HeldError(BlockingIOError):
    """A lock that a process holds, whose number is `holder`.

    >>> HeldError(Path(".lock"), "4711").holder
    '4711'
    """

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(f"{path}: process {holder} holds it")
        self.holder = holder


class Lock:
    """The lock of a file that is made for it, and that holds the number of its process.

    The system lets go of it where the process ends, also killed: what is then left of the file is
    in nobody's way. Raises HeldError where another has it, and OSError where there can be no file,
    or one is there that is no lock. Where a system or a file system knows no locks, nobody is kept
    out.

    >>> path = getfixture("tmp_path") / ".lock"
    >>> with Lock(path) as lock:
    ...     Lock(path)
    Traceback (most recent call last):
    ...
    chainrule.serialization.locks.HeldError: ...lock: process ... holds it
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        while not self._take():  # its file was removed by who had it, between open and lock
            self.close()

    def _take(self) -> bool:
        """Open and lock the file, and return whether it still has its name."""
        self._file = open(os.open(self.path, OPENED, 0o666), "r+b", buffering=0)  # noqa: SIM115
        try:
            _lock(self._file.fileno())
        except BlockingIOError:
            holder = self._told() or "unknown"
            self.close()
            raise HeldError(self.path, holder) from None
        if not self._has_its_name():
            return False
        self._told()
        self._file.truncate(0)
        self._file.seek(0)
        try:
            self._file.write(str(os.getpid()).encode())
        except OSError:  # a disk that is full
            self.remove()
            raise
        return True

    def _told(self) -> str:
        """Return the number that a lock holds; raise OSError for a file that is another's."""
        found = self._file.read(32).decode("latin-1")
        if found and not found.isdecimal():
            self.close()
            raise FileExistsError(errno.EEXIST, "is there, and is no lock", str(self.path))
        return found

    def _has_its_name(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._file.fileno()), os.stat(self.path))
        except FileNotFoundError:
            return False

    def close(self) -> None:
        """Let others in, and leave the file."""
        self._file.close()

    def remove(self) -> None:
        """Remove the file and let others in."""
        if not self._file.closed:
            if sys.platform == "win32":  # which removes no file that is open
                self.close()
            self.path.unlink(missing_ok=True)
            self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def _lock(descriptor: int) -> None:
    """Lock a file for as long as it is open; BlockingIOError where another has it."""
    if sys.platform == "win32":  # which has no flock
        return
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # a file system without locks
        return
