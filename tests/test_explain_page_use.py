"""The page in a real browser: its controls, what it may not do, who can read it."""

import itertools
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.explanation.page import SCRIPTS, page
from chainrule.explanation.page.drawn_units import drawn_units
from chainrule.explanation.page.page_data import visible
from chainrule.html_page.joined_scripts import inert_json
from pages import expected, explained, shown_lines
from strategies import problem

HOSTILE = ["</script><script>document.title='broken'</script>", "\u202eevil\u2028\x1b[31m"]


# Hands and keys


def test_a_click_explains_an_edge_and_lights_its_path(opened):
    own = opened(explained("w5"))
    assert own.pressed() == ["e/1/0/0"]
    edge = own.page.get_by_role("button", name=re.compile("^weight w4 from i2 to h2, 0.3"))
    edge.locator(".hit").dispatch_event("click")
    assert own.pressed() == ["e/0/1/1"]
    assert shown_lines(own) == expected(explained("w4"))
    path = own.lit("path")
    assert path >= {"e/0/1/1", "u/-1/1", "u/0/1", "e/1/0/1", "e/1/1/1", "u/1/0", "u/1/1", "C"}
    assert not path & {"e/0/0/0", "e/0/1/0", "e/1/0/0", "u/0/0"}
    own.page.get_by_role("button", name="explain b3").click()
    assert own.pressed() == ["b/1/0"]
    own.page.locator("#drawing [data-el='y/0'] rect").click()
    assert own.pressed() == ["C"]
    assert own.page.title() == "∂E_total/∂w5 — network 2-2-2, sigmoid, half_squared_error"


def test_keys_go_through_the_drawing(opened):
    own = opened(explained())
    own.page.locator("#drawing [tabindex='0']").focus()
    focus = "document.activeElement.dataset.el"
    seen = [own.page.evaluate(focus)]
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowLeft", "End", "Home", "ArrowDown"):
        own.page.keyboard.press(key)
        seen.append(own.page.evaluate(focus))
    assert len(own.elements("[tabindex='0']")) == 1
    assert seen[-3:] == ["C", "u/-1/0", "u/-1/1"]
    own.page.keyboard.press("ArrowRight")
    chosen = own.page.evaluate(focus)
    assert chosen.startswith("e/0/")
    own.page.keyboard.press("Enter")
    assert own.pressed() == [chosen]


def test_every_element_of_the_drawing_is_reached_by_keys(opened):
    own = opened(explained())
    own.page.locator("#drawing [tabindex='0']").focus()
    own.page.keyboard.press("Home")
    reached, focus = set(), "document.activeElement.dataset.el"
    for _ in range(12):
        for key in ("ArrowUp", "ArrowDown"):
            for _ in range(6):
                own.page.keyboard.press(key)
                reached.add(own.page.evaluate(focus))
        own.page.keyboard.press("ArrowRight")
    assert reached == own.elements("[data-el]")


def test_stepping_by_button_and_by_arrow_keys(opened):
    own = opened(explained())
    place = own.page.locator("#place")
    assert place.inner_text() == "10 steps"
    own.page.get_by_role("button", name="one step on").click()
    assert place.inner_text() == "step 1 of 10"
    said = own.page.locator("#said")
    assert said.inner_text() == "Forward · unit h1: net_h1 = 0.3775, out_h1 = 0.593269992"
    assert own.lit("path") == {"u/0/0", "u/-1/0", "u/-1/1", "e/0/0/0", "e/0/0/1", "b/0/0"}
    own.page.locator("body").press("ArrowRight")
    assert place.inner_text() == "step 2 of 10"
    own.page.locator("body").press("ArrowLeft")
    own.page.locator("body").press("ArrowLeft")
    assert place.inner_text() == "10 steps"
    own.page.get_by_role("button", name="to the end").click()
    assert said.inner_text() == "The update · weight w1 from i1 to h1: w1⁺ = 0.149780716"
    assert own.page.get_by_role("button", name="one step on").is_disabled()
    now = own.page.locator("#derivation .step.now")
    assert now.count() == 1
    own.page.get_by_role("button", name="to the start").click()
    own.page.get_by_role("button", name="play").click()
    assert place.inner_text() == "step 1 of 10"
    own.page.get_by_role("button", name="pause").click()
    assert own.page.get_by_role("button", name="play").count() == 1


def test_a_factor_and_its_edge_light_each_other(opened):
    own = opened(explained())
    own.page.locator("#derivation .numbers [data-el='e/1/1/0']").first.hover()
    assert own.lit("hovered") == {"e/1/1/0"}
    own.page.locator("#drawing [data-el='u/0/0'] circle").hover()
    lit = own.page.locator("#derivation .lit")
    assert {e.get_attribute("data-el") for e in lit.all()} == {"u/0/0"}
    own.page.locator("h1").hover()
    assert own.lit("hovered") == set()


# What it may not do


def test_nothing_but_its_own_script_and_style_is_allowed(opened):
    own = opened(explained())
    policy = own.page.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules.pop("script-src").startswith("'sha256-")
    assert rules.pop("style-src").startswith("'sha256-")
    assert set(rules.values()) == {"'none'"}
    assert set(rules) == {"default-src", "base-uri", "form-action"}
    before = set(own.page.evaluate("Object.keys(window)"))
    assert not before & {"page", "state", "net", "training", "Net", "compile"}
    text = page(explained()).replace("'wasm-unsafe-eval'", "")
    assert not re.search(
        r"\beval\b|innerHTML|insertAdjacent|document\.write|fetch\(|import\(", text
    )
    assert not re.search(r"https?://(?!www\.w3\.org/)", text)


