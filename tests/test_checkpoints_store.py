"""A folder of checkpoints: what stays, what is read, and who may write."""

import errno
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from alone import alone
from chainrule.serialization import Store, read_file

resource = pytest.importorskip("resource", reason="this system does not limit files")


def save(store, number):
    return store.save({"w": np.full(100, float(number))}, {"kind": "sketch", "number": number})


def names(folder):
    return sorted(path.name for path in Path(folder).iterdir() if path.name != ".lock")


def checkpoint(number):
    return f"checkpoint-{number:08}.model"


@pytest.mark.parametrize("keep", [1, 2, 3])
def test_the_last_few_stay(tmp_path, keep):
    with Store(tmp_path / "new" / "folder", keep=keep) as store:
        assert store.latest() is None
        for number in range(1, 6):
            path = save(store, number)
            assert path == store.directory / checkpoint(number)
            kept = range(max(1, number + 1 - keep), number + 1)
            assert names(store.directory) == [checkpoint(n) for n in kept]
            arrays, about = store.latest()
            assert (about["number"], arrays["w"][0]) == (number, number)


def test_a_store_goes_on_with_the_next_number(tmp_path):
    for number in range(1, 4):
        with Store(tmp_path) as store:
            assert save(store, number).name == checkpoint(number)


def test_numbers_are_not_compared_as_text(tmp_path):
    with Store(tmp_path) as store:
        save(store, 1).rename(tmp_path / "checkpoint-99999999.model")
        assert save(store, 2).name == "checkpoint-100000000.model"
        assert store.latest()[1]["number"] == 2
        assert save(store, 3).name == "checkpoint-100000001.model"


def test_a_smaller_keep_removes_more(tmp_path):
    with Store(tmp_path, keep=5) as store:
        for number in range(1, 6):
            save(store, number)
    with Store(tmp_path, keep=2) as store:
        save(store, 6)
    assert names(tmp_path) == [checkpoint(5), checkpoint(6)]


def test_older_ones_go_only_once_the_new_one_stands(tmp_path, monkeypatch):
    unlink, seen = Path.unlink, []

    def noted(path, **options):
        seen.append((path.name, names(tmp_path)))
        unlink(path, **options)

    with Store(tmp_path, keep=1) as store:
        save(store, 1)
        monkeypatch.setattr(Path, "unlink", noted)
        save(store, 2)
    assert (checkpoint(1), [checkpoint(1), checkpoint(2)]) in seen


# What is left behind, and what is not Chainrule's


def test_orphans_go_and_the_rest_stays(tmp_path):
    others = [
        "notes.txt",
        ".some.model.0badcafe.tmp",
        "checkpoint-x.model",
        "checkpoint-1.model.old",
    ]
    orphans = [f".{checkpoint(number)}.0123abcd.tmp" for number in (1, 2)]
    for name in others + orphans:
        (tmp_path / name).write_bytes(b"half")
    with Store(tmp_path, keep=1) as store:
        assert names(tmp_path) == sorted(others)
        assert store.latest() is None
        save(store, 1)
        save(store, 2)
    assert names(tmp_path) == sorted([*others, checkpoint(2)])


def broken(path, how):
    data = path.read_bytes()
    path.write_bytes({"torn": data[:-5], "flipped": data[:-1] + b"\1", "empty": b""}[how])


@pytest.mark.parametrize("how", ["torn", "flipped", "empty"])
def test_one_that_cannot_be_read_is_passed_over(tmp_path, how):
    with Store(tmp_path) as store:
        paths = [save(store, number) for number in (1, 2, 3)]
        broken(paths[2], how)
        message = re.escape(f"a checkpoint is passed over: {paths[2]}: is ")
        with pytest.warns(RuntimeWarning, match=message):
            assert store.latest()[1]["number"] == 2
        assert save(store, 4).name == checkpoint(4)
        assert store.latest()[1]["number"] == 4


def test_two_that_cannot_be_read_are_passed_over(tmp_path):
    with Store(tmp_path) as store:
        paths = [save(store, number) for number in (1, 2, 3)]
        broken(paths[1], "torn")
        broken(paths[2], "empty")
        with pytest.warns(RuntimeWarning, match="passed over") as warned:
            assert store.latest()[1]["number"] == 1
        assert len(warned) == 2


