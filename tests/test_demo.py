"""What `chainrule demo` prints: right to the last digit, and legible at 80 columns."""

import math
import re

import numpy as np
import pytest
from click.testing import CliRunner

import chainrule as cr
from chainrule.cli import main
from chainrule.demo import NEXT, chain_network, digits, tutorial_figures

PLAIN = {"FORCE_COLOR": None, "NO_COLOR": None, "TTY_COMPATIBLE": None, "TTY_INTERACTIVE": None}
NUMBER = r"−?\d+\.\d+"


def demo(*parts, env=PLAIN):
    arguments = [word for number in parts for word in ("--part", str(number))]
    result = CliRunner().invoke(main, ["demo", *arguments], env=env)
    assert result.exit_code == 0, result.output
    return result.output


class Pages(dict):
    """The page of each part, made when it is first asked for."""

    def __missing__(self, part):
        self[part] = demo(part)
        return self[part]


@pytest.fixture(scope="module")
def pages():
    return Pages()


def number(text):
    return float(text.replace("−", "-"))


def numbers(line):
    return [number(text) for text in re.findall(NUMBER, line)]


def same(value, text):
    """Whether a value, rounded to the decimals of a text, is that text."""
    return f"{value:.{len(text.partition('.')[2])}f}".replace("-", "−") == text


def section(page, heading):
    """The lines of a page below a heading."""
    lines = page.splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith(heading))
    return lines[start + 1 :]


@pytest.mark.parametrize("k", [1, 2, 3])
def test_page_fits_80_columns_and_carries_no_codes(k, pages):
    lines = pages[k].splitlines()
    assert max(map(len, lines)) <= 80
    assert all(character.isprintable() for line in lines for character in line)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_nothing_is_cut_off(k, pages):
    cut = [line for line in pages[k].splitlines() if "…" in line]
    assert all("w5…w8" in line or "cr.fit(…, " in line for line in cut)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_a_part_says_what_to_try_next(k, pages):
    assert "What to try next" in pages[k]
    assert set(NEXT.splitlines()) <= {line.strip() for line in pages[k].splitlines()}
    assert len(re.findall(r"^\d  .*──$", pages[k], re.M)) == 1


def test_parts_come_in_order_and_once():
    page = demo(2, 2)
    assert page.count("2  A chain of units") == 1


# Part 1


def row_of(name):
    """A pattern for the row of a figure: ∂E/∂w and w⁺ stand in tables by weight."""
    if name.startswith("∂E/∂w"):
        return rf"{name[4:]} .*× .* = +{NUMBER}"
    if re.fullmatch(r"w\d⁺", name):
        return rf"{name[:2]} .*− 0\.5 × .* = {NUMBER}"
    return rf"{re.escape(name)} .* {NUMBER}"


@pytest.mark.parametrize("name", tutorial_figures.PRINTED)
def test_what_the_tutorials_print_stands_beside_the_figure(name, pages):
    printed = re.escape(tutorial_figures.PRINTED[name].replace("-", "−"))
    match = re.search(rf"^  {row_of(name)} +{printed} +(✓|✗ \(\d\))", pages[1], re.M)
    assert match, name
    notes = {"∂E_o2/∂out_h1": "✗ (2)", "E_total⁺": "✗ (3)"}
    assert match[1] == notes.get(name, "✓")


def test_the_second_print_of_out_o1_is_marked(pages):
    assert re.search(rf"^  out_o1 .* {NUMBER} +0\.751365071 +✗ \(1\)", pages[1], re.M)


def test_marks_and_notes_are_as_many_as_figures_and_slips(pages):
    assert pages[1].count("✗") == 3
    closing = len(tutorial_figures.CLOSING)
    legend, twice = 1, 1  # the introduction explains the mark; E_total stands in two tables
    right = len(tutorial_figures.PRINTED) - 2
    assert pages[1].count("✓") == right + closing + legend + twice
    noted = re.findall(r"^  \((\d)\) ", pages[1], re.M)
    assert noted == ["1", "2", "3", "4", "5", "6", "7"]


@pytest.mark.parametrize(
    ("row", "cells"),
    [
        ("the tutorials", "0.291027924 0.0000351085 0.015912196 0.984065734"),
        ("A, 10,000 updates", "0.291027774 0.0000351019 0.015913620 0.984064274"),
        ("A,  9,999 updates", "0.291027774 0.0000351085 ✓ 0.015914185 0.984063712"),
        ("B, 10,000 updates", "0.291027924 ✓ 0.0000350848 0.015912196 ✓ 0.984065734 ✓"),
        ("C, 10,000 updates", "0.280471447 0.0000024476 0.011587527 0.988458935"),
    ],
)
def test_closing_figures(row, cells, pages):
    (line,) = [line for line in pages[1].splitlines() if line.startswith(f"  {row}")]
    assert line.removeprefix(f"  {row}").split() == cells.split()


