"""The command as a process: signals, pipes, terminals, and what shells complete."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chainrule.cli.signals import Signals
from commands import PROGRAM, QUICK, houses, ran, started

LONG = ("--epochs", 1_000_000, "--patience", 1_000_000, "--checkpoint-every", 0)

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has other signals and terminals")


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    houses().write_csv("houses.csv")


def wait_for(pattern):
    for _ in range(2400):
        if any(Path().glob(pattern)):
            return
        time.sleep(0.025)
    raise TimeoutError(pattern)


# Signals


@posix
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_training_with_a_checkpoint(number, code):
    with started("train", "houses.csv", "--target", "price", *LONG) as training:
        wait_for("houses.model.checkpoints/checkpoint-*.model")
        training.send_signal(number)
        stdout, stderr = training.communicate(timeout=60)
    assert training.returncode == code
    assert stdout == ""
    last = stderr.splitlines()[-1]
    assert last.startswith("Interrupted; to go on: chainrule train houses.csv --target price ")
    assert last.endswith(" --resume")
    assert "Traceback" not in stderr
    assert not list(Path().glob("**/*.tmp"))
    assert any(Path("houses.model.checkpoints").glob("checkpoint-*.model"))


@posix
def test_a_signal_leaves_no_part_of_predictions():
    ran("train", "houses.csv", "--target", "price", *QUICK, "--quiet")
    header, _, rows = houses(50_000).write_csv().partition("\n")
    Path("many.csv").write_text(f"{header}\n{40 * rows}")
    with started("predict", "houses.model", "many.csv", "-o", "made.csv") as predicting:
        wait_for(".made.csv.*.tmp")
        predicting.send_signal(signal.SIGTERM)
        output = predicting.communicate(timeout=60)
    assert (output, predicting.returncode) == (("", "\n"), 143)
    assert not list(Path().glob("*made*"))


def test_the_second_signal_ends_the_process_at_once(monkeypatch):
    def leave(code):
        raise SystemExit(code)

    monkeypatch.setattr(os, "_exit", leave)
    before = signal.getsignal(signal.SIGINT)
    with Signals() as signals:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        assert signals.exit_code == 143
        with pytest.raises(SystemExit, match="130"):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


# Pipes


@posix
def test_a_pipe_that_nobody_reads_on_ends_predict_quietly():
    ran("train", "houses.csv", "--target", "price", *QUICK, "--quiet")
    houses(200_000).write_csv("new.csv")
    with started("predict", "houses.model", "new.csv") as predicting:
        first = predicting.stdout.readline()
        predicting.stdout.close()
        said = predicting.stderr.read()
    assert (first, said, predicting.returncode) == ("prediction\n", "", 1)


# Terminals


def on_a_terminal(*arguments, **environment):
    """What a command writes to a terminal of 80 columns."""
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80", **environment},
    )  # fmt: skip
    os.close(theirs)
    written = b""
    try:
        while part := os.read(ours, 65_536):
            written += part
    except OSError:  # so Linux says that the other end is closed
        pass
    os.close(ours)
    assert process.wait() == 0, written.decode()
    return written.decode()


@posix
def test_a_terminal_has_a_bar_that_goes_away():
    written = on_a_terminal("train", "houses.csv", "--target", "price", "--epochs", "8")
    plain = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", written)
    assert re.search(r"epoch 8/8 ━+ loss [\d.]+, held out [\d.]+, best [\d.]+", plain)
    assert max(map(len, re.split(r"[\r\n]+", plain))) <= 80
    hidden, shown = written.rindex("\x1b[?25l"), written.rindex("\x1b[?25h")
    assert hidden < shown < written.index("Target ")


@posix
def test_colours_are_left_out_where_they_are_not_wanted():
    colour = re.compile(r"\x1b\[[\d;]*3[1-7]m|\x1b\[9\dm")
    arguments = ("train", "houses.csv", "--target", "price", "--epochs", "2", "--force")
    assert colour.search(on_a_terminal(*arguments, NO_COLOR=""))
    assert not colour.search(on_a_terminal(*arguments, NO_COLOR="1"))


# Completion


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("chainrule tr", "train"),
        ("chainrule train --lea", "--learning-rate"),
        ("chainrule ins", "inspect"),
    ],
)
def test_shells_complete_commands_and_options(words, expected):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "_CHAINRULE_COMPLETE": "bash_complete", "COMP_WORDS": words,
             "COMP_CWORD": str(len(words.split()) - 1)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert f"plain,{expected}" in done.stdout.split()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_is_told_how_to_complete(shell):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "_CHAINRULE_COMPLETE": f"{shell}_source"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "_CHAINRULE_COMPLETE" in done.stdout


# Memory


@posix
def test_twenty_times_the_rows_take_hardly_more_memory():
    ran("train", "houses.csv", "--target", "price", *QUICK, "--quiet")
    header, _, rows = houses(50_000).write_csv().partition("\n")
    Path("few.csv").write_text(f"{header}\n{rows}")
    Path("many.csv").write_text(f"{header}\n{20 * rows}")
    few, many = (
        most_memory("predict", "houses.model", name, "-o", "made.csv")
        for name in ("few.csv", "many.csv")
    )
    assert many - few < 64 * 2**20


def most_memory(*arguments):
    """The most bytes that a command held at once."""
    with started(*arguments) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
