"""Models that the page opens: it predicts what Python does, and its files keep what they held."""

import base64
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.cli.playing import _start
from chainrule.evaluation import predict_finite
from chainrule.playground import start_state
from chainrule.playground.page_arrays import arrays_apart
from chainrule.tabular import TableModel
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.table_diagnosis import prepared_rows
from chainrule.trees import leaves
from commands import run
from test_playground_models import in_page
from wasm_cases import NODE

pytestmark = pytest.mark.skipif(NODE is None, reason="there is no Node")

RNG = np.random.default_rng(8)


@pytest.fixture
def known_of(tmp_path, monkeypatch):
    """In a folder of files: what the page of a model and a table begins with, as it knows it."""
    monkeypatch.chdir(tmp_path)
    return lambda model, table, member=None: json.loads(
        json.dumps(arrays_apart(_start(model, table, member, {}, None)))
    )


def opened(start, steps=0):
    return in_page("return openedStart(known, start, steps);", start=start, steps=steps)


def near(got, expected, rtol=1e-6):
    np.testing.assert_allclose(np.ravel(got), np.ravel(expected), rtol=rtol, atol=rtol)


def loaded(made, kind=None):
    """What Python loads of the model that the page has written."""
    Path("page.model").write_bytes(base64.b64decode(made["bytes"]))
    return TableModel.load("page.model") if kind == "table" else cr.load("page.model")


# Networks that `cr.save` has written

NETWORKS = {
    "three columns": ([cr.Dense(4, "tanh"), cr.Dense(3)], "half_squared_error"),
    "several labels": ([cr.Dense(4, "relu"), cr.Dense(3)], "binary_cross_entropy"),
    "classes": ([cr.Dense(4, "relu"), cr.Dense(3)], "cross_entropy"),
    "quantiles": ([cr.Dense(4, "silu"), cr.Dense(2)], "quantile(0.25, 0.75)"),
    "heads": (
        [cr.Dense(4, "tanh"), cr.Dense(5)],
        "heads(huber(0.5): 1, cross_entropy: 3, poisson: 1)",
    ),
}


def examples(name, n=9):
    X = RNG.normal(size=(n, 3)).round(4)
    labels = RNG.integers(0, 3, n)
    hot = np.eye(3)[labels]
    y = {
        "three columns": RNG.normal(size=(n, 3)).round(4),
        "several labels": RNG.integers(0, 2, (n, 3)),
        "classes": labels[:, None],
        "quantiles": RNG.normal(size=(n, 1)).round(4).repeat(2, axis=1),
        "heads": np.column_stack([RNG.normal(size=n).round(4), hot, RNG.integers(0, 9, n)]),
    }[name]
    return X, y


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_opens_with_a_table_and_goes_on(name, known_of):
    layers, loss = NETWORKS[name]
    net = cr.Network(3, layers, loss, l2=0.01)
    X, y = examples(name)
    table = np.column_stack([X, y])
    Path("rows.csv").write_text(
        "\n".join(
            [
                ",".join(f"c{k}" for k in range(table.shape[1])),
                *(",".join(map(repr, map(float, row))) for row in table),
            ]
        ),
        encoding="utf-8",
    )
    targets = labels if (labels := y[:, 0] if name == "classes" else None) is not None else y
    optimizer = cr.Adam(0.02)
    options = {"batch_size": 4, "seed": 0}
    X32 = X.astype(np.float32)
    params, history = cr.fit(net, net.init(seed=3), X32, targets, optimizer, epochs=2, **options)
    cr.save("own.model", net, params, history)
    start = known_of("own.model", "rows.csv")
    start["state"]["run"] |= {"numbers": {"learning_rate": 0.02}, "batch": 4}
    made = opened(start, steps=3)
    near(made["p"], cr.predict(net, params, X32))
    assert made["cost"] == pytest.approx(float(cr.cost(net, params, X32, targets)), rel=1e-6)
    assert made["from"] == {"step": 6, "epoch": 2, "first": 0}
    assert made["names"]["inputs"] == ["c0", "c1", "c2"]
    again, params, history = loaded(made)
    assert (again, history.at.step, history.at.epoch) == (net, 9, 3)
    whole, _ = cr.fit(net, net.init(seed=3), X32, targets, optimizer, epochs=3, **options)
    for own, expected in zip(leaves(params), leaves(whole), strict=True):
        near(own, expected, 1e-5)