def test_printed_products_multiply_to_the_printed_gradient(pages):
    lines = re.findall(r"^  ([wb]\d) +(.* × .*?) += +(\S+)", pages[1], re.M)
    gradients = [
        (name, product, result) for name, product, result in lines if "− 0.5" not in product
    ]
    assert sorted(name for name, *_ in gradients) == sorted(
        [f"w{k}" for k in range(1, 9)] + [f"b{k}" for k in range(1, 5)]
    )
    for name, product, result in gradients:
        factors = numbers(product)
        assert len(factors) == (3 if name.startswith("w") else 2)
        assert same(math.prod(factors), result), name


def test_printed_updates_recompute(pages):
    pattern = rf"^  (w\d) ({NUMBER}) − 0\.5 × +({NUMBER}) = ({NUMBER})"
    lines = re.findall(pattern, pages[1], re.M)
    assert [name for name, *_ in lines] == [f"w{k}" for k in range(1, 9)]
    for name, old, gradient, new in lines:
        assert same(number(old) - 0.5 * number(gradient), new), name


def test_printed_deltas_recompute(pages):
    found = {
        name: number(value)
        for name, value in re.findall(rf"^  (∂\S+|δ_\S+) .*? ({NUMBER})(?:  |$)", pages[1], re.M)
    }
    for unit in ("h1", "h2", "o1", "o2"):
        product = found[f"∂E/∂out_{unit}"] * found[f"∂out_{unit}/∂net_{unit}"]
        assert product == pytest.approx(found[f"δ_{unit}"], rel=0, abs=1e-12)
    for hidden in ("h1", "h2"):
        both = found[f"∂E_o1/∂out_{hidden}"] + found[f"∂E_o2/∂out_{hidden}"]
        assert both == pytest.approx(found[f"∂E/∂out_{hidden}"], rel=0, abs=1e-12)


# Part 2


def test_chain_forward(pages):
    table = section(pages[2], "Forward: the first example")
    rows = [numbers(line) for line in table if re.match(r"  \d( = L)? ", line)][:3]
    assert len(rows) == 3
    for enters, w, b, z, a, slope in rows:
        assert w * enters + b == pytest.approx(z, abs=2e-9)
        assert 1 / (1 + math.exp(-z)) == pytest.approx(a, abs=1e-9)
        assert a * (1 - a) == pytest.approx(slope, abs=1e-9)
    assert [row[0] for row in rows[1:]] == [row[4] for row in rows[:2]]
    (output, y, cost) = re.search(
        rf"\(({NUMBER}) − (\d\.\d)\)² = ({NUMBER})", "\n".join(table)
    ).groups()
    assert float(output) == rows[2][4]
    assert same((float(output) - float(y)) ** 2, cost)


def test_chain_last_layer(pages):
    table = section(pages[2], "Backward: the last layer")
    names = [line.split()[0] for line in table if line.startswith("  ∂C₀/∂")][:3]
    assert names == ["∂C₀/∂w^L", "∂C₀/∂b^L", "∂C₀/∂a^(L−1)"]
    products = [line.split("=") for line in table if re.match(r" +=.*=", line)][:3]
    expected = chain_gradient()
    for (_, factors, result), name in zip(products, ("w3", "b3", "a2"), strict=True):
        assert same(math.prod(numbers(factors)), result.strip())
        assert same(expected[name], result.strip())


def test_chain_walks_back_to_the_first_layer(pages):
    table = section(pages[2], "Back to the first layer")
    rows = [line for line in table if "∂C₀/∂" in line][:6]
    assert [row.split("  ")[1].strip() for row in rows] == [
        "2(a3 − y)",
        "σ′(z3)",
        "w3",
        "σ′(z2)",
        "w2",
        "σ′(z1)",
    ]
    expected, so_far, seen = chain_gradient(), 1.0, set()
    for row in rows:
        cells = re.findall(rf"{NUMBER}|∂C₀/∂\w\d", row)
        so_far *= number(cells[0])
        assert same(so_far, cells[1]), row
        assert same(expected[cells[2][-2:]], cells[1]), row
        seen.add(cells[2][-2:])
        if len(cells) > 3:
            assert same(so_far * number(cells[3]), cells[4]), row
            assert same(expected[cells[5][-2:]], cells[4]), row
            seen.add(cells[5][-2:])
    assert seen == {"a3", "b3", "w3", "a2", "b2", "w2", "a1", "b1", "w1"}


