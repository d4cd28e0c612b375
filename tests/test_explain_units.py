"""Derivatives of units, without a loss: beside differences of the network's own numbers."""

import re

import mpmath
import numpy as np
import pytest
from click.testing import CliRunner

import chainrule as cr
from chainrule.cli import main
from chainrule.demo import worked_example
from chainrule.explanation.expressions import exact
from chainrule.explanation.network_file import read_network_file
from chainrule.explanation.notation import NOTATIONS
from chainrule.explanation.unit_places import Places
from explained import is_near, quantities
from pages import expected, shown_lines
from reading import steps
from test_explain_derivation import check_line

NET, START = worked_example.NET, worked_example.START
X = worked_example.X[0]

DEEP = cr.Network(
    2,
    [cr.Dense(3, "tanh"), cr.Dropout(0.5), cr.Dense(2, "softplus"), cr.Dense(2, "sigmoid(2)")],
    loss="cross_entropy",
    check=False,
)


def sigmoid(z):
    return 1 / (1 + mpmath.exp(-z))


def by_hand(of, w, x, b=(0.35, 0.35, 0.6, 0.6)):
    """A unit of 2-2-2 with its numbers put in, in mpmath."""
    net = {"net_h1": w[0] * x[0] + w[1] * x[1] + b[0], "net_h2": w[2] * x[0] + w[3] * x[1] + b[1]}
    h1, h2 = sigmoid(net["net_h1"]), sigmoid(net["net_h2"])
    net |= {"out_h1": h1, "out_h2": h2}
    net |= {"net_o1": w[4] * h1 + w[5] * h2 + b[2], "net_o2": w[6] * h1 + w[7] * h2 + b[3]}
    net |= {"out_o1": sigmoid(net["net_o1"]), "out_o2": sigmoid(net["net_o2"])}
    return net[of]


W = [0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.55]


@pytest.mark.parametrize("of", ["out_o1", "net_o1", "out_o2", "net_o2", "out_h1", "net_h2"])
@pytest.mark.parametrize("by", ["w1", "w3", "w5", "w8", "b1", "b4", "i1", "x2"])
def test_of_the_tutorials_network(of, by):
    unit = of.partition("_")[2]
    leads = {"o1": "w1 w3 w5 b1 i1 x2", "o2": "w1 w3 w8 b1 b4 i1 x2", "h1": "w1 b1 i1 x2"}
    if by not in leads.get(unit, "w3 i1 x2").split():
        with pytest.raises(ValueError, match=f"{by} does not lead to {of}"):
            cr.explain(NET, START, X, of=of, by=by)
        return

    def at(t):
        w, x, b = list(W), list(X), [0.35, 0.35, 0.6, 0.6]
        {"w": w, "x": x, "i": x, "b": b}[by[0]][int(by[1:]) - 1] = t
        return by_hand(of, w, x, b)

    start = {"w": W, "x": X, "i": X, "b": [0.35, 0.35, 0.6, 0.6]}[by[0]][int(by[1:]) - 1]
    last = cr.explain(NET, START, X, of=of, by=by).steps[-1]
    with mpmath.workdps(40):
        assert last.value == pytest.approx(float(mpmath.diff(at, start)), rel=1e-13)
    assert last.symbol == f"∂{of}/∂{by.replace('x', 'i')}"


@pytest.fixture(scope="module")
def deep():
    rng = np.random.default_rng(5)
    layers = [(rng.normal(size=p.W.shape), rng.normal(size=p.b.shape)) for p in DEEP.form if p]
    return DEEP.parameters(layers), rng.normal(size=(3, 2))


def moved(params, X, by, t):
    """The parameters and inputs with one number moved by t, by its name."""
    layers = [[p.W.copy(), p.b.copy()] for p in params if p]
    X = X.copy()
    if by[0] == "i":
        X[:, int(by[1:]) - 1] += t
        return DEEP.parameters([tuple(layer) for layer in layers]), X
    which, number = "wb".index(by[0]), int(by[1:]) - 1
    for layer in layers:
        if number < layer[which].size:
            layer[which].ravel()[number] += t
            break
        number -= layer[which].size
    return DEEP.parameters([tuple(layer) for layer in layers]), X


CASES = ["out_o1 w1", "out_o2 i2", "net_o1 b2", "out_h4 w3", "net_h5 i1", "out_o1 w13", "o2 b7"]


@pytest.mark.parametrize("case", CASES)
def test_of_a_deeper_network_and_several_examples(deep, case):
    of, by = case.split()
    params, X = deep
    made = cr.explain(DEEP, params, X, of=of, by=by)
    unit = of.rpartition("_")[2]
    at = Places.of(DEEP)
    layer = next(k for k in range(3) for j in range(at.widths[k + 1]) if at.unit(k, j) == unit)
    j = next(j for j in range(at.widths[layer + 1]) if at.unit(layer, j) == unit)

    def unit_at(t):
        record = cr.forward(DEEP, *moved(params, X, by, t))[int(at.layers[layer].path)]
        return (record.z if of.startswith("net") else record.a)[:, j]

    slopes = (unit_at(1e-5) - unit_at(-1e-5)) / 2e-5
    found = [part.steps[-1].value for part in made.derivation.parts if "Backward" in part.title]
    assert found == pytest.approx(slopes, rel=1e-7)
    assert made.examples == "Of 3 examples, each is worked out."


