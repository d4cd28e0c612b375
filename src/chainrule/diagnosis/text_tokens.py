"""A text in the plain form as tokens: numbers, names of quantities, signs, and what ends a formula.

| kind | what it is |
|---|---|
| number | `0.3775`, `.35`, `3.5*10^{-5}`; `value` is its text as a program writes it |
| name | a quantity of the network; `value` is its symbol |
| unknown | a name or a sign that is none of the network's |
| function | σ, exp, ln, tanh, e of e^x |
| rate | η |
| = | an equality, also one to some digits |
| sign | + - * / ^ ( ) { } |
| soft | the end of a line or of a row, a dollar sign: it may end a formula |
| end | what ends one: a mark, another character, the end of a paragraph |
| word | a word; `symbol` where it stands for a quantity of each output, within a formula |
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from chainrule.diagnosis.text_marks import BREAK, EDGE, END, HEADING, PARAGRAPH, ROW, TABLE, WITHIN
from chainrule.diagnosis.text_names import Names, Symbol, ratio


class Token(NamedTuple):
    """A token: its kind, its text, where it begins and ends, and what it is."""

    kind: str
    text: str
    start: int
    end: int
    value: str = ""
    symbol: Symbol | None = None
    cut: bool = False
    """Of a number: whether dots say that it goes on."""


class Words(NamedTuple):
    """A name as it stands in the text: its letters, and what stands below and above."""

    base: str
    sub: str
    sup: str
    end: int
    before_sup: int


_NUMBER = re.compile(
    r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)?(?:(?<=\d)\.(?=\d)\d*|\.\d+|(?<=\d))", re.ASCII
)
_POWER = re.compile(
    r"(?:[eE]([+-]?\d{1,3})(?![\w.])|\s*\*\s*10\s*\^\s*\{?\s*([+-]?\s*\d{1,3})\s*\}?)"
)
_COMMA = re.compile(r"\d+,\d+")
_BASE = re.compile(r"[A-Za-zδ]+", re.ASCII)
_SCRIPT = re.compile(
    r"\s?([_^])\s?(?:\{((?:[^{}]|\{[^{}]*\})*)\}|(\([^()\s]*\))|([A-Za-z]+\d*|\d+|[+δ]))"
)
_SPACE = re.compile(r"[ \t&]+")
_FRACTION = re.compile(r"\(\(\s*[∂d]\s?")
_SLASHED = re.compile(r"[∂d]\s?")
_SLASH = re.compile(r"\s*/\s*[∂d]\s?")
_OVER = re.compile(r"\s*\)\s*/\s*\(\s*[∂d]\s?")
_CLOSED = re.compile(r"\s*\)\s*\)")
_PLUS = re.compile(r"\+(?=[ \t" + EDGE + r"]*(?:=|\Z|[|,;:.]|(?:is|was|becomes)\b|&))")
LONGEST, LARGEST_POWER = 40, 200
"""The most characters of a number, and its largest power of ten."""

FUNCTIONS = {"exp", "ln", "log", "tanh", "sigmoid", "σ"}


class Tokens:
    """What makes tokens of a text, by the names of a network.

    Parameters
    ----------
    names
        The names.

    Examples
    --------
    >>> net = cr.Network(2, [cr.Dense(2), cr.Dense(2)], loss="half_squared_error")
    >>> from chainrule.explanation.unit_places import Places
    >>> found = Tokens(Names(Places.of(net), 1)).of("net_{h1} = 0.3775")
    >>> [(token.kind, token.text) for token in found]
    [('name', 'net_{h1}'), ('=', '='), ('number', '0.3775')]
    """

    def __init__(self, names: Names) -> None:
        self.names = names

    def of(self, text: str, start: int = 0, end: int | None = None) -> list[Token]:
        """Return the tokens of a text, or of a part of it.

        Parameters
        ----------
        text
            The text in the plain form.
        start, end
            Where the part begins and ends.
        """
        return list(self._tokens(text, start, len(text) if end is None else end))

    def _tokens(self, text: str, i: int, end: int) -> Iterator[Token]:
        while i < end:
            if space := _SPACE.match(text, i, end):
                i = space.end()
                continue
            token = (
                self._derivative(text, i) or self._number(text, i) or self._name(text, i)
                or self._sign(text, i)
            )  # fmt: skip
            yield token
            i = token.end

    # Numbers and signs

    def _number(self, text: str, i: int) -> Token | None:
        if not (text[i].isdecimal() or text[i] == "."):
            return None
        found = _NUMBER.match(text, i)
        if not found or not found[0]:
            return None
        comma = _COMMA.match(text, i)
        if comma and comma.end() > found.end():  # a decimal comma, or 1,2: not ours to say
            return Token("unknown", comma[0], i, comma.end())
        value, stop = found[0].replace(",", ""), found.end()
        if power := _POWER.match(text, stop):
            value += "e" + re.sub(r"\s", "", power[1] or power[2])
            stop = power.end()
        if len(value) > LONGEST or (power and abs(float(value.partition("e")[2])) > LARGEST_POWER):
            return Token("unknown", text[i:stop], i, stop)
        if text[stop : stop + 1] == "%" or re.match(r"[A-Za-z]\w", text[stop : stop + 2]):
            return Token("unknown", text[i : stop + 1], i, stop + 1)
        cut = text[stop : stop + 1] == "…"
        return Token("number", text[i:stop], i, stop + cut, value, cut=cut)

    def _sign(self, text: str, i: int) -> Token:
        one = text[i]
        if one in "+-*/^(){}":
            return Token("sign", one, i, i + 1)
        kind = "end"
        if one == "=":
            kind = "="
        elif one == "η":
            kind = "rate"
        elif one == "σ":
            kind = "unknown" if text[i + 1 : i + 2] in "'′" else "function"
        elif one in "\n" + EDGE + ROW + WITHIN:
            kind = "soft"
        elif one in BREAK + PARAGRAPH + HEADING + TABLE + END:
            kind = "end"
        elif one in "Σ∂¤_'′[]<>!|√∞∝" or one.isalpha():
            kind = "unknown"
        return Token(kind, one, i, i + 1)

    # Names

    def _name(self, text: str, i: int) -> Token | None:
        if i and text[i - 1].isalpha() and text[i].isalpha():
            return None
        words = self._braced(text, i) or self._words(text, i)
        if words is None:
            return None
        symbol, stop = self.names.symbol(words.base, words.sub, words.sup), words.end
        if symbol is None and re.fullmatch(r"\d", words.sup):  # a power of it
            symbol, stop = self.names.symbol(words.base, words.sub, ""), words.before_sup
        elif symbol and not (symbol.after or symbol.general) and (plus := _PLUS.match(text, stop)):
            symbol, stop = after(symbol), plus.end()
        if symbol:
            kind = "word" if symbol.general else "name"
            return Token(kind, text[i:stop], i, stop, symbol=symbol)
        return self._other(text, i, words)

    def _other(self, text: str, i: int, words: Words) -> Token:
        """A function, a word, or a name that the network does not have."""
        if words.base == "e" and words.sup and not words.sub:
            return Token("function", "e", i, i + 1)
        kind = "unknown" if words.sub or words.sup or len(words.base) == 1 else "word"
        if words.base in FUNCTIONS and kind == "word":
            kind = "function"
        return Token(kind, text[i : words.end], i, words.end)

    def _words(self, text: str, i: int) -> Words | None:
        """The name that begins here, known or not."""
        base = _BASE.match(text, i)
        if not base:
            return None
        stop, scripts = base.end(), {"_": "", "^": ""}
        if digits := re.compile(r"\d+", re.ASCII).match(text, stop):
            scripts["_"], stop = digits[0], digits.end()
        before_sup = stop
        while (found := _SCRIPT.match(text, stop)) and not scripts[found[1]]:
            if found[1] == "^":
                before_sup = stop
            scripts[found[1]] = found[2] or found[3] or found[4] or "?"
            stop = found.end()
            if found[1] == "_" and not scripts["^"]:
                before_sup = stop
        return Words(base[0], scripts["_"], scripts["^"], stop, before_sup)

    def _braced(self, text: str, i: int) -> Words | None:
        """A name in braces with a sign above: {w_{11}^{2}}^{+}."""
        if text[i] != "{" or (words := self._words(text, i + 1)) is None:
            return None
        if text[words.end : words.end + 1] != "}":
            return None
        above = _SCRIPT.match(text, words.end + 1)
        if not above or above[1] != "^":
            return None
        return words._replace(sup=f"{words.sup}{above[2] or above[4] or '?'}", end=above.end())

    def _derivative(self, text: str, i: int) -> Token | None:
        """∂E/∂w, as a fraction or with a slash."""
        fraction = _FRACTION.match(text, i)
        begun = fraction or (None if i and text[i - 1].isalpha() else _SLASHED.match(text, i))
        if not begun:
            return None
        above, stop = self._side(text, begun.end())
        between = (_OVER if fraction else _SLASH).match(text, stop)
        if not between:
            return None
        below, stop = self._side(text, between.end())
        closing = _CLOSED.match(text, stop) if fraction else None
        stop = closing.end() if closing else stop
        if (fraction and not closing) or (text[i] == "d" and not (above or below)):
            return None
        if above is None or below is None:
            return Token("unknown", text[i:stop], i, stop)
        found = ratio(above, below)
        if not found.after and (plus := _PLUS.match(text, stop)):
            found, stop = after(found), plus.end()
        return Token("name", text[i:stop], i, stop, symbol=found)

    def _side(self, text: str, i: int) -> tuple[Symbol | None, int]:
        """What stands above or below, and where it ends."""
        words = self._words(text, i) if i < len(text) else None
        if words is None:
            return None, i
        return self.names.symbol(words.base, words.sub, words.sup), words.end


def after(symbol: Symbol) -> Symbol:
    """Return the symbol of the same quantity after the update.

    >>> after(Symbol("w_5", ())).shown
    'w_5+'
    """
    return symbol._replace(shown=f"{symbol.shown}+", after=True)
