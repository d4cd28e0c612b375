"""What libraries that decode a table raise, as one line of a TableError.

Only calls of these libraries stand under it: a mistake of ours is no damage to a file.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl

from chainrule.errors import bare
from chainrule.rust_panics import held_back, is_panic
from chainrule.tabular.files.compression import DAMAGE
from chainrule.tabular.table_error import TableError

FAILURES: tuple[type[Exception], ...] = (
    *DAMAGE,
    ValueError,
    TypeError,
    ArithmeticError,
    LookupError,
    pl.exceptions.PolarsError,
)
"""What libraries raise for what they cannot decode; besides, those in Rust panic."""

MOST = 200
"""The most characters of what a library says."""

ANY_ZONE = "POLARS_IGNORE_TIMEZONE_PARSE_ERROR"
"""What has polars read moments in zones that it does not know: they are in UTC all the same."""

_PANICS = re.compile(r'(?:ErrString\(|Panic\(Id\(\d+\), )\\*"(?!called )(.*?)\\*"')
_ONE_AT_A_TIME = threading.RLock()


@contextmanager
def decoding(what: str, *failures: type[Exception]) -> Iterator[None]:
    """Turn what a library raises into a TableError that begins with `what`, and says why.

    Some raise `failures` of their own.

    >>> with decoding("trees.parquet: cannot be read"):
    ...     raise pl.exceptions.ComputeError("parquet: no footer")
    Traceback (most recent call last):
    ...
    chainrule.TableError: trees.parquet: cannot be read: parquet: no footer
    """
    try:
        with _ONE_AT_A_TIME, _any_zone(), held_back():
            yield
    except TableError:
        raise
    except (*FAILURES, *failures) as error:
        raise TableError(f"{what}: {said(error)}") from None
    except BaseException as error:
        if not is_panic(error):
            raise
        raise TableError(f"{what}: {said(error)}") from None


def said(error: BaseException) -> str:
    r"""Return what a library says, in one line and in short.

    >>> said(ValueError("no\ndate\x1b")), said(EOFError())
    ('no date\\x1b', 'EOFError')
    """
    text = str(error)
    if is_panic(error) and (found := _PANICS.search(text)):
        text = found[1]
    line = bare(" ".join(text.replace("\\n", " ").split()))
    return line[:MOST] + "…" * (len(line) > MOST) or type(error).__name__


@contextmanager
def _any_zone() -> Iterator[None]:
    """Set the environment of polars, for as long as it reads."""
    before = os.environ.get(ANY_ZONE)
    os.environ[ANY_ZONE] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[ANY_ZONE]
        else:
            os.environ[ANY_ZONE] = before
