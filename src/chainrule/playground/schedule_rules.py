"""The rules of the schedules in JavaScript, from their own lines in Python."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

from chainrule import schedules
from chainrule.schedules import SCHEDULES

OPERATORS: dict[type, str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.USub: "-",
}

CONSTANTS = {"pi": "Math.PI", "inf": "Infinity"}

BUILT_IN = {"min": "Math.min", "max": "Math.max", "rate_at": "rateAt"}
"""What calls of functions by their names alone become; others of the module come along."""


def schedule_rules() -> str:
    """Return a script: a function (self, t) for each schedule, which gives the rate of step t.

    >>> print(schedule_rules().splitlines()[-1])
    const SCHEDULE_RULES = { constant: constantRate, step: stepRate, exponential: exponentialRate, \
inverse_scaling: inverseScalingRate, cosine: cosineRate, coslog4: coslog4Rate, warm_up: \
warmUpRate, resumed: resumedRate, one_cycle: oneCycleRate };
    """
    rules = {name: _Rule(kind.__call__, f"{_camel(name)}Rate") for name, kind in SCHEDULES.items()}
    helpers = {name for rule in rules.values() for name in rule.helpers}
    made = [_Rule(getattr(schedules, name), _camel(name)).script for name in sorted(helpers)]
    made += [rule.script for rule in rules.values()]
    listed = ", ".join(f"{name}: {_camel(name)}Rate" for name in rules)
    return "\n".join([*made, f"const SCHEDULE_RULES = {{ {listed} }};"])


def _camel(name: str) -> str:
    """Return a name as JavaScript has it.

    >>> _camel("_half_cosine")
    'halfCosine'
    """
    first, *more = name.strip("_").split("_")
    return first + "".join(map(str.capitalize, more))


class _Rule:
    """A function of `schedules.py` as an arrow function; what has no counterpart raises."""

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        self.helpers: set[str] = set()
        tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
        assert isinstance(tree, ast.FunctionDef)
        taken = ", ".join(each.arg for each in tree.args.args)
        self.script = f"const {name} = ({taken}) => {{ {self.block(tree.body)} }};"

    def block(self, body: list[ast.stmt]) -> str:
        return " ".join(map(self.statement, body))

    def statement(self, node: ast.stmt) -> str:
        match node:
            case ast.Return(value=ast.expr() as value):
                return f"return {self.of(value)};"
            case ast.If(test=test, body=body, orelse=[]):
                return f"if ({self.of(test)}) {{ {self.block(body)} }}"
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                return f"const {name} = {self.of(value)};"
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                listed = (
                    f"{self.of(n)} = {self.of(v)}" for n, v in zip(names, values, strict=True)
                )
                return f"const {', '.join(listed)};"
            case ast.Try(body=body):  # what is too large is infinite by itself
                return self.block(body)
            case ast.Expr(value=ast.Constant()):
                return ""
        raise NotImplementedError(ast.unparse(node))

    def of(self, node: ast.expr) -> str:
        match node:
            case ast.Constant(value=int() | float() as value):
                made = repr(value)
            case ast.Name(id=name):
                made = name
            case ast.Attribute(value=ast.Name(id="math"), attr=name):
                made = CONSTANTS.get(name, f"Math.{name}")
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                made = f"self.{name}"
            case ast.BinOp(left=left, op=ast.FloorDiv(), right=right):
                made = f"Math.floor({self.of(left)} / {self.of(right)})"
            case (
                ast.BinOp(left=left, op=operator, right=right)
                | ast.Compare(left=left, ops=[operator], comparators=[right])
            ):
                made = f"({self.of(left)} {OPERATORS[type(operator)]} {self.of(right)})"
            case ast.UnaryOp(op=operator, operand=operand):
                made = f"({OPERATORS[type(operator)]}{self.of(operand)})"
            case ast.Call(func=func, args=args, keywords=[]):
                made = f"{self.called(func)}({', '.join(map(self.of, args))})"
            case _:
                raise NotImplementedError(ast.unparse(node))
        return made

    def called(self, func: ast.expr) -> str:
        if not isinstance(func, ast.Name):
            return self.of(func)
        if func.id in BUILT_IN:
            return BUILT_IN[func.id]
        self.helpers.add(func.id)
        return _camel(func.id)
