"""Several targets in files of models, by the command, on the page and by the regressor."""

from __future__ import annotations

import json
import re

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from numpy.testing import assert_array_equal
from sklearn.metrics import r2_score

import chainrule as cr
from chainrule.cli import main
from chainrule.explanation.notation import COST
from chainrule.serialization import ModelFileError, read_file, write_file
from chainrule.tabular.scores import SCORES
from chainrule.tabular.table_model import TableModel
from several_targets import QUICK, TABLE, WHOLE, trained


@pytest.fixture(scope="module")
def model():
    return trained()


# ---- files ---------------------------------------------------------------------------------------


def test_a_model_comes_back_from_its_file(model, tmp_path):
    model.save(tmp_path / "m")
    again = TableModel.load(tmp_path / "m")
    assert again.target == model.target
    assert {name: again.about[name] for name in model.about} == model.about
    assert again.predict(TABLE).equals(model.predict(TABLE))
    again.save(tmp_path / "n")
    assert (tmp_path / "m").read_bytes() == (tmp_path / "n").read_bytes()


def _swapped(data):
    data["target"]["parts"].sort(key=lambda part: part["kind"])


def _without_scores(data):
    del data["targets"]["sold"]


def _one_validation(data):
    data["validation"] = data["targets"]["price"]


def _one_loss(data):
    data["network"]["loss"] = "half_squared_error"


CHANGES = [
    (_swapped, "network.loss"),
    (_without_scores, "the targets with scores must be"),
    (_one_validation, "scores of validation must be those of its targets"),
    (_one_loss, "the heads of network.loss must be 3, got 1"),
]


@pytest.mark.parametrize(("change", "message"), CHANGES)
def test_files_that_do_not_fit_together(model, tmp_path, change, message):
    model.save(tmp_path / "m")
    arrays, data = read_file(tmp_path / "m")
    change(data)
    write_file(tmp_path / "m", arrays, data)
    with pytest.raises(ModelFileError, match=re.escape(message)):
        TableModel.load(tmp_path / "m")


def test_a_row_is_explained_with_all_of_its_targets(model):
    X, y = model.example(TABLE, 3)
    assert model.outputs_named == ("price", "sold no", "sold yes", "rent")
    row = TABLE.row(2, named=True)
    assert y[1:3].tolist() == [float(row["sold"] == "no"), float(row["sold"] == "yes")]
    found = cr.explain(model.net, model.params, [X], [y], of="b1").derivation
    known = {step.key: step.value for step in found.steps()}
    assert known[COST] == pytest.approx(
        cr.cost(model.net, model.params, X[None], y[None]), rel=1e-5
    )


ALIKE = {  # targets with their classes, or None of a quantity: what their outputs are called
    "a class as in the longer name of another target": (
        {"dear": ["fair x", "poor"], "dear fair": ["x", "y"]},
        ("'dear' 'fair x'", "'dear' 'poor'", "'dear fair' 'x'", "'dear fair' 'y'"),
    ),
    "a class as the rest of a quantity's name": (
        {"dear": ["fair", "poor"], "dear fair": None},
        ("'dear' 'fair'", "'dear' 'poor'", "'dear fair'"),
    ),
    "a class called as its target": ({"dear": ["dear", "poor"]}, ("dear dear", "dear poor")),
    "none": (
        {"dear": ["fair", "poor"], "fair": ["dear", "poor"]},
        ("dear fair", "dear poor", "fair dear", "fair poor"),
    ),
}


@pytest.mark.parametrize("case", ALIKE)
def test_outputs_are_never_called_alike(case):
    targets, names = ALIKE[case]
    rows = np.arange(40)
    columns = {
        name: rows * 0.5 if classes is None else np.array(classes)[rows % 2]
        for name, classes in ({"rent": None} | targets).items()
    }
    table = pl.DataFrame({"x": rows % 7 * 1.5, **columns})
    made = cr.train(table, list(columns), **{**QUICK, "epochs": 1})
    quoted = "'rent'" if names[0].startswith("'") else "rent"
    assert made.outputs_named == (quoted, *names)
    found = cr.partial_dependence(made, table, "x", values=[1.5])
    assert found["output"].to_list() == [quoted, *names]
    X, y = made.example(table, 1)
    told = cr.explain(made.net, made.params, [X], [y], of="o1", outputs=made.outputs_named).text()
    assert quoted in told
    assert len(set(made.predict(table).columns)) == 1 + sum(
        1 if classes is None else 1 + len(classes) for classes in targets.values()
    )


def test_a_file_holds_many_targets(tmp_path):
    names = [f"target number {k}" for k in range(30)]
    table = WHOLE.with_columns((pl.col("price") + k).alias(name) for k, name in enumerate(names))
    cr.train(table, names, **QUICK, out=tmp_path / "m")
    assert TableModel.load(tmp_path / "m").target.columns == tuple(names)


