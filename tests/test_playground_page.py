"""The page of the playground: its size, languages, keyboard, and what it asks for."""

import json
import re

import pytest

from chainrule.html_page.joined_scripts import file_of
from chainrule.playground import playground
from chainrule.playground.page_parts import LANGUAGES, PACKAGE, WINGS, page_script, worker_script

TABLES = {name: json.loads(file_of(PACKAGE, f"words/{name}.json")) for name in LANGUAGES}
KILOBYTES = 600
OWN = {"en": "Play", "de": "Start", "es": "Iniciar", "zh": "播放"}


def holes(sentence):
    return sorted(set(re.findall(r"\{(\w+)\}", sentence)))


def test_it_is_small_and_the_same_each_time(playground_file):
    assert playground_file.stat().st_size <= KILOBYTES * 1000
    assert playground_file.read_text(encoding="utf-8") == playground()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_sentence_with_its_holes(language):
    table = TABLES[language]
    assert [*table] == sorted(TABLES["en"])
    assert {word: holes(said) for word, said in table.items()} == {
        word: holes(said) for word, said in TABLES["en"].items()
    }
    assert all(said.strip() == said != "" for said in table.values())


def test_one_and_several_are_said_of_numbers_that_are_there():
    for word, said in ((w, s) for table in TABLES.values() for w, s in table.items()):
        rest = re.sub(r"\{(\w+):[^|{}]+\|[^|{}]+\}", r"", said)
        assert {*re.findall(r"\{(\w+):", said)} <= {*holes(rest)}, word
        assert re.sub(r"\{\w+\}", "", rest).find("{") < 0, word


def test_a_wing_has_a_title():
    assert {f"{wing.id}.title" for wing in WINGS} <= {*TABLES["en"]}


def test_what_html_says_there_is():
    page = file_of(PACKAGE, "playground.html")
    assert {*re.findall(r'data-(?:say|label|hint)="([\w.]+)"', page)} <= {*TABLES["en"]}


def test_it_loads_nothing_from_elsewhere(playground_file):
    text = playground_file.read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert not re.search(r"""(?:src|href)=["']|@import|url\(""", text)
    for script in (page_script(), worker_script()):
        assert not re.search(r"\bfetch\(|XMLHttpRequest|localStorage|indexedDB|cookie", script)


def test_languages(opened_playground):
    own = opened_playground()
    for language in LANGUAGES:
        own.page.select_option("#language", language)
        assert own.page.get_attribute("html", "lang") == language
        own.page.get_by_role("button", name=OWN[language], exact=True).wait_for()
        empty = own.page.locator("[data-say]:empty")
        assert empty.count() == 0
        assert TABLES[language]["training.at_step"] in own.page.inner_text("#training")


def test_a_reader_gets_the_language_of_the_browser(browser, playground_file):
    context = browser.browser.new_context(locale="de-AT")
    page = context.new_page()
    page.goto(playground_file.as_uri())
    page.wait_for_selector("html[lang=de]", state="attached")
    page.wait_for_selector("html[data-ready]", state="attached")
    context.close()


def test_by_keyboard_alone(opened_playground):
    own = opened_playground()

    def reach(name, key):
        for _ in range(60):
            own.page.keyboard.press(key)
            if own.page.evaluate("document.activeElement.name") == name:
                return
        raise AssertionError(f"{name} is not reached by {key}")

    reach("step", "Tab")
    own.page.keyboard.press("Enter")
    own.wait_for_step(1)
    reach("play", "Shift+Tab")
    own.page.keyboard.press("Space")
    own.page.wait_for_selector("[name=play][data-playing=true]")
    own.page.keyboard.press("Space")
    own.page.wait_for_selector("[name=play][data-playing=false]")
    said = own.page.inner_text("#training .said")
    assert re.fullmatch(r"Step [\d,]+: the cost is .* in training and .* in the test\.", said)


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_nothing_is_wider_than_the_screen(opened_playground, width, height):
    own = opened_playground(width=width, height=height)
    for language in LANGUAGES:
        own.page.select_option("#language", language)
        for scheme in ("light", "dark"):
            own.page.emulate_media(color_scheme=scheme)
            wide = own.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, (language, scheme)


IN_SIGHT = ("[name=play]", "#outcome canvas", "#units canvas", "#course canvas", "[name=cost]")


def test_all_that_matters_is_in_sight_at_once(opened_playground):
    own = opened_playground(address="")
    for language in LANGUAGES:
        own.page.select_option("#language", language)
        for selector in IN_SIGHT:
            box = own.page.locator(selector).first.bounding_box()
            assert box["y"] >= 0, (language, selector)
            assert box["y"] + box["height"] <= 800, (language, selector)
