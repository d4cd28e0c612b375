"""The command `train`: what it says and writes, and its options."""

import dataclasses
import json
import re
from pathlib import Path

import polars as pl
import pytest

import chainrule as cr
from chainrule.cli.training_files import Files
from chainrule.engine import bfloat16
from chainrule.tabular import Options
from chainrule.tabular.training_options import MACHINE
from commands import QUICK, files, houses, ran, refused, run, train


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A folder with a table, in which the commands are called."""
    monkeypatch.chdir(tmp_path)
    houses().write_csv("houses.csv")
    return tmp_path


# What it says and writes


def test_a_training_says_what_it_decides_and_reports_and_saves():
    result = train()
    assert result.exit_code == 0
    assert re.search(r"^houses.csv: 400 rows, 6 columns$", result.stderr, re.MULTILINE)
    assert re.search(
        r"^  id      left out  identifies the rows \(keep: --numbers id\)$", result.stderr, re.M
    )
    assert re.search(r"^  kind    category  3 categories: flat, house, loft$", result.stderr, re.M)
    assert "regression: 40" in result.stderr
    model = cr.TableModel.load("houses.model")
    found = model.about["validation"]["model"]["rmse"]
    rmse = re.search(r"RMSE +([\d,.]+)", result.stdout)[1].replace(",", "")
    assert float(rmse) == pytest.approx(found, rel=1e-3)
    assert "340 rows in training, 60 held out" in result.stdout
    assert "2 of at most 2 epochs" in result.stdout
    size = sum(leaf.size for part in model.params for leaf in part)
    assert f"4 relu, 1 output: {size} parameters" in " ".join(result.stdout.split())
    assert "chainrule predict houses.model new.csv -o predictions.csv" in result.stdout
    assert files() == {"houses.csv", "houses.model"}


def test_what_is_said_fits_80_columns_and_has_no_colours():
    output = train().output
    assert max(map(len, output.splitlines())) <= 80
    assert "\x1b" not in output


def test_the_model_is_that_of_python():
    train()
    made = Path("houses.model").read_bytes()
    cr.train("houses.csv", "price", epochs=2, hidden=(4,), effort="fast").save("other.model")
    assert Path("other.model").read_bytes() == made


def test_classes_are_told_with_their_scores():
    result = ran("train", "sklearn:iris", "--target", "target", *QUICK)
    assert "target: 3 classes, setosa, versicolor, virginica" in result.stdout
    assert re.search(r"accuracy +[01]\.\d{4} +0\.\d{4}\n  log loss .*\n  AUC ", result.stdout)
    assert "new.csv" in result.stdout
    assert Path("iris.model").is_file()


def test_rows_without_a_target_are_counted():
    table = houses().with_columns(price=pl.when(pl.col("id") > 7009).then("price"))
    table.write_csv("houses.csv")
    assert "10 without a target left out" in train().stdout


def test_notes_of_the_reading_are_said():
    houses().write_csv("houses.csv", separator=";")
    assert re.search(r"^  delimiter .*;", train().stderr, re.MULTILINE)


@pytest.mark.parametrize("epochs", [1, 7, 10, 45])
def test_a_log_has_about_ten_lines_of_progress(epochs):
    stderr = train("--epochs", epochs, "--no-refit").stderr
    lines = [line for line in stderr.splitlines() if line.startswith("epoch ")]
    assert min(epochs, 9) <= len(lines) <= 10
    number = r"\d+\.\d+"
    form = rf"epoch +\d+/{epochs}  loss {number}, held out {number}, best {number}(  \d+ s left)?"
    assert [line for line in lines if not re.fullmatch(form, line)] == []


def test_quiet_says_nothing():
    assert train("--quiet").output == ""


def test_json_is_all_that_is_printed():
    result = train("--json")
    data = json.loads(result.stdout)
    model = cr.TableModel.load("houses.model")
    assert data["validation"] == model.about["validation"]
    assert data["model"] == "houses.model"
    assert data["bytes"] == Path("houses.model").stat().st_size
    assert [each["column"] for each in data["decisions"]] == houses().columns
    assert (data["epochs"], data["rows"]["training"]) == (2, 340)
    assert data["seconds"] > 0
    assert train("--json", "--quiet", "--force").stderr == ""


def test_a_page_about_the_training_is_written():
    result = train("--report", "page.html", "--json")
    assert json.loads(result.stdout)["report"] == "page.html"
    assert Path("page.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert re.search(r"^Report +page.html$", train("--report", "page.html", "--force").stdout, re.M)


def test_many_columns_are_told_in_few_lines():
    stderr = ran("train", "sklearn:digits", "--target", "target", *QUICK).stderr
    lines = [line for line in stderr.splitlines() if line.startswith("  ")]
    assert len(lines) <= 22
    assert lines[0].startswith("  target ")
    assert re.search(r"pixel_0_0 and \d+ more +left out +always 0", stderr)


# Options


VALUES = {
    "task": ("regression", "regression"),
    "quantiles": ("0.9,0.1", [0.1, 0.9]),
    "interval": ("0.9", 0.9),
    "numbers": ("id", ["id"]),
    "categories": ("kind,garden", ["kind", "garden"]),
    "dates": ("built", ["built"]),
    "texts": ("kind", ["kind"]),
    "leave_out": ("size", ["size"]),
    "many_categories": ("means", "means"),
    "order": ("kind=loft<flat<house", {"kind": ["loft", "flat", "house"]}),
    "weight": ("id", "id"),
    "validation": ("0.25", 0.25),
    "groups": ("kind", "kind"),
    "time": ("built", "built"),
    "embedding": ("periodic", "periodic"),
    "hidden": ("8,4", [8, 4]),
    "activation": ("tanh", "tanh"),
    "dropout": ("0.1", 0.1),
    "effort": ("best", "best"),
    "budget": ("5min", 300),
    "members": ("2", 2),
    "loss": ("huber(0.5)", "huber(0.5)"),
    "label_smoothing": ("0.1", 0.1),
    "class_weight": ("flat=2,loft=0.5", {"flat": 2.0, "loft": 0.5}),
    "metric": ("mae", "mae"),
    "optimizer": ("adam", "adam"),
    "learning_rate": ("0.01", 0.01),
    "schedule": ("one-cycle", "one-cycle"),
    "beta2": ("0.9", 0.9),
    "weight_decay": ("0.1", 0.1),
    "epochs": ("3", 3),
    "batch_size": ("16", 16),
    "shards": ("4", 4),
    "patience": ("5", 5),
    "clip_norm": ("1.5", 1.5),
    "refit": (None, True),
    "precision": ("bfloat16", "bfloat16"),
    "seed": ("7", 7),
    "threads": ("1", 1),
    "memory": ("300MB", 300_000_000),
    "timeout": ("5min", 300),
}


@pytest.mark.parametrize("field", dataclasses.fields(Options), ids=lambda field: field.name)
def test_each_option_reaches_the_training(field):
    text, value = VALUES[field.name]
    if field.name == "precision" and bfloat16.missing():
        pytest.skip(bfloat16.missing())
    target = "kind" if field.name in ("class_weight", "label_smoothing") else "price"
    flag = f"--{field.name.replace('_', '-')}"
    epochs = [] if field.name == "epochs" else ["--epochs", 1]
    option = [flag, *([text] if text else [])]
    result = run("train", "houses.csv", "--target", target, *epochs, *option)
    assert result.exit_code == 0, result.output
    told = cr.TableModel.load("houses.model").about["options"]
    if field.name in MACHINE:
        assert field.name not in told  # no bit of the model depends on it
    else:
        assert told[field.name] == value


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--quantiles", "0.1,x"], "must be numbers such as 0.1,0.5,0.9, got '0.1,x'"),
        (["--quantiles", "0.1,1"], "quantiles"),
        (["--loss", "hubr"], "unknown loss 'hubr'; did you mean 'huber'"),
        (["--loss", "hinge"], "loss 'hinge' is not for tables: it gives no probabilities"),
        (["--loss", "huber(0)"], "huber: delta must be a finite number > 0, got 0"),
        (["--loss", "cross_entropy"], "--loss cross_entropy is for classification: target 'price'"),
        (["--loss", "huber", "--task", "classification"], "is of the task regression, and task is"),
        (["--loss", "huber", "--quantiles", "0.5"], "quantiles 0.5 have a loss of their own"),
        *(
            (
                ["--interval", text],
                f"--interval must be a share between 0 and 1, such as 0.9, {got}",
            )
            for text, got in {
                "90": "got 90",
                "nan": "got nan",
                "inf": "got inf",
                "0": "got 0",
                "1": "got 1",
            }.items()
        ),
        (["--interval", "0,9"], "'--interval': must be a number such as 0.5, got '0,9'"),
        (["--validation", "0,2"], "'--validation': must be a number such as 0.5, got '0,2'"),
        (["--clip-norm", "nan"], "--clip-norm must be a finite number > 0, got nan"),
        (["--learning-rate", "nan"], "--learning-rate must be a finite number > 0, got nan"),
        (["--quantiles", "nan"], "--quantiles[0] must be a finite number > 0 and < 1, got nan"),
        (["--interval", "0.9", "--quantiles", "0.5"], "leave --quantiles out"),
        (["--class-weight", "flat"], "--class-weight must be 'balanced' or such as"),
        (["--class-weight", "flat=0"], "--class-weight of 'flat' must be a finite number > 0"),
        (["--class-weight", "balanced"], "--class-weight is for classes, and target 'price' is a"),
        (["--class-weight", "flt=2", "--target", "kind"], "names 'flt', which is no class of 'kin"),
        (["--metric", "acuracy"], "unknown metric 'acuracy'; did you mean 'accuracy'"),
        (["--metric", "r2", "--target", "kind"], "--metric r2 is not for target 'kind', which has"),
        (["--metric", "pinball"], "is not for target 'price', which is a quantity; take one of r"),
        (["--effort", "mroe"], "'mroe' is not one of 'fast', 'default', 'best'"),
        (["--members", "0"], "--members must be a whole number >= 1 and < 101, got 0"),
        (["--budget", "0"], "--budget must be a finite number > 0, got 0"),
        (["--budget", "soon"], "must be seconds, such as 30s or 5min, got 'soon'"),
        (["--learning-rate", "0.01,x"], "must be numbers such as 0.003,0.01, got '0.01,x'"),
        (["--learning-rate", "0.01,0.01"], "--learning-rate must be different numbers, such as"),
        (["--learning-rate", "0.01,0"], "--learning-rate[1] must be a finite number > 0, got 0"),
        (["--epochs", "0"], "--epochs must be a whole number >= 1, got 0"),
        (["--epochs", "many"], "'--epochs': must be a whole number such as 10, got 'many'"),
        (["--epochs", "1e3"], "'--epochs': must be a whole number such as 10, got '1e3'"),
        (["--hidden", "64,x"], "must be whole numbers such as 128,64, got '64,x'"),
        (["--order", "kind"], "must be such as cut=Fair<Good<Ideal, got 'kind'"),
        (["--order", "kind=flat<loft"], "order of 'kind' leaves out 'house'"),
        (["--order", "kind=flat<"], "order of 'kind' leaves out 'house'"),
        (["--order", 'kind="flat<loft"'], "must be such as cut=Fair<Good<Ideal, got"),
        (["--leave-out", "si\nze"], "a name that holds a line break stands in quotes, got"),
        (["--shards", "6"], "--shards must be a power of two, got 6; use 4 or 8"),
        (
            ["--shards", "16", "--batch-size", "8"],
            "--shards must be at most the 8 examples of --ba",
        ),
        (["--shards", "64"], "--shards must be at most the 32 examples of --batch-size, got 64"),
        (["--timeout", "0"], "--timeout must be a finite number > 0, got 0"),
        (["--groups", "kind", "--time", "built"], "--groups and --time exclude each other"),
        (["--memory", "much"], "must be bytes, such as 300MB or 2GiB, got 'much'"),
        (["--memory", "300XB"], "must be bytes, such as 300MB or 2GiB, got '300XB'"),
        (["--checkpoint-every", "soon"], "must be seconds, such as 30s or 5min, got 'soon'"),
        (["--optimizer", "adma"], "'adma' is not one of 'sgd'"),
        (["--activation", "rleu"], "unknown activation 'rleu'; did you mean 'relu'"),
        (["--validation", "1.5"], "validation must be a finite number > 0 and < 1, got 1.5"),
        (["--numbers", "sise"], "unknown column in --numbers 'sise'; did you mean 'size'?"),
        (["--numbers", "kind"], "column 'kind' holds text such as 'flat', no numbers"),
        (["--leave-out", "price"], "column 'price' is the target"),
        (["--task", "classification"], "which are no classes; use --task regression"),
        (["--groups", "kint"], "--groups 'kint' is no column of the table"),
        (["--encoding", "utf-9"], "unknown encoding 'utf-9'"),
        (["--delimiter", ";"], "unknown target 'price'"),
        (["--target", "prise"], "unknown target 'prise'; did you mean 'price'"),
        (["--resume", "--restart"], "--resume and --restart exclude each other"),
        (["--config", "no.toml"], "no.toml: No such file or directory"),
        (["--out", "no/houses.model"], "no/houses.model: cannot be written: No such file"),
        (["--out", "."], ".: is not a file that could be replaced"),
        (["--out", "houses.csv", "--force"], "houses.csv: is being read"),
        (["--report", "no/page.html"], "no/page.html: cannot be written: No such file"),
        (["--report", "houses.csv"], "houses.csv: is being read"),
        (["--report", "houses.model"], "houses.model: is the model"),
        (["--checkpoint", "houses.csv"], "houses.csv: cannot be used for checkpoints"),
        (["--unknown"], "No such option"),
    ],
)
def test_a_bad_option_is_refused_before_anything_is_written(options, message):
    before = Path("houses.csv").read_bytes()
    result = train(*options)
    refused(result, re.escape(message))
    assert files() == {"houses.csv"}
    assert Path("houses.csv").read_bytes() == before


ODD = 'a=b,kind,"say ""hi""",y\n' + "".join(
    f"{'xyz'[n % 3]},{['<1 h', '1-2 h', '>2 h'][n % 3]},{n},{n % 7}.5\n" for n in range(40)
)


