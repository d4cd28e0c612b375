"""The examples run on a small slice and save a picture; those in the repository are small files."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
SCRIPTS = sorted(p for p in EXAMPLES.glob("*.py") if "__main__" in p.read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def _among_the_examples(monkeypatch: pytest.MonkeyPatch) -> Any:
    plt.switch_backend("agg")
    monkeypatch.syspath_prepend(str(EXAMPLES))
    yield
    plt.close("all")


def run(script: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> dict[str, Any]:
    monkeypatch.setattr(sys, "argv", [str(script), *arguments])
    return runpy.run_path(str(script), run_name="__main__")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_an_example_saves_its_picture(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    path = tmp_path / "picture.png"
    run(script, monkeypatch, str(path), "--quick")
    assert str(path) in capsys.readouterr().out
    picture = plt.imread(path)
    assert min(picture.shape[:2]) > 300
    assert picture.std() > 0.05  # something is drawn


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_an_example_is_short_and_its_picture_a_small_file(script: Path) -> None:
    assert len(script.read_text(encoding="utf-8").splitlines()) < 80
    assert 5_000 < (EXAMPLES / "pictures" / f"{script.stem}.png").stat().st_size < 120_000


def test_every_picture_is_of_an_example() -> None:
    pictures = {path.stem for path in (EXAMPLES / "pictures").iterdir()}
    assert pictures == {path.stem for path in SCRIPTS}


def test_wrong_labels_rise_to_the_top() -> None:
    example = runpy.run_path(str(EXAMPLES / "planted_label_noise.py"))
    X, y, true = example["planted"]()
    wrong = y != true
    assert wrong.sum() == round(0.05 * len(y))
    assert wrong[example["ranking"](X, y, 30)][:50].mean() >= 0.9
    assert np.array_equal(true[~wrong], y[~wrong])
