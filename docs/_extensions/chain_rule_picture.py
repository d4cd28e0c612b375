"""The picture of the first page: the chain rule of one weight, and behind it the page that is live.

Every figure in it is one that `cr.explain` prints. Run as a script, this writes the picture of the
README:

    python docs/_extensions/chain_rule_picture.py docs/chain-rule.svg
"""

import re
import sys
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive

import chainrule as cr

LIVE = "chain-rule.html"
"""The explanation as a page of its own, beside the first page."""

OF = "w1"
COLUMNS = {"i": 48, "h": 190, "o": 332}
ROWS = {"1": 66, "2": 186}
ERROR = (458, 126)
RADIUS = 33
FACTORS = (
    ("behind", 166, "error by output"),
    ("slope", 308, "slope of the sigmoid"),
    ("before", 438, "input"),
)
"""The factors of the chain rule: a class, where it stands, and what it is."""

STYLE = """
.chain-rule { font: 16px system-ui, sans-serif; fill: var(--words) }
.chain-rule circle, .chain-rule rect { fill: var(--ground); stroke: var(--weak); stroke-width: 1.5 }
.chain-rule line { stroke: var(--weak); stroke-width: 1.5 }
.chain-rule text { text-anchor: middle }
.chain-rule .on-line { paint-order: stroke; stroke: var(--ground); stroke-width: 7px }
.chain-rule .small { font-size: 14px }
.chain-rule .strong { font-weight: 600; font-size: 14.5px }
.chain-rule .behind { --of: var(--behind) }
.chain-rule .slope { --of: var(--slope) }
.chain-rule .before { --of: var(--before) }
.chain-rule text:is(.behind, .slope, .before) { fill: var(--of) }
.chain-rule :is(line, circle, rect):is(.behind, .slope, .before) {
  stroke: var(--of); stroke-width: 3
}
"""
LIGHT = (
    "--words: #1f2933; --weak: #9aa5b1; --ground: #ffffff; "
    "--behind: #b03a06; --slope: #0b6b3a; --before: #1d4fb8"
)
DARK = (
    "--words: #e4e7eb; --weak: #7b8794; --ground: #0d1117; "
    "--behind: #ffa657; --slope: #56d364; --before: #79b8ff"
)
ALONE = f"""
.chain-rule {{ {LIGHT} }}
@media (prefers-color-scheme: dark) {{ .chain-rule {{ {DARK} }} }}
"""
"""The colours of a picture that is a file; on the site they are those of the page."""


def explained():
    """The tutorials' network, explained by the library."""
    net = cr.Network(2, [cr.Dense(2, "sigmoid")] * 2, loss="half_squared_error")
    params = net.parameters(
        [
            ([[0.15, 0.20], [0.25, 0.30]], [0.35, 0.35]),
            ([[0.40, 0.45], [0.50, 0.55]], [0.60, 0.60]),
        ]
    )
    return cr.explain(
        net, params, [0.05, 0.10], [0.01, 0.99], of=OF, optimizer=cr.SGD(0.5), freeze=["*.b"]
    )


def picture(style=""):
    """The picture as SVG."""
    explanation = explained()
    steps = {step.symbol: step for step in reversed(explanation.steps)}  # the first of a name
    parts = [*edges(), *units(steps), *chain_rule(steps[f"∂E_total/∂{OF}"])]
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" class="chain-rule" viewBox="0 0 504 424" '
        'role="img" aria-labelledby="chain-rule-title">\n'
        f'<title id="chain-rule-title">{TITLE}</title>\n<style>{style}{STYLE}</style>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


TITLE = (
    "A network of two inputs, two hidden units and two outputs. The derivative of its error by the "
    "weight w1 is a product of three numbers."
)


