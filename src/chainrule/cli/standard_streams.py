"""The standard streams: those that are closed, and those that take no more."""

from __future__ import annotations

import io
import os
import sys


def open_closed() -> None:
    """Open what is closed of the three, so that no file of ours takes the number of one.

    The input is then empty; what is printed fails, as on a disk that is full; errors go nowhere.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)  # takes the lowest number that is free
    if sys.stdin is None:
        sys.stdin = os.fdopen(0, closefd=False)
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # for ∂ and σ in a pipe on Windows


def forget_output() -> None:
    """Let go of what could not be printed: Python would try again at its end, and complain."""
    if not isinstance(sys.stdout, io.TextIOWrapper) or sys.stdout.fileno() != 1:
        return  # it is another's
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
