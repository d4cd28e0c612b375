"""The state of the playground: its changes, and its address, which is whole or refused."""

import json
import subprocess
from pathlib import Path

import pytest

from wasm_cases import NODE

pytestmark = pytest.mark.skipif(NODE is None, reason="there is no Node")

STATE = Path(__file__).parents[1] / "src/chainrule/playground/state"
CHANGES = {
    "none": [],
    "one": [["run.batch", 4]],
    "the same twice": [["run.batch", 4], ["run.batch", 4], ["run.batch", 8]],
    "within a list": [
        ["net.layers.0.1.units", 3],
        ["net.layers.0.1.activation", "leaky_relu(0.2)"],
    ],
    "a list": [["net.layers", [["dense", {"units": 1, "activation": "identity"}]]]],
    "numbers of an optimizer": [["run.numbers", {"learning_rate": 0.5, "momentum": 0.9}]],
    "words": [["seen.subject", "∂ of “w5”"], ["data.own", {"names": ["ä", "城"], "rows": [[1]]}]],
    "an edit": [["edits", [[100, 0, 3, 0.25]]], ["at.step", 100]],
}
ADDRESSES = {
    "": None,
    "#": None,
    "#spiral": "address.unknown",
    "#2.AAAA.aaaaaa": "address.newer",
    "#1.AAAA.aaaaaa": "address.cut",
    "#1": "address.cut",
}


@pytest.fixture(scope="module")
def results():
    command = [NODE, Path(__file__).with_name("playground_state.js")]
    given = {"changes": [*CHANGES.values()], "addresses": [*ADDRESSES]}
    done = subprocess.run(
        [*command, STATE / "state.js", STATE / "address.js"],
        input=json.dumps(given), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def part_at(value, path):
    for name in path.split("."):
        value = value[int(name) if isinstance(value, list) else name]
    return value


@pytest.mark.parametrize("k", range(len(CHANGES)), ids=CHANGES)
def test_changes_are_made_taken_back_and_read_from_the_address(results, k):
    changes, made = [*CHANGES.values()][k], results["states"][k]
    for path, value in dict(changes).items():
        assert part_at(made["value"], path) == value
    assert made["read"] == {"state": made["value"]}
    assert made["undone"] == results["start"]
    assert made["redone"] == made["value"]
    assert made["cut"] == 0
    assert len(made["address"]) < 250


def test_listeners_hear_of_their_part_alone_and_of_changes_alone(results):
    heard = dict(zip(CHANGES, (made["heard"] for made in results["states"]), strict=True))
    assert heard["the same twice"] == ["run.batch", "run.batch"]
    assert heard["within a list"] == []
    assert heard["numbers of an optimizer"] == ["run.numbers"]


def test_addresses_that_hold_no_state_are_refused(results):
    expected = [
        {"refused": word} if word else {"state": results["start"]} for word in ADDRESSES.values()
    ]
    assert results["refused"] == expected
