"""Files that are read whole: regular and of a bounded size, or refused at once and in one line."""

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import chainrule as cr
from alone import alone
from chainrule import regular_files
from chainrule.cli import config
from chainrule.explanation.network_file import read_network_file
from chainrule.regular_files import open_regular, read_regular, sha256_of
from chainrule.serialization import Store
from chainrule.tabular import TableModel
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.table_error import TableError
from commands import houses, ran, refused, run

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no such files")

SPARSE = 2**40
"""The bytes of a file that takes no room."""


def make_sparse(path):
    path.touch()
    os.truncate(path, SPARSE)


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)  # a path has 100 characters at most


HOSTILE = {
    "pipe": (os.mkfifo, "is not a regular file but a pipe; save what it gives in a file"),
    "folder": (Path.mkdir, "is not a regular file but a folder; name a file"),
    "socket": (make_socket, "is not a regular file but a socket"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "is not a regular file but a device"),
    "sparse": (make_sparse, r"must have at most [\d,]+ bytes, got 1,099,511,627,776"),
}


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="this system has no such file")
@pytest.mark.parametrize("arguments", [["inspect"], ["explain", "--of", "w1"]])
def test_what_cannot_be_read_is_named(arguments):
    refused(run(*arguments, "/proc/self/mem"), "/proc/self/mem: Input/output error", code=1)


@pytest.fixture(params=[*HOSTILE, *(f"link to a {kind}" for kind in HOSTILE)])
def hostile(request, tmp_path, monkeypatch):
    """The name of a file that cannot be read whole, and what is said of it."""
    monkeypatch.chdir(tmp_path)
    kind = request.param.removeprefix("link to a ")
    make, message = HOSTILE[kind]
    name = Path("hostile")
    make(name)
    if kind != request.param:
        name = Path("link")
        name.symlink_to("hostile")
    return name, message


