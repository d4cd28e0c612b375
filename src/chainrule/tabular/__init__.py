"""Networks for tables: from a file or a frame to a model that predicts from others like it.

| file | what it is for |
|---|---|
| **what a user calls** | |
| `train_table.py` | `train`: from a table, and what is asked, to a model and its files |
| `table_model.py` | `TableModel`: predictions, scores, one file |
| `tabular_estimators.py` | the same model with scikit-learn's interface |
| `column_dependence.py`, `asked_values.py` | what a model makes of a column; of which values |
| `dependence_display.py` | a picture of it |
| **what is asked for** | |
| `read_options.py` | how a table is to be read |
| `training_options.py` | what can be asked of it, and what the size of the data decides |
| `effort.py`, `budget.py` | how much work goes into it, and how much time |
| `target_names.py`, `target_parts.py` | which columns are targets; of several, the model of each |
| **from a table to examples** | |
| `files/`, `formats/` | tables from files and frames; how their text becomes values |
| `columns/`, `encoding/` | what columns are; how they become numbers |
| `surveyed_table.py` | what the columns of a table are |
| `target_decisions.py` | what suits a target: its task, its values, what its rows count |
| `text_labels.py` | which columns are read as they stand |
| `prepare.py`, `example_targets.py` | from a table to examples; what each of them is to teach |
| `example_blocks.py`, `row_store.py` | where they lie, in memory or in a file |
| `one_hot_rows.py` | one-hot columns kept as the place of their 1 |
| **from examples to a model** | |
| `table_network.py` | the network that suits a table |
| `objectives.py` | which loss is lowered, what classes weigh, what validation goes by |
| `table_training.py` | from examples to runs, and how each is trained |
| `training_runs.py`, `training_stages.py` | its runs, and the stages in which they are made |
| `block_checkpoints.py` | where a run left off |
| `trained_model.py` | what comes of it all, and what is told of it |
| `training_outputs.py` | what a training writes: its model, its page, its checkpoints |
| `output_files.py` | what any file may replace that is written |
| `storable.py` | whether a file can hold the model |
| `doubts.py` | what is to be doubted of a training |
| `report/` | the page of a training |
| **how sure it is** | |
| `intervals.py`, `bounds.py` | what share of new rows an interval holds; the bounds of a quantity |
| `bounds_examples.py`, `bounds_training.py` | the networks of bounds, and their training |
| `class_sets.py` | sets of classes that hold a share of new rows |
| `temperature.py` | how sure of a class a model is, mended by the rows held out |
| **from a model to predictions and scores** | |
| `model_display.py` | what a notebook shows of it |
| `model_reading.py` | how it reads the columns of a table |
| `prediction_columns.py` | what tables of predictions have for columns |
| `table_evaluation.py` | how good a model is on a table that has the target |
| `table_diagnosis.py` | why a model does not learn, by a table that has the target |
| `scores.py`, `class_scores.py` | how good predictions are, of all rows and of each class |
| **why it predicts what it does** | |
| `explainable.py` | `why` and `why_row` of a model |
| `scorable.py` | `evaluate` and `scores` of a model |
| `asked_figure.py`, `mean_row.py` | which figure is explained, and against which row |
| `column_contributions.py` | what each column contributed to it |
| `row_reasons.py`, `reasons_page.py` | of one row: a waterfall in text, and as a page |
| `input_reasons.py` | the parts of its bars: what each prepared input has in them |
| `adding_up.py` | figures that add up as they are printed |
| `stored_model.py` | a model as the arrays and the data of its file |
| `model_record.py` | what its file tells, and what must fit together in it |
| **what estimators are made of** | |
| `base_tabular.py` | what both share: from what they are handed to a model |
| `estimator_options.py` | the options of `train` as its parameters |
| `estimator_table.py`, `estimator_rows.py` | what an estimator is handed, as a table |
| `constant_model.py` | what stands in for a model where there is nothing to learn |
| **what all of them use** | |
| `memory.py`, `table_error.py` | how much memory there is; how tables are refused |
| `forked.py` | processes that have lost polars' threads |
| `table_shards.py` | which rows each of several ranks has, and what they find together |
"""

import importlib
import typing

from chainrule.extras import needed_by
from chainrule.tabular.training_options import Options

if typing.TYPE_CHECKING:
    from chainrule.tabular.column_dependence import partial_dependence
    from chainrule.tabular.dependence_display import DependenceDisplay
    from chainrule.tabular.table_model import TableModel
    from chainrule.tabular.tabular_estimators import TabularClassifier, TabularRegressor
    from chainrule.tabular.train_table import train

__all__ = [
    "DependenceDisplay",
    "Options",
    "TableModel",
    "TabularClassifier",
    "TabularRegressor",
    "partial_dependence",
    "train",
]

_LAZY = {
    "DependenceDisplay": "chainrule.tabular.dependence_display",
    "TableModel": "chainrule.tabular.table_model",
    "TabularClassifier": "chainrule.tabular.tabular_estimators",
    "TabularRegressor": "chainrule.tabular.tabular_estimators",
    "partial_dependence": "chainrule.tabular.column_dependence",
    "train": "chainrule.tabular.train_table",
}
"""Names whose module, which loads polars, waits until one of them is asked for."""


def __getattr__(name: str) -> typing.Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with needed_by(name, "tables"):
        return getattr(importlib.import_module(_LAZY[name]), name)
