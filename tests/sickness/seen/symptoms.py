"""Networks whose trouble shows in the course of their loss, whatever it comes of: the seen half.

These cases stand apart from those that were drawn into halves.
"""

import chainrule as cr
from sickness.changes import weights_are
from sickness.setting import Setting, dense
from sickness.vocabulary import Case

CASES = [
    Case(
        "digits: eight sigmoid layers stay at chance",
        "at_chance",
        "strong",
        Setting("digits", dense("relu", 16, 16), cr.SGD(0.1), epochs=10),
        {"hidden": dense("sigmoid", *[16] * 8)},
    ),
    Case(
        "cancer: weights of 0 stay at chance",
        "at_chance",
        "strong",
        Setting("cancer", dense("tanh", 16), cr.SGD(0.05), epochs=10),
        {"start": weights_are(0.0)},
    ),
    Case(
        "digits: a rate that is gone after an epoch",
        "plateau",
        "strong",
        Setting("digits", dense("relu", 32), cr.SGD(0.1), epochs=20),
        {"optimizer": cr.SGD(cr.Exponential(0.1, 0.9))},
    ),
]
