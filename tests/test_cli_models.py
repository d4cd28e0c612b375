"""The commands that take a model: predict, evaluate, inspect."""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from commands import houses, ran, refused, run


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The bytes of two models: of numbers, of classes."""
    folder = tmp_path_factory.mktemp("trained")
    houses().write_csv(folder / "houses.csv")
    made = {}
    for target in ("price", "kind"):
        path = folder / f"{target}.model"
        ran("train", folder / "houses.csv", "--target", target, "--epochs", 5, "-o", path)
        made[path.name] = path.read_bytes()
    return made


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch, trained):
    monkeypatch.chdir(tmp_path)
    for name, data in trained.items():
        Path(name).write_bytes(data)
    houses(100, seed=1).write_csv("new.csv")


# predict


def test_predictions_are_those_of_the_model():
    result = ran("predict", "price.model", "new.csv")
    printed = pl.read_csv(result.stdout.encode())
    model = cr.TableModel.load("price.model")
    assert printed["prediction"].to_list() == model.predict("new.csv")["prediction"].to_list()
    X = model.preparation.transform(pl.read_csv("new.csv"))
    outputs = [cr.predict(model.net, params, X)[:, 0] for params in model.members]
    by_hand = np.mean(outputs, axis=0) * model.target.scale + model.target.centre
    assert np.allclose(printed["prediction"], by_hand, rtol=1e-6)


def test_classes_come_with_their_probabilities():
    printed = pl.read_csv(ran("predict", "kind.model", "new.csv").stdout.encode())
    names = [f"probability_{name}" for name in ("flat", "house", "loft")]
    assert printed.columns == ["prediction", *names]
    assert np.allclose(printed[names].sum_horizontal(), 1, atol=1e-5)
    best = [("flat", "house", "loft")[k] for k in printed[names].to_numpy().argmax(axis=1)]
    assert printed["prediction"].to_list() == best


READ = {
    ".csv": pl.read_csv,
    ".tsv": lambda path: pl.read_csv(path, separator="\t"),
    ".parquet": pl.read_parquet,
    ".arrow": pl.read_ipc,
    ".csv.gz": pl.read_csv,
}


@pytest.mark.parametrize("ending", READ)
def test_predictions_are_written_in_the_format_of_their_ending(ending):
    path = Path(f"made{ending}")
    assert ran("predict", "price.model", "new.csv", "--keep", "id,kind", "-o", path).output == ""
    found = READ[ending](path)
    assert found.columns == ["id", "kind", "prediction"]
    kept = pl.read_csv("new.csv", infer_schema=False).select("id", "kind")
    assert found.select("id", "kind").cast(pl.String).equals(kept)
    assert np.allclose(
        found["prediction"],
        pl.read_csv(ran("predict", "price.model", "new.csv").stdout.encode())["prediction"],
    )


def test_the_order_of_columns_and_what_else_there_is_change_nothing():
    before = ran("predict", "price.model", "new.csv").stdout
    table = houses(100, seed=1).select(
        pl.lit("x").alias("extra"), "kind", "built", "garden", "size"
    )
    table.write_csv("other.csv")
    assert ran("predict", "price.model", "other.csv").stdout == before


def test_columns_to_keep_may_be_named_one_by_one_and_hold_commas():
    houses(3).with_columns(pl.lit(1).alias("a, b")).write_csv("new.csv")
    printed = ran(
        "predict", "price.model", "new.csv", "--keep", 'id,"a, b"', "--keep", "kind"
    ).stdout
    assert printed.startswith('id,"a, b",kind,prediction\n')


def test_an_output_is_replaced_and_whole():
    Path("made.csv").write_text("before")
    ran("predict", "price.model", "new.csv", "-o", "made.csv")
    assert pl.read_csv("made.csv").height == 100
    assert not list(Path().glob(".*"))


def test_what_training_did_not_know_is_noted_beside_the_predictions():
    table = houses(5).with_columns(kind=pl.lit("castle"), size=pl.Series([1.0, None, np.inf, 2, 3]))
    table.write_csv("new.csv")
    result = ran("predict", "price.model", "new.csv")
    assert "kind: 5 not seen in training, such as 'castle'" in result.stderr
    assert "size: 1 infinite, taken as missing" in result.stderr
    assert result.stdout.count("\n") == 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no.model", "new.csv"], "no.model: No such file or directory"),
        (["new.csv", "price.model"], "price.model is the model; name it before the table, new.csv"),
        (["new.csv", "less.csv"], "new.csv: is no model file"),
        (["price.model", "no.csv"], "no.csv: there is no such file"),
        (["price.model", "less.csv"], "the table lacks .*'size'.* missing too: 'kind'"),
        (["price.model", "new.csv", "--keep", "idd"], "'idd'; did you mean 'id'"),
        (["price.model", "taken.csv", "--keep", "prediction"], "column 'prediction' to keep is"),
        (["price.model", "new.csv", "-o", "made.xyz"], "made.xyz: give it one of these endings"),
        (["price.model", "new.csv", "-o", "no/made.csv"], "there is no folder no"),
        (["price.model", "new.csv", "-o", "new.csv"], "new.csv: is being read"),
        (["price.model", "new.csv", "-o", "price.model"], "price.model: is being read"),
        (["net.model", "new.csv"], "must hold the model of a table, got the kind 'network'"),
        (["damaged.model", "new.csv"], "damaged.model: is damaged"),
        (["cut.model", "new.csv"], "cut.model: is truncated"),
        (["price.model", "text.csv"], "size"),
    ],
)
def test_what_cannot_be_predicted_is_refused(arguments, message, trained):
    houses(5).with_columns(prediction=1).write_csv("taken.csv")
    houses(5).select("garden", "built").write_csv("less.csv")
    houses(5).with_columns(size=pl.lit("large")).write_csv("text.csv")
    net = cr.Network(2, [cr.Dense(1)], loss="squared_error")
    cr.save("net.model", net, net.init())
    data = trained["price.model"]
    Path("damaged.model").write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    Path("cut.model").write_bytes(data[:-4])
    before = {path: path.read_bytes() for path in Path().iterdir()}
    refused(run("predict", *arguments), message)
    assert {path: path.read_bytes() for path in Path().iterdir()} == before


# evaluate


def test_scores_are_those_of_the_model_beside_the_baseline():
    output = ran("evaluate", "price.model", "new.csv").stdout
    table = pl.read_csv("new.csv")
    model = cr.TableModel.load("price.model")
    error = model.predict(table)["prediction"] - table["price"]
    trivial = model.baseline[0] - table["price"].to_numpy()
    rows = re.findall(r"^  (.+?)  +([−\d,.]+) +([−\d,.]+)$", output, re.MULTILINE)
    found = {
        name: [float(x.replace(",", "").replace("−", "-")) for x in pair] for name, *pair in rows
    }
    rmse = [float(np.sqrt((each**2).mean())) for each in (error, trivial)]
    assert found["RMSE"] == pytest.approx(rmse, rel=1e-3)
    assert found["R²"][0] == pytest.approx(
        1 - (error**2).mean() / table["price"].var(ddof=0), abs=1e-4
    )
    assert output.startswith("100 rows\n")


def test_scores_as_json():
    found = json.loads(ran("evaluate", "kind.model", "new.csv", "--json").stdout)
    names = {"accuracy", "log_loss", "roc_auc", "balanced_accuracy", "f1_macro"}
    assert set(found["model"]) == set(found["baseline"]) == names
    printed = pl.read_csv(ran("predict", "kind.model", "new.csv").stdout.encode())
    right = (printed["prediction"] == pl.read_csv("new.csv")["kind"]).mean()
    assert found["model"]["accuracy"] == pytest.approx(right)


def test_each_class_has_its_scores():
    found = json.loads(ran("evaluate", "kind.model", "new.csv", "--json").stdout)
    guess = pl.read_csv(ran("predict", "kind.model", "new.csv").stdout.encode())["prediction"]
    true = pl.read_csv("new.csv")["kind"]
    assert [each["class"] for each in found["classes"]] == ["flat", "house", "loft"]
    for each in found["classes"]:
        own = true == each["class"]
        assert each["support"] == own.sum()
        assert each["recall"] == pytest.approx((guess == each["class"]).filter(own).mean())
        row = found["confusion"][each["class"]]
        assert row == {
            name: count
            for name in ("flat", "house", "loft")
            if (count := ((guess == name) & own).sum())
        }
    output = ran("evaluate", "kind.model", "new.csv").stdout
    assert re.search(r"^  class +precision +recall +F1 +rows$", output, re.MULTILINE)
    for each in found["classes"]:
        shares = " +".join(
            "–" if each[name] is None else f"{each[name]:.4f}"
            for name in ("precision", "recall", "f1")
        )
        assert re.search(rf"^  {each['class']} +{shares} +{each['support']}$", output, re.M)


def test_of_many_classes_those_with_the_lowest_scores_are_shown():
    draw = np.random.default_rng(0)
    names = [f"a class with a long name, number {k:02}" for k in range(30)]
    kinds = np.repeat(names, 10)
    pl.DataFrame({"x": draw.standard_normal(300), "kind": kinds}).write_csv("many.csv")
    output = ran("train", "many.csv", "--target", "kind", "--epochs", 1).stdout
    assert max(map(len, output.splitlines())) <= 80
    assert "  … the 20 of 30 classes with the lowest F1; --json has all" in output
    assert len(re.findall(r"^  a class with", output, re.M)) == 20


def test_rows_without_a_target_are_left_out_and_counted():
    table = houses(10).with_columns(price=pl.when(pl.col("id") > 7003).then("price"))
    table.write_csv("new.csv")
    assert ran("evaluate", "price.model", "new.csv").stdout.startswith(
        "6 rows, 4 without a target left out\n"
    )
    houses(10).with_columns(price=None).write_csv("new.csv")
    refused(run("evaluate", "price.model", "new.csv"), "no row has the target 'price'")


def test_a_table_without_the_target_is_refused():
    houses(5).drop("price").write_csv("new.csv")
    refused(run("evaluate", "price.model", "new.csv"), "the target 'price' is no column")
    houses(5).with_columns(kind=pl.lit("castle")).write_csv("new.csv")
    refused(run("evaluate", "kind.model", "new.csv"), "must be one of the classes .* got 'castle'")


# inspect


def test_a_model_tells_what_is_in_it(trained):
    output = ran("inspect", "price.model").stdout
    sha = hashlib.sha256(trained["price.model"]).hexdigest()
    assert f"SHA-256     {sha}\n" in output
    assert f"Chainrule {cr.__version__}, format 1" in output
    assert "340 rows in training, 60 held out" in output
    assert "price: regression" in output
    assert re.search(
        r"^  kind +category  3 features; 3 categories: flat, house, loft$", output, re.MULTILINE
    )
    assert re.search(r"^  id +left out +identifies the rows$", output, re.MULTILINE)
    assert "RMSE" in output
    assert max(map(len, output.splitlines())) <= 80


def test_all_that_a_model_tells_is_in_its_json(trained):
    found = json.loads(ran("inspect", "kind.model", "--json").stdout)
    model = cr.TableModel.load("kind.model")
    assert found["file"]["bytes"] == len(trained["kind.model"])
    assert found["validation"] == model.about["validation"]
    assert found["options"] == model.about["options"]
    assert found["arrays"]["0.W"] == list(model.params[0].W.shape)
    assert len(found["preparation"]["encoders"]) == len(model.preparation.encoders)


def test_a_network_of_save_is_told_too():
    net = cr.Network(2, [cr.Dense(3, "tanh"), cr.Dropout(0.5), cr.Dense(1)], loss="huber(1)")
    params, history = cr.fit(net, net.init(), np.eye(2), [0, 1], cr.Adam(0.1), epochs=3)
    cr.save("net.model", net, params, history)
    output = ran("inspect", "net.model").stdout
    assert "2 inputs, 3 tanh, dropout 0.5, 1 output: 13 parameters" in output
    assert re.search(r"Loss +huber\(1\)\nTraining +3 epochs\n", output)
    assert json.loads(ran("inspect", "net.model", "--json").stdout)["kind"] == "network"


def test_a_model_that_tells_little_is_shown_with_that():
    golden = Path(__file__).with_name("golden")
    output = ran("inspect", golden / "table-format-1.model").stdout
    network = "Network   4 inputs, 2 relu, 1 output: 13 parameters"
    training = "Training  2 of at most 2 epochs: the best was epoch 2"
    assert output.startswith(f"Target    price: regression\n{network}\n{training}\n\nFile ")


def test_what_is_no_model_is_refused():
    refused(run("inspect", "no.model"), "no.model: No such file or directory")
    refused(run("inspect", "new.csv"), "new.csv: ")
    refused(run("inspect", "."), r"\.: is not a regular file but a folder")


# explain


def test_a_weight_of_a_model_is_explained_for_a_row():
    of = "0.w[0, 1]"  # a slope of the first number that is embedded
    output = ran("explain", "price.model", "--data", "new.csv", "--row", 3, "--of", of).stdout
    model = cr.TableModel.load("price.model")
    table = pl.read_csv("new.csv")[2:3]
    X, y = model.preparation.transform(table), model.target.encode(table)
    names = {"inputs": model.preparation.feature_names, "outputs": ("price",)}
    expected = cr.explain(model.net, model.params, X[0], y[0], of=of, **names)
    assert output == expected.text(80)
    assert re.search(r"i1 .* size", output)
    gradient = cr.cost_and_gradient(model.net, model.params, X, y)[1][0].w[0, 1]
    assert f"{gradient:.4g}"[:5].replace("-", "−") in output


def test_a_class_is_explained_too():
    output = ran("explain", "kind.model", "--data", "new.csv", "--of", "b1").stdout
    assert "house" in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["price.model"], "price.model is a model; name the table of its example by --data"),
        (
            ["new.csv", "--data", "price.model"],
            "price.model is the model; name it before the table",
        ),
        (["price.model", "--row", 3], "--row is of a table; name it by --data"),
        (["price.model", "--data", "new.csv", "--row", 101], "has 100 rows, and no row 101"),
        (["price.model", "--data", "new.csv", "--row", 0], "0 is not in the range x>=1"),
        (["price.model", "--data", "no.csv"], "no.csv: there is no such file"),
        (["no.model", "--data", "new.csv"], "no.model: No such file or directory"),
    ],
)
def test_what_cannot_be_explained_is_refused(arguments, message):
    refused(run("explain", *arguments, "--of", "w1"), message)
