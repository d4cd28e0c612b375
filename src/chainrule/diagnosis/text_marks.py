r"""Markdown and LaTeX brought to one plain form, in which every line keeps its number.

| in the text | in the plain form |
|---|---|
| `\mathrm{out}_{\mathrm{h1}}`, `out_{h1}` | `out_{h1}` |
| `\frac{\partial E}{\partial w_5}` | `((∂E)/(∂w_5))` |
| `w₅⁺` | `w_{5}^{+}` |
| `\cdot`, `\times`, `\approx` | `*`, `*`, `=` |
| what ends a formula, a paragraph, a heading | `BREAK`, `PARAGRAPH`, `HEADING` |
"""

from __future__ import annotations

import bisect
import html
import re
from collections.abc import Callable

BREAK, PARAGRAPH, HEADING = "\x1d", "\x1e", "\x1c"
"""The end of a formula; of a paragraph; and of a paragraph, where a heading begins."""

EDGE, ROW = "\x1f", "\x1a"
"""A dollar sign; the end of a row of a formula or a table."""

WITHIN = "\x0b"
"""The end of a line within a formula, where it is a space."""

TABLE, END = "\x02", "\x03"
"""Where a table of LaTeX begins and ends."""

READ = ("", "text", "txt", "plain", "console", "math", "latex", "tex", "output", "markdown", "md")
"""The languages of blocks of code that are read; all others are programs."""

_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉₊₋₍₎ₐₑₕᵢⱼₖₗₘₙₒₚₜₓ", "0123456789+-()aehijklmnoptx")
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ᴸˡ", "0123456789+-()Ll")
_LOW, _HIGH = ("[" + "".join(map(chr, table)) + "]+" for table in (_SUBSCRIPTS, _SUPERSCRIPTS))

_GROUP = r"\{((?:[^{}]|\{(?:[^{}]|\{(?:[^{}]|\{[^{}]{0,200}\}){0,400}\}){0,900}\}){0,2000})\}"
_WRAPPERS = (
    r"\\(?:math(?:rm|it|sf|bf|tt|bb)|text(?:rm|bf|it|sf|tt|color)?|emph|operatorname\*?|boxed|"
    r"underline|bm|boldsymbol|mbox|fbox|underbrace|overbrace)"
)

Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]


def _rules(*rows: tuple[str, str | Callable[[re.Match[str]], str]]) -> list[Rule]:
    return [(re.compile(pattern, re.MULTILINE), made) for pattern, made in rows]


def _code(found: re.Match[str]) -> str:
    """A block of code: read or not by its language."""
    return f"{PARAGRAPH}{found[3]}{PARAGRAPH}" if found[2].lower() in READ else PARAGRAPH


def _entity(found: re.Match[str]) -> str:
    return re.sub(r"\s", " ", html.unescape(found[0]))


