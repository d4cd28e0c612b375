"""The commands under `mpiexec`: which of them several processes share, and what each of these says.

Rank 0 speaks for all. Another has a word only where it alone failed.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

import click

from chainrule.cli.exits import Failure, Refusal, failures, refusals
from chainrule.cli.terminal import say
from chainrule.distributed import Alone, RankError, Ranks, agreed, is_agreed, is_silent
from chainrule.distributed.launch import launched_rank, launched_size, under_mpi

DISTRIBUTED = ("train",)
"""The commands that several processes share."""

WORD = 1.0
"""The seconds that rank 0 has to say why no rank can begin: mpiexec ends all where one ends."""

INTERRUPTED = 130
"""The exit code of a rank where another was interrupted."""


class Here:
    """What this process is in its job: set once, where the command begins."""

    def __init__(self) -> None:
        self.ranks: Ranks = Alone()
        self.errors: TextIO = sys.stderr


_here = Here()


def take_part(arguments: Sequence[str]) -> None:
    """Begin a command: under `mpiexec` as a rank, or, where it is not distributed, as the only one.

    The other processes of one that is not distributed end here.
    """
    if not under_mpi():
        return
    command = next((word for word in arguments if not word.startswith("-")), "")
    if command in DISTRIBUTED:
        _become_rank()
    elif launched_rank():
        raise click.exceptions.Exit(0)
    elif command and launched_size() > 1:
        say(f"{command} is not distributed: of {launched_size()} processes one does it", err=True)


def _become_rank() -> None:
    from chainrule.distributed.world import world

    if launched_rank():
        _fall_silent()
    try:
        _here.ranks = world()
    except (ImportError, ValueError) as error:
        if launched_rank():
            time.sleep(WORD)
        raise Refusal(str(error)) from None


def _fall_silent() -> None:
    _here.errors = sys.stderr
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


@contextmanager
def command_ranks(timeout: float | None = None) -> Iterator[Ranks]:
    """Give the ranks that share this command: one alone without `mpiexec`."""
    if timeout is not None:
        _here.ranks.timeout = timeout
    yield _here.ranks


@contextmanager
def ended_together() -> Iterator[None]:
    """End the ranks of a command together: one that fails tells the others, and one of all says it.

    The others then end with the exit code of that one.
    """
    left = None
    try:
        with _here.ranks.together(), _marked_as_agreed():
            try:
                yield
            except click.exceptions.Exit as error:  # as after --help: no failure
                left = error
    except RankError as error:
        if is_silent(error):
            raise click.exceptions.Exit(_code(error.error)) from None
        _speak()
        raise Failure(str(error)) from None
    except click.ClickException as error:
        if not is_silent(error):
            _speak()
        if _here.ranks.rank and not is_agreed(error):
            error.message = f"rank {_here.ranks.rank}: {error.message}"  # type: ignore[misc]
        raise
    except Exception as error:
        if not is_silent(error):
            _speak()
        raise
    if left is not None:
        raise left


@contextmanager
def _marked_as_agreed() -> Iterator[None]:
    """Mark the error of a command that is made of one that all ranks raise alike."""
    try:
        yield
    except click.ClickException as error:
        made_of = error.__context__
        while made_of is not None and not is_agreed(made_of):
            made_of = made_of.__context__
        if made_of is not None:
            agreed(error, _here.ranks)
        raise


def _speak() -> None:
    """Let this rank have its word."""
    if _here.ranks.rank:
        sys.stderr = _here.errors


def _code(error: BaseException | None) -> int:
    """Return the exit code that another rank has with its exception."""
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    try:
        with failures(), refusals():
            raise error or RankError("", 0)
    except click.ClickException as made:
        return made.exit_code
    except Exception:
        return Failure.exit_code
