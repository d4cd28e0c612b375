"""Text in a file, plain or packed, in any encoding: as UTF-8, cut between rows."""

from __future__ import annotations

import codecs
import contextlib
import io
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

from chainrule.tabular.files.bad_lines import CLOSE, UNCLOSED
from chainrule.tabular.files.compression import (
    DAMAGE,
    Packing,
    head,
    opened,
    packing_of,
    unpacked_size,
)
from chainrule.tabular.files.quoting import Quotes, Unquoted
from chainrule.tabular.files.text_encodings import marked, unmarked
from chainrule.tabular.table_error import TableError

PIECE = 4 * 2**20
"""How many bytes are taken at a time."""

AT_ONCE = 2
"""The pieces that are read as one where the lines alone count: fewer and larger arrays are made."""

LONGEST = 64 * 2**20
"""The most bytes of one row, so that a quote without its partner does not take all memory."""

LINE_TOO_LONG = "does not end within {:,} bytes; a line feed must end each row"
ROW_TOO_LONG = f"opens a quote that is not closed within {{:,}} bytes; {CLOSE}"

HEAD = 2**16
"""The bytes that tell the encoding."""

BLANKS = 64
"""So many blank characters, where a HEAD begins, are taken for a stretch of blank lines."""

END_OF_FILE = b"\x1a"
"""What DOS writes at the end of a text."""


class TextFile(NamedTuple):
    """A file of text: its name for messages, where it is, its encoding, how it is packed.

    `returns` says whether its lines end in carriage returns, as they once did on a Mac. Of a bare
    text it may be a part, the bytes from `begin` to `end`.
    """

    name: str
    path: Path
    encoding: str
    packing: Packing | None
    returns: bool = False
    notes: tuple[str, ...] = ()
    begin: int = 0
    end: int | None = None

    @property
    def is_plain(self) -> bool:
        """Whether the bytes need no change, and their packing is one that polars knows."""
        known = self.packing is None or self.packing.name == "gzip"
        return self.encoding == "utf-8" and known and not self.returns and self.end is None

    @property
    def is_bare(self) -> bool:
        """Whether the bytes of the file are those of the text."""
        return self.is_plain and self.packing is None

    def ends_a_line(self) -> bool:
        """Whether the text ends with a line feed, as far as one sees without reading it."""
        with self.path.open("rb") as file:
            file.seek(-1, io.SEEK_END)
            return self.packing is not None or file.read() == b"\n"

    def size(self) -> int:
        """Return how many bytes the text has, without its packing; that of a packed one is read.

        Raises TableError where it is damaged, or grows out of all proportion.
        """
        if self.end is not None:
            return self.end - self.begin
        with self._readable():
            return unpacked_size(self.path)

    def glance(self) -> tuple[bool, bool]:
        """Return whether the file may hold marks, and whether it holds many blank lines.

        Marks are quotes, and carriage returns other than in ends of lines.
        """
        quotes = blanks = False
        returns, last = 0, b""
        with self.path.open("rb") as file:
            while block := file.read(HEAD):
                quotes |= b'"' in block
                blanks |= not block[:BLANKS].strip()
                if b"\r" in block or last == b"\r":
                    returns += block.count(b"\r") - (last + block).count(b"\r\n")
                last = block[-1:]
        return quotes or returns > 0 or self.packing is not None, blanks

    def pieces(self, start: int, size: int, delimiter: str | None = None) -> Iterator[bytes]:
        """Yield what follows the first `start` bytes of the text, `size` bytes or more at a time.

        Each piece ends where a row ends: at the end of a line, outside quotes; or where a line
        ends, if no delimiter is given. The last line gets its line feed: polars panics where a text
        ends with a quote that it opens.
        """
        quotes = Quotes(delimiter) if delimiter else Unquoted()
        start = max(start, self.begin)
        place, rest, length = start, list[bytes](), 0
        for block in self._blocks(size, start):
            end = quotes.last_row(block)
            if end:
                piece = b"".join([*rest, block[:end]])
                rest, length, place = [], 0, place + len(piece)
                yield piece
                del piece  # before the next is read
            rest.append(block[end:])
            length += len(block) - end
            if length > LONGEST:
                raise self._error(place, (LINE_TOO_LONG, ROW_TOO_LONG)[quotes.inside])
        quotes.last_row(b"\n")
        if quotes.inside:
            raise self._error(place, UNCLOSED)
        last = b"".join(rest).removesuffix(END_OF_FILE)
        if last:
            yield last if last.endswith(b"\n") else last + b"\n"

    def bare_pieces(self, start: int) -> Iterator[bytes]:
        """Yield what follows the first `start` bytes of a bare text, cut between lines.

        Marks and quotes are left as they are; they may stand on both sides of a cut. A line that is
        too long is the last, and not whole.
        """
        with self._readable(), self.path.open("rb") as file:
            _pass_mark(file)
            file.seek(start, io.SEEK_CUR)
            while piece := file.read(_to_line_end(file)):
                yield piece
                if not piece.endswith(b"\n"):
                    return
                del piece  # before the next is read

    def _blocks(self, size: int, start: int = 0) -> Iterator[bytes]:
        """Yield what follows the first bytes, as it is read."""
        if self.end is not None:
            yield from _without_marks(self.bare_blocks(start, self.end, size))
            return
        with self._opened() as read:
            for block in _without_marks(iter(lambda: read(size), b"")):
                if len(block) > start:
                    yield block[start:]
                start = max(start - len(block), 0)

    def bare_blocks(self, start: int, stop: int, size: int = PIECE) -> Iterator[bytes]:
        """Yield the bytes of a bare text from one place to another, a mark at its head aside."""
        with self._readable(), self.path.open("rb") as file:
            _pass_mark(file)
            file.seek(start, io.SEEK_CUR)
            while start < stop and (block := file.read(min(size, stop - start))):
                start += len(block)
                yield block

    def bare_size(self) -> int:
        """Return how many bytes a bare text has, without its byte order mark."""
        with self.path.open("rb") as file:
            _pass_mark(file)
            before = file.tell()
            return file.seek(0, io.SEEK_END) - before

    def lines_since(self, start: int) -> int:
        """Return how many lines stand between a place in the text and this part of it."""
        return sum(block.count(b"\n") for block in self.bare_blocks(start, self.begin))

    def _error(self, place: int, what: str) -> TableError:
        """Return the error of a row that begins at some place and does not end."""
        blocks, line = self._blocks(PIECE), 1
        while place > 0 and (block := next(blocks, b"")):
            line += block.count(b"\n", 0, place)
            place -= len(block)
        return TableError(f"{self.name}: line {line} {what.format(LONGEST)}")

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
                _pass_mark(file)
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


