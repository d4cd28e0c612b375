"""Blocks of code that are files show their names: ```` ```python fit.py ````."""

import re

NAMED = re.compile(r"^```(\w+) ([\w./-]+)$", re.MULTILINE)


def with_captions(app, document, source):
    """The page with each name as the caption of its block."""
    source[0] = NAMED.sub(r"```{code-block} \1\n:caption: \2\n", source[0])


def setup(app):
    """Look at each page before it is parsed."""
    app.connect("source-read", with_captions)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
