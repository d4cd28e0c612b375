"""The phrases of the working in every language: none is left in English."""

import functools
import json
import re

import pytest

from chainrule.activations import ACTIVATIONS
from chainrule.explanation.line_patterns import pattern_data
from chainrule.html_page.joined_scripts import file_of
from chainrule.network import REDUCTIONS
from chainrule.playground.choices import choices
from chainrule.playground.page_parts import LANGUAGES, PACKAGE
from playground_pages import address_of

OTHERS = LANGUAGES[1:]
LINES = {name: json.loads(file_of(PACKAGE, f"words/lines.{name}.json")) for name in OTHERS}
TABLES = {name: json.loads(file_of(PACKAGE, f"words/{name}.json")) for name in LANGUAGES}


def notes(part):
    """What stands beside formulas: in `[formula, note]` and `[key, formula, note, condition]`."""
    if isinstance(part, dict):
        part = [*part.values()]
    if not isinstance(part, list):
        return
    place = {2: 1, 4: 2}.get(len(part))
    if place and isinstance(part[0], list | None):
        note = part[place]
        holed = isinstance(note, list) and note and isinstance(note[0], str) and "{}" in note[0]
        yield from note[:1] if holed else [note] if isinstance(note, str) else []
    for each in part:
        yield from notes(each)


@functools.cache
def phrases():
    """All that Python's lines say in words."""
    made = pattern_data()
    found = {*notes([*made.values()]), *made["words"].values(), *REDUCTIONS}
    return {phrase for phrase in found - {*ACTIVATIONS} if re.search("[a-z]", phrase)}


def test_what_is_found_is_what_is_said_of_layers_losses_and_parts():
    assert {"for the softmax", "its variance", "the mean square", "silenced by dropout"} < phrases()


@pytest.mark.parametrize("language", OTHERS)
def test_every_phrase_is_said_in_every_language(language):
    table = LINES[language]
    assert [*table] == sorted(phrases())
    for phrase, said in table.items():
        assert said.count("{}") == phrase.count("{}")
        assert (said.strip() == said and said) or phrase[0] in " ,"


def dense(units, activation="tanh"):
    return ["dense", {"units": units, "activation": activation}]


def kind(name, **options):
    return [name, options]


NORMS = [kind("batch_norm"), kind("layer_norm"), kind("rms_norm"), kind("scale")]
GATED = [kind("dropout", rate=0.5), dense(4, "relu"), kind("dropout", rate=0.4)]
WITHIN = [kind("residual", layers=[dense(4, "leaky_relu")])]
NETWORKS = {
    "wide": {"net": {"layers": [dense(20), dense(2, "identity")]}},
    "norms": {
        "net": {"layers": [dense(4), *NORMS, dense(2, "identity")], "l2": 0.1, "l1": 0.01},
        "seen": {"subject": "b1"},
    },
    "gates": {
        "net": {"layers": [*GATED, *WITHIN, dense(2, "identity")], "loss": "cross_entropy(0.1)"},
        "seen": {"subject": "h2"},
    },
    "squares": {
        "net": {"layers": [dense(3, "softmax"), dense(1, "identity")], "loss": "huber"},
        "data": {"set": "plane", "n": 20},
        "run": {"frozen": ["0.W"]},
    },
    "two": {"net": {"layers": [dense(1, "identity")], "loss": "binary_cross_entropy"}},
}
"""Networks whose lines say all that lines can say."""
RARE = {
    *("the largest, taken off all", ", each 0", "a level has no slope"),
    "in bin {} of {}, from {} to {}",
    *("level {} of {}, from 0", "none of the {} levels: the mean of all"),
}
"""What needs large numbers, a unit that is silent, or a model of a table."""

TEXTS = """panel => {
  const walker = document.createTreeWalker(panel, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const { parentElement: own, data } = walker.currentNode;
    if (!own.closest('math') || own.localName === 'mtext') found.push(data);
  }
  return found;
}"""
"""What stands in a panel in words: formulas stay."""


@functools.cache
def own_words(language):
    """The words of a language, and the names of layers, which stay."""
    kinds = [name.replace("_", " ") for name in choices()["layers"]]
    said = [*TABLES[language].values(), *LINES[language].values(), *kinds]
    return {word for text in said for word in re.findall(r"[a-zäöüßáéíóúñ]{2,}", text.lower())}


def read_working(own, language):
    """The words of the panel once it is in a language, of its lines and of its matrices."""
    page = own.page
    page.select_option("#language", language)
    found = []
    for matrix in (True, False):
        page.set_checked("#working [name=matrix]", matrix)
        page.wait_for_selector("#working .matrices" if matrix else "#working details")
        found += page.locator("#working").evaluate(TEXTS)
    return found


def test_no_english_is_left_in_the_working(opened_playground):
    english = {*re.findall(r"[a-z]{2,}", " ".join(phrases() | {"rounded", "for"}).lower())}
    own, seen = opened_playground(), ""
    for title, state in NETWORKS.items():
        own.goto(address_of({"data": {"n": 40}, **state}))
        own.page.wait_for_selector("#working .lines[data-step='1'] li", state="attached")
        seen += " ".join(read_working(own, "en"))
        for language in OTHERS:
            text = " ".join(read_working(own, language)).lower()
            left = {*re.findall(r"[a-zäöüßáéíóúñ]{2,}", text)} & english
            assert left <= own_words(language), (title, language)
    unseen = {each for each in phrases() if each.partition("{")[0] not in seen}
    assert unseen == RARE
