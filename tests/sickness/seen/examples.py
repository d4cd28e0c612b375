"""Networks that are sick by the examples they are given: the seen half."""

import chainrule as cr
from sickness import changes
from sickness.setting import Setting, dense
from sickness.vocabulary import Case

CASES = [
    Case(
        "cancer: columns as they come",
        "unscaled_inputs",
        "strong",
        Setting("cancer", dense("tanh", 16), cr.SGD(0.05), epochs=20),
        {"prepared": False},
    ),
    Case(
        "digits: pixels around 2",
        "unscaled_inputs",
        "mild",
        Setting("digits", dense("tanh", 32), cr.SGD(0.05), epochs=15),
        {"inputs": changes.inputs_times(1.0, 2.0)},
    ),
    Case(
        "digits: 52 of 64 pixels constant",
        "constant_inputs",
        "strong",
        Setting("digits", dense("relu", 32), cr.Adam(0.01), epochs=20),
        {"inputs": changes.constant_but(12)},
    ),
    Case(
        "wine: 10 of 13 columns constant",
        "constant_inputs",
        "mild",
        Setting("wine", dense("relu", 16), cr.SGD(0.1), epochs=20),
        {"inputs": changes.constant_but(3)},
    ),
    Case(
        "diabetes: targets moved up by one row",
        "shifted_labels",
        "strong",
        Setting("diabetes", dense("tanh", 16), cr.Adam(0.005), epochs=15),
        {"targets": changes.rolled(-1)},
    ),
    Case(
        "alcohol: targets shuffled",
        "random_labels",
        "strong",
        Setting("alcohol", dense("tanh", 16), cr.Adam(0.005), epochs=20),
        {"targets": changes.shuffled},
    ),
    Case(
        "digits: three quarters of the labels wrong",
        "mislabelled",
        "strong",
        Setting("digits", dense("tanh", 64), cr.Adam(0.01), epochs=40),
        {"targets": changes.flipped(0.75, 10)},
    ),
    Case(
        "iris: labels from 1",
        "label_coding",
        "strong",
        Setting("iris", dense("tanh", 8), cr.Adam(0.02), epochs=40, outputs=4, validation=True),
        {"targets": changes.from_one},
    ),
    Case(
        "diabetes: a target in units of 1/100,000",
        "unscaled_target",
        "strong",
        Setting("diabetes", dense("relu", 16), cr.Adam(0.01), epochs=15),
        {"units": changes.times(1e5)},
    ),
    Case(
        "diabetes: a target in units of 1/100,000 under Huber's loss",
        "unscaled_target",
        "strong",
        Setting("diabetes", dense("relu", 16), cr.SGD(0.03), epochs=20, loss="huber"),
        {"units": changes.times(1e5)},
    ),
    Case(
        "alcohol: 600 epochs of 128 units",
        "overfitting",
        "strong",
        Setting("alcohol", dense("tanh", 128), cr.Adam(0.01), epochs=15, validation=True),
        {"epochs": 600},
    ),
    Case(
        "high: one in ten is high",
        "imbalance",
        "strong",
        Setting("high", dense("relu", 8), cr.SGD(0.03), epochs=15, balanced=True),
        {"balanced": False},
    ),
    Case(
        "alcohol: one target of 300",
        "outlier",
        "strong",
        Setting("alcohol", dense("tanh", 16), cr.Adam(0.005), epochs=20),
        {"targets": changes.one_is(40, 300.0)},
    ),
    Case(
        "diabetes: one target of 30",
        "outlier",
        "mild",
        Setting("diabetes", dense("gelu", 16), cr.Adam(0.005), epochs=15),
        {"targets": changes.one_is(5, 30.0)},
    ),
    Case(
        "diabetes: one row times 1e30",
        "overflow",
        "strong",
        Setting("diabetes", dense("relu", 16), cr.SGD(0.02), epochs=15),
        {"train_inputs": changes.row_times(33, 1e30)},
    ),
    Case(
        "diabetes: rows sorted by target",
        "sorted_rows",
        "mild",
        Setting(
            "diabetes", dense("tanh", 16), cr.SGD(0.05), epochs=15, batch_size=20, shuffle=False
        ),
        {"rows": changes.by_class},
    ),
]
