"""Print what the package and some of its extras need, without the package itself, a line for each.

python requirements.py test docs
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))[
    "project"
]
OF_OWN = re.compile(r"chainrule\[(.+)\]")


def required(extra: str) -> Iterator[str]:
    """Yield what an extra needs, and what the extras do that it is made of."""
    for line in PROJECT["optional-dependencies"][extra]:
        if own := OF_OWN.fullmatch(line):
            for each in own[1].split(","):
                yield from required(each)
        else:
            yield line


if __name__ == "__main__":
    lines = [
        *PROJECT["dependencies"],
        *(line for extra in sys.argv[1:] for line in required(extra)),
    ]
    print(*dict.fromkeys(lines), sep="\n")
