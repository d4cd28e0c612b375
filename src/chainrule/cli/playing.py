"""The command `playground`."""

from __future__ import annotations

import tempfile
import webbrowser
from pathlib import Path
from typing import Any

import click

from chainrule.cli.click_options import asked_reading, reads_tables
from chainrule.cli.exits import Refusal, refusals, usage_errors
from chainrule.cli.explaining import check_output, goes_to, put
from chainrule.cli.option_names import option_name
from chainrule.cli.terminal import say
from chainrule.explanation.output_format import check_place, format_of
from chainrule.tabular.output_files import check_apart

NETWORK_FILE = ".toml"


@click.command()
@click.argument("file", required=False)
@goes_to
@click.option("--data", metavar="FILE", help="The table of a model, whose rows are the examples.")
@click.option("--member", type=click.IntRange(min=1), help="Which of a model's networks.")
@reads_tables
def playground(
    file: str | None,
    output: Path | None,
    force: bool,
    data: str | None,
    member: int | None,
    **reading: Any,
) -> None:
    """Train a network in the browser and see its numbers.

    The page holds the engine, and needs no network: nothing is loaded, and nothing leaves it.
    Without -o it opens in the browser.

    FILE is what it begins with: 2-2-2, chain or a network file such as `chainrule explain` reads,
    with its examples; a model, and by --data the table whose rows it is to train with, of which it
    is the first network or that of --member; or a table. Left out, it begins with a spiral.
    A model of `cr.save` knows no columns: the first of its table are its inputs, the others its
    targets.

    \b
    chainrule playground
    chainrule playground 2-2-2 -o playground.html
    chainrule playground houses.csv
    chainrule playground houses.model --data houses.csv
    """
    with usage_errors():
        place = output and check_place(output)
        format_of(None, output, {".html": "html"})
        read = [each for each in (_path(file), data) if each is not None]
        check_output(output, *read, force=force)
        read_as = asked_reading(reading)
    start = _start(file, data, member, read_as, output)
    from chainrule.playground import playground

    page = playground(start)
    if place:
        put(page, place)
    else:
        _open(page)


def _path(file: str | None) -> Path | None:
    """The path of a file, or of the example that is called so."""
    from chainrule.explanation.network_file import EXAMPLES

    if file is None:
        return None
    own = EXAMPLES / f"{file}{NETWORK_FILE}"
    return own if own.exists() else Path(file)


def _start(
    file: str | None,
    data: str | None,
    member: int | None,
    reading: dict[str, Any],
    output: Path | None,
) -> dict[str, Any] | None:
    from chainrule.cli.training_files import SUFFIX, is_model
    from chainrule.playground import start_state

    with usage_errors(), refusals():
        path = _path(file)
        if path and (path.suffix == SUFFIX or is_model(path)):
            return _of_model(path, data, member, reading, output)
        if data is not None:
            raise ValueError("--data is the table of a model; name the model first")
        if member is not None:
            raise ValueError("--member is of a model of several networks; name one")
        if path is None or (path.suffix == NETWORK_FILE and path.exists()):
            _check_unasked(reading)
            return None if path is None else _of_network_file(path, str(file))
        from chainrule.tabular.files.open_source import open_source

        source = open_source(str(path), **reading)
        check_apart({"the output": output}, *source.stamps)
        start = start_state.of_table(source)
        if start["table"]["rows"] == start_state.ROWS:
            say(f"{file}: the page holds the first {start_state.ROWS:,} rows", err=True)
        return start


def _of_model(
    path: Path,
    data: str | None,
    member: int | None,
    reading: dict[str, Any],
    output: Path | None,
) -> dict[str, Any]:
    from chainrule.cli.training_files import is_model, load_model
    from chainrule.playground import start_state
    from chainrule.serialization import load

    if not is_model(path):
        net, params, history = load(path)
        if net.members > 1:
            which = f"network {member or 1} of its {net.members} by itself"
            say(f"{path.name}: the page has {which}; --member chooses another", err=True)
        if data is None:
            _check_unasked(reading)
            return start_state.of_model(net, params, history, member=member)
        from chainrule.tabular.files.open_source import open_source

        source = open_source(data, **reading)
        check_apart({"the output": output}, *source.stamps)
        return start_state.of_model(net, params, history, source=source, member=member)
    if data is None:
        raise ValueError(f"{path}: is a model of a table; name the table by --data")
    trained = load_model(path, data)
    source = trained.opened(data, **reading)
    check_apart({"the output": output}, *source.stamps)
    return start_state.of_table_model(trained, source, member or 1)


def _of_network_file(path: Path, name: str) -> dict[str, Any]:
    from chainrule.explanation.network_file import read_network_file
    from chainrule.playground import start_state

    file = read_network_file(path)
    for note in file.notes:
        say(f"{name}: {note}", err=True)
    return start_state.of_network_file(file)


def _check_unasked(reading: dict[str, Any]) -> None:
    if reading:
        raise ValueError(f"{option_name(min(reading))} is of a table; name one")


def _open(page: str) -> None:
    """Show a page in the browser, which reads it from a folder of its own."""
    path = Path(tempfile.mkdtemp(prefix="chainrule-")) / "playground.html"
    put(page, path)
    if not webbrowser.open(path.as_uri()):
        raise Refusal("there is no browser to open; write the page by -o playground.html")
    say(f"opened {path}")
