"""In which encoding a text is, as far as its first bytes tell."""

from __future__ import annotations

import codecs
import itertools

MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins as that of UTF-16 does
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8"),
)
"""The byte order marks, and what they tell."""


def marked(head: bytes) -> str | None:
    """Return the encoding that a byte order mark tells, if there is one.

    >>> marked(b"\\xff\\xfea\\0"), marked(b"a,b")
    ('utf-16', None)
    """
    return next((name for mark, name in MARKS if head.startswith(mark)), None)


def unmarked(head: bytes) -> str | None:
    r"""Return UTF-16 or UTF-32 for a text without a mark, by where its NUL bytes stand.

    >>> unmarked("a,b\n".encode("utf-16-le")), unmarked(b"a,b\n"), unmarked(b"a\0,b\n")
    ('utf-16-le', None, None)
    """
    head = head[: len(head) // 4 * 4] or head
    if b"\0" not in head:
        return None
    nuls = [not any(head[k::4]) for k in range(4)]
    for places, encoding in ((nuls[2:], "utf-32-le"), (nuls[:2], "utf-32-be")):
        if all(places):
            return _checked(head, encoding)
    even, odd = head[::2].count(0), head[1::2].count(0)
    return _checked(head, "utf-16-le" if odd > even else "utf-16-be")


def _checked(head: bytes, encoding: str) -> str | None:
    """Return an encoding in which some bytes are lines of text, or None."""
    text = head.decode(encoding, "ignore")
    lines = text.replace("\r", "\n").split("\n")
    return encoding if len(lines) > 1 and all(map(str.isprintable, _words(lines))) else None


def _words(lines: list[str]) -> list[str]:
    return list(itertools.chain.from_iterable(line.split("\t") for line in lines))
