"""The playground's views on the page: drawings and tables beside them, clicks, the slider."""

import base64
import json
import re
import zlib

import numpy as np
import pytest

import chainrule as cr
from chainrule.trees import leaves, rebuild
from page_scripts import in_node
from playground_pages import address_of
from test_playground_training import KNOWN, TOLD


def read_table(page, wing):
    """The rows of the table beside a wing's drawing, which is opened."""
    details = page.locator(f"#{wing} details")
    if details.get_attribute("open") is None:
        details.locator("summary").click()
    page.wait_for_selector(f"#{wing} details table tbody tr")
    return page.evaluate(
        "(wing) => [...document.querySelectorAll(`#${wing} details tbody tr`)]"
        ".map((row) => [...row.children].map((cell) => cell.textContent))",
        wing,
    )


def on_the_line(page, start, end, share=0.08):
    """A point of the line between two units."""
    a, b = (page.locator(f'#units button[value="{name}"]').bounding_box() for name in (start, end))
    x1, x2 = a["x"] + a["width"], b["x"]
    y1, y2 = (box["y"] + box["height"] / 2 for box in (a, b))
    return x1 + share * (x2 - x1), y1 + share * (y2 - y1)


def chosen(own, subject):
    """Whether that is chosen, by the address of the state, which soon has what is so."""
    for _ in range(100):
        text = own.page.input_value("#link").partition("#")[2].partition(".")[2].partition(".")[0]
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        state = json.loads(zlib.decompress(packed, -15)) if packed else {}
        if state.get("seen", {}).get("subject") == subject:
            return True
        own.page.wait_for_timeout(20)
    return False


def colours(page, wing):
    """How many different colours a drawing has."""
    return page.evaluate(
        """(wing) => { const c = document.querySelector(`#${wing} canvas`);
           const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
           return new Set(new Uint32Array(d.buffer)).size; }""",
        wing,
    )


def predicted_at(told, points):
    """What the core says of points of the plane, of the network that a page begins with."""
    net = cr.Network(2, [cr.Dense(8, "tanh"), cr.Dense(8, "tanh"), cr.Dense(2)], "cross_entropy")
    given = [np.array(own, "float32").astype(float) for own in told["tensors"]]
    params = rebuild(
        net.form,
        [own.reshape(leaf.shape) for own, leaf in zip(given, leaves(net.form), strict=True)],
    )
    return cr.predict(net, params, points)


def test_the_plane_the_units_and_the_costs(opened_playground):
    own = opened_playground()
    page = own.page
    assert min(colours(page, wing) for wing in ("units", "outcome", "course")) > 10

    told = in_node(TOLD, given={}, known=KNOWN)
    side, range_ = told["plane"]["side"], told["plane"]["range"]
    rows = read_table(page, "outcome")
    at = [(k + 0.5) * 2 * range_ / side - range_ for k in (5, 15, 25, 35, 45)]
    p = predicted_at(told, [[x1, x2] for x2 in reversed(at) for x1 in at])
    said = [re.fullmatch(r"([01]) \(([\d.]+)\)", cell) for row in rows for cell in row[1:]]
    assert [int(each[1]) for each in said] == [int(each.argmax()) for each in p]
    assert [float(each[2]) for each in said] == pytest.approx([each.max() for each in p], abs=0.006)

    weights = read_table(page, "units")
    assert [row[0] for row in weights[:9]] == [*(f"h{k}" for k in range(1, 10))]
    assert float(weights[0][1].replace("−", "-")) == pytest.approx(told["tensors"][0][0], rel=1e-3)

    page.click('#units button[value="h3"]')
    assert chosen(own, "h3")
    assert page.get_attribute('#units button[value="h3"]', "aria-pressed") == "true"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert chosen(own, "h12")
    place = on_the_line(page, "i2", "h1")
    page.mouse.move(*place)
    assert re.fullmatch(r"w2 = −?[\d.]+, from i2 to h1", page.inner_text("#units .pointed .note"))
    page.mouse.click(*place)
    assert chosen(own, "w2")

    field = page.get_by_label("w2, from i2 to h1", exact=True)
    assert float(field.input_value()) == pytest.approx(told["tensors"][0][1], rel=1e-3)
    field.fill("much")
    field.press("Enter")
    assert "must be a number, got “much”" in page.inner_text("#units .wrong")
    field.fill("0.25")
    field.press("Enter")
    page.get_by_role("button", name="Work out w2").click()
    assert page.evaluate("document.activeElement.id") == "working"
    assert page.evaluate("""() => {
      const box = (id) => document.getElementById(id).getBoundingClientRect();
      const [bar, own] = [box('training'), box('working')];
      return own.top >= bar.bottom && own.top < innerHeight / 2;
    }""")
    assert page.get_by_label("w2", exact=True).input_value() == "0.25"


