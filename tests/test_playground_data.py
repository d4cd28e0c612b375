"""The playground's data: drawn, known and one's own; what cannot be used is said."""

import base64
import itertools
import math
import zlib

import numpy as np
import pytest

from chainrule import streams
from chainrule.demo import tutorial_figures, worked_example
from chainrule.playground import playground
from chainrule.playground.data.known_sets import known_sets
from playground_data import CLASS, PLANE, REAL, ask, examples, lines
from playground_pages import Playground
from wasm_cases import NODE

pytestmark = pytest.mark.skipif(NODE is None, reason="there is no Node")

# What is random


def test_streams_are_those_of_python():
    asked = [(0, 4, 0, 70), (2**40 + 7, 6, 1, 130), (3, 2**32 - 1, 2**35 + 1, 5)]
    for (seed, number, step, n), (words, order) in zip(asked, ask("streams", asked), strict=True):
        assert words == streams.words(seed, number, step, n).tolist()
        assert order == streams.shuffled(n, seed, step, number).tolist()


def test_uniform_and_normal_numbers_are_what_they_are_called():
    uniform, normal = ask("drawn", 10000)
    assert abs(np.mean(uniform) - 0.5) < 0.01
    assert abs(np.std(uniform) - math.sqrt(1 / 12)) < 0.01
    assert abs(np.mean(normal)) < 0.03
    assert abs(np.std(normal) - 1) < 0.03
    assert abs(np.mean(np.square(normal[::2]) * np.square(normal[1::2])) - 1) < 0.15


# Sets of the plane


def plane(*sets, **changes):
    made = examples(*(({**PLANE, **changes, "set": name}, REAL) for name in sets))
    return [(np.reshape(e["plane"]["train"], (-1, 2)), np.array(e["train"]["y"]), e) for e in made]


def test_classes_lie_where_they_are_known_to_lie():
    circles, xor, gaussians, spiral = (
        each[:2] for each in plane("circles", "xor", "gaussians", "spiral")
    )
    radius = np.hypot(*circles[0].T)
    assert np.all(radius[circles[1] == 1] <= 2.5)
    assert np.all(radius[circles[1] == 0] >= 3.5)
    assert np.array_equal(np.prod(xor[0], axis=1) < 0, xor[1] == 1)
    for own, centre in ((0, -2), (1, 2)):
        near = gaussians[0][gaussians[1] == own]
        assert np.abs(near.mean(axis=0) - centre).max() < 0.3
        assert np.abs(near.std(axis=0) - 1).max() < 0.2
    for own in (0, 1):
        arm = spiral[0][spiral[1] == own]
        angle = np.unwrap(np.arctan2(arm[:, 1], arm[:, 0]))
        straight = np.polyval(np.polyfit(np.hypot(*arm.T), angle, 1), np.hypot(*arm.T))
        assert np.abs(angle - straight).max() < 1e-9
    for points, y in (circles, xor, gaussians, spiral):
        assert np.abs(points).max() < 6
        assert abs(np.mean(y) - 0.5) < 0.1


def test_quantities_are_those_of_the_points():
    (flat, y, _), (wave, z, _) = plane("plane", "sine")
    np.testing.assert_allclose(y, flat.sum(axis=1) / 10, atol=1e-12)
    np.testing.assert_allclose(z, np.sin(wave[:, 0]), atol=1e-12)


def test_noise_moves_points_and_quantities_by_what_it_says():
    still, moved = (plane("spiral", "plane", noise=noise) for noise in (0, 0.4))
    assert abs(np.std(moved[0][0] - still[0][0]) - 0.8) < 0.05
    assert np.array_equal(moved[1][0], still[1][0])
    assert abs(np.std(moved[1][1] - still[1][1]) - 0.4) < 0.05


def test_the_seed_and_the_share_say_which_rows_are_held_out():
    made = examples(
        *(({**PLANE, "set": "xor", "seed": seed}, CLASS) for seed in (3, 3, 4)),
        *(({**PLANE, "set": "xor", "n": n, "test": 0.9}, CLASS) for n in (1, 2)),
    )
    one, again, other = made[:3]
    assert one == again
    assert one["test"]["rows"] != other["test"]["rows"]
    assert sorted(one["train"]["rows"] + one["test"]["rows"]) == list(range(401))
    assert (one["test"]["n"], one["train"]["n"]) == (100, 301)
    assert [(e["train"]["n"], e["test"]["n"]) for e in made[3:]] == [(1, 0), (1, 1)]


FEATURES = {
    "x1": lambda a, b: a,
    "x2": lambda a, b: b,
    "x1_squared": lambda a, b: a**2,
    "x2_squared": lambda a, b: b**2,
    "x1_x2": lambda a, b: a * b,
    "sin_x1": lambda a, b: np.sin(a),
    "sin_x2": lambda a, b: np.sin(b),
}


