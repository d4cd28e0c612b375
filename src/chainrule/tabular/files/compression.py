"""Files that are packed: by gzip, bzip2 or xz, or as the only one in a zip archive."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, NamedTuple

MOST, MOST_TIMES = 2**26, 100
"""What becomes more bytes than these, and so many times its size, is refused."""


class GrowthError(OSError):
    """A file that becomes out of all proportion when it is unpacked."""


DAMAGE = (EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError)
"""What is raised for a file that is damaged, that needs a password, or that grows too much."""


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
    check_growth(archive.getinfo(member).file_size, path.stat().st_size)
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
    """Return a file to read, without the packing that it may have.

    Reading raises GrowthError where it becomes too much.
    """
    packing = packing_of(path)
    if packing is None:
        return path.open("rb")
    return io.BufferedReader(_Bounded(packing.open(path), path.stat().st_size))


class _Bounded(io.RawIOBase):
    """A file that is unpacked as it is read, but not beyond measure."""

    def __init__(self, file: Any, packed: int) -> None:
        self._file, self._packed = file, packed

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return int(self._file.seek(offset, whence))

    def readinto(self, room: Any) -> int:
        got = self._file.readinto(room)
        check_growth(self._file.tell(), self._packed)
        return int(got)

    def close(self) -> None:
        self._file.close()
        super().close()


def check_growth(size: int, packed: int) -> None:
    """Raise GrowthError where so many bytes are out of all proportion to what is packed.

    >>> check_growth(2**40, 2**20)
    Traceback (most recent call last):
    ...
    chainrule.tabular.files.compression.GrowthError: it becomes more than 100 MiB when ...
    """
    most = max(MOST, MOST_TIMES * packed)
    if size > most:
        raise GrowthError(
            f"it becomes more than {most / 2**20:,.4g} MiB when it is unpacked, "
            f"{most / packed:,.0f} times its size; unpack it first, if you trust it"
        )


def check_archive(path: Path) -> None:
    """Raise GrowthError where the files of a zip archive are out of all proportion together.

    What an archive says of them may be untrue, so they are unpacked; one is damaged that is not as
    it says: BadZipFile.
    """
    with zipfile.ZipFile(path) as archive:
        check_growth(sum(each.file_size for each in archive.infolist()), path.stat().st_size)
        if (bad := archive.testzip()) is not None:
            raise zipfile.BadZipFile(f"{bad} is not what the archive says of it")


def unpacked_size(path: Path) -> int:
    """Return how many bytes a file becomes, for which it is unpacked once.

    >>> path = getfixture("tmp_path") / "trees.csv.gz"
    >>> _ = path.write_bytes(gzip.compress(b"height"))
    >>> unpacked_size(path)
    6
    """
    if packing_of(path) is None:
        return path.stat().st_size
    room, size = bytearray(2**20), 0
    with opened(path) as file:
        while got := file.readinto(room):  # type: ignore[attr-defined]
            size += got
    return size


def files_in(archive: zipfile.ZipFile) -> list[str]:
    """Return the names of the files in an archive, but for those that a Mac adds."""
    names = (member.filename for member in archive.infolist() if member.filename[-1:] != "/")
    return [name for name in names if "__MACOSX" not in name and not name.endswith(".DS_Store")]


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
