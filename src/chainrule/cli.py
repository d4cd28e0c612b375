"""The command `chainrule`: options in, text out, nothing computed."""

from __future__ import annotations

import io
import platform
import shutil
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

import chainrule as cr
from chainrule.explain.names import NOTATIONS
from chainrule.explain.output import FORMATS, check_place, format_of, write_whole


class Commands(click.Group):
    """Commands that end quietly when they are interrupted."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo(err=True)
            ctx.exit(130)  # 128 + SIGINT, as shells have it


def read_sizes(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, ...]:
    """Return the sizes of a network, from the inputs to the outputs."""
    parts = value.split("-")
    if len(parts) < 2 or not all(part.isdecimal() for part in parts):
        raise click.BadParameter(
            f"{value!r} must be the sizes from the inputs to the outputs, such as 4-8-3"
        )
    return tuple(map(int, parts))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(cr.__version__, prog_name="chainrule", message="%(prog)s %(version)s")
def main() -> None:
    """Feedforward neural networks trained by backpropagation, written to be read and checked."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # for ∂ and σ in a pipe on Windows


@main.command()
@click.option(
    "--part",
    "parts",
    type=click.IntRange(1, 3),
    multiple=True,
    help="Show this part only; may be given more than once.",
)
def demo(parts: tuple[int, ...]) -> None:
    """Show what Chainrule does, in three parts.

    \b
    1  one step of backpropagation by hand: the tutorials' 2-2-2 network,
       figure by figure, beside what the tutorials print
    2  a chain of units, and the mean over the examples
    3  a network that learns to read handwritten digits
    """
    from chainrule.demo import PARTS, run

    run(parts or PARTS)


@main.command()
def info() -> None:
    """Show the versions, the machine and the engine: what a report of a bug should say."""
    with usage_errors():
        from chainrule import engine
    rows = {
        "Chainrule": cr.__version__,
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "NumPy": version("numpy"),
        "platform": platform.platform(),
        "processor": processor(),
        "cores": str(engine.cores()),
        "engine": f"compiled, {engine.isa}" if engine.native else f"none: {engine.missing}",
    }
    for name, value in rows.items():
        line = f"{name:11}{value}"
        click.echo(textwrap.fill(line, 80, subsequent_indent=" " * 11, break_on_hyphens=False))


def processor() -> str:
    """Return the model of the processor, or its kind where finding the model would take long."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(filter(None, models), platform.processor() or platform.machine())


@contextmanager
def usage_errors() -> Iterator[None]:
    """Turn the library's refusals of an option, and files that fail, into errors of usage."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise click.UsageError(str(error)) from None
    except BrokenPipeError:
        raise  # nobody reads on: click ends quietly
    except OSError as error:
        raise click.UsageError(f"{error.filename or 'output'}: {error.strerror}") from None


NETWORK = {
    "sizes": "--network",
    "activation": "--activation",
    "output": "--output",
    "loss": "--loss",
    "dropout": "--dropout",
    "l1": "--l1",
    "l2": "--l2",
}
"""The options that describe a network."""


@main.command()
@click.option(
    "--network",
    "sizes",
    callback=read_sizes,
    metavar="SIZES",
    default="4-8-3",
    show_default=True,
    help="Sizes, from the inputs to the outputs.",
)
@click.option(
    "--activation",
    metavar="NAMES",
    default="tanh",
    show_default=True,
    help="Of the hidden layers: one for all, or one for each, with commas between.",
)
@click.option(
    "--output",
    metavar="NAME",
    default="identity",
    show_default=True,
    help="Activation of the last layer.",
)
@click.option("--loss", metavar="NAME", default="half_squared_error", show_default=True)
@click.option(
    "--dropout", metavar="RATE", type=float, default=0.0, help="Dropout after each hidden layer."
)
@click.option("--l1", type=float, default=0.0, help="L1 penalty on the weights.")
@click.option("--l2", type=float, default=0.0, help="L2 penalty on the weights.")
@click.option("--seed", type=int, default=0, help="Of parameters, examples and dropout.")
@click.option("--examples", type=click.IntRange(1), default=8, show_default=True, help="How many.")
@click.option(
    "--tolerance", type=float, default=1e-7, show_default=True, help="Largest relative error."
)
@click.option("--all", "everything", is_flag=True, help="Check every activation with every loss.")
@click.pass_context
def check(
    ctx: click.Context,
    sizes: tuple[int, ...],
    activation: str,
    output: str,
    loss: str,
    dropout: float,
    l1: float,
    l2: float,
    seed: int,
    examples: int,
    tolerance: float,
    everything: bool,
) -> None:
    """Compare the gradient of a network with central differences.

    Parameters and examples are random, the targets such as suit the loss. The exit code is 0
    where the gradient is right, 1 where it is wrong, 2 where an option is. A name that is not
    known is answered with those that are.

    \b
    chainrule check --network 4-8-3 --activation relu --loss cross_entropy
    chainrule check --network 2-5-5-1 --activation "elu(0.5),tanh" --l2 0.1
    chainrule check --all
    """
    from chainrule.demo import checks
    from chainrule.demo.printing import open_console

    console = open_console()
    with usage_errors():
        if everything:
            refuse_network(ctx)
            right = checks.check_all(console, examples, seed, tolerance)
        else:
            net = checks.network(sizes, activation.split(","), output, loss, dropout, l1, l2)
            found = checks.check(net, examples, seed, tolerance)
            checks.show_check(console, net, examples, found)
            right = found.passed
    ctx.exit(0 if right else 1)


