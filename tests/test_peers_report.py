"""What the benchmark beside the peers says of its figures, and the terms of its limit."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the module of the page."""
    monkeypatch.syspath_prepend(Path(__file__).parent.parent / "benchmarks")
    import report

    return report


@pytest.fixture
def limit(report: ModuleType, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the module of the limit, of a machine that takes a nanosecond for everything."""
    import limit

    monkeypatch.setattr(limit, "at_best", lambda name: 1e9 if name.endswith("_rate") else 1e-9)
    monkeypatch.setattr(limit, "seconds_of_byte", lambda name, bytes_: 1e-9)
    return limit


def record(case: str, figures: dict[str, list[float]], limit: float | None = None) -> Any:
    found = {"terms": {"products": limit, "packing": 0.0}, "sum": limit} if limit else None
    rates = dict.fromkeys(figures, 2.5e11)
    return {
        "case": case,
        "cores": 1,
        "figures": figures,
        "limit": found,
        "fma_rates": rates,
        "ways": {},
    }


TRAINED = {"chainrule": [9.0, 1.0, 2.0], "jax": [5.0, 7.0, 6.0], "torch": [9.0, 9.0, 9.0]}
MANY = {"at once": [3.0], "one after the other": [4.0]}


def test_ratios_are_of_medians(report: ModuleType) -> None:
    peer, limit = report.verdicts(record("30-64-64-2", TRAINED, 1.25))
    assert (peer.figure, peer.bound, peer.met) == (3.0, 2.3, True)
    assert (limit.figure, limit.bound, limit.met) == (1.6, 1.25, False)


@pytest.mark.parametrize(
    ("more", "share"), [({}, 0.75), ({"fit_many": [1.0]}, 0.25), ({"jax": [2.0]}, 0.75)]
)
def test_many_networks_are_beside_one_after_the_other(
    report: ModuleType, more: dict[str, list[float]], share: float
) -> None:
    first, *others = report.verdicts(record("100-networks", MANY | more))
    assert (first.figure, first.bound) == (share, 0.5)
    assert [verdict.figure for verdict in others] == ([0.67] if "jax" in more else [])


def test_the_page_has_the_rate_beside_each_figure(report: ModuleType) -> None:
    records = [record("30-64-64-2", TRAINED, 1.25), record("100-networks", MANY)]
    page = report.markdown(records, {"processor": "P"}, rounds=3)
    assert (
        "| 30-64-64-2, batch 32 | 1 | microseconds a step | 2.00 (250) | 6.00 (250) | 9.00 (250) "
        "| – | 3.00 | ≥ 2.3: met | 1.25 | 1.60 | ≤ 1.25: not met |"
    ) in page
    assert "- 30-64-64-2, batch 32, 1 core: limit 1.25: products 1.25\n" in page
    assert "at once 3.00 (250)" in page
    assert "processor: P" in page
    assert report.summary(records).startswith("Goals met: 1 of 3\nNot met:\n    30-64-64-2")
    trained, many = (" ".join(x.split()) for x in report.goals_table(records).splitlines()[1:])
    assert trained == "30-64-64-2, batch 32 1 2.00 microseconds 3.00 ≥ 2.3 1.60 ≤ 1.25 *"
    assert many.endswith("3.00 milliseconds 0.75 ≤ 0.5 * share of the time one after the other")
    assert report.results(records, {}, 3)["cases"][0]["medians"]["chainrule"] == 2.0


def test_the_terms_of_a_step(limit: ModuleType) -> None:
    """Of 3-200-2 and 10 rows, in nanoseconds, and bytes that take one each."""
    from cases import Case

    case = Case("", (3, 200, 2), 10, 10)
    assert {name: round(1e9 * x) for name, x in limit.terms(case).items()} == {
        "products": 2 * 10 * (2 * 600 + 3 * 400),  # forward and dW of both, back of the second
        "activations": 12 * 10 * 202,
        "functions": 10 * 2,
        "inputs": 4 * 10 * 3,
        "optimizer": 24 * (1000 + 202),
        "transposed": 8 * 400,
        "packing": 8 * 10 * 3,
        "chain": 1 + 1 + 8,
    }


def test_a_sum_takes_its_terms_one_after_the_other(limit: ModuleType) -> None:
    assert limit.product(1, 100, 0) == pytest.approx(100e-9)
    assert limit.product(4, 100, 3) == pytest.approx(2400e-9)
