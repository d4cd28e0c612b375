"""Lines of a text, and what is wrong in one of them."""

from __future__ import annotations

CLOSE = "close it, or write it twice in a field in quotes"
"""What to do with a quote that opens a field and has no partner."""

UNCLOSED = f"opens a quote that is never closed; {CLOSE}"


class BadLineError(Exception):
    """What is wrong in a line of some text, counted from 1."""

    line: int
    what: str

    def __init__(self, line: int, what: str) -> None:
        super().__init__(line, what)
        self.line, self.what = line, what


def decoded(text: bytes) -> str:
    """Return UTF-8 as text; raise BadLineError where it is not."""
    bad, what = text.find(b"\0"), "holds a NUL byte"
    try:
        found = text.decode()
    except UnicodeDecodeError as error:
        bad, what = error.start, f"holds the byte 0x{text[error.start]:02x}, which is not UTF-8"
    if bad >= 0:
        line = text.count(b"\n", 0, bad) + 1
        raise BadLineError(line, f"{what}; give the encoding, such as latin-1")
    return found


def lines_of(text: str) -> list[str]:
    r"""Return lines with their ends, which are line feeds.

    >>> lines_of("a\rb\nc")
    ['a\rb\n', 'c']
    """
    lines = [f"{line}\n" for line in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]
