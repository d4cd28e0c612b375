"""Lessons of the playground: each can be done, in four languages; texts of teachers."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from chainrule.demo import worked_example
from chainrule.engine.wasm.lowering_patterns import lowering_patterns
from chainrule.playground import LESSONS, lesson_texts
from chainrule.playground.choices import choices
from chainrule.playground.data.known_sets import known_sets
from chainrule.playground.data.table_rules import table_rules
from chainrule.playground.flow_rules import thresholds
from chainrule.playground.page_parts import LANGUAGES, LESSON_SCRIPTS, SCRIPTS, WINGS
from chainrule.playground.schedule_rules import schedule_rules
from wasm_cases import NODE, SOURCES

pytestmark = pytest.mark.skipif(NODE is None, reason="there is no Node")

PLAYGROUND = Path(__file__).parents[1] / "src/chainrule/playground"
DOCS = Path(__file__).parents[1] / "docs/start"
START = "title: A lesson\ndata.set = xor\n---\n"
TEXTS = {
    START
    + "Words.\n? Which?\n(x) this\n( ) that\n\n? How much?\n= 2 * weight w1 ± 5 % at step 3": None,
    "data.set = xor\n---\nWords.": ("lessons.no_title", 2),
    "title: A\ndata.set = xor\nWords.": ("lessons.no_change", 3),
    "title: A\nwindow.name = 1\n---\nWords.": ("lessons.no_path", 2),
    "title: A\ndata.set = <b>\n---\nWords.": ("lessons.no_change", 2),
    "title: A\n---\n\n\n": ("lessons.no_pages", 6),
    START + "Words.\n= cost ± 1": ("lessons.no_question", 5),
    START + "? How much?\n\nWords.": ("lessons.no_answer", 4),
    START + "? How much?\n= cost ± 1\n= step ± 1": ("lessons.two_answers", 6),
    START + "? How much?\n= luck ± 1": ("lessons.no_figure", 5),
    START + "? How much?\n= cost": ("lessons.no_figure", 5),
    START + "? Train.\n> cost": ("lessons.no_condition", 5),
    START + "? Train.\n> cost < little": ("lessons.no_figure", 5),
    START + "do: press play": ("lessons.no_change", 4),
    START + "highlight: the sky": ("lessons.no_part", 4),
    START + "Look.\nhighlight: units": None,
    "\ufefftitle: A\r\n# a comment\r\n---\r\nWords.\r\n": None,
    (DOCS / "playground.md")
    .read_text(encoding="utf-8")
    .split("```text\n")[1]
    .split("```")[0]: None,
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    rules = tmp_path_factory.mktemp("lessons") / "rules.js"
    rules.write_text(schedule_rules(), encoding="utf-8")
    own = [name for name in (*SCRIPTS, *LESSON_SCRIPTS) if name != "playground.js"]
    engine = ["wasm_engine.js", "run_edits.js", "wasm_run.js", "wasm_lowering.js"]
    scripts = [*(SOURCES / name for name in engine), rules, *(PLAYGROUND / name for name in own)]
    known = {
        "choices": choices(), "patterns": lowering_patterns(), "flow": thresholds(),
        "sets": known_sets(), "rules": table_rules(),
    }  # fmt: skip
    given = {"known": known, "lessons": {name: lesson_texts(name) for name in LESSONS}}
    command = [NODE, Path(__file__).with_name("playground_lessons.js"), *scripts]
    done = subprocess.run(
        [*command, SOURCES / "engine32.wasm", SOURCES / "engine64.wasm"],
        input=json.dumps({**given, "texts": [*TEXTS]}),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_what_can_be_meant_is_on_the_page():
    script = (PLAYGROUND / "lessons/lesson_text.js").read_text(encoding="utf-8")
    [names] = re.findall(r"LESSON_SECTIONS = \[(.*?)\]", script)
    assert {*re.findall(r"\w+", names)} == {w.id for w in WINGS} - {"lessons"} | {"training"}


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_can_be_done(results, name):
    answers = results["lessons"][name]["answers"]
    assert len(answers) >= 4
    for question, answer in answers:
        assert answer in ({"right": 1}, {"reached": True}) or answer["judged"] == [
            "right",
            "wrong",
        ], question


def structure(lesson):
    """A lesson without its words."""
    if isinstance(lesson, dict):
        left_out = ("title", "text", "question")
        return {k: "" if k in left_out else structure(own) for k, own in lesson.items()}
    return [structure(own) for own in lesson] if isinstance(lesson, list) else lesson


@pytest.mark.parametrize("name", LESSONS)
@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_a_lesson_in_another_language_asks_the_same(results, name, language):
    made = results["lessons"][name]
    other = made["translated"][language]
    assert structure(other) == structure(made["lesson"])
    lines = [line for line in lesson_texts(name)[language].splitlines() if line]
    said = json.dumps(other, ensure_ascii=False)
    assert all(json.dumps(line, ensure_ascii=False)[1:-1] in said for line in lines)
    assert other["title"] != made["lesson"]["title"]


def test_the_step_by_hand_has_the_tutorials_figures(results):
    numbers = [
        own["number"] for _, own in results["lessons"]["one-step"]["answers"] if "number" in own
    ]
    golden = [0.593269992, 0.298371109, 0.138498562, 0.082167041, 0.35891648, 0.291027924]
    assert numbers == pytest.approx(golden, abs=2e-5)
    assert worked_example.SGD.learning_rate == 0.5


def test_a_teachers_text_is_read_or_refused_by_its_line(results):
    for (text, expected), got in zip(TEXTS.items(), results["texts"], strict=True):
        if expected is None:
            assert got["pages"], text
        else:
            assert (got.get("refused"), got.get("line")) == expected, text


def test_what_a_teacher_writes_is_what_the_page_has(results):
    first = results["texts"][0]
    assert first["changes"] == [["data.set", "xor"]]
    (words, choice), (number,) = first["pages"]
    assert words == {"text": "Words."}
    assert [own["right"] for own in choice["answer"]["choices"]] == [True, False]
    assert number["answer"] == {
        "figure": {"name": "weight", "of": "w1", "times": 2}, "within": 0, "share": 0.05, "step": 3,
    }  # fmt: skip


def answer(page, question, text):
    place = page.locator(".question", has_text=question)
    place.locator("input").fill(text)
    place.get_by_role("button").click()
    return place.locator(".judged")


def test_a_lesson_drives_the_page(opened_playground, tmp_path):
    own = opened_playground()
    page = own.page
    page.select_option("#lessons [name=lesson]", "one-step")
    own.shown("cost", r"^0\.2984$")
    said = answer(page, "What is its activation", "0,5933")
    said.filter(has_text="Right.").wait_for()
    page.click("#lessons [name=next]")
    said = answer(page, "How large is it", "much")
    said.filter(has_text="“much” is no number.").wait_for()
    said = answer(page, "How large is it", "0.5")
    said.filter(has_text="Not so").wait_for()
    own.press("step")
    own.wait_for_step(1)
    said = answer(page, "How large is it", "0.2984")
    said.filter(has_text="about step 0").wait_for()
    own.press("reset")
    own.wait_for_step(0)
    said = answer(page, "How large is it", "0.2984")
    said.filter(has_text="Right.").wait_for()
    for _ in range(3):
        page.click("#lessons [name=next]")
    assert page.locator("#lessons .judged").nth(1).inner_text() == "Not reached yet."
    own.press("step")
    page.locator("#lessons .judged.true").wait_for()
    page.locator("#lessons .answered", has_text="3 of 9").wait_for()
    page.select_option("#language", "zh")
    assert "第 5 页" in page.inner_text("#lessons .turn")
    assert "手算一步反向传播" in page.inner_text("#lessons h3")

    page.select_option("#language", "en")
    own.press("step")
    own.wait_for_step(2)
    page.click("#lessons [name=again]")
    own.wait_for_step(0)
    page.select_option("#lessons [name=lesson]", "overfitting")
    page.locator("#lessons h3", has_text="Learning by heart").wait_for()
    own.press("step")
    own.wait_for_step(1)
    for _ in range(2):
        page.click("#lessons [name=next]")
    page.click("#lessons .do")  # a penalty, with which the training could go on
    own.wait_for_step(0)

    path = tmp_path / "own.txt"
    path.write_text(
        "title: <i>Mine</i>\nnet.layers = dense 3 relu, dense 2\n---\n? Go.\n> step > 1\n"
    )
    page.select_option("#language", "en")
    page.set_input_files("#lessons [type=file]", path)
    page.locator("#lessons h3", has_text="<i>Mine</i>").wait_for()
    path.write_text("title: Mine\n---\n? How much?\n")
    page.set_input_files("#lessons [type=file]", path)
    page.locator("#lessons .wrong", has_text="Line 3: the question has no answer").wait_for()
    assert page.inner_text("#lessons h3") == "<i>Mine</i>"
