"""The commands `explain` and `worksheet`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import chainrule as cr
from chainrule.atomic_write import write_whole
from chainrule.cli.click_options import asked_reading, forced, reads_tables
from chainrule.cli.exits import usage_errors
from chainrule.cli.option_names import option_name
from chainrule.cli.reasons import (
    SUFFIXES,
    asks_why,
    check_of_chain_rule,
    check_of_predictions,
    format_of_row,
    why_row,
    why_rows,
)
from chainrule.cli.sizes import read_sizes
from chainrule.cli.terminal import hand_on, say
from chainrule.cli.training_files import is_model, load_model
from chainrule.explanation.notation import NOTATIONS
from chainrule.explanation.output_format import FORMATS, check_place, format_of
from chainrule.formatting import counted
from chainrule.tabular.output_files import check_apart, check_replaceable

if TYPE_CHECKING:
    from chainrule.network import Parameters
    from chainrule.tabular import TableModel

LEFT_OUT = "The format; by default that of FILE's ending, else text."


def goes_to(command: Any) -> Any:
    """Add the options that name a file to write, and replace what is not quickly made again."""
    return click.option(
        "-o",
        "--output",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Write to this file, also over an earlier page or sheet.",
    )(forced(command))


def check_output(output: Path | None, *inputs: str | Path, force: bool) -> None:
    """Refuse to write what is read, or over what is not quickly made again."""
    check_apart({"the output": output}, *inputs)
    if output:
        check_replaceable(output, force=force)


def put(text: str, path: Path | None) -> None:
    """Print a text, or write it to a file."""
    if path is None:
        hand_on(text)
    else:
        write_whole(path, [text.encode()])


@click.command()
@click.argument("network")
@click.option(
    "--of",
    metavar="NAME",
    help="A weight (w5), bias (b3), other parameter (1.gamma[0]), input (x2), unit (h1, net_o2), "
    "cost, or all; left out, what each column contributed to the prediction.",
)
@click.option(
    "--by",
    metavar="NAME",
    help="Derive a unit by this, without a loss: --of out_o1 --by w5.",
)
@click.option(
    "--format",
    "name",
    type=click.Choice(FORMATS),
    help=LEFT_OUT,
)
@goes_to
@click.option("--data", metavar="FILE", help="The table from which the example is taken.")
@click.option(
    "--row",
    type=click.IntRange(1),
    help="The row of the table; by default 1, the first, and without --of all.",
)
@reads_tables
@click.option(
    "--member",
    type=click.IntRange(1),
    help="Which of a model's networks; by default 1, the first.",
)
@click.option(
    "--step",
    type=click.IntRange(1),
    help="Explain this step of the training; by default the first.",
)
@click.option(
    "--notation",
    type=click.Choice(NOTATIONS),
    help="Whose names for the quantities; by default mazur's.",
)
@click.option(
    "--digits", type=int, help="Significant digits; by default as many as each line needs."
)
@click.option(
    "--top",
    type=int,
    default=10,
    show_default=True,
    help="The most terms of a sum, examples or columns to write out.",
)
@asks_why
def explain(
    network: str,
    of: str | None,
    by: str | None,
    name: str | None,
    output: Path | None,
    force: bool,
    data: str | None,
    row: int | None,
    member: int | None,
    step: int | None,
    notation: str | None,
    digits: int | None,
    top: int,
    asked: str | None,
    log_odds: bool,
    method: str | None,
    against: str | None,
    keep: tuple[list[str], ...],
    **reading: Any,
) -> None:
    """Work out the chain rule of a weight, or explain a prediction.

    NETWORK is one of the tutorials' networks, 2-2-2 or chain, or a file such as this:

    \b
    layers = [2, 2, 2]                # inputs, hidden units, outputs
    activation = "sigmoid"
    loss = "half_squared_error"
    rate = 0.5
    weights = [[[0.15, 0.20], [0.25, 0.30]], [[0.40, 0.45], [0.50, 0.55]]]
    weights_are = "units_by_inputs"   # a row for each unit
    biases = [[0.35, 0.35], [0.60, 0.60]]
    freeze = ["*.b"]                  # the biases stay
    inputs = [0.05, 0.10]             # several examples: [[...], [...]]
    targets = [0.01, 0.99]

    Layers of any kind stand in tables in place of the sizes: [[layers]] with its kind, such as
    "layer_norm", its settings and its parameters by their names.

    With --data, NETWORK is a model of `chainrule train`, and the example a row of that table. Where
    a model has several networks, one of them is worked out.

    Without --of, it is told what each column contributed to the prediction for that row, against
    the mean row in training, by integrated gradients; -o with .html makes a page, whose bars open
    the chain rule. Without --row too, the contributions to all predictions are a table.

    \b
    chainrule explain 2-2-2 --of w5
    chainrule explain network.toml --of w1 --notation nielsen -o w1.html
    chainrule explain network.toml --of out_o1 --by w1
    chainrule explain layers.toml --of "1.gamma[0]"
    chainrule explain houses.model --data test.csv --row 3 --of w12
    chainrule explain houses.model --data test.csv --row 3
    chainrule explain houses.model --data test.csv -o contributions.parquet
    """
    from chainrule.explanation.network_file import network_path

    with usage_errors():
        if row is not None and data is None:
            raise ValueError("--row is of a table; name it by --data")
        if member is not None and data is None:
            raise ValueError("--member is of a table's model; name the table by --data")
        given = {
            "asked": asked, "log_odds": log_odds, "method": method, "against": against, "keep": keep
        }  # fmt: skip
        if of is None:
            of_chains = {
                "by": by, "member": member, "step": step, "notation": notation, "digits": digits
            }  # fmt: skip
            check_of_predictions(given, of_chains, row)
            _why(network, data, row, asked_reading(reading), given, output, name, top, force)
            return
        check_of_chain_rule(given)
        place = output and check_place(output)
        write = FORMATS[format_of(name, output)].write
        read_as = asked_reading(reading)
        if read_as and data is None:
            raise ValueError(f"{option_name(min(read_as))} is of a table; name it by --data")
        read = [network, data] if data else [network_path(network)]
        check_output(output, *read, force=force)
        if data:
            what, more = example(network, data, row or 1, read_as, output, member)
        else:
            what, more = described(network, network_path(network))
        more |= {} if step is None else {"step": step}
        explanation = cr.explain(
            *what, **more, of=of, by=by, notation=notation or "mazur", digits=digits, top=top
        )
        put(write(explanation, columns(place)), place)


def _why(
    model: str,
    data: str | None,
    row: int | None,
    reading: dict[str, Any],
    given: dict[str, Any],
    output: Path | None,
    name: str | None,
    top: int,
    force: bool,
) -> None:
    """Tell what each column contributed to the prediction for a row, or for all."""
    if data is None:
        raise ValueError("say what is derived by --of, or name the table of a model by --data")
    inputs = [model, data, *([given["against"]] if given["against"] else [])]
    if row is None:
        if name:
            raise ValueError("--format is of one row; name it by --row")
        check_apart({"the output": output}, *inputs)
        trained = load_model(model, data)
        why_rows(trained, trained.opened(data, **reading), given, output, force=force)
        return
    place = output and check_place(output)
    kind = format_of(format_of_row(name), output, SUFFIXES)
    check_output(output, *inputs, force=force)
    trained = load_model(model, data)
    source = trained.opened(data, **reading)
    check_apart({"the output": output}, *source.stamps)
    put(why_row(trained, source, row, given, kind, columns(place), top), place)


def described(network: str, path: Path) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return what a file of a network gives `cr.explain`."""
    from chainrule.explanation.network_file import read_network_file

    if is_model(path):
        raise ValueError(f"{network} is a model; name the table of its example by --data")
    file = read_network_file(path)
    for note in file.notes:
        say(f"{network}: {note}", err=True)
    return file[:4], file.options()


