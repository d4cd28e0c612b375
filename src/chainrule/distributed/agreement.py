"""What all ranks must have alike: refused at the start, with the difference named."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chainrule.distributed.ranks import Ranks, agreed

PACKAGES = ("chainrule", "numpy", "polars")
"""The packages whose versions must be the same: on their arithmetic and reading the bits depend."""

# Modules that take long to import wait until there are ranks to compare.

FIX = "give all ranks the same"


def agree(ranks: Ranks, known: Mapping[str, Any], fix: str = FIX) -> None:
    """Raise ValueError at every rank where what they know is not alike: plain values by name.

    >>> from chainrule.distributed import Alone
    >>> agree(Alone(), {"epochs": 3})
    """
    each = ranks.values(dict(known))
    for k, theirs in enumerate(each):
        for name in {**each[0], **theirs}:
            mine, other = (_words(name, values) for values in (each[0], theirs))
            if mine != other:
                message = f"rank {k} has {other}, and rank 0 has {mine}: {fix}"
                raise agreed(ValueError(message), ranks)


def _words(name: str, values: Mapping[str, Any]) -> str:
    """Return a value with its name, whole, so that the words differ where values do."""
    if name not in values:
        return f"no {name}"
    value = values[name]
    return f"{name} {value if isinstance(value, str) else repr(value)}"


def agree_on_versions(ranks: Ranks) -> None:
    """Raise ValueError at every rank where they have different versions, or different code.

    >>> from chainrule.distributed import Alone
    >>> agree_on_versions(Alone())
    """
    agree(ranks, _versions(), "install the same on all machines")


def _versions() -> dict[str, str]:
    return {
        "Python": ".".join(map(str, sys.version_info[:2])),
        **{name: _version(name) for name in PACKAGES},
        "byte order": sys.byteorder,
        "code of chainrule": _code(),
    }


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return "(not installed)"


def _code() -> str:
    """Return a few letters that differ where the files of the package do."""
    import hashlib

    package = Path(__file__).parents[1]
    sha = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        sha.update(path.relative_to(package).as_posix().encode() + path.read_bytes())
    return sha.hexdigest()[:8]
