"""A training in a TOML file: read with errors that name the line, and written with its comments."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chainrule.cli.click_options import in_unit, parted
from chainrule.cli.exits import refused_by_option
from chainrule.cli.training_files import Files
from chainrule.errors import unknown_name
from chainrule.explanation.toml_file import TomlFile
from chainrule.fields import fields_of, made_of
from chainrule.tabular.read_options import Reading
from chainrule.tabular.training_options import Options

KINDS = (Files, Reading, Options)
FIELDS = {name: field for kind in KINDS for name, field in fields_of(kind).items()}

HEAD = """\
# A training of Chainrule: chainrule train --config FILE
#
# Options behind a # are not set; they are chosen from the table. On the command line, an option of
# the same name, with - for _, overrides the one here. Paths are relative to the folder in which the
# command is called.
"""


def read(path: Path) -> dict[str, Any]:
    """Return what a file says, or raise ValueError with the line of what is wrong in it."""
    file, found = TomlFile.read(path, str(path)), {}
    for name, value in file.given.items():
        with file.at(name):
            if name not in FIELDS:
                raise unknown_name("option", name, FIELDS)
            found[name] = _in_its_unit(name, value)
            made({name: found[name]})
    return found


def _in_its_unit(name: str, value: Any) -> Any:
    unit = FIELDS[name].metadata.get("unit")
    if unit and isinstance(value, str):
        try:
            return in_unit(value, unit)
        except ValueError as error:
            raise ValueError(f"{name} {error}") from None
    return value


def made(values: Mapping[str, Any]) -> tuple[Files, Reading, Options]:
    """Return a training from its options by name; raise TypeError or ValueError for a wrong one."""
    files, reading, options = made_of(values, *KINDS)
    return files, reading, options


def asked_for(values: Mapping[str, Any]) -> tuple[Files, Reading, Options]:
    """Return a training as `made` does; what is wrong is refused by the option's name."""
    with refused_by_option(FIELDS):
        return made(values)


def to_toml(files: Files, reading: Reading, options: Options) -> str:
    """Return a training as a file that `read` reads to the same."""
    values = {**vars(files), **vars(reading), **vars(options)}
    tables = {name: value for name, value in values.items() if isinstance(value, Mapping)}
    parts = [HEAD]
    for heading, names in parted(name for name in values if name not in tables).items():
        parts += [f"# --- {heading}\n", *(_entry(name, values[name]) for name in names)]
    return "\n".join([*parts, *(_table(name, value) for name, value in tables.items())])


def _entry(name: str, value: Any) -> str:
    field = FIELDS[name]
    unit = f" In {field.metadata['unit']}." if "unit" in field.metadata else ""
    among = f" One of {', '.join(map(literal, field.names))}." if field.names else ""
    says = f"# {field.metadata['help']}{among}{unit}\n"
    return f"{says}# {name} =\n" if value is None else f"{says}{name} = {literal(value)}\n"


def _table(name: str, value: Mapping[str, Any]) -> str:
    says = f"# {FIELDS[name].metadata['help']}\n"
    if not value:
        return f'{says}# [{name}]\n# "a column" = ["low", "high"]\n'
    rows = (f"{literal(column)} = {literal(words)}\n" for column, words in value.items())
    return f"{says}[{name}]\n{''.join(rows)}"


def literal(value: Any) -> str:
    """Return a value as TOML writes it.

    >>> print(literal(("a", 'b "c"')), literal(0.5), literal(Path("x.csv")))
    ["a", "b \\"c\\""] 0.5 "x.csv"
    """
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, str | Path):
        return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value).lower() if isinstance(value, bool) else repr(value)
