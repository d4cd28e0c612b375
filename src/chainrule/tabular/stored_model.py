"""A table's model as the arrays and the data of its file, and back.

The first member's parameters have the names that a single network's have, `0.W`, `0.b`, …, and
those of the others `members.1.0.W`, …
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from chainrule.codec import to_data
from chainrule.network import Network, Parameters
from chainrule.serialization import arrays_of, network_from_data, network_to_data, params_of
from chainrule.tabular import model_record
from chainrule.tabular.encoding.preparation import Preparation
from chainrule.tabular.formats.column_formats import ColumnFormats
from chainrule.trees import leaves, named_leaves

if TYPE_CHECKING:
    from chainrule.tabular.table_model import TableModel

Array = NDArray[Any]
KIND = "table"
OWN = ("kind", "network", "preparation", "target", "forms", "interval", "bounds")
"""What a file tells that is no part of `about`."""

BOUNDS = "bounds."
"""What the names of the arrays of bounds begin with."""


def contents(model: TableModel) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return the arrays of a file of a model, and its data.

    >>> list(contents(cr.train("sklearn:wine", "target", epochs=1))[1])[:2]
    ['kind', 'network']
    """
    data = {
        "kind": KIND,
        "network": network_to_data(model.net),
        "preparation": model.preparation.to_data(),
        "target": model.target.to_data(),
        **({"forms": forms} if (forms := model.forms.to_data()) else {}),
        **({"interval": to_data(model.interval)} if model.interval else {}),
        **({"bounds": _networks(model.bounds)} if model.bounds else {}),
        **model.about,
    }
    model_record.read(data)
    curves = {f"curves.{name}": curve for name, curve in model.curves.items()}
    bounds = _arrays(model.bounds) if model.bounds else {}
    own = {**model.preparation.arrays(), **{BOUNDS + name: a for name, a in bounds.items()}}
    return {**_arrays(model), **own, **curves}, data


def _networks(model: TableModel) -> dict[str, Any]:
    return {"network": network_to_data(model.net), "target": model.target.to_data()}


def _arrays(model: TableModel) -> dict[str, Array]:
    """Return the parameters of all members, and the baseline."""
    arrays = arrays_of(model.params)
    for k, params in enumerate(model.others, 1):
        arrays |= arrays_of(params, _prefix(k))
    means = {} if model.means is None else {"means": model.means}
    return {**arrays, "baseline": model.baseline, **means}


def fields_of(arrays: dict[str, Array], data: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of the model that arrays and data hold.

    Raises ValueError where they do not fit together, and for an array that nothing asks for.

    >>> made = cr.train("sklearn:wine", "target", epochs=1)
    >>> fields_of(*contents(made))["net"] == made.net
    True
    """
    file = model_record.read(data)
    of_bounds = _taken(arrays, BOUNDS) if "bounds" in file else {}
    net = network_from_data(file["network"])
    first, *others = _members(net, arrays)
    preparation, target = Preparation.of(file["preparation"], arrays), file["target"]
    if "baseline" not in arrays:
        raise ValueError("the array 'baseline' is missing")
    model_record.check(file, net, preparation, target, arrays, members=1 + len(others))
    baseline, means = arrays.pop("baseline"), arrays.pop("means", None)
    return {
        "net": net,
        "params": first,
        "preparation": preparation,
        "target": target,
        "baseline": baseline,
        "curves": {name.removeprefix("curves."): curve for name, curve in arrays.items()},
        "about": {name: value for name, value in data.items() if name not in OWN},
        "forms": ColumnFormats(file.get("forms", {})),
        "others": tuple(others),
        "interval": file.get("interval"),
        "bounds": _model_of_bounds(file, preparation, of_bounds) if "bounds" in file else None,
        "means": means,
    }


def _taken(arrays: dict[str, Array], prefix: str) -> dict[str, Array]:
    """Take the arrays whose names begin so out of others, and return them by the rest of it."""
    names = [name for name in arrays if name.startswith(prefix)]
    return {name.removeprefix(prefix): arrays.pop(name) for name in names}


def _model_of_bounds(
    file: model_record.TableFile, preparation: Preparation, arrays: dict[str, Array]
) -> TableModel:
    """Return the model of the quantiles that bounds are made of."""
    from chainrule.tabular.table_model import TableModel

    part = file["bounds"]
    net, target = network_from_data(part["network"]), part["target"]
    first, *others = _members(net, arrays)
    means = arrays.pop("means", None)
    if list(arrays) != ["baseline"]:
        name = min({*arrays, "baseline"} - {"baseline"}, default="baseline")
        raise ValueError(f"the array {BOUNDS + name!r:.100} is missing, or one too many")
    baseline = arrays["baseline"]
    model_record.check_networks(net, preparation, target, baseline)
    model_record.check_means(means, preparation)
    return TableModel(
        net, first, preparation, target, baseline, {}, {}, others=tuple(others), means=means
    )


def _prefix(member: int) -> str:
    return f"members.{member}."


def _members(net: Network, arrays: dict[str, Array]) -> list[Parameters]:
    """Take the parameters of all members out of the arrays, and return them."""
    found = [params_of(net, arrays)]
    one = next((name for name, _ in named_leaves(net.form)), None)
    while f"{_prefix(len(found))}{one}" in arrays:
        prefix = _prefix(len(found))
        found.append(params_of(net, arrays, prefix))
        if _dtypes(found[-1]) != _dtypes(found[0]):
            raise ValueError(f"the arrays {prefix}… must have the dtype of the first member's")
    return found


def _dtypes(params: Parameters) -> set[Any]:
    return {leaf.dtype for leaf in leaves(params)}
