"""Files that are packed: by gzip, bzip2 or xz, or as the only one in a zip archive."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, NamedTuple

from chainrule.tables.errors import TableError

MOST, MOST_TIMES = 2**30, 200
"""An archive that becomes more bytes than these, and so many times its size, is refused."""

DAMAGE = (EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError)
"""What Python raises in reading a damaged file, or one that needs a password."""


class Packing(NamedTuple):
    """A way to pack a file: its name, the endings of such files, their first bytes, what opens."""

    name: str
    ending: str
    magic: bytes
    open: Callable[[Path], Any]


def _open_zip(path: Path) -> IO[bytes]:
    """Return the only file in an archive to read."""
    archive = zipfile.ZipFile(path)
    (member,) = files_in(archive)
    check_growth(archive)
    return archive.open(member)


PACKINGS = (
    Packing("gzip", ".gz", b"\x1f\x8b", gzip.GzipFile),
    Packing("bzip2", ".bz2", b"BZh", bz2.BZ2File),
    Packing("xz", ".xz", b"\xfd7zXZ\0", lzma.LZMAFile),
    Packing("zip", ".zip", b"PK\x03\x04", _open_zip),
)
"""The ways to pack a file."""

ENDINGS = tuple(packing.ending for packing in PACKINGS)


def packing_of(path: Path) -> Packing | None:
    """Return how a file is packed, by its first bytes, or None.

    >>> path = getfixture("tmp_path") / "trees.csv.gz"
    >>> _ = path.write_bytes(gzip.compress(b"height"))
    >>> packing_of(path).name, opened(path).read()
    ('gzip', b'height')
    """
    with path.open("rb") as file:
        head = file.read(8)
    return next((packing for packing in PACKINGS if head.startswith(packing.magic)), None)


def opened(path: Path) -> IO[bytes]:
    """Return a file to read, without the packing that it may have."""
    packing = packing_of(path)
    file: IO[bytes] = packing.open(path) if packing else path.open("rb")
    return file


def files_in(archive: zipfile.ZipFile) -> list[str]:
    """Return the names of the files in an archive, but for those that a Mac adds."""
    names = (member.filename for member in archive.infolist() if member.filename[-1:] != "/")
    return [name for name in names if "__MACOSX" not in name and not name.endswith(".DS_Store")]


def check_growth(archive: zipfile.ZipFile) -> None:
    """Raise TableError for an archive that becomes out of all proportion when it is unpacked."""
    members = archive.infolist()
    size = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    if size > MOST and size > MOST_TIMES * packed:
        raise TableError(
            f"{archive.filename}: becomes {size / 2**30:,.0f} GiB, {size / packed:,.0f} times its "
            "size; unpack it yourself, if you trust it"
        )


def members(path: Path) -> tuple[str, ...]:
    """Return the names of the files in a zip archive; () for what is none, or a damaged one."""
    packing = packing_of(path)
    if packing is None or packing.name != "zip":
        return ()
    try:
        with zipfile.ZipFile(path) as archive:
            return tuple(files_in(archive))
    except DAMAGE:
        return ()


def head(path: Path, size: int) -> bytes:
    """Return the first bytes of a file without its packing; what is damaged has none."""
    try:
        with opened(path) as file:
            found: Any = file.read(size)
    except (*DAMAGE, ValueError):
        return b""
    return bytes(found)
