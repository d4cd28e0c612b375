"""Bad input on the page of the playground: its sentence in each language, and nothing is lost."""

import json
import re
from importlib import resources

import pytest

import chainrule as cr
from chainrule.html_page.joined_scripts import file_of
from chainrule.playground.page_parts import LANGUAGES, PACKAGE
from playground_pages import Playground, address_of

TABLES = {name: json.loads(file_of(PACKAGE, f"words/{name}.json")) for name in LANGUAGES}
BEGUN = address_of({"seen": {"language": "en"}})
TOML = resources.files("chainrule.explanation.examples").joinpath("2-2-2.toml").read_text("utf-8")


def said(language, word):
    """What a sentence looks like in a language, whatever stands in its holes."""
    return re.sub(r"\\\{\w+\\\}", "(.*)", re.escape(TABLES[language][word]))


def in_each_language(own, place, *words):
    """Hold the sentences at a place to those of the words, one behind the other."""
    for language in LANGUAGES:
        own.page.select_option("#language", language)
        text = own.page.inner_text(place)
        pattern = r"\s*".join(said(language, word) for word in words)
        assert re.fullmatch(pattern, text), (language, words, text)
        assert "undefined" not in text
        assert not re.search(r"\{\w+\}", text), text
    own.page.select_option("#language", "en")


def network(own):
    """What the page is in."""
    shown = own.page.evaluate("""() => {
      const fields = document.querySelectorAll(':is(#network, #hyper) select');
      return [document.querySelector('#data > .wing > p.note').textContent,
        document.querySelectorAll('#network code').length, ...[...fields].map((own) => own.value)];
    }""")
    return own.stands("cost"), own.stands("at_step"), *shown


TYPED = r"""(typed) => {
  const fields = [...document.querySelectorAll('.field input[inputmode=decimal]')]
    .filter((own) => own.checkVisibility() && !own.readOnly);
  return fields.map((own) => {
    own.value = typed;
    own.dispatchEvent(new Event('change'));
    const wrong = document.getElementById(`wrong-${own.id.split('-')[1]}`);
    const label = document.querySelector(`label[for="${own.id}"]`).textContent;
    return { label, said: wrong.hidden ? '' : wrong.textContent, kept: own.value };
  });
}"""


@pytest.mark.parametrize("typed", ["", "much", "1e999", "0x10", "1.2.3", "NaN"])
def test_what_is_no_number_or_none_that_may_stand_there(shared, typed):
    before = network(shared)
    for language in LANGUAGES:
        shared.page.select_option("#language", language)
        made = shared.page.evaluate(TYPED, typed)
        assert len(made) > 30
        for field in made:
            match = re.fullmatch(said(language, "check.number"), field["said"])
            assert match, (language, field)
            assert match[1] == field["label"]
            assert match[3] == typed
            assert field["kept"] == typed
    shared.page.select_option("#language", "en")
    assert network(shared) == before


@pytest.fixture(scope="module")
def module_page(browser, playground_file):
    own = Playground(browser, playground_file, BEGUN)
    yield own
    own.close()


@pytest.fixture
def shared(module_page):
    """The page as it starts, opened once for all: what is refused leaves nothing behind."""
    module_page.page.evaluate(f"location.hash = '{BEGUN}'")
    module_page.wait_for_step(0)
    return module_page


TEXTS = {
    "csv.one_column": "hello world",
    "csv.empty": "a,b\n",
    "csv.quote": 'a,b\n1,"2\n3,4',
    "csv.after_quote": 'a,b\n1,"2"x\n',
    "csv.columns": ",".join(map(str, range(2000))),
    "table.no_columns": "a,b\n,\n,\n",
    "table.one_class": "x,y\n1,p\n2,p",
    "table.no_inputs": "x,y\na,b\na,c",
}


LATER = {"table.one_class", "table.no_inputs"}
"""What another choice of columns mends: the table is shown."""


def test_texts_that_are_no_table(shared):
    before = network(shared)
    for word, text in TEXTS.items():
        shared.page.select_option("#data .wing > .field select", "own")
        shared.page.fill("#data textarea", text)
        shared.page.click("#data .own > button")
        shared.page.wait_for_function(
            "() => !document.querySelector('#data [aria-live]').textContent"
        )
        in_each_language(shared, "#wrong" if word in LATER else "#data .own > .wrong", word)
        assert shared.page.input_value("#data textarea") == text
        if word not in LATER:
            assert network(shared) == before


