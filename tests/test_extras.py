"""What each public name and command needs beyond NumPy, and that the right extra is named for it.

In a process of its own all libraries are hidden but those of some extras. The calls whose extra is
among them work there; any other says in one sentence what to install, and that suffices.
"""

import importlib.abc
import inspect
import os
import re
import sys
import tempfile

import pytest

from alone import alone
from ci_scripts import ci_script

CORE = ""
"""What `pip install chainrule` brings."""

CALLS = {
    # networks
    "backward": (CORE, "cr.backward(cr.forward(net, params, X), y)"),
    "check_gradient": (CORE, "cr.check_gradient(net, params, X, y)"),
    "cost": (CORE, "cr.cost(net, params, X, y)"),
    "cost_and_gradient": (CORE, "cr.cost_and_gradient(net, params, X, y)"),
    "example_squared_norms": (CORE, "cr.example_squared_norms(net, params, X, y)"),
    "fit": (CORE, "cr.fit(net, params, X, y, cr.SGD(0.1), epochs=2, engine='reference')"),
    "fit_many": (CORE, "cr.fit_many([net, net], None, X, y, cr.SGD(0.1), epochs=2)"),
    "forward": (CORE, "cr.forward(net, params, X)"),
    "gradient": (CORE, "cr.gradient(*passes)"),
    "input_gradient": (CORE, "cr.input_gradient(*passes)"),
    "integrated_gradients": (CORE, "cr.integrated_gradients(net, params, X[:2], X[2])"),
    "load": (CORE, "cr.save('a.model', net, params), cr.load('a.model')"),
    "per_example_gradients": (CORE, "cr.per_example_gradients(*passes)"),
    "predict": (CORE, "cr.predict(net, params, X)"),
    "rate_range": (CORE, "rates()"),
    "save": (CORE, "cr.save('b.model', net, params)"),
    "shapley_values": (CORE, "cr.shapley_values(lambda rows: rows.sum(axis=1), X[0], X[1])"),
    "squared_norms": (CORE, "cr.squared_norms(*passes)"),
    "to_python": (CORE, "cr.to_python(net, params, 'net.py')"),
    "rate_range: plot": ("matplotlib", "rates().plot()"),
    "Checkpoint": (CORE, "cr.Checkpoint"),
    "CheckpointError": (CORE, "cr.CheckpointError"),
    "ModelFileError": (CORE, "cr.ModelFileError"),
    "TableError": (CORE, "cr.TableError"),
    "Watch": (
        "scipy sklearn",
        "cr.fit(net, params, X, y, cr.SGD(0.1), epochs=2, callbacks=[cr.Watch(None), after_epoch])",
    ),
    # what is explained
    "contributions": ("mpmath", "cr.contributions(recorded(), of='w1')"),
    "diagnose": ("scipy sklearn", "cr.diagnose(net, params, X, y)._repr_html_()"),
    "diagnose: page": ("matplotlib scipy sklearn", "cr.diagnose(net, params, X, y).html()"),
    "explain": ("mpmath", "cr.explain(net, params, X[0], y[0], of='w1')"),
    "explain_step": ("mpmath", "cr.explain_step(recorded(), 1, of='w1')"),
    "find_mistake": ("mpmath", "cr.find_mistake(net, params, X[0], y[0], {'w1': '0.5'})"),
    "paths": ("mpmath", "cr.paths(net, params, X[0], y[0], of='w1')"),
    # estimators and tables
    "GradientFlowDisplay": ("sklearn", "cr.GradientFlowDisplay"),
    "LossCurveDisplay": ("sklearn", "cr.LossCurveDisplay"),
    "MLPClassifier": (
        "rich scipy sklearn",
        "cr.MLPClassifier(max_iter=300, verbose=True).fit(X, y[:, 0] > 0)",
    ),
    "MLPRegressor": ("sklearn", "cr.MLPRegressor(max_iter=300).fit(X, y[:, 0]).predict(X)"),
    "from_sklearn": ("sklearn", "cr.from_sklearn(perceptron())"),
    "DependenceDisplay": ("polars sklearn", "cr.DependenceDisplay"),
    "TableModel": ("polars sklearn", "cr.TableModel"),
    "TabularClassifier": ("polars sklearn", "cr.TabularClassifier"),
    "TabularRegressor": ("polars sklearn", "cr.TabularRegressor"),
    "partial_dependence": (
        "polars scipy sklearn",
        "cr.partial_dependence(cr.train(*TABLE, **QUICK), 't.csv', 'a')",
    ),
    "train": (
        "mpmath polars scipy sklearn",
        "cr.train(*TABLE, out='t.model', **QUICK).why_row('t.csv', 1).html()",
    ),
    "LossCurveDisplay: plot": ("matplotlib sklearn", "cr.LossCurveDisplay([1, 2], None).plot()"),
    "train: report": ("matplotlib polars sklearn", "cr.train(*TABLE, report='t.html', **QUICK)"),
    "train: workbook": ("fastexcel polars sklearn", "cr.train('t.xlsx', 'y', **QUICK)"),
    # other libraries
    "from_keras": ("keras", "cr.from_keras(None)"),
    "from_onnx": ("onnx", "cr.from_onnx('net.onnx')"),
    "from_torch": ("torch", "cr.from_torch(None)"),
    "to_onnx": ("onnx", "cr.to_onnx(net, params, 'net.onnx')"),
    "to_torch": ("torch", "cr.to_torch(net, params)"),
    # commands
    "chainrule check": ("rich", "check"),
    "chainrule check: against": ("rich torch", "check --against torch"),
    "chainrule demo": ("mpmath rich", "demo --part 1"),
    "chainrule demo: digits": ("mpmath plotext rich sklearn", "demo --part 3"),
    "chainrule diagnose": ("scipy sklearn", "diagnose network.toml"),
    "chainrule evaluate": ("polars rich sklearn", "evaluate t.model t.csv"),
    "chainrule explain": ("mpmath", "explain 2-2-2 --of w5 -o page.html"),
    "chainrule export": (CORE, "export a.model -o a.py"),
    "chainrule find-mistake": ("mpmath", "find-mistake 2-2-2 --claimed w5=0.4"),
    "chainrule info": (CORE, "info"),
    "chainrule inspect": ("rich", "inspect a.model"),
    "chainrule lint": ("mpmath", "lint t.md --network 2-2-2"),
    "chainrule playground": ("mpmath rich scipy sklearn", "playground -o playground.html"),
    "chainrule predict": ("polars sklearn", "predict t.model t.csv"),
    "chainrule train": (
        "matplotlib polars rich sklearn",
        "train t.csv --target y --epochs 1 --effort fast --force --report t.html",
    ),
    "chainrule worksheet": ("mpmath", "worksheet -o page.html"),
}
"""The modules that each call needs, and the call: Python, or the arguments of the command, in this
order."""

