r"""Help of the command as Sphinx reads it: paragraphs behind `\b`, kept as they stand, are code."""

BAR = "| "  # how sphinx-click marks their lines


def kept_as_code(app, context, lines):
    """Change the lines of a description in place."""
    made, inside = [], False
    for line in lines:
        if line.startswith(BAR):
            made += [] if inside else ["", ".. code-block:: text", ""]
            made.append("   " + line.removeprefix(BAR))
        else:
            made.append(line)
        inside = line.startswith(BAR)
    lines[:] = made


def setup(app):
    """Look at the help of each command."""
    app.connect("sphinx-click-process-description", kept_as_code)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
