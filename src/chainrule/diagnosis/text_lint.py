"""The figures and formulas of a text, held to a network: right, a rounding slip, or wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from chainrule.diagnosis.claims import Printed
from chainrule.diagnosis.formula_values import has_figures
from chainrule.diagnosis.mistake import Mistake
from chainrule.diagnosis.text_marks import EDGE, WITHIN, Lines, plain
from chainrule.diagnosis.text_names import Names, Symbol
from chainrule.diagnosis.text_report import RIGHT, ROUNDED, UNKNOWN, WRONG, TextFigure, TextReport
from chainrule.diagnosis.text_scopes import Scope
from chainrule.diagnosis.text_source import Passage
from chainrule.diagnosis.text_statements import Statement, Statements, output_symbols
from chainrule.diagnosis.text_tables import tables
from chainrule.diagnosis.text_tokens import Token, Tokens
from chainrule.diagnosis.text_values import Candidate, Values
from chainrule.diagnosis.text_wordings import wordings
from chainrule.network import Network, Parameters

SHOWN = 3
"""How many mistakes are told of one figure."""

ROUNDING = ("rounding", "reading")
"""The seams of mistakes that are slips of rounding."""

EXACT, SMALL = 1e-9, 1e-3
"""The share of its value by which a formula may be off that is right; of smaller ones, of this."""


def lint(
    passages: Sequence[Passage], net: Network, params: Parameters, X: Any, y: Any, **options: Any
) -> TextReport:
    """Return each figure and formula of a text, with what is right and the mistake that gives it.

    A figure with a name is right if it is the rounded value of its quantity, of any example and
    before or after the update where the text leaves that open; "after 10,000 rounds" says so.

    Parameters
    ----------
    passages
        The text, as `read_passages` gives it.
    net, params, X, y
        The network, its parameters and the examples, as `find_mistake` takes them.
    **options
        The optimizer and the like, as `find_mistake` takes them.

    Raises
    ------
    TypeError, ValueError
        Where the network or its data do not fit.

    Examples
    --------
    >>> net = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
    >>> params = net.parameters([([[0.5]], [0.25])])
    >>> text = Passage("slope.md", 0, "Thus dE/dw1 = -2.25, and out_o1 = 1.75.", latex=False)
    >>> print(lint([text], net, params, [3.0], [1.0]).text(), end="")
    slope.md:1: ∂E/∂w_1 = -2.25; right is 2.25; the sign is reversed: (y − a) was
      taken for ∂C/∂a in place of (a − y). To mend it: take (a − y); the minus of
      target − output belongs to the derivative; or: inputs and targets exchanged.
    2 figures: 1 right, 0 rounding slips, 1 wrong.
    """
    try:
        values = Values(net, params, X, y, **options)
    except (TypeError, ValueError) as error:
        raise type(error)(f"lint: {str(error).removeprefix('find_mistake: ')}") from None
    reader = _Reader(values, Tokens(Names(values.at, values.examples)))
    figures = [figure for passage in passages for figure in reader.read(passage)]
    return TextReport(tuple(figures), reader.unnamed)


class _Reader:
    """What judges the statements of passages."""

    def __init__(self, values: Values, tokens: Tokens) -> None:
        self.values, self.tokens, self.unnamed = values, tokens, 0
        self.outputs = output_symbols(values.at.last, values.at.widths[-1])
        self.seen: dict[str, Symbol] = {}

    def read(self, passage: Passage) -> list[TextFigure]:
        """Return what is found in a passage, in its order."""
        text = plain(passage.text, latex=passage.latex)
        lines, statements = Lines(text), self._statements(text)
        for statement in statements:
            for name in statement.names:
                if not name.general:
                    self.seen.setdefault(name.shown, name)
        found = [one for statement in statements for one in self._judged(statement)]
        for slip in wordings(text, lines):
            figure = TextFigure("", slip.text, WRONG, mistake=slip.mistake, kind="wording")
            found.append((slip.start, figure))
        found.sort(key=lambda one: one[0])
        return [
            replace(figure, place=passage.place(lines.number(start))) for start, figure in found
        ]

    def _statements(self, text: str) -> list[Statement]:
        """What a text states; figures with a point that are in none of these are counted."""
        finder = Statements(self.tokens, text, self.outputs)
        found: list[Statement] = []
        for start, end, stated in tables(finder):
            found += stated
            text = text[:start] + re.sub(rf"[^\n{WITHIN}]", EDGE, text[start:end]) + text[end:]
        tokens = self.tokens.of(text)
        found += finder.outside(text, tokens)
        used = {s.figure.start for s in found if s.figure}
        used |= {t.start for s in found for formula in s.formulas for t in formula}
        self.unnamed += sum(
            t.kind == "number" and "." in t.text and t.start not in used for t in tokens
        )
        return found

    def _judged(self, statement: Statement) -> Iterator[Judged]:
        names = [(n, self.values.candidates(n, statement.scope)) for n in statement.names]
        names = [(name, candidates) for name, candidates in names if candidates]
        if (figure := statement.figure) is not None:
            known = [each for each in names if not each[0].general]
            judged = [self._figure(figure, statement.sign, *each) for each in known]
            if not judged:
                judged = [TextFigure("", statement.sign + figure.text, UNKNOWN)]
            yield figure.start, next((f for f in judged if f.verdict != RIGHT), judged[0])
        if names and not statement.scope.after:
            for tokens in statement.formulas:
                for made in self._formula(statement._replace(names=(names[0][0],)), tokens):
                    yield tokens[0].start, made

    # Figures

    def _figure(
        self, figure: Token, sign: str, name: Symbol, candidates: list[Candidate]
    ) -> TextFigure:
        shown, printed = sign + figure.text, Printed.read(name.shown, sign + figure.value)
        for candidate in candidates:
            fits = printed.rounds(candidate.value)
            if fits or (figure.cut and printed.truncates(candidate.value)):
                return TextFigure(name.shown, shown, RIGHT, candidate.value)
        return TextFigure(name.shown, shown, *self._why(candidates, printed))

    def _why(self, candidates: list[Candidate], printed: Printed) -> tuple[str, float, str]:
        """Whether it is a slip, what would be right, and what gives it."""
        for candidate in candidates:
            if mistakes := self.values.mistakes(candidate, printed):
                slips = [m for m in mistakes if m.seam in ROUNDING]
                verdict = ROUNDED if slips else WRONG
                return verdict, candidate.value, _told(slips or mistakes)
            if candidate.quantity is None and printed.is_next_to(candidate.value):
                return ROUNDED, candidate.value, "the last digit is off by one"
        return WRONG, candidates[0].value, self._other(printed)

    def _other(self, printed: Printed) -> str:
        """Say which other quantity it is, or is but for its sign; "" where it is none."""
        if printed.digits < 4:
            return ""
        for name in (*self.seen.values(), *self.values.usual()):
            for candidate in self.values.candidates(name, Scope()):
                if printed.rounds(candidate.value):
                    return f"it is {name.shown}"
                if printed.rounds(-candidate.value):
                    return f"it is {name.shown} with a minus"
        return ""

    # Formulas

    def _formula(self, statement: Statement, tokens: tuple[Token, ...]) -> list[TextFigure]:
        """A formula, or nothing where it is not understood or holds figures."""
        if has_figures(tokens) or not any(t.kind == "name" for t in tokens):
            return []
        given = list(self.values.formulas(statement, tokens))
        if not given:
            return []
        name, shown = statement.names[0].shown, _written(tokens)
        for candidate, value in given:
            size = max(abs(value), abs(candidate.value), SMALL)
            if abs(value - candidate.value) <= EXACT * size:
                return [TextFigure(name, shown, RIGHT, candidate.value, kind="formula")]
        candidate, value = given[0]
        printed = Printed.read(name, f"{value:.10g}")
        mistakes = self.values.mistakes(candidate, printed)
        why = _told(mistakes) if mistakes else self._other(printed)
        mistake = f"this gives {value:.10g}" + (f": {why}" if why else "")
        return [TextFigure(name, shown, WRONG, candidate.value, mistake, "formula")]


Judged = tuple[int, TextFigure]
"""Where something stands, and what it is."""


def _told(mistakes: list[Mistake]) -> str:
    first, more = mistakes[0], [m.name for m in mistakes[1:]]
    told = f"{first.sentence}. To mend it: {first.fix}"
    if more:
        others = ", ".join(more[: SHOWN - 1])
        left = len(more) - (SHOWN - 1)
        told += f"; or: {others}{f' and {left} more' if left > 0 else ''}"
    return told


def _written(tokens: Sequence[Token]) -> str:
    """A formula as it is read."""
    parts = [t.symbol.shown if t.symbol else t.text for t in tokens]
    return re.sub(r"(?<=[({]) | (?=[)}])", "", " ".join(parts))