def edges():
    """The weights, those that lead from w1 to the error marked."""
    at = {f"{layer}{row}": (x, y) for layer, x in COLUMNS.items() for row, y in ROWS.items()} | {
        "E": ERROR
    }
    pairs = [(a, b) for start, end in ("ih", "ho") for a in (f"{start}1", f"{start}2")
             for b in (f"{end}1", f"{end}2")] + [("o1", "E"), ("o2", "E")]  # fmt: skip
    kinds = {("i1", "h1"): "before"} | dict.fromkeys(
        [("h1", "o1"), ("h1", "o2"), ("o1", "E"), ("o2", "E")], "behind"
    )
    for a, b in sorted(pairs, key=lambda pair: pair in kinds):
        (x1, y1), (x2, y2) = at[a], at[b]
        yield f'<line class="{kinds.get((a, b), "")}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>'
    yield text(119, 71, "w1", "before on-line strong")


def units(steps):
    """The units with what they give, and the error."""
    given = {"i1": "0.05", "i2": "0.1"}
    for layer, x in COLUMNS.items():
        for row, y in ROWS.items():
            name = f"{layer}{row}"
            kind = {"i1": "before", "h1": "slope", "o1": "behind", "o2": "behind"}.get(name, "")
            yield f'<circle class="{kind}" cx="{x}" cy="{y}" r="{RADIUS}"/>'
            yield text(x, y - 5, name, "small")
            yield text(x, y + 14, given.get(name) or f"{steps[f'out_{name}'].value:.4f}", "small")
    x, y = ERROR
    yield f'<rect class="behind" x="{x - 36}" y="{y - 27}" width="72" height="54" rx="8"/>'
    yield text(x, y - 5, "error", "small")
    yield text(x, y + 14, f"{steps['E_total'].value:.4f}", "small")


def chain_rule(step):
    """The equation: symbols, the numbers put in, and what comes of them."""
    yield from fraction(38, step.symbol)
    yield text(87, 286, "=")
    for (kind, x, words), symbol, number in zip(
        FACTORS, step.formula.split(" · "), step.numbers.split(" · "), strict=True
    ):
        yield from fraction(x, symbol, kind)
        yield text(x, 340, number, f"{kind} strong")
        yield text(x, 361, words, f"{kind} small")
    for y in (286, 340):
        yield text(241, y, "·") + text(380, y, "·")
    yield text(87, 340, "=")
    yield text(87, 401, "=")
    yield text(172, 401, step.result, "strong")


def fraction(x, symbol, kind=""):
    """A derivative, with its line."""
    above, below = symbol.split("/")
    half = 5 * max(len(above), len(below)) - 6
    yield text(x, 272, above, kind)
    yield text(x, 299, below, kind)
    yield f'<line class="{kind}" x1="{x - half}" y1="280" x2="{x + half}" y2="280"/>'


def text(x, y, words, kind=""):
    """Words in the middle of a place, with their indices."""
    pieces = re.split(r"_(\w+)|(?<=[wi])(\d)|(?<=^[hoi])(\d)", words)
    body, low = "", False
    for k, piece in enumerate(pieces):
        if not piece:
            continue
        index = k % 4 != 0
        if index:
            body += f'<tspan dy=".3em" font-size="75%">{piece}</tspan>'
        else:
            body += f'<tspan dy="-.225em">{piece}</tspan>' if low else piece
        low = index
    return f'<text class="{kind}" x="{x}" y="{y}">{body}</text>'


class ChainRule(Directive):
    """The picture, which leads to the page that is live."""

    def run(self):
        """Put it where the directive stands."""
        html = f'<a class="chain-rule-link" href="{LIVE}">\n{picture()}</a>\n'
        return [nodes.raw("", html, format="html")]


def write_live_page(app, exception):
    """Write the page to which the picture leads."""
    if exception is None and app.builder.format == "html":
        Path(app.outdir, LIVE).write_text(explained().html(), encoding="utf-8")


def setup(app):
    """Make the directive `chain-rule`."""
    app.add_directive("chain-rule", ChainRule)
    app.connect("build-finished", write_live_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(picture(ALONE), encoding="utf-8")