def example(
    model: str,
    data: str,
    row: int,
    reading: dict[str, Any],
    output: Path | None,
    member: int | None = None,
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return what a model, one of its networks, and a row of a table give `cr.explain`."""
    trained = load_model(model, data)
    params = member_of(trained, model, member)
    source = trained.opened(data, **reading)
    check_apart({"the output": output}, *source.stamps)
    names = {"inputs": trained.preparation.feature_names, "outputs": trained.outputs_named}
    return (trained.net, params, *trained.example(source, row)), names


def member_of(trained: TableModel, model: str, member: int | None) -> Parameters:
    """Return the parameters of one of a model's networks, and say what they are of the model's."""
    count, k = len(trained.members), member or 1
    if k > count:
        raise ValueError(f"{model}: has {counted(count, 'network')}, and no member {k:,}")
    if count > 1:
        other = "" if member else "; another by --member 2"
        said = f"{model}: predicts the mean of {count} networks; this is network {k}{other}"
        say(said, err=True)
    if said := _at_temperatures(trained):
        say(f"{model}: {said}", err=True)
    return trained.members[k - 1]


def _at_temperatures(trained: TableModel) -> str:
    """Return what a model's last layer is divided by, of several targets for each; "" of none."""
    several = len(trained.target.each) > 1
    at = [
        f"the temperature {part.temperature:g}" + f" for {part.target.column!r}" * several
        for part in (trained.parts if several else (trained,))
        if part.temperature != 1
    ]
    if not at:
        return ""
    calibrate = "calibrates" if len(at) == 1 else "calibrate"
    return (
        f"the last layer is as trained, divided by {' and '.join(at)}, which {calibrate} "
        "probabilities"
    )


def columns(place: Path | None) -> int:
    """Return how wide a text is: as the terminal, at least 60 columns; 80 in a file."""
    return 80 if place else max(60, shutil.get_terminal_size().columns)


@click.command()
@click.option(
    "--network",
    "sizes",
    callback=read_sizes,
    metavar="SIZES",
    default="2-2-2",
    show_default=True,
    help="Units of each layer, from the inputs to the outputs.",
)
@click.option("--seed", type=int, default=0, help="The same seed gives the same sheet.")
@click.option(
    "--activation",
    metavar="NAME",
    default="sigmoid",
    show_default=True,
    help="Activation of every unit.",
)
@click.option("--format", "name", type=click.Choice(["text", "html", "latex"]), help=LEFT_OUT)
@goes_to
@click.option("--key", is_flag=True, help="Write the key: figures in place of the blanks.")
def worksheet(
    sizes: tuple[int, ...],
    seed: int,
    activation: str,
    name: str | None,
    output: Path | None,
    force: bool,
    key: bool,
) -> None:
    """Write a backpropagation problem to work by hand, or its key.

    The numbers are easy: short decimals, and gradients that are not tiny; with the activations
    relu and identity no figure has more than 4 decimals.

    \b
    chainrule worksheet --network 2-2-2 --seed 7 -o sheet.html
    chainrule worksheet --network 2-2-2 --seed 7 -o key.html --key
    """
    from chainrule.explanation.worksheet import SUFFIXES, worksheet

    with usage_errors():
        place = output and check_place(output)
        kind = format_of(name, output, SUFFIXES)
        check_output(output, force=force)
        sheet = worksheet(sizes, seed, activation)
        if kind == "text":
            put(sheet.text(key=key, width=columns(place)), place)
        else:
            put(sheet.html(key=key) if kind == "html" else sheet.latex(key=key), place)
