"""The one logger: what it has at which level, and that the library says nothing by itself."""

import ast
import logging
import subprocess
import sys
from pathlib import Path

import numpy as np

import chainrule as cr
from chainrule import engine

NET = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
SOURCE = Path(cr.__file__).parent
FOR_PEOPLE = {"cli", "demo"}
"""The packages that print."""


def fit(of=cr.fit, epochs=2, **options):
    return of(NET, NET.init(), [[1.0]], [2.0], cr.SGD(0.1), epochs=epochs, **options)


def calls(path, name):
    """The calls of a function or method of that name in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and name in (
            getattr(node.func, "id", None), getattr(node.func, "attr", None)
        ):  # fmt: skip
            yield node


def test_the_library_calls_no_print_and_has_one_logger():
    loggers = []
    for path in SOURCE.rglob("*.py"):
        if not FOR_PEOPLE & {*path.relative_to(SOURCE).parts}:
            own = [node for node in calls(path, "print") if isinstance(node.func, ast.Name)]
            assert not own, path
        loggers += [
            node.args[0].value for node in calls(path, "getLogger") if path.name != "workbooks.py"
        ]
    assert loggers == ["chainrule"]  # workbooks.py silences the one of fastexcel


def test_it_is_silent_until_somebody_asks():
    logger = logging.getLogger("chainrule")
    assert [type(each) for each in logger.handlers] == [logging.NullHandler]
    assert (logger.level, logger.propagate) == (logging.NOTSET, True)
    code = (
        "import chainrule as cr; net = cr.Network(1, [cr.Dense(1)], 'huber'); "
        "cr.fit(net, net.init(), [[1.0]], [2.0], cr.SGD(0.1), epochs=2, engine='reference')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_fit_tells_its_epochs_to_who_debugs(caplog):
    caplog.set_level(logging.INFO, "chainrule")
    fit()
    assert caplog.messages == []
    caplog.set_level(logging.DEBUG, "chainrule")
    losses = fit(validation=([[1.0]], [2.0]))[1].loss
    by = engine.isa or "reference"
    assert caplog.messages == [
        f"fit: epochs 1 to 2, 1 examples here, engine {by}",
        *(f"fit: epoch {k}, loss {loss:g}" for k, loss in enumerate(losses, 1)),
        "fit: over after epoch 2, the last",
    ]


def test_fit_tells_what_broke_it_off(caplog):
    caplog.set_level(logging.DEBUG, "chainrule")

    def fails(history):
        raise ZeroDivisionError("by a callback")

    try:
        fit(callbacks=[fails])
    except ZeroDivisionError:
        assert caplog.messages[-1] == (
            "fit: broken off after epoch 1: ZeroDivisionError('by a callback')"
        )


def test_a_run_tells_the_checkpoint_that_it_goes_on_from(caplog, tmp_path):
    caplog.set_level(logging.INFO, "chainrule")
    checkpoint = cr.Checkpoint(tmp_path, every=0)
    fit(checkpoint.fit)
    newest = checkpoint.newest
    fit(checkpoint.fit, epochs=3)
    assert caplog.messages == [f"going on from the checkpoint {newest}"]
    assert newest.exists()


def test_a_training_of_a_table_tells_its_stages_and_files(caplog, tmp_path):
    import polars as pl

    caplog.set_level(logging.INFO, "chainrule")
    frame = pl.DataFrame({"x": np.sin(np.arange(40.0)), "y": np.arange(40.0) % 7})
    path = tmp_path / "y.model"
    cr.train(frame, "y", effort="fast", epochs=2, learning_rate=0.01, out=path)
    first, *_, last = caplog.messages
    assert first.endswith("34 rows in training, 6 held out")
    assert last == f"{path} written"
    assert "first: 1 network" in caplog.messages
    assert all(row.name == "chainrule" for row in caplog.records)
