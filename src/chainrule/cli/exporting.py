"""The command `export`: a model as a file for others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from chainrule.cli.click_options import forced
from chainrule.cli.exits import refusals
from chainrule.tabular.output_files import check_apart, check_replaceable


def ending(ctx: click.Context, option: click.Parameter, given: Path) -> Path:
    """Return the file, or refuse an ending that no kind has."""
    if given.suffix.lower() not in (".onnx", ".py"):
        raise click.BadParameter(f"must end in .onnx or .py, got {given.name!r}")
    return given


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    required=True,
    callback=ending,
    help="Write to this file: ONNX where it ends in .onnx, Python where it ends in .py.",
)
@forced
def export(model: Path, output: Path, force: bool) -> None:
    """Write a model as a file that others predict with.

    MODEL is what `chainrule train` or `cr.save` wrote. A file of ONNX runs in onnxruntime and
    wherever else ONNX does; one of Python needs NumPy alone, and has a function `predict`. Both
    take the columns of a table as they are, and prepare them as training did.

    \b
    chainrule export houses.model -o houses.onnx
    chainrule export houses.model -o houses.py
    """
    with refusals():
        from chainrule.interop.onnx_out import to_onnx
        from chainrule.interop.python_out import to_python

        check_apart({"the output": output}, model)
        check_replaceable(output, force=force)
        write: Any = to_python if output.suffix.lower() == ".py" else to_onnx
        write(*_read(model, output), force=force)


def _read(path: Path, output: Path) -> tuple[Any, ...]:
    """Return what is written: the model of a table, or a network and its parameters; and where."""
    import chainrule as cr
    from chainrule.serialization import read_file

    if read_file(path)[1]["kind"] == "table":
        from chainrule.tabular import TableModel

        return TableModel.load(path), output
    net, params, _ = cr.load(path)
    return net, params, output
