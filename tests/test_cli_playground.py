"""The command `playground`: the page that it writes, with what it begins with."""

import base64
import json
import re
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.demo import worked_example
from chainrule.playground import playground
from chainrule.serialization import read_file
from commands import run
from playground_pages import Playground

TABLE = "size,kind,price\n1,a,2.5\n2,b,3.5\n3,a,4.5\n"


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Run the command in a folder of files, and return what the page knows."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "table.csv").write_text(TABLE, encoding="utf-8")

    def write(*arguments):
        done = run("playground", *arguments, "-o", "page.html")
        assert done.exit_code == 0, done.stderr
        text = (tmp_path / "page.html").read_text(encoding="utf-8")
        known = re.search(r'id="known">(.*?)</script>', text, re.DOTALL)[1]
        return json.loads(known)

    return write


def arrays_of(known):
    """The arrays that a page begins with, by their places."""
    Path("arrays").write_bytes(base64.b64decode(known["arrays"]))
    return read_file("arrays")[0]


def test_without_a_file_it_is_the_page_of_the_library(written, tmp_path):
    written()
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == playground()


def test_the_worked_example_begins_with_its_figures(written, tmp_path, browser):
    written("2-2-2")
    own = Playground(browser, tmp_path / "page.html")
    try:
        assert own.stands("cost") == "0.2984"  # 0.298371…
        own.press("step")
        own.wait_for_step(1)
        after = cr.cost(
            worked_example.NET, worked_example.first_round().updated, worked_example.X,
            worked_example.Y,
        )  # fmt: skip
        assert own.stands("cost") == f"{after:.4g}"
        assert own.page.is_hidden("#training [name=test_cost]")
    finally:
        own.close()


def test_a_network_file_is_the_first_state(written):
    known = written("chain")
    assert known["state"]["data"]["set"] == "given"
    arrays = arrays_of(known)
    assert len(arrays["given.X"]) == known["given"]["n"] * known["given"]["inputs"]


def test_a_model_of_points_of_the_plane(written, tmp_path):
    net = cr.Network(2, [cr.Dense(3, "leaky_relu(0.2)"), cr.Dense(2)], loss="cross_entropy")
    params = net.init(seed=3)
    cr.save(tmp_path / "own.model", net, params)
    known = written("own.model")
    assert known["state"]["net"]["layers"][0][1]["activation"] == "leaky_relu(0.2)"
    assert np.array_equal(arrays_of(known)["state.net.weights.0"], params[0].W.ravel())


def test_a_model_of_a_table_with_its_rows(written, tmp_path):
    model = cr.train("sklearn:wine", "target", epochs=2, hidden=(4,), members=2)
    model.save(tmp_path / "wine.model")
    known = written("wine.model", "--data", "sklearn:wine", "--member", "2")
    assert known["given"]["said"] == [["data.member", {"member": 2, "of": 2}]]
    assert (known["given"]["n"], known["given"]["outputs"]) == (178, 3)
    assert len(known["given"]["names"]["inputs"]) == known["given"]["inputs"]


def test_a_table_goes_into_the_page_as_it_is(written):
    assert written("table.csv")["table"] == {"name": "table.csv", "rows": 3, "text": TABLE}


REFUSED = {
    "no file": (["none.csv"], "none.csv: there is no such file"),
    "no model": (["none.model"], "none.model: No such file"),
    "a table of no model": (["2-2-2", "--data", "table.csv"], "--data is the table of a model"),
    "an option of tables": (["2-2-2", "--delimiter", ";"], "--delimiter is of a table"),
    "the table itself": (["table.csv", "-o", "table.csv"], "give a format, or a name that ends"),
    "three inputs": (["three.model"], "takes 4 inputs and has 1 output; name the table of its"),
    "no targets": (["bare.toml"], "has no targets"),
    "too few columns": (["three.model", "--data", "table.csv"], "takes 4 columns as inputs and"),
    "words": (["two.model", "--data", "table.csv"], "column 'kind' must hold a finite number"),
    "no such member": (["members.model", "--member", "3"], "`member` must be 1 to 2"),
    "a member of no model": (["2-2-2", "--member", "2"], "--member is of a model"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_it_cannot_begin_with_is_refused(what, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "table.csv").write_text(TABLE, encoding="utf-8")
    bare = "layers = [1, 1]\nw = [1.0]\ninputs = [2.0]\n"
    (tmp_path / "bare.toml").write_text(bare, encoding="utf-8")
    for name, inputs, layers in [
        ("three", 4, [cr.Dense(1)]),
        ("two", 2, [cr.Dense(1)]),
        ("members", 2, [cr.Members(2, cr.Dense(1))]),
    ]:
        net = cr.Network(inputs, layers, loss="squared_error")
        cr.save(tmp_path / f"{name}.model", net, net.init())
    arguments, sentence = REFUSED[what]
    output = [] if "-o" in arguments else ["-o", "page.html"]
    done = run("playground", *arguments, *output)
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert (tmp_path / "table.csv").read_text(encoding="utf-8") == TABLE
    assert not (tmp_path / "page.html").exists()


def test_without_o_it_opens_in_the_browser(monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or True)
    done = run("playground")
    assert done.exit_code == 0
    assert opened[0].startswith("file://")
    assert done.stdout.splitlines()[0].startswith("opened ")
    monkeypatch.setattr("webbrowser.open", lambda url: False)
    assert "there is no browser to open" in run("playground").stderr
