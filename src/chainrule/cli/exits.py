"""How the commands refuse and fail: one line on the standard error, and an exit code that tells."""

from __future__ import annotations

import errno
import re
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import click

from chainrule.cli.option_names import as_options, option_name
from chainrule.cli.standard_streams import forget_output
from chainrule.cli.terminal import say
from chainrule.errors import on_one_line
from chainrule.extras import MissingLibraryError, needed_by
from chainrule.history import DivergenceError
from chainrule.tabular.memory import plainly_too_little
from chainrule.tabular.output_files import FULL, SavedElsewhereError

WHOLE = {
    "demo": "demo",
    "evaluate": "tables",
    "playground": "tables",
    "predict": "tables",
    "train": "tables",
}
"""The extra that brings all that a command needs; of the others, that of what is missing does."""


class OnOneLine(click.ClickException):
    """An error whose message is told on one line, whatever a file or its name puts into it."""

    def format_message(self) -> str:
        return on_one_line(as_options(super().format_message()))


class Failure(OnOneLine):
    """What was asked failed on the way."""

    exit_code = 1


class Refusal(OnOneLine):
    """What was given cannot be used."""

    exit_code = 2


@contextmanager
def misuses() -> Iterator[None]:
    """Turn an error of usage, which click tells with the usage above it, into one line."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        help_is_at = f"; see {error.ctx.command_path} --help" if error.ctx else ""
        raise Refusal(error.format_message().removesuffix(".") + help_is_at) from None


@contextmanager
def refused_by_option(names: Collection[str]) -> Iterator[None]:
    """Refuse what a field of such a name is given by the name of its option."""

    def as_option(found: re.Match[str]) -> str:
        return option_name(found[0]) if found[0] in names else found[0]

    try:
        yield
    except (TypeError, ValueError) as error:
        raise Refusal(re.sub(r"^\w+", as_option, str(error))) from None


@contextmanager
def usage_errors() -> Iterator[None]:
    """Turn the library's refusals of an option, and files that fail, into one line."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise Refusal(str(error)) from None
    except FloatingPointError as error:
        raise Failure(str(error)) from None
    except OSError as error:
        if isinstance(error, BrokenPipeError) or _is_full(error):
            raise
        raise Refusal(f"{error.filename or 'output'}: {error.strerror}") from None


@contextmanager
def refusals() -> Iterator[None]:
    """Turn the library's refusals into one line and an exit code.

    A TypeError is none of them: where options are right, it is a mistake of ours.
    """
    try:
        yield
    except (DivergenceError, FloatingPointError, SavedElsewhereError) as error:
        raise Failure(str(error)) from None
    except ValueError as error:
        raise (Failure if _is_full(error) else Refusal)(str(error)) from None


@contextmanager
def failures() -> Iterator[None]:
    """Turn what the system refuses into one line and an exit code."""
    try:
        with plainly_too_little():
            yield
    except BrokenPipeError:
        forget_output()
        raise  # nobody reads on: click ends quietly
    except OSError as error:
        if error.filename is None:
            forget_output()
        kind = Failure if _is_full(error) else Refusal
        why = "is closed" if error.errno == errno.EBADF else error.strerror or error
        raise kind(f"{error.filename or 'output'}: {why}") from None
    except MemoryError as error:
        raise Failure(str(error)) from None


@contextmanager
def missing_libraries(ctx: click.Context) -> Iterator[None]:
    """Say in one line which extra to install where a command needs a library of one."""
    try:
        try:
            yield
        except ModuleNotFoundError:
            name = ctx.invoked_subcommand or ""
            with needed_by(f"chainrule {name}", WHOLE.get(name, "")):
                raise
    except MissingLibraryError as error:
        raise Refusal(str(error)) from None


@contextmanager
def warnings_in_a_line() -> Iterator[None]:
    """Print warnings as lines of our own, without the place in the program."""
    with warnings.catch_warnings():
        warnings.showwarning = _show  # type: ignore[assignment]
        yield


def _show(message: Warning | str, *_: object) -> None:
    say(as_options(f"Warning: {message}"), err=True)


def _is_full(error: BaseException | None) -> bool:
    """Whether an error comes of a disk that is full or failing, or of an output that is closed."""
    while error is not None:
        if isinstance(error, OSError):
            return error.errno in FULL
        error = error.__cause__ or error.__context__
    return False