@pytest.mark.parametrize(
    ("options", "column", "reason"),
    [
        (["--order", '"a=b"=z<y<x'], "a=b", "3 categories in order: z < y < x"),
        (["--order", 'kind="<1 h"<1-2 h<>2 h'], "kind", "order: <1 h < 1-2 h < >2 h"),
        (["--order", ' kind = "<1 h" < "1-2 h" < ">2 h" '], "kind", "<1 h < 1-2 h < >2 h"),
        (["--leave-out", '"say ""hi"""'], 'say "hi"', "as asked"),
        (["--leave-out", "a=b"], "a=b", "as asked"),
    ],
)
def test_names_and_categories_may_hold_what_parts_them(options, column, reason):
    Path("odd.csv").write_text(ODD)
    ran("train", "odd.csv", "--target", "y", "--epochs", 1, *options)
    decisions = cr.TableModel.load("odd.model").about["decisions"]
    assert reason in next(each["reason"] for each in decisions if each["column"] == column)


@pytest.mark.parametrize(("text", "value"), [(".003,.01", [0.003, 0.01]), (".01", 0.01)])
def test_several_rates_are_raced(text, value):
    ran("train", "houses.csv", "--target", "price", *QUICK, "--learning-rate", text)
    about = cr.TableModel.load("houses.model").about
    assert about["options"]["learning_rate"] == value
    assert ("race" in about["runs"]) == isinstance(value, list)


