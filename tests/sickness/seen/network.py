"""Networks that are sick by what they are built of, or begin with: the seen half."""

import chainrule as cr
from sickness import changes
from sickness.setting import Setting, dense
from sickness.vocabulary import Case

CASES = [
    Case(
        "digits: ten sigmoid layers",
        "vanishing_slopes",
        "strong",
        Setting("digits", dense("tanh", *[32] * 10), cr.Adam(0.003), epochs=10),
        {"hidden": dense("sigmoid", *[32] * 10)},
    ),
    Case(
        "digits: four gelu layers with weights a third of theirs",
        "vanishing_weights",
        "strong",
        Setting("digits", dense("gelu", *[32] * 4), cr.SGD(0.05, 0.9), epochs=8),
        {"start": changes.weights_times(0.35)},
    ),
    Case(
        "diabetes: twelve leaky relu layers with weights three times theirs",
        "exploding",
        "strong",
        Setting("diabetes", dense("leaky_relu(0.5)", *[16] * 12), cr.Adam(0.001), epochs=30),
        {"start": changes.weights_times(3.0)},
    ),
    Case(
        "digits: nine tenths of the relu biases at -20",
        "dead_units",
        "mild",
        Setting("digits", (cr.Dense(48, "relu"),), cr.SGD(0.1, 0.9), epochs=15),
        {"start": changes.biases_are(-20.0, 0.92)},
    ),
    Case(
        "cancer: relu units after a first step of rate 200",
        "dead_units",
        "strong",
        Setting("cancer", dense("relu", 16, 16), cr.SGD(0.05), epochs=15),
        {"optimizer": cr.SGD(changes.FirstThen(200.0, 0.05))},
    ),
    Case(
        "wine: tanh biases of 12",
        "saturated_units",
        "strong",
        Setting("wine", dense("tanh", 16), cr.SGD(0.1), epochs=30),
        {"start": changes.biases_are(12.0)},
    ),
    Case(
        "digits: sigmoid units that begin at 0",
        "symmetry",
        "strong",
        Setting("digits", dense("sigmoid", 24), cr.Adam(0.02), epochs=20),
        {"start": changes.weights_are(0.0)},
    ),
    Case(
        "digits: relu weights of 0",
        "zero_weights",
        "strong",
        Setting("digits", dense("relu", 32), cr.Adam(0.01), epochs=20),
        {"start": changes.weights_are(0.0)},
    ),
    Case(
        "digits: 64 relu units, copies of 2",
        "duplicate_units",
        "strong",
        Setting("digits", dense("relu", 64), cr.Adam(0.01), epochs=15),
        {"start": changes.units_alike(2)},
    ),
    Case(
        "pixels: 32 tanh units, copies of 3",
        "duplicate_units",
        "strong",
        Setting("pixels", dense("tanh", 32), cr.Adam(0.01), epochs=20),
        {"start": changes.units_alike(3)},
    ),
    Case(
        "digits: softmax under the cross-entropy",
        "double_link",
        "strong",
        Setting("digits", dense("relu", 32), cr.SGD(0.1), epochs=6),
        {"output": "softmax"},
    ),
    Case(
        "diabetes: relu for targets below 0",
        "output_range",
        "mild",
        Setting("diabetes", dense("tanh", 16), cr.Adam(0.005), epochs=15),
        {"output": "relu"},
    ),
    Case(
        "alcohol: sigmoid for targets beyond 0 and 1",
        "output_range",
        "mild",
        Setting("alcohol", dense("relu", 16), cr.Adam(0.01), epochs=20),
        {"output": "sigmoid"},
    ),
    Case(
        "digits: one unit between 32 and 32",
        "bottleneck",
        "strong",
        Setting("digits", dense("relu", 32, 16, 32), cr.Adam(0.01), epochs=15),
        {"hidden": dense("relu", 32, 1, 32)},
    ),
    Case(
        "digits: two tanh units",
        "bottleneck",
        "mild",
        Setting("digits", dense("tanh", 16), cr.SGD(0.1, 0.9), epochs=15),
        {"hidden": dense("tanh", 2)},
    ),
    Case(
        "digits: batch norm of two examples",
        "batch_norm_of_few",
        "mild",
        Setting(
            "digits", (cr.Dense(24), cr.BatchNorm(), cr.Activate("relu")), cr.SGD(0.05), epochs=6
        ),
        {"batch_size": 2},
    ),
    Case(
        "digits: batch norm of one example",
        "batch_norm_of_few",
        "strong",
        Setting(
            "digits", (cr.Dense(32), cr.BatchNorm(), cr.Activate("relu")), cr.Adam(0.005), epochs=5
        ),
        {"batch_size": 1},
    ),
    Case(
        "digits: dropout of 0.95 twice",
        "too_much_dropout",
        "strong",
        Setting(
            "digits",
            (cr.Dense(32, "relu"), cr.Dropout(0.2), cr.Dense(32, "relu"), cr.Dropout(0.2)),
            cr.Adam(0.005),
            epochs=15,
        ),
        {
            "hidden": (
                cr.Dense(32, "relu"),
                cr.Dropout(0.95),
                cr.Dense(32, "relu"),
                cr.Dropout(0.95),
            )
        },
    ),
]
