"""Networks that are sick by how they are trained: the unseen half."""

import chainrule as cr
from sickness.setting import Setting, dense
from sickness.vocabulary import Case

CASES = [
    Case(
        "pixels: SGD of rate 1 with momentum",
        "divergence",
        "strong",
        Setting("pixels", dense("elu", 32), cr.SGD(0.02, 0.9), epochs=20),
        {"optimizer": cr.SGD(1.0, 0.9)},
    ),
    Case(
        "digits: SGD of rate 5 through tanh",
        "rate_too_high",
        "strong",
        Setting("digits", dense("tanh", 32), cr.SGD(0.1), epochs=20),
        {"optimizer": cr.SGD(5.0)},
    ),
    Case(
        "diabetes: SGD of rate 0.003",
        "rate_too_low",
        "mild",
        Setting("diabetes", dense("gelu", 16), cr.SGD(0.03), epochs=20),
        {"optimizer": cr.SGD(3e-3)},
    ),
    Case(
        "diabetes: batches of one at rate 0.3 under Huber's loss",
        "noisy_batches",
        "strong",
        Setting("diabetes", dense("tanh", 16), cr.SGD(0.3), 20, 40, loss="huber"),
        {"batch_size": 1},
    ),
    Case(
        "diabetes: an l2 penalty of 1.2",
        "too_much_decay",
        "mild",
        Setting("diabetes", dense("relu", 16), cr.Adam(0.01), epochs=20),
        {"penalties": (0.0, 1.2)},
    ),
    Case(
        "diabetes: all weights frozen",
        "frozen_layers",
        "strong",
        Setting("diabetes", dense("gelu", 16), cr.SGD(0.03), epochs=20),
        {"freeze": ("*.W",)},
    ),
    Case(
        "digits: norm bounded by 0.001",
        "clipped_too_tight",
        "strong",
        Setting("digits", dense("relu", 32), cr.SGD(0.1), epochs=15),
        {"clip_norm": 1e-3},
    ),
    Case(
        "wine: norm bounded by 0.1",
        "clipped_too_tight",
        "mild",
        Setting("wine", dense("relu", 16), cr.SGD(0.1), epochs=20),
        {"clip_norm": 0.1},
    ),
    Case(
        "diabetes: RMSprop with an epsilon of 10",
        "epsilon_too_large",
        "strong",
        Setting("diabetes", dense("tanh", 16), cr.RMSprop(0.003), epochs=20),
        {"optimizer": cr.RMSprop(0.003, epsilon=10.0)},
    ),
    Case(
        "diabetes: momentum of 0.999",
        "momentum_too_high",
        "strong",
        Setting("diabetes", dense("tanh", 16), cr.SGD(0.03, 0.9), epochs=30),
        {"optimizer": cr.SGD(0.03, 0.999)},
    ),
    Case(
        "diabetes: rate a tenth after each 15 steps",
        "schedule_ends_early",
        "mild",
        Setting("diabetes", dense("gelu", 16), cr.SGD(cr.StepDecay(0.02, every=150)), epochs=20),
        {"optimizer": cr.SGD(cr.StepDecay(0.02, every=15))},
    ),
    Case(
        "digits: warm-up of 100,000 steps",
        "warm_up_too_long",
        "strong",
        Setting("digits", dense("relu", 32), cr.SGD(cr.WarmUp(50, 0.1)), epochs=15),
        {"optimizer": cr.SGD(cr.WarmUp(100_000, 0.1))},
    ),
    Case(
        "diabetes: a sum over 40 examples",
        "summed_loss",
        "strong",
        Setting("diabetes", dense("tanh", 16), cr.SGD(0.03), epochs=20, batch_size=40),
        {"reduction": "sum"},
    ),
]
