"""Names that others chose are inert in every form, and shown as they were typed."""

import html
import json
import re
import shutil
import subprocess
import unicodedata
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

import chainrule as cr
from chainrule.explanation import escaping
from chainrule.explanation.text import Text

HOSTILE = [
    "<script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    r"\write18{rm}",
    r"\input{/etc/passwd}",
    "$x$ $$y$$",
    r"\(x\)",
    "a_b^c~d%e&f#g{h}",
    "| cell | `code` | *bold* |",
    "[link](http://a.example)",
    "![image](http://a.example)",
    "www.a.example",
    "\x1b[31mred\x1b[0m",
    "\x9b31m",
    "two\nlines\r\nand\ta tab",
    "\u202egnp.exe\u2066",
    "zero\u200bwidth",
    "Größe, naïve, Łódź, σ ≤ ½",
    "猫 🐈",
    'it\'s "quoted" -- and `so`',
    "",
]


def explained(name):
    net = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
    params = net.parameters([([[0.5]], [0.25])])
    return cr.explain(net, params, [3.0], [1.0], of="w1", inputs=[name], outputs=["tail"])


def steering(text):
    """The characters that only steer, a line break apart."""
    return {c for c in text if unicodedata.category(c) in ("Cc", "Cf") and c != "\n"}


class Reader(HTMLParser):
    """The tags, attributes and text of a page."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.text = set(), set(), ""

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.text += data


def read(text):
    reader = Reader()
    reader.feed(text)
    return reader


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_adds_nothing_but_its_text(name):
    usual, given = explained("plain"), explained(name)
    shown = escaping.plain(name)
    for usual_form, form in (
        (usual._repr_html_(), given._repr_html_()),
        (rendered(usual.markdown()), rendered(given.markdown())),
    ):
        before, after = read(usual_form), read(form)
        assert (after.tags, after.attributes) == (before.tags, before.attributes)
        assert after.text.replace(shown, "plain", 1) == before.text or not shown
    assert given.text().replace(f"3   {shown}", "3   plain") == usual.text()
    assert len(given.latex().splitlines()) == len(usual.latex().splitlines())


def rendered(text):
    """What CommonMark with tables makes of a text, as GitHub does."""
    return MarkdownIt("commonmark").enable("table").render(text)


@pytest.mark.parametrize("name", HOSTILE)
def test_no_form_has_a_character_that_steers(name):
    explanation = explained(name)
    for form in (
        explanation.text(),
        explanation.latex(),
        explanation.markdown(),
        explanation._repr_html_(),
        "".join(cell for c in json.loads(explanation.notebook())["cells"] for cell in c["source"]),
    ):
        assert not steering(form.replace("\u2061", ""))


def test_the_search_for_steering_characters_finds_them():
    assert steering("\x1b[31m\u202e") == {"\x1b", "\u202e"}


@given(st.text())
def test_html_reads_back_as_plain(text):
    assert html.unescape(escaping.html(text)) == escaping.plain(text)
    assert not set(escaping.html(text)) & set("<>\"'")


@given(st.text())
def test_markdown_reads_back_as_plain(text):
    escaped = escaping.markdown(text)
    assert html.unescape(escaped) == escaping.plain(text)
    assert read(rendered(f"x {escaped}")).tags == {"p"}
    assert not set(escaped) & set("<>`*_[]$|\\~")


@given(st.text())
def test_plain_is_one_line_and_stays_as_it_is(text):
    plain = escaping.plain(text)
    assert len(plain.splitlines()) <= 1
    assert not steering(plain)
    assert escaping.plain(plain) == plain


COMMANDS = {rf"\{c}" for c in "{}_$&%#`'^\"~=ur.Hc"} | {
    r"\textbackslash",
    r"\textasciitilde",
    r"\textasciicircum",
    r"\textless",
    r"\textgreater",
    r"\textbar",
    r"\dots",
    *(rf"\{c}" for c in ("ss", "ae", "AE", "o", "O", "l", "L", "v")),
}


@given(st.text())
def test_latex_has_no_command_but_those_for_letters(text):
    escaped = escaping.latex(text)
    assert escaped.isascii()
    outside = re.sub(r"(?<!\\)\$[^$]*\$", "", escaped)
    assert set(re.findall(r"\\(?:[A-Za-z]+|.)", outside)) <= COMMANDS
    assert not re.search(r"(?<!\\)[%&#_$~]", re.sub(r"\\[=\"~^'`.]", "", outside))


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex is not installed")
def test_latex_shows_every_letter_of_a_name(tmp_path):
    letters = [chr(k) for k in range(32, 0x250)] + list(escaping.SIGNS) + HOSTILE
    rows = "\n\n".join(map(escaping.latex, letters))
    text = (
        rf"\documentclass{{article}}\usepackage{{amsmath}}\begin{{document}}{rows}\end{{document}}"
    )
    (tmp_path / "it.tex").write_text(text, encoding="ascii")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "it"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    log = (tmp_path / "it.log").read_text("latin-1")
    assert done.returncode == 0, log[-2000:]
    assert not re.findall(r"^(?:Missing character|LaTeX .*Warning).*", log, re.M)


def test_the_legend_names_what_the_working_has():
    net = cr.Network(2, [cr.Dense(2, "sigmoid"), cr.Dense(1)], loss="half_squared_error")
    params = net.init(0, "float64")
    names = {"inputs": ["height", "weight"], "outputs": ["age"]}
    one = cr.explain(net, params, [0.5, 2.0], [1.0], of="w1", **names)
    value = cr.predict(net, params, np.array([[0.5, 2.0]]))[0, 0]
    legend = one.legend(Text())
    assert [row[:2] for row in legend] == [("height", "i1"), ("weight", "i2"), ("age", "out_o1")]
    assert [row[2] for row in legend[:2]] == ["0.5", "2"]
    assert abs(float(legend[2][2].replace("−", "-")) - value) < 1e-8
    for form in (one.text(), one.latex(), one.markdown(), one.notebook(), one._repr_html_()):
        assert all(name in form for name in ("height", "weight", "age"))
    many = cr.explain(net, params, np.eye(2), np.eye(2)[:, :1], of="w1", **names)
    assert [row[2] for row in many.legend(Text())] == ["", "", ""]
    none = cr.explain(net, params, [0.5, 2.0], [1.0], of="w1")
    assert none.legend(Text()) == []
