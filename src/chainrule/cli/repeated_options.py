"""Options that take one value: two that differ are refused, in every command."""

from __future__ import annotations

import copy
from typing import Any

import click


def check_once(command: click.Command, parent: click.Context, args: list[str]) -> None:
    """Raise where an option that takes one value stands twice, with values that differ.

    The words are read once more, each option taking all that it is given: click itself takes the
    last. What cannot be read at all is for the command to refuse.
    """
    twin = copy.copy(command)
    twin.params = [_collecting(each) for each in command.params]
    context = click.Context(twin, info_name=command.name, parent=parent)
    try:
        found, _, _ = twin.make_parser(context).parse_args(list(args))
    except click.UsageError:
        return
    for one, many in zip(command.params, twin.params, strict=True):
        if isinstance(one, click.Option) and one.multiple != many.multiple:
            _check_equal(one, found.get(str(one.name)) or [])


def _collecting(parameter: click.Parameter) -> click.Parameter:
    twin = copy.copy(parameter)
    if isinstance(twin, click.Option) and not twin.count:
        twin.multiple = True
    return twin


def _check_equal(option: click.Option, values: list[Any]) -> None:
    different = list(dict.fromkeys(values))
    if len(different) < 2:
        return
    flags = (*option.opts, *option.secondary_opts)
    if option.is_flag:
        raise click.UsageError(f"{' and '.join(flags)} exclude each other.")
    name = max(flags, key=len)
    both = " and ".join(map(repr, different))
    raise click.UsageError(f"{name} takes one value, and got {both}; leave all but one out.")