@pytest.mark.parametrize("top", [1, 10])
@pytest.mark.parametrize("case", [*CASES, "out_o1 net_h1", "net_o2 h5", "out_o2 net_o2"])
def test_what_is_printed_is_true(deep, case, top):
    of, by = case.split()
    params, X = deep
    made = cr.explain(DEEP, params, X[0], of=of, by=by, top=top)
    derived = list(made.derivation.steps())
    for step in derived:
        size = max([abs(q.value) for q in quantities(step)], default=0.0)
        assert is_near(float(exact(step.formula)), step.value, 10 * (1 + size)), step
    for line, step in zip(steps(made.text(10**6)), derived, strict=True):
        check_line(line, step)
    assert not any(line.key.kind in ("loss", "C", "y", "delta") for line in derived)
    chain = [p.steps[-1] for p in made.derivation.parts if p.title == "The chain rule"]
    assert all(step.key == derived[-1].key for step in chain)


@pytest.mark.parametrize("notation", NOTATIONS)
def test_every_form_is_written(notation):
    made = cr.explain(NET, START, X, of="o1", by="w1", notation=notation)
    assert made.text().splitlines()[0].endswith("network 2-2-2, sigmoid")
    assert made.steps[-1].symbol in made.text().splitlines()[0]
    for form in (made.markdown(), made.latex(), made.notebook(), made.html(), made._repr_html_()):
        assert "squared" not in form.partition("<script>")[0]
    assert "cr.Network" not in made.notebook()


def test_the_page_shows_the_derivation_and_no_cost(opened):
    made = cr.explain(NET, START, X, of="out_o1", by="w5")
    view = opened(made)
    assert shown_lines(view) == expected(made)
    assert view.page.locator("#symbol").inner_text().replace("\n", "")
    assert view.page.locator("#value").inner_text().startswith("=")
    assert "NaN" not in view.page.inner_text("body")
    assert view.page.locator("#drawing .target .value").all_text_contents() == ["–", "–"]
    assert view.page.locator("#training").is_hidden()


def test_of_the_cost_by_a_weight_is_the_same_as_of_the_weight():
    y = worked_example.Y[0]
    plain = cr.explain(NET, START, X, y, of="w5").text()
    assert cr.explain(NET, START, X, y, of="cost", by="w5").text() == plain


@pytest.mark.parametrize(
    ("of", "by", "message"),
    [
        ("w5", None, "explain: the cost needs targets: give y, or in a file targets"),
        ("w5", "w1", "with by='w1', of must be a unit, such as 'out_o1' or 'net_h2', or 'cost'"),
        ("all", "w1", "of must be a unit"),
        ("out_o1", "cost", "by must be a weight, a bias, an input or a unit, such as 'w5', got"),
        ("out_o1", "w7", "w7 does not lead to out_o1, whose derivative by it is 0; name a weight"),
        ("out_h1", "o1", "o1 does not lead to out_h1"),
        ("net_o1", "out_o1", "out_o1 does not lead to net_o1"),
        ("out_o1", "o1", "out_o1 by itself is 1; name what lies before it"),
        ("net_h2", "net_h2", "net_h2 by itself is 1"),
        ("out_o1", "o2", "o2 does not lead to out_o1"),
        ("out_o9", "w1", "no quantity 'o9'; did you mean 'o2'?"),
        ("out_o1", "w99", "no quantity 'w99'"),
    ],
)
def test_what_is_refused(of, by, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        cr.explain(NET, START, X, of=of, by=by)


FILE = 'layers = [2, 2]\nw = [1, 2, 3, 4]\ninputs = [0.5, -0.5]\nactivation = "tanh"\n'


def test_a_file_without_targets(tmp_path):
    path = tmp_path / "network.toml"
    path.write_text(FILE)
    assert read_network_file(path).y is None
    run = CliRunner().invoke(main, ["explain", str(path), "--of", "out_o1", "--by", "w2"])
    assert run.output.startswith("∂out_o1/∂w2 — network 2-2, tanh\n")
    slope = (1 - np.tanh(0.5 - 1) ** 2) * -0.5
    last = re.findall(r"= (−?[\d.]+)$", run.output, re.MULTILINE)[-1]
    assert float(last.replace("−", "-")) == pytest.approx(slope, rel=1e-8)
    run = CliRunner().invoke(main, ["explain", str(path), "--of", "w2"])
    assert run.exit_code == 2
    assert "the cost needs targets" in run.output


def test_after_some_steps_of_the_training():
    y, sgd = worked_example.Y[0], cr.SGD(0.5)
    after, _ = cr.fit(NET, START, [X], [y], sgd, epochs=2, engine="reference")
    expected = cr.explain(NET, after, X, of="out_o1", by="w5").text()
    made = cr.explain(NET, START, X, y, of="out_o1", by="w5", optimizer=sgd, step=3)
    assert made.text().replace("Step 3 of the training.\n", "") == expected
    with pytest.raises(ValueError, match="a step of the training needs targets"):
        cr.explain(NET, START, X, of="out_o1", by="w5", optimizer=sgd, step=3)
