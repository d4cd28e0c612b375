"""What the benchmark of several processes says of its lines, and the model fitted to them."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SECONDS = {
    "1 thread": (0.9, 1.0, 2.0),
    "1 rank": (1.0, 1.1, 2.2),
    "2 ranks": (0.5, 0.5, 1.0),
    "2 threads": (0.4, 0.5, 1.0),
    "DistributedDataParallel": (0.7, 0.8, 1.4),
}
"""Efficiencies 1, 1.1, 1.1; DistributedDataParallel takes 1.4, 1.6 and 1.4 times as long."""


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the module of the page."""
    monkeypatch.syspath_prepend(Path(__file__).parent.parent / "benchmarks")
    import ranks_report

    return ranks_report


@pytest.fixture
def model(report: ModuleType) -> ModuleType:
    """Return the module of the model."""
    import ranks_model

    return ranks_model


def line(case: str) -> dict[str, Any]:
    """Return a line of training."""
    return {"kind": "training", "case": case, "seconds": SECONDS, "ways": {}, "machine": {}}


def test_ratios_are_those_within_a_round(report: ModuleType) -> None:
    efficiency, times, threads, shards = report.verdicts(line("784-128-10, batch 256"))
    assert efficiency.figure == 1.1
    assert (times.figure, times.bound, times.met) == (1.4, 1.5, False)
    assert threads.figure == 1.0
    assert shards.figure == 1.1
    assert efficiency.bound is None
    efficiency, times, *_ = report.verdicts(line("784-512-512-10, batch 1024"))
    assert (efficiency.bound, efficiency.met, times.bound) == (0.9, True, None)


def test_of_lines_of_a_case_the_last_counts(report: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    assert report.kept(path) == {}
    lines = [line("a"), line("b"), {**line("a"), "ways": {"x": "y"}}]
    path.write_text("".join(json.dumps(each) + "\n" for each in lines), encoding="utf-8")
    kept = report.kept(path)
    assert set(kept) == {("training", "a"), ("training", "b")}
    assert kept["training", "a"]["ways"] == {"x": "y"}


def made_by(step: Any, report: ModuleType, model: ModuleType) -> dict[tuple[str, str], Any]:
    """Return lines as a model makes them."""
    lines: dict[tuple[str, str], Any] = {}
    for case in model.CASES:
        each = {
            name: [step.seconds(case, ranks, model.SHARDS)]
            for name, ranks in {"1 rank": 1, "2 ranks": 2}.items()
        }
        lines["training", case.title] = {"seconds": each}
    for size in model.SIZES:
        seconds = {"fixed tree, 2 ranks": [step.exchange.seconds(2, size)]}
        lines["exchange", str(size)] = {"seconds": seconds}
    return lines


def test_the_model_finds_the_factors_that_made_the_lines(
    report: ModuleType, model: ModuleType
) -> None:
    true = model.Step(5e-6, 1e-11, 3e-10, 1e-10, model.Exchange(20e-6, 4e9))
    exchange, of_exchange = model.fitted_exchange(made_by(true, report, model))
    assert (exchange.message, exchange.bytes_a_second) == pytest.approx((20e-6, 4e9))
    step, of_steps = model.fitted_step(made_by(true, report, model), exchange)
    found = (step.anyhow, step.operation, step.update, step.shard)
    assert found == pytest.approx((5e-6, 1e-11, 3e-10, 1e-10), rel=1e-6)
    for measured, modelled in (*of_exchange.values(), *of_steps.values()):
        assert modelled == pytest.approx(measured)


def test_an_exchange_by_hand(model: ModuleType) -> None:
    exchange = model.Exchange(1e-6, 1e9)
    assert exchange.seconds(1, 1e6) == 0
    assert exchange.seconds(4, 1e6) == pytest.approx(4e-6 + 1.5e-3)
    slow = exchange.over(model.Link("slow", 1e8, 1e-4))
    assert slow.seconds(4, 1e6) == pytest.approx(4 * (1e-4 + 1e-6) + 15e-3)
    fast = exchange.over(model.Link("fast", 1e12, 0.0))
    assert fast.seconds(4, 1e6) == exchange.seconds(4, 1e6)


def test_what_is_predicted_is_called_so(report: ModuleType, model: ModuleType) -> None:
    step = model.Step(5e-6, 1e-11, 3e-10, 1e-10, model.Exchange(20e-6, 4e9))
    page = model.page(made_by(step, report, model), [1, 16])
    sections = page.split("\n## ")[1:]
    assert len(sections) == 2
    assert all(each.startswith("Prediction") and "not measured" in each for each in sections)
    assert "0 % at most" in page.partition("\n## ")[0]
