"""To files of Python, which predict with NumPy alone what networks and models of tables do."""

from __future__ import annotations

import base64
import os
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.atomic_write import check_kind, write_whole
from chainrule.interop.exported_graph import exported
from chainrule.interop.network_graph import Exported
from chainrule.interop.numpy_expressions import ALONE, expression
from chainrule.trees import Array

FEW = 6
"""Up to how many numbers an array is written as such, and not in base 64."""


def to_python(
    net: Any,
    params: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    force: bool = False,
) -> None:
    r"""Write a network, or the model of a table, as a file of Python that predicts the same.

    $$\hat y = \mathrm{link}(a_L),\qquad a = f(x W^\top + b)$$

    The file needs NumPy alone, and holds every number. Its function `predict` takes rows (n,
    inputs) for a network, and returns (n, outputs). For the model of a table, `to_python(model,
    path)`, it takes columns by their names, a dictionary, a structured array or a data frame, or
    the rows, a list of dictionaries, and returns what `model.predict` has as columns, by their
    names. Numbers may be texts, dates may be any that NumPy reads, in UTC, and None is missing.

    Parameters
    ----------
    net, params
        The network and its parameters; or the model of a table, and the path behind it.
    path
        The file to write: whole or not at all. One of that name that `to_python` wrote is replaced.
    force
        Whether any other file of that name is replaced too.

    Raises
    ------
    OSError
        Where the file cannot be written; FileExistsError where another is there, not empty, that
        `to_python` did not write.
    TypeError
        For what is neither a network nor the model of a table.
    ValueError
        For an activation or a layer of your own that computes with what NumPy has under another
        name or not at all.

    Examples
    --------
    >>> net = cr.Network(2, [cr.Dense(1)], loss="huber")
    >>> path = getfixture("tmp_path") / "net.py"
    >>> cr.to_python(net, net.parameters([([[2.0, 3.0]], [1.0])]), path)
    >>> made = {}
    >>> exec(path.read_text(), made)
    >>> made["predict"]([[1.0, 1.0]])
    array([[6.]])
    """
    made, path = exported("to_python", net, params, path, whole=False)
    source = _source(made).encode()
    check_kind(path, "a file of `to_python`", _is_ours, force=force)
    write_whole(Path(path), [source])


def _is_ours(head: bytes) -> bool:
    """Whether a file begins with the first line of those that are written here."""
    return head.startswith(HEAD.partition("\n")[0].encode())


def _source(made: Exported) -> str:
    """The text of the file: functions first, then the numbers."""
    constants = dict(made.graph.constants.values())
    names, written = _names(made, constants), set[str]()
    lines = []
    for node in made.graph.nodes:
        taken = node.inputs[:1] if node.op in ALONE else node.inputs
        given = [names[name] for name in taken]
        if node.op == "LabelEncoder":
            given += [f"{names[node.outputs[0]]}_words", str(node.attributes["default_int64"])]
        if node.op == "TextParts":
            given.append(f"{names[node.outputs[0]]}_parts")
        written.update(taken)
        text = expression(node, given, constants)
        lines.append(f"    {names[node.outputs[0]]} = {text}\n")
    written.update(value.name for value in made.outputs.values())
    numbers = [
        f"{names[name]} = {_array(array)}\n"
        for name, array in constants.items()
        if array.ndim and name in written
    ]
    begun, end = (_of_rows if _takes_rows(made) else _of_table)(made, names)
    return "".join([HEAD, begun, *lines, end, "\n\n", *_words(made, names), *numbers])


def _takes_rows(made: Exported) -> bool:
    """Whether what enters are rows of numbers, and no columns."""
    return all(value.ndim == 2 for value in made.inputs.values())


def _names(made: Exported, constants: dict[str, Array]) -> dict[str, str]:
    """What each value is called in the text; a single number is written as such."""
    inputs = {value.name: f"x{k}" for k, value in enumerate(made.inputs.values())}
    values = {node.outputs[0]: f"v{k}" for k, node in enumerate(made.graph.nodes)}
    arrays = {
        name: f"c{k}" if array.ndim else _single(array)
        for k, (name, array) in enumerate(constants.items())
    }
    return inputs | values | arrays


def _single(array: Array) -> str:
    text = repr(array.item())
    return f"({text})" if text.startswith("-") else text


def _array(array: Array) -> str:
    """An array as an expression."""
    if array.dtype == object:
        return f"np.array({array.tolist()!r}, object)"
    if array.size <= FEW and np.isfinite(array).all():
        return f'np.array({array.tolist()!r}, "{array.dtype}")'
    little = array.astype(array.dtype.newbyteorder("<"))
    text = textwrap.fill(base64.b64encode(little.tobytes()).decode(), WIDTH)
    return f'array("{little.dtype.str}", {array.shape}, """\n{text}\n""")'