READERS = {
    "bytes": lambda path: read_regular(path, 2**20),
    "network file": read_network_file,
    "configuration": config.read,
    "network": cr.load,
    "model": TableModel.load,
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_what_has_no_end_is_refused_before_it_is_read(hostile, read, monkeypatch):
    path, message = hostile
    monkeypatch.setattr(regular_files, "AT_ONCE", -1)  # which opens nothing
    with pytest.raises(ValueError, match=f"^{path}: {message}"):
        read(path)


def test_a_checkpoint_that_has_no_end_is_passed_over(hostile):
    path, message = hostile
    Path("run").mkdir()
    Path("run", "checkpoint-00000007.model").symlink_to(path.absolute())
    with (
        Store("run") as store,
        pytest.warns(RuntimeWarning, match=message),
        pytest.raises(cr.CheckpointError, match="none of its 1 checkpoints can be read"),
    ):
        store.latest()


def test_a_file_of_the_most_bytes_is_read(tmp_path):
    path = tmp_path / "some"
    path.write_bytes(bytes(100))
    assert read_regular(path, 100) == bytes(100)
    assert sha256_of(path)[1] == 100
    with pytest.raises(ValueError, match=r"some: must have at most 99 bytes, got 100$"):
        read_regular(path, 99)


def test_a_file_that_becomes_a_pipe_before_it_is_opened_is_not_waited_for(tmp_path, monkeypatch):
    path = tmp_path / "some"
    path.touch()
    before = os.stat(path)
    path.unlink()
    os.mkfifo(path)
    monkeypatch.setattr(os, "stat", lambda *_, **__: before)
    with pytest.raises(ValueError, match="is not a regular file but a pipe"):
        open_regular(path, 100)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system has no such file")
@pytest.mark.parametrize("read", ["network file", "configuration"])
def test_a_file_that_is_longer_than_it_says_is_refused(read):
    with pytest.raises(ValueError, match="status: changes while it is read, from 0 bytes to 1 or"):
        READERS[read]("/proc/self/status")


def test_a_file_that_grows_is_digested_as_long_as_it_was(tmp_path):
    path = tmp_path / "grows"
    path.write_bytes(b"begin")
    with open_regular(path, 100) as file:
        with path.open("ab") as end:
            end.write(b" and more")
        sha = regular_files.hashlib.sha256()
        regular_files.digest(file, 5, sha)
    assert sha.hexdigest() == regular_files.hashlib.sha256(b"begin").hexdigest()


# Tables: what is held in memory has a bound, and a pipe someone who writes


@pytest.mark.parametrize("ending", [".json", ".jsonl", ".xlsx", ".ods"])
def test_a_table_that_is_held_in_memory_has_a_bound(tmp_path, ending):
    pytest.importorskip("fastexcel")
    make_sparse(tmp_path / f"large{ending}")
    with pytest.raises(TableError, match=f"large{ending}: must have at most 1,073,741,824 bytes"):
        open_source(tmp_path / f"large{ending}")


def test_a_pipe_that_nothing_writes_into_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr("chainrule.tabular.files.spool.PATIENCE", 0.1)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(TableError, match=r"pipe: is a pipe that nothing writes into; save the ta"):
        open_source(tmp_path / "pipe")


def test_what_writes_into_a_pipe_may_take_its_time(tmp_path, monkeypatch):
    monkeypatch.setattr("chainrule.tabular.files.spool.PATIENCE", 0.0)
    os.mkfifo(tmp_path / "pipe")
    keeper = os.open(tmp_path / "pipe", os.O_RDWR)

    def write():
        time.sleep(0.2)
        os.write(keeper, b"a,b\n1,2\n")
        time.sleep(0.2)
        os.write(keeper, b"3,4\n")
        os.close(keeper)

    writer = threading.Thread(target=write)
    writer.start()
    assert open_source(tmp_path / "pipe").whole().rows() == [(1, 2), (3, 4)]
    writer.join()


def test_a_pipe_that_does_not_end_does_not_fill_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: os.terminal_size((0, 0)) and _Free())
    with subprocess.Popen(["yes", "1,2"], stdout=subprocess.PIPE) as endless:
        monkeypatch.setattr("sys.stdin", open(endless.stdout.fileno(), closefd=False))  # noqa: SIM115
        with pytest.raises(TableError, match="standard input: is longer than half of what is fr"):
            open_source("-")
        endless.kill()


class _Free:
    free = 10_000_000


# The commands, in little memory and little time


COMMANDS = [
    ["explain", "hostile", "--of", "w1"],
    ["explain", "hostile", "--of", "w1", "--data", "houses.csv"],
    ["inspect", "hostile"],
    ["train", "houses.csv", "--target", "price", "--config", "hostile"],
    ["train", "hostile", "--target", "price"],
    ["predict", "hostile", "houses.csv"],
    ["evaluate", "hostile", "houses.csv"],
    ["predict", "houses.model", "hostile"],
]


def said_in_little_memory(folder, commands):
    """What each command says last, in a process that can take 3 GB."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (3 * 10**9, 3 * 10**9))
    os.chdir(folder)
    return [run(*arguments).stderr.splitlines()[-1] for arguments in commands]


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of memory is Linux's")
def test_no_command_reads_a_device(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    houses(40).write_csv("houses.csv")
    ran("train", "houses.csv", "--target", "price", "--epochs", 1, "--quiet")
    Path("hostile").symlink_to("/dev/zero")
    for said in alone(said_in_little_memory, str(tmp_path), COMMANDS):
        assert said.startswith("Error: hostile: is no")


@pytest.mark.parametrize("arguments", COMMANDS[:-1], ids=" ".join)
def test_every_command_refuses_what_has_no_end(hostile, monkeypatch, arguments):
    houses(40).write_csv("houses.csv")
    monkeypatch.setattr("chainrule.tabular.files.spool.PATIENCE", 0.0)
    name, _ = hostile
    words = [str(name) if word == "hostile" else word for word in arguments]
    refused(run(*words), f"^Error: {name}: (is|must have|unknown kind)")
