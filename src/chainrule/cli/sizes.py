"""The sizes of a network, as several commands take them."""

from __future__ import annotations

import click


def read_sizes(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, ...]:
    """Return the sizes of a network, from the inputs to the outputs."""
    parts = value.split("-")
    if len(parts) < 2 or not all(part.isdecimal() for part in parts):
        raise click.BadParameter(
            f"{value!r} must be the sizes from the inputs to the outputs, such as 4-8-3"
        )
    return tuple(map(int, parts))
