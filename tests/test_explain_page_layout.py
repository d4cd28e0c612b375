"""Where things stand on the page, in a real browser: names that are long, layers that are wide."""

import itertools

import pytest

import chainrule as cr
from pages import explained
from strategies import problem

LONG = [
    "median_income_of_the_households_of_a_district",
    "average number of rooms per household",
    "収入の中央値とその他の値",
    "pop",
]
SIZES = {"desktop": (1280, 800), "phone": (390, 844)}

TEXTS = """() => [...document.querySelectorAll('#drawing text')]
  .filter((e) => e.textContent && getComputedStyle(e).display !== 'none')
  .map((e) => [e.closest('[data-el]')?.dataset.el ?? '', e.getAttribute('class'), e.textContent,
    e.getBoundingClientRect().toJSON()])"""
BOXES = """() => [...document.querySelectorAll('#drawing :is(.unit circle, .target rect)')]
  .map((e) => [e.closest('[data-el]').dataset.el, e.getBoundingClientRect().toJSON()])"""
CIRCLES = """() => [...document.querySelectorAll('#drawing .unit circle')].map((e) =>
  [e.closest('[data-el]').dataset.el, e.getBoundingClientRect().toJSON()])"""


def of_widths(*widths, labels=True, **more):
    """A page of a network with long names of its inputs and outputs."""
    hidden = [cr.Dense(width, "relu") for width in widths[1:-1]]
    net = cr.Network(widths[0], [*hidden, cr.Dense(widths[-1])], loss="squared_error")
    own = problem(net, n=1, seed=3)
    names = {}
    if labels:
        names["inputs"] = [f"{LONG[k % 4]} {k}" for k in range(widths[0])]
        names["outputs"] = [f"{LONG[k % 3]} {k}" for k in range(widths[-1])]
    return cr.explain(net, own.params, own.X * 1e-3, own.y, of="w1", **names, **more)


def of_layers(*layers):
    """A page of a network with layers of any kind between two others, and long names."""
    net = cr.Network(2, [cr.Dense(3), *layers, cr.Dense(2)], loss="squared_error")
    own = problem(net, n=1, seed=3)
    names = {"inputs": LONG[:2], "outputs": LONG[1:3]}
    return cr.explain(net, own.params, own.X, own.y, of="w1", **names)


PAGES = {
    "2-2-2": explained,
    "named": lambda: explained(inputs=LONG[:2], outputs=LONG[1:3]),
    "4-5-3": lambda: of_widths(4, 5, 3),
    "3-6-4-2": lambda: of_widths(3, 6, 4, 2),
    "12-12-10": lambda: of_widths(12, 12, 10),
    "20-3": lambda: of_widths(20, 3),
    "30-20-10, nameless": lambda: of_widths(30, 20, 10, labels=False),
    "layer norm": lambda: of_layers(cr.LayerNorm(), cr.Activate("relu")),
    "residual": lambda: of_layers(cr.Residual(cr.Scale(), cr.Residual(cr.Dense(3, "tanh")))),
    "embedded": lambda: of_layers(cr.Periodic(2, 3)),
}


def overlap(one, other):
    """Whether two boxes share more than an edge."""
    return all(
        one[low] + 1 < other[high] and other[low] + 1 < one[high]
        for low, high in (("left", "right"), ("top", "bottom"))
    )


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PAGES)
def test_no_text_is_clipped_or_lies_over_a_circle_of_another(opened, name, size):
    own = opened(PAGES[name](), *SIZES[size])
    frame = own.page.evaluate("document.querySelector('#drawing svg').getBoundingClientRect()")
    circles = dict(own.page.evaluate(CIRCLES))
    boxes, texts = dict(own.page.evaluate(BOXES)), own.page.evaluate(TEXTS)
    for element, kind, text, box in texts:
        assert frame["left"] - 1 <= box["left"], text
        assert box["right"] <= frame["right"] + 1, text
        assert frame["top"] - 1 <= box["top"] <= box["bottom"] <= frame["bottom"] + 1, text
        if kind == "value" and element in boxes:
            assert box["width"] <= boxes[element]["width"] - 2, text
        if kind in ("label", "slope"):
            for other, circle in circles.items():
                assert not overlap(box, circle), (text, other)
    labels = [box for _, kind, _, box in texts if kind == "label"]
    assert not any(overlap(*pair) for pair in itertools.combinations(labels, 2))


@pytest.mark.parametrize("size", SIZES)
def test_what_a_line_works_out_is_not_clipped(opened, size):
    own = opened(explained(), *SIZES[size])
    symbols = own.page.locator("#derivation .symbol math")
    assert symbols.count() > 10
    assert not symbols.evaluate_all(
        "all => all.filter((e) => e.scrollWidth > e.clientWidth).length"
    )


def test_a_name_that_is_cut_can_be_read_whole(opened):
    own = opened(of_widths(4, 5, 3), *SIZES["phone"])
    shown = own.page.locator("#drawing [data-el='u/-1/0'] .label").text_content()
    assert shown.endswith("…")
    assert own.page.locator("#drawing [data-el='u/-1/0'] title").text_content() == f"{LONG[0]} 0"
    cell = own.page.locator("#tables td .long").first
    assert cell.get_attribute("title") == f"i1 {LONG[0]} 0"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["named", "4-5-3", "12-12-10", "residual"])
def test_the_page_is_no_wider_than_the_window(opened, name, size):
    own = opened(PAGES[name](), *SIZES[size])
    assert own.page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]


def test_a_table_that_scrolls_has_a_shade_at_its_edge(opened):
    own = opened(of_widths(4, 5, 3, optimizer=cr.SGD(0.1)), *SIZES["phone"])
    table = own.page.locator("#tables .table").first
    assert table.evaluate("e => e.scrollWidth > e.clientWidth + 50")
    bare = _edge(own, table, "--shade: transparent")
    assert _edge(own, table, "") != bare
    table.evaluate("e => e.scrollTo(e.scrollWidth, 0)")
    assert _edge(own, table, "") == _edge(own, table, "--shade: transparent")


def _edge(own, table, style):
    """The last pixels at the right of a table, as they are drawn."""
    table.evaluate("e => e.scrollIntoView()")
    own.page.evaluate("style => document.documentElement.style.cssText = style", style)
    box = table.bounding_box()
    clip = {"x": box["x"] + box["width"] - 12, "y": box["y"], "width": 12, "height": 40}
    return own.page.screenshot(clip=clip)
