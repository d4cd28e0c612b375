"""The demonstration: `chainrule demo`."""

from __future__ import annotations

from collections.abc import Iterable

from chainrule.demo import chain_network, digits, worked_example_text
from chainrule.demo.printing import block, open_console, paragraph

PARTS = {
    1: worked_example_text.show_part,
    2: chain_network.show_part,
    3: digits.show_part,
}

NEXT = """\
chainrule check --all     the gradient of every activation with every loss
chainrule check --help    the gradient of a network that you describe
README.md                 the same from Python: import chainrule as cr"""


def run(parts: Iterable[int] = PARTS) -> None:
    """Print the parts, in order."""
    console = open_console()
    for number in sorted(set(parts)):
        PARTS[number](console)
    console.print()
    console.rule(style="cyan")
    paragraph(console, "What to try next")
    block(console, NEXT)
