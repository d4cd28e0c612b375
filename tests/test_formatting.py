"""One way to write a number, on a terminal and on a page."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.cli import scoring
from chainrule.formatting import decimals, number
from chainrule.html_page.markup import cell
from chainrule.html_page.svg import one_axes, plain_numbers
from chainrule.tabular.scores import SCORES


@pytest.mark.parametrize(
    ("value", "digits", "written"),
    [
        (-1234.5, 4, "−1,234"),
        (-1234.5, 6, "−1,234.5"),
        (-1234.5, 17, "−1,234.5"),
        (1235.5, 4, "1,236"),
        (999.96, 4, "1,000"),
        (9999.6, 4, "10,000"),
        (99999.96, 6, "100,000"),
        (123456789.0, 4, "123,456,789"),
        (-7, 4, "−7"),
        (np.int64(12345678), 4, "12,345,678"),
        (2**70, 4, "1,180,591,620,717,411,303,424"),
        (0.5, 4, "0.5"),
        (0.123456, 4, "0.1235"),
        (np.float32(0.1), 4, "0.1"),
        (0.0001, 4, "0.0001"),
        (0.00012345, 3, "0.000123"),
        (-1.5e-7, 4, "−1.5e−07"),
        (1e15, 4, "1e+15"),
        (999999999999999.0, 4, "999,999,999,999,999"),
        (0.0, 4, "0"),
        (-0.0, 4, "0"),
        (1000000000.5, 17, "1,000,000,000.5"),
        (math.nan, 4, "–"),
        (None, 4, "–"),
        (math.inf, 4, "∞"),
        (-math.inf, 4, "−∞"),
    ],
)
def test_a_number_has_its_digits(value, digits, written):
    assert number(value, digits) == written


@pytest.mark.parametrize(
    ("value", "places", "written"),
    [
        (-1234.5, 3, "−1,234.500"),
        (0.99999, 4, "1.0000"),
        (-0.00001, 4, "0.0000"),
        (-0.00005001, 4, "−0.0001"),
        (3, 2, "3.00"),
        (math.nan, 4, "–"),
        (None, 4, "–"),
    ],
)
def test_a_number_has_its_decimals(value, places, written):
    assert decimals(value, places) == written


def read(text):
    return float(text.replace(",", "").replace("−", "-").replace("∞", "inf"))


@given(st.floats(-1e307, 1e307), st.integers(1, 17))
def test_what_is_written_is_near_the_number(value, digits):
    text = number(value, digits)
    assert "-" not in text
    assert read(text) == pytest.approx(value, rel=0.51 * 10.0 ** (1 - digits), abs=5e-324)


@pytest.mark.parametrize("name", SCORES)
def test_a_score_is_written_alike_on_a_terminal_and_on_a_page(name):
    row = SCORES[name]
    lines = scoring.scores({"model": {name: -1234.5}, "baseline": {name: 0.25}})
    assert lines[1].split()[-2:] == [row.text(-1234.5), row.text(0.25)]
    assert re.fullmatch(r"−1,234(\.5000)?", row.text(-1234.5))


def test_a_cell_and_an_axis_write_numbers_as_a_terminal_does():
    assert cell(-1234.5) == f'<td class="number">{number(-1234.5)}</td>'
    _, ax = one_axes()
    ax.plot([-1234.5, 0], [0, 1])
    plain_numbers(ax)
    assert ax.xaxis.get_major_formatter()(-1234.5, 0) == number(-1234.5, 10) == "−1,234.5"
