"""The pages of the site are run as they are written: commands, doctests, files."""

import os
from pathlib import Path

import pytest

from written_pages import DOCS, blocks_of, fits, pages, run_blocks, run_page

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the commands are for a Unix shell")


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(DOCS).as_posix())
def test_a_page_runs_as_it_is_written(page, tmp_path):
    run_page(page, tmp_path)


def run(text, folder):
    run_blocks(blocks_of(text, "page.md"), folder)


GOOD = """
```toml made/by.toml
a = 1
```

<!-- not run: there is no such host -->
```console
$ no-such-command
```

- In a list:

  ```console
  $ cat made/by.toml
  a = 1
  $ printf 'b %s\\n' 1 2 3
  b 1
  ...
  ```

````{note}
```python
x = 2
```
````

```python
>>> x + len(np.zeros(3))
5

```

<!-- exit code: 3 -->
```console
$ exit 3
$ pip install '.[mpi,excel]'
$ make test ARGS="-k dense"
```

```text
anything
```
"""


def test_blocks_are_run_in_order_in_one_folder(tmp_path):
    run(GOOD, tmp_path)
    assert (tmp_path / "made/by.toml").read_text() == "a = 1\n"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("made/by.toml\na", "made/by.toml\nc", "page.md:13: cat made/by.toml\nprints\nc = 1"),
        ("<!-- not run: there is no such host -->\n", "", "page.md:6: exit code "),
        ("<!-- not run:", "<!-- never:", "page.md:7: unknown mark {'never'}"),
        ("  b 1\n  ...", "  b 1", "prints\nb 1\nb 2\nb 3\n"),
        ("  ...\n", "  ...\n  b 2\n", "prints\nb 1\nb 2\nb 3\n"),
        ("\n5\n", "\n6\n", "Expected:\n    6\nGot:\n    5"),
        ("x = 2", "x = 3", "Expected:\n    5\nGot:\n    6"),
        ("exit code: 3", "exit code: 2", "exit code 3 of exit 3"),
        ("mpi,excel", "mpi,exce", "page.md:34: no such extra: pip install '.[mpi,exce]'"),
        ("make test", "make tests", "page.md:34: no such target: make tests"),
        ("```text", "```rust", "a block of 'rust' is not run; name the file that it is"),
        ("```text", "```", "a block of 'no language' is not run"),
        ("```text", "```{code-block} python", "{code-block} is not run; use a plain block"),
        ("$ cat", "cat", "a console begins with `$ `"),
    ],
)
def test_what_does_not_hold_is_seen(old, new, said, tmp_path):
    assert old in GOOD
    with pytest.raises(AssertionError) as raised:
        run(GOOD.replace(old, new, 1), tmp_path)
    assert said in str(raised.value)


def test_what_a_block_needs_may_be_missing(tmp_path):
    run("<!-- needs: no_such_module -->\n```console\n$ exit 1\n```\n", tmp_path)


def test_a_file_of_the_source_is_shown_as_it_is(tmp_path):
    (tmp_path / "a.toml").write_text("a = 1\n")
    run("```toml a.toml\na = 1\n```\n", tmp_path)
    with pytest.raises(AssertionError, match=r"page.md:1: is not what a.toml has"):
        run("```toml a.toml\na = 2\n```\n", tmp_path)


@pytest.mark.parametrize(
    ("printed", "expected", "near", "fit"),
    [
        ("R² 0.98\n", "R² 0.97\n", True, True),
        ("R² 0.98\n", "R² 0.97\n", False, False),
        ("R² 0.5\n", "R² 0.97\n", True, False),
        ("RMSE 0.97\n", "R² 0.97\n", True, False),
        ("Time 0.3 s\n", "Time 0.9 s\n", False, True),
        ("a\nb\nc\nd\n", "a\n...\nd\n", False, True),
        ("a\nb\nc\nd\n", "...\nc\n...\n", False, True),
        ("a\nb\nc\nd\n", "...\nc\n", False, False),
        ("a\nb\nc\nd\n", "b\n...\n", False, False),
        ("a\nb\nc\nd\n", "...\n", False, True),
        ("a\n", "a\nb\n", False, False),
        ("a\nb\n", "a\n", False, False),
        ("took 3 s in all\n", "took ... in all\n", False, True),
    ],
)
def test_what_is_printed_beside_what_is_expected(printed, expected, near, fit):
    assert fits(printed, expected, near=near) == fit


def test_ranks_print_in_any_order():
    assert fits("b\na\n", "a\nb\n", any_order=True)
    assert not fits("b\na\n", "a\nb\n")


def test_what_comes_with_the_source_is_in_the_folder(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```console\n$ head -1 examples/houses-test.csv\nid,size,...\n```\n")
    run_page(page, Path(tmp_path / "made"))
