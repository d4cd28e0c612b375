"""Panics of libraries in Rust: errors that print a text of their own before they are raised.

The text goes to the standard error of the whole process, whoever else writes there. So it is held
back in the command alone, whose process is its own; in a program of others it is let through.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import IO

_MAY_HOLD = ContextVar("_MAY_HOLD", default=False)


def is_panic(error: BaseException) -> bool:
    """Whether a library in Rust has panicked; each has a class of its own for it.

    >>> is_panic(ValueError())
    False
    """
    return type(error).__name__ == "PanicException"


@contextmanager
def in_a_process_of_our_own() -> Iterator[None]:
    """Let `held_back` hold back what panics print, for the length of a command.

    >>> with in_a_process_of_our_own(), held_back():
    ...     pass
    """
    token = _MAY_HOLD.set(True)
    try:
        yield
    finally:
        _MAY_HOLD.reset(token)


@contextmanager
def held_back() -> Iterator[None]:
    """Hold back what is printed on the standard error, and drop it where that is of a panic.

    Where there is no room to hold it, or that stream was closed, which makes 2 any other file, it
    goes where it goes.

    >>> with held_back():
    ...     pass
    """
    held = _file() if _MAY_HOLD.get() and sys.__stderr__ else None
    if held is None:
        yield
        return
    panics, standard = False, os.dup(2)
    try:
        os.dup2(held.fileno(), 2)
        yield
    except BaseException as error:
        panics = is_panic(error)
        raise
    finally:
        os.dup2(standard, 2)
        os.close(standard)
        if not panics:
            held.seek(0)
            _write(held.read())
        held.close()


def _file() -> IO[bytes] | None:
    try:
        return tempfile.TemporaryFile(buffering=0)
    except OSError:
        return None


def _write(text: bytes) -> None:
    while text:
        text = text[os.write(2, text) :]
