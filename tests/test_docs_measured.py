"""The pages under Measured: every file of results is on one, and their figures are the files'."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
PAGES = ROOT / "docs/measured"


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The extension that makes plots and the list."""
    monkeypatch.syspath_prepend(ROOT / "docs/_extensions")
    import measured

    return measured


def test_every_file_of_results_is_shown_once(measured: ModuleType) -> None:
    shown = [
        name
        for page in PAGES.glob("*.md")
        for name in re.findall(r"benchmarks/results/(\w+\.md)$", page.read_text("utf-8"), re.M)
    ]
    assert sorted(shown) == [path.name for path in measured.files()]


def test_every_plot_is_on_a_page_and_every_page_in_the_index(measured: ModuleType) -> None:
    texts = {page.stem: page.read_text("utf-8") for page in PAGES.glob("*.md")}
    shown = re.findall(r"\{figure\} generated/(\w+)\.svg", "\n".join(texts.values()))
    assert sorted(shown) == sorted(measured.PLOTS)
    index = texts.pop("index")
    assert sorted(re.findall(r"^[a-z0-9-]+$", index, re.M)) == sorted(texts)


def test_a_file_on_no_page_is_an_error(measured: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(measured.ExtensionError, match=r"results/bfloat16\.md is shown by no page"):
        measured.results(tmp_path)


def test_goals_are_those_of_the_figures(measured: ModuleType) -> None:
    for stem in ("peers", "estimators"):
        cases = json.loads((ROOT / f"benchmarks/results/{stem}.json").read_text("utf-8"))["cases"]
        met = [v["met"] for case in cases for v in case["verdicts"] if v["met"] is not None]
        assert measured.goals(stem) == (sum(met), len(met))


def test_goals_without_a_word_are_compared(
    measured: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = ["| call | µs | goal |", "|---|---|---|", "| a | 1,154 | ≤ 150 |", "| b | 9 | ≤ 9 |"]
    page = "\n".join(["# Calls", "", *rows, "| c | 9 |  |", ""])
    (tmp_path / "calls.md").write_text(page, encoding="utf-8")
    for module in (measured, measured.tables_of.__globals__):
        place = module if isinstance(module, dict) else vars(module)
        monkeypatch.setitem(place, "RESULTS", tmp_path)
    assert measured.goals("calls") == (1, 2)


@pytest.mark.parametrize(
    ("cell", "number"),
    [("8,384 (114)", 8384), ("~1.27e+03", 1270), ("−0.5 %", -0.5), ("≥ 5: not met", 5),
     ("0.9782 ± 0.0074", 0.9782), ("+8 %", 8)],
)  # fmt: skip
def test_numbers_of_cells(measured: ModuleType, cell: str, number: float) -> None:
    assert measured.value(cell) == number
    assert math.isnan(measured.value("–"))


def test_a_plot_has_the_figures_of_its_file(measured: ModuleType) -> None:
    cases = json.loads((ROOT / "benchmarks/results/peers.json").read_text("utf-8"))["cases"]
    ratios = [
        case["medians"]["jax"] / case["medians"]["chainrule"]
        for case in cases
        if case["cores"] == 1 and "jax" in case["medians"]
    ]
    ax = measured.PLOTS["peers"]().axes[0]
    (line,) = [line for line in ax.lines if line.get_label() == "jax"]
    assert list(line.get_xdata()) == pytest.approx(ratios)
