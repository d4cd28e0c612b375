"""What is seen of a fit while it runs: scikit-learn's callbacks, a bar, lines in a log."""

import io
import re

import numpy as np
import pandas as pd
import pytest
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV

import chainrule as cr
from chainrule.trees import named_leaves

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
LABELS = (X[:, 0] > 0).astype(int)
SOLVERS = ("adam", "sgd", "lbfgs")

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class Recorder:
    """A callback that writes down what it is told, and stops or fails where it is asked to."""

    def __init__(self, stop_after=None, fail_after=None):
        self.seen, self.models = [], []
        self.stop_after, self.fail_after = stop_after, fail_after

    def setup(self, estimator, context):
        self.seen.append(("setup", context.task_name, None))

    def teardown(self, estimator, context):
        self.seen.append(("teardown", context.task_name, None))

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
        self.seen.append(("begin", context.task_name, context.task_id))
        self.data = X, y, metadata

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self.seen.append(("end", context.task_name, context.task_id))
        self.models.append(fitted_estimator)
        if context.task_name == "epoch" and context.task_id + 1 == self.fail_after:
            raise RuntimeError("no")
        return context.task_name == "epoch" and context.task_id + 1 == self.stop_after


def classifier(**options):
    return cr.MLPClassifier((5,), **{"random_state": 0, "max_iter": 4, "tol": 0, **options})


def whole(epochs):
    """What a callback is told of a fit of so many epochs."""
    within = [(what, "epoch", k) for k in range(epochs) for what in ("begin", "end")]
    within = [("begin", "fit", 0), *within, ("end", "fit", 0)]
    return [("setup", "fit", None), *within, ("teardown", "fit", None)]


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_callback_is_told_of_everything_in_order(solver):
    recorder = Recorder()
    model = classifier(solver=solver).set_callbacks(recorder).fit(X, LABELS)
    assert model.n_iter_ == 4
    assert recorder.seen == whole(4)
    plain = classifier(solver=solver).fit(X, LABELS)
    for (_, a), (_, b) in zip(
        named_leaves(model.parameters_), named_leaves(plain.parameters_), strict=True
    ):
        np.testing.assert_array_equal(a, b)  # being watched changes nothing
    assert not [name for name in vars(model) if "callback_fit_ctx" in name]


@pytest.mark.parametrize("options", [{}, {"n_iter_no_change": 1, "tol": 1.0, "max_iter": 50}])
def test_tasks_end_where_patience_does(options):
    recorder = Recorder()
    model = classifier(**options).set_callbacks(recorder).fit(X, LABELS)
    assert recorder.seen == whole(model.n_iter_)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_callback_stops_the_run(solver):
    recorder = Recorder(stop_after=2)
    model = classifier(solver=solver).set_callbacks(recorder).fit(X, LABELS)
    assert recorder.seen == whole(2)
    assert model.n_iter_ == 2
    first, second, _ = recorder.models
    one = classifier(solver=solver, max_iter=1).fit(X, LABELS)
    np.testing.assert_allclose(first.predict_proba(X), one.predict_proba(X), rtol=1e-12)
    np.testing.assert_array_equal(second.predict_proba(X), model.predict_proba(X))


def test_ctrl_c_ends_the_task_that_it_breaks_off():
    def pressed(z, xp):
        if len(recorder.seen) == 7:  # in the third epoch
            raise KeyboardInterrupt
        return z

    row = cr.Activation("pressed", f=pressed, df=lambda z, a, xp: xp.ones_like(z), check=False)
    recorder = Recorder()
    model = classifier(activation=row, engine="reference").set_callbacks(recorder)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model.fit(X, LABELS)
    assert recorder.seen == whole(3)
    assert model.n_iter_ == 2


def test_adaptive_rates_do_not_outlive_a_callback_that_stops():
    options = {"solver": "sgd", "learning_rate": "adaptive", "max_iter": 20}
    model = classifier(**options).set_callbacks(Recorder(stop_after=3)).fit(X, LABELS)
    assert (model.n_iter_, model._curves.slowdown) == (3, 1.0)


