"""The README: short, run as it is written, and with no figure of its own."""

import os
import re
import runpy

import pytest

from written_pages import DOCS, ROOT, run_page

README = ROOT / "README.md"
TEXT = README.read_text(encoding="utf-8")


@pytest.mark.skipif(os.name == "nt", reason="the commands are for a Unix shell")
def test_the_readme_runs_as_it_is_written(tmp_path):
    run_page(README, tmp_path)


def test_it_is_read_in_two_minutes():
    assert len(TEXT.splitlines()) <= 160


def test_its_links_lead_somewhere():
    named = re.findall(r"\]\(([^):#]+)\)", TEXT)
    assert len(named) > 5
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_its_picture_has_the_figures_of_the_library():
    """`python docs/_extensions/chain_rule_picture.py docs/chain-rule.svg` makes it anew."""
    drawn = runpy.run_path(str(DOCS / "_extensions/chain_rule_picture.py"))
    svg = drawn["picture"](drawn["ALONE"])
    assert (DOCS / "chain-rule.svg").read_text(encoding="utf-8") == svg
    assert "0.03635030639" in svg
    assert "0.000438567734" in svg


def rows(text):
    """The rows of the tables in a text, each a list of cells without brackets."""
    lines = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| ")]
    return [[re.sub(r" \(\d+\)", "", cell).strip() for cell in line] for line in lines]


def results(name):
    return rows((ROOT / "benchmarks/results" / name).read_text(encoding="utf-8"))


def test_its_figures_are_those_of_the_results():
    """Of peers, on one core: Chainrule, JAX, PyTorch, scikit-learn; of tables, rank and seconds."""
    peers = {row[0]: row[3:7] for row in reversed(results("peers.md")) if row[1] == "1"}
    tables = {
        row[0].lower(): [row[1], row[8]]
        for row in reversed(results("table_peers.md"))
        if len(row) == 9
    }
    shown = [row for row in rows(TEXT) if row[1][0].isdigit()]
    assert len(shown) == 9
    for name, *figures in shown:
        known = peers.get(name) or tables[re.sub(r".*\((.*)\)", r"\1", name).lower()]
        assert figures == known, name
