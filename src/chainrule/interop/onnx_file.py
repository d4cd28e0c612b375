"""Files of ONNX, read with mistrust: one graph from one input to one output, and its numbers."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from chainrule.regular_files import open_regular, read_regular
from chainrule.trees import Array

MOST = 2**31 - 1
"""The most bytes of a file: protobuf has no longer ones."""

OLDEST = 9
"""The oldest version of operators that are read: before, some of the same names are others."""

DOMAINS = ("", "ai.onnx")
"""Whose operators are known."""


class OnnxFile(NamedTuple):
    """A model, the names of its input and output, its numbers by their names, and its inputs.

    `width` is how many inputs it declares that a row has, 0 where it declares none.
    """

    model: Any
    input: str
    output: str
    constants: dict[str, Array]
    width: int


def read_file(onnx: Any, path: Path) -> OnnxFile:
    """Return what a file holds; its numbers may lie in other files of its folder.

    Raises OSError where it cannot be read, and ValueError for what is no such file, and for what
    has several inputs or outputs.
    """
    model = _parsed(onnx, path)
    graph = model.graph
    if graph.sparse_initializer:
        raise ValueError("has sparse numbers, which Chainrule's layers have not")
    constants = {each.name: numbers(onnx, each, path.parent) for each in graph.initializer}
    inputs = [each for each in graph.input if each.name not in constants]
    for what, found in (("input", inputs), ("output", list(graph.output))):
        if len(found) != 1:
            names = ", ".join(repr(each.name) for each in found) or "none"
            raise ValueError(f"must have one {what}, got {names}")
    dims = inputs[0].type.tensor_type.shape.dim
    if inputs[0].type.tensor_type.HasField("shape") and len(dims) != 2:
        raise ValueError(
            f"its input {inputs[0].name!r} must be rows of numbers, of 2 dimensions, got "
            f"{len(dims)}"
        )
    if any(each.data_location == onnx.TensorProto.EXTERNAL for each in graph.initializer):
        del graph.initializer[:]
        graph.initializer.extend(onnx.numpy_helper.from_array(a, n) for n, a in constants.items())
    versions = [each.version for each in model.opset_import if each.domain in DOMAINS]
    if max(versions, default=0) < OLDEST:
        raise ValueError(
            f"must be of ONNX's operators of version {OLDEST} or newer, got "
            f"{max(versions, default='none')}: convert it, onnx.version_converter"
        )
    width = dims[1].dim_value if len(dims) == 2 else 0
    return OnnxFile(model, inputs[0].name, graph.output[0].name, constants, width)


def _parsed(onnx: Any, path: Path) -> Any:
    content = read_regular(path, MOST)
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except Exception:  # of protobuf, whichever it is
        raise ValueError("is no file of ONNX, or is damaged") from None
    if not model.graph.node or not model.ir_version:
        raise ValueError("is no file of ONNX, or has no operators")
    return model


def numbers(onnx: Any, tensor: Any, folder: Path) -> Array:
    """Return the numbers of a tensor.

    Raises ValueError where they are not as many as it says, and where they lie in a file outside of
    the folder.
    """
    named = f"tensor {tensor.name!r}"
    dtype = _dtype(onnx, tensor, named)
    count, dims = math.prod(tensor.dims), list(tensor.dims)
    if any(size < 0 for size in dims):
        raise ValueError(f"{named} has dimensions {dims}, of which none may be negative")
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        content = _outside(tensor, named, folder, count * dtype.itemsize)
    elif tensor.HasField("raw_data"):
        content = tensor.raw_data
    else:
        return _listed(onnx, tensor, named, count)
    if len(content) != count * dtype.itemsize:
        raise ValueError(
            f"{named} of dimensions {dims} must have {count * dtype.itemsize:,} bytes of numbers, "
            f"got {len(content):,}"
        )
    return np.frombuffer(content, dtype.newbyteorder("<")).astype(dtype).reshape(dims)


def _dtype(onnx: Any, tensor: Any, named: str) -> np.dtype[Any]:
    for dtype in (np.float32, np.float64, np.float16, np.int64, np.int32, np.bool_):
        if onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)) == tensor.data_type:
            return np.dtype(dtype)
    kinds = {number: name for name, number in onnx.TensorProto.DataType.items()}
    got = kinds.get(tensor.data_type, str(tensor.data_type))
    raise ValueError(
        f"{named} must be of floats of 16, 32 or 64 bits or of whole numbers, got {got}"
    )


def _listed(onnx: Any, tensor: Any, named: str, count: int) -> Array:
    """Numbers that stand one by one."""
    got = max(len(tensor.float_data), len(tensor.double_data), len(tensor.int32_data))
    got = max(got, len(tensor.int64_data))
    if got != count:
        raise ValueError(
            f"{named} of dimensions {list(tensor.dims)} must have {count:,} numbers, got {got:,}"
        )
    made: Array = onnx.numpy_helper.to_array(tensor)
    return made


def _outside(tensor: Any, named: str, folder: Path, size: int) -> bytes:
    """The bytes of a tensor that lie in another file, which must be in the folder of the first."""
    entries: Mapping[str, str] = {each.key: each.value for each in tensor.external_data}
    location = entries.get("location", "")
    try:
        offset = int(entries.get("offset", "0"))
        length = int(entries.get("length", str(size)))
    except ValueError:
        offset = length = -1
    home = Path(os.path.realpath(folder))
    found = Path(os.path.realpath(home / location)) if "\0" not in location else home
    if not location or Path(location).is_absolute() or not found.is_relative_to(home):
        raise ValueError(
            f"{named} has its numbers in {location!r}, which is not in the folder of the file: "
            "they are read from there alone"
        )
    if offset < 0 or length != size:
        raise ValueError(
            f"{named} must have {size:,} bytes of numbers, and the file says {length:,} from "
            f"number {offset} on"
        )
    with open_regular(found, most=2**62) as file:
        file.seek(offset)
        return file.read(size) if size <= os.fstat(file.fileno()).st_size else b""
