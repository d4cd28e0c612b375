"""Worksheets: pleasant numbers, blanks where the key has figures, and keys that are right."""

import itertools
import math
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from fractions import Fraction

import numpy as np
import pytest

import chainrule as cr
from chainrule.explanation import drawing
from chainrule.explanation.latex import Latex
from chainrule.explanation.mathml import MathML
from chainrule.explanation.text import Text
from chainrule.explanation.unit_places import Places
from chainrule.explanation.worksheet import EXACT, draw, worksheet
from reading import gives
from reducers import of_latex, of_mathml, value

SIZES = [(2, 2, 2), (2, 3, 1), (1, 1, 1)]
KINDS = ("sigmoid", "relu", "identity")
DEEP = ((2, 2, 2, 1), "identity", range(5))  # in which an update has more places than its gradient
SHEETS = [((2, 2, 2), 7, "sigmoid"), ((2, 3, 1), 3, "relu"), ((1, 1, 1), 1, "identity"),
          ((2, 2, 2, 1), 0, "tanh"), ((12, 3), 0, "gelu"), ((1, 6, 1), 2, "elu(0.5)")]  # fmt: skip


def decimals(x):
    """A double that stands for a short decimal, exactly."""
    return Fraction(repr(float(x)))


def places(x):
    """How many decimal places an exact number has."""
    return next(k for k in itertools.count() if (x * 10**k).denominator == 1)


SLOPES = {
    "identity": (lambda z: z, lambda z: 1),
    "relu": (lambda z: max(z, 0), lambda z: int(z > 0)),
    "sigmoid": (
        lambda z: 1 / (1 + math.exp(-z)),
        lambda z: math.exp(-z) / (1 + math.exp(-z)) ** 2,
    ),
}


def joined(lists):
    return list(itertools.chain.from_iterable(lists))


def worked(problem, kind, number):
    """Every figure of a step of backpropagation, unit by unit, in exact numbers or in doubles."""
    f, df = SLOPES[kind]
    layers = [
        ([[number(w) for w in row] for row in W], [number(v) for v in b]) for W, b in problem.params
    ]
    out, zs, passed = [number(x) for x in problem.X[0]], [], []
    for W, b in layers:
        passed.append(out)
        zs.append(
            [
                sum(w * x for w, x in zip(row, out, strict=True)) + v
                for row, v in zip(W, b, strict=True)
            ]
        )
        out = [f(z) for z in zs[-1]]
    pull = [a - number(y) for a, y in zip(out, problem.y[0], strict=True)]
    shares = [r * r / 2 for r in pull]
    found = {"z": joined(zs), "a": [*joined(passed[1:]), *out], "E": [*shares, sum(shares)]}
    grads, deltas, pulls = [], [], [*pull]
    for (W, _), z, x in reversed(list(zip(layers, zs, passed, strict=True))):
        delta = [p * df(v) for p, v in zip(pull, z, strict=True)]
        deltas += delta
        grads += [*delta, *(d * v for d in delta for v in x)]
        terms = [[row[k] * d for row, d in zip(W, delta, strict=True)] for k in range(len(x))]
        pull = [sum(term) for term in terms]
        pulls += [*pull, *joined(terms)] if W is not layers[0][0] else []
    weights = [v for W, b in reversed(layers) for v in [*b, *joined(W)]]
    rate = number(problem.rate)
    new = [w - rate * g for w, g in zip(weights, grads, strict=True)]
    return found | {"delta": deltas, "pull": pulls, "grads": grads, "new": new}


@pytest.mark.parametrize(
    ("sizes", "kind", "seeds"),
    [*((*pair, range(51)) for pair in itertools.product(SIZES, KINDS)), DEEP],
    ids=str,
)
def test_the_numbers_are_pleasant(sizes, kind, seeds):
    for seed in seeds:
        problem = draw(sizes, seed, kind)
        weights = [float(w) for W, _ in problem.params for w in W.ravel()]
        assert len(set(weights)) == len(weights)
        data = [*weights, *problem.X.ravel(), *problem.y.ravel(), problem.rate]
        data += [float(v) for _, b in problem.params for v in b]
        assert all(v != 0 and places(decimals(v)) <= 2 for v in data)
        found = worked(problem, kind, decimals if kind in EXACT else float)
        assert max(map(abs, found["z"])) <= 2
        assert min(map(abs, found["grads"])) >= 1e-4
        if kind in EXACT:
            assert max(places(v) for values in found.values() for v in values) <= 4


