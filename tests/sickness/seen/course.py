"""Networks that are sick by how they are trained: the seen half."""

import chainrule as cr
from sickness.setting import Setting, dense
from sickness.vocabulary import Case

CASES = [
    Case(
        "diabetes: SGD of rate 5",
        "divergence",
        "strong",
        Setting("diabetes", dense("relu", 32), cr.SGD(0.02), epochs=30),
        {"optimizer": cr.SGD(5.0)},
    ),
    Case(
        "digits: Adam of rate 1",
        "rate_too_high",
        "strong",
        Setting("digits", dense("relu", 32, 32), cr.Adam(0.005), epochs=20),
        {"optimizer": cr.Adam(1.0)},
    ),
    Case(
        "pixels: Adam of rate 0.1",
        "rate_too_high",
        "mild",
        Setting("pixels", dense("tanh", 24), cr.Adam(0.01), epochs=12),
        {"optimizer": cr.Adam(0.1)},
    ),
    Case(
        "digits: SGD of rate 0.0001",
        "rate_too_low",
        "strong",
        Setting("digits", dense("relu", 32), cr.SGD(0.1), epochs=20),
        {"optimizer": cr.SGD(1e-4)},
    ),
    Case(
        "wine: Adam of rate 0.00001",
        "rate_too_low",
        "strong",
        Setting("wine", dense("tanh", 16, 16), cr.Adam(0.01), epochs=20),
        {"optimizer": cr.Adam(1e-5)},
    ),
    Case(
        "digits: batches of one at rate 0.5",
        "noisy_batches",
        "strong",
        Setting("digits", dense("tanh", 32), cr.SGD(0.5), epochs=10, batch_size=50),
        {"batch_size": 1},
    ),
    Case(
        "digits: AdamW with a decay of 20",
        "too_much_decay",
        "strong",
        Setting("digits", dense("relu", 32), cr.AdamW(0.01, weight_decay=0.01), epochs=20),
        {"optimizer": cr.AdamW(0.01, weight_decay=20.0)},
    ),
    Case(
        "wine: an l1 penalty of 0.3",
        "too_much_decay",
        "strong",
        Setting("wine", dense("tanh", 16), cr.SGD(0.05), epochs=30, penalties=(1e-4, 0.0)),
        {"penalties": (0.3, 0.0)},
    ),
    Case(
        "digits: all frozen",
        "frozen_layers",
        "strong",
        Setting("digits", dense("relu", 32), cr.Adam(0.01), epochs=15),
        {"freeze": ("*",)},
    ),
    Case(
        "digits: both hidden layers of 10 frozen",
        "frozen_layers",
        "mild",
        Setting("digits", dense("tanh", 10, 10), cr.Adam(0.01), epochs=20),
        {"freeze": ("0.*", "1.*")},
    ),
    Case(
        "diabetes: entries bounded by 0.001",
        "clipped_too_tight",
        "strong",
        Setting("diabetes", dense("tanh", 16), cr.SGD(0.05), epochs=20),
        {"clip_value": 1e-3},
    ),
    Case(
        "digits: Adam with an epsilon of 100",
        "epsilon_too_large",
        "strong",
        Setting("digits", dense("relu", 32), cr.Adam(0.01), epochs=20),
        {"optimizer": cr.Adam(0.01, epsilon=100.0)},
    ),
    Case(
        "wine: Adam with an epsilon of 1",
        "epsilon_too_large",
        "mild",
        Setting("wine", dense("tanh", 16), cr.Adam(0.005), epochs=15),
        {"optimizer": cr.Adam(0.005, epsilon=1.0)},
    ),
    Case(
        "digits: momentum of 0.999",
        "momentum_too_high",
        "strong",
        Setting("digits", dense("relu", 32), cr.SGD(0.05, 0.9), epochs=20),
        {"optimizer": cr.SGD(0.05, 0.999)},
    ),
    Case(
        "digits: cosine over 20 of 640 steps",
        "schedule_ends_early",
        "strong",
        Setting("digits", dense("relu", 32), cr.SGD(cr.Cosine(0.1, 640)), epochs=20),
        {"optimizer": cr.SGD(cr.Cosine(0.1, 20))},
    ),
    Case(
        "wine: rate halved after each step",
        "schedule_ends_early",
        "strong",
        Setting("wine", dense("tanh", 16), cr.SGD(cr.Exponential(0.02, 0.99)), epochs=20),
        {"optimizer": cr.SGD(cr.Exponential(0.02, 0.5))},
    ),
    Case(
        "diabetes: warm-up of 50,000 steps",
        "warm_up_too_long",
        "strong",
        Setting("diabetes", dense("tanh", 16), cr.Adam(cr.WarmUp(20, 0.01)), epochs=20),
        {"optimizer": cr.Adam(cr.WarmUp(50_000, 0.01))},
    ),
    Case(
        "digits: a sum over 100 examples",
        "summed_loss",
        "strong",
        Setting("digits", dense("relu", 32), cr.SGD(0.1), epochs=15, batch_size=100),
        {"reduction": "sum"},
    ),
]