STATE = address_of({"data": {"set": "circles"}, "at": {"step": 14}})
ADDRESSES = {
    "address.cut": [STATE[:-9], STATE[:8] + "x" + STATE[9:], STATE.upper(), "#1", "#1."],
    "address.newer": [address_of({}, version=2), "#99"],
    "address.unknown": [
        "#top",
        "#%",
        address_of([1]),
        address_of({"data": "spiral"}),
        address_of({"data": {"n": 1e12}}),
        address_of({"net": {"layers": [["dense", {"units": 0}]]}}),
        address_of({"net": {"layers": [["no such", {}]]}}),
        address_of({"net": {"loss": "constructor"}}),
        address_of({"run": {"optimizer": "toString"}}),
        address_of({"run": {"schedule": ["cosine", {"rate": 1}]}}),
        address_of({"edits": [[0, 1]]}),
        address_of({"seen": {"lesson": "xor"}}),
    ],
}


@pytest.mark.parametrize("word", ADDRESSES)
def test_addresses_that_come_while_the_page_is_open(shared, word):
    shared.press("step")
    shared.wait_for_step(1)
    before = network(shared)
    made = {"at": {"step": 1}, "seen": {"language": "en"}}
    shared.wait_for_address(made)
    for address in ADDRESSES[word]:
        shared.page.evaluate("given => { location.hash = given; }", address)
        kept = f"{shared.url}{address}"
        shared.page.wait_for_function(
            "given => document.getElementById('kept-address').value === given", arg=kept
        )
        shared.wait_for_address(made)
        assert network(shared) == before
    for language in LANGUAGES:
        shared.page.select_option("#language", language)
        why = TABLES[language][word]
        expected = TABLES[language]["address.stays"].replace("{why}", why)
        assert shared.page.inner_text("#kept-why") == expected
    shared.page.select_option("#language", "en")
    shared.page.evaluate("given => { location.hash = given; }", STATE)
    shared.wait_for_step(14)
    assert shared.page.is_hidden("#kept")


@pytest.mark.parametrize("added", [".", ")", "]", ">.", "%20", "%0A", "&utm_source=mail", "”"])
def test_what_other_programs_add_to_an_address_is_not_of_it(shared, added):
    shared.page.evaluate("given => { location.hash = given; }", STATE + added)
    shared.wait_for_step(14)
    assert shared.page.is_hidden("#kept")


def test_an_address_of_which_signs_are_written_by_their_codes(shared):
    coded = STATE.replace(".", "%2E").replace("-", "%2d").replace("_", "%5F")
    shared.page.evaluate(
        "given => { location.hash = given; }", coded[:20] + "%20%0d%0a" + coded[20:]
    )
    shared.wait_for_step(14)


def test_back_and_forward_go_to_the_states_that_were_opened(shared):
    shared.press("step")
    shared.wait_for_step(1)
    shared.page.wait_for_timeout(300)
    shared.page.evaluate("given => { location.hash = given; }", STATE)
    shared.wait_for_step(14)
    shared.page.go_back()
    shared.wait_for_step(1)
    shared.page.go_forward()
    shared.wait_for_step(14)
    assert shared.page.is_hidden("#kept")


