"""Runs that are killed at any moment, and run again: the same bits, and nothing left behind."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import time
import warnings
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
OPTIONS: dict[str, Any] = {
    "optimizer": cr.AdamW(cr.Cosine(0.01, steps=200)),
    "epochs": 25,
    "batch_size": 16,
    "seed": 5,
    "validation": 0.25,
    "early_stopping": cr.EarlyStopping(50),
    "threads": 1,
}
KILLS, OF_A_WRITE = 100, 10
"""How many at least, and how many of them that leave a file half written."""


def outcome(params: Any, history: cr.History) -> str:
    """The SHA-256 of all that a run ends with."""
    figures = history.loss, history.validation_loss, history.best_epoch, history.restored
    states = bits(tuple(history.last.states))
    return hashlib.sha256(repr((bits(params), figures, states)).encode()).hexdigest()


def at_once() -> str:
    """What the run comes to where nothing happens to it."""
    return outcome(*cr.fit(PROBLEM.net, PROBLEM.params, PROBLEM.X, PROBLEM.y, **OPTIONS))


def program(folder: str) -> None:
    """What is run again and again until it ends: it leaves its outcome beside the checkpoints."""
    warnings.simplefilter("error")  # a checkpoint that is passed over too
    checkpoint = cr.Checkpoint(f"{folder}/run", every=0)
    found = checkpoint.fit(PROBLEM.net, PROBLEM.params, PROBLEM.X, PROBLEM.y, **OPTIONS)
    Path(folder, "outcome").write_text(outcome(*found))


def started(folder: str) -> int:
    """The number of a new process that runs the program; this one has no threads that it lacks."""
    if child := os.fork():
        return child
    code = 1
    try:
        program(folder)
        code = 0
    finally:
        os._exit(code)


def killed_until_it_ends(folder: str, chance: random.Random) -> tuple[int, int]:
    """How often a run was killed before it ended, and how often within a write."""
    kills = of_a_write = 0
    while True:
        child = started(folder)
        time.sleep(chance.uniform(0.0, 0.1))
        os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
        if not os.WIFSIGNALED(status):
            assert status == 0, f"the program ended with {status}"
            return kills, of_a_write
        kills += 1
        of_a_write += any(Path(folder, "run").glob(".*.tmp"))
        for path in Path(folder, "run").glob("*.model"):
            read_file(path)


def killed(folder: str, seed: int) -> dict[str, Any]:
    """What became of runs that were killed, as many of them as it takes."""
    chance, found = random.Random(seed), {"kills": 0, "of a write": 0, "runs": []}
    while found["kills"] < KILLS or found["of a write"] < OF_A_WRITE:
        place = f"{folder}/{len(found['runs'])}"
        os.mkdir(place)
        kills, of_a_write = killed_until_it_ends(place, chance)
        found["kills"] += kills
        found["of a write"] += of_a_write
        left = sorted(os.listdir(f"{place}/run"))
        found["runs"].append((Path(place, "outcome").read_text(), left))
    return found


def test_a_run_survives_kills_at_any_moment(tmp_path, capsys):
    found, expected = alone(killed, str(tmp_path), 0), alone(at_once)
    with capsys.disabled():
        said = "{kills} kills, {of a write} of them within a write".format_map(found)
        print(f"\n{said}, in {len(found['runs'])} runs: the same bits")
    for came_to, left in found["runs"]:
        assert came_to == expected
        assert [name for name in left if not name.startswith("checkpoint-")] == [".lock"]
        assert len(left) == 4


# Killed at each of the moments of a write, by itself

MOMENTS = {
    "before the file is there": ("pathlib.Path.open", "before"),
    "once the file is there": ("pathlib.Path.open", "after"),
    "before the file is on the disk": ("os.fsync", "before"),
    "once the file is on the disk": ("os.fsync", "after"),
    "before the file has its name": ("pathlib.Path.replace", "before"),
    "once the file has its name": ("pathlib.Path.replace", "after"),
    "once an older one is gone": ("pathlib.Path.unlink", "after"),
}


def killed_at(folder: str, name: str, when: str, count: int) -> list[Any]:
    """What a run leaves that kills itself in a call of the system, and what it then comes to."""
    child = os.fork()
    if child == 0:
        import pathlib

        owner: Any = {"os": os, "pathlib": pathlib.Path}[name.split(".", maxsplit=1)[0]]
        method = name.rpartition(".")[2]
        call, calls = getattr(owner, method), [0]

        def fatal(*given: Any, **options: Any) -> Any:
            calls[0] += 1
            if calls[0] == count and when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            done = call(*given, **options)
            if calls[0] == count:
                os.kill(os.getpid(), signal.SIGKILL)
            return done

        setattr(owner, method, fatal)
        program(folder)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    for path in Path(folder, "run").glob("*.model"):
        read_file(path)
    again = os.waitpid(started(folder), 0)[1]
    left = sorted(os.listdir(f"{folder}/run"))
    return [os.WTERMSIG(status), again, Path(folder, "outcome").read_text(), left]


def killed_at_each(folder: str) -> dict[str, list[Any]]:
    found = {}
    for name, (call, when) in MOMENTS.items():
        for count in (1, 8, 9, 10):
            place = f"{folder}/{name}-{count}"
            os.mkdir(place)
            found[f"{name}, call {count}"] = killed_at(place, call, when, count)
    return found


def test_a_run_survives_a_kill_at_each_moment_of_a_write(tmp_path):
    expected = alone(at_once)
    for moment, found in alone(killed_at_each, str(tmp_path)).items():
        killed_by, again, came_to, left = found
        assert (killed_by, again, came_to) == (signal.SIGKILL, 0, expected), moment
        assert [name for name in left if not name.startswith("checkpoint-")] == [".lock"], moment
        assert len(left) == 4, moment
