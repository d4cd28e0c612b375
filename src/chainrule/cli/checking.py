"""The commands `demo`, `info` and `check`."""

from __future__ import annotations

import platform
import textwrap
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

import chainrule as cr
from chainrule.cli.exits import usage_errors
from chainrule.cli.sizes import read_sizes
from chainrule.cli.terminal import say


@click.command()
@click.option(
    "--part",
    "parts",
    type=click.IntRange(1, 3),
    multiple=True,
    help="Show only this part; may be repeated.",
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


@click.command()
def info() -> None:
    """Show the versions, the machine and the engine.

    Please include this in a bug report.
    """
    with usage_errors():
        from chainrule import engine
        from chainrule.distributed.mpi_found import mpi_found
        from chainrule.engine import bfloat16
    rows = {
        "Chainrule": cr.__version__,
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "NumPy": version("numpy"),
        "platform": platform.platform(),
        "processor": processor(),
        "cores": str(engine.cores()),
        "engine": f"compiled, {engine.isa}" if engine.native else f"none: {engine.missing}",
        "bfloat16": f"no; {missing}" if (missing := bfloat16.missing()) else "yes",
        "bits": BITS,
        "MPI": mpi_found(),
    }
    for name, value in rows.items():
        line = f"{name:11}{value}"
        say(textwrap.fill(line, 80, subsequent_indent=" " * 11, break_on_hyphens=False))


BITS = (
    "the same from the engine on v3, v4 and neon, with any number of threads and any memory; "
    "others on v2, and in the reference loop, where they follow from NumPy's libraries too"
)
"""On what the bits of a training depend, and on what not."""


def processor() -> str:
    """Return the model of the processor, or its kind where finding the model would take long."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(filter(None, models), platform.processor() or platform.machine())


NETWORK = ("sizes", "activation", "output", "loss", "dropout", "l1", "l2")
"""The options that describe a network."""


@click.command()
@click.argument("file", required=False)
@click.option(
    "--network",
    "sizes",
    callback=read_sizes,
    metavar="SIZES",
    default="4-8-3",
    show_default=True,
    help="Units of each layer, from the inputs to the outputs.",
)
@click.option(
    "--activation",
    metavar="NAMES",
    default="tanh",
    show_default=True,
    help="Activation of the hidden layers: one for all, or one each, separated by commas.",
)
@click.option(
    "--output",
    metavar="NAME",
    default="identity",
    show_default=True,
    help="Activation of the last layer.",
)
@click.option(
    "--loss", metavar="NAME", default="half_squared_error", show_default=True, help="The loss."
)
@click.option(
    "--dropout",
    metavar="RATE",
    type=float,
    default=0.0,
    help="Dropout rate after each hidden layer.",
)
@click.option("--l1", type=float, default=0.0, help="L1 penalty on the weights.")
@click.option("--l2", type=float, default=0.0, help="L2 penalty on the weights.")
@click.option(
    "--seed", type=int, default=0, help="Random seed of the parameters, examples and dropout."
)
@click.option(
    "--examples",
    type=click.IntRange(1),
    default=8,
    show_default=True,
    help="Number of random examples.",
)
@click.option(
    "--tolerance",
    type=float,
    default=1e-7,
    show_default=True,
    help="Largest relative error that passes.",
)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Check every activation and kind of layer, with every loss.",
)
@click.option(
    "--against",
    "other",
    type=click.Choice(["torch", "keras", "jax"]),
    help="Compare with the gradient of this library, in place of differences.",
)
@click.pass_context
def check(
    ctx: click.Context,
    file: str | None,
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
    other: str | None,
) -> None:
    """Compare the gradient of a network with central differences.

    Parameters and examples are random, with targets that suit the loss; or they are those of a
    network file, as `chainrule explain` reads it, with layers of any kind. The exit code is 0 if
    the gradient is right, 1 if it is wrong, and 2 for a wrong option. For an unknown name, the
    error lists the known ones.

    With --against, the same network, data and loss go through another library too, and each
    parameter's gradient is compared, with batch norms as in training and without dropout; the
    first layer that differs, on the way back, is named, and the first, on the way forward, of
    which something else leaves. What the library has no layer for is Chainrule's formula, of
    which it finds the derivatives. Keras, on PyTorch, works in float32, and so the tolerance is
    larger.

    \b
    chainrule check network.toml
    chainrule check --network 4-8-3 --activation relu --loss cross_entropy
    chainrule check --network 2-5-5-1 --activation "elu(0.5),tanh" --l2 0.1
    chainrule check --network 4-8-3 --against torch
    chainrule check --all
    """
    from chainrule.demo import checks
    from chainrule.demo.printing import open_console

    console = open_console()
    with usage_errors():
        if file is not None:
            refuse(ctx, [*NETWORK, "examples", "everything"], "a network file brings its own")
            problem = checks.problem_of_file(file)
        elif everything:
            refuse(ctx, [*NETWORK, "other"], "--all brings its own networks")
            ctx.exit(0 if checks.check_all(console, examples, seed, tolerance) else 1)
        else:
            net = checks.network(sizes, activation.split(","), output, loss, dropout, l1, l2)
            problem = checks.random_problem(net, examples, seed)
        if other is None:
            found = checks.check_problem(problem, seed, tolerance)
            checks.show_check(console, problem.net, problem.examples, found)
            ctx.exit(0 if found.passed else 1)
        compared = compare(other, problem, tolerance)
        checks.show_comparison(console, problem, *compared)
    ctx.exit(0 if compared[0].passed else 1)


def compare(other: str, given: Any, tolerance: float) -> Any:
    """Compare a gradient with that of another library.

    Return what was found, and why its tolerance is larger, if it is.
    """
    from chainrule.interop.against import LIBRARIES, against

    examples = given.X, given.y, given.sample_weight
    found = against(other, given.net, given.params, *examples, tolerance)
    return found, LIBRARIES[other].why


def refuse(ctx: click.Context, names: Iterable[str], why: str) -> None:
    """Raise if one of some options is given."""
    default = click.core.ParameterSource.DEFAULT
    options = {each.name: each.opts[0] for each in ctx.command.params}
    given = [options[name] for name in names if ctx.get_parameter_source(name) != default]
    if given:
        raise click.UsageError(f"{why}; leave out {', '.join(given)}")
