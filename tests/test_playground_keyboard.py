"""The playground by the keyboard alone: a learner's whole way, and what controls are called."""

import pytest

from chainrule.playground.page_parts import LANGUAGES
from playground_pages import START, address_of

XOR = address_of({"data": {"set": "xor"}})
TABLE = "a,b,kind\n1,2,one\n2,1,two\n3,5,one\n4,1,two\n5,2,one\n6,6,two\n"

SEEN = """() => {
  const own = document.activeElement;
  const style = getComputedStyle(own);
  const box = own.getBoundingClientRect();
  const bar = document.getElementById('training');
  const covered = bar.contains(own) ? 0 : Math.max(0, bar.getBoundingClientRect().bottom);
  const drawn = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1;
  return own === document.body
    || (drawn && box.bottom > (own.closest('header') ? 0 : covered) && box.top < innerHeight
      && box.width > 0 && box.height > 0);
}"""
"""Whether what has the focus says so, and is on the screen, not below the bar that stays there."""


class Keys:
    """A reader without a pointer."""

    def __init__(self, own):
        self.page = own.page

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def reach(self, selector, key="Tab", most=250):
        """Go on until something has the focus; at each stop one must see where one is."""
        for _ in range(most):
            self.press(key)
            where = self.page.evaluate("document.activeElement.outerHTML.slice(0, 160)")
            assert self.page.evaluate(SEEN), where
            found = "selector => document.activeElement.matches(selector)"
            if self.page.evaluate(found, selector):
                return
        raise AssertionError(f"{selector} is not reached by {key}")

    def choose(self, value, most=40):
        """Go down or up a list until a value is chosen."""
        for key in ("ArrowDown", "ArrowUp"):
            for _ in range(most):
                if self.page.evaluate("document.activeElement.value") == value:
                    return
                self.press(key)
        raise AssertionError(f"{value} is not reached")

    def write(self, text):
        self.press("Control+a")
        self.page.keyboard.type(text)


def test_the_way_of_a_learner(opened_playground):
    own = opened_playground(XOR)
    keys, page = Keys(own), own.page

    keys.reach("#data .wing > .field select")
    keys.choose("spiral")
    assert page.input_value("#data .wing > .field select") == "spiral"

    keys.reach("#network .layers > .add select")
    keys.choose("dropout")
    keys.press("Tab", "Enter")
    kinds = page.locator("#network .wing > .layers > ol > li > .head code")
    assert kinds.all_inner_texts() == ["dense", "dense", "dropout", "dense"]

    keys.reach("[name=play]", "Shift+Tab")
    keys.press("Enter")
    own.shown("at_step", r"\d\d")
    keys.press("Enter")
    page.wait_for_selector("[name=play][data-playing=false]")

    keys.reach("#units .units button")
    keys.press("ArrowRight", "ArrowDown", "Enter")
    page.wait_for_selector("#units [aria-pressed=true][value=h2]", state="attached")

    keys.reach("#course [type=range]")
    keys.press("Home")
    own.wait_for_step(0)
    keys.press("ArrowRight", "ArrowRight", "ArrowRight")
    own.wait_for_step(3)

    keys.reach("#working [name=kind]")
    keys.choose("w")
    keys.press("Tab")
    keys.write("5")
    keys.press("Enter")
    lines = page.locator("#working .lines")
    page.wait_for_selector("#working .lines[data-step='4'] details[open] li")
    keys.reach("#working summary")
    before = lines.locator("details[open]").count()
    keys.press("Enter")
    assert lines.locator("details[open]").count() == before - 1
    keys.press("Enter")
    assert lines.locator("details").last.locator(".symbol").last.text_content() == "w5+"


def test_a_weight_and_a_table_are_typed(opened_playground):
    own = opened_playground(XOR)
    keys, page = Keys(own), own.page
    keys.reach("#weights td input")
    keys.write("0.25")
    keys.press("Enter")
    assert page.evaluate("document.activeElement.value") == "0.25"

    keys.reach("#data .wing > .field select", "Shift+Tab")
    keys.choose("own")
    keys.reach("#data textarea")
    page.keyboard.insert_text(TABLE)
    keys.press("Tab", "Enter")
    own.wait_for_step(0)
    assert "kind" in page.inner_text("#data .chosen")
    keys.reach("[name=step]", "Shift+Tab")
    keys.press("Enter")
    own.wait_for_step(1)


NAMED = {
    "button", "combobox", "textbox", "checkbox", "radio", "slider", "spinbutton", "img", "region",
    "DisclosureTriangle", "listbox", "table", "image",
}  # fmt: skip


def unnamed(page):
    """What a screen reader would call nothing."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    roles = [
        (own["role"]["value"], own.get("name", {}).get("value", "").strip())
        for own in nodes
        if not own["ignored"]
    ]
    found = [(role, name) for role, name in roles if role in NAMED]
    assert len(found) > 100
    return [role for role, name in found if not name]


STATES = {
    "a plane": {},
    "a table": {
        "data": {"set": "own", "own": {"id": "t", "name": "t", "text": TABLE, "y": "kind",
                 "kind": "classes", "uses": {"a": "x", "b": "x", "kind": "x"}}},
    },
    "digits": {"data": {"set": "digits"}, "net": {"layers": [["dense", {"units": 10}]]}},
    "a lesson": {"seen": {"lesson": {"name": "xor", "page": 1}, "matrix": True}},
}  # fmt: skip


@pytest.mark.parametrize("what", STATES)
def test_every_control_has_a_name(opened_playground, what):
    own = opened_playground(address_of(STATES[what]) if STATES[what] else START)
    for details in own.page.locator("details").all():
        details.evaluate("own => { own.open = true; }")
    for language in LANGUAGES:
        own.page.select_option("#language", language)
        assert unnamed(own.page) == [], language


def test_keys_go_through_the_lessons_and_begin_none(opened_playground):
    own = opened_playground(XOR)
    keys, page = Keys(own), own.page
    own.press("step")
    own.wait_for_step(1)
    keys.reach("#lessons [name=lesson]")
    keys.press("ArrowDown", "ArrowDown", "ArrowDown")
    assert page.locator("#lessons h3").count() == 0
    assert own.step() == 1
    keys.press("Enter")
    page.locator("#lessons h3", has_text="learning rate").wait_for()
    own.wait_for_step(0)
    keys.press("ArrowUp", "Tab", "Enter")
    page.locator("#lessons h3", has_text="XOR").wait_for()
    assert page.evaluate("document.activeElement.localName") == "h3"
    page.click("#undo")
    page.click("#undo")
    own.wait_for_step(1)
    assert page.locator("#lessons h3").count() == 0
