"""The training of the playground: its controls, its costs beside Python's, and links to a state."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.engine.wasm.lowering_patterns import lowering_patterns
from chainrule.playground.choices import choices
from chainrule.trees import leaves, rebuild
from page_scripts import in_node
from playground_pages import address_of

KNOWN = {"choices": choices(), "patterns": lowering_patterns()}
TOLD = """
  const { value } = new State(given);
  const examples = examplesOf(value.data, lossOf(known.choices, value.net.loss));
  return toldRun(value, examples, known);
"""


@pytest.fixture(scope="module")
def told():
    return in_node(TOLD, given={}, known=KNOWN)


def as_python_trains(told, epochs):
    """The costs of the examples in training and in the test, after so many epochs of 7 steps."""
    layers = [cr.Dense(8, "tanh"), cr.Dense(8, "tanh"), cr.Dense(2)]
    net = cr.Network(2, layers, loss="cross_entropy")
    given = (np.array(own, float) for own in told["tensors"])
    params = rebuild(
        net.form,
        (own.reshape(leaf.shape) for own, leaf in zip(given, leaves(net.form), strict=True)),
    )
    parts = [
        (np.reshape(told[k]["X"], (-1, 2)), np.array(told[k]["labels"])) for k in ("data", "test")
    ]
    assert len(parts[0][0]) == 100
    if epochs:
        params, _ = cr.fit(net, params, *parts[0], cr.Adam(0.01), epochs=epochs, batch_size=16)
    return [cr.cost(net, params, *part) for part in parts]


@pytest.mark.parametrize("epochs", [0, 1, 10, 143])
def test_costs_are_pythons(opened_playground, told, epochs):
    own = opened_playground(address_of({"at": {"step": 7 * epochs}}))
    assert own.step() == 7 * epochs
    shown = [float(own.stands(name)) for name in ("cost", "test_cost")]
    assert shown == pytest.approx(as_python_trains(told, epochs), rel=1e-3)


def test_the_penalty_is_in_the_cost_of_training_alone(opened_playground, told):
    own = opened_playground(address_of({"net": {"l2": 10}}))
    shown = [float(own.stands(name)) for name in ("cost", "test_cost")]
    without = as_python_trains(told, 0)
    assert shown[0] > without[0] + 1
    assert shown[1] == pytest.approx(without[1], rel=1e-3)


def test_steps_epochs_and_reset(opened_playground):
    own = opened_playground()
    first = own.stands("cost")
    own.press("step")
    own.wait_for_step(1)
    assert own.stands("cost") != first
    own.press("epoch")
    own.wait_for_step(7)
    assert own.stands("at_epoch") == "1"
    own.press("reset")
    own.wait_for_step(0)
    assert own.stands("cost") == first


def test_a_step_asked_for_while_a_run_is_made_is_a_step_of_it(opened_playground):
    own = opened_playground()
    own.press("epoch")
    own.wait_for_step(7)
    own.page.locator("#data").get_by_label("seed").evaluate("""(seed) => {
      seed.value = '5';
      seed.dispatchEvent(new Event('change', { bubbles: true }));
      document.querySelector('#training [name=step]').click();
    }""")
    own.wait_for_step(1)


def test_playing_goes_on_until_it_is_ended(opened_playground):
    own = opened_playground()
    own.press("play")
    own.shown("at_step", r"\d\d")
    own.press("play")
    own.page.wait_for_selector("[name=play][data-playing=false]")
    own.press("reset")
    own.wait_for_step(0)
    own.press("step")
    own.wait_for_step(1)


def test_a_slow_training_takes_its_time(opened_playground):
    own = opened_playground()
    own.page.select_option("[name=speed]", "10")
    own.press("play")
    own.page.wait_for_timeout(600)
    own.press("play")
    assert 0 < own.step() < 200  # as many as it can are thousands


def test_a_link_shows_the_same(opened_playground):
    own = opened_playground()
    own.page.wait_for_url(lambda url: "#" in url)
    before = own.page.url
    own.press("epoch")
    own.wait_for_step(7)
    own.page.wait_for_url(lambda url: url != before)
    cost, link = own.stands("cost"), own.page.input_value("#link")
    assert link == own.page.url
    for address in ("#" + link.partition("#")[2], address_of({"at": {"step": 7}})):
        own.goto(address)
        assert (own.step(), own.stands("cost")) == (7, cost)


def test_one_example_makes_a_step_that_a_link_holds(opened_playground):
    own = opened_playground()
    own.press("epoch")
    own.press("example")
    own.wait_for_step(8)
    own.press("step")
    own.wait_for_step(9)
    cost = own.stands("cost")
    own.goto(address_of({"at": {"step": 9}, "edits": [[7]]}))
    assert (own.step(), own.stands("cost")) == (9, cost)
    own.goto(address_of({"at": {"step": 9}}))
    assert own.stands("cost") != cost


def test_a_change_of_the_rate_goes_on_and_a_link_holds_it(opened_playground):
    own = opened_playground()
    own.press("epoch")
    own.wait_for_step(7)
    rate = own.page.locator("#hyper").get_by_label("learning_rate", exact=True)
    before = own.stands("cost")
    rate.fill("0.1")
    rate.blur()
    own.press("epoch")
    own.wait_for_step(14)
    cost = own.stands("cost")
    state = {"at": {"step": 14}, "run": {"numbers": {"learning_rate": 0.1}}}
    held = {"numbers": {"learning_rate": 0.01}, "schedule": None, "l1": 0, "l2": 0}
    own.goto(address_of({**state, "edits": [[7, held]]}))
    assert (own.step(), own.stands("cost")) == (14, cost)
    own.page.locator("#course input[type=range]").fill("7")
    own.wait_for_step(7)
    assert own.stands("cost") == before
    own.goto(address_of(state))
    assert own.stands("cost") != cost


def test_it_begins_with_a_spiral_that_can_be_learnt(opened_playground):
    own = opened_playground("")
    own.press("epoch")
    own.wait_for_step(19)  # of 300 examples in batches of 16
    assert own.page.input_value("#training [name=speed]") == "1000"


def test_what_is_taken_back_stands_where_it_stood(opened_playground):
    own = opened_playground()
    own.press("epoch")
    own.wait_for_step(7)
    own.page.get_by_label("w1", exact=True).fill("0.5")
    own.page.keyboard.press("Enter")
    own.press("step")
    own.wait_for_step(8)
    cost = own.stands("cost")
    own.page.locator("#data .wing > .field select").select_option("xor")
    own.wait_for_step(0)
    own.page.click("#undo")
    own.wait_for_step(8)
    assert own.stands("cost") == cost
    own.press("reset")
    own.wait_for_step(0)
    own.page.click("#undo")
    own.wait_for_step(8)
    assert own.stands("cost") == cost
    own.page.click("#undo")  # the number that was typed
    own.wait_for_step(7)
