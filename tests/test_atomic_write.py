"""A file has its name once it is whole; test_serialization_writing.py lets each call fail."""

import pytest

from chainrule.atomic_write import AtomicFile, remove_unfinished, write_whole


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("commits", [True, False])
def test_what_stands_beside_it_goes_with_it(tmp_path, commits):
    other = tmp_path / ".some.csv.0123abcd.tmp"  # of another that is writing
    other.touch()
    with AtomicFile(tmp_path / "some.csv") as file:
        file.beside.write_bytes(b"whole")
        file.beside.with_name(f"{file.beside.name}.000000001").touch()
        if commits:
            file.commit()
    assert names(tmp_path) == [other.name, *["some.csv"] * commits]


@pytest.mark.parametrize("links", [True, False])
def test_a_name_that_another_has_by_then_is_left_to_it(tmp_path, monkeypatch, links):
    if not links:
        monkeypatch.setattr("pathlib.Path.hardlink_to", lambda *_: (_ for _ in ()).throw(OSError()))
    write_whole(tmp_path / "some.csv", [b"first"], replace=False)
    with pytest.raises(FileExistsError, match=r"some\.csv"):
        write_whole(tmp_path / "some.csv", [b"second"], replace=False)
    assert names(tmp_path) == ["some.csv"]
    assert (tmp_path / "some.csv").read_bytes() == b"first"


def test_what_a_kill_left_is_removed_with_its_parts(tmp_path):
    left = [".a.csv.0123abcd.tmp", ".a.csv.0123abcd.tmp.000000001"]
    kept = [".a.csv.lock", ".b.csv.0123abcd.tmp", "a.csv.0123abcd.tmp"]
    for name in (*left, *kept):
        (tmp_path / name).touch()
    remove_unfinished(tmp_path, "a.csv")
    assert names(tmp_path) == kept
