"""The files of the playground in the browser: a network goes out and in, drawings are saved."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

import chainrule as cr
from chainrule.explanation.network_file import read_network_file
from chainrule.trees import leaves
from page_scripts import NODE

pytestmark = pytest.mark.skipif(NODE is None, reason="there is no Node")


def saved(page, path, click):
    """What the page saves when something is pressed."""
    with page.expect_download() as download:
        page.click(click)
    download.value.save_as(path)
    return download.value.suggested_filename


def test_a_network_goes_out_and_comes_in(opened_playground, tmp_path):
    own = opened_playground()
    page = own.page
    own.press("epoch")
    own.wait_for_step(7)
    cost = own.stands("cost")
    toml, model = tmp_path / "n.toml", tmp_path / "n.model"
    page.select_option("#files select", "all")
    assert saved(page, toml, "#files [name=toml]") == "network.toml"
    assert saved(page, model, "#files [name=model]") == "network.model"
    page.locator("#files .note", has_text="network.model is written").wait_for()

    file = read_network_file(toml)
    net, params, _ = cr.load(model)
    assert file.net == net
    assert all(map(np.array_equal, leaves(file.params), leaves(params)))
    assert (len(file.X), type(file.optimizer)) == (100, cr.Adam)
    assert cr.cost(net, file.params, file.X, file.y) == pytest.approx(float(cost), rel=1e-3)

    own.press("reset")
    own.wait_for_step(0)
    page.set_input_files("#files [type=file]", model)
    page.locator("#files .note", has_text="n.model is open").wait_for()
    own.shown("cost", f"^{re.escape(cost)}$")
    page.set_input_files("#files [type=file]", toml)
    page.locator("#files .note", has_text="n.toml is open").wait_for()
    own.shown("cost", f"^{re.escape(cost)}$")
    assert page.locator("#outcome .confusion tbody tr").count() == 2

    model.write_bytes(model.read_bytes()[:-1])
    page.set_input_files("#files [type=file]", model)
    page.locator("#files .wrong", has_text="cut short").wait_for()
    drop = """(text) => { const files = new DataTransfer();
      files.items.add(new File([text], 'bad.toml'));
      document.querySelector('#course').dispatchEvent(
        new DragEvent('drop', { dataTransfer: files, bubbles: true, cancelable: true })); }"""
    page.evaluate(drop, "layers = [2, 2\n")
    page.locator("#files .wrong", has_text="Line 1 is no TOML").wait_for()
    assert own.stands("cost") == cost


def test_drawings_are_saved_as_pictures(opened_playground, tmp_path):
    own = opened_playground()
    path = tmp_path / "picture"
    least = {"units": ("network", 100), "outcome": ("prediction", 200), "course": ("cost", 10)}
    for wing, (name, parts) in least.items():
        assert saved(own.page, path, f"#{wing} [name=svg]") == f"{name}.svg"
        root = ElementTree.fromstring(path.read_text(encoding="utf-8"))
        assert len(root) > parts
        assert saved(own.page, path, f"#{wing} [name=png]") == f"{name}.png"
        assert path.read_bytes()[:4] == b"\x89PNG"
