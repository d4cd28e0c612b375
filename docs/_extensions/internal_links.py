"""Links within the site lead somewhere, and no page loads anything from elsewhere.

Sphinx checks the links that it makes; this looks at all that stand in the pages once written.
"""

import re
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sphinx.util import logging

LOG = logging.getLogger(__name__)
LINK = re.compile(r'<(\w+)\b[^>]*?\s(?:href|src)="([^"]+)"')
ID = re.compile(r'\sid="([^"]+)"')


def check(app, exception):
    """Warn of each link that leads nowhere, or from which something is loaded."""
    if exception is None and app.builder.format == "html":
        for page, problem in problems(Path(app.outdir)):
            LOG.warning("%s: %s", page, problem, type="internal_links")


def problems(folder):
    """What is wrong with the links of the pages in a folder, page by page."""
    paths = [path for path in sorted(folder.rglob("*.html")) if "_static" not in path.parts]
    pages = {path: path.read_text(encoding="utf-8") for path in paths}
    places = {path: {unescape(each) for each in ID.findall(text)} for path, text in pages.items()}
    for page, text in pages.items():
        for element, link in sorted({*LINK.findall(text)}):
            url = urlsplit(unescape(link))
            if url.netloc and element != "a":
                yield page.relative_to(folder), f"{element} loads {link}"
            if url.scheme or url.netloc:
                continue
            target = (page.parent / unquote(url.path)).resolve() if url.path else page
            fragment = unquote(url.fragment)
            if not target.exists():
                yield page.relative_to(folder), f"no such file: {link}"
            elif fragment and fragment not in places.get(target, {fragment}):
                yield page.relative_to(folder), f"no such place: {link}"


def setup(app):
    """Look when all is written."""
    app.connect("build-finished", check, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
