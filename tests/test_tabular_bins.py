"""The bins of numbers, and the network's embedding that is made of them."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.tabular.encoding.number_bins import BINS, bins_of, edges_of
from chainrule.tabular.table_error import TableError
from chainrule.tabular.table_network import embedding
from frames import Prepared, frames, surveyed

FEW = st.lists(st.floats(-3, 3, width=32), min_size=1, max_size=200)
ALIKE = st.lists(st.sampled_from([-1.0, 0.0, 0.0, 0.0, 1.0, 2.5]), min_size=1, max_size=200)


@given(FEW | ALIKE)
def test_edges_rise_from_the_least_to_the_greatest(numbers):
    x = np.array(numbers, np.float32)
    edges = np.array(edges_of(x), np.float32)
    values = np.unique(x)
    if len(values) <= 2:
        assert len(edges) == 0
        return
    assert set(edges) <= set(values)
    assert (np.diff(edges) > 0).all()
    assert (edges[0], edges[-1]) == (values[0], values[-1])
    assert 2 <= len(edges) <= BINS + 1


NUMBERED = {
    "as they come": (np.arange(3201), range(0, 3201, 100)),
    "in another order": (np.arange(3201)[::-1], range(0, 3201, 100)),
    "mostly one": (np.maximum(np.arange(3201) - 2500, 0), range(0, 701, 100)),
    "few": ([0, 0, 1, 2, 2], [0, 1, 2]),
    "one that is rare": ([0] * 3000 + [1] * 198 + [2, 2, 9], [0, 1, 9]),
    "two": ([0, 1, 0, 1, 1], []),
    "one": ([4, 4], []),
    "none": ([], []),
}


@pytest.mark.parametrize("name", NUMBERED)
def test_edges_are_quantiles(name):
    numbers, expected = NUMBERED[name]
    assert edges_of(np.array(numbers, np.float32)) == tuple(expected)


@given(frames())
def test_any_table_has_edges_that_a_network_takes(frame):
    try:
        prep = Prepared(frame)
    except TableError:
        return
    bins = bins_of(prep.preparation, surveyed(frame).sample)
    assert len(bins) == len(prep.feature_names)
    X = prep.transform(frame)
    for x, edges in zip(X.T, bins, strict=True):
        assert set(edges) <= {float(str(value)) for value in x}
    for layer in embedding("piecewise", bins):
        net = cr.Network(len(bins), [layer, cr.Dense(1)], "huber")
        assert np.isfinite(cr.predict(net, net.init(dtype="float32"), X)).all()


def table(**columns):
    n = len(next(iter(columns.values())))
    return pl.DataFrame({**columns, "y": np.arange(n) % 7 + 0.5})


NUMBERS = np.random.default_rng(0).normal(size=60)
COLUMNS = {
    "number": (NUMBERS, ["number"]),
    "number with gaps": ([None if k % 5 == 0 else k / 7 for k in range(60)], ["number with gaps"]),
    "two values": ([1.5, 2.5] * 30, []),
    "words": (["a", "b", "c"] * 20, []),
    "flag": ([True, False] * 30, []),
    "day": (pl.date_range(pl.date(2020, 1, 1), pl.date(2021, 8, 22), "10d", eager=True), ["day"]),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_which_features_are_embedded(name):
    values, embedded = COLUMNS[name]
    model = cr.train(table(**{name: values}, z=NUMBERS), "y", epochs=1, hidden=(2,))
    edges = model.net.layers[0].edges
    names = [f for f, own in zip(model.preparation.feature_names, edges, strict=True) if own]
    assert names == [*embedded, "z"]


def test_the_ranks_of_an_order_are_embedded():
    frame, order = table(c=["low", "mid", "high"] * 20), {"c": ["low", "mid", "high"]}
    model = cr.train(frame, "y", order=order, epochs=1, hidden=(2,))
    assert [bool(own) for own in model.net.layers[0].edges] == [False, False, False, True]


def test_what_is_missing_has_no_part_in_the_bins():
    """In its place stands 0, the median, which comes no more often for that."""
    gaps = pl.Series([*NUMBERS, *[None] * 600])
    frame = pl.DataFrame({"x": gaps, "y": np.arange(660.0)})
    edges = cr.train(frame, "y", epochs=1, hidden=(2,)).net.layers[0].edges[0]
    assert len(edges) == BINS + 1
    assert 0.0 not in edges


@pytest.mark.parametrize(("columns", "size"), [(128, 8), (129, 7), (512, 2), (513, None)])
def test_many_numbers_become_fewer_values_each(columns, size):
    layers = embedding("piecewise", ((0.0, 1.0, 2.0),) * columns)
    assert [layer.size for layer in layers] == ([] if size is None else [size])
    waves = embedding("periodic", ((0.0, 1.0, 2.0),) * columns)
    assert [layer.values + 1 for layer in waves] == ([] if size is None else [size])


@pytest.mark.parametrize("kind", ["piecewise", "periodic", "none"])
@pytest.mark.parametrize("target", ["y", "c"])
def test_a_model_of_each_embedding_is_saved(tmp_path, kind, target):
    frame = table(x=NUMBERS, c=["a", "b", "c"] * 20, d=NUMBERS**2)
    model = cr.train(frame, target, embedding=kind, epochs=2, hidden=(3,))
    model.save(tmp_path / "t.model")
    again = cr.TableModel.load(tmp_path / "t.model")
    assert again.net == model.net
    assert again.predict(frame).equals(model.predict(frame))


def test_pieces_are_learnt_where_a_line_cannot_be():
    """Steps of a number: what a straight input needs many units for."""
    x = np.random.default_rng(0).uniform(-3, 3, 800)
    frame = pl.DataFrame({"x": x, "y": np.floor(x) % 2})
    asked = {"task": "regression", "epochs": 30}
    piecewise, none = (
        cr.train(frame, "y", embedding=kind, **asked).about["validation"]["model"]["rmse"]
        for kind in ("piecewise", "none")
    )
    assert piecewise < 0.7 * none
