"""What a text states: chains of equalities, tables, and sentences, each of a quantity and a figure.

| in the text | what it states |
|---|---|
| `net_h1 = w1*i1 + b1 = 0.15*0.05 + 0.35 = 0.3575` | a formula of net_h1 and its figure |
| `w5+ is 0.3589` | the same in words |
| `out_o1 and out_o2 are 0.75 and 0.77` | figures in the order of their names |
| a column below a name, a row beside one | the figures of that name |
| `the total error is now 0.2910` | a figure of the cost |
| `the outputs are 0.0159 and 0.984` | figures of the outputs, as many as there are |
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from chainrule.diagnosis.text_marks import EDGE, WITHIN
from chainrule.diagnosis.text_names import Symbol
from chainrule.diagnosis.text_scopes import Scope, Scopes, sentences
from chainrule.diagnosis.text_tokens import Token, Tokens
from chainrule.explanation.notation import COST, Key

LINKS = ("is", "are", "was", "were", "equals", "becomes", "become")
"""The words that are an equality between a name and a number."""

_BESIDE = ("now", "about", "approximately", "then", "only", "therefore", "thus", "exactly")
_ASSUMED = re.compile(r"\b(?:if|when|unless|otherwise)\b[^A-Za-z0-9.;]*$", re.IGNORECASE)
_COST_SAID = re.compile(
    r"\b(?:error|cost|loss)\b(?!\s+(?:rate|function))(?:\s+(?:on|of|for|in)\s+the\s+network)?"
    r"(?:\s+(?!of\b|by\b)[a-z]+){0,4}?\s+(?:is|was|to|becomes)(?:\s+[a-z]+){0,2}?\s+"
    rf"{EDGE}?(?=\.?\d)",
    re.IGNORECASE,
)
_OUTPUTS_SAID = re.compile(
    r"\boutputs?(?:\s+(?:neurons?|units?|nodes?))?\s+(?:(?:now|then|finally)\s+)?"
    r"(?:are|were|become|became|generates?|gives?|produces?|reach)\b",
    re.IGNORECASE,
)


class Statement(NamedTuple):
    """A figure, the names that it is of, the formulas between; all in the order of the text.

    `figure` is None where there is a formula alone; `names` is empty where none is understood.
    """

    names: tuple[Symbol, ...]
    formulas: tuple[tuple[Token, ...], ...]
    figure: Token | None
    sign: str
    start: int
    scope: Scope


class Statements:
    """What finds the statements of a text.

    Parameters
    ----------
    tokens
        What makes tokens of it.
    text
        The text in the plain form.
    outputs
        The symbols of the outputs.

    Examples
    --------
    >>> from chainrule.diagnosis.text_names import Names
    >>> from chainrule.explanation.unit_places import Places
    >>> net = cr.Network(2, [cr.Dense(2), cr.Dense(2)], loss="half_squared_error")
    >>> text, tokens = "net_{h1} = 0.3775", Tokens(Names(Places.of(net), 1))
    >>> (found,) = Statements(tokens, text, ()).outside(text, tokens.of(text))
    >>> found.names[0].shown, found.figure.value
    ('net_h1', '0.3775')
    """

    tokens: Tokens
    text: str
    outputs: Sequence[Symbol]

    def __init__(self, tokens: Tokens, text: str, outputs: Sequence[Symbol]) -> None:
        self.tokens, self.text, self.outputs = tokens, text, outputs
        self.scopes: Scopes = Scopes(text)

    def outside(self, text: str, tokens: Sequence[Token]) -> list[Statement]:
        """Return the statements of the text without its tables.

        Parameters
        ----------
        text, tokens
            The text, with as many characters, and its tokens.
        """
        found = [s for run in _runs(tokens) for s in self.of_run(run)]
        taken = {s.figure.start for s in found if s.figure}
        numbers = [t for t in tokens if t.kind == "number" and t.start not in taken and _is_long(t)]
        return sorted([*found, *self._said(text, numbers)], key=lambda s: s.start)

    # Chains

    def of_run(self, run: Sequence[Token], scope: Scope | None = None) -> Iterator[Statement]:
        """Yield what a run of tokens states, which has an equality.

        Parameters
        ----------
        run
            The tokens, without an end among them.
        scope
            Of what the figures are, where the place does not say.
        """
        if not any(t.kind == "=" for t in run):
            return
        start = run[0].start
        if _ASSUMED.search(self.text[max(0, start - 20) : start]):
            return
        scope = scope or self.scopes.at(start)
        lists = [_listed(side) for side in _split(run)]
        if len(lists) == 2 and len(lists[0]) > 1:
            yield from self._pairs(lists[0], lists[1], scope)
            return
        sides = [_trimmed(side[-1] if k == 0 else side[0]) for k, side in enumerate(lists)]
        figure, sign = _figure(sides[-1])
        middle = sides[:-1] if figure else sides
        names = tuple(s[0].symbol for s in middle if len(s) == 1 and s[0].symbol)
        formulas = tuple(tuple(s) for s in middle if len(s) > 1)
        if figure or (names and formulas):
            yield Statement(names, formulas, figure, sign, start, scope)

    def _pairs(
        self, names: list[list[Token]], figures: list[list[Token]], scope: Scope
    ) -> Iterator[Statement]:
        """Figures in the order of their names; none where there are not as many."""
        for name, side in zip(names, figures, strict=False):
            figure, sign = _figure(_trimmed(side))
            symbol = name[0].symbol if len(name) == 1 else None
            if figure and symbol and len(names) == len(figures):
                yield Statement((symbol,), (), figure, sign, name[0].start, scope)

    # Sentences

    def _said(self, text: str, numbers: list[Token]) -> Iterator[Statement]:
        """Figures of the cost and of the outputs that sentences give."""
        by_start = {figure.start: figure for figure in numbers}
        for cost in _COST_SAID.finditer(text):
            if figure := by_start.pop(cost.end(), None):
                yield self._alone(Symbol("the cost", (COST,)), figure)
        starts = sorted(by_start)
        for start, end in sentences(text):
            if not (found := _OUTPUTS_SAID.search(text, start, end)):
                continue
            first, last = (bisect.bisect_left(starts, i) for i in (found.end(), end))
            here = starts[first:last]
            said = [by_start[k] for k in here if not _in_brackets(text, start, k)]
            if len(said) == len(self.outputs):
                yield from map(self._alone, self.outputs, said)

    def _alone(self, symbol: Symbol, figure: Token) -> Statement:
        return Statement((symbol,), (), figure, "", figure.start, self.scopes.at(figure.start))


def output_symbols(last: int, outputs: int) -> tuple[Symbol, ...]:
    """Return the symbols of the outputs, as sentences without names mean them.

    >>> [symbol.shown for symbol in output_symbols(1, 2)]
    ['out_o1', 'out_o2']
    """
    return tuple(Symbol(f"out_o{j + 1}", (Key("a", last, j),)) for j in range(outputs))


def _runs(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Yield what stands between the ends of formulas; a comma or "and" lists names, or figures."""
    run: list[Token] = []
    for k in range(len(tokens)):
        token = _as_link(tokens, k, run)
        if token.kind == "soft":
            if _ends(run, tokens, k):
                yield run
                run = []
        elif _lists(token, tokens, k, run):
            run.append(token._replace(kind="comma"))
        elif _is_part(token, tokens, k, run):
            run.append(token._replace(kind="name" if token.symbol else "unknown"))
        elif token.kind in ("end", "word"):
            if token.kind == "end" or token.text not in _BESIDE or not run:
                yield run
                run = []
        elif _begins_note(tokens, k, run):
            yield run
            run = [token]
        else:
            run.append(token)
    yield run


