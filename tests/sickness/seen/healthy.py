"""Networks that learn as they should: the seen half."""

import chainrule as cr
from sickness.setting import Setting, dense
from sickness.vocabulary import Healthy

HEALTHY = [
    Healthy("digits: 32 relu units by Adam", Setting("digits")),
    Healthy(
        "digits: two tanh layers by SGD with momentum",
        Setting("digits", dense("tanh", 32, 32), cr.SGD(0.1, 0.9), epochs=15),
    ),
    Healthy(
        "digits: a batch norm before gelu",
        Setting("digits", (cr.Dense(32), cr.BatchNorm(), cr.Activate("gelu")), epochs=12),
    ),
    Healthy(
        "digits: six relu layers behind layer norms",
        Setting("digits", (cr.Dense(32, "relu"), cr.LayerNorm()) * 6, cr.Adam(0.003), epochs=15),
    ),
    Healthy(
        "digits: four residual blocks",
        Setting(
            "digits",
            (cr.Dense(32), *[cr.Residual(cr.Dense(32, "relu"), cr.Dense(32))] * 4),
            cr.Adam(0.003),
            epochs=12,
        ),
    ),
    Healthy(
        "digits: batches of one at a small rate",
        Setting("digits", dense("relu", 32), cr.SGD(0.01), epochs=8, batch_size=1),
    ),
    Healthy(
        "digits: sigmoid outputs under a squared error",
        Setting(
            "digits",
            dense("tanh", 32),
            cr.Adam(0.01),
            loss="half_squared_error",
            output="sigmoid",
            outputs=10,
        ),
    ),
    Healthy(
        "digits: a sum of losses at a rate that suits it",
        Setting("digits", dense("relu", 32), cr.SGD(0.003), reduction="sum"),
    ),
    Healthy(
        "digits: gradients bounded now and then",
        Setting("digits", dense("tanh", 32), cr.SGD(0.2), clip_norm=2.0),
    ),
    Healthy(
        "digits: eight selu layers by NAdam",
        Setting("digits", dense("selu", *[24] * 8), cr.NAdam(0.002), epochs=15),
    ),
    Healthy("cancer: hinge", Setting("cancer", dense("tanh", 16), cr.SGD(0.02), 15, loss="hinge")),
    Healthy(
        "cancer: rows in the order they have",
        Setting("cancer", dense("tanh", 16, 16), cr.SGD(0.05), 15, shuffle=False),
    ),
    Healthy(
        "cancer: after two epochs", Setting("cancer", dense("relu", 16), epochs=2), finished=False
    ),
    Healthy(
        "wine: an l2 penalty",
        Setting("wine", dense("tanh", 16), cr.Adam(0.01), penalties=(0.0, 0.01)),
    ),
    Healthy("diabetes: squared error", Setting("diabetes", dense("relu", 16), cr.Adam(0.003), 25)),
    Healthy(
        "diabetes: huber", Setting("diabetes", dense("tanh", 16), cr.SGD(0.05), 20, loss="huber")
    ),
    Healthy("diabetes: linear regression", Setting("diabetes", (), cr.SGD(0.02), 20)),
    Healthy(
        "diabetes: after three epochs",
        Setting("diabetes", dense("tanh", 16), cr.SGD(0.02), epochs=3),
        finished=False,
    ),
    Healthy(
        "pixels: probabilities",
        Setting(
            "pixels", dense("relu", 48, 16, 48), cr.Adam(0.005), 40, loss="binary_cross_entropy"
        ),
    ),
    Healthy(
        "bright: counts", Setting("bright", dense("relu", 32), cr.Adam(0.02), 40, loss="poisson")
    ),
    Healthy(
        "high: rare cases weighted",
        Setting("high", dense("tanh", 8), cr.SGD(0.02), 15, balanced=True),
    ),
]
