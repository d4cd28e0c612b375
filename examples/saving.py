"""What every example does with its picture: it saves it, to examples/pictures or to a path given.

python examples/varying_regularisation.py [PATH] [--quick]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

COLOURS = 128
"""So few make a small file."""


def save(draw: Callable[[bool], Figure], script: str) -> None:
    """Draw, and save the picture of the script of this name; --quick takes a small slice."""
    name = Path(script)
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "path", nargs="?", type=Path, default=name.parent / "pictures" / f"{name.stem}.png"
    )
    parser.add_argument("--quick", action="store_true", help="a small slice of it, in seconds")
    options = parser.parse_args()
    draw(options.quick).savefig(options.path, dpi=100)
    Image.open(options.path).convert("RGB").quantize(COLOURS).save(options.path, optimize=True)
    print(f"The picture is in {options.path}")