ASKED = {"fastexcel", "matplotlib", "torch"}
"""Modules that an argument asks for, so that more than one extra may be missing."""

ENVIRONMENTS = ("", "explain plots", "estimators", "tables")

BEFORE = """
import numpy as np, chainrule as cr
np.seterr(all='ignore')
X = np.random.default_rng(0).normal(size=(40, 2))
y = X[:, :1] - X[:, 1:] ** 2
net = cr.Network(2, [cr.Dense(3, 'gelu'), cr.Dense(1)], loss='half_squared_error')
params = net.init(seed=0)
trace = cr.forward(net, params, X)
passes = trace, cr.backward(trace, y)
cr.save('a.model', net, params)
TABLE = 't.csv', 'y'
QUICK = {'effort': 'fast', 'epochs': 1}
with open('t.csv', 'w') as file:
    print('a,b,y', *(f'{a},{b},{c}' for (a, b), c in zip(X, y[:, 0])), sep='\\n', file=file)
with open('t.md', 'w') as one, open('t.xlsx', 'w') as other:
    print('w5 = 0.4', file=one)
    print('no workbook', file=other)
with open('network.toml', 'w') as file:
    print("layers = [2, 1]\\nweights = [[[0.5, 0.5]]]\\nbiases = [[0.0]]\\n"
          "activation = 'tanh'\\nloss = 'half_squared_error'\\nrate = 0.1\\n"
          "weights_are = 'units_by_inputs'\\n"
          f"inputs = {X.tolist()}\\ntargets = {y.tolist()}", file=file)

def rates():
    return cr.rate_range(net, params, X, y, cr.SGD(0.1), steps=20)

def recorded():
    return cr.fit(net, params, X, y, cr.SGD(0.1), epochs=1, record=True)[1]

def after_epoch(history):
    import scipy  # where it is missing, Watch has said so before the first epoch

def perceptron():
    try:
        from sklearn.neural_network import MLPRegressor
    except ImportError:
        return None
    return MLPRegressor(hidden_layer_sizes=3, max_iter=300).fit(X, y[:, 0])
"""


