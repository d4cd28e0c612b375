"""Where there are no products in bfloat16: all who ask for them are told why."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import chainrule as cr
from chainrule.cli import main
from chainrule.engine import bfloat16
from test_engine_bfloat16 import dense, digits, needs

OWN = cr.Activation("own", f=lambda z, xp: xp.tanh(z), df=lambda z, a, xp: 1 - a * a)


@pytest.mark.parametrize(
    ("layers", "dtype", "options", "why"),
    [
        (dense(2), "float32", {"engine": "reference"}, "engine='reference' has none"),
        (
            dense(2),
            "float64",
            {},
            "the parameters, of an estimator X, must be float32, got float64",
        ),
        (dense(2), "float32", {"shards": 1}, "none are made in shards, nor on several ranks"),
        ([cr.Dense(2, OWN)], "float32", {}, "the engine cannot run this: layer 0, Dense"),
        (
            dense(2),
            "float32",
            {"ties": [["0.b[0]", "0.b[1]"]]},
            "places of its parameters are tied",
        ),
    ],
)
def test_what_cannot_be_in_it_is_refused(layers, dtype, options, why, monkeypatch):
    monkeypatch.setattr(bfloat16, "missing", lambda: "")
    net = cr.Network(3, layers, "half_squared_error")
    params, X, y = net.init(0, dtype=dtype), np.ones((4, 3), dtype), np.ones((4, 2), dtype)
    with pytest.raises(
        ValueError, match=r"^fit: `precision='bfloat16'` cannot be used here: .*"
    ) as e:
        cr.fit(net, params, X, y, cr.SGD(), epochs=1, precision="bfloat16", **options)
    assert why in str(e.value)
    assert str(e.value).endswith("; leave it out")


def test_another_name_is_refused():
    net = cr.Network(3, dense(2), "half_squared_error")
    with pytest.raises(
        ValueError, match="unknown precision of fit 'bfloat'; did you mean 'bfloat16'"
    ):
        cr.fit(
            net,
            net.init(),
            np.ones((4, 3)),
            np.ones((4, 2)),
            cr.SGD(),
            epochs=1,
            precision="bfloat",
        )


def test_without_it_all_ask_and_are_told_why(monkeypatch, tmp_path):
    monkeypatch.setattr(bfloat16, "missing", lambda: "this processor: it lacks AVX512_BF16")
    asked = r"`precision='bfloat16'` cannot be used here: this processor: it lacks AVX512_BF16"
    X, y = digits()
    for call in (
        lambda: cr.MLPClassifier(precision="bfloat16").fit(X, y),
        lambda: cr.train("sklearn:wine", "target", precision="bfloat16"),
    ):
        with pytest.raises(ValueError, match=asked):
            call()
    command = ["train", "sklearn:wine", "--target", "target", "--out", str(tmp_path / "a")]
    result = CliRunner().invoke(main, [*command, "--precision", "bfloat16"])
    assert result.exit_code == 2
    assert "--precision bfloat16 cannot be used here: this processor: it lacks" in result.output
    assert "bfloat16   no; this processor" in CliRunner().invoke(main, ["info"]).output


def test_lbfgs_refuses_it():
    X, y = digits()
    with pytest.raises(ValueError, match="solver='lbfgs' has no products in bfloat16; leave"):
        cr.MLPClassifier(solver="lbfgs", precision="bfloat16").fit(X, y)


@needs
def test_a_lower_instruction_set_has_none():
    code = "from chainrule.engine import bfloat16; print(bfloat16.missing())"
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "CHAINRULE_ISA": "v2"},
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent,
    )
    assert found.stdout == "CHAINRULE_ISA is 'v2', and it needs 'v4'\n"
