"""Arguments, as the library's messages name them, turned into the options of the command."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Mapping
from typing import Any

ARGUMENT = re.compile(r"`(\w+)=([^`]*)`")
"""An argument in a message, as `chainrule.errors.argument` writes it."""

COLUMN = ("weight", "groups", "time")
"""The options that take one column, whose name messages quote."""


def option_name(name: str) -> str:
    """Return the option of a field.

    >>> option_name("leave_out")
    '--leave-out'
    """
    return f"--{name.replace('_', '-')}"


def as_options(message: str) -> str:
    """Return a message in which arguments are options, as they stand on a command line.

    >>> print(as_options("use `task='regression'`, `header=False` or `leave_out=['x, y', '#']`"))
    use --task regression, --no-header or --leave-out '"x, y",#'
    """
    return ARGUMENT.sub(_as_option, message)


def about_in_options(about: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is known of a model with the arguments in its words turned into options.

    >>> about_in_options({"epochs": 3, "warnings": ["keep them together by `groups=`"]})
    {'epochs': 3, 'warnings': ['keep them together by --groups']}
    """
    told = dict(about)
    if "warnings" in about:
        told["warnings"] = [as_options(each) for each in about["warnings"]]
    if "decisions" in about:
        told["decisions"] = [
            {**each, "reason": as_options(each["reason"])} for each in about["decisions"]
        ]
    return told


def _as_option(found: re.Match[str]) -> str:
    name, written = found.groups()
    flag = option_name(name)
    if not written:
        return flag
    try:
        value = ast.literal_eval(written)
    except (SyntaxError, ValueError):  # cut, or none of ours
        return found[0]
    if isinstance(value, bool):
        return flag if value else f"--no-{flag[2:]}"
    return f"{flag} {_in_shell(name, value)}"


def _in_shell(name: str, value: Any) -> str:
    """Return a value as it stands on a command line."""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, int):
        return f"{value / 1e6:g}MB" if name == "memory" else str(value)
    if isinstance(value, list):
        names = ",".join(map(_between_commas, value))
        return names if re.fullmatch(r"[\w.:/@%+=-]+", names) else _quoted(names)
    plain = name not in COLUMN and re.fullmatch(r"\w[\w.:/@+-]*", value)
    return value if plain else _quoted(value)


def _between_commas(column: str) -> str:
    """Return a column's name as options take it that take several."""
    return f'"{column.replace(chr(34), chr(34) * 2)}"' if set(column) & set(',"') else column


def _quoted(text: str) -> str:
    quoted = shlex.quote(text)
    return (f"'{text}'" if quoted == text else quoted) if text else '""'
