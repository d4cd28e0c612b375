"""Model files: what is written is a safetensors file, and nothing else is read."""

import json
import os
import struct

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_in

import chainrule as cr
from chainrule.serialization import read_file, write_file
from model_files import ABOUT, BODY, ENTRIES, ZEROS, header, parsed, sealed
from refusals import XP

# What is written

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abé\n", max_size=3), inner)
    ),
    max_leaves=8,
)
SHAPES = arrays_in.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
FLOATS = {"allow_nan": False, "allow_infinity": False}
ARRAYS = st.one_of(
    *(
        arrays_in.arrays(f"{order}f{size}", SHAPES, elements=FLOATS)
        for order in "<>"
        for size in (4, 8)
    ),
    arrays_in.arrays(st.sampled_from(["<i8", ">i8"]), SHAPES),
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("files") / "some.model"


@given(st.dictionaries(st.text("ab.é\u4e2d", max_size=4), ARRAYS, max_size=4), JSON)
def test_what_is_written_is_read_by_all(path, given, more):
    write_file(path, given, {"kind": "sketch", "more": more})
    own, own_about = read_file(path)
    by_hand, about_by_hand = parsed(path.read_bytes())
    theirs = safetensors.numpy.load_file(path)
    with safetensors.safe_open(path, "np") as opened:
        about_of_theirs = json.loads(opened.metadata()["chainrule"])
    assert own_about == about_by_hand == about_of_theirs
    assert own_about == {"kind": "sketch", "more": more, "format": 1, "library": cr.__version__}
    assert set(own) == set(by_hand) == set(theirs) == set(given)
    for name, array in given.items():
        native = array.astype(array.dtype.newbyteorder("="))
        for found in (own[name], by_hand[name], theirs[name]):
            assert (found.dtype, found.shape) == (native.dtype, native.shape)
            assert found.tobytes() == native.tobytes()


def test_what_is_read_can_be_written_to(path):
    write_file(path, {"w": np.ones(3)}, {"kind": "sketch"})
    (w,) = read_file(path)[0].values()
    w += 1
    assert w.tolist() == [2, 2, 2]


@pytest.mark.parametrize(
    "given",
    [
        [[1.0, 2.0], [3.0, 4.0]],
        XP.asarray([[1.0, 2.0], [3.0, 4.0]]),
        np.array([[1.0, 3.0], [2.0, 4.0]]).T,
        np.array([[1.0, 0.0, 2.0], [3.0, 0.0, 4.0]])[:, ::2],
    ],
    ids=["list", "another library", "transposed", "strided"],
)
def test_arrays_of_any_kind(path, given):
    write_file(path, {"w": given}, {"kind": "sketch"})
    assert read_file(path)[0]["w"].tolist() == [[1, 2], [3, 4]]


def test_equal_content_makes_equal_bytes(tmp_path):
    a, b = np.arange(3.0), np.arange(4, dtype=np.float32)
    write_file(tmp_path / "1", {"a": a, "b": b}, {"kind": "sketch", "x": {"p": 1, "q": [2]}})
    write_file(tmp_path / "2", {"b": b, "a": a}, {"x": {"q": [2], "p": 1}, "kind": "sketch"})
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_each_array_begins_at_a_multiple_of_its_items(path):
    write_file(path, {"a": np.ones(1, "f4"), "b": np.ones(1), "c": np.ones(3, "f4")}, ABOUT)
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    entries = json.loads(data[8 : 8 + length])
    places = [(entries[name]["data_offsets"][0], size) for name, size in (("a", 4), ("b", 8))]
    assert all((8 + length + place) % size == 0 for place, size in places)


NOT_WRITTEN = [
    # arrays, about, error, message
    (
        {"w": np.ones(2, "f2")},
        {},
        ValueError,
        "its array 'w' must be of float64, int64, float32, g",
    ),
    ({"w": np.ones(2, bool)}, {}, ValueError, "got bool"),
    ({"w": np.array(["a"])}, {}, ValueError, "got <U1"),
    ({"w": np.array([None])}, {}, ValueError, "got object"),
    ({"w": [1.0, np.nan]}, {}, ValueError, "its array 'w' must be finite"),
    ({"w": [1.0, np.inf]}, {}, ValueError, "its array 'w' must be finite"),
    ({"w": np.float32([-np.inf, 0])}, {}, ValueError, "its array 'w' must be finite"),
    ({"__metadata__": [1.0]}, {}, ValueError, "no array can be called '__metadata__'"),
    ({"\ud800": [1.0]}, {}, ValueError, "its header is not UTF-8"),
    ({}, {"kind": None}, ValueError, "its metadata must tell its kind"),
    ({}, {"x": (1, 2)}, ValueError, "must be made of dict, list, str, int, float, bool and None"),
    ({}, {"x": {1: 2}}, ValueError, "must be made of dict, list, str, int, float, bool and None"),
    ({}, {"x": np.nan}, ValueError, "not JSON compliant"),
    ({}, {"x": 2**70}, ValueError, "holds a whole number of 22 digits"),
    ({}, {"x": "\ud800"}, ValueError, "is not UTF-8"),
    ({}, {"x": np.float32(1)}, TypeError, "float32 is not JSON serializable"),
    ({}, {"x": "x" * (4 << 20)}, ValueError, "its header must have at most 4,194,304 bytes"),
    ({}, {"x": [0] * 250_001}, ValueError, "holds more than 250,000 values"),
    ({}, {"x": eval("[" * 50 + "]" * 50)}, ValueError, "is nested more than 50 deep"),
]


@pytest.mark.parametrize(("arrays", "about", "error", "message"), NOT_WRITTEN)
def test_what_could_not_be_read_is_not_written(tmp_path, arrays, about, error, message):
    with pytest.raises(error, match=message):
        write_file(tmp_path / "some.model", arrays, {"kind": "sketch", **about})
    assert list(tmp_path.iterdir()) == []


# What is refused


def read(path, data):
    path.write_bytes(data)
    return read_file(path)


def test_what_the_table_of_refusals_begins_with_is_read(path):
    arrays, about = read(path, sealed(header()))
    assert about == ABOUT
    assert {name: array.tolist() for name, array in arrays.items()} == {
        "a": [1.5, -2.0],
        "b": [[0.25, 3.0]],
    }


def told(**changes):
    return sealed(header(about={**ABOUT, **changes}))


def entry(**changes):
    """The file with an entry of its second array changed."""
    return sealed(header({**ENTRIES, "b": {**ENTRIES["b"], **changes}}))


def place(*places, body=BODY):
    """The file with its two arrays elsewhere."""
    entries = {
        name: {**ENTRIES[name], "data_offsets": at} for name, at in zip("ab", places, strict=True)
    }
    return sealed(header(entries), body)


def told_as(text):
    return sealed(header(about=text))


RIGHT = sealed(header())
END = 8 + len(header())
SHORT = json.dumps({"__metadata__": {"chainrule": json.dumps(ABOUT), "sha256": ZEROS[1:]}})
REFUSED = {
    # lengths
    "empty": (b"", "is truncated: it must have at least 8 bytes, got 0"),
    "no length": (RIGHT[:7], "is truncated: it must have at least 8 bytes, got 7"),
    "no header": (RIGHT[:8], f"is truncated: its header ends at byte {END}, the file at 8"),
    "half a header": (RIGHT[:50], f"is truncated: its header ends at byte {END}, the file at 50"),
    "no arrays": (RIGHT[:END], "is truncated: they take 24 bytes, got 0"),
    "half its arrays": (RIGHT[:-1], "is truncated: they take 24 bytes, got 23"),
    "more behind": (sealed(header(), BODY + b"\0"), "has bytes behind its arrays: they take 24 by"),
    "a long header": (struct.pack("<Q", 2**22 + 1), "its header must have at most 4,194,304 bytes"),
    "an absurd header": (b"\xff" * 99, "is no model file: it does not begin as one"),
    "text": (b"Dear reader, this is a letter.", "is no model file: it does not begin as one"),
    # JSON
    "a space first": (sealed(" " + header()), "its header must begin with '{', got b' {\"__met"),
    "a mark first": (sealed(b"\xef\xbb\xbf" + header().encode()), "its header must begin with '{'"),
    "a list": (sealed("[]"), "its header must begin with '{', got b'[]'"),
    "nothing": (sealed(""), "its header must begin with '{', got b''"),
    "not JSON": (sealed("{'a': 1}"), "its header is not JSON: Expecting property name enclosed"),
    "more JSON": (sealed("{}{}"), "its header is not JSON: Extra data"),
    "zeros behind": (sealed(header() + "\0"), "its header is not JSON: Extra data"),
    "not UTF-8": (sealed(b'{"\xff": 1}'), "its header is not UTF-8"),
    "half a pair": (sealed('{"\\ud800": 1}'), "its header is not UTF-8"),
    "a name twice": (sealed('{"a": 1, "a": 2}'), "its header has the name 'a' twice"),
    "deeper twice": (
        sealed('{"x": [{"a": 1, "b": 2, "a": 1}]}'),
        "its header has the name 'a' twi",
    ),
    "NaN": (sealed('{"a": NaN}'), "its header holds a number that is not finite, 'NaN'"),
    "infinite": (sealed('{"a": -Infinity}'), "holds a number that is not finite, '-Infinity'"),
    "too large": (sealed('{"a": 1e999}'), "its header holds a number that is not finite, '1e999'"),
    "too deep": (sealed('{"a": ' + "[" * 50), "its header is not JSON: Expecting value"),
    "far too deep": (sealed('{"a": ' + "[" * 90_000), "its header is nested more than 50 deep"),
    "51 deep": (
        sealed('{"a": ' + "[" * 50 + "]" * 50 + "}"),
        "its header is nested more than 50 de",
    ),
    # metadata
    "no metadata": (
        sealed(json.dumps(ENTRIES)),
        "is not a file of Chainrule: its metadata must be",
    ),
    "other metadata": (
        sealed(header(format="pt")),
        "is not a file of Chainrule: its metadata must",
    ),
    "metadata of numbers": (sealed(header(chainrule=1)), "its metadata must be texts"),
    "metadata of lists": (
        sealed('{"__metadata__": ["chainrule", "sha256"]}'),
        "is not a file of Ch",
    ),
    "a short digest": (sealed(SHORT), "its sha256 must be 64 digits of 0-9a-f, got '0000000"),
    "a large digest": (
        sealed(SHORT.replace(ZEROS[1:], "A" * 64)),
        "its sha256 must be 64 digits of 0-9a-f, got 'AAAAAAA",
    ),
    "not told": (told_as("[]"), "its metadata 'chainrule' must be an object"),
    "told in prose": (told_as("a sketch"), "its metadata 'chainrule' is not JSON: Expecting value"),
    "told twice": (
        told_as('{"kind": 1, "kind": 1}'),
        "its metadata 'chainrule' has the name 'kind'",
    ),
    "told NaN": (
        told_as('{"kind": NaN}'),
        "its metadata 'chainrule' holds a number that is not fin",
    ),
    "told no text": (told_as('{"kind": "\\ud83d"}'), "its metadata 'chainrule' is not UTF-8"),
    "told too deep": (
        told_as("[" * 51 + "]" * 51),
        "its metadata 'chainrule' is nested more than 50",
    ),
    "no format": (
        told(format=None),
        "its metadata must tell the format and the library that wrote",
    ),
    "format true": (told(format=True), "its metadata must tell the format and the library"),
    "format 0": (told(format=0), "its metadata must tell the format and the library"),
    "format 1.0": (told(format=1.0), "its metadata must tell the format and the library"),
    "no library": (told(library=None), "its metadata must tell the format and the library"),
    "format 2": (
        told(format=2, library="3.1.4"),
        f"is of format 2, and Chainrule {cr.__version__} reads up to format 1; install Chainrule "
        "3.1.4, which wrote it, or a newer one",
    ),
    "no kind": (told(kind=["network"]), "its metadata must tell its kind"),
    # arrays
    "an entry of another form": (
        sealed(header({"a": 1})),
        "its array 'a' must have dtype, shape and",
    ),
    "half an entry": (
        sealed(header({"a": {"dtype": "F32"}})),
        "its array 'a' must have dtype, shape",
    ),
    "more in an entry": (
        entry(strides=[1]),
        "its array 'b' must have dtype, shape and data_offsets",
    ),
    "half precision": (
        entry(dtype="F16"),
        "its array 'b' must be of F64, I64, F32, got dtype 'F16'",
    ),
    "objects": (entry(dtype="O"), "its array 'b' must be of F64, I64, F32, got dtype 'O'"),
    "no dtype": (entry(dtype=["F32"]), "its array 'b' must be of F64, I64, F32, got dtype ['F32']"),
    "a shape of text": (
        entry(shape="12"),
        "its array 'b' must have a shape of at most 32 whole num",
    ),
    "a negative shape": (entry(shape=[-1, -2]), "of at most 32 whole numbers >= 0, got [-1, -2]"),
    "a shape of floats": (entry(shape=[1.0, 2.0]), "whole numbers >= 0, got [1.0, 2.0]"),
    "a shape of booleans": (entry(shape=[True, 2]), "whole numbers >= 0, got [True, 2]"),
    "a shape in a shape": (entry(shape=[[2]]), "whole numbers >= 0, got [[2]]"),
    "33 axes": (entry(shape=[1] * 32 + [2]), "its array 'b' must have a shape of at most 32 whole"),
    "another shape": (
        entry(shape=[1, 3]),
        "must lie at [16, 28] by its shape and the arrays before",
    ),
    "a shape beyond 2⁶⁴": (
        entry(shape=[2**62, 2**62]),
        "must lie at [16, 850705917302346158658436",
    ),
    "a shape that wraps": (entry(shape=[2**62 + 2, 4]), "must lie at [16, "),
    "no place": (entry(data_offsets=16), "by its shape and the arrays before it, got 16"),
    "one place": (entry(data_offsets=[16]), "arrays before it, got [16]"),
    "a negative place": (place([-16, 0], [0, 8]), "its array 'a' must lie at [0, 16]"),
    "a place of floats": (place([0.0, 16.0], [16, 24]), "arrays before it, got [0.0, 16.0]"),
    "a place of booleans": (
        sealed(header({"a": {"dtype": "F64", "shape": [0], "data_offsets": [False, False]}}), b""),
        "arrays before it, got [False, False]",
    ),
    "backwards": (place([16, 0], [16, 24]), "its array 'a' must lie at [0, 16]"),
    "one over the other": (place([0, 16], [8, 16]), "its array 'b' must lie at [16, 24]"),
    "both at once": (place([0, 16], [0, 8]), "its array 'b' must lie at [16, 24]"),
    "a gap": (place([0, 16], [24, 32], body=BODY + BODY), "its array 'b' must lie at [16, 24]"),
    "another order": (place([8, 24], [0, 8]), "its array 'a' must lie at [0, 16]"),
    "an empty array too large": (
        sealed(header({"a": {"dtype": "F64", "shape": [0, 2**62], "data_offsets": [0, 0]}}), b""),
        "array is too big",
    ),
    # contents
    "no digest": (
        sealed(header())[:8] + header().encode() + BODY,
        "is damaged: its SHA-256 is not",
    ),
    "NaN in an array": (
        sealed(header(), BODY[:16] + struct.pack("<2f", 0, np.nan)),
        "its array 'b' m",
    ),
    "infinity in an array": (
        sealed(header(), struct.pack("<2d2f", -np.inf, 0, 0, 0)),
        "'a' must be f",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_as_it_is_written_is_refused(path, name):
    data, message = REFUSED[name]
    with pytest.raises(cr.ModelFileError) as caught:
        read(path, data)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_model_file_error_is_a_value_error():
    assert issubclass(cr.ModelFileError, ValueError)


def test_what_is_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="missing"):
        read_file(tmp_path / "missing.model")
    with pytest.raises(cr.ModelFileError, match=r"pytest.*: is not a regular file"):
        read_file(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no such files")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(cr.ModelFileError, match="is not a regular file"):
        read_file(tmp_path / "pipe")
