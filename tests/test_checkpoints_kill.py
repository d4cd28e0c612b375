"""Runs that are killed at any moment, and run again: the same bits, and nothing left behind."""

from __future__ import annotations

import hashlib
import os
import pathlib
import random
import signal
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import chainrule as cr
from alone import alone
from chainrule.serialization import read_file
from runs import bits
from strategies import problem

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

LAYERS = [cr.Dense(60, "relu"), cr.Dropout(0.2), cr.Dense(60, "tanh"), cr.Dense(3)]
PROBLEM = problem(cr.Network(20, LAYERS, "cross_entropy", l2=0.01), n=64)
DATA = PROBLEM.net, PROBLEM.params, PROBLEM.X, PROBLEM.y
OPTIONS: dict[str, Any] = {
    "optimizer": cr.AdamW(cr.Cosine(0.01, steps=200)),
    "epochs": 25,
    "batch_size": 16,
    "seed": 5,
    "validation": 0.25,
    "early_stopping": cr.EarlyStopping(50),
    "threads": 1,
}
KILLS = 100


def outcome(params: Any, history: cr.History) -> str:
    """The SHA-256 of all that a run ends with."""
    figures = history.loss, history.validation_loss, history.best_epoch, history.restored
    states = bits(tuple(history.last.states))
    return hashlib.sha256(repr((bits(params), figures, states)).encode()).hexdigest()


def program(folder: str, *callbacks: Any) -> None:
    """What is run again and again until it ends: it leaves its outcome beside the checkpoints."""
    warnings.filterwarnings("error", "a checkpoint is passed over")
    checkpoint = cr.Checkpoint(f"{folder}/run", every=0)
    found = checkpoint.fit(*DATA, **OPTIONS, callbacks=callbacks)
    Path(folder, "outcome").write_text(outcome(*found))


def started(work: Callable[..., None], *given: Any) -> int:
    """The number of a new process that does some work.

    It is a fork of one that has no threads and has imported everything: what is killed is the work,
    not the start of Python.
    """
    if child := os.fork():
        return child
    code = 1
    try:
        work(*given)
        code = 0
    finally:
        os._exit(code)


def ended(child: int) -> int:
    """How a process ended: its code, or the number of the signal that killed it, negative."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def left(folder: str) -> list[str]:
    """What a run left but its checkpoints, all of which can be read."""
    run = Path(folder, "run")
    for path in run.glob("*.model"):
        read_file(path)
    return sorted(path.name for path in run.glob("*") if path.suffix != ".model")


def at_once(folder: str) -> str:
    """What the run comes to where nothing happens to it."""

    def work() -> None:
        Path(folder, "outcome").write_text(outcome(*cr.fit(*DATA, **OPTIONS)))

    assert ended(started(work)) == 0
    return Path(folder, "outcome").read_text()


# Killed at random


def killed_once(folder: str, chance: random.Random) -> bool:
    """Whether a run was killed, soon after one of its next epochs, before it ended."""
    reading, writing = os.pipe()

    def work() -> None:
        program(folder, lambda history: os.write(writing, b".") and None)

    child = started(work)
    os.close(writing)
    for _ in range(chance.randint(1, 4)):
        if not os.read(reading, 1):
            break  # it has ended
    time.sleep(chance.uniform(0, 0.004))  # of which the write after the epoch takes a part
    os.kill(child, signal.SIGKILL)
    code = ended(child)
    os.close(reading)
    assert code in (0, -signal.SIGKILL), f"the program ended with {code}"
    return code != 0


def killed(folder: str, seed: int) -> dict[str, Any]:
    """What became of runs that were killed until they ended, as many of them as it takes."""
    chance, kills, of_a_write, runs = random.Random(seed), 0, 0, []
    while kills < KILLS:
        place = f"{folder}/{len(runs)}"
        os.mkdir(place)
        while killed_once(place, chance):
            kills += 1
            of_a_write += left(place) != [".lock"]
        runs.append((Path(place, "outcome").read_text(), left(place)))
    said = f"{kills} kills, {of_a_write} of them within a write, in {len(runs)} runs: the same bits"
    return {"said": said, "runs": runs, "expected": at_once(folder)}


def test_a_run_survives_kills_at_any_moment(tmp_path, record_property):
    found = alone(killed, str(tmp_path), 0)
    for came_to, rest in found["runs"]:
        assert came_to == found["expected"]
        assert rest == [".lock"]
    record_property("kills", found["said"])


# Killed by itself at each moment of a write

MOMENTS = {
    "before the file is there": (pathlib.Path, "open", "before"),
    "once the file is there": (pathlib.Path, "open", "after"),
    "before the file is on the disk": (os, "fsync", "before"),
    "once the file is on the disk": (os, "fsync", "after"),
    "before the file has its name": (pathlib.Path, "replace", "before"),
    "once the file has its name": (pathlib.Path, "replace", "after"),
    "before an older one is gone": (pathlib.Path, "unlink", "before"),
    "once an older one is gone": (pathlib.Path, "unlink", "after"),
}


def kills_itself(folder: str, owner: Any, name: str, when: str, count: int) -> None:
    """Run the program, which ends within the call of that number of a function of the system."""
    call, calls = getattr(owner, name), [0]

    def fatal(*given: Any, **options: Any) -> Any:
        calls[0] += 1
        if (calls[0], when) == (count, "before"):
            os.kill(os.getpid(), signal.SIGKILL)
        try:
            return call(*given, **options)
        finally:
            if calls[0] == count:
                os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, fatal)
    program(folder)


def killed_at_each(folder: str) -> dict[str, Any]:
    found = {}
    for moment, at in MOMENTS.items():
        for count in (2, 8, 9):
            place = f"{folder}/{moment}, {count}"
            os.mkdir(place)
            codes = [
                ended(started(kills_itself, place, *at, count)),
                ended(started(program, place)),
            ]
            found[place] = codes, Path(place, "outcome").read_text(), left(place)
    return {"found": found, "expected": at_once(folder)}


def test_a_run_survives_a_kill_at_each_moment_of_a_write(tmp_path):
    outcomes = alone(killed_at_each, str(tmp_path))
    for place, (codes, came_to, rest) in outcomes["found"].items():
        assert codes == [-signal.SIGKILL, 0], place
        assert came_to == outcomes["expected"], place
        assert rest == [".lock"], place
