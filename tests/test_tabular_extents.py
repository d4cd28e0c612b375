"""How far a sheet may reach: what is loaded is the rectangle around its values."""

import io
import zipfile

import polars as pl
import pytest

import chainrule as cr
from alone import alone
from chainrule.cli.option_names import as_options
from chainrule.tabular import memory
from chainrule.tabular.files import workbook_extents
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.files.workbook_extents import _reach
from chainrule.tabular.table_error import TableError
from commands import refused, run

resource = pytest.importorskip("resource", reason="this system does not limit memory")

SPACES = "".join(
    f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for name in ("office", "table", "text")
)


def sheet(content):
    """A sheet of Excel."""
    return f"<worksheet><sheetData>{content}</sheetData></worksheet>"


def number(at):
    return f'<c r="{at}"><v>1</v></c>'


def document(content):
    """A document of OpenDocument with a sheet."""
    table = f"<table:table>{content}</table:table>"
    return f"<office:document-content{SPACES}>{table}</office:document-content>"


def cell(times=1, value=' office:value-type="float"'):
    return f'<table:table-cell table:number-columns-repeated="{times}"{value}/>'


def row(content, times=1):
    return f'<table:table-row table:number-rows-repeated="{times}">{content}</table:table-row>'


FAR = 2**20, 2**14
REACHES = {
    "corners": (sheet(f"<row>{number('A1')}</row><row>{number('XFD1048576')}</row>"), FAR),
    "any order": (sheet(f"<row>{number('A1048576')}{number('XFD1')}</row>"), FAR),
    "small letters": (sheet(f"<row>{number('xfd1048576')}</row>"), FAR),
    "unlabelled": (sheet("<row/>" * 4 + "<row><c/><c><v>1</v></c></row>"), (5, 2)),
    "labelled rows": (sheet('<row r="1048576"><c/><c><v>1</v></c></row>'), (2**20, 2)),
    "text in the cell": (sheet('<row><c r="C4" t="inlineStr"><is><t>x</t></is></c></row>'), (4, 3)),
    "prefixed": ('<x:worksheet xmlns:x="u"><x:c r="C4"><x:v>1</x:v></x:c></x:worksheet>', (4, 3)),
    "styled, not filled": (sheet(f'{number("B2")}<c r="XFD1048576" s="1"/>'), (2, 2)),
    "repeated": (document(row(cell(16384), 2000)), (2000, 16384)),
    "empty behind": (
        document(row(cell(2) + cell(16382, "")) + row(cell(16384, ""), 10**6)),
        (1, 2),
    ),
    "empty before": (document(row(cell(9, ""), 99) + row(cell(9, "") + cell())), (100, 10)),
    "covered": (document(row(cell(2) + "<table:covered-table-cell/>" + cell())), (1, 4)),
    "two tables": (document(row(cell(), 9) + "</table:table><table:table>" + row(cell(2))), (9, 2)),
    "no sheet": ("<styleSheet><c r='XFD1048576'><v>1</v></c></styleSheet>", (0, 0)),
    "no XML": ("PNG", (0, 0)),
}


@pytest.mark.parametrize("kind", REACHES)
def test_how_far_a_sheet_reaches(kind):
    content, expected = REACHES[kind]
    assert _reach(io.BytesIO(content.encode())) == expected


def archive(path, name, content):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(name, content)
    return path


