"""The playground's page as a file with its present state, of a model too large for a link."""

import re

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.explanation.network_file import network_path
from chainrule.playground import playground, start_state
from chainrule.tabular import TableModel
from chainrule.tabular.files.open_source import open_source
from page_scripts import NODE
from playground_pages import Playground
from test_playground_files_page import saved

pytestmark = pytest.mark.skipif(NODE is None, reason="there is no Node")


@pytest.fixture(scope="module")
def model():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(60, 2)).round(3)
    kind = np.array(["no", "yes"])[(x[:, 0] > 0).astype(int)]
    table = pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": x.sum(axis=1).round(3), "kind": kind})
    options = {"hidden": (60, 20), "dropout": 0.0, "embedding": "none", "members": 1, "epochs": 1}
    return cr.train(table, ["y", "kind"], **options), table


def test_a_large_page_offers_itself_in_place_of_a_link(model, browser, tmp_path):
    trained, table = model
    path, again = tmp_path / "page.html", tmp_path / "again.html"
    start = start_state.of_table_model(trained, open_source(table))
    path.write_text(playground(start), encoding="utf-8")
    assert len(path.read_bytes()) - len(playground().encode()) < 40_000
    own = Playground(browser, path)
    page = own.page
    page.locator("#save-page").wait_for()
    assert page.is_hidden("#link")
    assert page.is_hidden("#kept")
    assert page.inner_text("#wrong") == ""
    assert "sum of several" in page.inner_text("#working .note")
    own.press("step")
    own.wait_for_step(1)
    cost = own.stands("cost")
    assert page.evaluate("location.hash") == ""
    assert saved(page, again, "#save-page") == "playground.html"
    own.close()

    own = Playground(browser, again)
    own.shown("cost", f"^{re.escape(cost)}$")
    own.wait_for_step(1)
    file = tmp_path / "again.model"
    assert saved(own.page, file, "#files [name=model]") == "network.model"
    own.page.locator("#files .note", has_text="It keeps its columns").wait_for()
    loaded = TableModel.load(file)
    assert loaded.target == trained.target
    assert not loaded.predict(table).equals(trained.predict(table))
    own.page.set_input_files("#files [type=file]", network_path("2-2-2"))
    own.shown("cost", "^0.2984$")
    saved(own.page, file, "#files [name=model]")
    assert cr.load(file)[0].widths == (2, 2, 2)
    own.close()
