"""Readers who press, type and drop anything: the playground goes on, and says what is wrong."""

from importlib import resources
from pathlib import Path

import pytest

import chainrule as cr
from playground_pages import START, address_of

WALK = (Path(__file__).parent / "playground_walk.js").read_text(encoding="utf-8")
NETWORK = resources.files("chainrule.explanation.examples").joinpath("2-2-2.toml")
STATES = (
    {"data": {"set": "xor", "n": 40}},
    {"data": {"set": "iris"}, "at": {"step": 20}},
    {"data": {"set": "sine"}, "net": {"loss": "huber(0.5)"}, "edits": [[0, 0, 1, 2.5], [3]]},
    {"data": {"set": "own", "own": {"id": "x", "name": "x", "uses": {}, "y": "y"}}},
    {"net": {"layers": [["dense", {"units": 2}]]}, "seen": {"subject": "net_o2"}},
    {"net": {"layers": "none"}},
    {"run": {"optimizer": "no such"}, "data": {"n": -1}},
)
"""What links hold; the last three are of nobody's page."""


def given(tmp_path, seed, acts):
    """What a walk takes with it: files of ours, and links."""
    net = cr.Network(2, [cr.Dense(3, "tanh"), cr.Dense(2)], "cross_entropy")
    path = tmp_path / "network.model"
    cr.save(path, net, net.init(0))
    ours = {"toml": NETWORK.read_text(encoding="utf-8"), "model": [*path.read_bytes()]}
    states = [address_of(state) for state in STATES]
    return {"seed": seed, "acts": acts, "ours": ours, "states": states}


def walk(own, asked):
    """What went wrong on a walk, and whether the page goes on after it."""
    own.page.on("dialog", lambda dialog: dialog.dismiss())
    made = own.page.evaluate(f"given => ({WALK.strip().rstrip(';')})(given)", asked)
    assert made["faults"] == [], made["trail"][-8:]
    own.page.evaluate("location.hash = '#top'")
    own.page.wait_for_function("document.getElementById('kept-address').value.endsWith('#top')")
    own.page.evaluate(f"location.hash = '{START}'")
    own.wait_for_step(0)
    own.press("step")
    own.wait_for_step(1)
    assert own.page.inner_text("#wrong") == ""


@pytest.mark.parametrize(("seed", "width"), [(1, 1280), (2, 390)])
def test_a_walk_over_the_page(opened_playground, tmp_path, seed, width):
    walk(opened_playground(START, width=width), given(tmp_path, seed, acts=60))