def test_features_are_made_of_the_coordinates():
    names = ask("features")
    assert names == [*FEATURES]
    [(points, _, made)] = plane("spiral", features=names)
    for k, rule in enumerate(FEATURES.values()):
        np.testing.assert_allclose(made["train"]["X"][k :: len(names)], rule(*points.T), rtol=1e-12)


# Known sets


def test_known_sets_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits, load_iris

    iris, digits = examples(
        *(({"set": name, "test": 0, "seed": 0}, CLASS) for name in ("iris", "digits"))
    )
    found = load_iris()
    expected = (found.data - found.data.mean(axis=0)) / found.data.std(axis=0)
    np.testing.assert_allclose(np.reshape(iris["train"]["X"], (-1, 4)), expected, atol=1e-12)
    assert iris["train"]["labels"] == found.target.tolist()
    assert iris["classes"] == iris["names"]["outputs"] == found.target_names.tolist()
    X, y = load_digits(return_X_y=True)
    pixels = {tuple(row): label for row, label in zip(X / 16, y, strict=True)}
    rows = map(tuple, np.reshape(digits["train"]["X"], (-1, 64)))
    labels = digits["train"]["labels"]
    assert [pixels[row] for row in rows] == labels
    assert np.bincount(labels).tolist() == [30] * 10


def test_the_tutorial_is_the_tutorial():
    [made] = examples(({"set": "tutorial", "test": 0.5, "seed": 0}, REAL))
    assert (made["train"]["X"], made["train"]["y"]) == (
        *tutorial_figures.INPUTS,
        *tutorial_figures.TARGETS,
    )
    assert (made["inputs"], made["outputs"], made["test"]["n"]) == (2, 2, 0)
    state = known_sets()["tutorial"]["state"]
    assert state["run"]["frozen"] == sorted(worked_example.BIASES)
    assert state["net"]["weights"][2] == [*itertools.chain(*tutorial_figures.OUTPUT[0])]


# Targets, as a loss wants them


SIGNS = [("real", (0, 1)), ("probability", (0, 1)), ("sign", (-1, 1)), ("count", (0, 1))]


@pytest.mark.parametrize(("target", "signs"), SIGNS)
def test_classes_become_what_a_loss_compares_with(target, signs):
    two, three, labels, turns = examples(
        *(
            ({**PLANE, "set": name, "n": 10, "test": 0}, {"target": target})
            for name in ("xor", "iris")
        ),
        ({"set": "iris", "seed": 3, "test": 0}, CLASS),
        ({**PLANE, "set": "xor", "n": 10, "test": 0}, {"target": target, "turns": 2}),
    )
    assert two["outputs"] == 1
    assert two["train"]["y"] == [signs[k % 2] for k in range(10)]
    one_hot = np.eye(3)[labels["train"]["labels"]]
    assert three["outputs"] == 3
    assert np.array_equal(np.reshape(three["train"]["y"], (-1, 3)) == signs[1], one_hot == 1)
    assert set(three["train"]["y"]) == set(signs)
    assert turns["outputs"] == 2
    assert turns["train"]["y"] == np.repeat(two["train"]["y"], 2).tolist()


def test_quantities_need_losses_of_numbers():
    targets = ("class", "sign", "probability", "count")
    refused = examples(*(({**PLANE, "set": "sine"}, {"target": each}) for each in targets))
    assert [each["word"] for each in refused] == [*["data.needs_classes"] * 3, "data.needs_counts"]


def test_what_a_state_cannot_be_of_is_refused():
    refused = examples(
        ({**PLANE, "set": "xor", "features": []}, CLASS),
        ({**PLANE, "set": "moons"}, CLASS),
        ({**PLANE, "set": "own"}, CLASS),
        ({**PLANE, "set": "own", "own": {"id": "lost"}}, CLASS),
    )
    words = ["data.no_features", "data.unknown", "data.own_missing", "data.own_missing"]
    assert [each["word"] for each in refused] == words


# The panel

SET = "#data .wing > .field select"


def chosen(own, name):
    own.page.select_option(SET, name)


def summary(own, text):
    own.page.locator("#data .wing > p").filter(has_text=text).wait_for()


def wrong(own, text):
    own.page.locator(".wrong, #wrong").filter(has_text=text).wait_for()


def read(own, text):
    own.page.fill("#data textarea", text)
    own.page.get_by_role("button", name="Read the text").click()


def test_every_set_trains(opened_playground):
    own = opened_playground()
    options = own.page.locator(f"{SET} option")
    sets = options.evaluate_all("all => all.map((each) => each.value)")
    expected = {"tutorial": "1 example in training, 0", "iris": "4 inputs", "digits": "64 inputs"}
    assert {*expected} < {*sets}
    for name in [each for each in sets if each not in ("own", "spiral")] + ["spiral"]:
        chosen(own, name)
        summary(own, expected.get(name, "100 examples in training, 100 in the test; 2 inputs"))
        own.trains()
        if name == "tutorial":
            assert own.stands("cost") == "0.291"
            assert own.page.locator(".layer").count() == 2
    assert own.page.locator(".layer").count() == 3