def chain_gradient():
    """The gradient of the first example's cost, by differences of the cost."""

    def cost(**moved):
        values = {"w1": 1.2, "b1": 0.1, "w2": -0.8, "b2": 0.3, "w3": 1.5, "b3": -0.4}
        values |= {name: values[name] + h for name, h in moved.items() if name in values}
        a = 0.2
        for k in (1, 2, 3):
            a = 1 / (1 + math.exp(-(values[f"w{k}"] * a + values[f"b{k}"])))
            a += moved.get(f"a{k}", 0.0)
        return (a - 0.9) ** 2

    names = [letter + digit for letter in "wba" for digit in "123"]
    h = 1e-5
    return {name: (cost(**{name: h}) - cost(**{name: -h})) / (2 * h) for name in names}


def test_shares_add_up_to_the_mean(pages):
    table = section(pages[2], "All three examples")
    rows = [line for line in table if re.match(r"  (C|∂C/∂\w\d) ", line)]
    assert [row.split()[0] for row in rows] == [
        "C",
        *("∂C/∂" + name for name in ("w1", "b1", "w2", "b2", "w3", "b3")),
    ]
    for row in rows:
        *shares, whole = re.findall(NUMBER, row)
        assert len(shares) == 3
        assert same(sum(map(number, shares)), whole), row
        assert row.rstrip().endswith("✓")


def test_mean_is_what_the_library_returns(pages):
    net, params = chain_network.NET, chain_network.PARAMS
    X, y = [[0.2], [0.5], [0.9]], [[0.9], [0.6], [0.2]]
    trace = cr.forward(net, params, X)
    grads = cr.gradient(trace, cr.backward(trace, y))
    whole = [cr.cost(net, params, X, y), *(leaf.item() for layer in grads for leaf in layer)]
    rows = [line for line in pages[2].splitlines() if re.match(r"  (C|∂C/∂\w\d) .*✓", line)]
    for value, row in zip(whole, rows, strict=True):
        assert same(float(value), re.findall(NUMBER, row)[-1])


# Part 3


@pytest.fixture(scope="module")
def trained():
    data = digits.load()
    return data, digits.run(data)


def test_digits_are_learnt(trained):
    _, run = trained
    assert run.accuracy >= 0.97
    assert run.history.validation_loss[-1] < 0.1


def test_digits_are_split_in_proportion_and_apart():
    data = digits.load(seed=3)
    assert (data.X.shape, data.X_test.shape) == ((1437, 64), (360, 64))
    assert 0 <= data.X.min() <= data.X.max() <= 1
    share = np.bincount(data.y_test) / (np.bincount(data.y) + np.bincount(data.y_test))
    np.testing.assert_allclose(share, 0.2, atol=0.005)


def test_digits_follow_from_the_seed(trained):
    data, run = trained
    assert digits.run(data, epochs=2).history.loss == run.history.loss[:2]
    assert digits.run(data, seed=1, epochs=2).history.loss != run.history.loss[:2]


def test_page_of_digits_holds_the_figures_of_the_run(trained, pages):
    data, run = trained
    right = int(np.sum(run.answers == data.y_test))
    assert f"test accuracy {run.accuracy:.4f}, {right} of 360 digits read correctly" in pages[3]
    for name, costs in (
        ("training", run.history.loss),
        ("validation", run.history.validation_loss),
    ):
        (row,) = re.findall(rf"^  {name}  +(\d.*)$", pages[3], re.M)
        shown = [costs[epoch - 1] for epoch in (1, 5, 10, 15, 20, 25, 30, 35, 40)]
        assert row.split() == [f"{cost:.3f}" for cost in shown]


def test_chart_shows_both_courses(pages):
    chart = pages[3][pages[3].index("┌") : pages[3].index("┘")]
    assert chart.count("•") > 40
    assert 30 < chart.count("○") <= 40
    beginnings = re.findall("[│┤](.{3})", chart)  # of each row, from the top: both begin high
    assert "•" in "".join(beginnings[:3])
    assert "○" in "".join(beginnings[:4])
    assert "••• training   ○ validation" in pages[3]


def test_misread_digits_are_shown_with_what_they_are(trained, pages):
    data, run = trained
    wrong = np.flatnonzero(run.answers != data.y_test)[:4]
    for k in wrong:
        assert f"a {data.y_test[k]}, read as {run.answers[k]}" in pages[3]


def test_a_faultless_run_shows_no_picture(trained, monkeypatch):
    data, run = trained
    perfect = run._replace(answers=data.y_test, accuracy=1.0)
    monkeypatch.setattr(digits, "run", lambda data, callbacks: perfect)
    page = demo(3)
    assert "test accuracy 1.0000, 360 of 360" in page
    assert "read as" not in page


def test_a_terminal_gets_colours_and_a_bar():
    page = demo(3, env={**PLAIN, "FORCE_COLOR": "1", "TERM": "xterm-256color"})
    assert re.search(r"epoch 40/40 .*━.* cost \d\.\d{3}, in validation \d\.\d{3}", page)
    assert re.search(r"test accuracy \x1b\[1;32m0\.\d{4}\x1b\[0m, ", page)
