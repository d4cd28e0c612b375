"""What libraries in Rust print where they panic: held back in the command, and nowhere else."""

import os
import subprocess
import sys
import tempfile
import threading

import polars as pl
import pytest

from chainrule.rust_panics import held_back, in_a_process_of_our_own, is_panic

FAR = pl.Series([2**31 - 1]).cast(pl.Int32).cast(pl.Date)


def panic():
    """Have polars panic, and print that it does."""
    with pytest.raises(BaseException, match="out-of-range date") as caught, held_back():
        FAR.max()
    assert is_panic(caught.value)


def test_a_panic_in_the_command_prints_nothing(capfd):
    with in_a_process_of_our_own():
        panic()
    assert capfd.readouterr() == ("", "")


def test_a_panic_in_a_program_of_others_is_let_through(capfd):
    panic()
    assert "panicked" in capfd.readouterr().err


@pytest.mark.parametrize("text", [b"a warning\n", b"x" * 300_000], ids=len)
def test_anything_else_is_printed(capfd, text):
    with in_a_process_of_our_own(), held_back():
        os.write(2, text)
    assert capfd.readouterr().err.encode() == text


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_what_was_printed_before_an_error_is_printed(capfd, error):
    def fail():
        os.write(2, b"why\n")
        raise error

    with in_a_process_of_our_own(), pytest.raises(error), held_back():
        fail()
    assert capfd.readouterr().err == "why\n"
    os.write(2, b"more\n")
    assert capfd.readouterr().err == "more\n"


def test_other_threads_of_a_program_print_at_once(capfd):
    with held_back():
        other = threading.Thread(target=os.write, args=(2, b"from beside\n"))
        other.start()
        other.join()
        assert capfd.readouterr().err == "from beside\n"


def test_no_room_to_hold_it_is_no_obstacle(capfd, monkeypatch):
    def full(**_):
        raise FileNotFoundError("no usable temporary directory")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with in_a_process_of_our_own(), held_back():
        os.write(2, b"a warning\n")
    assert capfd.readouterr().err == "a warning\n"


def test_no_file_stays_open():
    before = len(os.listdir("/dev/fd"))
    for _ in range(20):
        with in_a_process_of_our_own(), held_back():
            pass
    assert len(os.listdir("/dev/fd")) == before


def test_a_closed_standard_error_is_no_obstacle():
    code = "from chainrule.rust_panics import *\n"
    code += "with in_a_process_of_our_own(), held_back(): print(40)"
    command = ["sh", "-c", '"$0" -c "$1" 2>&-', sys.executable, code]
    made = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=60)
    assert made.stdout == "40\n"
