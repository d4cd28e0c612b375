"""The panels of network, training and weights: what is added, typed and refused in them."""

import json
from itertools import zip_longest

import pytest

from chainrule.explanation.updates import FROZEN
from chainrule.playground.choices import choices
from page_scripts import NODE

pytestmark = pytest.mark.skipif(NODE is None, reason="there is no Node")

CHOICES = json.loads(json.dumps(choices()))
MENU = [kind for kind in CHOICES["layers"] if kind not in CHOICES["by_column"]]


def add(own, kind):
    own.page.select_option("#network .wing > .layers > .add select", kind)
    own.page.click("#network .wing > .layers > .add button")


def typed(own, label, text, place="#hyper"):
    field = own.page.locator(place).get_by_label(label, exact=True).first
    field.fill(text)
    field.press("Tab")
    return field


def wrong(own, text):
    own.page.locator(".wrong").filter(has_text=text).first.wait_for()


def kinds(own):
    return own.page.locator("#network .wing > .layers > ol > li > .head code").all_inner_texts()


def test_layers_of_every_kind_are_added_moved_and_removed(opened_playground):
    own = opened_playground()
    for kind in MENU:
        add(own, kind)
        own.trains()
    assert kinds(own) == ["dense", "dense", *MENU, "dense"]
    third = own.page.locator("#network .layer").nth(2)
    third.get_by_role("button", name="move towards the output").click()
    assert kinds(own)[2:4] == ["activate", "dense"]
    own.trains()
    first = own.page.locator("#network .layer").first
    while len(kinds(own)) > 1:
        first.get_by_role("button", name="remove").first.click()
    own.trains()
    first.get_by_role("button", name="remove").click()
    wrong(own, "There must be at least one layer; nothing is changed.")
    assert len(kinds(own)) == 1


def test_every_activation_loss_optimizer_and_schedule_trains(opened_playground):
    own = opened_playground()
    fields = [
        own.page.locator("#network [data-table=activation] select").first,
        own.page.locator("#hyper [data-table=loss] select").first,
        own.page.get_by_label("optimizer", exact=True),
    ]
    tables = [CHOICES[table] for table in ("activations", "losses", "optimizers")]
    for names in zip_longest(*tables):
        for field, name in zip(fields, names, strict=True):
            if name is not None:
                field.select_option(name)
        own.trains()
    for name in CHOICES["schedules"]:
        own.page.get_by_label("schedule of the rate", exact=True).first.select_option(name)
        goes_on(own)
    for label, text in (("l1", "0.01"), ("l2", "0.1"), ("batch", "1")):
        typed(own, label, text)
        goes_on(own)
    typed(own, "seed of the weights", "7")
    own.trains()


def goes_on(own):
    """Make a step of the run behind those that it has made."""
    step = own.step()
    assert step > 0
    own.press("step")
    own.wait_for_step(step + 1)
    assert own.page.inner_text("#wrong") == ""


@pytest.mark.parametrize(
    ("label", "text", "must"),
    [
        ("learning_rate", "fast", "a number ≥ 0"),
        ("beta1", "1", "a number ≥ 0, < 1"),
        ("batch", "0", "a whole number ≥ 1"),
        ("batch", "2.5", "a whole number ≥ 1"),
        ("l1", "-1", "a number ≥ 0"),
    ],
)
def test_a_number_that_does_not_fit_is_refused_and_stays(opened_playground, label, text, must):
    own = opened_playground()
    field = typed(own, label, text)
    wrong(own, f"{label} must be {must}, got “{text}”; nothing is changed.")
    assert field.input_value() == text
    assert own.page.is_disabled("#undo")
    own.trains()
    assert field.input_value() == text


def test_what_layers_may_not_be_is_refused(opened_playground):
    own = opened_playground()
    typed(own, "units", "0", "#network")
    wrong(own, "units must be a whole number ≥ 1, got “0”; nothing is changed.")
    last = own.page.locator("#network .layer").last
    last.get_by_label("activation").select_option("tanh")
    wrong(own, "The loss cross_entropy applies softmax itself")
    assert last.get_by_label("units").get_attribute("readonly") is not None
    own.page.get_by_label("optimizer", exact=True).select_option("sgd")
    typed(own, "dampening", "0.5")
    wrong(own, "Dampening is of a momentum without nesterov; nothing is changed.")
    own.trains()


def test_weights_are_read_changed_and_frozen(opened_playground):
    own = opened_playground()
    cell = own.page.get_by_label("w1", exact=True)
    cell.fill("0.25x")
    cell.press("Tab")
    wrong(own, "w1 must be a number, got “0.25x”; nothing is changed.")
    assert cell.input_value() == "0.25x"
    cell.fill("0.25")
    cell.press("Tab")
    own.page.get_by_label("frozen: all of them stay as they are").check()
    own.trains()
    assert cell.input_value() == "0.25"
    own.page.get_by_label("frozen: all of them stay as they are").uncheck()
    goes_on(own)
    assert cell.input_value() != "0.25"
    own.page.get_by_role("button", name="freeze w1: it stays as it is").click()
    other = own.page.get_by_label("w2", exact=True)
    first = cell.input_value(), other.input_value()
    goes_on(own)
    assert cell.input_value() == first[0]
    assert other.input_value() != first[1]
    own.page.locator("#working").get_by_text(FROZEN).first.wait_for()
    own.page.get_by_label("parameters").select_option("3")
    own.page.get_by_label("b9", exact=True).wait_for()
    own.page.select_option("#language", "zh")
    own.page.get_by_label("冻结：全部保持不变").wait_for()
