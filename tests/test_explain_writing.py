"""The written forms of an explanation: LaTeX and MathML say the same, and what they say is true."""

import dataclasses
import functools
import json
import re
import shutil
import subprocess
from xml.etree import ElementTree as ET

import nbformat
import numpy as np
import pytest
from hypothesis import given, settings

import chainrule as cr
from chainrule.explanation.derivation import derive, in_double
from chainrule.explanation.derivation_steps import Update
from chainrule.explanation.latex import PREAMBLE, Latex, broken, width
from chainrule.explanation.mathml import MathML, math
from chainrule.explanation.notation import NOTATIONS
from chainrule.explanation.notebook import code
from chainrule.explanation.result import Explanation
from chainrule.explanation.subjects import subject
from chainrule.explanation.unit_places import Places
from chainrule.layers import LAYERS
from chainrule.losses import LOSSES
from chainrule.optimizers import OPTIMIZERS
from reading import gives
from reducers import of_latex, of_mathml, value
from strategies import problem, problems
from tables import ACTIVATION_NAMES

HALF = "half_squared_error"


def without_dropout(p):
    net = dataclasses.replace(p.net, layers=[x for x in p.net.layers if isinstance(x, cr.Dense)])
    return p._replace(net=net, params=tuple(filter(None, p.params)))


def elementwise(p):
    return not any(str(getattr(layer, "activation", "")) == "softmax" for layer in p.net.layers)


dense_problems = problems().map(without_dropout).filter(elementwise)


def of_problem(p, of, notation="mazur", made=None, *, drawn=False, weighted=False):
    """The explanation of a random problem."""
    params, data = in_double(p.net, p.params, p.X, p.y, p.w if weighted else None)
    key = subject(of, Places.of(p.net))
    draw = p.draw if drawn else None
    derived = derive(p.net, params, data, key, top=10, made=made, draw=draw)
    return Explanation(derived, notation)


def small(loss=HALF, activation="sigmoid", **more):
    layers = [cr.Dense(2, activation), cr.Dense(2, activation)]
    return cr.Network(2, layers, loss=loss, **more)


def activation_case(name, seed):
    return of_problem(problem(small(activation=name), n=1, seed=seed), "w1")


def loss_case(name, seed):
    net = cr.Network(2, [cr.Dense(3, "tanh"), cr.Dense(3)], loss=name)
    return of_problem(problem(net, n=1, seed=seed), "w1", "nielsen")


def optimizer_case(name, options):
    made = Update(OPTIMIZERS[name](0.1, **options), step=3)
    return of_problem(problem(small(), n=1), "w5", made=made)


def notation_case(name):
    net = small(l1=0.01, l2=0.1)
    made = Update(cr.Adam(0.1), clip_value=0.5, clip_norm=0.01)
    return of_problem(problem(net, n=12), "w5", name, made, weighted=True)


def dropout_case(notation):
    layers = [cr.Dropout(0.2), cr.Dense(4, "tanh"), cr.Dropout(0.5), cr.Dense(2)]
    net = cr.Network(3, layers, loss="cross_entropy(0.1)")
    return of_problem(problem(net, n=1), "w1", notation, drawn=True)


def wide_case(notation):
    net = cr.Network(30, [cr.Dense(30, "gelu_tanh"), cr.Dense(12)], loss="huber", l2=0.1)
    made = Update(cr.NAdam(0.1))
    return of_problem(problem(net, n=20), "w31", notation, made, weighted=True)


def kind_case(kind, notation):
    """A layer of a kind between two dense ones; the last of its parameters, if it has one."""
    own = LAYERS[kind].example(2)
    layers = [cr.Dense(2, "tanh"), own, *([cr.Dense(2)] if own.members == 1 else [])]
    net = cr.Network(2, layers, loss=HALF)
    at = Places.of(net)
    name = [name for name in at.shapes if name not in at.fixed and not name.startswith("2.")][-1]
    of = f"{name}[{', '.join('0' * len(at.shapes[name]))}]"
    return of_problem(problem(net, n=1, seed=1), of, notation)


OPTIONS = [(name, {}) for name in OPTIMIZERS] + [
    ("sgd", {"momentum": 0.9}),
    ("sgd", {"momentum": 0.9, "nesterov": True}),
    ("adamw", {"weight_decay": 0.1}),
]

CASES = (
    {
        f"{name}, seed {seed}": functools.partial(activation_case, name, seed)
        for name in ACTIVATION_NAMES
        for seed in (0, 1)
    }
    | {
        f"{name}, seed {seed}": functools.partial(loss_case, name, seed)
        for name in LOSSES
        for seed in (0, 1)
    }
    | {
        f"{name} {options}": functools.partial(optimizer_case, name, options)
        for name, options in OPTIONS
    }
    | {name: functools.partial(notation_case, name) for name in NOTATIONS}
    | {f"dropout, {name}": functools.partial(dropout_case, name) for name in NOTATIONS}
    | {
        f"kind {kind}, {name}": functools.partial(kind_case, kind, name)
        for kind in LAYERS
        for name in NOTATIONS
    }
    | {f"wide, {name}": functools.partial(wide_case, name) for name in NOTATIONS}
)