def test_a_part_is_a_model_with_a_file_of_its_own(model, tmp_path):
    model.parts[1].save(tmp_path / "sold")
    again = TableModel.load(tmp_path / "sold")
    assert again.predict(TABLE).equals(model.parts[1].predict(TABLE))
    roles = {each["column"]: each["role"] for each in again.about["decisions"]}
    assert roles["sold"] == "target"
    assert roles["price"] == roles["rent"] == "left out"


# ---- the command ---------------------------------------------------------------------------------


def run(*arguments):
    found = CliRunner().invoke(main, list(map(str, arguments)), env={"COLUMNS": "80"})
    assert found.exit_code == 0, found.output
    return found.output


def test_the_commands_tell_of_each_target(tmp_path):
    table, file = tmp_path / "t.csv", tmp_path / "t.model"
    TABLE.fill_nan(None).write_csv(table)
    quick = ("--effort", "fast", "--epochs", "3", "--hidden", "8")
    said = run("train", table, "--target", "price,sold", *quick, "--out", file)
    told = "Targets   price: regression; sold: 2 classes, no, yes"
    assert told in said
    assert said.rindex("\n  price  ") < said.index("RMSE") < said.rindex("\n  sold  ")
    assert told in run("inspect", file)
    assert "AUC" in run("inspect", file)
    assert run("predict", file, table).startswith("prediction_price,prediction_sold,")
    found = json.loads(run("evaluate", file, table, "--json"))
    assert list(found["targets"]) == ["price", "sold"]
    assert "294 rows, 6 without a target left out" in run("evaluate", file, table)


def test_a_file_of_options_has_a_list_of_targets(tmp_path):
    TABLE.fill_nan(None).write_csv(tmp_path / "t.csv")
    (tmp_path / "c.toml").write_text('target = ["price", "sold"]\nepochs = 2\neffort = "fast"\n')
    files = (tmp_path / "t.csv", "--config", tmp_path / "c.toml", "--out", tmp_path / "m")
    run("train", *files, "--quiet")
    assert TableModel.load(tmp_path / "m").target.columns == ("price", "sold")


# ---- the page ------------------------------------------------------------------------------------


def test_the_page_has_a_section_for_each_target(tmp_path):
    model = cr.train(TABLE, ["price", "sold"], **QUICK, report=tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    titles = re.findall(r"<h2[^>]*>([^<]*)", page)
    assert titles.index("price") < titles.index("Residuals") < titles.index("sold")
    assert titles.index("sold") < titles.index("Confusion") < titles.index("All targets")
    assert titles.count("Scores") == titles.count("Learnt curves") == 2
    places = re.findall(r' id="([^"]*)"', page)
    assert {*re.findall(r'(?:href="|url\()#([^")]*)', page)} <= {*places}
    assert len({*places}) == len(places)
    assert "<h1>price and sold from" in page
    for name in ("price", "sold"):
        score = next(iter(model.about["targets"][name]["model"].items()))
        assert SCORES[score[0]].text(score[1]) in page


# ---- the regressor -------------------------------------------------------------------------------

FEATURES, PAIR = WHOLE.select("x", "kind"), WHOLE.select("price", "rent")
AS_HANDED = {
    "polars": (PAIR, ("price", "rent")),
    "pandas": (PAIR.to_pandas(), ("price", "rent")),
    "array": (PAIR.to_numpy(), ("y0", "y1")),
    "lists": (PAIR.to_numpy().tolist(), ("y0", "y1")),
}


@pytest.mark.parametrize("kind", AS_HANDED)
def test_a_regressor_of_several_is_the_model_of_train(kind):
    y, names = AS_HANDED[kind]
    model = cr.TabularRegressor(**QUICK, random_state=0).fit(FEATURES, y)
    assert model.model_.target.columns == names
    table = FEATURES.with_columns(
        **{name: pl.Series(own) for name, own in zip(names, PAIR.to_numpy().T, strict=True)}
    )
    alike = cr.train(table, list(names), **QUICK).predict(FEATURES)
    expected = alike.select(f"prediction_{name}" for name in names).to_numpy()
    assert_array_equal(model.predict(FEATURES), expected)
    assert model.score(FEATURES, y) == pytest.approx(r2_score(PAIR.to_numpy(), expected))


def test_a_regressor_of_several_has_quantiles_of_each():
    levels = (0.1, 0.5, 0.9)
    model = cr.TabularRegressor(**QUICK, quantiles=levels, random_state=0).fit(FEATURES, PAIR)
    q = model.predict_quantiles(FEATURES)
    assert q.shape == (WHOLE.height, 2, 3)
    assert (np.diff(q, axis=2) >= 0).all()
    assert_array_equal(model.predict(FEATURES), q[:, :, 1])


def test_a_classifier_has_one_target():
    with pytest.raises(ValueError, match="1d array"):
        cr.TabularClassifier(**QUICK).fit(FEATURES, PAIR)