@pytest.mark.parametrize("options", [["--refit"], ["--no-refit"], ["--metric", "mae"]])
def test_a_race_and_its_members_are_told_in_a_line_each(options):
    how = ["--effort", "default", "--learning-rate", ".003,1e38,.03", *options]
    result = train(*how, "--members", 3, "--optimizer", "sgd")
    lines = " ".join(result.stdout.split())
    number = r"[\d.,]+"
    assert re.search(
        rf" Race rate (0.03|0.003) won: held out {number}, {number} at (0.03|0.003), "
        r"diverged at 1e\+38 Members the mean of 3 networks is predicted",
        lines,
    )
    brought = rf"is predicted: (RMSE|mean absolute error) held out {number}, of the first {number}"
    assert bool(re.search(brought, lines)) == ("--no-refit" in options)
    assert re.search(r" Time .* \(race .* s, members .* s\), .* examples a second", lines)
    assert "Racing the rates 0.003, 1e+38, 0.03." in result.stderr
    anew = "2 networks more." if "--no-refit" in options else "3 networks anew with all 400 rows."
    assert f"Training {anew}" in result.stderr
    assert max(map(len, result.output.splitlines())) <= 80


@pytest.mark.parametrize(
    ("options", "name", "value"),
    [
        (["--optimizer", "Adam"], "optimizer", "adam"),
        (["--schedule", "ONE-CYCLE"], "schedule", "one-cycle"),
        (["--task", "Regression"], "task", "regression"),
        (["--hidden", "8, 4"], "hidden", [8, 4]),
    ],
)
def test_case_and_blanks_make_no_other_value(options, name, value):
    ran("train", "houses.csv", "--target", "price", "--epochs", 1, *options)
    assert cr.TableModel.load("houses.model").about["options"][name] == value


