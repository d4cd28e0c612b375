"""Trainings by command that are killed at any moment, and resumed: the same bytes of the model."""

from __future__ import annotations

import hashlib
import importlib
import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from alone import alone
from chainrule.cli import main
from chainrule.tabular import example_blocks
from commands import houses

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

KILLS = 50
TRAIN = [
    *("train", "houses.csv", "--target", "price", "--quiet", "--threads", "1"),
    *("--epochs", "5", "--hidden", "32,16", "--dropout", "0.1", "--batch-size", "32"),
]


def trains(*options: str) -> int:
    """The number of a process that trains: a fork of one that has imported all and has no threads.

    What it says stands in the file `said`.
    """
    if child := os.fork():
        return child
    said = os.open("said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(said, stream)
    code = 1
    try:
        main([*TRAIN, *options], prog_name="chainrule")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        os._exit(code)


def ended(child: int) -> int:
    """How a process ended: its code, or the number of the signal that killed it, negative."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def model() -> str:
    return hashlib.sha256(Path("houses.model").read_bytes()).hexdigest()


def killed(folder: str) -> dict[str, Any]:
    """What became of trainings that were killed until they ended, as many as it takes."""
    for name in ("chainrule.tabular.table_training", "sklearn.metrics"):
        importlib.import_module(name)
    os.chdir(folder)
    example_blocks.BLOCK_BYTES = 2_000  # some blocks, so that kills fall between them too
    began = time.monotonic()
    assert ended(trains()) == 0, Path("said").read_text()
    took, expected = time.monotonic() - began, model()
    chance, kills, found = random.Random(0), {"killed": 0, "in training": 0}, []
    while kills["killed"] < KILLS:
        Path("houses.model").unlink()
        found.append(until_it_ends(chance, took, kills))
    said = (
        f"{kills['killed']} kills, {kills['in training']} of them with a checkpoint to go on from, "
        f"in {len(found)} trainings: the same SHA-256"
    )
    return {"said": said, "found": found, "expected": expected}


def until_it_ends(
    chance: random.Random, took: float, kills: dict[str, int]
) -> tuple[str, list[str]]:
    """The model of a training that is killed and resumed until it ends, and what files are left."""
    while True:
        child = trains("--checkpoint-every", "0", "--resume")
        time.sleep(chance.uniform(0, took))
        os.kill(child, signal.SIGKILL)
        code = ended(child)
        if code != -signal.SIGKILL:
            assert code == 0, Path("said").read_text()
            return model(), sorted(path.name for path in Path().iterdir())
        kills["killed"] += 1
        kills["in training"] += any(Path("houses.model.checkpoints").glob("checkpoint-*"))


def test_a_training_survives_kills_at_any_moment(tmp_path, record_property):
    houses(200).write_csv(tmp_path / "houses.csv")  # here: it makes threads, and a fork has none
    outcome = alone(killed, str(tmp_path))
    for came_to, files in outcome["found"]:
        assert came_to == outcome["expected"]
        assert files == ["houses.csv", "houses.model", "said"]
    record_property("kills", outcome["said"])