def _pass_mark(file: IO[bytes]) -> None:
    """Leave a byte order mark behind, where a file begins with one."""
    if file.read(3) != codecs.BOM_UTF8:
        file.seek(0)


def _to_line_end(file: IO[bytes]) -> int:
    """Return how many bytes are to be read for some pieces and the rest of a line, and stay."""
    here = file.tell()
    file.seek(AT_ONCE * PIECE, io.SEEK_CUR)
    size = AT_ONCE * PIECE + len(file.readline(LONGEST))
    file.seek(here)
    return size


MARK = b"\n" + codecs.BOM_UTF8

_MARKS = re.compile(b"\n(?:%b)+" % codecs.BOM_UTF8)


def _without_marks(blocks: Iterable[bytes]) -> Iterator[bytes]:
    r"""Yield a text without byte order marks, which begin each of several files put together.

    >>> b"".join(_without_marks([b"a\n\xef", b"\xbb\xbfb\n"]))
    b'a\nb\n'
    """
    rest, known = b"\n", 1  # what waits for the next block, and how much of it was yielded
    for block in blocks:
        text = rest + block
        if MARK[1:2] in text and MARK in text:  # one byte is found many times as fast as four
            text = _MARKS.sub(b"\n", text)
        whole = len(text) - next((k for k in (3, 2) if text.endswith(MARK[:k])), 0)
        yield text[known:whole]
        rest, known = text[whole:], max(known - whole, 0)
        if not rest and text.endswith(b"\n"):
            rest, known = b"\n", 1
    yield rest[known:]


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
    found, how = marked(begin), "by its byte order mark"
    if found != "utf-8" and known != "utf-8":
        found = None
    elif found is None:
        found, how = unmarked(begin), "by its NUL bytes"
    notes = (f"encoding {found}, {how}",) if found not in (None, known) else ()
    lines = begin.decode(found or known, "ignore")
    returns = "\r" in lines[:-1] and "\n" not in lines
    return TextFile(name, path, found or known, packing_of(path), returns, notes)
