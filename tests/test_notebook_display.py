"""What a notebook shows of values: whole, small, escaped, and nothing asked for elsewhere."""

import html
import math
import re
import subprocess
import sys
from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.explanation.worksheet import worksheet
from chainrule.html_page.curve import HIGH, POINTS, WIDE, curves
from chainrule.html_page.notebook_part import Page
from chainrule.tabular.row_reasons import _said
from chainrule.trees import leaves
from reports import EVIL

NET = cr.Network(
    3,
    [cr.Dense(8, "relu"), cr.Dropout(0.1), cr.Residual(cr.Dense(8)), cr.Dense(2)],
    "cross_entropy",
)
X = np.random.default_rng(0).normal(size=(60, 3))
Y = (X[:, 0] > 0).astype(int)


def history():
    return cr.fit(NET, NET.init(), X, Y, cr.Adam(), epochs=6, validation=0.3)[1]


def table_model(name="kind"):
    frame = pl.DataFrame({"a": X[:, 0], "b": X[:, 1], name: Y})
    return cr.train(frame, name, effort="fast", epochs=3), frame


def why():
    model, frame = table_model()
    return model.why_row(frame, 2)


MADE = {
    "network": lambda: NET,
    "history": history,
    "model": lambda: table_model()[0],
    "evil model": lambda: table_model(EVIL)[0],
    "why": why,
    "worksheet": lambda: worksheet([2, 2, 2], seed=1),
    "explanation": lambda: cr.explain(NET, NET.init(), X[:1], Y[:1], of="w1"),
    "diagnosis": lambda: cr.diagnose(NET, NET.init(), X, Y),
    "estimator": lambda: cr.MLPClassifier(hidden_layer_sizes=(3,)),
}


@pytest.mark.parametrize("name", MADE)
def test_a_value_shows_itself(name):
    shown = MADE[name]()._repr_html_()
    if name != "estimator":  # whose table of parameters is scikit-learn's
        assert len(shown) < 200_000
        assert "<script" not in re.sub('srcdoc="[^"]*"', "", shown)
        assert not re.search(r"url\(|@import|<link|src=[\"']?http", html.unescape(shown))


def test_a_network_tells_shapes_and_numbers_of_parameters():
    shown = NET._repr_html_()
    assert f"{NET.size:,} parameters in all" in shown
    for form, layer in zip(NET.form, NET.layers, strict=True):
        count = sum(leaf.size for leaf in leaves(form))
        assert f"{html.escape(repr(layer))}</td>" in shown
        assert f'<td class="number">{count}</td></tr>' in shown
    assert "W 8×3, b 8" in shown
    many = cr.Network(1, [cr.Dense(1)] * 300, "huber")
    assert "the first 40 of 300 layers" in many._repr_html_()
    assert len(many._repr_html_()) < 20_000


def places(picture, k=0):
    line = re.findall('points="([^"]*)"', picture)[k]
    return [tuple(map(float, point.split(","))) for point in line.split()]


@pytest.mark.parametrize(
    "loss",
    [[3.0, 1.0, 2.0], [1e6, 1.0, 1e-6], [0.0, 0.0], [-1e308, 1e308], [5.0], [math.inf, 2.0, 1.0],
     [1.0, math.nan, 0.5], list(np.linspace(9, 1, 5000))],
)  # fmt: skip
def test_a_curve_stays_in_its_picture_in_the_order_of_its_values(loss):
    drawn = places(curves({"a": loss}, 0, "said"))
    finite = [(k, x) for k, x in enumerate(loss) if math.isfinite(x)]
    assert len(drawn) == len(finite) if len(loss) <= POINTS else len(drawn) <= POINTS + 2
    assert all(0 <= x <= WIDE and 0 <= y <= HIGH for x, y in drawn)
    assert [x for x, _ in drawn] == sorted(x for x, _ in drawn)
    if len(drawn) == len(finite):
        higher = np.argsort([-y for _, y in drawn], kind="stable")
        assert higher.tolist() == np.argsort([x for _, x in finite], kind="stable").tolist()


def test_the_best_epoch_is_marked_and_equal_histories_show_alike():
    made = history()
    shown = made._repr_html_()
    assert shown == made.copy()._repr_html_()
    (x, y), best = places(shown, 1)[made.best_epoch - 1], made.best_epoch
    assert f'cx="{x:.1f}" cy="{y:.1f}"' in shown
    assert f"after epoch {best}, the best" in shown
    assert "No epoch was made" in cr.History()._repr_html_()
    assert "<svg" not in cr.History(loss=[math.inf])._repr_html_()


def test_a_page_stands_in_a_frame_as_it_is():
    page = worksheet([2, 1], seed=3).html()
    assert isinstance(page, Page)
    inside = re.search('srcdoc="([^"]*)"', page._repr_html_())[1]
    assert html.unescape(inside) == page


def test_nothing_else_is_loaded_to_show_a_network_and_its_history():
    code = (
        "import chainrule as cr, sys; cr.Network(1, [cr.Dense(1)], 'huber')._repr_html_(); "
        "cr.History(loss=[2.0, 1.0])._repr_html_(); "
        "print([m for m in ('matplotlib', 'polars', 'sklearn', 'IPython') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (datetime(2010, 7, 22), "2010-07-22"),
        (datetime(2010, 7, 22, 6, 30), "2010-07-22 06:30:00"),
        (date(2010, 7, 22), "2010-07-22"),
        (None, "missing"),
    ],
)
def test_reasons_say_a_date_without_midnight(value, said):
    assert _said(value) == said