def test_a_unit_that_is_pointed_at_is_shown_in_place_of_the_prediction(opened_playground):
    own = opened_playground()
    page = own.page
    picture = "document.querySelector('#outcome canvas').toDataURL()"
    before = page.evaluate(picture)
    for name in ("h3", "o1"):
        page.hover(f'#units button[value="{name}"]')
        assert page.evaluate(picture) != before
        page.mouse.move(5, 5)
        assert page.evaluate(picture) == before
    page.focus('#units button[value="i1"]')
    assert page.evaluate(picture) != before


def test_the_slider_goes_back_to_any_step(opened_playground):
    own = opened_playground()
    page = own.page
    own.press("epoch")
    own.wait_for_step(7)
    later = own.stands("cost")
    page.fill("#course input[type=text]", "3")
    page.keyboard.press("Enter")
    own.wait_for_step(3)
    before = own.stands("cost")
    assert before != later
    page.locator("#course input[type=range]").fill("7")
    own.wait_for_step(7)
    assert own.stands("cost") == later
    rows = read_table(page, "course")
    assert [row[0] for row in rows] == ["0", "3", "7"]
    assert [row[1] for row in rows[1:]] == [before, later]
    page.fill("#course input[type=text]", "ten")
    page.keyboard.press("Enter")
    assert (
        page.inner_text("#course .wrong")
        == "A step is a whole number from 0 to 1,000,000, got “ten”."
    )
    assert page.input_value("#course input[type=text]") == "ten"
    own.wait_for_step(7)


def test_what_flows_is_said_in_words(opened_playground):
    layers = [["dense", {"units": 4, "activation": "sigmoid"}]] * 6
    net = {"layers": [*layers, ["dense", {"units": 2}]]}
    own = opened_playground(address_of({"net": net}))
    found = own.page.locator("#flow .found")
    found.first.wait_for()
    assert "vanishes" in found.first.inner_text()
    assert own.page.locator("#flow tbody tr").count() == 7
    own.page.select_option("#language", "de")
    assert "verschwindet" in found.first.inner_text()


def test_digits_are_told_in_a_table_and_by_pictures(opened_playground):
    net = {"layers": [["dense", {"units": 10}]]}
    own = opened_playground(address_of({"data": {"set": "digits"}, "net": net}))
    page = own.page
    rows = page.locator("#outcome .confusion tbody tr")
    caption = page.locator("#outcome caption")
    before = int(re.match(r"(\d+) of 150 examples of the test", caption.inner_text())[1])
    assert (rows.count(), page.locator("#outcome .pictures li").count()) == (10, 24)
    page.select_option("[name=speed]", "")
    page.fill("#course input[type=text]", "200")
    page.keyboard.press("Enter")
    own.wait_for_step(200)
    after = int(re.match(r"(\d+) of 150", caption.inner_text())[1])
    assert after > max(before, 120)
    missed = page.locator("#outcome .pictures .missed")
    assert missed.count() == min(150 - after, 24)
    cells = rows.evaluate_all(
        "all => all.map((row) => [...row.cells].slice(1).map((c) => Number(c.textContent)))"
    )
    assert sum(map(sum, cells)) == 150
    assert sum(cells[k][k] for k in range(10)) == after


def test_quantities_are_predicted_beside_the_true_ones(opened_playground):
    net = {"layers": [["dense", {"units": 1}]], "loss": "half_squared_error"}
    data = {"set": "plane"}
    own = opened_playground(address_of({"data": data, "net": net}))
    assert colours(own.page, "outcome") > 10
    assert re.fullmatch(r"−?[\d.]+", read_table(own.page, "outcome")[0][1])
