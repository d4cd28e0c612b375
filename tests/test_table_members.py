"""A model of several networks: it predicts their mean, and its file holds all of them."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.cli import summary
from chainrule.serialization import write_file
from chainrule.tabular import stored_model
from chainrule.trees import leaves, tree_map
from commands import houses, ran, refused, run

TABLE = houses(80)
TARGETS = {
    "quantity": ("price", {}),
    "classes": ("kind", {}),
    "quantiles": ("price", {"quantiles": (0.1, 0.5, 0.9)}),
    "counts": ("id", {"loss": "poisson"}),
}


@pytest.fixture(scope="module", params=TARGETS)
def model(request):
    """A model with three members, of which two are drawn anew."""
    target, options = TARGETS[request.param]
    made = cr.train(
        TABLE, target, epochs=2, hidden=(4,), learning_rate=0.01, members=1, refit=False, **options
    )
    others = [made.net.init(seed, dtype="float32") for seed in (5, 6)]
    about = {**made.about, "runs": {**made.about["runs"], "members": 3}}
    return cr.tabular.table_model.TableModel(
        **{**vars(made), "others": tuple(others), "about": about}
    )


def alone(model, k):
    return model.with_members([model.members[k]])


def test_what_it_predicts_is_the_mean(model):
    parts = [alone(model, k).outputs(TABLE) for k in range(3)]
    np.testing.assert_allclose(model.outputs(TABLE), np.mean(parts, axis=0), rtol=1e-6)
    assert not np.allclose(parts[0], parts[1])


def test_its_file_holds_all_of_it(model, tmp_path):
    model.save(tmp_path / "first.model")
    read = cr.TableModel.load(tmp_path / "first.model")
    read.save(tmp_path / "second.model")
    assert (tmp_path / "first.model").read_bytes() == (tmp_path / "second.model").read_bytes()
    assert len(read.members) == 3
    assert read.predict(TABLE).equals(model.predict(TABLE))
    assert read.evaluate(TABLE) == model.evaluate(TABLE)


def test_the_first_member_has_the_names_of_a_single_network(model):
    one, all_of_them = (stored_model.contents(each)[0] for each in (one_of(model), model))
    assert set(one) < set(all_of_them)
    assert {name.partition("0.")[0] for name in set(all_of_them) - set(one)} >= {
        "members.1.",
        "members.2.",
    }


def one_of(model):
    about = {**model.about, "runs": {**model.about["runs"], "members": 1}}
    return type(model)(**{**vars(model), "others": (), "about": about})


def test_quantiles_of_members_rise(model):
    if model.quantiles:
        assert (np.diff(model.outputs(TABLE), axis=1) >= 0).all()


def written(path, change):
    """A file of a model whose arrays and data were changed."""
    made = cr.train(
        TABLE, "price", epochs=1, hidden=(2,), embedding="none", learning_rate=0.01, members=2
    )
    arrays, data = stored_model.contents(made)
    change(arrays, data)
    write_file(path, arrays, data)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arrays, _: arrays.pop("members.1.0.W"), "'members.1.*belongs to nothing in it"),
        (lambda arrays, _: arrays.pop("members.1.0.b"), "array 'members.1.0.b' is missing"),
        (
            lambda arrays, _: arrays.update({"members.3.0.W": arrays["0.W"]}),
            "'members.3.0.W' belongs to nothing in it",
        ),
        (
            lambda arrays, _: arrays.update({"members.1.0.b": arrays["0.b"][:1]}),
            r"0.b must have shape \(2,\), got \(1,\)",
        ),
        (
            lambda arrays, _: arrays.update(
                {k: v.astype("f8") for k, v in arrays.items() if k.startswith("members")}
            ),
            "must have the dtype of the first member's",
        ),
        (lambda _, data: data["runs"].update(members=3), "members of runs must be 2, got 3"),
        (
            lambda arrays, _: arrays.update({"curves.race.1": arrays["curves.loss"]}),
            "'curves.race.1' belongs to nothing in it",
        ),
        (lambda _, data: data["runs"].pop("members"), "the key 'members' is missing"),
        (lambda _, data: data["runs"].update(rate=-1.0), "runs.rate must be .* > 0, got -1"),
    ],
)
def test_a_file_that_does_not_fit_together_is_refused(tmp_path, change, message):
    written(tmp_path / "x.model", change)
    with pytest.raises(cr.ModelFileError, match=message):
        cr.TableModel.load(tmp_path / "x.model")


# The commands


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """A folder with a table, and a model of it with two networks."""
    monkeypatch.chdir(tmp_path)
    TABLE.write_csv("houses.csv")
    cr.train(TABLE, "price", epochs=1, hidden=(2,), learning_rate=0.01, members=2, out="h.model")


def explained(*more):
    return run("explain", "h.model", "--data", "houses.csv", "--of", "w1", *more)


def test_one_member_is_explained_and_that_there_are_others_is_said(saved):
    model = cr.TableModel.load("h.model")
    first, second = explained(), explained("--member", 2)
    assert first.stderr == (
        "h.model: predicts the mean of 2 networks; this is network 1; another by --member 2\n"
    )
    assert second.stderr == "h.model: predicts the mean of 2 networks; this is network 2\n"
    X, y = model.example("houses.csv", 1)
    for result, params in zip((first, second), model.members, strict=True):
        trace = cr.forward(model.net, params, X[None])
        slope = float(cr.gradient(trace, cr.backward(trace, y[None]))[0].W[0, 0])
        last = re.search(r"= (−?[\d.e−]+)\n", result.stdout.partition("\nForward")[0])[1]
        assert float(last.replace("−", "-")) == pytest.approx(slope, rel=1e-4, abs=1e-12)
    assert first.stdout != second.stdout


def test_a_member_that_is_not_there_is_refused(saved):
    refused(explained("--member", 3), "h.model: has 2 networks, and no member 3")
    refused(run("explain", "2-2-2", "--of", "w1", "--member", 1), "--member is of a table's model")


def test_the_members_are_told_of(saved):
    assert "Members   the mean of 2 networks is predicted" in ran("inspect", "h.model").stdout
    told = json.loads(ran("inspect", "h.model", "--json").stdout)
    assert told["runs"]["members"] == 2
    assert "members.1.0.W" in told["arrays"]


def test_a_model_of_before_has_one_member():
    model = cr.TableModel.load(Path(__file__).parent / "golden" / "table-format-1.model")
    assert model.members == (model.params,)
    assert model.with_members([tree_map(np.copy, model.params)]).others == ()
    assert all(leaf.dtype == np.float32 for leaf in leaves(model.params))


@pytest.mark.parametrize(
    ("about", "training", "members"),
    [
        ({"epochs": [4, 4]}, "; then 4 epochs anew with", "of 3 networks is predicted"),
        ({"epochs": [4, 12, 4]}, "; then 4 and 12 epochs anew with", "of 3 networks is"),
        ({"epochs": [1]}, "; then 1 epoch anew with", "of 3 networks is"),
        ({"rate": 0.01, "also": 0.003}, "", "of 3 networks (2 at rate 0.01, 1 at 0.003) is"),
        ({}, "; then 2 epochs anew with all rows", "of 3 networks is predicted"),
    ],
)
def test_members_of_two_rates_are_told_in_a_line(about, training, members):
    model = cr.train(TABLE, "price", epochs=2, hidden=(2,), effort="fast", members=3)
    known = {**model.about, "epochs_with_all": 2, "runs": {"members": 3, **about}}
    lines = " ".join(summary.facts(summary.of_training(dataclasses.replace(model, about=known))))
    lines = " ".join(lines.split())
    assert training in lines
    assert f"Members the mean {members}" in lines