def _words(made: Exported, names: dict[str, str]) -> Iterator[str]:
    """The words that columns may have, and parts of words, with their codes."""
    for node in made.graph.nodes:
        if node.op == "LabelEncoder":
            told = node.attributes
            codes = dict(zip(told["keys_strings"], told["values_int64s"], strict=True))
            yield f"{names[node.outputs[0]]}_words = {codes!r}\n"
        if node.op == "TextParts":
            parts = {part: k for k, part in enumerate(node.attributes["parts"])}
            yield f"{names[node.outputs[0]]}_parts = {parts!r}\n"


def _of_rows(made: Exported, names: dict[str, str]) -> tuple[str, str]:
    """The beginning and the end of `predict` for rows of numbers."""
    (x,), (out,) = made.inputs.values(), made.outputs.values()
    inputs, outputs = x.shape[1], out.shape[1]
    begun = (
        f"{ROWS}\n\ndef predict(X):\n"
        f'    """Return the prediction of each row of X (n, {inputs}), (n, {outputs})."""\n'
        f'    {names[x.name]} = rows(X, {inputs}, "{x.dtype}")\n'
    )
    return begun, f"    return {names[out.name]}\n"


def _of_table(made: Exported, names: dict[str, str]) -> tuple[str, str]:
    """The same for a table."""
    read = "".join(
        f"    {names[x.name]} = {READERS[x.dtype.kind]}(column(table, {name!r}))\n"
        for name, x in made.inputs.items()
    )
    columns = "".join(
        f"        {name!r}: {names[value.name]},\n" for name, value in made.outputs.items()
    )
    return f"{TABLE}{read}", f"    return {{\n{columns}    }}\n"


WIDTH = 100

READERS = {"f": "numbers", "i": "moments", "O": "words", "U": "texts"}
"""The function that reads a column, by the kind of the dtype that it becomes."""

HEAD = '''"""Predicts with NumPy alone what a model of Chainrule's does: `predict` at the end."""

import base64
import math

import numpy as np

erf = np.vectorize(math.erf, otypes=[float])


def array(dtype, shape, text):
    """Return numbers that are written in base 64."""
    return np.frombuffer(base64.b64decode(text), dtype).reshape(shape)


'''

ROWS = '''def rows(X, inputs, dtype):
    """Return rows of so many numbers, or raise."""
    X = np.asarray(X, dtype)
    if X.ndim != 2 or X.shape[1] != inputs:
        raise ValueError(f"X must have shape (n, {inputs}), got {X.shape}")
    return X
'''

TABLE = '''def column(table, name):
    """Return the values of a column of a table, or of a list of rows, or raise."""
    try:
        if isinstance(table, (list, tuple)):
            return [row[name] for row in table]
        values = table[name]
    except (KeyError, ValueError, IndexError):
        raise ValueError(f"the table lacks the column {name!r}") from None
    return [values] if np.ndim(values) == 0 else list(values)


def is_missing(value):
    """Whether there is no value: None, NaN, NaT or an empty text."""
    return value is None or (isinstance(value, str) and not value) or bool(value != value)


def numbers(values):
    """Return numbers as float64; what is missing is NaN."""
    return np.array([math.nan if is_missing(value) else value for value in values], np.float64)


def moments(values):
    """Return moments as microseconds since 1970; what is missing is that of NaT."""
    known = [None if is_missing(value) else value for value in values]
    return np.array(known, "datetime64[us]").astype(np.int64)


def words(values):
    """Return categories as texts; what is missing is empty."""
    return np.array([word(value) for value in values], object)


def word(value):
    """Return a category as a text: true for True, and 3 for 3.0."""
    if is_missing(value):
        return ""
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value)).lower()
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)


def texts(values):
    """Return texts; what is missing is None."""
    missing = [value is None or bool(value != value) for value in values]
    pairs = zip(missing, values)
    return np.array([None if none else word(value) or "" for none, value in pairs], object)


BLANKS = [9, 10, 11, 12, 13, 32, 133, 160, 5760, *range(8192, 8203), 8232, 8233, 8239, 8287, 12288]
BLANK = dict.fromkeys(BLANKS, " ")


def counts(texts, known, characters, longest, sizes):
    """Return how often each part of the words of each text is there."""
    found = np.zeros((len(texts), len(known)))
    for row, text in enumerate(texts):
        words = (text or "")[:characters].lower().translate(BLANK).split(" ")
        for padded in (f" {each[:longest]} " for each in words if each):
            for size in sizes:
                for first in range(len(padded) - size + 1):
                    code = known.get(padded[first : first + size])
                    if code is not None:
                        found[row, code] += 1
    return found


def joined(before, behind):
    """Return texts one behind the other."""
    return np.array([str(a) + str(b) for a, b in zip(before, behind)], object)


def codes(texts, known, unseen):
    """Return the code of each text."""
    return np.array([known.get(text, unseen) for text in texts], np.int64)


def predict(table):
    """Return the columns of predictions by their names, (n,) each.

    The table has columns by their names, such as a dictionary or a data frame, or is a list of
    rows, which are dictionaries.
    """
'''
