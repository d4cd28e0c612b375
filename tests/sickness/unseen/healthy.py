"""Networks that learn as they should: the unseen half."""

import chainrule as cr
from sickness import changes
from sickness.setting import Setting, dense
from sickness.vocabulary import Healthy

HEALTHY = [
    Healthy("digits: a sigmoid layer", Setting("digits", dense("sigmoid", 32), cr.Adam(0.02))),
    Healthy(
        "digits: dropout of 0.3",
        Setting("digits", (cr.Dense(64, "relu"), cr.Dropout(0.3)), epochs=15),
    ),
    Healthy(
        "digits: AdamW", Setting("digits", dense("gelu", 48), cr.AdamW(0.005, weight_decay=0.1))
    ),
    Healthy(
        "digits: full batches by Rprop",
        Setting("digits", dense("tanh", 32), cr.Rprop(0.01), epochs=80, batch_size=None),
    ),
    Healthy("digits: smoothed labels", Setting("digits", loss="cross_entropy(0.1)")),
    Healthy(
        "digits: a network 256 wide", Setting("digits", dense("relu", 256), cr.SGD(0.2), epochs=12)
    ),
    Healthy("digits: biases frozen", Setting("digits", dense("relu", 32, 32), freeze=("*.b",))),
    Healthy("digits: softmax regression", Setting("digits", (), cr.Adam(0.02))),
    Healthy(
        "digits: one cycle", Setting("digits", dense("silu", 32), cr.SGD(cr.OneCycle(0.5, 640)))
    ),
    Healthy(
        "digits: warm-up and cosine",
        Setting("digits", dense("relu", 32, 32), cr.Adam(cr.WarmUp(40, cr.Cosine(0.01, 440))), 15),
    ),
    Healthy(
        "digits: RMS norm by RMSprop",
        Setting(
            "digits",
            (cr.Dense(32, "elu"), cr.RMSNorm(), cr.Dense(32, "elu")),
            cr.RMSprop(0.003),
            12,
        ),
    ),
    Healthy(
        "digits: Adagrad with rows set aside",
        Setting("digits", dense("relu", 48), cr.Adagrad(0.05), validation=True),
    ),
    Healthy(
        "digits: after one epoch",
        Setting("digits", dense("relu", 32), epochs=1, batch_size=16),
        finished=False,
    ),
    Healthy(
        "cancer: binary cross-entropy",
        Setting("cancer", dense("relu", 16), cr.Adam(0.005), 15, loss="binary_cross_entropy"),
    ),
    Healthy(
        "cancer: a rare class that is learned",
        Setting("cancer", dense("relu", 16), cr.Adam(0.01), 15, rows=changes.few_of(0, 40)),
    ),
    Healthy("iris: 8 tanh units", Setting("iris", dense("tanh", 8), cr.Adam(0.02), 40, 16)),
    Healthy("wine: SGD", Setting("wine", dense("relu", 16), cr.SGD(0.1), 20, 16)),
    Healthy(
        "diabetes: absolute error, two layers",
        Setting("diabetes", dense("gelu", 16, 16), cr.Adam(0.002), 20, loss="absolute_error"),
    ),
    Healthy(
        "alcohol: Lion",
        Setting("alcohol", dense("gelu", 16), cr.Lion(0.003), 15, 16, loss="log_cosh"),
    ),
    Healthy(
        "pixels: a bottleneck of 16 under sigmoid outputs",
        Setting("pixels", dense("tanh", 16), cr.Adam(0.02), 40, output="sigmoid"),
    ),
]