def test_what_is_drawn_can_be_changed_and_taken_back(opened_playground):
    own = opened_playground()
    own.page.get_by_label("points", exact=True).fill("50")
    own.page.keyboard.press("Tab")
    summary(own, "25 examples in training")
    own.page.get_by_label("share of the test", exact=True).fill("0,2")
    own.page.keyboard.press("Tab")
    summary(own, "40 examples in training, 10 in the test")
    own.page.get_by_label("x₁²", exact=True).check()
    summary(own, "3 inputs")
    own.trains()
    for _ in range(3):
        own.page.click("#undo")
    summary(own, "100 examples in training, 100 in the test; 2 inputs")
    for text in ("many", "1", "2.5", "1e9"):
        field = own.page.get_by_label("points", exact=True)
        field.fill(text)
        own.page.keyboard.press("Tab")
        wrong(own, f"points must be a whole number ≥ 2, ≤ 20000, got “{text}”; nothing is changed")
        assert field.input_value() == text
    for name in ("x₁", "x₂"):
        own.page.get_by_label(name, exact=True).uncheck()
    wrong(own, "At least one input must enter the network.")


OWN = lines(
    ("size", "colour", "id", "grade"),
    *((k / 3, ("red", "blue")[k % 2], f"n{k}", ("good", "bad")[k % 3 == 0]) for k in range(40)),
)


def read_address(address):
    """The state that an address holds, as JSON."""
    *_, packed, _ = ["", "", *address.partition("#")[2].split(".")]
    data = base64.urlsafe_b64decode(f"{packed}==")
    return zlib.decompress(data, wbits=-15).decode() if data else ""


def test_a_table_of_ones_own(opened_playground, tmp_path):
    own = opened_playground()
    chosen(own, "own")
    read(own, OWN)
    summary(own, "20 examples in training, 20 in the test; 3 inputs")
    own.trains()
    said = own.page.inner_text("#data .chosen")
    assert "left out: 40 different words" in said
    own.page.get_by_label("use of colour").select_option("out")
    summary(own, "1 input.")
    own.page.get_by_label("use of size").select_option("y")
    summary(own, "2 inputs")
    own.trains()
    assert own.page.get_by_label("loss", exact=True).input_value() == "half_squared_error"
    own.page.get_by_label("The link holds my table").check()
    address = own.page.input_value("#link")
    while '"text"' not in read_address(address):
        own.page.wait_for_timeout(50)
        address = own.page.input_value("#link")
    (tmp_path / "more.csv").write_text("a;b\n1,5;p\n2,5;q\n3,5;p\n4,5;q\n", encoding="utf-8")
    own.page.set_input_files("#data input[type=file]", tmp_path / "more.csv")
    summary(own, "2 examples in training, 2 in the test; 1 input.")
    cells = own.page.locator("#data .scales tbody tr > *").all_text_contents()
    pairs = itertools.combinations([1.5, 2.5, 3.5, 4.5], 2)
    assert cells in [["a", f"{np.mean(pair):g}", f"{np.std(pair):g}"] for pair in pairs]
    own.trains()
    own.goto(address[address.index("#") :])
    summary(own, "2 inputs")
    own.trains()


def test_a_file_that_is_dropped(opened_playground):
    own = opened_playground()
    drop = """(text) => {
      const data = new DataTransfer();
      data.items.add(new File([text], 'own.csv', { type: 'text/csv' }));
      document.querySelector('main').dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
    }"""  # noqa: E501
    own.page.evaluate(drop, OWN)
    summary(own, "3 inputs")
    own.trains()


def test_a_page_begins_with_a_table(browser, tmp_path):
    path = tmp_path / "table.html"
    given = {"state": {}, "table": {"name": "own.csv", "rows": 40, "text": OWN}}
    path.write_text(playground(given), encoding="utf-8")
    own = Playground(browser, path)
    summary(own, "3 inputs")
    assert "own.csv" in own.page.inner_text("#data")
    own.trains()
    own.close()


BAD = {
    "": "This is no table with several columns",
    "words without a delimiter": "This is no table with several columns",
    "a,b\n1,p\n2,p": "b is “p” in every row, and one class cannot be learnt",
    "a,b\n": "has names of columns, but no rows",
    'a,b\n1,"p\n2,q': "a quotation mark is opened and not closed",
    "a,b\nx,p\nx,q": "No column is left as x",
}


def test_a_table_that_cannot_be_used_is_said_and_stays_typed(opened_playground):
    own = opened_playground()
    chosen(own, "own")
    for text, sentence in BAD.items():
        read(own, text)
        wrong(own, sentence)
        assert own.page.input_value("#data textarea") == text
    read(own, "a,b\nx,p\ny,q\nx,q")
    own.page.locator("#data li").filter(has_text="No column holds numbers").wait_for()
    own.trains()
