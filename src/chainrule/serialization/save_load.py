"""`save` and `load`: a network with its parameters and its history in one file."""

from __future__ import annotations

import reprlib
from pathlib import Path

from chainrule.history import History
from chainrule.network import Network, Parameters
from chainrule.serialization.model_file import (
    ModelFileError,
    check_model_replaceable,
    read_file,
    write_file,
)
from chainrule.serialization.parameter_arrays import contents, from_contents


def save(
    path: str | Path,
    net: Network,
    params: Parameters,
    history: History | None = None,
    *,
    force: bool = False,
) -> None:
    """Write a network to a file, whole or not at all.

    The file is a safetensors file with a SHA-256 of itself; equal content makes equal bytes. With
    the history, `fit` goes on from the file as from memory; what its `runs` were given stays out.

    Parameters
    ----------
    path
        The file. A model file of that name is replaced.
    net, params
        The network and its parameters.
    history
        The course of their training, if it is to go on from the file.
    force
        Whether a file that is no model file is replaced too.

    Raises
    ------
    OSError
        Where the file cannot be written; one of that name stays as it was. FileExistsError where
        that is no model file, and not empty.
    TypeError, ValueError
        For a layer, activation or loss of your own, and for parameters that do not fit the network
        or are not those that the history ended with.

    Examples
    --------
    >>> net = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
    >>> params, history = cr.fit(net, net.init(), [[1.0]], [2.0], cr.Adam(0.1), epochs=3)
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cr.save(f"{folder}/line.model", net, params, history)
    ...     net, params, history = cr.load(f"{folder}/line.model")
    >>> params, history = cr.fit(
    ...     net, params, [[1.0]], [2.0], cr.Adam(0.1), epochs=3, history=history
    ... )
    >>> history.epochs
    6
    """
    made = contents(net, params, history)
    check_model_replaceable(path, force=force)
    write_file(path, *made)


def load(path: str | Path) -> tuple[Network, Parameters, History | None]:
    """Return the network, the parameters and the history that `save` wrote, to the bit.

    The parameters are NumPy arrays, and the history is None if none was saved. Nothing in the file
    is run. Raises OSError where the file cannot be opened, and ModelFileError where it is damaged,
    of another kind, or from a newer version.

    Parameters
    ----------
    path
        The file.

    Examples
    --------
    >>> cr.load("/dev/zero")
    Traceback (most recent call last):
    ...
    chainrule.serialization.model_file.ModelFileError: /dev/zero: is not a regular file but ...
    """
    arrays, about = read_file(path)
    if about["kind"] != "network":
        raise ModelFileError(
            f"{path}: must hold a network alone, got the kind {reprlib.repr(about['kind'])}; what "
            "wrote the file reads it"
        )
    try:
        return from_contents(arrays, about)
    except (TypeError, ValueError) as error:
        raise ModelFileError(f"{path}: {error}") from None