@functools.cache
def case(name):
    return CASES[name]()


@functools.cache
def latex(name):
    return case(name).latex()


def pairs(explanation):
    """Each line in LaTeX and in MathML."""
    by_latex, by_mathml = Latex(), MathML()
    steps = explanation.derivation.steps()
    return [(explanation.line(step, by_latex), explanation.line(step, by_mathml)) for step in steps]


@functools.cache
def pairs_of(name):
    return pairs(case(name))


def assert_same(explanation, lines):
    for left, right in lines:
        for what in ("symbol", "formula", "numbers", "result", "holds"):
            mathml = getattr(right, what)
            assert of_latex(getattr(left, what)) == of_mathml(mathml), what
            ET.fromstring(f"<p>{math(mathml)}</p>")
    assert of_latex(explanation.symbol(Latex())) == of_mathml(explanation.symbol(MathML()))


def assert_true(lines):
    """Each line of figures, read back from both formats, comes to the result that it prints."""
    count = 0
    for pair in lines:
        for line, reader in zip(pair, (of_latex, of_mathml), strict=True):
            if line.numbers and not line.rounded:
                count += 1
                printed = reader(line.result)
                mantissa = printed[1 if printed[0] == "−" else 0]
                digits = len(re.sub(r"^[0.]+|\.", "", mantissa))
                assert gives(value(reader(line.numbers)), value(printed), max(digits, 4)), line
    assert count


@pytest.mark.parametrize("name", CASES)
def test_latex_and_mathml_say_the_same(name):
    assert_same(case(name), pairs_of(name))


@pytest.mark.parametrize("name", CASES)
def test_each_line_is_true_as_it_is_printed(name):
    assert_true(pairs_of(name))


@settings(max_examples=15)
@given(dense_problems)
def test_so_it_is_for_any_network(p):
    explanation = of_problem(p, "w1")
    lines = pairs(explanation)
    assert_same(explanation, lines)
    assert_true(lines)


def test_the_readers_see_what_differs():
    assert of_latex(r"\frac{a}{b}") != of_latex(r"\frac{b}{a}")
    assert of_latex("a_{1}") != of_mathml("<msup><mi>a</mi><mn>1</mn></msup>")
    assert of_latex("(a)") != of_mathml("<mi>a</mi>")
    assert value(of_latex(r"-2^{2} \cdot \frac{1 + 2}{4}")) == -3
    with pytest.raises(ET.ParseError):
        of_mathml("<mi>a")
    with pytest.raises(AssertionError, match="not of MathML"):
        of_mathml("<b>a</b>")


def test_a_power_of_a_raised_name_has_brackets():
    formulas = [line.formula for line, _ in pairs_of("wide, nielsen")]
    assert any(r"(z_{2}^{2})^{3}" in formula for formula in formulas)


# LaTeX

needs_latex = pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex is not installed")


