"""Model files made and read by hand, byte for byte, without the library."""

import hashlib
import json
import struct

import numpy as np

ZEROS = "0" * 64
ABOUT = {"format": 1, "kind": "sketch", "library": "0.1.0"}
ENTRIES = {
    "a": {"dtype": "F64", "shape": [2], "data_offsets": [0, 16]},
    "b": {"dtype": "F32", "shape": [1, 2], "data_offsets": [16, 24]},
}
BODY = struct.pack("<2d2f", 1.5, -2.0, 0.25, 3.0)


def header(entries=ENTRIES, about=ABOUT, **metadata):
    """The text of a header, with zeros for its SHA-256; `about` may be any text."""
    told = about if isinstance(about, str) else json.dumps(about)
    return json.dumps({"__metadata__": {"chainrule": told, "sha256": ZEROS, **metadata}, **entries})


def sealed(text, body=BODY):
    """A file of this header and body, with its true SHA-256 in place of the zeros."""
    text = text.encode() if isinstance(text, str) else text
    blank = struct.pack("<Q", len(text)) + text + body
    digest = hashlib.sha256(blank).hexdigest()
    return blank.replace(ZEROS.encode(), digest.encode(), 1)


def parsed(data):
    """The arrays and what is said of them, of a file whose SHA-256 is right."""
    (length,) = struct.unpack("<Q", data[:8])
    entries = json.loads(data[8 : 8 + length])
    told = entries.pop("__metadata__")
    assert set(told) == {"chainrule", "sha256"}
    blank = data.replace(told["sha256"].encode(), ZEROS.encode())
    assert hashlib.sha256(blank).hexdigest() == told["sha256"]
    arrays, end = {}, 8 + length
    for name, entry in entries.items():
        begin, end = (8 + length + place for place in entry["data_offsets"])
        dtype = {"F32": "<f4", "F64": "<f8", "I64": "<i8"}[entry["dtype"]]
        arrays[name] = np.frombuffer(data[begin:end], dtype).reshape(entry["shape"])
    assert end == len(data)
    return arrays, json.loads(told["chainrule"])
