"""How the network of a file is trained: its optimizer, what stays, and which step is worked out."""

from __future__ import annotations

from dataclasses import MISSING
from typing import Any

import numpy as np

from chainrule.errors import unknown_name
from chainrule.explanation.network_layers import LayerTables
from chainrule.explanation.toml_file import shape_of
from chainrule.fields import fields_of
from chainrule.network import Network, Parameters, frozen
from chainrule.optimizers import OPTIMIZERS, Optimizer
from chainrule.schedules import SCHEDULES

TRAINING_KEYS = ["rate", "optimizer", "freeze", "velocity", "step", "batch_size"]

SETTINGS = {name: [*fields_of(kind)][1:] for name, kind in OPTIMIZERS.items()}
"""What each optimizer takes besides its rate, which comes first."""


class TrainingKeys(LayerTables):
    """The keys of the training."""

    def optimizer(self) -> Optimizer | None:
        """Return the rule of the update, if the file has one."""
        settings = {key: self.given[key] for key in self.settings}
        if not settings and not {"rate", "optimizer"} & set(self.given):
            return None
        name = self.given.get("optimizer", "sgd")
        if name not in list(OPTIMIZERS):
            raise self.error("optimizer", unknown_name("optimizer", str(name), OPTIMIZERS))
        for key in settings:
            if key not in SETTINGS[name]:
                known = ", ".join(["rate", *SETTINGS[name]])
                raise self.error(key, f"{name} takes no {key}; it takes {known}")
        if "rate" in self.given:
            settings["learning_rate"] = self.rate("rate", self.given["rate"])
        try:
            return OPTIMIZERS[name](**settings)
        except (TypeError, ValueError) as error:
            said = str(error).replace("learning_rate", "rate").partition(": ")[2]
            wrong = said.partition(" ")[0]
            raise self.error(wrong, said) from None

    def rate(self, place: str, given: Any) -> Any:
        """Return a learning rate: what is no table as it is given, a table as a schedule."""
        if not isinstance(given, dict):
            return given
        kind = given.get("kind")
        if not isinstance(kind, str) or kind not in SCHEDULES:
            unknown = unknown_name("kind of schedule", str(kind), SCHEDULES)
            raise self.error(place, f"{place}: {unknown}")
        known = fields_of(SCHEDULES[kind])
        for name in {*given} - {"kind"}:
            if name not in known:
                unknown = unknown_name("key", name, ["kind", *known])
                raise self.error(f"{place}.{name}", f"{place}: {unknown}")
        own = {name: self.rate(f"{place}.{name}", given[name]) for name in known if name in given}
        for name, field in known.items():
            if name not in own and field.default is MISSING:
                raise self.error(place, f"{place}: the key {name!r} is missing")
        with self.at(place):
            return SCHEDULES[kind](**own)

    @property
    def settings(self) -> list[str]:
        """The optimizer's own settings that are given."""
        known = {key for keys in SETTINGS.values() for key in keys}
        return [key for key in self.given if key in known]

    def freeze(self, params: Parameters) -> tuple[str, ...]:
        """Return the patterns of the parameters that stay as they are."""
        patterns = self.strings("freeze", self.given.get("freeze", []))
        with self.at("freeze"):
            frozen(params, patterns)
        return patterns

    def velocity(self, net: Network) -> Parameters | None:
        """Return the velocity before the first step, in the form of the parameters."""
        key, given = "velocity", self.given.get("velocity")
        if given is None:
            return None
        if self.has_tables:
            return self.by_leaves(key, net)
        if isinstance(given, list):
            given = {"w" if len(shape_of(given) or ()) == 1 else "weights": given}
        if not isinstance(given, dict) or not given or not set(given) <= {*"wb", *NESTED}:
            must = "velocity must be numbers in the form of weights or of w, or { w = …, b = … }"
            raise self.error(key, f"{must}, got {given!r}")
        form = [part for part in net.form if part]
        found = {
            letter: self._of(given, letter, [getattr(part, letter).shape for part in form])
            for letter in "Wb"
        }
        return net.parameters(list(zip(found["W"], found["b"], strict=True)))

    def _of(self, given: dict[str, Any], letter: str, shapes: list[tuple[int, ...]]) -> list[Any]:
        """Return the velocity of the weights or of the biases; 0 where it is left out."""
        names = (letter.lower(), NESTED["Wb".index(letter)])
        found = [name for name in names if name in given]
        if len(found) > 1:
            raise self.error("velocity", f"velocity: {' and '.join(found)} exclude each other")
        if not found:
            return [np.zeros(shape) for shape in shapes]
        return self.layered(f"velocity.{found[0]}", given[found[0]], shapes)


NESTED = ("weights", "biases")
