"""What is said of a table's columns: each name is cut once, and nothing is wider than 80."""

import pytest
from rich.cells import cell_len

from chainrule.cli.summary import LINES, LONGEST, aligned, decided, short
from chainrule.tables import Decision

LONG = "median_income_of_the_households_of_a_district"


@pytest.mark.parametrize(
    ("name", "ending", "shown"),
    [
        ("carat", "", "carat"),
        ("x" * LONGEST, "", "x" * LONGEST),
        ("x" * (LONGEST + 1), "", "x" * (LONGEST - 1) + "…"),
        (LONG, " and 2 more", "median_incom… and 2 more"),
        (LONG, " and 12,345 more", "median_… and 12,345 more"),
        ("the average number of rooms", " and 2 more", "the average… and 2 more"),
        ("収入" * 20, "", "収入収入収入収入収入収…"),
    ],
)
def test_a_name_is_cut_once(name, ending, shown):
    assert short(name, ending) == shown
    assert cell_len(shown) <= LONGEST
    assert next(aligned([(shown, "number")])).split("  ")[1] == shown


def test_columns_that_are_alike_share_a_line():
    alike = [Decision(f"{LONG}_{k}", "number", "9 values") for k in range(LINES + 1)]
    (line,) = decided(alike)
    assert line == "  median_inco… and 20 more  number  9 values"


def test_what_is_left_of_many_columns_is_counted():
    each = [Decision(f"x{k}", "number", f"{k} values") for k in range(LINES + 3)]
    *lines, last = decided(each)
    assert len(lines) == LINES - 1
    assert last == "  … and 4 more columns: number"
