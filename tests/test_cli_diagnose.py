"""The command `diagnose`."""

import json

import numpy as np
import pytest

import chainrule as cr
from commands import run

TOML = """
layers = [2, 4, 1]
seed = 0
activation = ["tanh", "identity"]
loss = "squared_error"
inputs = {inputs}
targets = {targets}
rate = {rate}
"""


def written(folder, scale=1.0, rate=0.05):
    X = np.random.default_rng(0).normal(size=(40, 2)).round(3)
    y = (scale * X[:, :1]).round(3)
    path = folder / "network.toml"
    text = TOML.format(inputs=X.tolist(), targets=y.tolist(), rate=rate)
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "wine.model"
    cr.train("sklearn:wine", "target", epochs=10).save(path)
    return str(path)


def test_a_healthy_network_and_a_healthy_model(tmp_path, model):
    for arguments in ([written(tmp_path)], [model, "sklearn:wine"]):
        done = run("diagnose", *arguments)
        assert done.stdout.startswith("Nothing found. The cost is ")
        assert done.exit_code == 0


def test_what_is_found_is_printed_and_is_json(tmp_path):
    path = written(tmp_path, scale=1000.0)
    done = run("diagnose", path)
    assert done.exit_code == 1
    assert done.stdout.startswith("1. Unscaled target: the targets have a root mean square of ")
    found = json.loads(run("diagnose", path, "--json").stdout)
    assert found["findings"][0]["name"] == "unscaled_target"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no.toml"], "no.toml"),
        (["MODEL"], "is a model; name the table that it is diagnosed by after it"),
        (["MODEL", "sklearn:iris"], "the table lacks what the model was trained on"),
        (["2-2-2", "sklearn:wine"], "2-2-2"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(model, arguments, message):
    done = run("diagnose", *(model if each == "MODEL" else each for each in arguments))
    assert done.exit_code == 2
    assert done.stdout == ""
    assert message in done.stderr.splitlines()[-1]
