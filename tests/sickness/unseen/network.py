"""Networks that are sick by what they are built of, or begin with: the unseen half."""

import chainrule as cr
from sickness import changes
from sickness.setting import Setting, dense
from sickness.vocabulary import Case

CASES = [
    Case(
        "cancer: four sigmoid layers by SGD",
        "vanishing_slopes",
        "strong",
        Setting("cancer", dense("tanh", *[16] * 4), cr.SGD(0.1), epochs=20),
        {"hidden": dense("sigmoid", *[16] * 4)},
    ),
    Case(
        "digits: three sigmoid layers by SGD",
        "vanishing_slopes",
        "mild",
        Setting("digits", dense("tanh", *[32] * 3), cr.SGD(0.1, 0.9), epochs=16),
        {"hidden": dense("sigmoid", *[32] * 3)},
    ),
    Case(
        "digits: six relu layers with weights a fifth of theirs",
        "vanishing_weights",
        "strong",
        Setting("digits", dense("relu", *[32] * 6), cr.SGD(0.1), epochs=15),
        {"start": changes.weights_times(0.2)},
    ),
    Case(
        "wine: three tanh layers with tiny weights",
        "vanishing_weights",
        "strong",
        Setting("wine", dense("tanh", 16, 16, 16), cr.SGD(0.05), epochs=30),
        {"start": changes.weights_times(0.02)},
    ),
    Case(
        "digits: twelve relu layers with weights ten times theirs",
        "exploding",
        "strong",
        Setting("digits", dense("relu", *[32] * 12), cr.Adam(0.003), epochs=12),
        {"start": changes.weights_times(10.0)},
    ),
    Case(
        "digits: four silu layers with weights four times theirs",
        "exploding",
        "mild",
        Setting("digits", dense("silu", *[32] * 4), cr.Adam(0.003), epochs=12),
        {"start": changes.weights_times(4.5)},
    ),
    Case(
        "digits: relu biases of -10",
        "dead_units",
        "strong",
        Setting("digits", dense("relu", 32), cr.Adam(0.01), epochs=15),
        {"start": changes.biases_are(-10.0)},
    ),
    Case(
        "digits: sigmoid layers with weights 60 times theirs",
        "saturated_units",
        "strong",
        Setting("digits", dense("sigmoid", 32, 32), cr.SGD(0.5), epochs=20),
        {"start": changes.weights_times(60.0)},
    ),
    Case(
        "cancer: tanh layers with weights 20 times theirs",
        "saturated_units",
        "mild",
        Setting("cancer", dense("tanh", 16, 16), cr.SGD(0.03), epochs=15),
        {"start": changes.weights_times(20.0)},
    ),
    Case(
        "digits: relu weights of 0.1 each",
        "symmetry",
        "strong",
        Setting("digits", dense("relu", 32), cr.Adam(0.01), epochs=20),
        {"start": changes.weights_are(0.1)},
    ),
    Case(
        "digits: two tanh layers with weights of 0.02 each",
        "symmetry",
        "strong",
        Setting("digits", dense("tanh", 24, 24), cr.SGD(0.1, 0.9), epochs=20),
        {"start": changes.weights_are(0.02)},
    ),
    Case(
        "diabetes: two tanh layers with weights of 0",
        "zero_weights",
        "strong",
        Setting("diabetes", dense("tanh", 16, 16), cr.SGD(0.05), epochs=20),
        {"start": changes.weights_are(0.0)},
    ),
    Case(
        "digits: 48 tanh units, copies of 4",
        "duplicate_units",
        "mild",
        Setting("digits", dense("tanh", 48), cr.SGD(0.1, 0.9), epochs=15),
        {"start": changes.units_alike(4)},
    ),
    Case(
        "cancer: sigmoid under the binary cross-entropy",
        "double_link",
        "strong",
        Setting("cancer", dense("tanh", 16), cr.SGD(0.05), 20, loss="binary_cross_entropy"),
        {"output": "sigmoid"},
    ),
    Case(
        "digits: sigmoid under the cross-entropy",
        "double_link",
        "mild",
        Setting("digits", dense("gelu", 32), cr.SGD(0.05), epochs=15),
        {"output": "sigmoid"},
    ),
    Case(
        "bright: tanh for targets above 1",
        "output_range",
        "strong",
        Setting("bright", dense("relu", 32), cr.Adam(0.005), epochs=20),
        {"output": "tanh"},
    ),
    Case(
        "pixels: one tanh unit",
        "bottleneck",
        "strong",
        Setting("pixels", dense("tanh", 16), cr.Adam(0.01), epochs=20),
        {"hidden": dense("tanh", 1)},
    ),
    Case(
        "cancer: two batch norms of one example",
        "batch_norm_of_few",
        "strong",
        Setting(
            "cancer",
            (
                cr.Dense(16),
                cr.BatchNorm(),
                cr.Activate("tanh"),
                cr.Dense(16),
                cr.BatchNorm(),
                cr.Activate("tanh"),
            ),
            cr.SGD(0.05),
            epochs=15,
        ),
        {"batch_size": 1},
    ),
    Case(
        "diabetes: dropout of 0.95",
        "too_much_dropout",
        "mild",
        Setting("diabetes", (cr.Dense(16, "tanh"), cr.Dropout(0.1)), cr.Adam(0.01), epochs=20),
        {"hidden": (cr.Dense(16, "tanh"), cr.Dropout(0.95))},
    ),
]
