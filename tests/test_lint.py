"""`lint`: figures and formulas of texts, held to a network."""

import json
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.cli import main
from chainrule.diagnosis.text_lint import lint
from chainrule.diagnosis.text_report import RIGHT, ROUNDED, UNKNOWN, WRONG
from chainrule.diagnosis.text_source import Passage, read_passages
from chainrule.explanation.network_file import network_path, read_network_file
from strategies import problems, problems_of_any_kind

TEXTS = Path(__file__).parent / "texts"


def of_file(network="2-2-2"):
    file = read_network_file(network_path(network))
    options = file.options()
    return file[:4], {k: v for k, v in options.items() if k not in ("inputs", "outputs")}


def linted(text, network="2-2-2", latex=False):
    what, options = of_file(network)
    return lint([Passage("text", 0, text, latex)], *what, **options)


def only(text, **given):
    """The one figure, formula or wording of a text."""
    (figure,) = linted(text, **given).figures
    return figure


# Texts written by hand, with the figures that the tutorials print


@pytest.mark.parametrize(("name", "figures"), [("right.md", 56), ("right.tex", 16)])
def test_a_right_text_raises_no_alarm(name, figures):
    what, options = of_file()
    report = lint(read_passages(TEXTS / name), *what, **options)
    assert [f.sentence for f in report.of(WRONG, ROUNDED)] == []
    assert len(report.of(RIGHT, kind="figure")) + len(report.of(UNKNOWN)) == figures + 1
    assert len(report.of(RIGHT, kind="formula")) == 8


SLIPS = [
    (3, WRONG, "formula", "the weights were numbered the other way"),
    (5, ROUNDED, "figure", "the last digit is off by one"),
    (5, WRONG, "wording", "the sign is the other way round"),
    (7, WRONG, "wording", "a mean squared error is divided by the number"),
    (9, WRONG, "formula", "the residual is squared in the derivative: −(y − a)²"),
    (11, WRONG, "figure", "the residual is squared in the derivative: −(y − a)²"),
    (13, WRONG, "formula", "it is ∂out_o1/∂net_o1 with a minus"),
    (13, WRONG, "figure", "it is ∂out_o1/∂net_o1 with a minus"),
    (17, ROUNDED, "figure", "was rounded to"),
    (22, WRONG, "figure", "the hidden deltas were taken with the weights after the update"),
]


def test_every_slip_of_the_tutorials_is_found():
    what, options = of_file()
    report = lint(read_passages(TEXTS / "slips.md"), *what, **options)
    found = [f for f in report.figures if f.verdict != RIGHT]
    assert [(f.place, f.verdict, f.kind) for f in found] == [
        (f"{TEXTS / 'slips.md'}:{line}", verdict, kind) for line, verdict, kind, _ in SLIPS
    ]
    for figure, (*_, mistake) in zip(found, SLIPS, strict=True):
        assert mistake in figure.mistake
    assert len(report.of(RIGHT)) == 3


def by_hand(rounds, *, updated_first):
    """The worked example after so many rounds, and its cost; the oracle, in plain NumPy."""
    x, y = np.array([0.05, 0.10]), np.array([0.01, 0.99])
    V, W = np.array([[0.15, 0.20], [0.25, 0.30]]), np.array([[0.40, 0.45], [0.50, 0.55]])
    for k in range(rounds + 1):
        h = 1 / (1 + np.exp(-(V @ x + 0.35)))
        a = 1 / (1 + np.exp(-(W @ h + 0.60)))
        if k == rounds:
            return a, float(np.sum((a - y) ** 2) / 2)
        delta = (a - y) * a * (1 - a)
        new = W - 0.5 * np.outer(delta, h)
        back = (new if updated_first else W).T @ delta
        V, W = V - 0.5 * np.outer(back * h * (1 - h), x), new
    raise AssertionError


def test_figures_after_many_rounds_are_of_the_procedure_that_yields_them():
    """As the tutorials' closing figures, of 10,000 rounds, after fewer."""
    (a, _), (_, cost) = by_hand(60, updated_first=True), by_hand(60, updated_first=False)
    early = by_hand(59, updated_first=False)[1]
    text = (
        f"After repeating this process 60 times, the error plummets to {early:.8f}. The two output "
        f"neurons generate {a[0]:.9f} (vs 0.01 target) and {a[1]:.9f}."
    )
    report = linted(text)
    assert [f.name for f in report.figures] == ["the cost", "out_o1", "out_o2"]
    assert "one step earlier" in report.figures[0].mistake
    assert all("weights after the update" in f.mistake for f in report.figures[1:])
    assert linted(f"After 60 rounds the error is {cost:.9f}.").right
    assert linted(f"# After 60 rounds\n\nSo\n\n$$E_{{total}} = {cost:.9f}$$").right


