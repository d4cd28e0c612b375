"""The command `find-mistake`."""

from __future__ import annotations

import click

from chainrule.cli.exits import usage_errors
from chainrule.cli.explaining import columns, described
from chainrule.cli.terminal import say, say_as_json


def read_claims(
    ctx: click.Context, option: click.Parameter, given: tuple[str, ...]
) -> dict[str, str]:
    """Return the figures by their names."""
    claimed: dict[str, str] = {}
    for each in given:
        name, equals, figure = (part.strip() for part in each.partition("="))
        if not (name and equals and figure):
            raise click.BadParameter(f"write NAME=FIGURE, such as w5=0.0821670, got {each!r}")
        if claimed.get(name, figure) != figure:
            raise click.BadParameter(f"{name} is claimed twice, {claimed[name]} and {figure}")
        claimed[name] = figure
    return claimed


@click.command("find-mistake")
@click.argument("network")
@click.option(
    "--claimed",
    metavar="NAME=FIGURE",
    multiple=True,
    required=True,
    callback=read_claims,
    help="A figure with all of its digits, of a quantity: w5=0.0821670. Give one for each.",
)
@click.option(
    "--step",
    type=click.IntRange(1),
    help="The figures are of this step of the training; by default the first.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what is found as JSON.")
@click.pass_context
def find_mistake(
    ctx: click.Context, network: str, claimed: dict[str, str], step: int | None, as_json: bool
) -> None:
    """Find the mistake that gives figures which somebody computed.

    NETWORK is a file as `chainrule explain` reads it, or 2-2-2 or chain. Known mistakes are made on
    purpose, alone and in pairs; those are named that give every printed digit of every figure.

    \b
    w5                 the cost's derivative by a weight, bias b3 or input x2
    w5+                the same weight after the update; cost+, out_o1+
    out_h1, net_h1     what leaves a unit, and its weighted input
    out_h1,2           the same of example 2
    delta_h1           the cost's derivative by the weighted input
    cost, E_o1         the cost, and an output's share in it
    dE/dout_h1, dE_o1/dout_h1, dout_o1/dnet_o1
                       other derivatives

    The exit code is 0 if every figure is right, 1 if one is not, and 2 for what cannot be read.

    \b
    chainrule find-mistake 2-2-2 --claimed w5=0.082167 --claimed cost+=.2910279
    """
    from chainrule.diagnosis import mistake_search
    from chainrule.explanation.network_file import network_path

    with usage_errors():
        (net, params, X, y), options = described(network, network_path(network))
        for names in ("inputs", "outputs"):
            del options[names]
        options |= {} if step is None else {"step": step}
        found = mistake_search.find_mistake(net, params, X, y, claimed, **options)
    if as_json:
        say_as_json(found.as_dict())
    else:
        say(found.text(columns(None)), nl=False)
    ctx.exit(0 if found.right else 1)
