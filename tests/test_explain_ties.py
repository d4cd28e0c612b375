"""Weights and biases that are one number in several places: counted once, their shares summed."""

import re

import numpy as np
import pytest

import chainrule as cr
from chainrule.demo import worked_example
from chainrule.explanation.expressions import exact
from chainrule.explanation.network_file import network_path
from chainrule.explanation.notation import NOTATIONS
from explained import is_near, quantities
from pages import expected, shown_lines
from reading import steps
from strategies import problem
from test_explain_derivation import check_line
from test_network_file import changed, read

W = worked_example
X, Y = W.X[0], W.Y[0]
MAZUR = [["h1.b", "h2.b"], ["o1.b", "o2.b"]]


def explained(of, ties=MAZUR, **options):
    return cr.explain(W.NET, W.START, X, Y, of=of, ties=ties, **options)


def values(explanation):
    return {step.symbol: step.value for step in explanation.steps}


@pytest.mark.parametrize(
    ("of", "gradient", "before"),
    [
        ("b2", 0.138498561629 - 0.038098236517, 0.6),  # .100400325
        ("b1", 0.008771354689 + 0.009954254705, 0.35),
        ("o1.b", 0.138498561629 - 0.038098236517, 0.6),
        ("b3", 0.138498561629 - 0.038098236517, 0.6),  # the number of a place
        ("o2.b", 0.138498561629 - 0.038098236517, 0.6),
        ("h2.b", 0.008771354689 + 0.009954254705, 0.35),
        ("layers[1].b[1]", 0.138498561629 - 0.038098236517, 0.6),
    ],
)
def test_the_two_biases_of_the_tutorial(of, gradient, before):
    made = explained(of, optimizer=cr.SGD(0.5))
    name = "b2" if before == 0.6 else "b1"
    shown = values(made)
    assert shown[f"∂E_total/∂{name}"] == pytest.approx(gradient, abs=1.5e-12)
    assert shown[f"{name}⁺"] == pytest.approx(before - 0.5 * gradient, abs=1.5e-12)
    assert made.text().startswith(f"∂E_total/∂{name} — ")


FIVE = "no quantity 'b5'; did you mean 'b2'? It has w1 to w8, b1 to b2"


def test_what_is_tied_has_one_name_and_is_counted_once():
    made = explained("all")
    formulas = {step.symbol: step.formula for step in made.steps}
    assert [formulas[f"net_{u}"][-2:] for u in ("h1", "h2", "o1", "o2")] == ["b1", "b1", "b2", "b2"]
    assert formulas["∂E_total/∂b2"] == "δ_o1 · ∂net_o1/∂b2 + δ_o2 · ∂net_o2/∂b2"
    assert "∂E_total/∂b3" not in formulas
    with pytest.raises(ValueError, match=re.escape(FIVE)):
        explained("b5")


def test_one_group_leaves_the_other_biases_as_they_are():
    shown = values(explained("all", [["h1.b", "h2.b"]]))
    assert shown["∂E_total/∂b1"] == pytest.approx(0.018725609394, abs=1.5e-12)
    assert shown["∂E_total/∂b2"] == pytest.approx(0.138498561629, abs=5e-13)
    assert shown["∂E_total/∂b3"] == pytest.approx(-0.038098236517, abs=5e-13)


LAYERS = [cr.Dense(3, "tanh"), cr.Dense(3, "sigmoid"), cr.Dense(2)]
NET = cr.Network(2, LAYERS, "half_squared_error", l1=0.01, l2=0.1)
TIES = [["w1", "w4"], ["w5", "w9", "w17"], ["h1.b", "h4.b"], ["o1.b", "o2.b", "h6.b"]]
PLACES = {  # by hand: the layer, and the entry
    "w1": [(0, "W", (0, 0)), (0, "W", (1, 1))],
    "w4": [(0, "W", (2, 0)), (1, "W", (0, 2)), (2, "W", (0, 1))],
    "w2": [(0, "W", (0, 1))],
    "w7": [(1, "W", (0, 1))],
    "b1": [(0, "b", (0,)), (1, "b", (0,))],
    "b2": [(0, "b", (1,))],
    "b5": [(1, "b", (2,)), (2, "b", (0,)), (2, "b", (1,))],
}


@pytest.fixture(scope="module")
def own():
    p = problem(NET, n=3, seed=4)
    for places in PLACES.values():
        for layer, letter, entry in places:
            getattr(p.params[layer], letter)[entry] = getattr(p.params[places[0][0]], places[0][1])[
                places[0][2]
            ]
    return p


@pytest.mark.parametrize("of", PLACES)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_derivative_is_that_of_all_places_moved_together(own, of, weighted):
    w = own.w if weighted else None

    def cost(t):
        params = NET.parameters([(p.W.copy(), p.b.copy()) for p in own.params])
        for layer, letter, entry in PLACES[of]:
            getattr(params[layer], letter)[entry] += t
        return float(cr.cost(NET, params, own.X, own.y, w))

    made = cr.explain(
        NET, own.params, own.X, own.y, of=of, ties=TIES, sample_weight=w, optimizer=cr.Adam(0.1)
    )
    slope = (cost(1e-5) - cost(-1e-5)) / 2e-5
    assert values(made)[f"∂E_total/∂{of}"] == pytest.approx(slope, rel=1e-7, abs=1e-10)


