"""How much disk each extra takes, and how long what it is for takes to import.

python benchmarks/installed_sizes.py dist/chainrule-*.whl

Each is installed with that wheel in an environment of its own. Sizes are of all files that pip put
there, compiled by Python too, in millions of bytes; times are the least processor time of some
imports.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

RESULT = Path(__file__).parent / "results" / "installed_sizes.md"
IMPORTS = 5
WANTED = {
    "": "import chainrule",
    "explain": "from chainrule.explanation import derivation",
    "plots": "import chainrule, matplotlib.pyplot",
    "estimators": "from chainrule import MLPClassifier",
    "tables": "from chainrule import TableModel",
    "demo": "import chainrule.demo",
    "all": "from chainrule import TableModel",
}
"""The extras, and what is imported to use them."""
TIME = "import time; began = time.process_time(); {}; print(time.process_time() - began)"
HEAD = """\
# Disk and import time of each extra

What `pip install` brings with Chainrule {}. MB are millions of bytes of files, bytecode included;
seconds are the least processor time of {} imports in new processes.

| installed | packages | MB | imported | seconds |
|---|---:|---:|---|---:|
"""


def called(*command: str | Path) -> str:
    """Return what a command prints; raise where it fails."""
    return subprocess.run(
        list(map(str, command)), check=True, capture_output=True, text=True
    ).stdout


def measured(wheel: Path, extra: str) -> str:
    """Return the row of an extra."""
    with tempfile.TemporaryDirectory() as folder:
        called(sys.executable, "-m", "venv", folder)
        python = Path(folder, "bin", "python")
        packages = next(Path(folder, "lib").glob("python*")) / "site-packages"
        before = set(packages.rglob("*"))
        pip = (python, "-m", "pip", "--disable-pip-version-check", "-qq", "install")
        called(*pip, f"{wheel}[{extra}]" if extra else wheel)
        added = [path for path in set(packages.rglob("*")) - before if path.is_file()]
        count = sum(path.name == "METADATA" for path in added)
        code = TIME.format(WANTED[extra])
        seconds = min(float(called(python, "-c", code)) for _ in range(IMPORTS))
        size = sum(path.stat().st_size for path in added) / 1e6
    name = f"`chainrule[{extra}]`" if extra else "`chainrule`"
    return f"| {name} | {count} | {size:,.0f} | `{WANTED[extra]}` | {seconds:.2f} |\n"


def main() -> None:
    """Measure, print and keep."""
    wheel = Path(sys.argv[1]).resolve()
    version = re.search(r"-(\d[^-]*)-", wheel.name)[1]
    lines = [HEAD.format(version, IMPORTS)]
    for extra in WANTED:
        lines.append(measured(wheel, extra))
        print(lines[-1], end="", flush=True)
    RESULT.write_text("".join(lines), "utf-8")


if __name__ == "__main__":
    main()
