"""The page of a diagnosis: whole, without requests, and its tables show what was measured."""

import re

import matplotlib as mpl
import numpy as np
import pytest

import chainrule as cr
from chainrule.diagnosis.diagnosis_page import flow_in_words
from chainrule.formatting import number
from commands import run
from pages import Visit
from reports import Page

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 3))
LABELS = (X[:, 0] + X[:, 1] > 0).astype(int)
DEEP = cr.Network(3, [*[cr.Dense(6, "sigmoid")] * 4, cr.Dense(2)], loss="cross_entropy")
PLAIN = cr.Network(3, [cr.Dense(5, "relu"), cr.Dense(1)], loss="squared_error")
SINGLE = cr.Network(3, [cr.Dense(1)], loss="huber")


def deep():
    start = DEEP.init(0)
    options = {"epochs": 12, "seed": 0}
    params, history = cr.fit(DEEP, start, X, LABELS, cr.SGD(0.1), validation=0.2, **options)
    return cr.diagnose(
        DEEP, params, X, LABELS, cr.SGD(0.1), validation=0.2, initial=start, history=history,
        **options,
    )  # fmt: skip


def diverged():
    net = cr.Network(3, [cr.Dense(5, "relu"), cr.Dropout(0.1), cr.Dense(1)], loss="squared_error")
    start = net.init(0)
    with pytest.raises(cr.DivergenceError) as caught:
        cr.fit(net, start, X, X[:, 0], cr.SGD(1e6), epochs=30)
    error = caught.value
    return cr.diagnose(
        net, error.params, X, X[:, 0], cr.SGD(1e6), initial=start, history=error, epochs=30
    )


MADE = {
    "healthy": lambda: cr.diagnose(PLAIN, PLAIN.init(0), X, X[:, 0]),
    "one layer": lambda: cr.diagnose(SINGLE, SINGLE.init(0), X, X[:, 0]),
    "deep": deep,
    "diverged": diverged,
    "zero": lambda: cr.diagnose(PLAIN, PLAIN.init(0), np.zeros((40, 3)), np.zeros(40)),
}


@pytest.fixture(scope="module", params=MADE)
def made(request):
    found = MADE[request.param]()
    return found, found.html()


