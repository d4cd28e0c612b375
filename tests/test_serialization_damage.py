"""Model files that are damaged in any way: refused, or as they were."""

import builtins
import hashlib
import json
import os
import pickle
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.serialization import read_file, write_file
from model_files import ZEROS, parsed
from test_serialization_files import read


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("files") / "some.model"


# Damage of every kind


@pytest.fixture(scope="module")
def small(path):
    """A small file, as it is and as bytes."""
    write_file(path, {"w": np.array([0.5, -0.25]), "b": np.float32([1])}, {"kind": "sketch"})
    return path, path.read_bytes()


def test_every_flip_of_a_bit_is_refused(small):
    path, data = small
    for place in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(cr.ModelFileError):
            read(path, bytes(flipped))


def test_every_shorter_length_is_refused(small):
    path, data = small
    for length in range(len(data)):
        with pytest.raises(cr.ModelFileError):
            read(path, data[:length])


EDITS = st.lists(
    st.tuples(
        st.sampled_from(["put", "insert", "remove"]), st.integers(0, 10**4), st.binary(max_size=9)
    ),
    min_size=1,
)


def edited(data, edits):
    data = bytearray(data)
    for kind, place, new in edits:
        place %= len(data) + 1  # noqa: PLW2901
        length = {"put": len(new), "insert": 0, "remove": 5}[kind]
        data[place : place + length] = b"" if kind == "remove" else new
    return bytes(data)


@given(EDITS, st.booleans())
def test_a_file_that_was_changed_is_refused_or_as_it_was(small, edits, resealed):
    """Resealed with the right SHA-256, it is read if it is another file as it could be written."""
    path, data = small
    digest = json.loads(data[8 : 8 + struct.unpack("<Q", data[:8])[0]])["__metadata__"]["sha256"]
    changed = edited(data.replace(digest.encode(), ZEROS.encode()) if resealed else data, edits)
    if resealed:
        changed = changed.replace(ZEROS.encode(), hashlib.sha256(changed).hexdigest().encode())
    try:
        arrays, about = read(path, changed)
    except cr.ModelFileError:
        return
    if not resealed:
        assert changed == data
    assert parsed(changed)[1] == about
    assert all(np.isfinite(array).all() for array in arrays.values())


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_refused(path, data):
    with pytest.raises(cr.ModelFileError):
        read(path, data)


def test_a_file_that_becomes_shorter_while_it_is_read(path, monkeypatch):
    write_file(path, {"w": np.ones(100_000)}, {"kind": "sketch"})
    empty = np.empty

    def shorten(*given):
        os.truncate(path, 300_000)
        return empty(*given)

    monkeypatch.setattr(np, "empty", shorten)
    with pytest.raises(
        cr.ModelFileError, match="is truncated: it became shorter while it was read"
    ):
        read_file(path)


def test_nothing_is_unpickled_or_run(path, monkeypatch):
    def never(*_, **__):
        raise AssertionError("a file was run")

    net = cr.Network(1, [cr.Dense(1)], loss="huber")
    cr.save(path, net, net.init())
    cr.load(path)  # the types of what it tells are made when they are first needed
    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, never)
    for name in ("eval", "exec", "compile"):
        monkeypatch.setattr(builtins, name, never)
    assert cr.load(path)[0] == net