# What explanations write is right

NOTATIONS = st.sampled_from(["mazur", "nielsen", "3blue1brown"])


@settings(max_examples=12)
@given(st.one_of(problems(), problems_of_any_kind()), NOTATIONS, st.booleans(), st.booleans())
def test_explanations_raise_no_alarm(p, notation, latex, one):
    X, y, optimizer = p.X[: 1 if one else 3], p.y[: 1 if one else 3], cr.SGD(0.1)
    try:
        made = cr.explain(p.net, p.params, X, y, of="w1", notation=notation, optimizer=optimizer)
        text = made.latex() if latex else made.markdown()
    except ValueError:  # no such weight, or not finite
        return
    report = lint([Passage("x", 0, text, latex)], p.net, p.params, X, y, optimizer=optimizer)
    assert [f.sentence for f in report.of(WRONG, ROUNDED)] == []
    assert report.of(RIGHT)


@pytest.mark.parametrize("notation", ["mazur", "nielsen", "3blue1brown"])
@pytest.mark.parametrize("network", ["2-2-2", "chain"])
@pytest.mark.parametrize("latex", [False, True])
def test_a_digit_changed_in_an_explanation_is_seen(notation, network, latex):
    what, options = of_file(network)
    made = cr.explain(*what, **options, of="all", notation=notation)
    text = made.latex() if latex else made.markdown()
    report = lint([Passage("x", 0, text, latex)], *what, **options)
    assert report.right
    assert not report.of(UNKNOWN)
    figure = next(f for f in reversed(report.of(RIGHT, kind="figure")) if len(f.printed) > 8)
    head, _, tail = text.rpartition(figure.printed)
    changed = figure.printed[:-3] + str((int(figure.printed[-3]) + 5) % 10) + figure.printed[-2:]
    other = lint([Passage("x", 0, head + changed + tail, latex)], *what, **options)
    assert [f.printed for f in other.of(WRONG, kind="figure")] == [changed]


# Spellings


@pytest.mark.parametrize(
    "text",
    [
        "net_{h1} = 0.3775", "`net_h1` = .3775", r"$\text{net}_{h_1} \approx 0.38$",
        r"$\mathrm{net}_\mathrm{h1}=0.3775$", "net_h1 is therefore about 0.378.",
        r"$\frac{\partial E_{total}}{\partial w_5} = 0.082167041$", "∂E/∂w₅ = 8.2167041e-2",
        r"$\dfrac{dE}{dw_{5}} = 8.2167041 \times 10^{-2}$", "dE_total/dw5 = 0.0821670...",
        "w5+ = 0.35891648", "$w_5^+ = 0.35891648$", "$w_5^{new}$ = 0.35891648", "w₅⁺ ≈ 0.35891648",
        "w5 = .4", "$b_2 = .60$", "i1 = 0.05", "$target_{o2} = 0.99$", "$y_2 = 0.99$",
        r"$z^{(L)}_1 = 1.1059$", r"$\delta^3_2 = -0.0380982365$", "δ_o2 = −0.0380982365",
        "| w5+ | E_total |\n|---|---|\n| 0.35891648 | 0.298371109 |",
        "| | before | after |\n|---|---|---|\n| w5 | 0.4 | 0.35891648 |",
        "E_total is 0.298371109 (and not 0.3)", "out_o1 and out_o2 are 0.7514 and 0.7729",
        "out_h1 = σ(net_h1) = 1/(1 + e^(-net_h1)) = 0.593269992",
        "cost = 0.298371109", "neth1 = 0.3775", "E_total = 0.291027774 after one round",
        "(net_h1 = 0.3775)", r"$out_{h1} = max(0, 1) = \frac{1}{1} = 0.5933$",
        "dout_o1/dnet_o1 = 0.75136507 (1 - 0.75136507) = 0.1868",
        "w_5 = w_5 - η * dE/dw5 = 0.4 - 0.5 * 0.082167041 = 0.35891648",
    ],
)  # fmt: skip
def test_a_spelling_is_read(text):
    report = linted(text)
    assert report.right
    assert report.of(RIGHT, kind="figure")
    assert not report.of(UNKNOWN)
    wrong = linted(re.sub(r"0?\.(?=\d)", ".9", text))
    assert wrong.of(WRONG, kind="figure")


