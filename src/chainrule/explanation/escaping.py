r"""Words that others chose, such as names of inputs, made harmless in each format.

Whatever a name holds, `<script>`, `\write18{...}`, `$x$`, a terminal's escape sequence, it is
shown as it was typed, less the characters that only steer: control characters, line breaks, changes
of the direction of writing.
"""

from __future__ import annotations

import re
import unicodedata
from html import escape

SIGNS = {
    "½": r"\tfrac{1}{2}",
    "∂": r"\partial ",
    "−": "-",
    "·": r"\cdot ",
    "×": r"\times ",
    "≤": r"\leq ",
    "≥": r"\geq ",
    "≈": r"\approx ",
    "∞": r"\infty ",
    "Σ": r"\sum ",
    "√": r"\surd ",
    "′": r"\prime ",
    "²": "^{2}",
    "α": r"\alpha ",
    "β": r"\beta ",
    "γ": r"\gamma ",
    "δ": r"\delta ",
    "ε": r"\varepsilon ",
    "η": r"\eta ",
    "θ": r"\theta ",
    "λ": r"\lambda ",
    "μ": r"\mu ",
    "π": r"\pi ",
    "ρ": r"\rho ",
    "σ": r"\sigma ",
    "τ": r"\tau ",
    "φ": r"\varphi ",
    "ω": r"\omega ",
    "Γ": r"\Gamma ",
    "Δ": r"\Delta ",
    "Φ": r"\Phi ",
    "Ω": r"\Omega ",
}
"""Signs as LaTeX writes them in a formula."""

_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "{''}",
    "`": r"\`{}",
    "—": "---",
    "–": "--",
    "…": r"\dots{}",
    "ß": r"\ss{}",
    "æ": r"\ae{}",
    "Æ": r"\AE{}",
    "ø": r"\o{}",
    "Ø": r"\O{}",
    "ł": r"\l{}",
    "Ł": r"\L{}",
    "-": "{-}",  # two would be joined to a dash
    "'": "{'}",
} | {sign: f"\\{sign}" for sign in "{}_$&%#"}

_ACCENTS = {
    "\N{COMBINING GRAVE ACCENT}": "`",
    "\N{COMBINING ACUTE ACCENT}": "'",
    "\N{COMBINING CIRCUMFLEX ACCENT}": "^",
    "\N{COMBINING TILDE}": "~",
    "\N{COMBINING MACRON}": "=",
    "\N{COMBINING BREVE}": "u",
    "\N{COMBINING DOT ABOVE}": ".",
    "\N{COMBINING DIAERESIS}": '"',
    "\N{COMBINING RING ABOVE}": "r",
    "\N{COMBINING DOUBLE ACUTE ACCENT}": "H",
    "\N{COMBINING CARON}": "v",
    "\N{COMBINING CEDILLA}": "c",
}

_STEERING = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def plain(text: str) -> str:
    r"""Return a text on one line, without characters that steer a terminal or turn its direction.

    >>> plain("a\x1b[31m\nb\u202ec")
    'a[31m bc'
    """
    kept = "".join(
        " " if letter.isspace() else letter
        for letter in text
        if letter.isspace() or unicodedata.category(letter) not in _STEERING
    )
    return re.sub(" +", " ", kept)


def html(text: str) -> str:
    """Return a text as HTML and XML show it.

    >>> html("<b> & 'c'")
    '&lt;b&gt; &amp; &#x27;c&#x27;'
    """
    return escape(plain(text))


def latex(text: str) -> str:
    r"""Return a text as LaTeX shows it outside formulas, in ASCII; a letter it lacks by its number.

    >>> print(latex("50% of δ, café_1, \\input"))
    50\% of $\delta $, caf\'{e}\_1, \textbackslash{}input
    >>> latex("猫")
    '[U+732B]'
    """
    return "".join(map(_latex_letter, plain(text)))


def _latex_letter(letter: str) -> str:
    if letter in SIGNS:
        return f"${SIGNS[letter]}$"
    if letter in _LATEX or letter.isascii():
        return _LATEX.get(letter, letter)
    base, *marks = list(unicodedata.normalize("NFD", letter))
    if base.isascii() and base.isalpha() and len(marks) == 1 and marks[0] in _ACCENTS:
        return f"\\{_ACCENTS[marks[0]]}{{{base}}}"
    return f"[U+{ord(letter):04X}]"


def markdown(text: str) -> str:
    """Return a text as Markdown shows it: signs with a meaning there by their numbers.

    >>> markdown("*a* | $x$")
    '&#42;a&#42; &#124; &#36;x&#36;'
    """
    return re.sub(r"[!-&*:<-@\[-`{-~]|\.(?!\d)", lambda sign: f"&#{ord(sign[0])};", plain(text))
