"""What the page of the figures on public tables says of them, with every number by hand."""

from __future__ import annotations

import math
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ERRORS = {"HGB": ((1, 3), (4, 4)), "chainrule": ((1, 1), (4, 6)), "CatBoost": ((4, 4), (3, 5))}
"""By contestant, table and split."""


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the module of the page."""
    monkeypatch.syspath_prepend(Path(__file__).parent.parent / "benchmarks")
    import table_peers_report

    return table_peers_report


def lines() -> list[dict[str, Any]]:
    """Return a line for each fit."""
    rest = {"log_loss": None, "train_seconds": 2, "predict_seconds": 1, "others": 0, "threads": 2}
    return [
        {"table": table, "contestant": name, "split": split, "error": error, **rest}
        for name, tables in ERRORS.items()
        for table, errors in zip("ab", tables, strict=True)
        for split, error in enumerate(errors)
    ]


def test_errors_are_held_against_the_least_and_against_hgb(report: ModuleType) -> None:
    of = report.ground(lines(), ["a", "b"], list(ERRORS), 2)
    assert of.column("HGB", "error") == [2, 4]
    assert of.relative("chainrule", "error") == [1, 1.25]
    assert of.ratios("chainrule") == [0.5, 1.25]
    assert of.mean_ranks() == {"HGB": 1.75, "chainrule": 2, "CatBoost": 2.25}
    ours = report.standing(of, "chainrule")
    assert ours == ["1.125", "1", "0", "1", f"{math.sqrt(0.5 * 1.25):.3f}", "1.250", "2"]
    assert "rank is 2.00, place 2 of 3" in report.verdict(of)
    assert "on 1 of 2 tables, and more by over 1 % on b (1.250)" in report.verdict(of)


def test_who_lacks_a_split_is_left_out(report: ModuleType) -> None:
    some = [line for line in lines() if line["contestant"] != "CatBoost" or line["split"] == 0]
    assert report.ground(some, ["a", "b"], list(ERRORS), 2).names == ["HGB", "chainrule"]


def test_a_time_beside_other_work_is_marked(report: ModuleType) -> None:
    busy = [{**line, "others": 0.4 if line["table"] == "b" else 0} for line in lines()]
    of = report.ground(busy, ["a", "b"], ["HGB"], 2)
    rows = report.seconds_grid(of, "train_seconds").splitlines()
    assert rows[2:] == ["| a     |     2 |   2 |", "| b     |     2 |  ~2 |"]


def test_the_page_holds_all_of_it(report: ModuleType) -> None:
    of = report.ground(lines(), ["a", "b"], list(ERRORS), 2)
    page = report.markdown(of, of._replace(names=[]), ["a machine"])
    assert "| chainrule  | 2.00 |" in page
    assert "There are no figures of HGB on all of these tables yet." in page