def refuse_network(ctx: click.Context) -> None:
    """Raise if a network is described where `--all` brings its own."""
    default = click.core.ParameterSource.DEFAULT
    given = [
        option for name, option in NETWORK.items() if ctx.get_parameter_source(name) != default
    ]
    if given:
        raise click.UsageError(f"--all brings its own networks; leave out {', '.join(given)}")


LEFT_OUT = "Left out, what the name of FILE ends in says it; text without one."


def goes_to(command: Any) -> Any:
    """Add the option that names a file to write."""
    return click.option(
        "-o",
        "--output",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Write this file; one of that name is replaced.",
    )(command)


def put(text: str, path: Path | None) -> None:
    """Print a text, or write it to a file."""
    if path is None:
        click.echo(text, nl=False)
    else:
        write_whole(path, text)


@main.command()
@click.argument("network")
@click.option(
    "--of",
    metavar="NAME",
    required=True,
    help="A weight (w5), bias (b3), input (x2), unit (h1, o2), cost, or all.",
)
@click.option(
    "--format",
    "name",
    type=click.Choice(FORMATS),
    help=LEFT_OUT,
)
@goes_to
@click.option(
    "--notation",
    type=click.Choice(NOTATIONS),
    default="mazur",
    show_default=True,
    help="Whose names.",
)
@click.option("--digits", type=int, help="Of every figure; left out, as many as a line needs.")
@click.option(
    "--top", type=int, default=10, show_default=True, help="Terms of a sum to write, and examples."
)
def explain(
    network: str,
    of: str,
    name: str | None,
    output: Path | None,
    notation: str,
    digits: int | None,
    top: int,
) -> None:
    """Work out the chain rule of a weight, with its numbers.

    NETWORK is one of the tutorials' networks, 2-2-2 or chain, or a file such as this:

    \b
    layers = [2, 2, 2]                # inputs, hidden units, outputs
    activation = "sigmoid"
    loss = "half_squared_error"
    rate = 0.5
    weights = [[[0.15, 0.20], [0.25, 0.30]], [[0.40, 0.45], [0.50, 0.55]]]
    biases = [[0.35, 0.35], [0.60, 0.60]]
    freeze = ["*.b"]                  # the biases stay
    inputs = [0.05, 0.10]             # several examples: [[...], [...]]
    targets = [0.01, 0.99]

    \b
    chainrule explain 2-2-2 --of w5
    chainrule explain network.toml --of w1 --notation nielsen -o w1.html
    """
    from chainrule.explain.network_file import network_path, read_network_file

    with usage_errors():
        place = output and check_place(output)
        write = FORMATS[format_of(name, output)].write
        file = read_network_file(network_path(network))
        explanation = cr.explain(
            *file[:4], **file.options(), of=of, notation=notation, digits=digits, top=top
        )
        put(write(explanation, columns(place)), place)


def columns(place: Path | None) -> int:
    """Return how wide a text is: as the terminal, at least 60 columns; 80 in a file."""
    return 80 if place else max(60, shutil.get_terminal_size().columns)


@main.command()
@click.option(
    "--network",
    "sizes",
    callback=read_sizes,
    metavar="SIZES",
    default="2-2-2",
    show_default=True,
    help="Sizes, from the inputs to the outputs.",
)
@click.option("--seed", type=int, default=0, help="The same seed gives the same sheet.")
@click.option(
    "--activation", metavar="NAME", default="sigmoid", show_default=True, help="Of every unit."
)
@click.option("--format", "name", type=click.Choice(["text", "html", "latex"]), help=LEFT_OUT)
@goes_to
@click.option("--key", is_flag=True, help="With the figures instead of blanks.")
def worksheet(
    sizes: tuple[int, ...],
    seed: int,
    activation: str,
    name: str | None,
    output: Path | None,
    key: bool,
) -> None:
    """Draw a step of backpropagation to be worked by hand, or its key.

    The numbers are pleasant: short decimals, and gradients that can be seen; with the activations
    relu and identity no figure has more than 4 decimals.

    \b
    chainrule worksheet --network 2-2-2 --seed 7 -o sheet.html
    chainrule worksheet --network 2-2-2 --seed 7 -o key.html --key
    """
    from chainrule.explain.worksheet import SUFFIXES, worksheet

    with usage_errors():
        place = output and check_place(output)
        kind = format_of(name, output, SUFFIXES)
        sheet = worksheet(sizes, seed, activation)
        if kind == "text":
            put(sheet.text(key=key, width=columns(place)), place)
        else:
            put(sheet.html(key=key) if kind == "html" else sheet.latex(key=key), place)
