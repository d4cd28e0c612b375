"""The page of a training: its numbers are those found, its text is harmless, its file is whole."""

import os
import re

import matplotlib
import pytest

from chainrule.tabular.report import (
    report,
    write_report,
)
from pages import Visit
from reports import TRAININGS, Page, made, trained


@pytest.mark.parametrize("name", TRAININGS)
def test_every_page_is_whole_small_and_asks_for_nothing(name):
    html = made(name)[2]
    page = Page(html)
    assert len(html.encode()) < 500_000
    assert not page.of("script")
    assert not [t for t, _ in page.tags if t in ("img", "link", "iframe", "object", "a", "base")]
    policy = page.of("meta")[1]["content"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'")
    addresses = [value for _, attrs in page.tags for key, value in attrs.items()
                 if key.endswith(("href", "src"))]  # fmt: skip
    assert all(address.startswith("#") for address in addresses)
    assert all(address.startswith("url(#") for address in re.findall(r"url\([^)]*\)", html))


@pytest.mark.parametrize("name", TRAININGS)
def test_every_figure_is_said_in_words_and_every_table_has_headers(name):
    page = Page(made(name)[2])
    plots = page.of("svg")
    assert len(plots) == len(page.of("figure")) >= 2
    assert all(p["role"] == "img" and len(p["aria-label"]) > 20 for p in plots)
    assert page.tables
    assert all(set(attrs) >= {"scope"} for attrs in page.of("th"))
    for head, *rows in page.tables.values():
        assert all(head)
        assert rows
        assert {len(row) for row in rows} == {len(head)}
        assert all(row[0] for row in rows)


@pytest.mark.parametrize("name", TRAININGS)
def test_no_id_stands_twice_and_each_that_is_named_is_there(name):
    html = made(name)[2]
    ids = [attrs["id"] for _, attrs in Page(html).tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    named = re.findall(r'(?:href="|url\(|labelledby=")#?([^")]+)', html)
    assert set(named) <= set(ids)


@pytest.mark.parametrize("name", ["ten", "weighted"])
def test_the_same_training_makes_the_same_page(name):
    table, target, options = TRAININGS[name]
    given = trained(table, target, **options)
    assert report(*given) == made(name)[2]


def test_settings_of_matplotlib_change_no_page():
    own = {"lines.linewidth": 9, "font.size": 30, "svg.fonttype": "path", "axes.grid": True}
    with matplotlib.rc_context(own):
        assert report(*made("quantity")[0]) == made("quantity")[2]
        assert matplotlib.rcParams["font.size"] == 30


def test_whatever_a_table_holds_is_text_and_short():
    html = made("hostile")[2]
    assert "<script" not in html
    assert "<img" not in html
    assert "\u202e" not in html
    assert "\x1b" not in html
    page = Page(html)
    head, *_ = page.table("rows of each class")
    assert any(name.startswith("</style><script>") and name.endswith("…") for name in head)
    assert page.of("title") == [{}]
    for caption, rows in page.tables.items():
        longest = 201 if caption.startswith("what ") else 60
        assert all(len(cell) <= longest for row in rows for cell in row), caption


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    *_, html = made("classes")
    path = tmp_path / "report.html"
    path.write_text("before")
    write_report(path, html)
    assert path.read_text(encoding="utf-8") == html

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*report\.html'"):
        write_report(path, html)
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]
    assert path.read_text(encoding="utf-8") == html


def test_a_place_that_takes_no_file_is_named(tmp_path):
    with pytest.raises(ValueError, match="is not a file that could be replaced"):
        write_report(tmp_path, made("classes")[2])
    with pytest.raises(FileNotFoundError, match="missing"):
        write_report(tmp_path / "missing" / "report.html", made("classes")[2])


# --- in a browser


@pytest.fixture
def seen(browser, tmp_path):
    """Open a page."""
    visits = []

    def see(name, width=1280):
        path = tmp_path / f"{name}.html"
        path.write_text(made(name)[2], encoding="utf-8")
        visits.append(Visit(browser, path, width))
        return visits[-1].page

    yield see
    for visit in visits:
        visit.close()


@pytest.mark.parametrize("width", [360, 768, 1280])
@pytest.mark.parametrize("name", TRAININGS)
def test_a_page_is_as_wide_as_its_window(seen, name, width):
    page = seen(name, width)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator("svg").first.bounding_box()["width"] <= width
    assert page.locator("figure svg text").count() > 10


def test_the_plots_have_the_colours_of_the_page_in_light_and_dark(seen):
    page = seen("classes")
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