IN_EXCEL, IN_ODS = "xl/worksheets/sheet1.xml", "content.xml"
REFUSED = {
    "corners": (
        "t.xlsx",
        IN_EXCEL,
        REACHES["corners"][0],
        "row 1,048,576 and column 16,384",
    ),
    "repeated": (
        "t.ods",
        IN_ODS,
        REACHES["repeated"][0],
        "are 32,768,000 cells, and 16,777,216",
    ),
    "entities": ("t.ods", IN_ODS, '<!DOCTYPE d [<!ENTITY a "b">]><d>&a;</d>', "declares entities"),
    "cut short": ("t.ods", IN_ODS, document("<table:table>"), "mismatched tag"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_reaches_too_far_is_refused(tmp_path, kind):
    name, inside, content, must = REFUSED[kind]
    path = archive(tmp_path / name, inside, content)
    with pytest.raises(TableError, match=f"{name}: cannot be read as a workbook: .*{must}"):
        open_source(path)


def test_the_bound_is_of_the_memory_and_of_the_file(tmp_path, monkeypatch):
    content = sheet(f"<row>{number('A1')}</row><row>{number('B9000000')}</row>")
    path = archive(tmp_path / "t.xlsx", IN_EXCEL, content)
    with pytest.raises(ValueError, match="18,000,000 cells, and 16,777,216 are taken"):
        workbook_extents.check_extents(path)
    path.write_bytes(bytes(6_000_000) + path.read_bytes())  # what stands before it counts
    workbook_extents.check_extents(path)
    monkeypatch.setattr(workbook_extents, "for_this_process", lambda: 2**30)
    with pytest.raises(ValueError, match="18,000,000 cells, and 10,737,418 are taken"):
        workbook_extents.check_extents(path)


# Rows of Parquet and Arrow, and what there is no memory for


def limited(folder, kind):
    """What is said of 10⁹ rows in a kilobyte or two, where addresses are limited."""
    import pyarrow as pa
    from pyarrow import parquet

    path = f"{folder}/t.{kind}"
    if kind == "arrow":
        batch = pa.record_batch([pa.nulls(10**9)] * 2, names=["x", "y"])
        with pa.ipc.new_file(path, batch.schema) as file:
            file.write_batch(batch)
    else:
        table = pa.table({"x": pa.chunked_array([pa.nulls(2**20, pa.float64())] * 2**4)})
        with parquet.ParquetWriter(path, table.schema, compression="zstd") as file:
            for _ in range(64):
                file.write_table(table)
    resource.setrlimit(resource.RLIMIT_AS, (3 * 2**30, resource.RLIM_INFINITY))
    try:
        open_source(path)
    except TableError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("kind", "rows", "each"), [("arrow", "1,000,000,000", 16), ("parquet", "1,073,741,824", 8)]
)
def test_more_rows_than_there_is_memory_for(tmp_path, kind, rows, each):
    pytest.importorskip("pyarrow")
    must = f"t.{kind}: has {rows} rows, and there is not enough memory: reading takes {each} bytes"
    assert must in alone(limited, str(tmp_path), kind)


def test_more_rows_than_training_keeps_of(monkeypatch):
    monkeypatch.setattr(memory, "for_this_process", lambda: 4000)
    with pytest.raises(TableError, match=r"has 101 rows, .* training keeps 40 bytes of each"):
        cr.train(pl.DataFrame({"x": range(101), "y": range(101)}), "y")


FIX = "there is not enough memory; set `memory=300_000_000`, or less"


@pytest.mark.parametrize("error", [MemoryError(), MemoryError("Unable to allocate 9 GiB")])
def test_what_there_is_no_memory_for_is_said_in_a_line(tmp_path, monkeypatch, error):
    def whole(*_):
        raise error

    pl.DataFrame({"x": range(9), "y": range(9)}).write_csv(tmp_path / "t.csv")
    for place in (
        "chainrule.tabular.files.source.Source.whole",
        "chainrule.fitting.trainer.Trainer.train",
    ):
        with monkeypatch.context() as patched:
            patched.setattr(place, whole)
            with pytest.raises(MemoryError, match=f"^{FIX}$"):
                cr.train(tmp_path / "t.csv", "y", epochs=1)
            options = ("--target", "y", "--epochs", 1, "--out", tmp_path / "t.model")
            refused(
                run("train", tmp_path / "t.csv", *options), f"^Error: {as_options(FIX)}$", code=1
            )