def _is_part(token: Token, tokens: Sequence[Token], k: int, run: list[Token]) -> bool:
    """Whether a word or a comma stands within a formula: a factor, a function, its arguments."""
    if token.text == ",":
        return _depth(run) > 0
    begins = bool(run) and run[-1].kind in ("=", "sign") and run[-1].text not in (")", "}")
    if token.kind != "word" or not begins:
        return False
    behind = tokens[k + 1] if k + 1 < len(tokens) else None
    called = behind is not None and behind.text == "(" and behind.start == token.end
    return token.symbol is not None or called


def _depth(run: list[Token]) -> int:
    """How many brackets are open since the last equality."""
    depth = 0
    for token in reversed(run):
        if token.kind == "=":
            break
        if token.kind == "sign":
            depth += (token.text in "({") - (token.text in ")}")
    return depth


def _as_link(tokens: Sequence[Token], k: int, run: list[Token]) -> Token:
    """A word such as "is" after a name, with a number behind it, is an equality."""
    token = tokens[k]
    if token.kind != "word" or token.text.lower() not in LINKS or not run:
        return token
    if run[-1].kind != "name":
        return token
    behind = [t for t in tokens[k + 1 : k + 6] if not _passed(t)]
    if behind and behind[0].text == "-":
        behind = behind[1:]
    return token._replace(kind="=") if behind and behind[0].kind == "number" else token


