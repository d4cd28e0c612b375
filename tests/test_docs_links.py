"""What the build says of links that lead nowhere, and of what is loaded from elsewhere."""

import runpy

import pytest

from written_pages import DOCS

problems = runpy.run_path(str(DOCS / "_extensions/internal_links.py"))["problems"]

PAGES = {
    "index.html": '<p id="top"></p><a href="about/b.html#here">b</a> <a href="#top">top</a>',
    "about/b.html": '<p id="here"></p><img src="../_static/a.png"><a href="https://example.org">c</a>',
    "_static/a.png": "",
    "_static/macros.html": '<script src="{{ path }}">',
}


@pytest.mark.parametrize(
    ("page", "old", "new", "said"),
    [
        ("index.html", "", "", []),
        ("index.html", "b.html#here", "c.html", [("index.html", "no such file: about/c.html")]),
        ("index.html", "#here", "#there", [("index.html", "no such place: about/b.html#there")]),
        ("index.html", "#top", "#bottom", [("index.html", "no such place: #bottom")]),
        ("about/b.html", "a.png", "b.png", [("about/b.html", "no such file: ../_static/b.png")]),
        (
            "about/b.html",
            "../_static",
            "https://example.org",
            [("about/b.html", "img loads https://example.org/a.png")],
        ),
    ],
)
def test_a_link_that_leads_nowhere_is_said(page, old, new, said, tmp_path):
    for name, text in PAGES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.replace(old, new) if name == page else text)
    assert [(where.as_posix(), what) for where, what in problems(tmp_path)] == said
