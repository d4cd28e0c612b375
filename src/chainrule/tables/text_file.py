"""Text in a file, plain or packed, in any encoding: as UTF-8, cut between rows."""

from __future__ import annotations

import codecs
import contextlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from chainrule.tables.encodings import marked, unmarked
from chainrule.tables.errors import TableError
from chainrule.tables.packing import DAMAGE, Packing, head, opened, packing_of, unpacked_size

PIECE = 4 * 2**20
"""How many bytes are taken at a time."""

LONGEST = 64 * 2**20
"""The most bytes of one row, so that a quote without its partner does not take all memory."""

HEAD = 2**16
"""The bytes that tell the encoding."""

END_OF_FILE = b"\x1a"
"""What DOS writes at the end of a text."""


class TextFile(NamedTuple):
    """A file of text: its name for messages, where it is, its encoding, how it is packed.

    `returns` says whether its lines end in carriage returns, as they once did on a Mac.
    """

    name: str
    path: Path
    encoding: str
    packing: Packing | None
    returns: bool = False
    notes: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether the bytes need no change, and their packing is one that polars knows."""
        known = self.packing is None or self.packing.name == "gzip"
        return self.encoding == "utf-8" and known and not self.returns

    def ends_a_line(self) -> bool:
        """Whether the text ends with a line feed, as far as one sees without reading it."""
        with self.path.open("rb") as file:
            file.seek(-1, io.SEEK_END)
            return self.packing is not None or file.read() == b"\n"

    def size(self) -> int:
        """Return how many bytes the text has, without its packing; that of a packed one is read.

        Raises TableError where it is damaged, or grows out of all proportion.
        """
        with self._readable():
            return unpacked_size(self.path)

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
        with self._readable(), opened(self.path) as file:
            if self.returns:
                encoding = "utf-8-sig" if self.encoding == "utf-8" else self.encoding
                text = io.TextIOWrapper(file, encoding)
                yield lambda size: text.read(size).encode()
            elif self.encoding != "utf-8":
                text = io.TextIOWrapper(file, self.encoding, newline="")
                yield lambda size: text.read(size).encode()
            else:
                if file.read(3) != codecs.BOM_UTF8:
                    file.seek(0)
                yield file.read

    @contextlib.contextmanager
    def _readable(self) -> Iterator[None]:
        """Say of what file it is that it cannot be read."""
        try:
            yield
        except DAMAGE as error:
            raise TableError(f"{self.name}: cannot be read: {error}") from None
        except UnicodeDecodeError as error:
            raise TableError(
                f"{self.name}: is not {self.encoding}: byte 0x{error.object[error.start]:02x}; "
                "give its encoding"
            ) from None


def _without_marks(rows: bytes) -> bytes:
    """Return rows without byte order marks, which begin each of several files put together."""
    if codecs.BOM_UTF8[:1] not in rows:  # which is found many times as fast as all three
        return rows
    return rows.removeprefix(codecs.BOM_UTF8).replace(b"\n" + codecs.BOM_UTF8, b"\n")


def text_file(name: str, path: Path, encoding: str) -> TextFile:
    """Return a file of text, whose encoding gives way to a byte order mark.

    Raises TableError for an encoding that is not known.
    """
    try:
        "".encode(encoding)  # refuses what encodes no text, such as hex
    except LookupError:
        raise TableError(f"unknown encoding {encoding!r}; such as utf-8, latin-1, utf-16") from None
    known = codecs.lookup(encoding).name.removesuffix("-sig")
    begin = head(path, HEAD)
    told, how = marked(begin), "by its byte order mark"
    if told != "utf-8" and known != "utf-8":
        told = None
    elif told is None:
        told, how = unmarked(begin), "by its NUL bytes"
    notes = (f"encoding {told}, {how}",) if told not in (None, known) else ()
    lines = begin.decode(told or known, "ignore")
    returns = "\r" in lines[:-1] and "\n" not in lines
    return TextFile(name, path, told or known, packing_of(path), returns, notes)


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
