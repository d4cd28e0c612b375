"""A run of a page: any step is made again to the same bits, typed numbers too."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from wasm_cases import CASES, NODE, SOURCES, told

pytestmark = pytest.mark.skipif(NODE is None, reason="there is no Node")

NAMES = ["dropout", "penalties", "weights", "layers batch norm within", "in order"]


@pytest.fixture(scope="module")
def results():
    names = ["wasm_engine.js", "run_edits.js", "wasm_run.js", "engine32.wasm", "engine64.wasm"]
    files = [SOURCES / name for name in names]
    done = subprocess.run(
        [NODE, Path(__file__).with_name("wasm_run.js"), *files],
        input=json.dumps({name: told(CASES[name], "float32") for name in NAMES}),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", NAMES)
def test_any_step_is_made_again(results, name):
    made = results[name]
    assert made["changed"] is None
    assert 0 < made["alone"] <= 64
    assert made["every"] > 1
    whole, one_by_one = np.reshape(made["parts"], (2, -1))
    assert np.array_equal(whole, one_by_one)


@pytest.mark.parametrize("name", NAMES)
def test_a_step_far_from_what_is_kept_is_made_again(results, name):
    far = results[name]["far"]
    assert (far["same"], far["parts"], far["losses"]) == (True, None, 14_000)


@pytest.mark.parametrize("name", NAMES)
def test_a_typed_number_stays_where_it_was_typed(results, name):
    made = results[name]
    assert (made["typed"], made["again"]) == (0.75, 0.75)
    assert made["same"]
    assert made["at"]["step"] == 90
    assert made["looked"] == len(told(CASES[name], "float32")["program"]["values"])


@pytest.mark.parametrize("name", NAMES)
def test_a_step_by_one_example_is_made_again_too(results, name):
    alongside = results[name]["alongside"]
    assert alongside["at"] == {"step": 9, "epoch": 1, "first": 13}  # of 20 in batches of 4
    assert len(alongside["parts"]) == 2
    assert alongside["same"]
    assert (alongside["still"], alongside["ended"]) == (1, 4)


@pytest.mark.parametrize("name", NAMES)
def test_a_change_of_rates_and_penalties_is_made_again_at_its_step(results, name):
    piecewise = results[name]["piecewise"]
    assert piecewise["steps"] == [7, 12]
    for what in ("same", "linked", "cost", "alike", "penalty"):
        assert piecewise[what], what
    assert piecewise["cut"] == [[7], [9], [9, 0, 0, 0.25]]  # from 9 on, what was set last holds


@pytest.mark.parametrize("name", NAMES)
def test_a_change_of_the_batch_and_of_what_is_frozen_goes_on_and_is_made_again(results, name):
    """Of 20 examples: behind 7 steps of 4 batches of 7, then all that are left, then of 3."""
    batched = results[name]["batched"]
    assert batched["stood"] == [15, 0, 7, 14, 0, 0, 0, 0, 3, 6, 9, 12]
    assert batched["whole"] == [9, 0, 2]
    for what in ("linked", "alike", "same"):
        assert batched[what], what


@pytest.mark.parametrize("name", NAMES)
def test_frozen_numbers_stay_and_the_others_are_as_if_they_were_put_back(results, name):
    assert results[name]["held"] == {"stay": True, "alike": True, "same": True}