@pytest.mark.filterwarnings("ignore:a checkpoint is passed over:RuntimeWarning")
def test_where_none_can_be_read_nothing_starts_anew(tmp_path):
    with Store(tmp_path) as store:
        for number in (1, 2):
            broken(save(store, number), "torn")
        with pytest.raises(cr.CheckpointError) as caught:
            store.latest()
    assert str(caught.value) == (
        f"{tmp_path}: none of its 2 checkpoints can be read, the oldest because of: "
        f"{tmp_path / checkpoint(1)}: is truncated: they take 800 bytes, got 795; to start anew, "
        "remove them or take another directory"
    )


# One writer at a time


@pytest.mark.skipif(os.name == "nt", reason="this system has no flock")
def test_a_second_writer_is_kept_out_by_name(tmp_path):
    orphan = tmp_path / f".{checkpoint(1)}.0123abcd.tmp"
    with Store(tmp_path) as store:
        orphan.write_bytes(b"half")  # which the first is about to finish
        with pytest.raises(cr.CheckpointError) as caught:
            Store(tmp_path)
        assert orphan.exists()
        save(store, 1)
    assert str(caught.value) == (
        f"{tmp_path}: process {os.getpid()} writes its checkpoints there; give each run a "
        "directory of its own, or end the other first"
    )
    with Store(tmp_path) as store:
        assert store.latest()[1]["number"] == 1
    assert names(tmp_path) == [checkpoint(1)]


def refused(folder):
    try:
        Store(folder).close()
    except cr.CheckpointError as error:
        return str(error)


@pytest.mark.skipif(os.name == "nt", reason="this system has no flock")
def test_another_process_is_kept_out(tmp_path):
    with Store(tmp_path):
        assert f"process {os.getpid()} writes its checkpoints there" in alone(
            refused, str(tmp_path)
        )
    assert alone(refused, str(tmp_path)) is None
    assert refused(tmp_path) is None


@pytest.mark.skipif(os.name == "nt", reason="this system has no flock")
def test_a_file_system_without_locks_is_used_without(tmp_path, monkeypatch):
    import fcntl

    def unsupported(*_):
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    with Store(tmp_path) as store:
        save(store, 1)


# What goes wrong with the folder


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    message = (
        r"file: cannot be used for checkpoints: File exists; make room or take another directory"
    )
    with pytest.raises(cr.CheckpointError, match=message):
        Store(tmp_path / "file")
    with pytest.raises(cr.CheckpointError, match="cannot be used for checkpoints: Not a directory"):
        Store(tmp_path / "file" / "folder")


def test_a_folder_that_is_gone(tmp_path):
    with Store(tmp_path / "run") as store:
        shutil.rmtree(tmp_path / "run")
        with pytest.raises(
            cr.CheckpointError, match="run: takes no checkpoint: No such file or dire"
        ):
            save(store, 1)
        with pytest.raises(
            cr.CheckpointError, match="cannot be used for checkpoints: No such file"
        ):
            store.latest()


@pytest.mark.parametrize("keep", [0, -1, 1.5, None])
def test_keep_must_be_a_number_of_files(tmp_path, keep):
    with pytest.raises((TypeError, ValueError), match="Store: keep must be a whole number >= 1"):
        Store(tmp_path / "folder", keep=keep)
    assert not (tmp_path / "folder").exists()


def test_what_no_file_can_hold(tmp_path):
    with Store(tmp_path) as store:
        save(store, 1)
        with pytest.raises(cr.CheckpointError, match=r"its array 'w' must be finite"):
            store.save({"w": [np.nan]}, {"kind": "sketch"})
    assert names(tmp_path) == [checkpoint(1)]


def limited(folder, limits):
    """What is said where files may have so many bytes, and what is left each time."""
    outcomes = []
    with Store(folder, keep=1) as store:
        for limit in limits:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
            try:
                save(store, 2)
                outcomes.append("written")
            except cr.CheckpointError as error:
                outcomes.append(f"{error} {names(folder)}")
    return outcomes


def test_a_disk_that_is_full_keeps_the_checkpoint_before(tmp_path):
    """Full in the length, in the header, at its end, in the data, before the last byte."""
    with Store(tmp_path) as store:
        path = save(store, 1)
    before = path.read_bytes()
    head = len(before) - 800
    limits = [4, 8, 100, head - 1, head, head + 1, head + 400, len(before) - 1]
    said = (
        f"{tmp_path / checkpoint(2)}: takes no checkpoint: File too large; make room for it "
        f"['{checkpoint(1)}']"
    )
    assert alone(limited, str(tmp_path), limits) == [said] * len(limits)
    assert path.read_bytes() == before
    assert alone(limited, str(tmp_path), [len(before)]) == ["written"]
    assert names(tmp_path) == [checkpoint(2)]
    assert read_file(tmp_path / checkpoint(2))[1]["number"] == 2