@pytest.mark.parametrize("kind", KINDS)
def test_the_working_of_these_tests_is_backpropagation(kind):
    problem = draw((2, 3, 2, 1), 0, kind)
    grads = cr.gradient(trace := cr.forward(*problem[:3]), cr.backward(trace, problem.y))
    expected = [v for part in reversed(grads) for v in [*part.b, *part.W.ravel()]]
    assert np.allclose(worked(problem, kind, float)["grads"], expected, rtol=1e-12)


def test_the_seed_says_all():
    texts = [worksheet([2, 2, 2], seed).text() for seed in (0, 1, 0)]
    assert texts[0] == texts[2] != texts[1]


# The sheet and its key


@pytest.fixture(params=SHEETS, ids=str, scope="module")
def sheet(request):
    return worksheet(*request.param)


def lines(sheet, writer, *, key):
    return [line for _, part in sheet.parts(writer, key=key) for line in part]


def test_the_key_is_the_sheet_with_its_figures(sheet):
    blank, key = (lines(sheet, Text(), key=key) for key in (False, True))
    for empty, full in zip(blank, key, strict=True):
        assert (empty.symbol, empty.formula) == (full.symbol, full.formula)
        for shown, figure in zip(empty[2:4], full[2:4], strict=True):
            assert set(shown) == ({"_"} if figure else set())


@pytest.mark.parametrize(("writer", "read"), [(Latex(), of_latex), (MathML(), of_mathml)])
def test_the_key_recomputes(sheet, writer, read):
    for line in lines(sheet, writer, key=True):
        if line.numbers and not line.rounded:
            found, printed = (value(read(each)) for each in (line.numbers, line.result))
            assert any(gives(found, printed, digits) for digits in range(4, 10)), line


def test_the_key_is_the_cores(sheet):
    d = sheet.explanation.derivation
    trace = cr.forward(d.net, d.params, d.data.X)
    grads = cr.gradient(trace, cr.backward(trace, d.data.y))
    rate = d.made.optimizer.learning_rate
    key = {line.symbol: line for line in lines(sheet, Text(), key=True)}
    for asked in sheet.asked:
        name = f"w{d.at.weight(asked.layer, asked.unit, asked.source)}"
        g = float(grads[asked.layer].W[asked.unit, asked.source])
        w = float(d.params[asked.layer].W[asked.unit, asked.source])
        for symbol, expected in ((f"∂E_total/∂{name}", g), (f"{name}⁺", w - rate * g)):
            printed = key[symbol].result or key[symbol].formula
            assert number(printed) == pytest.approx(expected, rel=1e-4)
    assert number(key["E_total"].result) == pytest.approx(
        float(cr.cost(d.net, d.params, d.data.X, d.data.y)), rel=1e-4
    )


def number(text):
    mantissa, _, power = text.replace("−", "-").partition(" · 10")
    return float(
        mantissa
        + (f"e{power.translate(str.maketrans('⁻⁰¹²³⁴⁵⁶⁷⁸⁹', '-0123456789'))}" if power else "")
    )


def test_a_sheet_asks_for_each_delta_and_the_first_and_last_weight_of_each_layer():
    symbols = [line.symbol for line in lines(worksheet([2, 3, 1], 0), Text(), key=False)]
    for unit in ("h1", "h2", "h3", "o1"):
        assert {f"net_{unit}", f"out_{unit}", f"δ_{unit}"} <= set(symbols)
    asked = [f"w{k}" for k in (1, 6, 7, 9)]
    assert [s for s in symbols if re.fullmatch(r"∂E_total/∂[wb]\d", s)] == [
        f"∂E_total/∂{name}" for name in asked
    ]
    assert [s for s in symbols if s.endswith("⁺")] == [f"{name}⁺" for name in asked]
    assert "E_total" in symbols


