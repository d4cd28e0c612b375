"""Check what a wheel holds: the engine for every instruction set, and none of its C++ sources.

python wheel.py dist/chainrule-….whl
"""

import platform
import sys
import zipfile
from pathlib import PurePosixPath

MODULES = dict.fromkeys(("x86_64", "amd64"), "_bf16 _v2 _v3 _v4")
MODULES |= dict.fromkeys(("aarch64", "arm64"), "_neon")

paths = [PurePosixPath(name) for name in zipfile.ZipFile(sys.argv[1]).namelist()]
found = " ".join(
    sorted(path.name.partition(".")[0] for path in paths if path.suffix in (".so", ".pyd"))
)
expected = MODULES.get(platform.machine().lower(), "_generic")
if found != expected:
    sys.exit(f"the wheel must hold the modules {expected}, got {found or 'none'}")
if sources := [str(path) for path in paths if path.suffix in (".cpp", ".hpp")]:
    sys.exit(f"the wheel must hold no C++ sources, got {sources}")
if PurePosixPath("chainrule/py.typed") not in paths:
    sys.exit("the wheel must hold chainrule/py.typed")
print(f"{sys.argv[1]} holds {found}")