@pytest.mark.parametrize("full", [False, True])
def test_one_of_several_networks_in_a_layer_opens(full, known_of):
    layers = [cr.Dense(4, "tanh"), cr.Members(3, cr.Dense(5, "relu"), cr.Dense(1), full=full)]
    net = cr.Network(3, layers, "squared_error")
    params = cr.trees.tree_map(
        lambda leaf: RNG.normal(size=leaf.shape).astype(np.float32), net.form
    )
    cr.save("several.model", net, params)
    X = RNG.normal(size=(6, 3)).round(4)
    table = pl.DataFrame(dict(zip("abcy", [*X.T, X[:, 0]], strict=True)))
    table.write_csv("rows.csv")
    starts = [known_of("several.model", "rows.csv", member) for member in (1, 2, 3)]
    said = [start["given"]["said"] for start in starts]
    assert said == [[["data.member", {"member": member, "of": 3}]] for member in (1, 2, 3)]
    body = "return Promise.all(starts.map((start) => openedStart({ ...known }, start, 0)));"
    each = []
    for made in in_page(body, starts=starts):
        alone, own, _ = loaded(made)
        near(made["p"], cr.predict(alone, own, X.astype(np.float32)))
        each.append(made["p"])
    near(np.mean(each, axis=0), cr.predict(net, params, X.astype(np.float32)), 1e-5)
    done = run("playground", "several.model", "--data", "rows.csv", "--member", "4", "-o", "n.html")
    assert done.exit_code == 2
    assert "`member` must be 1 to 3" in done.stderr


# Models of tables


def houses(n=80):
    size = RNG.normal(50, 9, n).round(2)
    days = [f"2024-{1 + k % 12:02}-{1 + k % 28:02}" for k in range(n)]
    says = [
        f"{['good', 'bad', 'nice', 'old'][k % 4]} house near the lake {k % 7}" for k in range(n)
    ]
    return pl.DataFrame(
        {
            "size": size,
            "day": days,
            "says": says,
            "id": [f"n{k}x{k * 7919 % 1000}" for k in range(n)],
            "town": [f"t{v}" for v in RNG.integers(0, 5, n)],
            "price": (size / 3 + RNG.normal(size=n)).round(3),
            "rent": (size / 7 + RNG.normal(size=n)).round(3),
            "sold": [["no", "yes"][v] for v in RNG.integers(0, 2, n)],
        }
    )


TABLES = {
    "two quantities": {"target": ["price", "rent"]},
    "a quantity and classes": {"target": ["price", "sold"]},
    "three targets": {"target": ["sold", "rent", "price"], "members": 2},
    "dropped columns": {"target": "price", "leave_out": ["day", "says"]},
    "dates and texts": {"target": "sold", "members": 2},
    "an interval": {"target": "price", "interval": 0.8, "members": 2},
}


@pytest.mark.parametrize("name", TABLES)
def test_a_model_of_a_table_opens_and_stays_one(name, known_of):
    table = houses()
    table.write_csv("houses.csv")
    options = {"epochs": 2, "hidden": (5,), "members": 1, "seed": 0, "dropout": 0.0}
    model = cr.train("houses.csv", **{**options, **TABLES[name]})
    model.save("houses.model")
    member = len(model.members)
    start = known_of("houses.model", "houses.csv", member)
    X, y = prepared_rows(model, open_source("houses.csv"))
    body = (
        "return Promise.all([0, 4].map((steps) => openedStart({ ...known }, copy(start), steps)));"
    )
    made, after = in_page(body, start=start)
    params = model.members[-1]
    near(made["p"], predict_finite(model.net, params, X))
    assert made["cost"] == pytest.approx(float(cr.cost(model.net, params, X, y)), rel=1e-5)
    assert made["names"]["outputs"] == [*model.outputs_named]
    assert base64.b64decode(made["bytes"]) == Path("houses.model").read_bytes()

    assert after["left"] == ["files.table_kept"]
    again = loaded(after, "table")
    assert (again.preparation.to_data(), again.target) == (
        model.preparation.to_data(),
        model.target,
    )
    assert (again.about["options"], len(again.members)) == (model.about["options"], member)
    for own, got in zip(leaves(again.members[-1]), after["after"], strict=True):
        np.testing.assert_array_equal(np.ravel(own), np.array(got, np.float32))
    for k in range(member - 1):
        assert all(map(np.array_equal, leaves(again.members[k]), leaves(model.members[k])))
    assert again.predict(table).columns == model.predict(table).columns
    assert not again.predict(table).equals(model.predict(table))


def test_what_cannot_be_opened_is_said_by_name():
    net = cr.Network(3, [cr.Dense(2)], "cross_entropy", reduction="sum")
    with pytest.raises(ValueError, match="has the sum; open one with reduction='mean'"):
        start_state.of_model(net, net.init())
    wide = cr.Network(2, [cr.Dense(600_000), cr.Dense(2)], "cross_entropy")
    with pytest.raises(ValueError, match="at most 1,000,000 weights and biases"):
        start_state.of_model(wide, ())