class Hidden(importlib.abc.MetaPathFinder):
    """Modules that are as if they were not installed."""

    def __init__(self, modules):
        self.modules = modules

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.modules:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def told(hidden):
    """What each call tells that does not work, "" where it does; also the help of each command."""
    sys.meta_path.insert(0, Hidden(hidden))
    os.chdir(tempfile.mkdtemp())
    out, sys.stdout = sys.stdout, sys.stderr
    names = {}
    exec(BEFORE, names)
    from click.testing import CliRunner

    from chainrule.cli import main

    found = {}
    for name, (_, call) in CALLS.items():
        if name.startswith("chainrule "):
            result = CliRunner().invoke(main, call.split())
            works = result.exit_code in (0, 1) and isinstance(result.exception, SystemExit | None)
            found[name] = "" if works else result.output or repr(result.exception)
            continue
        try:
            exec(call, names)
            found[name] = ""
        except Exception as error:
            found[name] = f"{type(error).__name__}: {error}"
    for name in main.commands:
        found[f"{name} --help"] = CliRunner().invoke(main, [name, "--help"]).stderr
    sys.stdout = out
    return found


def looked_up(hidden):
    """What `import *` brings, and what is found by looking through the package."""
    sys.meta_path.insert(0, Hidden(hidden))
    import chainrule

    names = {}
    exec("from chainrule import *", names)
    import pydoc

    pydoc.render_doc(chainrule)
    members = {name for name, _ in inspect.getmembers(chainrule)}
    return sorted(names.keys() - {"__builtins__"}), sorted(members)


def libraries(extras):
    """The modules that extras bring, of those that not all of Chainrule needs."""
    from chainrule.extras import EXTRAS, INSTALLED_AS

    required = ci_script("requirements").required
    lines = [line for extra in extras for line in required(extra)]
    installed = {re.match(r"[\w.-]+", line)[0] for line in lines}
    modules = {module for row in EXTRAS.values() for module in row}
    found = {module for module in modules if INSTALLED_AS.get(module, module) in installed}
    return found | {"narwhals"} if "sklearn" in found else found  # which needs it from 1.9 on


SAID = re.compile(
    r"(?:MissingLibraryError: |TableError: |Error: )?[^\n]+ needs ([\w-]+), which is not "
    r"installed: pip install 'chainrule\[(\w+)\]'\n?"
)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_what_is_missing_is_said_with_the_extra_that_brings_it(environment):
    from chainrule.extras import EXTRAS

    there = libraries(environment.split())
    found = alone(told, sorted(libraries(EXTRAS) - there))
    for name, (needs, _) in CALLS.items():
        if missing := {*needs.split()} - there:
            said = SAID.fullmatch(found.pop(name))
            assert said, name
            brought = libraries([said[2]])
            assert said[1].replace("scikit-learn", "sklearn") in missing & brought, name
            assert missing - brought <= ASKED, name
    assert {name: said for name, said in found.items() if said} == {}


@pytest.mark.parametrize("environment", ["", "estimators"])
def test_names_of_what_is_not_installed_are_not_listed(environment):
    import chainrule as cr
    from chainrule.extras import EXTRAS

    there = libraries(environment.split())
    brought, members = alone(looked_up, sorted(libraries(EXTRAS) - there))
    assert brought == members
    assert {"fit", "Watch", "diagnose", "TableError"} <= {*brought}
    missing = {*cr.__all__} - {*brought}
    assert {name for name in missing if not {*CALLS[name][0].split()} - there} == set()


def test_each_function_and_command_has_a_call():
    import chainrule as cr
    from chainrule.cli import main

    names = {name for name in cr.__all__ if inspect.isfunction(getattr(cr, name))} | set(cr._LAZY)
    commands = {f"chainrule {name}" for name in main.commands}
    assert names | commands <= set(CALLS)


def test_an_extra_brings_what_it_is_named_for():
    from chainrule.extras import EXTRAS

    assert {extra: set(modules) - libraries([extra]) for extra, modules in EXTRAS.items()} == {
        extra: set() for extra in EXTRAS
    }


def test_another_module_that_is_missing_is_not_ours():
    from chainrule.extras import library

    with pytest.raises(ModuleNotFoundError, match="No module named 'chainrules'"):
        library("chainrules", "this")
