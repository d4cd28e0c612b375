"""No table takes more than its file is worth: what is unpacked, what a header says of its size."""

import bz2
import cProfile
import gzip
import io
import lzma
import struct
import zipfile

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.tabular.files import compression, delimited_text, text_file
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.files.text_fields import Fields
from chainrule.tabular.formats.column_values import different_names
from chainrule.tabular.table_error import TableError

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
    monkeypatch.setattr(compression, "MOST", 2**18)


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
        compression.check_archive(path)
    with pytest.raises(TableError, match="cannot be read"):
        open_source(path)


# Many columns


def wide(columns):
    """A table of so many columns as text, four rows of which no column is like another."""
    names = [f"c{k}" for k in range(columns)]
    rows = np.random.default_rng(0).integers(0, 10**6, (4, columns)) / 1000
    return "\n".join([",".join(names), *(",".join(map(str, row)) for row in rows.tolist())]) + "\n"


def calls(path, columns):
    """How many functions are called to train on so many columns, and to use the model."""
    path.write_text(wide(columns))
    profile = cProfile.Profile()
    with profile:
        model = cr.train(path, "c0", task="regression", epochs=1, hidden=(2,), refit=False)
        model.predict(path, keep=["c0"])
        model.evaluate(path)
        model.save(path.with_suffix(".model"))
        cr.TableModel.load(path.with_suffix(".model"))
    return sum(row.callcount for row in profile.getstats())


def test_what_is_done_grows_with_the_columns_alone(tmp_path):
    calls(tmp_path / "t.csv", 2)  # what a first training imports
    few, more, many = (calls(tmp_path / "t.csv", 100 * k) for k in (1, 3, 5))
    assert many - more < 1.2 * (more - few)


def test_names_that_come_twice_are_numbered_one_after_the_other():
    names = [name for k in range(50_000) for name in (f"x{k % 2}", "x0_2")]
    made = different_names(names, numbered=True)
    assert len(set(made)) == len(names)
    assert made[:4] == ("x0", "x0_2", "x1", "x0_2_2")
    assert made[4] == "x0_3"


def test_more_columns_than_a_model_can_tell_of():
    table = pl.DataFrame({f"c{k}": [0, 1] for k in range(62_501)})
    with pytest.raises(TableError, match="has 62,501 columns, and a model can tell of 62,500 at"):
        cr.train(table, "c0")


def test_a_row_of_very_many_fields_is_refused_before_it_is_parsed(tmp_path, monkeypatch):
    parsed, original = [], Fields.parse

    def parse(fields, rows, *args, **options):
        parsed.append(rows)
        return original(fields, rows, *args, **options)

    monkeypatch.setattr(delimited_text, "LARGE", 1_000)
    monkeypatch.setattr(text_file, "PIECE", 200)
    monkeypatch.setattr(Fields, "parse", parse)
    (tmp_path / "t.csv").write_text("a,b\n" + "1,x\n" * 100 + "," * 2_000 + "\n" + "2,y\n" * 100)
    for way in (lambda source: source.whole(), lambda source: [*source.chunks()]):
        with pytest.raises(TableError, match="line 102 has 2,001 fields, the header has 2"):
            way(open_source(tmp_path / "t.csv"))
    assert parsed
    assert all(len(rows) < 1_000 for rows in parsed if isinstance(rows, bytes))
