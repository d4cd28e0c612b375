"""Networks that learn, and far less than they could, or far more of their examples: the seen half.

These cases stand apart from those that were drawn into halves.
"""

import chainrule as cr
from sickness import changes
from sickness.setting import Setting, dense
from sickness.vocabulary import Case

CASES = [
    Case(
        "remainder: three sigmoid layers",
        "vanishing_slopes",
        "mild",
        Setting("remainder", dense("tanh", 32, 32, 32), cr.SGD(0.05, 0.9), epochs=20),
        {"hidden": dense("sigmoid", 32, 32, 32)},
    ),
    Case(
        "remainder: a tenth of the labels wrong",
        "mislabelled",
        "mild",
        Setting("remainder", dense("relu", 32), cr.Adam(0.005), epochs=30),
        {"targets": changes.flipped(0.1, 5)},
    ),
    Case(
        "remainder: 25 rows by heart",
        "overfitting",
        "mild",
        Setting("remainder", dense("relu", 64), cr.Adam(0.01), epochs=60, validation=True),
        {"rows": changes.first(25)},
    ),
    Case(
        "concavity: SGD of rate 0.0006",
        "rate_too_low",
        "mild",
        Setting("concavity", dense("tanh", 16), cr.SGD(0.01), epochs=30),
        {"optimizer": cr.SGD(0.0006)},
    ),
    Case(
        "remainder: a rate that is halved every epoch",
        "schedule_ends_early",
        "mild",
        Setting("remainder", dense("tanh", 32), cr.SGD(0.1), epochs=20),
        {"optimizer": cr.SGD(cr.Exponential(0.1, 0.5 ** (1 / 19)))},
    ),
]
