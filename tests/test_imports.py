"""What `import chainrule` loads, and that every public name is documented with an example."""

import importlib
import inspect
import pkgutil
import re
import subprocess
import sys

import pytest

import chainrule as cr

HEAVY = ("sklearn", "scipy", "polars", "matplotlib", "rich", "click", "plotext")

TOP = ("cli", "demo")  # what a person starts: shown by running it
MODULES = [
    importlib.import_module(name)
    for _, name, _ in pkgutil.walk_packages(cr.__path__, "chainrule.")
    if name.split(".")[1] not in TOP and not name.startswith("chainrule.engine._")
]

ABSTRACT = "abstract: each of its kinds has an example"
EXPLAINED = "part of explain, whose example shows it"
NODE = "a node of a formula: the example of compute shows how they are made"
CHECK_OF_EXPLAIN = "refuses bad input: each message is in test_explain_subjects.py"
OF_A_LAYER = re.compile(r"chainrule\.layers\.\w+\.\w+(Parameters|Record|Delta)")
"""What a kind of layer keeps its numbers in."""
RECORD = "a record: its fields say all"
CHECK = "refuses bad input: each message is in test_bad_input.py"
REFUSED = "refuses bad input: each message is in test_estimators_bad_input.py"
MADE_BY_FIT = "made by fit, whose example shows it"
ESTIMATOR = "part of a fit: the examples of the two estimators show it, test_estimators*.py hold it"
EVALUATED = "the function of the same name in chainrule.evaluation is its example"
REPLAY = "part of explaining a step: explain_step is its example"
OF_A_FILE = "made by read_network_file, with its example"
FORM = "a written form of an explanation: test_explain_writing.py reads it back"
SHEET = "a form of a worksheet: test_worksheet.py reads it back"

OPENED = "made by open_source, whose example shows it"
WRITES = "made by open_sink, whose example shows it"
REPORTED = "part of report, whose example shows it"