def test_a_callback_that_fails_is_torn_down_and_leaves_the_model_alone():
    model = classifier().set_callbacks(Recorder(fail_after=2))
    with pytest.raises(RuntimeError, match="no"):
        model.fit(X, LABELS)
    assert model._skl_callbacks[0].seen[-1] == ("teardown", "fit", None)
    assert not hasattr(model, "parameters_")


def test_a_callback_gets_the_examples_in_training():
    recorder = Recorder()
    frame, weight = pd.DataFrame(X, columns=list("abc")), RNG.uniform(size=60)
    model = classifier(validation_split=np.arange(10)).set_callbacks(recorder)
    model.fit(frame, LABELS, sample_weight=weight)
    given, y, metadata = recorder.data
    pd.testing.assert_frame_equal(given, frame[10:])
    np.testing.assert_array_equal(y, LABELS[10:])
    np.testing.assert_array_equal(metadata["sample_weight"], weight[10:])


@pytest.mark.parametrize("given", [X, pd.DataFrame(X, columns=list("abc"))], ids=["array", "frame"])
def test_the_scoring_monitor(given):
    monitor = ScoringMonitor(scoring="accuracy")
    model = classifier().set_callbacks(monitor).fit(given, LABELS)
    rows = monitor.get_logs().data
    scores = [row["accuracy"] for row in rows if row["task_name"] == "epoch"]
    assert len(scores) == 4
    assert scores[-1] == accuracy_score(LABELS, model.predict(given))


def test_the_progress_bar_through_a_search(capsys):
    search = GridSearchCV(classifier(), {"alpha": [0.1, 1.0]}, cv=2)
    search.set_callbacks(ProgressBar()).fit(X, LABELS)
    assert "MLPClassifier" in capsys.readouterr().out


def test_partial_fit_leaves_callbacks_alone():
    recorder = Recorder()
    classifier().set_callbacks(recorder).partial_fit(X, LABELS, classes=[0, 1])
    assert recorder.seen == []


LINE = r"epoch (\d+)/(\d+)  loss ([\d.e-]+)(  validation ([-\d.]+))?  \d+ s left"


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("epochs", [4, 25])
def test_lines_in_a_log(solver, epochs, capsys):
    model = classifier(solver=solver, max_iter=epochs, verbose=1).fit(X, LABELS)
    lines = [re.fullmatch(LINE, line) for line in capsys.readouterr().out.splitlines()]
    assert all(lines)
    shown = [int(line[1]) for line in lines]
    assert shown[0] == 1
    assert shown[-1] == model.n_iter_
    assert shown == sorted(set(shown))
    assert len(shown) <= 14
    assert float(lines[-1][3]) == pytest.approx(model.loss_, rel=1e-4)


def test_lines_show_the_score(capsys):
    model = classifier(verbose=True).fit(X, LABELS, X_val=X, y_val=LABELS)
    last = re.fullmatch(LINE, capsys.readouterr().out.splitlines()[-1])
    assert float(last[5]) == pytest.approx(model.validation_scores_[-1], abs=1e-3)


def test_a_bar_in_a_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    screen = Terminal()
    monkeypatch.setattr("sys.stdout", screen)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    model = classifier(verbose=1).fit(X, LABELS, X_val=X, y_val=LABELS)
    shown = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", screen.getvalue())
    last = [line for line in re.split(r"[\r\n]+", shown) if line.strip()][-1]
    assert "epoch 4/4" in last
    assert f"loss {model.loss_:.6g}" in last
    assert f"validation {model.validation_scores_[-1]:.4g}" in last
    assert len(last) <= 80


def test_nothing_is_shown_unless_asked(capsys):
    classifier().fit(X, LABELS)
    classifier(verbose=1).partial_fit(X, LABELS, classes=[0, 1])
    assert capsys.readouterr().out == ""