@pytest.mark.parametrize("key", [False, True])
def test_the_text_fits_80_columns_and_gives_every_number(sheet, key):
    text = sheet.text(key=key)
    assert max(map(len, text.splitlines())) <= 80
    for _, numbers in sheet.given(Text()):
        for symbol, figure in numbers:
            assert f" {symbol} = {figure}" in text
    assert ("____" in text) != key
    assert text.rstrip().endswith(sheet.command)


@pytest.mark.parametrize("key", [False, True])
def test_the_page_is_one_inert_file(sheet, key):
    page = sheet.html(key=key)
    assert "default-src 'none'" in page
    assert not re.search(r"<script|<link|<img|\bon\w+=|(?:src|href)=|url\(|@import|http:", page)
    assert page.isprintable() or not set("\a\b\f\r\v\x1b") & set(page)
    blanks = sum(bool(line.numbers) + bool(line.result) for line in lines(sheet, Text(), key=False))
    assert page.count('aria-label="blank"') == (0 if key else blanks)


def test_the_drawing_of_the_page_is_well_formed(sheet):
    page = sheet.html()
    svg = ET.fromstring(re.search(r"<svg.*?</svg>", page, re.DOTALL)[0])
    words = [each.text for each in svg.iter("text")]
    widths = sheet.at.widths
    assert len(list(svg.iter("circle"))) == sum(widths)
    count = sum(i * o for i, o in itertools.pairwise(widths))
    assert {f"w{k}" for k in range(1, count + 1)} <= set(words)
    left, top, width, height = map(float, svg.get("viewBox").split())
    for each in svg.iter("text"):
        assert left < float(each.get("x")) < left + width
        assert top < float(each.get("y")) < top + height


@pytest.mark.parametrize("sizes", [*SIZES, (3, 3, 2), (2, 2, 2, 1)])
def test_names_of_weights_stand_apart_and_off_the_crossings(sizes):
    net = cr.Network(sizes[0], [cr.Dense(o) for o in sizes[1:]], loss="half_squared_error")
    edges = drawing.layout(Places.of(net)).edges
    for one, other in itertools.combinations(edges, 2):
        assert math.dist(one.at, other.at) >= 4
    for one, other in itertools.permutations(edges, 2):
        if one.start.x == other.start.x:
            way = (one.at.x - other.start.x) / (other.end.x - other.start.x)
            assert abs(other.start.y + way * (other.end.y - other.start.y) - one.at.y) >= 1.4


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex is not installed")
@pytest.mark.parametrize("key", [False, True])
def test_the_latex_compiles_without_a_warning(sheet, key, tmp_path):
    (tmp_path / "it.tex").write_text(sheet.latex(key=key), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "it"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    log = (tmp_path / "it.log").read_text("latin-1")
    assert done.returncode == 0, log[-3000:]
    assert not re.findall(r"^(?:Overfull|Underfull|Missing character|LaTeX .*Warning).*", log, re.M)


# What is refused


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((8, 8, 8),), "worksheet: 8-8-8 has 128 weights; by hand, 36 are the most"),
        (((2, 2), -1), "worksheet: seed must be a whole number >= 0"),
        (((2, 0), 0), "Dense: units must be a whole number >= 1"),
        (((2, 2), 0, "sigmiod"), "unknown activation 'sigmiod'; did you mean 'sigmoid'"),
    ],
)
def test_bad_options_are_refused(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        worksheet(*arguments)


def test_numbers_that_cannot_be_pleasant_are_refused():
    message = "worksheet: 3-3-3-3 with relu came to no pleasant numbers in 50 draws; take fewer"
    with pytest.raises(ValueError, match=message):
        draw((3, 3, 3, 3), 0, "relu", draws=50)
