"""No table takes more than its file is worth: what is unpacked, what a header says of its size."""

import bz2
import gzip
import io
import lzma
import struct
import zipfile

import numpy as np
import pytest

from chainrule.tables import TableError, open_source, packing

PACKED = {"gz": gzip.open, "bz2": bz2.open, "xz": lzma.open}
GROWS = r"cannot be read: it becomes more than [.\d]+ MiB when it is unpacked, .* times its size"


def packed(path, text):
    """Write a text, packed as the ending of its path says."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(path.stem, text)
    else:
        with PACKED[path.suffix[1:]](path, "wb") as file:
            file.write(text)
    return path


def idx(*shape, code=8):
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, code, len(shape), *shape)


LARGE = {
    "blank lines": ("t.csv", b"a,b\n1,2\n" + b"\n" * 2**19),
    "rows": ("t.csv", b"a,b\n" + b"1,2\n" * 2**17),
    "one long field": ("t.csv", b'a,b\n1,"' + b"x" * 2**19 + b'"\n'),
    "records": ("t.jsonl", b'{"a": 1}\n' * 2**16),
    "idx": ("t-idx2-ubyte", idx(2**19, 1) + bytes(2**19)),
}


@pytest.fixture
def small(monkeypatch):
    """A bound that takes no large files to be met."""
    monkeypatch.setattr(packing, "MOST", 2**18)


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz", "zip"])
@pytest.mark.parametrize("what", LARGE)
def test_what_is_unpacked_is_bounded(tmp_path, small, what, ending):
    name, text = LARGE[what]
    if (what, ending) == ("idx", "zip"):
        pytest.skip("an idx file is packed by itself")
    path = packed(tmp_path / f"{name}.{ending}", text)
    for way in (lambda source: source.whole(), lambda source: [*source.chunks()]):
        with pytest.raises(TableError, match=f"{name}.{ending}: {GROWS}"):
            way(open_source(path))


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz", "zip"])
def test_what_is_large_for_its_content_is_read(tmp_path, small, ending):
    """A hundred times its size is allowed, and any amount that is small."""
    noise = np.random.default_rng(0).integers(0, 10, 2**17)
    text = b"a,b\n" + b"".join(b"%d,1\n" % digit for digit in noise)
    source = open_source(packed(tmp_path / f"t.csv.{ending}", text))
    assert source.whole()["a"].to_list() == noise.tolist()
    assert sum(chunk.height for chunk in source.chunks()) == 2**17


def test_a_packed_text_is_measured_by_what_it_becomes(tmp_path):
    text = b"a,b\n" + b"1,2\n" * 10**5
    assert open_source(packed(tmp_path / "t.csv.gz", text)).size == len(text)
    (tmp_path / "t.csv").write_bytes(text)
    assert open_source(tmp_path / "t.csv").size == len(text)


def test_an_archive_of_arrays_is_bounded(tmp_path, small):
    np.savez_compressed(tmp_path / "t.npz", X=np.zeros((2**15, 2)))
    with pytest.raises(TableError, match=rf"t\.npz: {GROWS}"):
        open_source(tmp_path / "t.npz")
    np.savez(tmp_path / "t.npz", X=np.zeros((2**15, 2)))
    assert open_source(tmp_path / "t.npz").rows == 2**15


# What a header says


def npz(path, shape, content=b"", **header):
    told = {"descr": "<f8", "fortran_order": False, "shape": shape, **header}
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, told)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("X.npy", head.getvalue() + content)


@pytest.mark.parametrize("shape", [(2**32 - 1,), (4 * 10**9, 1), (4 * 10**9, 28, 28), (3, 2, 2)])
@pytest.mark.parametrize("code", [8, 14])
def test_an_idx_of_more_rows_than_it_has_room_for(tmp_path, shape, code):
    (tmp_path / "t.idx").write_bytes(idx(*shape, code=code) + bytes(11))
    with pytest.raises(TableError, match="cannot be read: it ends before its last number"):
        open_source(tmp_path / "t.idx")


def test_a_packed_idx_of_more_rows_than_it_can_have(tmp_path):
    packed(tmp_path / "t.idx.gz", idx(4 * 10**9, 1) + bytes(99))
    with pytest.raises(TableError, match=GROWS):
        open_source(tmp_path / "t.idx.gz")


@pytest.mark.parametrize("fortran", [False, True])
@pytest.mark.parametrize("shape", [(4 * 10**9,), (4 * 10**9, 2), (2, 10**6), (10**30,)])
def test_arrays_of_more_rows_than_they_have_room_for(tmp_path, shape, fortran):
    npz(tmp_path / "t.npz", shape, bytes(99), fortran_order=fortran)
    with pytest.raises(TableError, match="cannot be read: it ends before its last number"):
        open_source(tmp_path / "t.npz")


def test_an_array_that_holds_more_than_it_says(tmp_path):
    npz(tmp_path / "t.npz", (2, 2), bytes(40))
    with pytest.raises(TableError, match="cannot be read: it holds more than its header says"):
        open_source(tmp_path / "t.npz")


@pytest.mark.parametrize("untrue", ["size", "content"])
def test_an_archive_that_does_not_say_the_truth(tmp_path, untrue):
    """A bound on what it says would not hold."""
    path = tmp_path / "t.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", b"<workbook>" + b" " * 99)
    text = path.read_bytes()
    told = struct.pack("<II", 109, 109), struct.pack("<II", 109, 50)
    path.write_bytes(text.replace(*told) if untrue == "size" else text.replace(b"k> ", b"k>x"))
    with pytest.raises(zipfile.BadZipFile):
        packing.check_archive(path)
    with pytest.raises(TableError, match="cannot be read"):
        open_source(path)
