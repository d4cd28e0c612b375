"""BLAS is on one thread within the blocks that ask for it, and as it was after the last of them."""

import threading

import pytest
from threadpoolctl import threadpool_info

from chainrule.blas_threads import one_blas_thread


def on_threads() -> list[int]:
    return [each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"]


def test_blocks_that_overlap_in_other_threads_leave_what_was_before():
    before = on_threads()
    first_is_in, second_is_in = threading.Event(), threading.Event()
    seen = []

    def second():
        first_is_in.wait()
        with one_blas_thread:
            second_is_in.set()
            first.join()
            seen.append(on_threads())

    def outer():
        with one_blas_thread:
            first_is_in.set()
            second_is_in.wait()

    first, other = threading.Thread(target=outer), threading.Thread(target=second)
    first.start(), other.start()
    other.join()
    assert seen == [[1] * len(before)]
    assert on_threads() == before


def test_an_error_within_a_block_ends_it():
    before = on_threads()
    with pytest.raises(ZeroDivisionError), one_blas_thread:
        1 / 0  # noqa: B018
    assert on_threads() == before
