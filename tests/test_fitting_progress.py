"""How far a training is: lines in a log, a bar in a terminal or a notebook."""

import contextlib
import io
import re
import sys

import pytest
from rich.console import Console
from rich.text import Text

from chainrule.fitting.progress import Progress


def log(encoding="utf-8"):
    return Console(file=io.TextIOWrapper(io.BytesIO(), encoding=encoding), width=40)


def lines(console):
    console.file.flush()
    return console.file.buffer.getvalue().decode(console.encoding).splitlines()


@pytest.mark.parametrize("most", [2, 3, 10])
@pytest.mark.parametrize("epochs", [1, 2, 7, 10, 11, 45, 1000])
def test_a_log_has_the_first_epoch_the_last_and_some_between(epochs, most):
    console = log()
    with Progress(epochs, console, lines=most, width=4) as progress:
        for epoch in range(1, epochs + 1):
            progress.show(epoch - 0.5, "in the midst of one")
            progress.show(epoch, f"loss {epoch}")
    form = re.compile(rf"epoch +(\d+)/{epochs}  loss \1")
    shown = [int(form.fullmatch(line)[1]) for line in lines(console)]
    assert len(shown) == min(epochs, most)
    assert (shown[0], shown[-1]) == (1, epochs)
    assert shown == sorted(set(shown))


def test_a_training_that_ends_early_has_its_last_line():
    console = log()
    with Progress(100, console) as progress:
        for epoch in range(1, 18):
            progress.show(epoch, "so far")
    assert lines(console)[-1] == "epoch 17/100  so far"


def test_one_that_fails_has_no_line_more():
    console = log()
    with contextlib.suppress(ZeroDivisionError), Progress(100, console) as progress:
        progress.show(1, "so far")
        progress.show(2, "so far")
        raise ZeroDivisionError
    assert lines(console) == ["epoch 1/100  so far"]


@pytest.mark.parametrize(("encoding", "minus"), [("utf-8", "−"), ("ascii", "-"), ("cp1252", "-")])
def test_a_log_without_a_minus_sign_gets_a_hyphen(encoding, minus):
    console = log(encoding)
    with Progress(1, console) as progress:
        progress.show(1, "validation −0.5")
    assert lines(console) == [f"epoch 1/1  validation {minus}0.5"]


def test_what_is_left_is_that_of_the_epochs_made_now(monkeypatch):
    clock = iter([0.0, 30.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    with Progress(20, log(), begun=5) as progress:
        assert progress.left(10) == "60 s left"  # 30 s for 5, and 10 to come


def in_a_notebook(patch):
    """What a notebook displays of a training of three epochs."""
    shown = []
    patch.setattr("IPython.display.display", shown.append)
    with Progress(3, Console(force_jupyter=True, width=60)) as progress:
        for epoch in range(1, 4):
            progress.show(epoch, f"loss {1 / epoch:.2f}")
    return shown


def test_a_notebook_with_widgets_has_a_bar_that_is_drawn_in_place(monkeypatch, capsys):
    from ipywidgets import Output

    widget, *drawn = in_a_notebook(monkeypatch)
    assert isinstance(widget, Output)
    first, *_, last = (each.text for each in drawn if "epoch" in each.text)
    assert Text.from_ansi(first).plain.rstrip() == "epoch 0/3 ━━━━━━━━"
    assert Text.from_ansi(last).plain.rstrip() == "epoch 3/3 ━━━━━━━━ loss 0.33"
    assert "epoch" not in capsys.readouterr().out


def test_a_notebook_without_widgets_has_lines(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    assert [each.text for each in in_a_notebook(monkeypatch)] == [
        f"epoch {k}/3  loss {1 / k:.2f}\n" for k in (1, 2, 3)
    ]
