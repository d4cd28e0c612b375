"""Warnings point at the caller's line."""

import ast
import errno
import threading
import warnings
from pathlib import Path

import pytest

import chainrule as cr
from chainrule import engine
from chainrule.engine import native_run
from chainrule.warn import warn

NET = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
OWN = cr.Activation("halved", f=lambda z, xp: z / 2, df=lambda z, a, xp: xp.zeros_like(z) + 0.5)


def fit(of=cr.fit, layer=NET.layers[0], epochs=2, **options):
    net = cr.Network(1, [layer], loss="half_squared_error")
    return of(net, net.init(), [[1.0]], [2.0], cr.SGD(0.1), epochs=epochs, **options)


def without_an_engine(patch, folder):
    patch.setattr(engine, "native", None)
    engine.say_once_that_it_is_missing.cache_clear()
    fit()
    engine.say_once_that_it_is_missing.cache_clear()


def not_for_the_engine(patch, folder):
    native_run._say_once.cache_clear()
    fit(layer=cr.Dense(1, OWN))
    native_run._say_once.cache_clear()


def a_checkpoint_on_a_full_disk(patch, folder):
    def write_file(*_):
        raise OSError(errno.ENOSPC, "no space is left", str(folder))

    patch.setattr("chainrule.serialization.checkpoint_store.write_file", write_file)
    fit(callbacks=[cr.Checkpoint(folder, every=0)], epochs=1)


def a_torn_checkpoint(patch, folder):
    checkpoint = cr.Checkpoint(folder, every=0)
    fit(checkpoint.fit)
    checkpoint.newest.write_bytes(b"")
    fit(checkpoint.fit)


def a_checkpoint_of_another_arithmetic(patch, folder):
    checkpoint = cr.Checkpoint(folder, every=0)
    fit(checkpoint.fit, engine="reference")
    fit(checkpoint.fit, epochs=4)


WARNED = {
    without_an_engine: "without its compiled engine",
    not_for_the_engine: "slower, without the compiled engine",
    a_checkpoint_on_a_full_disk: "goes on without this checkpoint",
    a_torn_checkpoint: "a checkpoint is passed over",
    a_checkpoint_of_another_arithmetic: "to other bits",
}
"""What warns beside the estimators, whose warnings are in test_estimators_drop_in.py."""

BY_THE_ENGINE = {not_for_the_engine, a_checkpoint_of_another_arithmetic}


@pytest.mark.parametrize(("case", "message"), WARNED.items())
def test_a_warning_points_at_the_callers_line(case, message, monkeypatch, tmp_path):
    if case in BY_THE_ENGINE and engine.native is None:
        pytest.skip("there is no engine")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        case(monkeypatch, tmp_path / "run")
    told = [row for row in caught if message in str(row.message)]
    assert told
    assert {(row.filename, row.category) for row in told} == {(__file__, RuntimeWarning)}


def test_nothing_else_warns():
    """So that no place in the package counts by itself how deep below the caller it stands."""
    found = {
        path.name
        for path in Path(cr.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("warn", "warn_explicit")
    }
    assert found == {"warn.py"}


def within(name):
    """A function of a module of that name, which warns at the end of two calls."""
    module = {"__name__": name, "warn": warn}
    exec("def outer(): inner()\ndef inner(): warn('careful', UserWarning)", module)
    return module["outer"]


@pytest.mark.parametrize(
    ("name", "inside"),
    [
        ("chainrule", True),
        ("chainrule.layers.dense", True),
        ("sklearn.callback.base", True),
        ("chainrule_of_mine", False),
        ("sklearn.pipeline", False),
        ("__main__", False),
    ],
)
def test_the_caller_is_the_first_outside_of_the_package(name, inside):
    with pytest.warns(UserWarning, match="careful") as caught:
        within(name)()
    assert caught[0].filename == (__file__ if inside else "<string>")


def in_a_thread(function):
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


def test_a_thread_of_its_own_has_its_first_line_for_a_caller():
    with pytest.warns(UserWarning, match="careful") as caught:
        in_a_thread(within("chainrule.deep"))
    assert caught[0].filename == threading.__file__


def test_the_same_line_is_told_once_where_warnings_are():
    """By the registry of the caller's module, as for any warning."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            within("chainrule.deep")()
    assert len(caught) == 1