def compile_latex(text, folder):
    """The log of pdflatex, which must succeed."""
    (folder / "it.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "it"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    log = (folder / "it.log").read_text("latin-1")
    assert done.returncode == 0, log[-3000:]
    return log


def complaints(log):
    return re.findall(r"^(?:Overfull|Underfull|Missing character|LaTeX .*Warning).*", log, re.M)


@needs_latex
def test_every_explanation_compiles_without_a_warning(tmp_path):
    documents = map(latex, CASES)
    bodies = [text.removeprefix(PREAMBLE).removesuffix("\\end{document}\n") for text in documents]
    log = compile_latex(PREAMBLE + "\\clearpage\n".join(bodies) + "\\end{document}\n", tmp_path)
    assert complaints(log) == []


@needs_latex
def test_a_fragment_goes_into_any_document_with_amsmath(tmp_path):
    names = ["sigmoid, seed 0", "cross_entropy, seed 0", "wide, mazur", "wide, nielsen"]
    for k, name in enumerate(names):
        (tmp_path / f"part{k}.tex").write_text(case(name).latex(document=False), encoding="utf-8")
    inputs = "".join(rf"\input{{part{k}}}" for k in range(len(names)))
    opening = r"\documentclass{article}\usepackage{amsmath}\allowdisplaybreaks\begin{document}"
    log = compile_latex(rf"{opening}{inputs}\end{{document}}", tmp_path)
    assert [text for text in complaints(log) if "Underfull \\vbox" not in text] == []


@needs_latex
def test_a_formula_that_is_too_wide_is_complained_of(tmp_path):
    wide = PREAMBLE + "$" + "1" * 200 + "$\n\\end{document}\n"
    assert complaints(compile_latex(wide, tmp_path))


def test_a_sum_is_broken_between_its_terms_only():
    terms = [(False, Latex().brackets(f"{k} + {k}")) for k in range(30)]
    rows = broken(Latex().sum(terms), 40)
    assert len(rows) > 3
    assert all(width(row) <= 40 for row in rows)
    assert all(row.count("(") == row.count(")") for row in rows)
    assert " ".join(rows).split() == Latex().sum(terms).split()


def test_latex_is_ascii():
    assert "".join(map(latex, CASES)).isascii()


def test_the_result_is_framed_where_it_stands_above_and_below():
    assert case("sigmoid, seed 0").latex().count(r"\boxed") == 2


# Markdown, snippet, notebook


@pytest.mark.parametrize("name", NOTATIONS)
def test_every_form_has_each_part_and_each_result_in_order(name):
    explanation = case(name)
    cells = json.loads(explanation.notebook())["cells"]
    for text, writer in (
        (explanation.latex(), Latex()),
        (explanation.markdown(), Latex()),
        ("\n".join("".join(cell["source"]) for cell in cells), Latex()),
        (explanation._repr_html_(), MathML()),
    ):
        place = 0
        for part, lines in explanation.written(writer):
            place = text.index(part.title, place)
            for line in lines:
                place = text.index(line.symbol, place)
                place = text.index(line.result, place)


def test_the_formulas_of_markdown_are_closed():
    for name in CASES:
        text = case(name).markdown()
        blocks = re.findall(r"^\$\$\n(.*?)\n\$\$$", text, re.M | re.S)
        steps = list(case(name).derivation.steps())
        assert len(blocks) == len(steps)
        assert all("$" not in block and "\n\n" not in block for block in blocks)
        rest = re.sub(r"^\$\$\n.*?\n\$\$$", "", text, flags=re.M | re.S)
        assert "$$" not in rest
        assert all(row.count("$") % 2 == 0 for row in rest.splitlines())


@pytest.mark.parametrize("name", CASES)
def test_the_snippet_is_well_formed_and_has_no_script(name):
    text = case(name)._repr_html_()
    root = ET.fromstring(f"<div>{text}</div>")
    tags = {e.tag for e in root.iter()}
    assert "math" in tags
    assert not tags & {"script", "link", "img", "iframe"}
    assert not re.search(r"https?:|\bon\w+=|url\(", text)


@pytest.mark.parametrize("name", ["sigmoid, seed 0", "mazur", "dropout, mazur", "wide, mazur"])
def test_the_notebook_is_valid(name):
    notebook = nbformat.reads(case(name).notebook(), as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    has_code = any(cell.cell_type == "code" for cell in notebook.cells)
    assert has_code == (name in ("sigmoid, seed 0", "mazur"))
    assert all(cell.outputs == [] for cell in notebook.cells if cell.cell_type == "code")


@settings(max_examples=15)
@given(dense_problems)
def test_the_code_of_the_notebook_gives_the_same_derivative(p):
    explanation = of_problem(p, "w1", weighted=True)
    found = {}
    exec(code(explanation.derivation), found)
    C, gradient = cr.cost_and_gradient(p.net, p.params, p.X, p.y, sample_weight=p.w)
    assert (found["C"], found["dC"]) == (C, gradient[0].W[0, 0])


@pytest.mark.parametrize("of", ["b1", "x1", "h1", "cost", "all"])
def test_the_code_of_the_notebook_runs_for_every_subject(of):
    p = problem(small(), n=1)
    found = {}
    exec(code(of_problem(p, of).derivation), found)
    _, gradient = cr.cost_and_gradient(p.net, p.params, p.X, p.y)
    assert ("dC" in found) == (of == "b1")
    assert np.array_equal(found["gradient"][0].b, gradient[0].b)


@pytest.mark.parametrize("kind", LAYERS)
def test_the_code_of_the_notebook_runs_for_every_kind(kind):
    derived = kind_case(kind, "mazur").derivation
    found = {}
    exec(code(derived), found)
    *_, last = derived.steps()
    assert found["net"] == derived.net
    assert found["dC"] == pytest.approx(last.value, rel=1e-12)


def test_a_layer_that_is_not_written_whole_leaves_the_code_out():
    net = cr.Network(9, [cr.PiecewiseLinear([[0.0, 1.0, 2.0]] * 9, 1), cr.Dense(1)], loss=HALF)
    assert "cr.Network" not in of_problem(problem(net, n=1), "x1").notebook()


def test_a_function_of_your_own_leaves_the_code_out():
    sine = cr.Activation("sine", lambda z, xp: xp.sin(z), lambda z, a, xp: xp.cos(z))
    net = cr.Network(2, [cr.Dense(2, sine)], loss=HALF)
    assert code(of_problem(problem(net, n=1), "w1").derivation) == ""