@pytest.mark.parametrize(
    "text",
    [
        "The rate is 0.5, and w5 moves by 0.04 or 10.3%.", "net_h7 = 0.9", "w_5^{(2)} = 0.1",
        "1.5 = 1.5", "```python\nw5 = 0.9\n```", "<!-- w5 = 0.9 -->", "out_h1, out_h2 = 0.1",
        r"$\frac{\partial Q}{\partial w_5} = 0.9$", "net_h1 = 0,9", "a = (0.1, 0.2)",
        "| w5 | learning rate |\n|---|---|\n| w5 | 0.7 |", "The new work = 3.75 hours.",
        "E_total > 0.9", "After training, w5 = 2.83.", "the output is 0.9876, if w5 = 1",
        "So .291027924 and both outputs come from there, and .0000351085.",
    ],
)  # fmt: skip
def test_what_is_not_understood_raises_no_alarm(text):
    report = linted(text)
    assert [f.sentence for f in report.of(WRONG, ROUNDED)] == []
    assert not report.of(RIGHT)


def test_formulas_are_worked_out_with_right_values():
    assert only("$net_{o1} = w_5 out_{h1} + w_6 out_{h2} + b_2$").verdict == RIGHT
    wrong = only("$net_{o1} = w_5 out_{h1} - w_6 out_{h2} + b_3$")
    assert (wrong.verdict, wrong.kind) == (WRONG, "formula")
    assert "this gives 0.568" in wrong.mistake


def test_a_formula_without_units_is_of_each_output():
    assert only(r"$\frac{\partial E}{\partial out} = -(target - out)$").verdict == RIGHT
    wrong = only(r"$\frac{\partial E}{\partial out} = -out(1 - out)$")
    assert (wrong.verdict, wrong.kind) == (WRONG, "formula")
    assert "it is ∂out_o1/∂net_o1 with a minus" in wrong.mistake
    assert linted("E = ½(target − out)²").figures == ()


@pytest.mark.parametrize(
    ("text", "slips"),
    [
        (r"$$MSE = \frac{1}{n}\sum (a - y)^2$$", 0), ("The MSE is the mean of Σ(a − y)².", 0),
        ("C = Σ(a − y)², the mean squared error", 1), ("C = (1/2) Σ(a − y)² (MSE)", 0),
        ("Error = desired − actual, (target − output)", 0),
        ("Error = actual − desired, and δ = −(target − output)", 1),
    ],
)  # fmt: skip
def test_words_and_signs_that_do_not_agree_are_found(text, slips):
    assert len(linted(text).of(WRONG, kind="wording")) == slips


def test_a_figure_is_of_the_example_that_the_text_names():
    what, _ = of_file("chain")
    outputs = cr.forward(what[0], what[1], what[2]).output[:, 0]
    assert linted(f"out_o1 = {outputs[1]:.9f}", "chain").right
    assert linted(f"## Example 2\n\nout_o1 = {outputs[1]:.9f}", "chain").right
    assert not linted(f"## Example 1\n\nout_o1 = {outputs[1]:.9f}", "chain").right
    table = f"| example | out_o1 |\n|---|---|\n| 1 | {outputs[0]:.6f} |\n| 2 | {outputs[0]:.6f} |"
    assert [f.verdict for f in linted(table, "chain").figures] == [RIGHT, WRONG]


def test_what_is_given_is_held_to_the_file():
    found = only("w5 = 0.45")
    assert (found.verdict, found.right) == (WRONG, 0.4)


# The command


def run(*arguments):
    return CliRunner().invoke(main, ["lint", *map(str, arguments)], env={"COLUMNS": "80"})


def test_the_command_says_what_is_wrong(tmp_path):
    path = tmp_path / "a.md"
    path.write_text("So\nnet_h1 = 0.3775, w5+ = 0.44108352, and Q = 3.14159.\n")
    result = run(path, "--network", "2-2-2")
    assert result.exit_code == 1
    said = " ".join(result.stdout.split())
    assert f"{path}:2: w_5+ = 0.44108352; right is 0.358916479718; " in said
    assert "sign of the error" in said
    assert "2 figures: 1 right, 0 rounding slips, 1 wrong; skipped: 1 not understood." in said
    more = run(path, "--network", "2-2-2", "--not-understood").stdout
    assert "3.14159; not understood" in " ".join(more.split())
    found = json.loads(run(path, "--network", "2-2-2", "--json").stdout)
    assert found["counts"]["wrong"] == 1
    assert [f["name"] for f in found["figures"]] == ["net_h1", "w_5+"]