@pytest.mark.parametrize("of", [*PLACES, "all", "x1", "h2", "net_o1", "cost"])
def test_what_is_printed_is_true(own, of):
    made = cr.explain(NET, own.params, own.X, own.y, of=of, ties=TIES, optimizer=cr.SGD(0.1))
    derived = list(made.derivation.steps())
    for step in derived:
        if step.formula is not None:
            size = max([abs(q.value) for q in quantities(step)], default=0.0)
            assert is_near(float(exact(step.formula)), step.value, 10 * (1 + size)), step
    for line, step in zip(steps(made.text(10**6)), derived, strict=True):
        check_line(line, step)


@pytest.mark.parametrize("notation", NOTATIONS)
def test_every_form_is_written(notation):
    made = explained("b2", notation=notation)
    assert made.steps[-1].symbol in made.text().splitlines()[0]
    assert all((made.markdown(), made.latex(), made.html(), made._repr_html_()))
    assert "cr.Network" not in made.notebook()


def test_the_page_has_no_rounds_of_training(opened):
    made = explained("b2", optimizer=cr.SGD(0.5))
    view = opened(made)
    assert shown_lines(view) == expected(made)
    assert "Change a value, and everything follows" in view.page.inner_text("body")
    assert view.page.locator("#training").is_hidden()


@pytest.mark.parametrize(
    ("ties", "message"),
    [
        ("h1.b", 'ties must be groups of weights or biases, such as [["h1.b", "h2.b"]], got'),
        (["h1.b", "h2.b"], "ties must be groups of weights or biases"),
        ([["h1.b"]], "two or more of one kind in each; got ['h1.b']"),
        ([["h1.b", "w1"]], "two or more of one kind"),
        ([["h1", "h2"]], "two or more of one kind"),
        ([["h1.b", "h9.b"]], "no quantity 'h9'"),
        ([["h1.b", "h2.b"], ["h2.b", "o1.b"]], "must name a weight or a bias once"),
        ([["h1.b", "h1.b"]], "must name a weight or a bias once"),
        ([["h1.b", "o1.b"]], "must have equal values at the start, got 0.35 and 0.6"),
    ],
)
def test_what_is_refused(ties, message):
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        explained("cost", ties)


def test_ties_in_a_file(tmp_path):
    text = changed("biases", "[[0.1, 0.1, 0.3], [0.4]]")
    file = read(tmp_path, text + 'ties = [["h1.b", "h2.b"]]\n')
    made = cr.explain(*file[:4], **file.options(), of="b2")
    assert {step.symbol for step in made.steps} >= {"∂E_total/∂b2"}
    assert made.derivation.subject[:3] == ("b", 0, 2)
    grads = cr.cost_and_gradient(*file[:4])[1]
    assert values(made)["∂E_total/∂b2"] == pytest.approx(grads[0].b[2], rel=1e-12)
    both = cr.explain(*file[:4], **file.options(), of="b1")
    assert values(both)["∂E_total/∂b1"] == pytest.approx(np.sum(grads[0].b[:2]), rel=1e-12)


@pytest.mark.parametrize(
    ("ties", "message"),
    [
        ('["h1.b"]', "ties must be groups"),
        ('[["w1", "w4"]]', "ties: w1 and w4 must have equal values at the start, got 0.15 and 0.3"),
        ('[["o2.b", "h1.b"]]', "ties: b1 and b4 must have equal values at the start, got 0.35 and"),
        ('[["w2", "w1", "layers[1].W[0, 1]"]]', "ties: w1 and w2 and w6 must have equal values"),
    ],
)
def test_wrong_ties_in_a_file_are_told_by_its_line_and_names(tmp_path, ties, message):
    text = network_path("2-2-2").read_text()
    line = text.count("\n") + 1
    with pytest.raises(ValueError, match=re.escape(f"network.toml:{line}: {message}")):
        read(tmp_path, f"{text}ties = {ties}\n")


@pytest.mark.parametrize("step", [2, 3])
@pytest.mark.parametrize("optimizer", [cr.SGD(0.5), cr.SGD(0.1, momentum=0.9), cr.Adam(0.1)])
def test_later_steps_are_those_of_a_tied_training(step, optimizer):
    places = [["0.b[0]", "0.b[1]"], ["1.b[0]", "1.b[1]"]]
    options = {"epochs": step, "batch_size": None, "engine": "reference", "ties": places}
    after, history = cr.fit(W.NET, W.START, W.X, W.Y, optimizer, record=True, **options)
    for made in (
        explained("all", optimizer=optimizer, step=step),
        cr.explain_step(history, step=step, of="all"),
    ):
        shown = values(made)
        assert shown["b1⁺"] == pytest.approx(after[0].b[1], rel=1e-13)
        assert shown["b2⁺"] == pytest.approx(after[1].b[0], rel=1e-13)
        assert shown["w5⁺"] == pytest.approx(after[1].W[0, 0], rel=1e-13)


def test_the_length_of_the_gradient_counts_what_is_tied_once():
    options = {"epochs": 1, "batch_size": None, "engine": "reference", "clip_norm": 0.05}
    places = [["0.b[0]", "0.b[1]"], ["1.b[0]", "1.b[1]"]]
    after, history = cr.fit(
        W.NET, W.START, W.X, W.Y, cr.SGD(0.5), ties=places, record=True, **options
    )
    shown = values(cr.explain_step(history, step=1, of="b2"))
    assert shown["b2⁺"] == pytest.approx(after[1].b[0], rel=1e-13)


def test_no_derivative_of_a_unit_by_what_is_tied():
    with pytest.raises(ValueError, match="by and ties exclude each other"):
        explained("out_o1", by="b1")
