"""What the command `chainrule` starts with: signals are answered before anything is imported.

It stands beside the package, for the import of any part of `chainrule` takes a quarter of a second.
"""

import os
import signal


def main() -> None:
    """Run the command; a signal before and after it ends the process with its exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: os._exit(128 + number))
    from chainrule.cli import main as command

    command(prog_name="chainrule")
