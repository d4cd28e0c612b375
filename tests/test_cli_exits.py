"""How the command ends where a signal comes early, an output is closed or full, or a disk is."""

import os
import re
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from alone import alone
from commands import PROGRAM, QUICK, files, houses, ran, refused, run, train

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has other signals and streams")


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A folder with a table, in which the commands are called."""
    monkeypatch.chdir(tmp_path)
    houses().write_csv("houses.csv")
    return tmp_path


# Signals before there is anything to import


@posix
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_during_the_imports_ends_the_process_quietly(tmp_path, number, code):
    (tmp_path / "numpy.py").write_text(
        f"import os, time\nos.kill(os.getpid(), {int(number)})\ntime.sleep(60)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "info"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


# The standard streams

PREDICT = ["predict", "houses.model", "houses.csv"]
TRAIN = ["train", "houses.csv", "--target", "price", *QUICK]
EXPLAIN = ["explain", "2-2-2", "--of", "w1"]
FULL, CLOSED = "No space left on device", "is closed"


@posix
@pytest.mark.parametrize(
    ("redirection", "reason", "arguments"),
    [
        *((">/dev/full", FULL, each) for each in (["--help"], ["check"], PREDICT, EXPLAIN)),
        *((">&-", CLOSED, each) for each in (["--version"], ["check"], PREDICT, TRAIN)),
        (">&- <&-", CLOSED, PREDICT),
    ],
)
def test_what_cannot_be_printed_is_said_in_one_line(redirection, reason, arguments):
    if "full" in redirection and not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    if arguments is PREDICT:
        ran(*TRAIN, "--quiet")
    done = through_a_shell(redirection, *arguments)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, f"Error: output: {reason}")
    assert "Traceback" not in done.stderr


@posix
def test_nobody_has_to_listen_to_errors():
    assert through_a_shell("2>&-", "info").returncode == 0
    assert through_a_shell("2>&- | true", "explain", "2-2-2", "--of", "all").returncode == 0
    done = through_a_shell("2>&- >&-", *TRAIN)
    assert (done.returncode, files()) == (1, {"houses.csv", "houses.model"})


@posix
def test_a_closed_input_is_empty():
    done = through_a_shell("<&-", "train", "-", "--target", "y")
    assert (done.returncode, done.stderr) == (2, "Error: standard input: is empty\n")


def through_a_shell(redirection, *arguments):
    """What comes of a command with some of its streams redirected."""
    words = [sys.executable, *map(str, arguments)]
    return subprocess.run(
        ["sh", "-c", f'"$0" -c "$PROGRAM" "$@" {redirection}', *words],
        env={**os.environ, "PROGRAM": PROGRAM}, capture_output=True, text=True, check=False,
    )  # fmt: skip


# A disk that is full

WRITING = [
    *(
        ["predict", "houses.model", "houses.csv", "-o", f"made{ending}"]
        for ending in (".csv", ".csv.gz", ".tsv", ".parquet", ".arrow", ".feather")
    ),
    *(["explain", "2-2-2", "--of", "all", "-o", f"made.{ending}"] for ending in ("html", "tex")),
    *(["worksheet", "-o", f"made.{ending}"] for ending in ("html", "tex", "txt")),
    ["train", "houses.csv", "--target", "price", *QUICK, "--out", "made.model"],
    ["train", "houses.csv", "--target", "price", *QUICK, "--out", "made", "--report", "made.html"],
]


def with_a_full_disk(folder):
    """The exit codes and errors of commands that write, where no file may have 100 bytes."""
    import resource  # which Windows has not

    os.chdir(folder)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    ran("inspect", "houses.model")  # which imports, and perhaps compiles
    found = []
    for arguments in WRITING:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
        result = run(*arguments)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        found.append((result.exit_code, result.stderr.splitlines()[-1]))
    return found


@posix
def test_a_full_disk_is_a_failure_on_the_way(tmp_path):
    ran("train", "houses.csv", "--target", "price", *QUICK, "--quiet")
    for arguments, (code, said) in zip(
        WRITING, alone(with_a_full_disk, str(tmp_path)), strict=True
    ):
        assert code == 1, arguments
        assert re.fullmatch(r"Error: \S*made\S*: .*File too large\b.*", said)
    assert {name for name in files() if "checkpoints" not in name} == {"houses.csv", "houses.model"}


def with_no_room(folder):
    """The exit code, errors and files of a training where no file may have a byte."""
    import resource  # which Windows has not

    os.chdir(folder)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    result = run(*TRAIN)
    return result.exit_code, result.stderr, sorted(files())


@posix
def test_a_disk_without_a_byte_is_said_at_once(tmp_path):
    said = "Error: houses.model: cannot be written: File too large\n"
    assert alone(with_no_room, str(tmp_path)) == [1, said, ["houses.csv"]]


# Errors of usage


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["explain"], "Missing argument 'NETWORK'; see main explain --help"),
        (["--unknown"], "No such option '--unknown'.*; see main --help"),
        (["foretell"], "No such command 'foretell'.*; see main --help"),
        (["demo", "--part", "9"], "'--part': 9 is not in the range 1<=x<=3; see main demo --help"),
        (["train"], "Missing TABLE: it must be .*; see main train --help"),
        (["explain", "2-2-2", "--of", "w99"], "the network has no quantity 'w99'"),
        (["explain", "2-2-2", "--of", "w1", "-o", "missing/w1.html"], "there is no folder missing"),
        (["worksheet", "-o", "w.html/w.html"], "there is no folder w.html"),
    ],
)
def test_an_error_of_usage_is_one_line_too(arguments, said):
    result = run(*arguments)
    refused(result, said)
    assert len(result.stderr.splitlines()) == 1


# Warnings


def test_a_warning_is_a_line_without_the_place_in_the_program(monkeypatch):
    from chainrule.fitting.trainer import Trainer

    def killed(run):
        raise SystemExit(9)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "stopped", property(lambda run: run.visits == 2 and killed(run)))
        assert train("--epochs", 9, "--checkpoint-every", 0).exit_code == 9
    newest = sorted(Path("houses.model.checkpoints").glob("*.model"))[-1]
    newest.write_bytes(newest.read_bytes()[:-1])
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        result = train("--epochs", 9, "--resume", "--quiet")
    assert result.exit_code == 0
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"Warning: a checkpoint is passed over: {newest}")
    refused(run("inspect", newest), "No such file")
