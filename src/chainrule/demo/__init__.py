"""The demonstration: `chainrule demo`.

| file | what it is for |
|---|---|
| `worked_example.py`, `worked_example_text.py` | part 1: the tutorials' 2-2-2 example |
| `tutorial_figures.py` | the figures that they print, and their slips |
| `chain_network.py` | part 2: a chain of three units |
| `digits.py` | part 3: handwritten digits |
| `checks.py` | what `chainrule check` prints |
| `printing.py` | 80 columns, colours, open tables |
"""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Iterable
from pathlib import Path

from chainrule.demo import chain_network, digits, worked_example_text
from chainrule.demo.printing import block, open_console, paragraph
from chainrule.explanation import explain
from chainrule.explanation.network_file import network_path, read_network_file
from chainrule.extras import needed_by

PARTS = {
    1: worked_example_text.show_part,
    2: chain_network.show_part,
    3: digits.show_part,
}

NEXT = """\
chainrule explain --help  the chain rule of any weight, with its numbers
chainrule worksheet       a problem to work by hand; --key writes its key
chainrule check --all     the gradients of all activations, losses and layers
chainrule check --help    the gradient of a network that you describe
README.md                 the same from Python: import chainrule as cr"""


def run(parts: Iterable[int] = PARTS) -> None:
    """Print the parts, in order."""
    wanted = sorted(set(parts))
    with needed_by("demo", "demo"):  # before anything is shown
        for name in ("mpmath", *(("plotext", "sklearn") if 3 in wanted else ())):
            importlib.import_module(name)
    console = open_console()
    for number in wanted:
        PARTS[number](console)
    console.print()
    console.rule(style="cyan")
    paragraph(console, "The worked example as a page, to click through: open it in a browser")
    block(console, str(write_page()))
    console.print()
    paragraph(console, "What to try next")
    block(console, NEXT)


def write_page() -> Path:
    """Write the page of the worked example to a new temporary file, and return its path.

    >>> write_page().suffix
    '.html'
    """
    example = read_network_file(network_path("2-2-2"))
    page = explain(
        example.net,
        example.params,
        example.X,
        example.y,
        of="w1",
        optimizer=example.optimizer,
        freeze=example.freeze,
    ).html()
    descriptor, name = tempfile.mkstemp(prefix="chainrule-", suffix=".html")
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(page)
    return Path(name)
