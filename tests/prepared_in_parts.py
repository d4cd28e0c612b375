"""What ranks prepare of a table, each of its rows, put together; and tables to prepare."""

import datetime

import numpy as np
import polars as pl
import pytest

from chainrule.distributed import part_of
from chainrule.tabular import example_blocks
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.files.row_parts import parted
from chainrule.tabular.prepare import prepare
from chainrule.tabular.training_options import Options

SHARDS = 4


def table(rows=230, seed=0):
    """A table of each kind of column, with values missing in all of them, the target too."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    words = ["red, or", 'a "deep"\nblue', "green", "grey"]
    moment = datetime.datetime(2021, 3, 4)
    hours = rng.integers(0, 9999, rows).tolist()
    frame = pl.DataFrame(
        {
            "x": x,
            "price": [f"{a},{b:02}" for a, b in rng.integers(0, 99, (rows, 2)).tolist()],
            "colour": rng.choice(words, rows),
            "shop": rng.integers(0, 30, rows).astype(str),
            "sold": [moment + datetime.timedelta(hours=each) for each in hours],
            "row": np.arange(rows),
            "count": rng.integers(0, 5, rows),
            "y": 2 * x + rng.normal(size=rows),
            "kind": np.where(x > 0, "up", "down"),
            "w": rng.random(rows),
            "g": rng.integers(0, 12, rows),
        }
    )
    gone = {name: pl.Series(rng.random(rows) < 0.05) for name in ("x", "colour", "shop", "y")}
    return frame.with_columns(
        pl.when(mask).then(None).otherwise(frame[name]).alias(name) for name, mask in gone.items()
    )


@pytest.fixture
def several_blocks(monkeypatch):
    """Deal such a table's examples into several blocks."""
    monkeypatch.setattr(example_blocks, "BLOCK_BYTES", 60 * 20 * 4)


@pytest.fixture(scope="module", name="parquet")
def parquet_file(tmp_path_factory):
    """Such a table in a file, in groups of rows that are no shards."""
    path = tmp_path_factory.mktemp("parts") / "table.parquet"
    table().write_parquet(path, row_group_size=50)
    return str(path)


def own_part(ranks, frame):
    """The rows that a rank gives of a frame."""
    rows = part_of(ranks.rank, ranks.size, frame.height)
    return frame[rows.start : rows.stop]


def prepared(ranks, where, target, shards=SHARDS, options=None):
    """What ranks prepare of a file, or of a frame of which each gives a part, in plain values."""
    given = own_part(ranks, where) if isinstance(where, pl.DataFrame) else where
    return prepared_as_given(ranks, given, target, shards, options)


def opened(ranks, given, shards=SHARDS):
    """This rank's part of a file, or of what the ranks give of a frame."""
    return parted(open_source(given, ranks=ranks), ranks, lambda rows: shards)


def prepared_as_given(ranks, given, target, shards=SHARDS, options=None):
    """What ranks prepare of a file, or of what this rank gives of a frame."""
    source = opened(ranks, given, shards)
    found = prepare(source, target, Options(**(options or {})))
    with found.blocks, found.with_all() as with_all:
        return {
            "preparation": found.preparation.to_data(),
            "arrays": {name: as_bytes(each) for name, each in found.preparation.arrays().items()},
            "decisions": list(map(str, found.decisions)),
            "forms": repr(found.forms),
            "target": found.target.to_data(),
            "bins": found.bins,
            "doubts": found.doubts,
            "baseline": as_bytes(found.baseline),
            "means": as_bytes(found.means),
            "without_target": found.without_target,
            "training_rows": found.training_rows,
            "held_out": [as_bytes(each) for each in (*found.held_out, *found.validation)],
            "held_out_rows": found.held_out_rows.tolist(),
            "rows": of_all(ranks, found.rows),
            "y": of_all(ranks, found.y),
            "counts": of_all(ranks, found.counts),
            "blocks": _blocks(ranks, found.blocks),
            "with all": _blocks(ranks, with_all),
            "fingerprint": source.fingerprint(),
        }


def _blocks(ranks, blocks):
    each = [[of_all(ranks, part) for part in blocks[k]] for k in range(blocks.count)]
    return blocks.sizes.tolist(), blocks.mean_weight, each


def of_all(ranks, own):
    """The bytes of what all ranks have, one after the other."""
    return None if own is None else as_bytes(np.concatenate(ranks.deal([own] * ranks.size)))


def as_bytes(array):
    return None if array is None else (array.dtype.str, array.shape, array.tobytes())