def test_the_policy_is_at_work(browser, tmp_path):
    path = tmp_path / "changed.html"
    path.write_text(explained().html().replace("'use strict'", "'use  strict'"), encoding="utf-8")
    page = browser.new_page()
    messages = []
    page.on("console", lambda message: messages.append(message.text))
    page.goto(path.as_uri())
    assert any("Content Security Policy" in message for message in messages)
    assert page.locator("html[data-ready]").count() == 0
    page.close()


def test_hostile_names_are_inert(opened):
    explanation = explained(inputs=HOSTILE, outputs=HOSTILE[::-1])
    own = opened(explanation)
    assert own.page.title().startswith("∂E_total/∂w1")
    assert own.page.locator("script").count() == 3
    text = own.page.locator("#tables").inner_text()
    assert HOSTILE[0] in text
    assert not set("\u202e\u2028\x1b") & set(own.page.content())


@pytest.mark.parametrize("text", ["</script>", "<!--", "]]>", "\u2028", "&lt;", 'a"b\\'])
def test_json_that_cannot_end_its_element(text):
    written = inert_json({text: [text]})
    assert not set("<>&\u2028\u2029") & set(written)
    assert json.loads(written) == {text: [text]}


def test_what_changes_the_text_around_it_is_made_visible():
    assert visible("a\u202eb\ud800\n") == "a\ufffdb\ufffd\ufffd"
    assert visible("a\nb", keep="\n") == "a\nb"


# Sizes


def test_the_page_of_the_worked_example_is_small():
    assert len(explained().html().encode()) < 250_000


def test_no_script_is_long_and_each_is_used():
    assert len(set(SCRIPTS)) == len(SCRIPTS)
    text = page(explained())
    assert all(f"class {name}" in text for name in ("Net", "Training", "Drawing", "Values"))


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 2**32))
def test_what_is_drawn_holds_the_subject(inputs, width, seed):
    net = cr.Network(inputs, [cr.Dense(width, "tanh"), cr.Dense(2)], loss="squared_error")
    own = problem(net, n=2, seed=seed)
    last = f"w{inputs * width}"
    drawn = drawn_units(cr.explain(net, own.params, own.X, own.y, of=last).derivation)
    assert (0, width - 1, -1, inputs - 1) in {edge[:4] for edge in drawn.edges}
    assert inputs - 1 in drawn.units[0]
    assert width - 1 in drawn.units[1]
    for layer, j, of, k, _ in drawn.edges:
        assert j in drawn.units[layer + 1]
        assert k in drawn.units[of + 1]


# Any width, any reader


@pytest.mark.parametrize("make", [explained, lambda: explained(notation="pytorch")])
def test_nothing_is_cut_off_on_a_phone(opened, make):
    own = opened(make(), width=390, height=844)
    assert own.page.evaluate("document.documentElement.scrollWidth") == 390
    drawing = own.page.locator("#drawing svg").bounding_box()
    assert drawing["x"] >= 0
    assert drawing["x"] + drawing["width"] <= 390
    own.page.set_viewport_size({"width": 1280, "height": 800})
    own.page.wait_for_selector(f"#drawing svg:not([width='{round(drawing['width'])}'])")


def test_controls_have_names_and_headings_are_in_order(opened):
    own = opened(explained(inputs=["height", "weight"]))
    nameless = own.page.evaluate(
        """() => [...document.querySelectorAll(
            'button, input, select, [role=button], [role=region], table')]
          .filter((e) => !['aria-label', 'aria-labelledby'].some((name) => e.getAttribute(name)))
          .filter((e) => !(e.labels?.length || e.caption || e.textContent.trim()))
          .map((e) => e.outerHTML)"""
    )
    assert nameless == []
    levels = own.page.evaluate(
        "[...document.querySelectorAll('h1,h2,h3')].map((h) => Number(h.tagName[1]))"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))
    ids = own.page.evaluate("[...document.querySelectorAll('[id]')].map((e) => e.id)")
    assert len(ids) == len(set(ids))
    assert own.page.locator("[aria-live=polite]").count() == 1
    assert own.page.evaluate("document.documentElement.lang") == "en"


def test_without_a_script_the_derivation_is_there_as_text(browser, tmp_path):
    path = tmp_path / "plain.html"
    explanation = explained()
    path.write_text(explanation.html(), encoding="utf-8")
    context = browser.browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(path.as_uri())
    assert page.locator("noscript pre").inner_text().strip() == explanation.text().strip()
    assert page.locator("h1").inner_text().strip() == "∂E_total/∂w1"
    assert page.locator("main").is_hidden()
    context.close()


def test_on_paper_there_are_no_controls(opened):
    own = opened(explained())
    own.page.emulate_media(media="print")
    for control in ("#play", "#slider", "#subject", "#reset"):
        assert own.page.locator(control).is_hidden()
    for kept in ("#derivation .chain", "#drawing svg", "#tables table >> nth=0"):
        assert own.page.locator(kept).is_visible()


def test_rounds_must_be_a_number():
    with pytest.raises(ValueError, match="page: rounds must be"):
        explained().html(rounds=0)