MARKDOWN = _rules(
    (r"<!--[\s\S]*?-->", " "),
    (r"^[ \t]*(```+|~~~+)[ \t]*([\w+#-]*)[^\n]*\n([\s\S]*?)^[ \t]*\1[ \t]*$", _code),
    (r"&#?\w{1,20};", _entity),
    (r"https?://[^\s)>\]]+", " "),
    (r"</?[A-Za-z][^<>\n]{0,200}>", " "),
    (r"!?\[([^\[\]\n]*)\]\([^()\s]*[./#][^()\s]*\)", r"\1"),
    (r"^[ \t]*#{1,6}[ \t]([^\n]*)$", rf"{HEADING}\1{PARAGRAPH}"),
    (r"^[ \t>]*(?:[-*+]|\d{1,3}[.)])[ \t]+(?![-\d.|])", PARAGRAPH),
    (r"^[ \t]*>[ \t]?", ""),
    (r"`+", EDGE),
    (r"\*\*|__(?=\S)", ""),
    (r"(?<![\w)}\]*])\*(?=[^\s*])([^*\n]{1,80}?)(?<=[^\s*])\*(?![\w*])", r"\1"),
    (r"\\([_*#|.!`])", r"\1"),
)
LATEX = _rules(
    (r"\A[\s\S]*?\\begin\{document\}", " "),
    (r"(?<!\\)%[^\n]*", " "),
    (r"\\begin\{comment\}[\s\S]*?\\end\{comment\}", " "),
    (
        rf"\\(?:(?:sub)*section|chapter|(?:sub)?paragraph)\*?(?:\[[^\]\n]*\])?\s*{_GROUP}",
        rf"{HEADING}\1{PARAGRAPH}",
    ),
    (r"\\(?:item|par|noindent)\b(?:\[[^\]\n]*\])?", PARAGRAPH),
    (r"\\begin\{(?:tabular[x*]?|longtable)\}(?:\[[^\]\n]*\]|\{(?:[^{}]|\{[^{}]*\})*\})*", TABLE),
    (r"\\end\{(?:tabular[x*]?|longtable)\}", END),
    (r"\\(?:hline|(?:top|mid|bottom)rule|cline\{[^{}]*\})", " "),
    (r"\\_", "_"),
)
COMMON = _rules(
    (r"\n[ \t]*(?=\n)", PARAGRAPH),
    (r"\\\\\*?(?:[ \t]*\[[^\]\n]{0,20}\])?", ROW),
    (r"\$\$|\\[\[\]]", BREAK),
    (r"\\(?:begin|end)\{(?:gathered|aligned|split)\}", " "),
    (r"\\(?:begin|end)\{[^{}\n]*\}(?:\{[^{}\n]*\})?", BREAK),
    (r"(?<![_^])\{\s*\}", " "),
    (r"\$|\\[()]", EDGE),
    (r"\\(?:label|ref|eqref|cite|tag|[vh]space|color|phantom|setlength\w*)\*?\{[^{}]*\}", " "),
    (r"(?<=&)[ \t]*(?:\\q?quad\b[ \t]*)+|\\q?quad\b(?=[ \t]*(?:\{[ \t]*\}[ \t]*)?[-+=])", " "),
    (r"\\(?:q?quad|hfill)\b", BREAK),
    (r"\\(?:left|right|[bB]igg?[lrm]?)(?![A-Za-z])\.?", " "),
    (r"\\(?:display|text|script)style\b|\\(?:no)?limits\b", " "),
    (r"\{,\}|\\[,;:! ]|~", " "),
    (r"\\partial\b ?", "∂"),
    (r"\\(?:var)?delta\b ?", "δ"),
    (r"\\eta\b ?", "η"),
    (r"\\sigma\b ?", "σ"),
    (r"\\sum\b", "Σ"),
    (r"\\(?:cdot|times|ast)\b|[·×⋅∗∙]", "*"),
    (r"\\(?:approx|simeq|doteq|equiv|coloneqq)\b|[≈≃≐≡≅]|:=|==?", "="),
    (r"\\(?:exp|ln|log|tanh)\b", lambda found: found[0][1:]),
    (r"\\[lc]?dots\b|\.\.\.", "…"),
    (r"[−‐‑–]", "-"),
    (r"½", "(1/2)"),
    (r"\\%", "%"),
    (r"\\[{}]", " "),
    (_LOW, lambda found: "_{" + found[0].translate(_SUBSCRIPTS) + "}"),
    (_HIGH, lambda found: "^{" + found[0].translate(_SUPERSCRIPTS) + "}"),
)
_FORMULA = re.compile(
    r"\$\$[\s\S]*?\$\$|(?<!\\)\\\[[\s\S]*?\\\]|(?<![\\$])\$(?:[^$\n]|\n(?![ \t]*\n))*\$|"
    r"\\begin\{((?:equation|align|gather|flalign|multline|eqnarray|aligned|split)\*?)\}[\s\S]*?"
    r"\\end\{\1\}"
)
_WRAPPED = re.compile(rf"{_WRAPPERS}\s*\{{([^{{}}]*)\}}")
_FRACTION = re.compile(rf"\\[dtc]?frac\s*{_GROUP}\s*{_GROUP}")
_SHORT = re.compile(r"\\[dtc]?frac\s*(\d)\s*(\d)")
_OTHER = re.compile(rf"{_WRAPPERS}(?![A-Za-z])|\\[A-Za-z]+\*?")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f]")


def plain(text: str, *, latex: bool) -> str:
    r"""Return a text in the plain form.

    >>> plain(r"$\frac{\partial E_{\mathrm{o1}}}{\partial w_5} \approx 0.08$", latex=False).strip(
    ...     EDGE
    ... )
    '((∂E_{o1})/(∂w_5)) = 0.08'
    """
    text = _CONTROLS.sub(" ", text)
    for pattern, made in LATEX if latex else MARKDOWN:
        text = _replaced(pattern, made, text)
    text = _FORMULA.sub(lambda found: found[0].replace("\n", WITHIN), text)
    for pattern, made in COMMON:
        text = _replaced(pattern, made, text)
    for pattern, made in ((_WRAPPED, r"\1"), (_SHORT, r"((\1)/(\2))"), (_FRACTION, r"((\1)/(\2))")):
        for _ in range(9):  # the innermost first
            before, text = text, _replaced(pattern, made, text)
            if text == before:
                break
    return _replaced(_OTHER, lambda found: " " if _is_wrapper(found[0]) else "¤", text)


class Lines:
    """The lines of a text in the plain form, counted from 1.

    Parameters
    ----------
    text
        The text.

    Examples
    --------
    >>> Lines("a\\nb").number(2)
    2
    """

    def __init__(self, text: str) -> None:
        self._ends = [end.start() for end in re.finditer(f"[\n{WITHIN}]", text)]

    def number(self, i: int) -> int:
        """Return the number of the line of a place.

        Parameters
        ----------
        i
            The place in the text.
        """
        return bisect.bisect_left(self._ends, i) + 1


def _is_wrapper(command: str) -> bool:
    return re.fullmatch(_WRAPPERS, command) is not None


def _replaced(
    pattern: re.Pattern[str], made: str | Callable[[re.Match[str]], str], text: str
) -> str:
    """Replace what a pattern finds, and keep the ends of lines in it."""

    def with_lines(found: re.Match[str]) -> str:
        new = made(found) if callable(made) else found.expand(made)
        return new + "".join(
            mark * (found[0].count(mark) - new.count(mark)) for mark in ("\n", WITHIN)
        )

    return pattern.sub(with_lines, text)
