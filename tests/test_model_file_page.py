"""The page on the model file is held to the code: kinds of layer, of encoder, of target, bounds."""

import dataclasses
import re
import typing
from pathlib import Path

import pytest

from chainrule import codec
from chainrule.layers import LAYERS
from chainrule.serialization import file_header, model_file, specifications
from chainrule.tabular.encoding.preparation import PreparationData
from chainrule.tabular.model_record import TableFile
from chainrule.trees import named_leaves

PAGE = (Path(__file__).parents[1] / "docs/guide/files.md").read_text(encoding="utf-8")


def rows(heading):
    """The cells of a table's rows, by what stands in code in the first; the heading is its own."""
    table = PAGE.partition(f"| {heading} |")[2].partition("\n\n")[0]
    cells = [row.split("|")[1:-1] for row in table.splitlines()[2:]]
    return {code(first)[0]: rest for first, *rest in cells}


def code(cell):
    """What stands in code in a cell."""
    return re.findall(r"`([^`]+)`", cell)


def arrays(layer):
    """The names of the arrays of a layer."""
    return {own(name) for name, _ in named_leaves(layer.form(3))}


def own(name):
    """A name of an array without the place of a layer within."""
    return re.sub(r"^(shared\.|own\.)?(\d\.)?", "", name)


def test_every_kind_of_layer_is_there_with_its_fields_and_arrays():
    found = rows("`kind` of a layer")
    assert {*found} == {*LAYERS}
    for kind, (fields, names) in found.items():
        layer = LAYERS[kind].example(3)
        assert code(fields) == [field.name for field in dataclasses.fields(layer)]
        named = {own(name) for name in code(names)}
        assert named <= arrays(layer)
        if "layers" not in code(fields):
            assert named == arrays(layer)


@pytest.mark.parametrize(
    ("heading", "annotation"),
    [
        ("`kind` | inputs", typing.get_type_hints(PreparationData)["encoders"]),
        ("`kind` | the prediction", typing.get_type_hints(TableFile)["target"]),
    ],
)
def test_every_kind_of_encoder_and_of_target_is_there(heading, annotation):
    (kinds,) = typing.get_args(annotation) if "inputs" in heading else (annotation,)
    assert {*rows(heading)} == {each.kind for each in typing.get_args(kinds)}


@pytest.mark.parametrize(
    "said",
    [
        f"more than {model_file.MOST >> 30} GiB",
        f"a header of more than {file_header.MOST_BYTES >> 20} MiB",
        f"more than {codec.MOST_VALUES:,} brackets and commas",
        f"nested more than {codec.DEEPEST} deep",
        f"more than {file_header.MOST_AXES} axes",
        f"more than {codec.MOST_DIGITS} digits",
        f"longer than {codec.LONGEST:,} characters",
        f"more than {specifications.MOST_LAYERS:,} layers",
        f"more than {specifications.DEEPEST}\n  within each other",
        f"| `format` | {file_header.FORMAT}: the version",
        *(f"`{name}`" for name in file_header.DTYPES),
    ],
)
def test_bounds_are_those_of_the_code(said):
    assert said in PAGE