@pytest.mark.parametrize("missing", ["TABLE", "--target"])
def test_what_is_missing_is_named(missing):
    given = {"TABLE": ["--target", "price"], "--target": ["houses.csv"]}[missing]
    refused(run("train", *given), f"Missing {missing}")


@pytest.mark.parametrize("arguments", [["train"], ["predict"], ["evaluate"], ["inspect"]])
def test_help_fits_80_columns(arguments):
    result = ran(*arguments, "--help")
    assert max(map(len, result.output.splitlines())) <= 80
    assert result.output.isascii()


def test_options_stand_under_the_headings_of_their_parts():
    text = ran("train", "--help").output
    places = ["The rows held out:", "--validation", "--time", "The network:", "--embedding"]
    places += ["--hidden", "--dropout", "The training:", "--effort"]
    at = [text.index(f"\n{place}" if place[0] == "T" else f"\n  {place} ") for place in places]
    assert at == sorted(at)


def test_every_option_has_help_and_its_default():
    text = " ".join(ran("train", "--help").output.split())
    for field in (*dataclasses.fields(Files), *dataclasses.fields(Options)):
        if field.name != "table":
            assert f"--{field.name.replace('_', '-')} " in text
            assert field.metadata["help"] in text
    assert "[default: adamw]" in text
    assert "[default: 0.15]" in text
    assert "[default: 30s]" in text
