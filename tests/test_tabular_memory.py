"""Many times the rows take no more memory, in reading by chunks and in writing them."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from alone import alone
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.files.source import CHUNK
from chainrule.tabular.files.table_writers import open_sink
from chainrule.tabular.table_error import TableError
from test_engine_memory import RESET, most_taken_by

pytestmark = pytest.mark.skipif(not RESET.exists(), reason="this system does not tell its memory")

COLUMNS = 16
SMALL, LARGE = 2 * CHUNK, 12 * CHUNK
ALL = LARGE * COLUMNS * 8
"""The bytes of all rows."""


def chunks(count):
    """The same random rows each time."""
    rows = np.random.default_rng(0)
    for _ in range(count // CHUNK):
        yield pl.DataFrame(rows.standard_normal((CHUNK, COLUMNS)).round(6))


def made(path, count):
    """Write rows into a file, as others do; return its path."""
    if path.suffix == ".npz":
        np.savez(path, X=pl.concat(chunks(count)).to_numpy(order="c"))
    elif path.suffix == ".csv":
        pl.concat(chunks(count)).write_csv(path)
    else:
        pl.concat(chunks(count)).write_parquet(path, row_group_size=2**20)
    return path


def least_taken_by(action, enough, times=3):
    """What an action takes where no two threads happen to be in the midst of things at once.

    It is done again only where it took more than would be enough.
    """
    least = action()
    for _ in range(times - 1):
        least = least if least < enough else min(least, action())
    return least


def exhaust(path):
    for _ in open_source(path).chunks():
        pass


def fill(path, count):
    with open_sink(path) as sink:
        for chunk in chunks(count):
            sink.write(chunk)


def taken_by_reading(small, large):
    """What chunks of few and of many rows take, and all of the many at once."""
    exhaust(small)  # what a first reading loads
    few = most_taken_by(lambda: exhaust(small))
    many = least_taken_by(lambda: most_taken_by(lambda: exhaust(large)), few + 0.4 * ALL)
    return [few, many, most_taken_by(lambda: open_source(large).whole())]


def taken_by_writing(folder, ending):
    small, large = (Path(folder, f"{name}{ending}") for name in ("small", "large"))
    fill(small.with_name(f"first{ending}"), SMALL)
    return [most_taken_by(lambda: fill(small, SMALL)), most_taken_by(lambda: fill(large, LARGE))]


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".npz"])
def test_reading_in_chunks(tmp_path, ending):
    paths = [made(tmp_path / f"{rows}{ending}", rows) for rows in (SMALL, LARGE)]
    few, many, whole = alone(taken_by_reading, *map(str, paths))
    assert many - few < 0.4 * ALL
    assert whole - few > 0.4 * ALL  # it would be seen


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_writing_in_chunks(tmp_path, ending):
    few, many = alone(taken_by_writing, str(tmp_path), ending)
    assert many - few < 0.6 * ALL


HARD = {
    "blank lines": lambda n: b"1,x\n" + b"\n" * n + b"2,y\n",
    "a quote never closed": lambda n: b'1,x\n2,"y\n' + b"3,z\n" * (n // 4),
    "one long line": lambda n: b"1,x\n2," + b"y" * n,
}


def taken_by_hard_text(path):
    """What reading a table takes that has no rows to speak of, at once and in chunks."""
    taken = []
    for use in (lambda source: source.whole(), lambda source: list(source.chunks())):

        def reading(use=use):
            with suppress(TableError):
                use(open_source(path))

        taken.append(most_taken_by(reading))
    return taken


@pytest.mark.parametrize("kind", HARD)
def test_reading_hard_text(tmp_path, kind):
    """No more than a row takes, and a constant: polars would take 24 bytes for each blank line."""
    path = tmp_path / "hard.csv"
    path.write_bytes(b"a,b\n" + HARD[kind](24 * 2**20))
    assert max(alone(taken_by_hard_text, str(path))) < 12 * 24 * 2**20


SMALLEST = {"hidden": (4,), "embedding": "none", "effort": "fast", "refit": False, "epochs": 1}


def taken_by_training(path, first, **options):
    """What training takes; what an earlier one let go of may serve it, so the first is of few."""

    def trained(path, **options):
        cr.train(path, "column_0", **SMALLEST, **options)

    trained(first, memory=2**23)  # what a first training loads
    return most_taken_by(lambda: trained(path, **options))


def taken_by_blocks(path, first):
    return taken_by_training(path, first, memory=2**23)


def test_training_in_blocks(tmp_path):
    """Of few rows there are as many chunks as are under way at a time."""
    rows = (CHUNK, 2 * SMALL, LARGE)
    first, few, many = (str(made(tmp_path / f"{count}.csv", count)) for count in rows)
    of_few = alone(taken_by_blocks, few, first)
    enough = of_few + 0.6 * ALL
    assert least_taken_by(lambda: alone(taken_by_blocks, many, first), enough, times=2) < enough
    assert alone(taken_by_training, many, first) - of_few > 0.6 * ALL  # it would be seen
