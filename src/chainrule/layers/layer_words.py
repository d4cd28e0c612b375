"""What summaries say of layers, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chainrule.layers.layer import Layer, Words

AT_ENDS = 6
"""Of more than twice as many layers, so many at each end stand in a row."""


def in_words(layers: Iterable[Layer], inputs: int) -> list[Words]:
    """Return the words of each layer, the first of which has so many inputs.

    >>> [words.short for words in in_words([cr.Dense(8, "relu"), cr.Dropout(0.1)], inputs=3)]
    ['8 relu', 'dropout 0.1']
    """
    said = []
    for layer in layers:
        said.append(layer.words(inputs))
        inputs = layer.outputs(inputs)
    return said


def before_outputs(layers: Iterable[Layer], inputs: int) -> tuple[list[str], str]:
    """Return what is said of each layer before the outputs, and the function of the outputs.

    Units with a function that come last are the outputs.

    >>> before_outputs([cr.Dense(8, "relu"), cr.Dropout(0.1), cr.Dense(2)], inputs=3)
    (['8 relu', 'dropout 0.1'], 'identity')
    """
    *hidden, last = in_words(layers, inputs)
    if last.are_units:
        return [words.short for words in hidden], last.function
    return [words.short for words in (*hidden, last)], "identity"


def in_a_row(layers: Sequence[Layer], inputs: int, outputs: int) -> str:
    """Return the layers in a row, from the inputs to the outputs; of many, some at both ends.

    >>> in_a_row([cr.Dense(8, "relu"), cr.Dropout(0.1), cr.Dense(2)], 3, 2)
    '3 in → 8 relu → dropout 0.1 → 2 out'
    >>> in_a_row([cr.Dense(8, "relu")] * 1000 + [cr.Dense(2)], 3, 2).count("8 relu")
    12
    """
    said, _ = before_outputs(layers, inputs)
    if more := max(0, len(said) - 2 * AT_ENDS):
        said[AT_ENDS:-AT_ENDS] = [f"{more:,} more"]
    return " → ".join([f"{inputs:,} in", *said, f"{outputs:,} out"])