def _passed(token: Token) -> bool:
    return token.kind == "soft" or (token.kind == "word" and token.text.lower() in _BESIDE)


def _lists(token: Token, tokens: Sequence[Token], k: int, run: list[Token]) -> bool:
    """Whether a comma or an "and" stands between lone names, or lone figures after them."""
    if token.text not in (",", "and") or not run:
        return False
    behind = next((t for t in tokens[k + 1 : k + 6] if t.kind != "soft" and t.text != "and"), None)
    if not any(t.kind == "=" for t in run):
        return behind is not None and run[-1].kind == "name" and behind.kind == "name"
    named = any(t.kind == "comma" for t in run)
    numeric = behind is not None and (behind.kind == "number" or behind.text in "+-")
    return named and numeric and run[-1].kind in ("number", "comma")


def _begins_note(tokens: Sequence[Token], k: int, run: list[Token]) -> bool:
    """Whether a bracket after a figure and a space begins a note to it, and is no factor."""
    if tokens[k].text != "(" or not run or run[-1].kind != "number":
        return False
    closing = _closing(tokens[k : k + 200])
    inner = tokens[k : k + closing + 1]
    if closing < 0 or any(t.kind in ("word", "unknown", "end") for t in inner):
        return tokens[k].start > run[-1].end
    behind = next((t for t in tokens[k + closing + 1 : k + closing + 8] if t.kind != "soft"), None)
    goes_on = behind is not None and (
        behind.kind == "=" or behind.text in ("+", "-", "*", "/", "^")
    )
    return tokens[k].start > run[-1].end and not goes_on


def _ends(run: list[Token], tokens: Sequence[Token], k: int) -> bool:
    """Whether a line's end ends a formula: where it is whole, and what follows does not go on."""
    opened = _depth(run)
    last = run[-1] if run else None
    if not last or opened > 0 or last.kind in ("=", "comma") or last.text in ("+", "-", "*", "/"):
        return False
    following = [t for t in tokens[k + 1 : k + 9] if t.kind != "soft"]
    behind = following[0] if following else None
    if tokens[k].text == WITHIN:
        return last.kind == "number" and [t.kind for t in following[:2]] == ["name", "="]
    if behind is None:
        return True
    if behind.kind == "=" or behind.text.lower() in ("and", ",", *LINKS):
        return False
    if any(t.text == EDGE for t in (tokens[k], tokens[k - 1])):  # a dollar sign
        return True
    return not (behind.kind == "sign" and behind.text in "+-*/^)}")


def _split(run: Sequence[Token]) -> list[list[Token]]:
    """The sides of the equalities."""
    sides: list[list[Token]] = [[]]
    for token in run:
        if token.kind == "=":
            sides.append([])
        else:
            sides[-1].append(token)
    return sides


def _listed(side: Sequence[Token]) -> list[list[Token]]:
    """The parts of a side between commas."""
    parts: list[list[Token]] = [[]]
    for token in side:
        if token.kind != "comma":
            parts[-1].append(token)
        elif parts[-1]:
            parts.append([])
    return parts


def _trimmed(side: Sequence[Token]) -> list[Token]:
    """A side without braces and brackets around all of it, or around more than it."""
    found = list(side)
    while found and found[0].text == "(" and _closing(found) < 0:
        found = found[1:]
    while found and found[-1].text == ")" and _depth(found) < 0:
        found = found[:-1]
    while len(found) > 2 and found[0].text in "({" and _closing(found) == len(found) - 1:
        found = found[1:-1]
    return found


def _closing(side: Sequence[Token]) -> int:
    """Where the bracket closes that opens first; −1 where it does not."""
    depth = 0
    for k, token in enumerate(side):
        depth += (token.text in "({") - (token.text in ")}") if token.kind == "sign" else 0
        if depth == 0:
            return k
    return -1


def _figure(side: Sequence[Token]) -> tuple[Token | None, str]:
    """The number that a side is, with its sign, or None."""
    signs = ""
    while side and side[0].kind == "sign" and side[0].text in "+-":
        signs, side = signs + side[0].text, _trimmed(side[1:])
    sign = "-" if signs.count("-") % 2 else ""
    return (side[0], sign) if len(side) == 1 and side[0].kind == "number" else (None, "")


def _in_brackets(text: str, start: int, i: int) -> bool:
    return text.count("(", start, i) > text.count(")", start, i)


def _is_long(figure: Token) -> bool:
    """Whether a figure has a point and four digits, as one that was computed."""
    digits = re.sub(r"\D", "", figure.text.split("e")[0]).lstrip("0")
    return "." in figure.text and len(digits) >= 4
