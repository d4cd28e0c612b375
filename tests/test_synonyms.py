"""What other books and libraries call the rows of the tables."""

from __future__ import annotations

import re
from typing import Any

import pytest

import chainrule as cr
from chainrule.activations import ACTIVATIONS, activation
from chainrule.errors import unknown_name
from chainrule.explanation.network_file import KEYS
from chainrule.explanation.network_training import SETTINGS
from chainrule.initialisers import INITIALISERS
from chainrule.losses import LOSSES, loss
from chainrule.network import REDUCTIONS
from chainrule.optimizers import OPTIMIZERS
from chainrule.schedules import SCHEDULES
from chainrule.synonyms import _MEANT, meant
from chainrule.tabular.scores import METRICS

TABLES: dict[str, Any] = {
    "activation": ACTIVATIONS,
    "loss": LOSSES,
    "optimizer": [*OPTIMIZERS, "lbfgs"],
    "initialiser": INITIALISERS,
    "schedule": SCHEDULES,
    "reduction": REDUCTIONS,
    "metric": METRICS,
    "key": [*KEYS, *dict.fromkeys(name for names in SETTINGS.values() for name in names)],
}
MEANT = [
    ("activation", "logistic", ["sigmoid"]),
    ("activation", "linear", ["identity"]),
    ("activation", "swish", ["silu"]),
    ("activation", "Leaky-ReLU", ["leaky_relu"]),
    ("activation", "leakyrelu", ["leaky_relu"]),
    ("activation", "Softplus ", ["softplus"]),
    ("activation", "SmoothReLU", ["softplus"]),
    ("activation", "tansig", ["tanh"]),
    ("activation", "hardtanh", ["hard_tanh"]),
    ("loss", "mse", ["half_squared_error", "squared_error", "mean_squared_error"]),
    ("loss", "MSELoss", ["half_squared_error", "squared_error", "mean_squared_error"]),
    ("loss", "mae", ["absolute_error"]),
    ("loss", "L1Loss", ["absolute_error"]),
    ("loss", "l2", ["half_squared_error", "squared_error", "mean_squared_error"]),
    ("loss", "rmse", ["squared_error", "mean_squared_error"]),
    ("loss", "bce", ["binary_cross_entropy"]),
    ("loss", "nll", ["cross_entropy"]),
    ("loss", "log_loss", ["binary_cross_entropy", "cross_entropy"]),
    ("loss", "logistic", ["binary_cross_entropy", "cross_entropy"]),
    ("loss", "crossentropy", ["cross_entropy"]),
    ("loss", "CrossEntropyLoss", ["cross_entropy"]),
    ("loss", "sparse_categorical_crossentropy", ["cross_entropy"]),
    ("loss", "smooth_l1", ["huber"]),
    ("loss", "pinball", ["quantile"]),
    ("optimizer", "adamax", ["adam"]),
    ("optimizer", "momentum", ["sgd"]),
    ("optimizer", "RMS-prop", ["rmsprop"]),
    ("initialiser", "xavier", ["glorot_uniform", "glorot_normal"]),
    ("initialiser", "kaiming_normal", ["he_normal"]),
    ("initialiser", "glorot", ["glorot_uniform", "glorot_normal"]),
    ("schedule", "CosineAnnealing", ["cosine"]),
    ("schedule", "OneCycleLR", ["one_cycle"]),
    ("schedule", "warmup", ["warm_up"]),
    ("reduction", "average", ["mean"]),
    ("key", "lr", ["rate"]),
    ("key", "eps", ["epsilon"]),
    ("metric", "f1", ["f1_macro"]),
    ("metric", "AUC", ["roc_auc"]),
    ("metric", "logloss", ["log_loss"]),
    ("metric", "mse", ["rmse"]),
    ("metric", "mean_absolute_error", ["mae"]),
]


@pytest.mark.parametrize(("kind", "name", "rows"), MEANT)
def test_a_name_of_the_fields_is_answered_with_ours(kind: str, name: str, rows: list[str]) -> None:
    known = TABLES[kind]
    assert sorted(meant(name, list(known))) == sorted(rows)
    shown = " or ".join(map(repr, sorted(rows)[:2]))
    expected = f"unknown {kind} {name!r}; did you mean {shown}? Known: "
    assert str(unknown_name(kind, name, known)).startswith(expected)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: activation("swish"), "unknown activation 'swish'; did you mean 'silu'?"),
        (
            lambda: activation("LReLU(0.2)"),
            "unknown activation 'LReLU'; did you mean 'leaky_relu'?",
        ),
        (lambda: loss("bce"), "unknown loss 'bce'; did you mean 'binary_cross_entropy'?"),
        (lambda: cr.Dense(1, "tanh", "xavier_normal"), "'glorot_normal'?"),
        (lambda: cr.MLPClassifier(activation="linear").fit([[0], [1]], [0, 1]), "'identity'?"),
        (lambda: cr.MLPRegressor("mae").fit([[0], [1]], [0, 1]), "'absolute_error'?"),
        (lambda: cr.MLPRegressor(solver="rms").fit([[0], [1]], [0, 1]), "'rmsprop'?"),
    ],
)
def test_every_table_answers_so(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


def test_the_names_lead_to_rows() -> None:
    rows = {name for table in TABLES.values() for name in table}
    assert set(_MEANT) <= rows


def test_what_means_nothing_is_answered_by_its_letters_as_before() -> None:
    assert "did you mean 'sigmoid'" in str(unknown_name("activation", "sigmiod", ACTIVATIONS))
    assert "did you mean" not in str(unknown_name("activation", "", ACTIVATIONS))
