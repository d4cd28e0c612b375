"""The command `lint`."""

from __future__ import annotations

import click

from chainrule.cli.exits import usage_errors
from chainrule.cli.explaining import columns, described
from chainrule.cli.terminal import say, say_as_json


@click.command()
@click.argument("text")
@click.option(
    "--network",
    metavar="NETWORK",
    required=True,
    help="The network of the text: a file as explain reads it, or 2-2-2 or chain.",
)
@click.option("--not-understood", is_flag=True, help="List also what is not understood.")
@click.option("--json", "as_json", is_flag=True, help="Print what is found as JSON.")
@click.pass_context
def lint(ctx: click.Context, text: str, network: str, not_understood: bool, as_json: bool) -> None:
    """Find the figures and formulas of a text that are not right.

    TEXT is a file of Markdown, LaTeX (.tex) or a notebook (.ipynb), whose cells of Markdown are
    read. Names are those of Mazur (net_h1, out_h1, target_o1), Nielsen (z^2_1, a^2_1) and
    3Blue1Brown (a_1^{(L-1)}), in formulas, tables and prose. A line is printed for each figure and
    formula that is not right, with the mistake that gives it.

    \b
    net_h1 = w1*i1 + w2*i2 + b1 = 0.15*0.05 + 0.2*0.1 + 0.35 = 0.3775
                           a formula and a figure, the last, of net_h1
    w5 = 0.4, w5+ = 0.3589 the weight itself, and after the update
    dE/dw5 = 0.0822        a derivative; \\frac{\\partial E}{\\partial w_5} too
    after 10,000 rounds    the figures from there on are of that step, to the
                           end of the paragraph, or under a heading of all
    example 2              they are of that example; unsaid, of any

    The exit code is 0 if every figure is right, 1 if one is not, and 2 for what cannot be read.

    \b
    chainrule lint tutorial.md --network network.toml
    """
    from chainrule.diagnosis.text_lint import lint as find
    from chainrule.diagnosis.text_source import read_passages
    from chainrule.explanation.network_file import network_path

    with usage_errors():
        passages = read_passages(text)
        what, options = described(network, network_path(network))
        for names in ("inputs", "outputs"):
            del options[names]
        report = find(passages, *what, **options)
    if as_json:
        say_as_json(report.as_dict(unknown=not_understood))
    else:
        say(report.text(unknown=not_understood, width=columns(None)), nl=False)
    ctx.exit(0 if report.right else 1)
