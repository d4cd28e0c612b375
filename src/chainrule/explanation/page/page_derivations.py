"""The steps of every subject of a page: each is embedded once, whoever needs it.

What is of one of several examples is written for any of them: `HERE` stands for its number. A key
is `[kind, layer, unit, source, name, of, text, example, name of zeros]`, without what is nothing at
its end.

A step is `[key, form, quantities, note, steps]`, and its value where the page works out none. A
quantity is the number of its key, or `[key, value]` where that is all that the page knows of it;
the value is `[parameter]` or `[parameter, k]` of what is a parameter, or number k of its state. A
form is `[formula, condition]`, embedded once for any quantities in their places: no formula of a
step that is given, and no condition where there always is a line (`formula_trees.py`).
"""

from __future__ import annotations

import json
import re
from typing import Any

from chainrule.explanation.derivation_steps import Derivation, Part, Step
from chainrule.explanation.expressions import Expression, Quantity
from chainrule.explanation.formula_scripts.formula_trees import Tree, condition_tree, tree
from chainrule.explanation.mathml import MathML
from chainrule.explanation.notation import Key, Name, Ratio
from chainrule.explanation.page.class_costs import ClassCosts
from chainrule.explanation.result import Explanation
from chainrule.explanation.sums import EACH_0
from chainrule.explanation.text import Text
from chainrule.explanation.updates import NAMES, state_letters

HERE = -1

_EXAMPLE = re.compile(r" of example (\d+)$")


class Library:
    """Keys and steps by number, each of them once.

    >>> net = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
    >>> library = Library(cr.explain(net, net.init(), [1.0], [1.0], of="w1"))
    >>> library.key(Key("w")), library.key(Key("b")), library.key(Key("w"))
    (0, 1, 0)
    """

    explanation: Explanation
    values: bool

    def __init__(self, explanation: Explanation, *, values: bool = False) -> None:
        self.explanation, self.values = explanation, values
        self.keys: list[Any] = []
        self.steps: list[Any] = []
        self.forms: list[Any] = []
        self.titles: list[Any] = []
        self.costs: list[dict[str, list[int]]] = []
        self.rows: set[int] = set()
        self.first: dict[str, dict[int, float]] = {"keys": {}, "steps": {}}
        self._first: int | None = None
        self._notes = False
        self._moved: Key | None = None
        made = explanation.derivation.made
        known = made is not None and type(made.optimizer) in NAMES
        self._state: list[str] = state_letters(made.optimizer) if made and known else []
        self._keys: dict[Key, int] = {}
        self._steps: dict[str, int] = {}
        self._forms: dict[str, int] = {}
        self._titles: dict[str, int] = {}
        self._known: dict[tuple[int, frozenset[Key], int], tuple[Step, int]] = {}

    def key(self, key: Key) -> int:
        """Return the number of a key.

        The rest of a sum has two names where the page works out whether it is of zeros alone.
        """
        named = [key]
        if key.kind == "rest" and not self.values:
            key = key._replace(text=key.text.removesuffix(EACH_0))
            named = [key, key._replace(text=key.text + EACH_0)]
        if key not in self._keys:
            of = [self.key(part) for part in key.of]
            self._keys[key] = len(self.keys)
            name, *zeros = map(self._name, named)
            self.keys.append(_bare([*key[:4], name, of, key.text, key.example, *zeros]))
        return self._keys[key]

    def _name(self, key: Key) -> Any:
        """A name as a list; a derivative is written from its two."""
        if key.kind == "d" or key.example == HERE:
            return None
        return name_list(self.explanation.name(key))

    def derivation(self, derivation: Derivation, costs: ClassCosts | None = None) -> list[Any]:
        """Return the parts of a derivation: number of title and note, example, numbers of steps.

        Of a cost whose lines are others for other classes, the number of these comes last.
        """
        letters = frozenset(s.key for s in derivation.steps() if s.key.kind == "letter")
        n = len(derivation.data.X)
        self._notes = self._first is None
        parts = [self._part(part, letters, n) for part in derivation.parts]
        self._notes = False
        for part in parts:
            title, row, _ = part
            if costs and self.titles[title][0] == "The cost":
                lines = costs.lines(derivation, row)
                part.append(self._costs(lines, letters, row + 1 if n > 1 else 0))
        return parts

    def _costs(self, lines: dict[str, list[Step]], letters: frozenset[Key], example: int) -> int:
        """The number of the lines of a cost by classes; derivations share them."""
        made = {
            classes: [self._step(step, letters, example) for step in own]
            for classes, own in lines.items()
        }
        if made not in self.costs:
            self.costs.append(made)
        return self.costs.index(made)

    def _part(self, part: Part, letters: frozenset[Key], n: int) -> list[Any]:
        found = _EXAMPLE.search(part.title)
        row = int(found[1]) - 1 if found else -1
        if n == 1 and part.title in ("The chain rule", "Forward", "The cost", "Backward"):
            row = 0
        elif found:
            self.rows.add(row)
        example = row + 1 if found else 0
        if self._first is None and row >= 0:
            self._first = row
        asked, self._notes = self._notes, self._notes and row in (-1, self._first)
        steps = []
        for k, step in enumerate(part.steps):
            self._moved = _moved(part.steps[k:])
            steps.append(self._step(step, letters, example))
        self._notes = asked
        title = _once([_EXAMPLE.sub("", part.title), part.note], self.titles, self._titles)
        return [title, row, steps]

    def _step(self, step: Step, letters: frozenset[Key], example: int) -> int:
        """The number of a step; one that derivations share is looked at once."""
        known = (id(step), letters, example)
        if known not in self._known:
            self._known[known] = step, self._added(step, letters, example)
        return self._known[known][1]

    def _added(self, step: Step, letters: frozenset[Key], example: int) -> int:
        quantities: dict[tuple[Any, ...], int] = {}

        def place(quantity: Quantity) -> Tree:
            own = self._quantity(quantity, letters, example)
            return ["q", quantities.setdefault(own, len(quantities))]

        nested = [self._step(s, letters, example) for s in step.steps]

        def of(formula: Expression) -> Tree:
            return tree(formula, place)

        made = [of(step.formula) if step.formula else None]
        made += [condition_tree(step.when, of)] if step.when else []
        form = _once(made, self.forms, self._forms)
        given = [own if own[1:] else own[0] for own in quantities]
        value = [step.value] if self.values else []
        key = self.key(_here(step.key, example))
        number = _once([key, form, given, step.note, nested, *value], self.steps, self._steps)
        if self._notes and not self.values:
            self.first["keys"][key] = self.first["steps"][number] = step.value
        return number

    def _quantity(
        self, quantity: Quantity, letters: frozenset[Key], example: int
    ) -> tuple[Any, ...]:
        """The number of a quantity's key, and what is known of it where no line gives it."""
        key = quantity.key
        own = self.key(_here(key, example))
        if self.values:
            return own, quantity.value
        if self._notes:
            self.first["keys"][own] = quantity.value
        if key.kind == "letter" and key not in letters:
            if self._moved and key.text in self._state:
                return own, (self.key(self._moved), self._state.index(key.text))
            return own, quantity.value
        if _is_local(key):
            of, by = key.of
            return own, (self.key(Key("w", of.layer, of.unit, by.unit)),)
        return (own,)

    def first_numbers(self) -> dict[str, list[Any]]:
        """Return what is shown before the page works anything out, by keys and by steps.

        Of a step whose number is its key's, the step alone.
        """
        keys, steps = self.first["keys"], self.first["steps"]
        own = [
            number if keys[self.steps[number][0]] == value else [number, value]
            for number, value in steps.items()
        ]
        return {"keys": [*keys.items()], "steps": own}

    def names_by_row(self) -> dict[int, dict[int, Any]]:
        """Return what the quantities of any example are called, for each example that is shown."""
        general = [(key, number) for key, number in self._keys.items() if key.example == HERE]
        return {
            row: {
                number: name_list(self.explanation.name(key._replace(example=row + 1)))
                for key, number in general
            }
            for row in sorted(self.rows)
        }