def test_a_page_is_whole_small_and_asks_for_nothing(made):
    page, html = Page(made[1]), made[1]
    assert len(html.encode()) < 300_000
    assert not page.of("script")
    assert not [t for t, _ in page.tags if t in ("img", "link", "iframe", "object", "a", "base")]
    policy = page.of("meta")[1]["content"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'")
    addresses = [value for _, attrs in page.tags for key, value in attrs.items()
                 if key.endswith(("href", "src"))]  # fmt: skip
    assert all(address.startswith("#") for address in addresses)
    assert all(address.startswith("url(#") for address in re.findall(r"url\([^)]*\)", html))
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_each_picture_is_said_in_words_and_has_a_table_beside_it(made):
    cards = made[1].split('<section class="card')[1:]
    pictures = [card for card in cards if "<svg" in card]
    assert len(pictures) >= 3
    for card in pictures:
        assert re.search(r'<svg role="img" aria-label="[^"]{20,}"', card)
        assert "<figcaption>" in card
        assert "<table" in card
    for head, *rows in Page(made[1]).tables.values():
        assert all(head)
        assert rows
        assert {len(row) for row in rows} == {len(head)}


def test_the_same_diagnosis_makes_the_same_page_whatever_the_settings(made):
    own = {"lines.linewidth": 9, "font.size": 30, "svg.fonttype": "path", "axes.grid": True}
    with mpl.rc_context(own):
        assert made[0].html() == made[1]


def test_the_verdict_stands_on_the_page_and_in_a_notebook(made):
    found, html = made
    text = Page(html).text
    for each in found.findings:
        assert each.title in text
    if not found.findings:
        assert found.nothing_found in text
    assert found._repr_html_() in html


def test_the_tables_show_what_was_measured():
    found = deep()
    page = Page(found.html())
    assert "vanishing_slopes" in found.names
    _, rows = page.table("root mean squares by layer, and")
    assert [row[1:4] for row in rows] == [
        [number(m.a), number(m.delta), number(m.gradient)] for m in found.layers
    ]
    assert [row[4] for row in rows] == [*[number(m.slope) for m in found.layers[:-1]], "–"]
    assert [row[5] for row in rows] == [*[number(m.weights) for m in found.layers[1:]], "–"]
    _, rows = page.table("shares of units")
    assert [row[1] for row in rows] == [f"{m.dead:.1%}" for m in found.layers]
    _, rows = page.table("the first step")
    assert [row[1] for row in rows] == [number(ratio) for ratio in found.updates]
    _, rows = page.table("the longest gradients")
    assert [int(row[0]) for row in rows] == [row for row, _, _ in found.examples.largest]
    _, rows = page.table("losses by epoch")
    assert rows[0] == ["1", number(found.losses[0]), number(found.validation_losses[0])]
    assert rows[-1][0] == "12"


def test_the_factors_multiply_to_what_becomes_of_the_gradient():
    found = deep()
    layers = found.layers
    product = np.prod([m.slope for m in layers[:-1]]) * np.prod([m.weights for m in layers[1:]])
    of_norms = layers[0].delta * 6**0.5 / (layers[-1].delta * 2**0.5)
    assert of_norms == pytest.approx(product)
    assert f"is multiplied by {number(product, 3)}: by slopes" in flow_in_words(layers)
    least, k = min((m.slope, k) for k, m in enumerate(layers[:-1]))
    assert f"shrinks most by f′ of layer {k}, × {number(least, 3)}" in flow_in_words(layers)


def test_the_longest_gradients_are_those_of_the_examples():
    params = PLAIN.init(0)
    found = cr.diagnose(PLAIN, params, X, X[:, 0]).examples
    norms = len(X) * np.sqrt(cr.example_squared_norms(PLAIN, params, X, X[:, 0]))
    np.testing.assert_allclose(found.norms, norms, rtol=1e-5)
    (row, norm, share), *_ = found.largest
    assert row == np.argmax(norms)
    assert norm == pytest.approx(norms.max())
    assert share == pytest.approx(norms.max() ** 2 / np.sum(norms**2), rel=1e-5)


def test_a_wrong_label_is_named():
    x = np.concatenate([RNG.normal(-4, 1, (40, 3)), RNG.normal(4, 1, (40, 3))])
    y = np.repeat([0, 1], 40)
    y[7] = 1
    net = cr.Network(3, [cr.Dense(6, "tanh"), cr.Dense(2)], loss="cross_entropy")
    found = cr.diagnose(net, net.init(0), x, y)
    assert found.examples.likely_mislabelled == (7,)
    assert (
        "1 example has a label that hardly any of the nearest have: row 7."
        in Page(found.html()).text
    )


# ---- the command ---------------------------------------------------------------------------------

TOML = """
layers = [2, 4, 1]
seed = 0
activation = ["tanh", "identity"]
loss = "squared_error"
inputs = {inputs}
targets = {targets}
rate = 0.05
"""


def network_file(folder):
    x = X[:40, :2].round(3)
    path = folder / "network.toml"
    text = TOML.format(inputs=x.tolist(), targets=(1000 * x[:, :1]).round(3).tolist())
    path.write_text(text, encoding="utf-8")
    return path


def test_the_command_writes_a_page_whole(tmp_path):
    path, page = network_file(tmp_path), tmp_path / "diagnosis.html"
    done = run("diagnose", path, "-o", page)
    assert done.exit_code == 1
    assert done.stdout == ""
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert "Unscaled target" in text
    assert sorted(each.name for each in tmp_path.iterdir()) == ["diagnosis.html", "network.toml"]
    assert run("diagnose", path, "-o", tmp_path / "d.txt").exit_code == 1
    assert (tmp_path / "d.txt").read_text(encoding="utf-8").startswith("1. Unscaled target: ")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("d.pdf", "give a format, or a name that ends in .html, .json, .txt"),
        ("missing/d.html", "there is no folder"),
        ("network.toml", "give a format, or a name"),
    ],
)
def test_a_place_that_does_not_suit_is_refused_and_nothing_is_written(tmp_path, name, message):
    path = network_file(tmp_path)
    before = path.read_bytes()
    done = run("diagnose", path, "-o", tmp_path / name)
    assert done.exit_code == 2
    assert message in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["network.toml"]
    assert path.read_bytes() == before


def test_the_network_is_not_written_over(tmp_path):
    path = network_file(tmp_path).rename(tmp_path / "network.txt")
    before = path.read_bytes()
    done = run("diagnose", path, "-o", path)
    assert done.exit_code == 2
    assert "is being read; choose another name" in done.stderr
    assert path.read_bytes() == before


# ---- in a browser --------------------------------------------------------------------------------


@pytest.fixture
def seen(browser, tmp_path):
    """Open a page."""
    visits = []

    def see(html, width=1280):
        path = tmp_path / f"{len(visits)}.html"
        path.write_text(html, encoding="utf-8")
        visits.append(Visit(browser, path, width))
        return visits[-1].page

    yield see
    for visit in visits:
        visit.close()


@pytest.mark.parametrize("width", [360, 1280])
def test_a_page_is_as_wide_as_its_window(seen, made, width):
    page = seen(made[1], width)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator("figure svg text").count() > 10


def test_the_pictures_have_the_colours_of_the_page_in_light_and_dark(seen, made):
    page = seen(made[1])
    colours = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        colours[scheme] = page.evaluate(
            """() => {
              const of = (what, key) => getComputedStyle(document.querySelector(what))[key];
              return [of('body', 'color'), of('svg text', 'fill'), of('.card', 'backgroundColor')];
            }"""
        )
    assert all(a != b for a, b in zip(*colours.values(), strict=True))


def test_many_layers_give_a_page_that_can_be_read():
    net = cr.Network(3, [cr.Dense(2, "tanh")] * 199 + [cr.Dense(1)], loss="squared_error")
    found = cr.diagnose(net, net.init(0), X, X[:, 0], cr.SGD(0.1), initial=net.init(0))
    page = found.html()
    assert len(page) < 400_000
    assert len(found.network) < 200
    tables = re.findall(r"<table.*?</table>", page, re.S)
    assert max(table.count("<tr>") for table in tables) == 41
    assert page.count("the first 20 and the last 20 of 200</caption>") == 3
