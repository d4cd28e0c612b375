"""What can be read only once, a pipe or the standard input, in a file that can be read again."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
import weakref
from collections.abc import Iterator
from io import RawIOBase
from pathlib import Path

from chainrule.tabular.table_error import TableError

STANDARD_INPUT = "-"

PATIENCE = 3.0
"""The seconds in which something must begin to write into a pipe; then it may take its time."""

PIECE = 2**20


class Spool:
    """A copy of what can be read only once, in a temporary file that is gone with this.

    Attributes
    ----------
    called, path
        What messages call it, and where the copy is.

    Raises TableError for a pipe that nothing writes into, and for what would fill the disk.
    """

    def __init__(self, name: str) -> None:
        self.called: str = "standard input" if name == STANDARD_INPUT else name
        with tempfile.NamedTemporaryFile(prefix="chainrule-", delete=False) as file:
            self.path: Path = Path(file.name)
            weakref.finalize(self, self.path.unlink, missing_ok=True)
            most = shutil.disk_usage(self.path.parent).free // 2
            for piece in _standard_input() if name == STANDARD_INPUT else _pipe(name):
                if (most := most - len(piece)) < 0:
                    raise TableError(
                        f"{self.called}: is longer than half of what is free in "
                        f"{self.path.parent}, where it is copied to; save it in a file, and name "
                        "that"
                    )
                file.write(piece)


def _standard_input() -> Iterator[bytes]:
    if sys.stdin is None:
        raise TableError("standard input: is closed; name a file")
    while piece := sys.stdin.buffer.read(PIECE):
        yield piece


def _pipe(name: str) -> Iterator[bytes]:
    """Yield what comes out of a pipe, once something writes into it or has written."""
    with open(os.open(name, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as pipe:
        yield _first(name, pipe)
        os.set_blocking(pipe.fileno(), True)
        while piece := pipe.read(PIECE):
            yield piece


def _first(name: str, pipe: RawIOBase) -> bytes:
    """Return what is in a pipe, without waiting for more, once there is something or a writer."""
    end = time.monotonic() + PATIENCE
    while (found := pipe.read(PIECE)) == b"":  # there is nothing, and no writer either
        if time.monotonic() > end:
            raise TableError(
                f"{name}: is a pipe that nothing writes into; save the table in a file, or begin "
                "to write before it is read"
            )
        time.sleep(0.02)
    return found or b""