def _bare(row: list[Any]) -> list[Any]:
    """A row without what is nothing at its end."""
    while row[-1] in (None, "", 0, []):
        row.pop()
    return row


def _moved(steps: tuple[Step, ...]) -> Key | None:
    """The parameter of whose update the first of these lines is, if it is of one."""
    return next((step.key.of[0] for step in steps if step.key.kind == "new"), None)


def _is_local(key: Key) -> bool:
    """Whether a derivative is that of a weighted input by what enters: a weight."""
    return key.kind == "d" and key.of[0].kind == "z" and key.of[1].kind in ("x", "a")


def _once(made: Any, found: list[Any], numbers: dict[str, int]) -> int:
    """The number of something, which is added where it is new."""
    text = json.dumps(made)
    if text not in numbers:
        numbers[text] = len(found)
        found.append(made)
    return numbers[text]


def _here(key: Key, example: int) -> Key:
    """The key with `HERE` for the example."""
    if not example:
        return key
    own = HERE if key.example == example else key.example
    return key._replace(example=own, of=tuple(_here(part, example) for part in key.of))


def name_list(name: Name | Ratio) -> Any:
    """Return base, index, superscript and marks of a name, then the name as text and as MathML.

    Of a ratio, return those of its two names. Last is how tightly a name holds together.

    >>> name_list(Name("w", "5"))
    ['w', '5', '', '', 'w5', '<msub><mi>w</mi><mn>5</mn></msub>', 3]
    """
    if isinstance(name, Ratio):
        return [name_list(name.above), name_list(name.below)]
    text, level = MathML().named(name)
    marks = "^" * name.hat + "c" * name.code
    return [name.base, name.sub, name.sup, marks, Text().name(name), text, int(level)]
