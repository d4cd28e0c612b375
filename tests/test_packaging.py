"""What pip reads, and the files that are named in texts."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.specifiers import SpecifierSet

from ci_scripts import ci_script

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_python_that_is_needed_is_said():
    needed = SpecifierSet(PROJECT["project"]["requires-python"])
    assert ("3.11.0" in needed, "3.10.13" in needed) == (True, False)


@pytest.mark.parametrize(
    "name", ["Makefile", "CONTRIBUTING.md", "README.md", ".ci/run", "pyproject.toml"]
)
def test_the_scripts_and_tests_that_are_named_exist(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    named = set(re.findall(r"\b(?:benchmarks|examples|src|tests)/[\w/-]+\.(?:py|toml|csv)\b", text))
    assert {path for path in named if not (ROOT / path).is_file()} == set()


def test_the_files_that_contributing_names_exist():
    """By their place in the project, in the package, or among the tests."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w/*-]+\.(?:py|hpp|md|toml))`", text))
    around = [ROOT, ROOT / "src", ROOT / "src/chainrule", ROOT / "tests"]
    around += [path for path in (ROOT / "src/chainrule").iterdir() if path.is_dir()]
    assert len(named) > 30
    assert {name for name in named if not any([*path.glob(name)] for path in around)} == set()


CHANGELOGS = {
    "a version on the way": ("0.2.dev7", "## Unreleased\n\n## 0.1.0 (2026-01-31)\n", ""),
    "a release": ("0.1.0", "# Changelog\n\n## 0.1.0 (2026-01-31)\n", ""),
    "no section": ("0.1.0", "# Changelog\n", "'## 0.1.0 (YYYY-MM-DD)', got ''"),
    "no day": ("0.1.0", "## 0.1.0\n", "'## 0.1.0 (YYYY-MM-DD)', got '0.1.0'"),
    "left unreleased": ("0.1.0", "## Unreleased\n## 0.1.0 (2026-01-31)\n", "got 'Unreleased'"),
    "of another release": ("0.1.1", "## 0.1.0 (2026-01-31)\n", "got '0.1.0 (2026-01-31)'"),
    "already released": ("0.2.dev7", "## 0.1.0 (2026-01-31)\n", "'## Unreleased', got '0.1.0"),
}


@pytest.mark.parametrize("name", CHANGELOGS)
def test_the_changelog_is_held_to_the_version(name):
    version, text, said = CHANGELOGS[name]
    problem = ci_script("release").changelog_problem(text, version)
    assert said in problem
    assert bool(problem) == bool(said)


def test_the_recipe_of_conda_asks_for_what_pip_does():
    text = (ROOT / "conda-recipe/recipe.yaml").read_text(encoding="utf-8")
    recipe = yaml.safe_load(text)
    project, asked = PROJECT["project"], recipe["requirements"]
    assert sorted({*asked["run"]} - {"python"}) == sorted(
        line.replace(">=", " >=") for line in project["dependencies"]
    )
    built_by = {line.replace(">=", " >=") for line in PROJECT["build-system"]["requires"]}
    assert built_by <= {*asked["host"]}
    assert recipe["about"]["summary"] == project["description"]
    assert recipe["build"]["skip"] == [f'match(python, "<{project["requires-python"][2:]}")']
