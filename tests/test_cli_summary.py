"""What is said of a table's columns: each name is cut once, and nothing is wider than 80."""

import pytest
from rich.cells import cell_len

import chainrule as cr
from chainrule.cli.summary import LINES, LONGEST, aligned, architecture, decided, short
from chainrule.layers import LAYERS
from chainrule.tabular.columns.decision import Decision

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


ARCHITECTURES = {
    "3 inputs, 8 relu, dropout 0.1, 2 outputs: 50 parameters": [
        cr.Dense(8, "relu"), cr.Dropout(0.1), cr.Dense(2)],
    "3 inputs, 1,000 elu(0.5), 1 output tanh: 5,001 parameters": [
        cr.Dense(1000, "elu(0.5)"), cr.Dense(1, "tanh")],
    "3 inputs, 1 output: 4 parameters": [cr.Dense(1)],
    "3 inputs, scale, 2 identity, activate softmax, 2 outputs: 11 parameters": [
        cr.Scale(), cr.Dense(2), cr.Activate("softmax")],
    "3 inputs, layer norm, 4 identity, batch norm, 4 outputs: 38 parameters": [
        cr.LayerNorm(), cr.Dense(4), cr.BatchNorm()],
    "3 inputs, residual (batch norm, residual (5 silu, 3 identity), dropout 0.25), 1 output: "
    "54 parameters": [
        cr.Residual(
            cr.BatchNorm(), cr.Residual(cr.Dense(5, "silu"), cr.Dense(3)), cr.Dropout(0.25)),
        cr.Dense(1)],
    "3 inputs, periodic 3 × 3, 2 outputs: 74 parameters": [cr.Periodic(2, 4), cr.Dense(2)],
    "3 inputs, piecewise linear 2 × 4, 1 output: 38 parameters": [
        cr.PiecewiseLinear([[0, 1], [], [0, 1, 2]], 4), cr.Dense(1)],
    "3 inputs, embedding 5 × 4, 1 output: 30 parameters": [
        cr.Embedding([3, 0, 2], 4), cr.Dense(1)],
    "3 inputs, 4 members (8 relu, 2 identity), 2 outputs: 116 parameters": [
        cr.Members(4, cr.Dense(8, "relu"), cr.Dense(2))],
}  # fmt: skip


@pytest.mark.parametrize("line", ARCHITECTURES)
def test_a_network_of_any_kinds_has_a_line(line):
    net = cr.Network(3, ARCHITECTURES[line], "huber")
    assert architecture(net, net.init()) == line


@pytest.mark.parametrize("kind", LAYERS)
def test_a_kind_is_called_by_its_name(kind):
    net = cr.Network(3, [LAYERS[kind].example(3), *[cr.Dense(1)] * (kind != "members")], "huber")
    called = {"dense": "3 tanh"}.get(kind, kind.replace("_", " "))
    assert called in architecture(net, net.init())