def test_a_right_text_and_one_without_figures_are_said(tmp_path):
    path = tmp_path / "a.md"
    path.write_text("net_h1 = 0.3775")
    result = run(path, "--network", "2-2-2")
    assert (result.exit_code, result.stdout) == (
        0, "1 figure: 1 right, 0 rounding slips, 0 wrong.\n",
    )  # fmt: skip
    path.write_text("Nothing here.")
    result = run(path, "--network", "2-2-2")
    said = "No figure or formula of this network's quantities was found.\n"
    assert (result.exit_code, result.stdout) == (0, said)


def test_the_cells_of_a_notebook_are_read(tmp_path):
    path = tmp_path / "a.ipynb"
    cells = [
        nbformat.v4.new_code_cell("w5 = 7", id="a"),
        nbformat.v4.new_markdown_cell("So\n\n$w_5^+ = 0.3689$", id="b"),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    result = run(path, "--network", "2-2-2")
    assert result.exit_code == 1
    assert f"{path}:cell 2:3: w_5+ = 0.3689; right is" in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.md", b"\xff\xfe", "a.md: is not a text in UTF-8, at byte 0; save it as UTF-8"),
        ("a.md", b"a\0", "a.md: is not a text: it holds zero bytes"),
        ("a.ipynb", b'{"cells": [', "a.ipynb:1: is not a notebook: its JSON is broken"),
        ("a.ipynb", b"[" * 100_000, "a.ipynb: is not a notebook: its JSON is nested too deep"),
        ("a.ipynb", b"[]", "a.ipynb: is not a notebook of version 4: it has no list of cells"),
        ("a.ipynb", b'{"cells": [3]}', "a.ipynb: cell 1 must have a cell_type and a source"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_line(tmp_path, name, data, message):
    path = tmp_path / name
    path.write_bytes(data)
    result = run(path, "--network", "2-2-2")
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_missing_files_are_refused(tmp_path):
    assert "no-text.md: No such file" in run("no-text.md", "--network", "2-2-2").stderr
    text = tmp_path / "a.md"
    text.write_text("w5 = 0.4")
    result = run(text, "--network", "none.toml")
    assert result.exit_code == 2
    assert "'none.toml'" in result.stderr


MEMBERS = cr.Network(2, [cr.Members(2, cr.Dense(2, "tanh"), cr.Dense(1))], "half_squared_error")


@pytest.mark.parametrize("notation", ["mazur", "nielsen", "3blue1brown"])
def test_texts_about_members_are_read(notation):
    """Each member's units have its number above; one that is another's is seen."""
    params, x, y = MEMBERS.init(0, dtype="float64"), [0.5, -0.2], [0.3]
    text = cr.explain(MEMBERS, params, x, y, of="all", notation=notation).markdown()
    report = lint([Passage("x", 0, text, False)], MEMBERS, params, x, y)
    assert [f.sentence for f in report.of(WRONG, ROUNDED)] == []
    assert len(report.of(RIGHT)) > 40
    first, second = np.ravel(cr.forward(MEMBERS, params, [x]).output)
    said = f"$out^{{(1)}}_{{o1}} = {first:.6f}$ and $out^{{(2)}}_{{o1}} = {first:.6f}$."
    right, wrong = lint([Passage("x", 0, said, False)], MEMBERS, params, x, y).figures
    assert (right.verdict, wrong.verdict) == (RIGHT, WRONG)
    assert wrong.right == pytest.approx(second)


def test_sigma_is_the_sigmoid_where_it_is_a_part_of_the_activation():
    net = cr.Network(1, [cr.Dense(2, "silu"), cr.Dense(1, "silu")], "squared_error")
    params = net.init(1, dtype="float64")
    text = cr.explain(net, params, [0.5], [0.3], of="w1").markdown()
    report = lint([Passage("x", 0, text, False)], net, params, [0.5], [0.3])
    assert report.of(WRONG, ROUNDED) == []
    assert any("σ" in f.printed for f in report.of(RIGHT))