WITHOUT_EXAMPLE = {
    "chainrule.backprop.Trace": "made by forward, whose example shows it",
    "chainrule.diagnose.gradient_check.GradientCheck": "made by check_gradient, with its example",
    "chainrule.engine.predictor.predict": EVALUATED,
    "chainrule.engine.runs.NativeRun": "part of fit; test_engine.py holds it to the reference",
    "chainrule.engine.runs.cannot_run": CHECK,
    "chainrule.engine.say_once_that_it_is_missing": "a warning: test_engine_choice.py holds it",
    "chainrule.engine.program.Mask": RECORD,
    "chainrule.engine.program.Operation": RECORD,
    "chainrule.engine.program.Tensor": RECORD,
    "chainrule.engine.program.UnsupportedError": CHECK,
    "chainrule.engine.program.Value": RECORD,
    "chainrule.engine.session.Done": RECORD,
    "chainrule.engine.session.Session": "part of fit; test_engine.py holds it to the reference",
    "chainrule.engine.session.check_choice": CHECK,
    "chainrule.engine.session.contiguous": "one line, whose docstring says it",
    "chainrule.engine.session.refusal": CHECK,
    "chainrule.engine.single.cost_and_gradient": EVALUATED,
    "chainrule.engine.single.squared_norms": EVALUATED,
    "chainrule.errors.check_weights": CHECK,
    "chainrule.estimators.html.Part": RECORD,
    "chainrule.estimators.html.Seen": RECORD,
    "chainrule.estimators.base.BaseMLP": ABSTRACT,
    "chainrule.estimators.base.documented": "one decorator, whose docstring says it",
    "chainrule.estimators.base.whole_or_not_at_all": ESTIMATOR,
    "chainrule.estimators.descent.conclude": ESTIMATOR,
    "chainrule.estimators.descent.run": ESTIMATOR,
    "chainrule.estimators.inputs.check_data": REFUSED,
    "chainrule.estimators.inputs.check_inputs": REFUSED,
    "chainrule.estimators.inputs.check_sample_weight": REFUSED,
    "chainrule.estimators.lbfgs.conclude": ESTIMATOR,
    "chainrule.estimators.lbfgs.run": ESTIMATOR,
    "chainrule.estimators.parameters.check_parameters": REFUSED,
    "chainrule.estimators.progress.warn": "a warning: test_estimators_drop_in.py holds it",
    "chainrule.estimators.reading.Reading": ABSTRACT,
    "chainrule.estimators.validation.Given": RECORD,
    "chainrule.estimators.validation.Held": RECORD,
    "chainrule.estimators.watching.Task": RECORD,
    "chainrule.estimators.watching.Watch": ESTIMATOR,
    "chainrule.examples.Examples": RECORD,
    "chainrule.examples.batches": "a generator of Examples; fit is its example",
    "chainrule.examples.batches_after": "a generator of Examples without end; batches is its like",
    "chainrule.examples.split": "its outcome follows from the seed: test_training.py holds it",
    "chainrule.explain.contributions.Contributions": "its text has an example",
    "chainrule.explain.derivation.Deriver": EXPLAINED,
    "chainrule.explain.derivation.check_finite": CHECK_OF_EXPLAIN,
    "chainrule.explain.activated.Activated": EXPLAINED,
    "chainrule.explain.derivation.check_layers": CHECK_OF_EXPLAIN,
    "chainrule.explain.derivation.derive": EXPLAINED,
    "chainrule.explain.derivation.in_double": EXPLAINED,
    "chainrule.explain.derivation.inputs_in_double": EXPLAINED,
    "chainrule.explain.derivation.labels": CHECK_OF_EXPLAIN,
    "chainrule.explain.drawing.Drawing": RECORD,
    "chainrule.explain.drawing.Edge": RECORD,
    "chainrule.explain.drawing.Point": RECORD,
    "chainrule.explain.drawing.Unit": RECORD,
    "chainrule.explain.example.Example": EXPLAINED,
    "chainrule.explain.example.Seat": RECORD,
    "chainrule.explain.explanation.Explanation": "made by explain, whose example shows it",
    "chainrule.explain.explanation.Label": RECORD,
    "chainrule.explain.explanation.Sentence": RECORD,
    "chainrule.explain.explanation.View": RECORD,
    "chainrule.explain.explanation.comparison": "the closing lines of the example of explain",
    "chainrule.explain.expressions.Call": NODE,
    "chainrule.explain.expressions.Cases": NODE,
    "chainrule.explain.expressions.Condition": NODE,
    "chainrule.explain.expressions.Expression": NODE,
    "chainrule.explain.expressions.Negative": NODE,
    "chainrule.explain.expressions.Number": NODE,
    "chainrule.explain.expressions.Power": NODE,
    "chainrule.explain.expressions.Product": NODE,
    "chainrule.explain.expressions.Quantity": NODE,
    "chainrule.explain.expressions.Quotient": NODE,
    "chainrule.explain.expressions.Sum": NODE,
    "chainrule.explain.figures.Figure": RECORD,
    "chainrule.explain.figures.Line": RECORD,
    "chainrule.explain.forms.Form": RECORD,
    "chainrule.explain.forms.Let": RECORD,
    "chainrule.explain.forms.LossForm": RECORD,
    "chainrule.explain.latex.latex": FORM,
    "chainrule.explain.latex.lines": FORM,
    "chainrule.explain.markdown.head": FORM,
    "chainrule.explain.markdown.markdown": FORM,
    "chainrule.explain.markdown.sections": FORM,
    "chainrule.explain.means.Means": EXPLAINED,
    "chainrule.explain.names.Key": RECORD,
    "chainrule.explain.names.Name": RECORD,
    "chainrule.explain.names.Notation": RECORD,
    "chainrule.explain.names.Ratio": RECORD,
    "chainrule.explain.network_file.NetworkFile": OF_A_FILE,
    "chainrule.explain.network_layers.LayerTables": OF_A_FILE,
    "chainrule.explain.network_parameters.ParameterKeys": OF_A_FILE,
    "chainrule.explain.network_training.TrainingKeys": OF_A_FILE,
    "chainrule.explain.notebook.code": FORM,
    "chainrule.explain.notebook.notebook": FORM,
    "chainrule.explain.output.Format": RECORD,
    "chainrule.explain.page.shown.Shown": RECORD,
    "chainrule.explain.passes.Passes": EXPLAINED,
    "chainrule.explain.paths.Path": RECORD,
    "chainrule.explain.paths.Paths": "made by paths; its text has an example",
    "chainrule.explain.places.Place": RECORD,
    "chainrule.explain.reached.Reached": EXPLAINED,
    "chainrule.explain.replay.Stand": RECORD,
    "chainrule.explain.replay.Start": RECORD,
    "chainrule.explain.replay.began": REPLAY,
    "chainrule.explain.replay.examples_of": REPLAY,
    "chainrule.explain.replay.run_of": REPLAY,
    "chainrule.explain.replay.stand": REPLAY,
    "chainrule.explain.replay.stands": REPLAY,
    "chainrule.explain.replay.step_of": REPLAY,
    "chainrule.explain.sheet.Formulas": RECORD,
    "chainrule.explain.sheet.Sheet": EXPLAINED,
    "chainrule.explain.snippet.snippet": FORM,
    "chainrule.explain.softmax.Softmax": EXPLAINED,
    "chainrule.explain.steps.Derivation": RECORD,
    "chainrule.explain.steps.Part": RECORD,
    "chainrule.explain.steps.Said": RECORD,
    "chainrule.explain.steps.Step": RECORD,
    "chainrule.explain.steps.Update": RECORD,
    "chainrule.explain.text.Text": FORM,
    "chainrule.explain.tied.checked": EXPLAINED,
    "chainrule.explain.text.line_text": FORM,
    "chainrule.explain.training.Begun": RECORD,
    "chainrule.explain.training.Training": EXPLAINED,
    "chainrule.explain.typeset.Typeset": ABSTRACT,
    "chainrule.explain.units.derive_unit": EXPLAINED,
    "chainrule.explain.updates.Lines": EXPLAINED,
    "chainrule.explain.updates.update": EXPLAINED,
    "chainrule.explain.updates.updated": EXPLAINED,
    "chainrule.explain.working.Working": EXPLAINED,
    "chainrule.explain.working_loss.LossLines": EXPLAINED,
    "chainrule.explain.worksheet.Given": RECORD,
    "chainrule.explain.worksheet.Problem": RECORD,
    "chainrule.explain.worksheet_html.html": SHEET,
    "chainrule.explain.worksheet_latex.latex": SHEET,
    "chainrule.explain.writing.Case": RECORD,
    "chainrule.explain.writing.Level": RECORD,
    "chainrule.explain.writing.Line": RECORD,
    "chainrule.explain.writing.Writer": ABSTRACT,
    "chainrule.explain.writing.Written": RECORD,
    "chainrule.explain.writing.write_step": FORM,
    "chainrule.history.DivergenceError": MADE_BY_FIT,
    "chainrule.history.History": MADE_BY_FIT,
    "chainrule.history.Progress": RECORD,
    "chainrule.history.TrainingInterrupted": MADE_BY_FIT,
    "chainrule.initialisers.check_initialiser": CHECK,
    "chainrule.layers.base.Draw": RECORD,
    "chainrule.layers.base.Layer": ABSTRACT,
    "chainrule.layers.normalised.work": EXPLAINED,
    "chainrule.layers.piecewise_linear.Bins": RECORD,
    "chainrule.network.check_inputs": CHECK,
    "chainrule.network.check_parameters": CHECK,
    "chainrule.network.penalised": "its equation is the docstring of backprop.gradient",
    "chainrule.network.penalty": "its equation is the docstring of Network",
    "chainrule.network.penalty_gradient": "its equation is the docstring of Network",
    "chainrule.optimizers.Optimizer": ABSTRACT,
    "chainrule.optimizers.init_states": "part of the example of apply",
    "chainrule.reference.Plan": RECORD,
    "chainrule.reference.Run": RECORD,
    "chainrule.reference.clipped": "the bounds of fit: test_training.py holds them",
    "chainrule.reference.diverged": MADE_BY_FIT,
    "chainrule.reference.not_validated": MADE_BY_FIT,
    "chainrule.reference.run_epoch": "the body of fit, whose example shows it",
    "chainrule.reference.take_step": "the body of fit, whose example shows it",
    "chainrule.reference.treated": "part of fit; test_ties.py holds it to the textbook",
    "chainrule.reference.validate": "the body of fit, whose example shows it",
    "chainrule.rows.find_row": "the examples of activation and loss are its own",
    "chainrule.schedules.Schedule": ABSTRACT,
    "chainrule.serialization.header.Header": RECORD,
    "chainrule.serialization.header.Span": RECORD,
    "chainrule.serialization.header.read_header": "part of the example of make_header",
    "chainrule.serialization.model_file.ModelFileError": "the examples of read_file and load",
    "chainrule.serialization.store.CheckpointError": "test_checkpoints.py holds each message",
    "chainrule.tables.arrow_buffers.Table": "part of check_buffers",
    "chainrule.tables.arrow_buffers.check_buffers": "test_tables_decoding.py holds its message",
    "chainrule.tables.arrays.Arrays": OPENED,
    "chainrule.tables.arrow_types.check_columns": "test_tables_decoding.py holds each message",
    "chainrule.tables.arrow_types.check_types": "test_tables_decoding.py holds each message",
    "chainrule.tables.arrays.Stored": RECORD,
    "chainrule.tables.bad_lines.BadLineError": RECORD,
    "chainrule.tables.bad_lines.decoded": "part of plain_rows, whose example shows it",
    "chainrule.tables.columnar.Columnar": RECORD,
    "chainrule.tables.columnar.Scanned": OPENED,
    "chainrule.tables.delimited.Delimited": OPENED,
    "chainrule.tables.delimited.Rows": RECORD,
    "chainrule.tables.dialect.CutError": "test_tables_quotes.py holds what it leads to",
    "chainrule.tables.dialect.Dialect": RECORD,
    "chainrule.tables.dialect.Head": RECORD,
    "chainrule.tables.dialect.dialect": "test_tables_dialects.py holds what it finds",
    "chainrule.tables.encoders.Encoder": ABSTRACT,
    "chainrule.tables.fields.Fields": RECORD,
    "chainrule.tables.source.Source": ABSTRACT,
    "chainrule.tables.source.changed": "test_tables_changes.py holds it",
    "chainrule.tables.source.stamp": "test_tables_changes.py holds what it leads to",
    "chainrule.tables.heading.Heading": RECORD,
    "chainrule.tables.layout.Layout": "the examples of tidied and plain_rows",
    "chainrule.tables.packing.Packing": RECORD,
    "chainrule.tables.packing.GrowthError": "check_growth, whose example shows it",
    "chainrule.tables.packing.check_archive": "test_tables_bounds.py holds it",
    "chainrule.tables.packing.files_in": "one line, whose docstring says it",
    "chainrule.tables.packing.head": "one line, whose docstring says it",
    "chainrule.tables.packing.members": "one line, whose docstring says it",
    "chainrule.tables.packing.opened": "packing_of, whose example shows it",
    "chainrule.tables.quoting.among": "one line, whose docstring says it",
    "chainrule.tables.quoting.Quoted": RECORD,
    "chainrule.tables.quoting.Quotes": "part of quoted, whose example shows it",
    "chainrule.tables.quoting.Runs": RECORD,
    "chainrule.tables.quoting.Unquoted": RECORD,
    "chainrule.tables.sources.Content": RECORD,
    "chainrule.tables.spool.Spool": "test_tables_files.py reads from the standard input",
    "chainrule.tables.workbooks.workbook": "needs a workbook, which test_tables_files.py writes",
    "chainrule.tables.sources.Format": RECORD,
    "chainrule.tables.survey.Column": RECORD,
    "chainrule.tables.survey.Survey": RECORD,
    "chainrule.tables.targets.Target": ABSTRACT,
    "chainrule.tables.text_file.TextFile": RECORD,
    "chainrule.tables.text_file.text_file": "test_tables_reading_csv.py holds what it finds",
    "chainrule.tables.writing.File": WRITES,
    "chainrule.tables.writing.Format": RECORD,
    "chainrule.tables.writing.Output": WRITES,
    "chainrule.tables.writing.Sink": ABSTRACT,
    "chainrule.tabular.by_class.ClassScore": RECORD,
    "chainrule.tabular.by_class.Pair": RECORD,
    "chainrule.tabular.objectives.check_metric": "test_tabular_objectives.py holds its messages",
    "chainrule.tabular.report.choices.decisions": REPORTED,
    "chainrule.tabular.report.choices.options": REPORTED,
    "chainrule.tabular.report.course.heading": REPORTED,
    "chainrule.tabular.report.course.losses": REPORTED,
    "chainrule.tabular.report.course.summary": REPORTED,
    "chainrule.tabular.report.figures.Bin": RECORD,
    "chainrule.tabular.report.figures.Histogram": RECORD,
    "chainrule.tabular.report.figures.Level": RECORD,
    "chainrule.tabular.report.findings.Findings": RECORD,
    "chainrule.tabular.report.findings.find": REPORTED,
    "chainrule.tabular.report.importance.Importance": RECORD,
    "chainrule.tabular.report.importance.Importances": RECORD,
    "chainrule.tabular.report.importance.importances": REPORTED,
    "chainrule.tabular.report.influence.columns": REPORTED,
    "chainrule.tabular.report.influence.rows": REPORTED,
    "chainrule.tabular.report.intervals.quantiles": REPORTED,
    "chainrule.tabular.report.plots.calibration_plot": REPORTED,
    "chainrule.tabular.report.plots.coverage_plot": REPORTED,
    "chainrule.tabular.report.plots.fan_plot": REPORTED,
    "chainrule.tabular.report.plots.histogram_plot": REPORTED,
    "chainrule.tabular.report.plots.loss_plot": REPORTED,
    "chainrule.tabular.report.plots.metric_plot": REPORTED,
    "chainrule.tabular.report.plots.residual_plot": REPORTED,
    "chainrule.tabular.report.plots.true_plot": REPORTED,
    "chainrule.tabular.report.pulling.Pull": RECORD,
    "chainrule.tabular.report.pulling.Pulls": RECORD,
    "chainrule.tabular.report.pulling.pulls": REPORTED,
    "chainrule.tabular.report.pulling.training_pulls": REPORTED,
    "chainrule.tabular.report.pulling.validation_pulls": REPORTED,
    "chainrule.tabular.report.quality.classification": REPORTED,
    "chainrule.tabular.report.quality.regression": REPORTED,
    "chainrule.tabular.report.write_report": "writes: report is its example",
    "chainrule.tabular.running.Measure": RECORD,
    "chainrule.tabular.scores.Score": RECORD,
    "chainrule.tabular.suiting.check_counts": "test_tabular_objectives.py holds its message",
    "chainrule.tabular.suiting.decided_by": "part of prepare: test_tabular_objectives.py holds it",
    "chainrule.tabular.suiting.fitted_to": "part of prepare: test_tabular_objectives.py holds it",
    "chainrule.tabular.training.measured_by": "what cr.train goes by, whose example shows it",
    "chainrule.tabular.training.overfitted": "what cr.train goes by, whose example shows it",
    "chainrule.serialization.checkpoint.begun": "part of Checkpoint.fit, whose example shows it",
    "chainrule.tabular.blocks.Place": "part of Blocks; test_tabular_running.py holds it",
    "chainrule.tabular.checkpoints.identity": "what a checkpoint is compared with",
    "chainrule.tabular.checkpoints.keeping": "part of train; test_tabular_training.py holds it",
    "chainrule.tabular.model.TableModel": "made by train, whose example shows it",
    "chainrule.tabular.preparing.Prepared": "made by prepare, part of train",
    "chainrule.tabular.preparing.prepare": "the example of set_out",
    "chainrule.tabular.preparing.memory_allowed": "one line, whose docstring says it",
    "chainrule.tabular.running.Plan": "a record: its fields say all",
    "chainrule.tabular.running.Run": "part of train; test_tabular_running.py holds it",
    "chainrule.tabular.training.network": "part of train, whose example shows it",
    "chainrule.tabular.training.plan": "part of train, whose example shows it",
    "chainrule.tabular.training.begin": "part of train, whose example shows it",
    "chainrule.tabular.training.begin_again": "part of train, whose example shows it",
    "chainrule.tabular.training.conclude": "part of train, whose example shows it",
    "chainrule.targets.Target": RECORD,
    "chainrule.targets.check_targets": CHECK,
    "chainrule.targets.encode": "one line, whose docstring says it",
    "chainrule.serialization.contents.Course": RECORD,
    "chainrule.serialization.contents.Told": RECORD,
    "chainrule.tables.preparing.Told": RECORD,
    "chainrule.tabular.about.Rows": RECORD,
    "chainrule.tabular.about.Decided": RECORD,
    "chainrule.tabular.about.Validation": RECORD,
    "chainrule.tabular.about.About": RECORD,
    "chainrule.tabular.about.TableFile": RECORD,
    "chainrule.tabular.about.check": "part of TableModel.load; test_resigned.py holds it",
}


