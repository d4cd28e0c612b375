"""What a formula of a text comes to, with the right values of the quantities in it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from chainrule.diagnosis.text_names import Symbol
from chainrule.diagnosis.text_tokens import Token

MOST_TOKENS = 400
"""The longest formula that is worked out; a bracket takes a level of the stack."""


class NotUnderstoodError(Exception):
    """A formula holds what is not understood, or is none."""


class Formula:
    """A formula that is worked out.

    Parameters
    ----------
    tokens
        Its tokens.
    value_of
        What gives the value of a symbol; it may raise NotUnderstoodError.
    rate
        η, or None.
    activation
        σ as a function, or None where the network has several.

    Examples
    --------
    >>> number, plus = Token("number", "2", 0, 1, "2"), Token("sign", "+", 1, 2)
    >>> Formula([number, plus, number], lambda symbol: 0.0).value()
    4.0
    """

    tokens: list[Token]
    value_of: Callable[[Symbol], float]
    rate: float | None

    def __init__(
        self,
        tokens: Sequence[Token],
        value_of: Callable[[Symbol], float],
        rate: float | None = None,
        activation: Callable[[float], float] | None = None,
    ) -> None:
        self.tokens, self.value_of, self.rate = list(tokens), value_of, rate
        self.functions: dict[str, Callable[[float], float] | None] = {
            "exp": math.exp, "ln": math.log, "log": math.log, "tanh": math.tanh,
            "sigmoid": lambda z: 1 / (1 + math.exp(-z)), "σ": activation,
        }  # fmt: skip
        self.i: int = 0

    def value(self) -> float:
        """Return what it comes to; raises NotUnderstoodError."""
        if len(self.tokens) > MOST_TOKENS:
            raise NotUnderstoodError
        try:
            found = self._sum()
        except (ArithmeticError, ValueError, RecursionError):
            raise NotUnderstoodError from None
        if self.i < len(self.tokens) or not math.isfinite(found):
            raise NotUnderstoodError
        return found

    @property
    def _next(self) -> str:
        """The sign that comes next, or the kind of another token; "" at the end."""
        if self.i == len(self.tokens):
            return ""
        token = self.tokens[self.i]
        return token.text if token.kind == "sign" else token.kind

    def _sum(self) -> float:
        total = self._product()
        while self._next in ("+", "-"):
            sign = self._taken().text
            term = self._product()
            total = total + term if sign == "+" else total - term
        return total

    def _product(self) -> float:
        found = self._factor()
        while self._next in ("*", "/", "(", "{", "number", "name", "rate", "function"):
            sign = self._taken().text if self._next in ("*", "/") else "*"
            factor = self._factor()
            found = found / factor if sign == "/" else found * factor
        return found

    def _factor(self) -> float:
        """A power, with the signs before it: −2² is −4."""
        if self._next in ("+", "-"):
            sign = self._taken().text
            return self._factor() if sign == "+" else -self._factor()
        base = self._atom()
        if self._next != "^":
            return base
        self._taken()
        power = self._factor()
        if base < 0 and not power.is_integer():
            raise NotUnderstoodError
        return float(base**power)

    def _atom(self) -> float:
        if self._next in ("(", "{"):
            closing = ")" if self._taken().text == "(" else "}"
            found = self._sum()
            if self._next != closing:
                raise NotUnderstoodError
            self._taken()
            return found
        token = self._taken()
        if token.kind == "number":
            return float(token.value)
        if token.kind == "name" and token.symbol is not None:
            return self.value_of(token.symbol)
        if token.kind == "rate" and self.rate is not None:
            return self.rate
        if token.kind == "function":
            return self._function(token)
        raise NotUnderstoodError

    def _function(self, token: Token) -> float:
        if token.text == "e":
            if self._next != "^":
                raise NotUnderstoodError
            self._taken()
            return math.exp(self._factor())
        f = self.functions.get(token.text)
        if f is None or self._next not in ("(", "{"):
            raise NotUnderstoodError
        return f(self._atom())

    def _taken(self) -> Token:
        if self.i == len(self.tokens):
            raise NotUnderstoodError
        self.i += 1
        return self.tokens[self.i - 1]


def has_figures(tokens: Sequence[Token]) -> bool:
    """Return whether numbers are put in: any but whole ones and a half.

    >>> has_figures([Token("number", ".35", 0, 3, ".35")])
    True
    """
    numbers = [float(t.value) for t in tokens if t.kind == "number"]
    return any(not (2 * number).is_integer() for number in numbers)
