"""What the commands print: no character of a file steers the terminal that shows it.

What is said, on either stream, is `escaped` wherever it goes: it is for people, and as JSON or TOML
it means the same. What is handed on, predictions and explanations, keeps each byte in a file or a
pipe, where other programs read it, and is escaped only on a terminal.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from chainrule.errors import escaped


def say(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print what is for people to read, or TOML."""
    click.echo(escaped(text), err=err, nl=nl)


def say_as_json(data: Any) -> None:
    """Print data as JSON: what is escaped reads back as it was."""
    say(json.dumps(data, indent=2, ensure_ascii=False))


def hand_on(text: str) -> None:
    """Print a text as it stands, but on a terminal."""
    click.echo(escaped(text) if sys.stdout.isatty() else text, nl=False)
