"""A table that changes while it is read is named so, whatever of it changes, and in which pass."""

import os

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.table_error import TableError

N = 3000
X = np.random.default_rng(0).normal(size=N)
TABLE = pl.DataFrame({"x": X, "kind": (X > 0).astype(int), "y": X * 2})
FEW = {"epochs": 1, "hidden": (2,), "memory": 1000, "effort": "fast"}
MESSAGE = r"table\.\w+: has changed while it was read; read a copy that nobody writes to"


def write(path, table):
    """Write a text in place, others anew: what is mapped into memory must not shrink."""
    other = path if path.suffix == ".csv" else path.with_name("other" + path.suffix)
    if path.suffix == ".npz":
        np.savez(other, **{name: table[name].to_numpy() for name in table.columns})
    else:
        methods = {".csv": "write_csv", ".parquet": "write_parquet", ".arrow": "write_ipc"}
        getattr(table, methods[path.suffix])(other)
    other.replace(path)


def replaced(path):
    other = path.with_name("another" + path.suffix)
    write(other, TABLE.with_columns(pl.col("y") * 3))
    other.replace(path)


def cut(path):
    other = path.with_name("other" + path.suffix)
    other.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    other.replace(path)


def without_targets(path):
    none = pl.int_range(N) % 7 == 0
    write(path, TABLE.with_columns(y=pl.when(none).then(float("nan")).otherwise(pl.col("y"))))


CHANGES = {
    "rows appended": lambda path: write(path, pl.concat([TABLE, TABLE.head(10)])),
    "rows removed": lambda path: write(path, TABLE.head(N // 2)),
    "cut off": cut,
    "another file": replaced,
    "gone": lambda path: path.unlink(),
    "targets gone": without_targets,
    "another type": lambda path: write(path, TABLE.with_columns(x=pl.lit("a"))),
}


class Changing:
    """A source whose file changes when a pass begins."""

    def __init__(self, path, change, at):
        self.source, self.passes = open_source(path), 0
        self.own, self.change, self.at = self.source.chunks, lambda: change(path), at
        self.source.chunks = self.chunks

    def chunks(self, columns=None):
        self.passes += 1
        if self.passes == self.at:
            self.change()
        return self.own(columns)


def passes(path):
    """How many passes a training makes."""
    counted = Changing(path, None, None)
    cr.train(counted.source, "y", **FEW)
    return counted.passes


@pytest.mark.parametrize("ending", ["csv", "parquet", "arrow", "npz"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_training(tmp_path, ending, change):
    path = tmp_path / f"table.{ending}"
    write(path, TABLE)
    for at in range(1, passes(path) + 1):
        write(path, TABLE)
        changing = Changing(path, CHANGES[change], at)
        with pytest.raises(TableError, match=MESSAGE):
            cr.train(changing.source, "y", **FEW)


@pytest.mark.parametrize("ending", ["csv", "parquet", "arrow"])
@pytest.mark.parametrize("size", [0, 8, 3000, 30_000])
@pytest.mark.parametrize("early", [True, False])
def test_a_file_that_is_shortened_in_place(tmp_path, ending, size, early):
    """What is mapped into memory would end the process here."""
    path = tmp_path / f"table.{ending}"
    write(path, TABLE)
    source = open_source(path)
    kept = None if early else source.whole()
    os.truncate(path, size)
    with pytest.raises(TableError, match=MESSAGE):
        list(source.chunks())
    assert kept is None or kept["y"].sum() == pytest.approx(TABLE["y"].sum())


@pytest.mark.parametrize("use", ["predict", "evaluate", "whole"])
@pytest.mark.parametrize("change", CHANGES)
def test_what_is_done_with_a_model(tmp_path, change, use):
    path = tmp_path / "table.csv"
    write(path, TABLE)
    model = cr.train(path, "y", **FEW)
    source = open_source(path)
    CHANGES[change](path)
    with pytest.raises(TableError, match=MESSAGE):
        source.whole() if use == "whole" else getattr(model, use)(source)


def test_rows_appended_without_a_trace(tmp_path, monkeypatch):
    """Where even the time of change is the same, the number of rows tells."""
    path = tmp_path / "table.csv"
    write(path, TABLE)
    monkeypatch.setattr("chainrule.tabular.files.source.stamp", lambda path: ())
    monkeypatch.setattr("chainrule.tabular.files.delimited_text.stamp", lambda path: ())
    for change in ("rows appended", "rows removed", "targets gone"):
        write(path, TABLE)
        changing = Changing(path, CHANGES[change], passes(path))
        with pytest.raises(TableError, match=MESSAGE):
            cr.train(changing.source, "y", **FEW)


def test_a_file_that_stays_as_it_is_may_be_touched_by_readers(tmp_path):
    path = tmp_path / "table.csv"
    write(path, TABLE)
    source = open_source(path)
    os.utime(path, ns=(0, path.stat().st_mtime_ns))  # the time of access alone
    assert source.whole().equals(TABLE)
