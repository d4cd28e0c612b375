"""How the gallery is made of `examples/`: in which order, and when an example has failed."""

import warnings
from contextlib import ExitStack
from pathlib import Path

ORDER = (
    "table_to_report",
    "prediction_explained",
    "mislabelled_rows",
    "quantiles_and_intervals",
    "gradient_flow",
    "pytorch_checked",
    "sheets_for_a_class",
    "planted_label_noise",
    "learning_strategies",
    "varying_regularisation",
    "classifier_comparison",
    "fashion_filters",
)


class InOrder:
    """What examples are sorted by: their place in the list."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, name):
        return ORDER.index(Path(name).stem)

    def __repr__(self):  # the same in each build, or all pages are made again
        return f"InOrder: {ORDER}"


AROUND = ExitStack()
"""What is done while an example runs, and undone after."""


def strict(gallery_conf, name, when):
    """Have a warning be an error while an example runs."""
    if when == "before":
        AROUND.enter_context(warnings.catch_warnings(action="error"))
    else:
        AROUND.close()
