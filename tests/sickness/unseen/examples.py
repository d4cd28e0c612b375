"""Networks that are sick by the examples they are given: the unseen half."""

import chainrule as cr
from sickness import changes
from sickness.setting import Setting, dense
from sickness.vocabulary import Case

CASES = [
    Case(
        "wine: columns as they come",
        "unscaled_inputs",
        "strong",
        Setting("wine", dense("tanh", 16), cr.Adam(0.005), epochs=20),
        {"prepared": False},
    ),
    Case(
        "diabetes: one column times 10,000",
        "unscaled_inputs",
        "strong",
        Setting("diabetes", dense("relu", 16), cr.Adam(0.01), epochs=15),
        {"inputs": changes.column_times(3, 1e4)},
    ),
    Case(
        "digits: pixels a thousandth of theirs",
        "unscaled_inputs",
        "strong",
        Setting("digits", dense("relu", 32), cr.SGD(0.1), epochs=20),
        {"inputs": changes.inputs_times(1e-3)},
    ),
    Case(
        "diabetes: 8 of 10 columns constant",
        "constant_inputs",
        "strong",
        Setting("diabetes", dense("tanh", 16), cr.Adam(0.005), epochs=15),
        {"inputs": changes.constant_but(2)},
    ),
    Case(
        "digits: labels moved down by one row",
        "shifted_labels",
        "strong",
        Setting("digits", dense("relu", 32), cr.Adam(0.01), epochs=10),
        {"targets": changes.rolled(1)},
    ),
    Case(
        "cancer: labels moved down by one row",
        "shifted_labels",
        "strong",
        Setting("cancer", dense("relu", 16, 16), cr.SGD(0.05), 15, loss="binary_cross_entropy"),
        {"targets": changes.rolled(1)},
    ),
    Case(
        "digits: labels shuffled",
        "random_labels",
        "strong",
        Setting("digits", dense("gelu", 32), cr.Adam(0.005), epochs=15),
        {"targets": changes.shuffled},
    ),
    Case(
        "digits: a tenth of the labels wrong",
        "mislabelled",
        "mild",
        Setting("digits", dense("relu", 128), cr.Adam(0.01), epochs=40),
        {"targets": changes.flipped(0.1, 10)},
    ),
    Case(
        "cancer: a quarter of the labels wrong",
        "mislabelled",
        "mild",
        Setting("cancer", dense("relu", 64), cr.Adam(0.01), epochs=40),
        {"targets": changes.flipped(0.25, 2)},
    ),
    Case(
        "digits: labels from 1",
        "label_coding",
        "strong",
        Setting("digits", dense("relu", 32), cr.Adam(0.01), epochs=10, outputs=11, validation=True),
        {"targets": changes.from_one},
    ),
    Case(
        "alcohol: a target around 1,000",
        "unscaled_target",
        "strong",
        Setting("alcohol", dense("tanh", 16), cr.Adam(0.01), epochs=20),
        {"units": changes.times(1.0, 1000.0)},
    ),
    Case(
        "diabetes: 300 epochs without the l2 penalty",
        "overfitting",
        "strong",
        Setting(
            "diabetes",
            dense("relu", 64),
            cr.Adam(0.003),
            epochs=300,
            rows=changes.first(200),
            validation=True,
            penalties=(0.0, 0.1),
        ),
        {"penalties": (0.0, 0.0)},
    ),
    Case(
        "digits: 80 rows",
        "overfitting",
        "mild",
        Setting("digits", dense("relu", 128), cr.Adam(0.01), epochs=40, validation=True),
        {"rows": changes.first(80)},
    ),
    Case(
        "digits: six sevens",
        "imbalance",
        "mild",
        Setting("digits", dense("tanh", 32), cr.SGD(0.1), epochs=10),
        {"rows": changes.few_of(7, 6)},
    ),
    Case(
        "diabetes: one target of 1,000",
        "outlier",
        "strong",
        Setting("diabetes", dense("relu", 16), cr.SGD(0.01), epochs=20),
        {"targets": changes.one_is(17, 1000.0)},
    ),
    Case(
        "bright: one row times 1,000 under e to the a",
        "overflow",
        "strong",
        Setting("bright", dense("relu", 16), cr.Adam(0.003), epochs=15, loss="poisson"),
        {"train_inputs": changes.row_times(100, 1000.0)},
    ),
    Case(
        "digits: rows sorted by class",
        "sorted_rows",
        "strong",
        Setting("digits", dense("relu", 32), cr.SGD(0.3), epochs=6, shuffle=False),
        {"rows": changes.by_class},
    ),
]
