"""What cannot be used is said on the page of the playground, and nothing typed is lost."""

import pytest

import chainrule as cr
from chainrule.explanation.network_file import network_path, read_network_file
from chainrule.playground import playground
from chainrule.playground.start_state import of_network_file
from playground_pages import address_of

STATE = address_of({"data": {"set": "circles"}, "at": {"step": 14}})
ADDRESSES = {
    "cut short": (STATE[:-9], "The address was cut short"),
    "changed": (STATE[:8] + "x" + STATE[9:], "The address was cut short"),
    "of a newer version": (address_of({"at": {"step": 1}}, version=2), "of a newer version"),
    "of something else": ("#top", "holds no state"),
}


@pytest.mark.parametrize("what", ADDRESSES)
def test_an_address_that_holds_no_state_is_kept(opened_playground, what):
    address, sentence = ADDRESSES[what]
    own = opened_playground(address)
    assert sentence in own.page.inner_text("#kept-why")
    assert own.page.input_value("#kept-address") == own.url + address
    assert own.step() == 0
    own.page.select_option("#language", "de")
    assert "Die Adresse" in own.page.inner_text("#kept-why")
    own.press("step")
    own.wait_for_step(1)


def test_an_address_that_is_whole_is_not(opened_playground):
    own = opened_playground(STATE)
    assert own.page.is_hidden("#kept")
    assert own.step() == 14


def test_what_needs_a_run_is_out_of_reach_without_one(opened_playground):
    lost = {"set": "own", "own": {"id": "x", "name": "x", "uses": {}, "y": "y"}}
    own = opened_playground(address_of({"data": lost}))
    assert "does not hold" in own.page.inner_text("#wrong")
    inert = "['training', 'weights', 'working'].map((id) => document.getElementById(id).inert)"
    assert own.page.evaluate(inert) == [True] * 3
    own.page.select_option("#data .wing > .field select", "xor")
    own.trains()
    assert own.page.evaluate(inert) == [False] * 3


LACKING = {
    "DecompressionStream": "delete globalThis.DecompressionStream",
    "WebAssembly SIMD": "WebAssembly.validate = () => false",
    "Worker": "delete globalThis.Worker",
    "Worker, which is refused": "globalThis.Worker = class { constructor() { throw Error(); } }",
    "Worker, which ends": "globalThis.Worker = class { postMessage() { "
    "setTimeout(() => this.onerror(new ErrorEvent('error', { message: 'no' }))); } }",
    "WebAssembly": "globalThis.Worker = class { postMessage({ id }) { setTimeout(() => "
    "this.onmessage({ data: { id, kind: 'refused', what: { why: 'no' } } })); } }",
}


@pytest.mark.parametrize("what", LACKING)
def test_a_browser_that_lacks_something(browser, playground_file, what):
    page = browser.new_page()
    page.add_init_script(LACKING[what])
    messages = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.goto(playground_file.as_uri())
    said = page.locator("#wrong")
    said.filter(has_text=f"this one lacks {what.partition(',')[0]}.").wait_for()
    page.close()
    assert messages == []


def test_a_browser_without_scripts(browser, playground_file):
    context = browser.browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(playground_file.as_uri())
    assert "trains networks by its script" in page.inner_text("body")
    assert page.locator("noscript pre").count() == 0
    context.close()


def test_a_network_without_scripts_is_worked_out_in_text(browser, tmp_path):
    file = read_network_file(network_path("2-2-2"))
    path = tmp_path / "playground.html"
    path.write_text(playground(of_network_file(file)), encoding="utf-8")
    context = browser.browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(path.as_uri())
    said = page.locator("noscript pre").inner_text()
    assert said.strip() == cr.explain(*file[:4], **file.options(), of="w1").text().strip()
    context.close()
