"""Files are written whole or not at all, whatever fails on the way."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from alone import alone
from chainrule.serialization import read_file, write_file
from model_files import parsed

resource = pytest.importorskip("resource", reason="this system does not limit files")

ABOUT = {"kind": "sketch"}
OLD, NEW = {"w": np.zeros(100)}, {"w": np.ones(100)}


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_one_of_the_same_name_is_replaced(tmp_path):
    write_file(tmp_path / "some.model", OLD, ABOUT)
    write_file(tmp_path / "some.model", NEW, ABOUT)
    assert os.listdir(tmp_path) == ["some.model"]
    assert read_file(tmp_path / "some.model")[0]["w"].tolist() == [1] * 100


def test_a_link_leads_to_the_file(tmp_path):
    (tmp_path / "versions").mkdir()
    (tmp_path / "some.model").symlink_to("versions/1.model")
    write_file(tmp_path / "some.model", NEW, ABOUT)
    assert (tmp_path / "some.model").is_symlink()
    assert os.listdir(tmp_path / "versions") == ["1.model"]


def test_a_name_may_be_given_as_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_file("some.model", NEW, ABOUT)
    assert os.listdir(tmp_path) == ["some.model"]


@pytest.mark.parametrize("place", ["missing/some.model", "some.model/another.model"])
def test_a_folder_that_is_none_is_named(tmp_path, place):
    (tmp_path / "some.model").write_bytes(b"")
    with pytest.raises(OSError, match=rf"{place}'$"):
        write_file(tmp_path / place, NEW, ABOUT)
    assert contents(tmp_path) == {"some.model": b""}


def test_what_is_no_file_is_not_replaced(tmp_path):
    with pytest.raises(ValueError, match="is not a file that could be replaced"):
        write_file(tmp_path, NEW, ABOUT)
    with pytest.raises(ValueError, match="/dev/null: is not a file that could be replaced"):
        write_file("/dev/null", NEW, ABOUT)
    assert os.listdir(tmp_path) == []


# What fails on the way: the system's calls of a write, one after the other


def failing(error):
    def fail(*_, **__):
        raise error

    return fail


FAILING = [
    (os, "fsync", OSError(errno.EIO, "Input/output error")),
    (os, "fsync", OSError(errno.ENOSPC, "No space left on device")),
    (Path, "replace", PermissionError(errno.EACCES, "Permission denied")),
    (os, "fsync", KeyboardInterrupt()),
    (Path, "replace", KeyboardInterrupt()),
    (Path, "replace", MemoryError()),
]


@pytest.mark.parametrize(("of", "name", "error"), FAILING)
@pytest.mark.parametrize("before", [True, False])
def test_a_call_that_fails_leaves_the_old_file_alone(
    tmp_path, monkeypatch, of, name, error, before
):
    path = tmp_path / "some.model"
    if before:
        write_file(path, OLD, ABOUT)
    left = contents(tmp_path)
    monkeypatch.setattr(of, name, failing(error))
    with pytest.raises(type(error)) as caught:
        write_file(path, NEW, ABOUT)
    assert contents(tmp_path) == left
    if isinstance(error, OSError):
        assert str(caught.value) == f"[Errno {error.errno}] {error.strerror}: '{path}'"


def test_the_file_is_down_on_the_disk_before_its_name_is_and_then_its_folder(tmp_path, monkeypatch):
    calls, fsync, replace = [], os.fsync, Path.replace

    def noted_fsync(number):
        calls.append(("fsync", Path(os.readlink(f"/proc/self/fd/{number}")).name))
        fsync(number)

    def noted_replace(old, new):
        calls.append(("replace", old.name, new.name))
        return replace(old, new)

    if not Path("/proc/self/fd").exists():
        pytest.skip("this system does not name its open files")
    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    write_file(tmp_path / "some.model", NEW, ABOUT)
    beside = calls[0][1]
    assert beside.startswith(".some.model.")
    assert calls == [("fsync", beside), ("replace", beside, "some.model"), ("fsync", tmp_path.name)]


def limited(folder, limits):
    """What a write comes to where files may have so many bytes, and what is left in the folder."""
    outcomes = []
    for limit in limits:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        try:
            write_file(f"{folder}/some.model", NEW, ABOUT)
            outcomes.append("written")
        except OSError as error:
            outcomes.append(f"{error} {os.listdir(folder)}")
    return outcomes


def test_a_disk_that_is_full_keeps_the_old_file(tmp_path):
    """Full in the length, in the header, at its end, in the data, before the last byte."""
    path = tmp_path / "some.model"
    write_file(path, OLD, ABOUT)
    before = path.read_bytes()
    head = len(before) - 800
    limits = [0, 4, 8, 100, head - 1, head, head + 1, head + 400, len(before) - 1]
    said = f"[Errno 27] File too large: '{path}' ['some.model']"
    assert alone(limited, str(tmp_path), limits) == [said] * len(limits)
    assert path.read_bytes() == before
    assert alone(limited, str(tmp_path), [len(before)]) == ["written"]
    assert parsed(path.read_bytes())[0]["w"].tolist() == [1] * 100


def test_bad_input_leaves_the_old_file(tmp_path):
    net = cr.Network(1, [cr.Dense(1)], loss="huber")
    cr.save(tmp_path / "some.model", net, net.init())
    left = contents(tmp_path)
    broken = ((np.full((1, 1), np.nan), np.zeros(1)),)
    with pytest.raises(ValueError, match="params must be made by"):
        cr.save(tmp_path / "some.model", net, broken)
    assert contents(tmp_path) == left


# Names that others have


def test_what_is_no_model_file_stays_unless_it_is_forced(tmp_path):
    net = cr.Network(1, [cr.Dense(1)], loss="huber")
    path = tmp_path / "houses.csv"
    path.write_bytes(b"size,price\n100,3\n")
    with pytest.raises(FileExistsError) as caught:
        cr.save(path, net, net.init())
    assert str(caught.value) == (
        "[Errno 17] is there, and is not a model file; replace it by `force=True`, or choose "
        f"another name: '{path}'"
    )
    assert contents(tmp_path) == {"houses.csv": b"size,price\n100,3\n"}
    cr.save(path, net, net.init(), force=True)
    cr.save(path, net, net.init(1))  # now it is one
    (tmp_path / "empty").touch()
    cr.save(tmp_path / "empty", net, net.init())
    assert cr.load(tmp_path / "empty")[0] == cr.load(path)[0] == net


def test_one_of_the_same_name_stays_where_it_is_not_to_be_replaced(tmp_path):
    write_file(tmp_path / "some.model", OLD, ABOUT, replace=False)
    before = contents(tmp_path)
    with pytest.raises(FileExistsError):
        write_file(tmp_path / "some.model", NEW, ABOUT, replace=False)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("there", [True, False])
def test_a_file_system_without_links_takes_the_name_first(tmp_path, monkeypatch, there):
    def unsupported(*_):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", unsupported)
    path = tmp_path / "some.model"
    if there:
        path.write_bytes(b"by another")
        with pytest.raises(FileExistsError):
            write_file(path, NEW, ABOUT, replace=False)
        assert contents(tmp_path) == {"some.model": b"by another"}
    else:
        write_file(path, NEW, ABOUT, replace=False)
        assert read_file(path)[0]["w"].tolist() == [1] * 100
        monkeypatch.setattr(Path, "replace", failing(OSError(errno.EIO, "Input/output error")))
        with pytest.raises(OSError, match="Input/output"):
            write_file(tmp_path / "other.model", NEW, ABOUT, replace=False)
        assert os.listdir(tmp_path) == ["some.model"]
