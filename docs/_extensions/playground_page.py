"""The playground on the site: `{playground}` shows it in a page, and leads to it alone."""

from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from chainrule.playground import playground

ALONE = "playground.html"


class Playground(SphinxDirective):
    """The playground in a frame, behind a link to it."""

    def run(self):
        here = "../" * self.env.docname.count("/") + ALONE
        link = f'<p><a href="{here}">Open the playground in a window of its own</a></p>'
        frame = (
            f'<iframe class="playground" src="{here}" title="Playground" loading="lazy"></iframe>'
        )
        return [nodes.raw("", f"{link}\n{frame}\n", format="html")]


def write_playground(app, exception):
    """Write the page that they show."""
    if exception is None and app.builder.format == "html":
        Path(app.outdir, ALONE).write_text(playground(), encoding="utf-8")


def setup(app):
    """Make the directive `playground`."""
    app.add_directive("playground", Playground)
    app.connect("build-finished", write_playground)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