HEAD = "title: A lesson\n"
LESSONS = {
    "data.set = xor\n---\nWords.": ["lessons.no_title"],
    HEAD + "data.set = xor\nWords.": ["lessons.no_change"],
    HEAD + "window.name = 1\n---\nWords.": ["lessons.no_path"],
    HEAD + "---\n\n": ["lessons.no_pages"],
    HEAD + "---\n= cost ± 1": ["lessons.no_question"],
    HEAD + "---\n? How much?\n\nWords.": ["lessons.no_answer"],
    HEAD + "---\n? How much?\n= cost ± 1\n= step ± 1": ["lessons.two_answers"],
    HEAD + "---\n? How much?\n= luck ± 1": ["lessons.no_figure"],
    HEAD + "---\n? Train.\n> cost": ["lessons.no_condition"],
    HEAD + "---\nhighlight: the sky": ["lessons.no_part"],
    HEAD + "net.layer = 1\n---\nWords.": ["lessons.line", "network.unknown"],
    HEAD + "net.layers = dense 2 tanhh\n---\nWords.": ["lessons.line", "network.unknown"],
    HEAD + "net.layers = dens 2\n---\nWords.": ["lessons.line", "run.kind"],
    HEAD + "net.layers = dense 0\n---\nWords.": ["lessons.line", "check.number"],
    HEAD + "data.n = many\n---\nWords.": ["lessons.line", "check.form"],
    HEAD + "data.set = moons\n---\nWords.": ["lessons.line", "data.unknown"],
    HEAD + "data.a.b = 1\n---\nWords.": ["lessons.line", "check.form"],
    HEAD + "---\ndo: run.numbers.momentum = 2": ["lessons.line", "network.unknown"],
    HEAD + "---\ndo: run.batch = 0": ["lessons.line", "check.number"],
}


def test_lessons_that_are_none(shared, tmp_path):
    before = network(shared)
    path = tmp_path / "lesson.txt"
    for text, words in LESSONS.items():
        path.write_text(text, encoding="utf-8")
        shared.page.set_input_files("#lessons [type=file]", path)
        shared.page.wait_for_function("() => document.querySelector('#lessons .wrong').textContent")
        in_each_language(shared, "#lessons .wrong", "lessons.refused", *words)
        path.write_text(HEAD + "run.optimizer = sgd\nrun.numbers = {}\n---\nWords.", "utf-8")
    assert network(shared) == before
    shared.page.set_input_files("#lessons [type=file]", path)
    shared.page.locator("#lessons h3", has_text="A lesson").wait_for()
    assert shared.page.inner_text("#lessons .wrong") == ""


def test_files_that_are_none_of_ours(shared, tmp_path):
    net = cr.Network(3, [cr.Dense(2)], "cross_entropy")
    cr.save(tmp_path / "good.model", net, net.init(0))
    good = (tmp_path / "good.model").read_bytes()
    files = {
        "x.toml": [
            ("no toml [", "files.toml"),
            ("layers = [2, 2]", "files.key_missing"),
            (TOML + "\nlayer = 1", "files.key_unknown"),
            (TOML + "\nloss = 'half_squared_error'", "files.toml_twice"),
            (TOML.replace("half_squared_error", "no_error"), "files.name"),
            (TOML.replace("[[0.35, 0.35], [0.60, 0.60]]", "['much']"), "files.key"),
        ],
        "x.model": [
            ("no model", "files.no_model"),
            (good[:-9], "files.cut"),
            (good[:-9] + b"x" + good[-8:], "files.damaged"),
            (good, "files.other_inputs"),
        ],
    }
    before = network(shared)
    for name, contents in files.items():
        for content, word in contents:
            path = tmp_path / name
            path.write_bytes(content.encode() if isinstance(content, str) else content)
            shared.page.set_input_files("#files [type=file]", path)
            shared.page.wait_for_function(
                "() => document.querySelector('#files .wrong').textContent"
            )
            in_each_language(shared, "#files .wrong", "files.refused", word)
            assert network(shared) == before
            shared.page.evaluate("document.querySelector('#files .wrong').textContent = ''")


def test_what_a_network_may_not_be(shared):
    page = shared.page
    before = network(shared)
    last = page.locator("#network .layer").last
    last.get_by_label("activation").select_option("tanh")
    assert re.fullmatch(
        said("en", "network.link"), last.locator(".wrong:not([hidden])").inner_text()
    )
    for _ in range(2):
        page.locator("#network [data-act=remove]").first.click()
    page.locator("#network [data-act=remove]").click()
    in_each_language(shared, "#network .wing > .layers > .wrong", "network.one_layer")
    for _ in range(2):
        page.click("#undo")
    page.locator("#data .features input").nth(0).uncheck()
    page.locator("#data .features input").nth(1).click()
    in_each_language(shared, "#data .features .wrong:not([hidden])", "data.no_features")
    page.click("#undo")
    shared.page.wait_for_timeout(400)
    assert network(shared) == before
