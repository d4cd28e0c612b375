"""How the commands refuse and fail: one line on the standard error, and an exit code that tells."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

import click

from chainrule.errors import on_one_line
from chainrule.history import REMEDY, DivergenceError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""Errors of the system that are none of the input's."""

REMEDY_BY_OPTIONS = "lower --learning-rate, or set --clip-norm"
"""What helps where training diverges, as the commands have it."""


class OnOneLine(click.ClickException):
    """An error whose message is told on one line, whatever a file or its name puts into it."""

    def format_message(self) -> str:
        return on_one_line(super().format_message())


class Failure(OnOneLine):
    """What was asked failed on the way."""

    exit_code = 1


class Refusal(OnOneLine):
    """What was given cannot be used."""

    exit_code = 2


class Misuse(OnOneLine, click.UsageError):
    """What was given cannot be used, which the usage helps with."""


@contextmanager
def usage_errors() -> Iterator[None]:
    """Turn the library's refusals of an option, and files that fail, into errors of usage."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise Misuse(str(error)) from None
    except FloatingPointError as error:
        raise Failure(str(error)) from None
    except BrokenPipeError:
        raise  # nobody reads on: click ends quietly
    except OSError as error:
        raise Misuse(f"{error.filename or 'output'}: {error.strerror}") from None


@contextmanager
def refusals() -> Iterator[None]:
    """Turn the library's refusals into one line and an exit code.

    A TypeError is none of them: where options are right, it is a mistake of ours.
    """
    try:
        yield
    except DivergenceError as error:
        raise Failure(str(error).replace(REMEDY, REMEDY_BY_OPTIONS)) from None
    except FloatingPointError as error:
        raise Failure(str(error)) from None
    except ValueError as error:
        raise (Failure if _is_full(error) else Refusal)(str(error)) from None


@contextmanager
def failures() -> Iterator[None]:
    """Turn what the system refuses into one line and an exit code."""
    try:
        yield
    except BrokenPipeError:
        raise  # nobody reads on: click ends quietly
    except OSError as error:
        kind = Failure if _is_full(error) else Refusal
        raise kind(f"{error.filename or 'output'}: {error.strerror or error}") from None
    except MemoryError:
        raise Failure("there is not enough memory; give --memory, such as 300MB") from None


def _is_full(error: BaseException | None) -> bool:
    """Whether an error comes of a disk that is full or failing; polars tells only its words."""
    while error is not None:
        if isinstance(error, OSError):
            words = (os.strerror(code) for code in FULL)
            return error.errno in FULL or any(each in str(error) for each in words)
        error = error.__context__
    return False
