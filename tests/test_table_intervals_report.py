"""What the page of the benchmark of bounds says of its lines, with every number by hand."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

COVERAGE = {"HGB": (0.8, 1.0), "chainrule": (0.9, 0.7)}
WIDTH = {"HGB": (4, 6), "chainrule": (2, 4)}
"""By contestant and split."""


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the module of the benchmark."""
    pytest.importorskip("pandas")
    monkeypatch.syspath_prepend(Path(__file__).parent.parent / "benchmarks")
    import table_intervals

    return table_intervals


def lines(tables: tuple[str, ...], rows: int = 500) -> list[dict[str, Any]]:
    """Return a line for each fit."""
    rest = {"spread": 2.0, "rows": rows, "version": "a 1", "processor": "some"}
    return [
        {"table": table, "contestant": name, "split": k, "coverage": COVERAGE[name][k],
         "width": WIDTH[name][k] * factor, **rest}
        for factor, table in enumerate(tables, 1)
        for name in COVERAGE
        for k in (0, 1)
    ]  # fmt: skip


def test_the_page_has_the_means_of_both(benchmark: ModuleType) -> None:
    page = benchmark.page(lines(benchmark.NAMES[:2]))
    cells = [row.replace(" ", "").strip("|").split("|") for row in page.splitlines() if "|" in row]
    assert cells[2][1:] == ["2", "0.800", "0.900", "1.500", "2.500", "0.600"]
    assert cells[3][1:] == ["2", "0.800", "0.900", "3.000", "5.000", "0.600"]
    assert cells[4] == ["mean", "", "0.8000", "0.9000", "", "", "0.600"]
    assert "Narrower than HGB's on 2 of 2 tables" in page


def test_a_split_counts_where_both_have_made_it(benchmark: ModuleType) -> None:
    some = lines(benchmark.NAMES[:1])[:-1]
    assert "| 1 " in benchmark.page(some).replace("      ", " ")
    assert "ratio |" not in benchmark.page(some[:2])


def test_boosted_quantiles_hold_what_they_are_asked_for(benchmark: ModuleType) -> None:
    import pandas as pd

    rng = np.random.default_rng(0)
    X, y = pd.DataFrame({"x": rng.random(1_200)}), pd.Series(rng.normal(size=1_200))
    parts = benchmark.Parts(X[:800], X[800:], y[:800], y[800:])
    with threadpool_limits(1):  # where other tests run, threads would only wait for each other
        bounds = benchmark.boosted_quantiles(parts, "y", 0)
    inside = (bounds[:, 0] <= y[800:]) & (y[800:] <= bounds[:, 1])
    assert inside.mean() == pytest.approx(0.9, abs=0.06)