def public(module):
    """The functions and classes that a module defines and does not hide."""
    for name, thing in vars(module).items():
        defined = getattr(thing, "__module__", None) == module.__name__
        thing = inspect.unwrap(thing) if callable(thing) else thing  # noqa: PLW2901
        if (
            defined
            and not name.startswith("_")
            and inspect.isroutine(thing) | inspect.isclass(thing)
        ):
            yield f"{module.__name__}.{name}", thing


PUBLIC = dict(pair for module in MODULES for pair in public(module))


def test_import_is_lean():
    code = f"import sys, chainrule; print(*set(sys.modules) & set({HEAVY!r}))"
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_names_that_wait_are_listed_and_others_unknown():
    assert set(cr.__all__) <= set(dir(cr))
    with pytest.raises(
        AttributeError, match="module 'chainrule' has no attribute 'MLPTransformer'"
    ):
        cr.MLPTransformer  # noqa: B018


@pytest.mark.parametrize("name", cr.__all__)
def test_an_exported_name_exists_and_is_documented(name):
    assert inspect.getdoc(getattr(cr, name))


def test_every_public_name_is_exported_once_and_in_order():
    assert len(set(cr.__all__)) == len(cr.__all__)
    visible = {name for name, thing in vars(cr).items() if not name.startswith("_")}
    modules = {name for name in visible if inspect.ismodule(getattr(cr, name))}
    assert visible - modules <= set(cr.__all__)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_a_module_says_what_it_is_for(module):
    assert inspect.getdoc(module)


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_function_or_class_is_documented_with_an_example(name):
    doc = vars(PUBLIC[name]).get("__doc__") or PUBLIC[name].__doc__
    assert doc
    assert not doc.startswith(f"{PUBLIC[name].__name__}(")  # what dataclass and NamedTuple make
    assert (">>>" in doc) != (name in WITHOUT_EXAMPLE or bool(OF_A_LAYER.fullmatch(name)))


@pytest.mark.parametrize("name", PUBLIC)
def test_public_methods_are_documented(name):
    if inspect.isclass(PUBLIC[name]):
        fields = PUBLIC[name].__annotations__
        for method, thing in vars(PUBLIC[name]).items():
            if not method.startswith("_") and callable(thing) and method not in fields:
                assert inspect.getdoc(getattr(PUBLIC[name], method)), method


def test_the_exceptions_exist():
    assert set(WITHOUT_EXAMPLE) <= set(PUBLIC)


@pytest.mark.parametrize("name", PUBLIC)
def test_docstrings_hold_no_control_characters(name):
    """A backslash of LaTeX that Python reads as an escape: an r before the quotes is missing."""
    assert not set("\a\b\f\r\t\v") & set(PUBLIC[name].__doc__)
