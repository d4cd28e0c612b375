"""How the demonstration prints: 80 columns, colours where there is a terminal, open tables."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Any, Literal

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from chainrule.errors import escaped

WIDTH = 80


class Escaping(Console):
    """A console that prints a text's characters, and lets none of them steer the terminal."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print as any console does, but text `escaped`."""
        super().print(*(escaped(o) if isinstance(o, str) else o for o in objects), **options)


def open_console(*, stderr: bool = False) -> Console:
    """Return where to print to, the standard output or error, with nothing read into the text."""
    return Escaping(width=WIDTH, stderr=stderr, highlight=False, markup=False, emoji=False)


def part(console: Console, number: int, title: str) -> None:
    """Print the heading of a part."""
    console.print()
    console.rule(Text(f"{number}  {title}", "bold cyan"), align="left", style="cyan")
    console.print()


def heading(console: Console, title: str, call: str = "") -> None:
    """Print the heading of a table, with the call that yields its figures on the right."""
    console.print()
    gap = " " * (WIDTH - len(title) - len(call)) if call else ""
    console.print(Text.assemble((title, "bold"), gap, (call, "cyan")))
    console.print()


def paragraph(console: Console, text: str) -> None:
    """Print running text, its lines broken anew."""
    console.print(Text(textwrap.fill(" ".join(text.split()), WIDTH, break_on_hyphens=False)))


def block(console: Console, text: str) -> None:
    """Print an empty line, then text whose lines stay as they are, indented."""
    console.print()
    console.print(Text(textwrap.indent(text, "  ")))


def notes(console: Console, texts: Iterable[str], first: int) -> None:
    """Print notes, numbered from `first`."""
    table = Table.grid(padding=(0, 1))
    for k, text in enumerate(texts, first):
        table.add_row(Text(f"({k})", "bold red"), Text(text))
    console.print()
    show(console, table)


def open_table(headers: Iterable[str], align: str, gap: int = 2) -> Table:
    """Return an empty table; `align` has an l or an r for each column."""
    justify: dict[str, Literal["left", "right"]] = {"l": "left", "r": "right"}
    table = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, gap - 1, 0, 0),
        header_style="dim",
        border_style="dim",
    )
    for header, side in zip(headers, align, strict=True):
        table.add_column(header, justify=justify[side], no_wrap=True)
    return table


def show(console: Console, table: Table) -> None:
    """Print a table, indented."""
    console.print(Padding(table, (0, 0, 0, 2), expand=False))


def progress(console: Console, ending: str = "") -> Progress:
    """Return a progress bar that leaves nothing behind, and shows on a terminal only."""
    return Progress(
        TextColumn("  {task.description} {task.completed}/{task.total}"),
        BarColumn(24),
        TextColumn(ending),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
