"""Part 1 of the demonstration: the tutorials' 2-2-2 example, with the figures they print."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from chainrule.demo import worked_example
from chainrule.demo.printing import (
    block,
    heading,
    notes,
    open_table,
    paragraph,
    part,
    show,
)
from chainrule.demo.tutorial_figures import (
    CLOSING,
    ELSEWHERE,
    INPUTS,
    PRINTED,
    RATE,
    REASONS,
    SLIPS,
    TARGETS,
    agrees,
)
from chainrule.demo.worked_example import START, UNITS, Outcome, Round
from chainrule.formatting import decimals
from chainrule.trees import named_leaves, number

INTRODUCTION = """
Two inputs, two hidden units, two outputs, σ in every unit, one example: this is Matt Mazur's “A
Step by Step Backpropagation Example”, which many tutorials retell. Here the library computes it,
in float64. Where the tutorials print a figure, it stands beside ours; ✓ says that the two agree in
every digit that is printed.
"""

(I1, I2), (O1, O2) = *INPUTS, *TARGETS
SETTING = f"""\
inputs   i1 = {I1:.2f}   i2 = {I2:.2f}        targets   o1 = {O1:.2f}   o2 = {O2:.2f}
error    E = ½ Σ (target − out)²      rate      η = {RATE}"""

BIASES = """
The tutorials write b1 for the bias of both hidden units and b2 for that of both outputs, and never
update them. Here each unit has its own, b1 to b4.
"""

FORWARD = (
    ("net_h1", "w1·i1 + w2·i2 + b1"),
    ("net_h2", "w3·i1 + w4·i2 + b2"),
    ("out_h1", "σ(net_h1)"),
    ("out_h2", "σ(net_h2)"),
    ("net_o1", "w5·out_h1 + w6·out_h2 + b3"),
    ("net_o2", "w7·out_h1 + w8·out_h2 + b4"),
    ("out_o1", "σ(net_o1)"),
    ("out_o2", "σ(net_o2)"),
    ("E_o1", "½ (target − out_o1)²"),
    ("E_o2", "½ (target − out_o2)²"),
    ("E_total", "E_o1 + E_o2"),
)

DELTA = "δ of a unit is ∂E/∂net; cr.backward returns it for every unit of every layer."

ERRORS = (("E_total", "before the update"), ("E_total⁺", "after it"))

OUTPUT_DELTAS = tuple(
    row
    for o in UNITS[1]
    for row in (
        (f"∂E/∂out_{o}", f"out_{o} − target"),
        (f"∂out_{o}/∂net_{o}", f"σ′(net_{o})"),
        (f"δ_{o}", "the product of both"),
    )
)

HIDDEN_DELTAS = tuple(
    row
    for h, (first, second) in zip(UNITS[0], (("w5", "w7"), ("w6", "w8")), strict=True)
    for row in (
        (f"∂E_o1/∂out_{h}", f"δ_o1 · {first}"),
        (f"∂E_o2/∂out_{h}", f"δ_o2 · {second}"),
        (f"∂E/∂out_{h}", "the sum of both"),
        (f"∂out_{h}/∂net_{h}", f"σ′(net_{h})"),
        (f"δ_{h}", "the product of both"),
    )
)

PROCEDURES = """\
A   as the text states it: every gradient is taken with the old weights
B   in sequence: w5…w8 are updated first, the hidden deltas use the new ones
C   like A, with the biases updated too; A and B leave them as they are"""

WHY = """
No procedure yields all four figures. The text of the tutorials describes A, but three of the four
are B's: whatever computed them had already updated w5…w8 when it came to the hidden layer. The
fourth, 0.0000351085, is A's: the error that the 10,000th forward pass sees, after 9,999 updates.
So if you work by hand and find 0.291027774 after the first update, you are right: that is
backpropagation.
"""


def show_part(console: Console) -> None:
    """Print part 1."""
    first, values = worked_example.first_round(), worked_example.figures()
    part(console, 1, "One step of backpropagation, by hand")
    paragraph(console, INTRODUCTION)
    block(console, SETTING)
    _show_network(console)
    paragraph(console, BIASES)
    heading(console, "Forward", "trace = cr.forward(net, params, X)")
    _show_figures(console, FORWARD, values)
    heading(console, "Backward: the output layer", "deltas = cr.backward(trace, y)")
    paragraph(console, DELTA)
    console.print()
    _show_figures(console, OUTPUT_DELTAS, values)
    heading(console, "Backward: the hidden layer", "the same call")
    _show_figures(console, HIDDEN_DELTAS, values)
    heading(console, "The gradient, factor by factor", "grads = cr.gradient(trace, deltas)")
    _show_products(console, first, values, 1, ("out − target", "σ′(net)", "out_h"))
    console.print()
    _show_products(console, first, values, 0, ("Σ δ_o · w", "σ′(net)", "input"))
    heading(console, "The update", "cr.SGD(0.5)")
    _show_update(console, values)
    console.print()
    _show_figures(console, ERRORS, values)
    heading(console, "Ten thousand updates", "cr.fit(…, batch_size=None, freeze=['*.b'])")
    paragraph(console, "The closing figures depend on the order of the updates.")
    block(console, PROCEDURES)
    console.print()
    _show_closing(console)
    console.print()
    paragraph(console, WHY)
    heading(console, "Slips in the tutorials' formulas")
    paragraph(console, "These are misprints: the tutorials' figures come from the right formulas.")
    notes(console, SLIPS, first=len(REASONS) + 1)


def _show_network(console: Console) -> None:
    """Print weights and biases, a column for each unit that they lead into."""
    table = open_table(["", "into h1", "into h2", "", "into o1", "into o2"], "llllll", gap=3)
    for i, sources in enumerate((("i1", "h1"), ("i2", "h2"), ("bias", "bias"))):
        cells = []
        for k, source in enumerate(sources):
            cells.append("    " * k + source)
            cells += [" = ".join(_entry(k, j, i)) for j in range(2)]
        table.add_row(*cells)
    console.print()
    show(console, table)
    console.print()


def _entry(k: int, j: int, i: int) -> tuple[str, str]:
    """Return name and value of the weight from input i to unit j of layer k; its bias for i = 2."""
    name, index = (f"{k}.W", 2 * j + i) if i < 2 else (f"{k}.b", j)
    leaf = dict(named_leaves(START))[name]
    return number(START, name, index), f"{leaf.flat[index]:.2f}"


def _show_figures(
    console: Console, rows: Sequence[tuple[str, str]], values: dict[str, float]
) -> None:
    """Print figures with their formulas; notes below the table say why one differs."""
    table = open_table(["", "", "Chainrule", " tutorials", ""], "llrll")
    for name, formula in rows:
        value = values[name]
        for printed in _printed(name):
            how = formula if printed == PRINTED.get(name, "") else "printed elsewhere"
            shown = Text(decimals(value, 12), "bold")
            table.add_row(name, how, shown, *_comparison(name, value, printed))
    show(console, table)
    wrong = [name for name, _ in rows if name in REASONS]
    if wrong:
        notes(console, [REASONS[name] for name in wrong], first=_note(wrong[0]))


def _printed(name: str) -> list[str]:
    """Return what the tutorials print for a figure, in each place; "" where they print none."""
    return [PRINTED.get(name, "")] + ([ELSEWHERE[name]] if name in ELSEWHERE else [])


def _note(name: str) -> int:
    return list(REASONS).index(name) + 1


def _comparison(name: str, value: float, printed: str) -> tuple[str, Text]:
    """Return the cells that show what is printed, and whether the value agrees with it."""
    if not printed:
        return "", Text()
    shown = printed.replace("-", "−").rjust(len(printed) + (value >= 0))
    if agrees(value, printed):
        return shown, Text("✓", "green")
    return shown, Text(f"✗ ({_note(name)})", "bold red")


def _show_products(
    console: Console, first: Round, values: dict[str, float], k: int, factors: tuple[str, str, str]
) -> None:
    """Print the gradient by each weight and bias of layer k as a product, figures put in."""
    one, two, three = factors
    headers = ["", one, "", two, "", three, "", "gradient", "  tutorials", ""]
    table = open_table(headers, "lrlrlrlrll", gap=1)
    for j, i in ((0, 0), (0, 1), (1, 0), (1, 1), (0, 2), (1, 2)):
        weight, _ = _entry(k, j, i)
        name = f"∂E/∂{weight}"
        product = [decimals(first.pulls(k)[j], 10), "×", decimals(first.slopes(k)[j], 10)]
        entering = decimals(first.trace[k].x[0, i], 10 if k else 2) if i < 2 else ""
        printed, sign = _comparison(name, values[name], PRINTED.get(name, ""))
        value = Text(decimals(values[name], 9), "bold")
        times = "×" if entering else ""
        table.add_row(weight, *product, times, entering, "=", value, f" {printed}", sign)
    show(console, table)


def _show_update(console: Console, values: dict[str, float]) -> None:
    """Print the update of each weight, figures put in."""
    headers = ["", "w", "", "η", "", "∂E/∂w", "", "w⁺", "  tutorials", ""]
    table = open_table(headers, "lrlrlrlrll", gap=1)
    for k, j, i in itertools.product(range(2), repeat=3):
        weight, old = _entry(k, j, i)
        new = values[f"{weight}⁺"]
        printed, sign = _comparison(f"{weight}⁺", new, PRINTED[f"{weight}⁺"])
        gradient = decimals(values[f"∂E/∂{weight}"], 13)
        value = Text(decimals(new, 12), "bold")
        table.add_row(weight, old, "−", str(RATE), "×", gradient, "=", value, f" {printed}", sign)
    show(console, table)


def _show_closing(console: Console) -> None:
    """Run the procedures, and print which of them yields which of the closing figures."""
    with console.status("three times 10,000 rounds …"):
        almost, stated = worked_example.as_stated()
        _, with_biases = worked_example.as_stated(freeze=())
        sequence = worked_example.in_sequence()
    table = open_table(["", *CLOSING], "lllll")
    table.add_row("the tutorials", *CLOSING.values(), style="dim")
    for name, outcome in (
        ("A, 10,000 updates", stated),
        ("A,  9,999 updates", almost),
        ("B, 10,000 updates", sequence),
        ("C, 10,000 updates", with_biases),
    ):
        table.add_row(name, *_closing_cells(outcome))
    show(console, table)


def _closing_cells(outcome: Outcome) -> list[Text]:
    """Return an outcome with as many decimals as are printed, and ✓ where it agrees."""
    figures = (outcome.after_one, outcome.after_all, *outcome.outputs)
    cells = []
    for value, printed in zip(figures, CLOSING.values(), strict=True):
        right = agrees(value, printed)
        shown = decimals(value, len(printed.partition(".")[2]))
        cells.append(Text(f"{shown} ✓" if right else shown, "bold green" if right else ""))
    return cells
