"""Text in a file, plain or compressed, in any encoding: as UTF-8, cut between rows."""

from __future__ import annotations

import codecs
import contextlib
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

from chainrule.tables.errors import TableError

PIECE = 4 * 2**20
"""How many bytes are taken at a time."""

LONGEST = 64 * 2**20
"""The most bytes of one row, so that a quote without its partner does not take all memory."""

GZIP = b"\x1f\x8b"
END_OF_FILE = b"\x1a"
"""What DOS writes at the end of a text."""

UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class TextFile(NamedTuple):
    """A file of text: its name for messages, where it is, its encoding, whether it is gzip."""

    name: str
    path: Path
    encoding: str
    compressed: bool
    notes: tuple[str, ...] = ()

    @property
    def is_utf8(self) -> bool:
        """Whether the bytes need no change."""
        return self.encoding == "utf-8"

    def ends_a_line(self) -> bool:
        """Whether the text ends with a line feed, as far as one sees without reading it."""
        with self.path.open("rb") as file:
            file.seek(-1, io.SEEK_END)
            return self.compressed or file.read() == b"\n"

    def pieces(self, start: int, size: int) -> Iterator[bytes]:
        """Yield what follows the first `start` bytes of the text, `size` bytes or more at a time.

        Each piece ends where a row ends: at the end of a line, outside quotes. The last line gets
        its line feed: polars panics where a text ends with a quote that it opens.
        """
        rest = b""
        with self._opened() as read:
            while got := read(size):
                rest += got
                if start:
                    start, rest = start - len(rest[:start]), rest[start:]
                end = end_of_rows(rest)
                if end:
                    yield _without_marks(rest[:end])
                    rest = rest[end:]
                elif len(rest) > LONGEST:
                    raise TableError(
                        f"{self.name}: a row is longer than {LONGEST:,} bytes: a quote is opened "
                        "and not closed"
                    )
        rest = _without_marks(rest.removesuffix(END_OF_FILE))
        if rest:
            yield rest if rest.endswith(b"\n") else rest + b"\n"

    @contextlib.contextmanager
    def _opened(self) -> Iterator[Callable[[int], bytes]]:
        """Yield a function that reads so many bytes, or characters, as UTF-8."""
        try:
            with opened(self.path, self.compressed) as file:
                if not self.is_utf8:
                    text = io.TextIOWrapper(file, self.encoding, newline="")
                    yield lambda size: text.read(size).encode()
                else:
                    if file.read(3) != codecs.BOM_UTF8:
                        file.seek(0)
                    yield file.read
        except (EOFError, zlib.error, OSError) as error:
            raise TableError(f"{self.name}: cannot be read: {error}") from None
        except UnicodeDecodeError as error:
            raise TableError(
                f"{self.name}: is not {self.encoding}: byte 0x{error.object[error.start]:02x}; "
                "give its encoding"
            ) from None


def _without_marks(rows: bytes) -> bytes:
    """Return rows without byte order marks, which begin each of several files put together."""
    if codecs.BOM_UTF8 not in rows:
        return rows
    return rows.removeprefix(codecs.BOM_UTF8).replace(b"\n" + codecs.BOM_UTF8, b"\n")


def opened(path: Path, compressed: bool) -> IO[bytes]:
    """Return a file to read, behind gzip where it is compressed."""
    return gzip.open(path) if compressed else path.open("rb")  # type: ignore[return-value]


def is_compressed(path: Path) -> bool:
    """Whether a file begins as gzip does."""
    with path.open("rb") as file:
        return file.read(2) == GZIP


def text_file(name: str, path: Path, encoding: str) -> TextFile:
    """Return a file of text, whose encoding gives way to a byte order mark.

    Raises TableError for an encoding that is not known.
    """
    try:
        "".encode(encoding)  # refuses what encodes no text, such as hex
    except LookupError:
        raise TableError(f"unknown encoding {encoding!r}; such as utf-8, latin-1, utf-16") from None
    compressed = is_compressed(path)
    known = codecs.lookup(encoding).name.removesuffix("-sig")
    text = TextFile(name, path, known, compressed)
    marked = known
    with opened(path, compressed) as file, contextlib.suppress(EOFError, zlib.error, OSError):
        head = file.read(3)
        if head == codecs.BOM_UTF8:
            marked = "utf-8"
        elif head[:2] in UTF16 and text.is_utf8:
            marked = "utf-16"
    if marked == known:
        return text
    return text._replace(encoding=marked, notes=(f"encoding {marked}, by its byte order mark",))


def end_of_rows(text: bytes) -> int:
    """Return where the last whole row ends: behind the last line feed outside quotes, or 0.

    >>> end_of_rows(b'1,"a\\nb"\\n2,"c\\nd')
    8
    """
    end = text.rfind(b"\n") + 1
    odd = text.count(b'"', 0, end) % 2
    while end and odd:
        before = text.rfind(b"\n", 0, end - 1) + 1
        odd ^= text.count(b'"', before, end) % 2
        end = before
    return end
