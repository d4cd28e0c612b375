"""The 2-2-2 example of the tutorials as they print it: network, figures, slips.

The names are the tutorials': net and out are z and a of a unit, E is the cost. Weights and biases
are numbered through the network, layer by layer.
"""

from __future__ import annotations

INPUTS = [[0.05, 0.10]]
TARGETS = [[0.01, 0.99]]
RATE = 0.5
ROUNDS = 10_000

HIDDEN = ([[0.15, 0.20], [0.25, 0.30]], [0.35, 0.35])
"""W and b of h1 and h2: w1, w2 lead into h1; w3, w4 into h2."""

OUTPUT = ([[0.40, 0.45], [0.50, 0.55]], [0.60, 0.60])
"""W and b of o1 and o2: w5, w6 lead into o1; w7, w8 into o2."""

PRINTED: dict[str, str] = {
    "net_h1": "0.3775",
    "out_h1": "0.593269992",
    "out_h2": "0.596884378",
    "net_o1": "1.105905967",
    "out_o1": "0.75136507",
    "out_o2": "0.772928465",
    "E_o1": "0.274811083",
    "E_o2": "0.023560026",
    "E_total": "0.298371109",
    "∂E/∂out_o1": "0.74136507",
    "∂out_o1/∂net_o1": "0.186815602",
    "δ_o1": "0.138498562",
    "∂E_o1/∂out_h1": "0.055399425",
    "∂E_o2/∂out_h1": "-0.019049119",
    "∂E/∂out_h1": "0.036350306",
    "∂out_h1/∂net_h1": "0.241300709",
    "∂E/∂w1": "0.000438568",
    "∂E/∂w5": "0.082167041",
    "w1⁺": "0.149780716",
    "w2⁺": "0.19956143",
    "w3⁺": "0.24975114",
    "w4⁺": "0.29950229",
    "w5⁺": "0.35891648",
    "w6⁺": "0.408666186",
    "w7⁺": "0.511301270",
    "w8⁺": "0.561370121",
    "E_total⁺": "0.291027924",
}
"""The figures of the first round; ⁺ marks what holds after the update."""

ELSEWHERE: dict[str, str] = {"out_o1": "0.751365071"}
"""What a figure is where it is printed a second time, and otherwise."""

CLOSING: dict[str, str] = {
    "E after 1": "0.291027924",
    "E at the end": "0.0000351085",
    "out_o1": "0.015912196",
    "out_o2": "0.984065734",
}
"""The figures with which the tutorials close."""

REASONS: dict[str, str] = {
    "out_o1": (
        "Printed so in another place, a slip in the last digit: σ of the tutorials' own net_o1, "
        "1.105905967, is 0.751365070."
    ),
    "∂E_o2/∂out_h1": (
        "A product of rounded factors: −0.038098237 × 0.50 = −0.0190491185, which rounds to the "
        "printed figure. Round only at the end."
    ),
    "E_total⁺": (
        "Right is 0.291027774. The printed figure is what another procedure yields, not the one "
        "that the text describes: see “Ten thousand updates” below."
    ),
}
"""Why the library's figure differs from the printed one."""

SLIPS: tuple[str, ...] = (
    "∂E/∂out_o1 is written once as −(target−out)², with a stray square; that is −0.549622. Right "
    "is −(target−out) = 0.741365070.",
    "Once ∂E/∂out stands where ∂out/∂net is meant, with a stray minus: −out(1−out). Right is "
    "∂out/∂net = out(1−out).",
    "net_h1 is written once with w1·i1 + w3·i2; that makes it 0.3825. The second weight that "
    "leads into h1 is w2.",
    "“Error = actual − desired” stands beside (target − output), which has the other sign; and "
    "Σ(a−y)² is called MSE, a mean squared error, where no mean is taken.",
)
"""Slips in the tutorials' formulas; their figures come from the right ones."""


def agrees(value: float, printed: str) -> bool:
    """Whether a value, rounded to as many decimals as were printed, is what was printed.

    >>> agrees(0.299502287265, "0.29950229"), agrees(0.751365069552, "0.751365071")
    (True, False)
    """
    decimals = len(printed.partition(".")[2])
    return f"{value:.{decimals}f}" == printed
