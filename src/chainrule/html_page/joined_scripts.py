"""Scripts of a page joined, its data, and the policy that allows nothing more."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Iterable
from importlib import resources
from typing import Any

INERT = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}
"""What could end a script or a line of it, written in a way that JSON reads the same."""

BARE = re.compile(r"^[ \t]*(?:(?://.*)?\n)?", re.MULTILINE)
"""What is at the head of each line, and lines without anything else."""


def file_of(package: str, name: str) -> str:
    """Return the text of a file of a package, without white space around it.

    >>> file_of("chainrule.html_page", "cards.html").splitlines()[0]
    '<!doctype html>'
    """
    return resources.files(package).joinpath(name).read_text(encoding="utf-8").strip()


def joined_scripts(scripts: Iterable[str]) -> str:
    """Return scripts as one: what each declares the others see, and nobody else.

    Lines that are comments stay in the sources, as does what lines begin with.

    >>> print(joined_scripts(["// A number.\\nconst two =\\n  2;", "console.log(two);"]))
    'use strict';(() => {
    const two =
    2;
    console.log(two);
    })();
    """
    return "\n".join(["'use strict';(() => {", *(BARE.sub("", each) for each in scripts), "})();"])


def closed(made: str, scripts: Iterable[str], name: str = "") -> str:
    """Return scripts as one that declares a name, `made` where no other is given, and no more.

    >>> print(closed("two", ["const one = 1;", "const two = 2 * one;"]))
    const two = (() => {
    const one = 1;
    const two = 2 * one;
    return two;
    })();
    """
    return "\n".join([f"const {name or made} = (() => {{", *scripts, f"return {made};", "})();"])


def inert_json(value: Any) -> str:
    r"""Return JSON that nothing in it can turn into HTML.

    >>> inert_json("</script>")
    '"\\u003c/script\\u003e"'
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.translate(INERT)


def packed_json(value: Any) -> str:
    """Return JSON gzipped, in base64.

    >>> packed_json([1, 2])[:4]
    'H4sI'
    """
    return packed(json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")))


def packed(text: str) -> str:
    """Return a text gzipped, in base64.

    >>> gzip.decompress(base64.b64decode(packed("two"))).decode()
    'two'
    """
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def policy(
    scripts: Iterable[str], style: str, *, compiles: bool = False, worker: bool = False
) -> str:
    """Return a Content-Security-Policy: these scripts, this style, by their hashes, and no more.

    `compiles` allows WebAssembly to be compiled from what the page holds, and `worker` a worker
    whose script it holds. Nothing can be loaded from elsewhere.

    >>> policy([], "", worker=True).split("; ")[-1]
    'worker-src blob:'
    """
    rules = {
        "default-src": "'none'",
        "script-src": " ".join(f"'{_hash(each)}'" for each in scripts)
        + " 'wasm-unsafe-eval'" * compiles,
        "style-src": f"'{_hash(style)}'",
        "base-uri": "'none'",
        "form-action": "'none'",
        **({"worker-src": "blob:"} if worker else {}),
    }
    return "; ".join(f"{name} {allowed}" for name, allowed in rules.items())


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
