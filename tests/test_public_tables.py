"""The tables of the benchmarks: rows that are well formed, and parts that are honest."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the module of the tables, whose packages need not be installed."""
    monkeypatch.syspath_prepend(Path(__file__).parent.parent / "benchmarks")
    import public_tables

    return public_tables


def test_every_row_is_well_formed(tables: ModuleType) -> None:
    rows = (*tables.FIGURES, *tables.LARGER, *tables.SMALL)
    assert len(tables.TABLES) == len(rows), "two rows have the same name"
    for table in rows:
        package, _, item = table.source.partition("/")
        assert package, table
        assert item, table
        assert table.task in {"regression", "classification"}, table
        assert table.target not in (*table.dropped, *table.categories), table
        assert not set(table.dropped) & set(table.categories), table
        assert table.about, table


def test_what_defaults_are_chosen_by_is_not_what_is_published(tables: ModuleType) -> None:
    published = {table.source for table in tables.FIGURES}
    assert len(published) == 16
    assert len(tables.LARGER) >= 30
    assert not published & {table.source for table in (*tables.LARGER, *tables.SMALL)}


@pytest.mark.parametrize(("rows", "parts"), [(101, (75, 26)), (3000, (200, 100))])
def test_parts_have_no_row_in_common(tables: ModuleType, rows: int, parts: tuple[int, int]) -> None:
    X = np.arange(rows)
    y = np.where(X % 3, "a", "b")
    found = tables.split(X, y, tables.TABLES["letter"], 1, 200, 100)
    again = tables.split(X, y, tables.TABLES["letter"], 1, 200, 100)
    other = tables.split(X, y, tables.TABLES["letter"], 2, 200, 100)
    assert (len(found.X), len(found.X_test)) == parts
    assert not set(found.X) & set(found.X_test)
    assert list(found.X) == list(again.X) != list(other.X)
    np.testing.assert_array_equal(found.y_test, y[found.X_test])
    for part in (found.y, found.y_test):
        assert Counter(part)["b"] == pytest.approx(len(part) / 3, abs=1)
