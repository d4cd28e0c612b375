"""Where a form goes: its format by a file's name, and whether a file can stand there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from chainrule.atomic_write import check_replaceable
from chainrule.regular_files import behind_links

if TYPE_CHECKING:
    from chainrule.explanation.result import Explanation


class OutputFormat(NamedTuple):
    """A format of explanations: how their names end, and what writes one `width` columns wide."""

    suffix: str
    write: Callable[[Explanation, int], str]


FORMATS = {
    "text": OutputFormat(".txt", lambda explanation, width: explanation.text(width)),
    "markdown": OutputFormat(".md", lambda explanation, width: explanation.markdown()),
    "latex": OutputFormat(".tex", lambda explanation, width: explanation.latex()),
    "fragment": OutputFormat("", lambda explanation, width: explanation.latex(document=False)),
    "notebook": OutputFormat(".ipynb", lambda explanation, width: explanation.notebook()),
    "html": OutputFormat(".html", lambda explanation, width: explanation.html()),
}
"""The formats; only the command can name one without a suffix."""

SUFFIXES = {row.suffix: name for name, row in FORMATS.items() if row.suffix}


def format_of(name: str | None, path: Path | None, suffixes: Mapping[str, str] = SUFFIXES) -> str:
    """Return the name of a format: the one given, or that of a file's suffix, or text.

    >>> format_of(None, Path("w5.html")), format_of("latex", Path("w5.html")), format_of(None, None)
    ('html', 'latex', 'text')
    """
    if name or path is None:
        return name or "text"
    if (suffix := path.suffix.lower()) not in suffixes:
        raise ValueError(
            f"{path.name}: give a format, or a name that ends in {', '.join(sorted(suffixes))}"
        )
    return suffixes[suffix]


def check_place(path: Path) -> Path:
    """Return the path of a file that can be made or replaced, behind symbolic links.

    Raises ValueError where its folder is missing, or where something that is no file has its name.

    >>> check_place(Path("missing/w5.html"))
    Traceback (most recent call last):
    ...
    ValueError: missing/w5.html: there is no folder missing
    """
    if not path.parent.is_dir():
        raise ValueError(f"{path}: there is no folder {path.parent}")
    check_replaceable(path)
    return behind_links(path)
