"""Locks: one process has one at a time, and it goes with its process."""

import errno
import os
import signal
import subprocess
import sys
import threading

import pytest

from chainrule.serialization.locks import HeldError, Lock

pytestmark = pytest.mark.skipif(os.name == "nt", reason="this system has no flock")

HOLDS = """
import sys, time
from pathlib import Path
from chainrule.serialization.locks import Lock
lock = Lock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / ".lock"


def test_a_lock_has_one_holder_and_leaves_nothing(path):
    with Lock(path):
        assert path.read_text() == str(os.getpid())
        with pytest.raises(HeldError) as held:
            Lock(path)
        assert held.value.holder == str(os.getpid())
    assert not path.exists()
    Lock(path).remove()


def test_a_lock_that_is_closed_lets_others_in_and_leaves_its_file(path):
    lock = Lock(path)
    lock.close()
    assert path.exists()
    with Lock(path):
        lock.remove()  # which holds nothing any more
        assert path.exists()


def test_a_lock_goes_with_its_process_however_it_ends(path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(HeldError, match=f"process {process.pid} holds it"):
            Lock(path)
        process.send_signal(signal.SIGKILL)
    assert path.read_text() == str(process.pid)
    with Lock(path):
        assert path.read_text() == str(os.getpid())


def test_of_many_at_once_one_has_it(path):
    """Each takes the lock and removes it again and again: never are two within it."""
    within, most, lost = [0], [0], []

    def work():
        for _ in range(200):
            try:
                lock = Lock(path)
            except HeldError:
                continue
            within[0] += 1
            most[0] = max(most[0], within[0])
            within[0] -= 1
            lock.remove()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
    assert not lost


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_text("what another wrote"), "is there, and is no lock"),
        (lambda path: path.symlink_to("table.csv"), os.strerror(errno.ELOOP)),
        (lambda path: path.mkdir(), os.strerror(errno.EISDIR)),
    ],
    ids=["file", "link", "folder"],
)
def test_what_is_no_lock_is_not_written_to(path, make, message):
    (path.parent / "table.csv").write_text("a,b")
    make(path)
    with pytest.raises(OSError, match=message):
        Lock(path)
    assert (path.parent / "table.csv").read_text() == "a,b"
    assert not path.is_file() or path.is_symlink() or path.read_text() == "what another wrote"
