"""Models of tables in the playground: their layers by column, their numbers, and their page."""

import base64
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.engine.wasm import engine_script
from chainrule.engine.wasm.lowering_patterns import lowering_patterns
from chainrule.explanation.line_patterns import pattern_data, pattern_script
from chainrule.explanation.text import Text
from chainrule.explanation.unit_places import Places
from chainrule.html_page.joined_scripts import file_of
from chainrule.optimizers import OPTIMIZERS as EVERY
from chainrule.playground import playground, start_state
from chainrule.playground.choices import choices
from chainrule.playground.data.table_rules import table_rules
from chainrule.playground.schedule_rules import schedule_rules
from chainrule.schedules import SCHEDULES
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.table_diagnosis import prepared_rows
from chainrule.trees import leaves, named_leaves
from page_scripts import in_node
from playground_pages import Playground
from wasm_cases import NODE, SOURCES

PATTERNS = pattern_data()
KNOWN = {"choices": choices(), "patterns": lowering_patterns()}

TABLE = "\n".join(
    ["size,town,kind,price"]
    + [
        f"{k * 1.5},{'abcdefgh'[k * 7 % 8]}{k * 5 % 11},{'pq'[k % 2]},{k % 9 + k / 7}"
        for k in range(88)
    ]
)

SCRIPTS = (
    engine_script(),
    file_of("chainrule.engine.wasm", "wasm_run.js"),
    schedule_rules(),
    pattern_script(),
    Path(__file__).with_name("playground_models.js").read_text(encoding="utf-8"),
)


def as_json(part):
    """A part of a start as JSON has it."""
    if isinstance(part, dict):
        return {name: as_json(each) for name, each in part.items()}
    if isinstance(part, list):
        return [*map(as_json, part)]
    return [float(str(own)) for own in part] if isinstance(part, np.ndarray) else part


def columns_of(model):
    """How a model encodes its columns, as its file has it."""
    forms = model.forms.to_data()
    preparation = model.preparation.to_data()
    return {"preparation": preparation, "target": model.target.to_data(), "forms": forms}


def in_page(body, **given):
    return in_node(body, *SCRIPTS, known=KNOWN, engine=f"{SOURCES}/engine*.wasm", **given)


def start_of(net, params, X, y):
    """A start of a network with any layers and examples, as of a model."""
    given = start_state._examples(net, X, y)
    names = {"inputs": [f"c{k}" for k in range(net.inputs)], "outputs": ["o"] * net.outputs}
    state = {"net": start_state._net(net, params), **start_state._data()}
    run = start_state._run(cr.SGD(0.01, momentum=0.5), batch=len(X))
    return as_json({"state": {**state, "run": run}, "given": {**given, "names": names}})


EDGES = [[-1.0, 0.0, 0.5, 2.0], [], [0.25, 1.0]]
BY_COLUMN = {
    "piecewise": [cr.PiecewiseLinear(EDGES, 3)],
    "periodic": [cr.Periodic(2, 3, 0.5, (0, 2))],
    "embedding": [cr.Embedding([0, 3, 2], 2)],
    "both": [cr.PiecewiseLinear([[0.0, 1.0, 2.0], [], []], 2), cr.Embedding([0, 0, 0, 4], 3)],
}


@pytest.fixture(scope="module", params=BY_COLUMN)
def by_column(request):
    """A network with layers by column, parameters and examples of float32, and its start."""
    net = cr.Network(
        3, [*BY_COLUMN[request.param], cr.Dense(4, "tanh"), cr.Dense(2)], "half_squared_error"
    )
    rng = np.random.default_rng(3)
    params = cr.trees.tree_map(
        lambda leaf: rng.normal(size=leaf.shape).astype(np.float32), net.form
    )
    X = rng.normal(size=(6, 3)).astype(np.float32)
    X[:, 1:] = rng.integers(0, 3, size=(6, 2))
    y = rng.normal(size=(6, 2)).astype(np.float32)
    return net, params, X, y, start_of(net, params, X, y)


@pytest.mark.skipif(NODE is None, reason="there is no Node")
def test_predictions_and_steps_are_those_of_python(by_column):
    net, params, X, y, start = by_column
    made = in_page("return threeSteps(known, start);", start=start)
    assert made["names"] == [name for name, _ in named_leaves(params)]
    np.testing.assert_allclose(
        made["p"], np.ravel(cr.predict(net, params, X)), rtol=1e-5, atol=1e-6
    )
    optimizer = cr.SGD(0.01, momentum=0.5)
    after, _ = cr.fit(net, params, X, y, optimizer, epochs=3, batch_size=6, shuffle=False)
    for own, got in zip(leaves(after), made["after"], strict=True):
        np.testing.assert_allclose(got, np.ravel(own), rtol=1e-5, atol=1e-6)


def named(at, name, entry):
    """A parameter as the page asks for it."""
    letter = name.rpartition(".")[2].lower() if name.endswith((".W", ".b")) else ""
    return (
        f"{letter}{at.number(at.key(name, entry))}"
        if letter
        else f"{name}[{', '.join(map(str, entry))}]"
    )


@pytest.mark.skipif(NODE is None, reason="there is no Node")
def test_the_working_behind_is_that_of_python(by_column):
    """Every line that the page writes of a weight is one of those that `explain` writes."""
    net, params, X, y, start = by_column
    before = len(net.layers) - 2
    sizes = [leaf.size for name, leaf in named_leaves(params) if name.endswith(".W")]
    first = sum(sizes[:-2]) + 1
    units = sum(net.widths[1 : before + 1])
    subjects = [
        f"w{first}",
        f"w{first + sizes[-2]}",
        f"h{units + 2}",
        f"h{units}",
        f"net_h{units + 1}",
    ]
    if PATTERNS["kinds"].get(net.layers[before - 1].kind):  # its own parameters too
        at = Places.of(net)
        for name, leaf in named_leaves(params):
            if name.startswith(f"{before - 1}."):
                subjects += [named(at, name, entry) for entry in np.ndindex(leaf.shape)]
    body = "return subjects.map(worked(known, lines, start));"
    made = in_page(body, start=start, subjects=subjects, lines=PATTERNS)
    told = zip(start["state"]["net"]["weights"], leaves(params), strict=True)
    params = cr.trees.rebuild(net.form, [np.reshape(own, leaf.shape) for own, leaf in told])
    X = np.reshape(start["given"]["X"], X.shape)
    y = np.reshape(start["given"]["y"], y.shape)
    for subject, both in zip(subjects, made, strict=True):
        for notation, lines in zip(("mazur", "nielsen"), both, strict=True):
            made = cr.explain(net, params, X[:2], y[:2], of=subject, notation=notation)
            own = [line._asdict() for _, part in made.written(Text()) for line in part]
            assert len(lines) > 8
            assert [line for line in lines if line not in own] == [], subject


@pytest.mark.skipif(NODE is None, reason="there is no Node")
def test_layers_by_column_stay_as_others_are_drawn_anew(by_column):
    net, params, _, _, start = by_column
    made = in_page("return drawnAnew(known, start);", start=start)
    own = [np.ravel(leaf).tolist() for name, leaf in named_leaves(params)]
    count = len(own) - 4
    for k, (was, got) in enumerate(zip(own, made["anew"], strict=True)):
        if k < count:
            np.testing.assert_allclose(got, was, rtol=1e-6)
        else:
            assert got != was
    assert made["widths"] == [*net.widths]
    assert made["words"] == ["network.not_drawn", "network.columns", "network.columns"]


# Trainings that go on

SIMPLE = cr.Network(3, [cr.Dense(4, "tanh"), cr.Dense(2)], "half_squared_error")
RATES = [
    cr.Constant(0.03),
    cr.StepDecay(0.05, every=3, factor=0.7),
    cr.Exponential(0.05, factor=0.9),
    cr.InverseScaling(0.05),
    cr.Cosine(0.05, steps=20, final=0.01),
    cr.CosLog4(0.05, steps=29),
    cr.WarmUp(5, cr.Cosine(0.05, steps=30)),
    cr.Resumed(3, cr.WarmUp(7, 0.05)),
    cr.OneCycle(0.05, steps=14),
]
OPTIMIZERS = [
    cr.SGD(0.1, momentum=0.9, nesterov=True),
    cr.SGD(0.1, momentum=0.9, dampening=0.5),
    cr.Adam(0.02),
    cr.AdamW(0.02, weight_decay=0.1),
    *(EVERY[name](rate) for name, rate in zip([*EVERY, "sgd"], RATES, strict=True)),
]
assert {type(each) for each in OPTIMIZERS} == {*EVERY.values()}
assert {type(each) for each in RATES} == {*SCHEDULES.values()}


def simple(rng):
    params = cr.trees.tree_map(lambda leaf: rng.normal(size=leaf.shape), SIMPLE.form)
    params = cr.trees.tree_map(lambda leaf: leaf.astype(np.float32), params)
    return params, *(rng.normal(size=(10, width)).astype(np.float32) for width in (3, 2))


def near(params, got):
    for own, each in zip(leaves(params), got, strict=True):
        np.testing.assert_allclose(each, np.ravel(own), rtol=1e-5, atol=1e-6)


@pytest.mark.skipif(NODE is None, reason="there is no Node")
def test_a_training_goes_on_in_python_and_comes_back(tmp_path):
    """Two epochs in the page, two in Python, one in the page: each as all of them in one."""
    params, X, y = simple(np.random.default_rng(5))
    start = start_of(SIMPLE, params, X, y)
    runs = [{**start_state._run(each, 4), "seed": 7} for each in OPTIMIZERS]
    body = "return Promise.all(runs.map((run) => goneOn(known, start, run)));"
    out = in_page(body, start=start, runs=runs)
    back = []
    for optimizer, run, own in zip(OPTIMIZERS, runs, out, strict=True):
        path = tmp_path / "page.model"
        path.write_bytes(base64.b64decode(own["bytes"]))
        net, loaded, history = cr.load(path)
        assert (net, history.at.step, history.at.epoch) == (SIMPLE, 6, 2)
        assert history.optimizer == optimizer
        options = {"batch_size": 4, "seed": 7}
        made, ends = cr.fit(
            net, loaded, X, y, history.optimizer, epochs=2, history=history, **options
        )
        near(made, own["after"])
        assert ends.loss == pytest.approx(own["losses"], rel=1e-5)
        whole, history = cr.fit(net, params, X, y, optimizer, epochs=4, **options)
        near(whole, own["after"])
        assert own["at"] == {"step": 12, "epoch": 4, "first": 0}
        cr.save(path, net, made, ends)
        back.append({"bytes": base64.b64encode(path.read_bytes()).decode(), "run": run})
        last, _ = cr.fit(net, made, X, y, optimizer, epochs=1, history=ends, **options)
        back[-1]["expected"] = last
    asked = [{"bytes": own["bytes"], "run": own["run"]} for own in back]
    body = "return Promise.all(asked.map((own) => readOn(known, start, own)));"
    for own, got in zip(back, in_page(body, start=start, asked=asked), strict=True):
        assert got["from"] == got["back"] == {"step": 12, "epoch": 4, "first": 0}
        assert got["at"] == {"step": 15, "epoch": 5, "first": 0}
        assert len(got["losses"]) == 5
        near(own["expected"], got["after"])


def test_a_model_with_a_history_begins_where_it_ended():
    _, X, y = simple(np.random.default_rng(5))
    net = cr.Network(2, [cr.Dense(1)], "half_squared_error")
    X, optimizer = X[:, :2], cr.Adam(0.1)
    made, history = cr.fit(net, net.init(), X, y[:, :1], optimizer, epochs=2, batch_size=5)
    run = start_state.of_model(net, made, history)["state"]["run"]
    assert (run["optimizer"], run["begun"]["step"], run["begun"]["epoch"]) == ("adam", 4, 2)
    assert [len(states) for states in run["begun"]["states"]] == [2, 2]


# A model as `chainrule train` writes it


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "houses.csv"
    path.write_text(TABLE, encoding="utf-8")
    made = cr.train(path, "price", members=2, epochs=2, hidden=(6,), seed=0, dropout=0.0)
    return made, path


def test_a_model_of_several_networks_begins_with_one(model):
    trained, path = model
    with pytest.raises(
        ValueError, match=r"`member` must be 1 to 2, the networks of the model, got 3"
    ):
        start_state.of_table_model(trained, open_source(str(path)), member=3)
    starts = [start_state.of_table_model(trained, open_source(str(path)), k) for k in (1, 2)]
    assert starts[1]["state"]["run"]["optimizer"] == "adamw"


def mixed(rng, n=150):
    """A table of numbers, words, many words and an order, with cells that have no value."""
    size = rng.normal(50, 9, n).round(2)
    return pl.DataFrame(
        {
            "size": [None if k % 17 == 3 else float(size[k]) for k in range(n)],
            "kind": [
                None if k % 29 == 5 else "pqr"[v] for k, v in enumerate(rng.integers(0, 3, n))
            ],
            "town": [f"t{v}" for v in rng.integers(0, 40, n)],
            "flag": [["no", "yes"][v] for v in rng.integers(0, 2, n)],
            "rank": [["low", "mid", "high"][v] for v in rng.integers(0, 3, n)],
            "price": [None if k % 31 == 7 else float(size[k] / 3) for k in range(n)],
        }
    )


@pytest.mark.skipif(NODE is None, reason="there is no Node")
@pytest.mark.parametrize("target", ["price", "kind"])
def test_tables_are_encoded_as_the_model_encodes_them(target):
    rng = np.random.default_rng(11)
    order = {"rank": ["low", "mid", "high"]}
    trained = cr.train(mixed(rng), target, epochs=1, members=1, hidden=(3,), order=order)
    kinds = {encoder.kind for encoder in trained.preparation.encoders}
    assert kinds == {"Number", "Category", "Many", "Rank"}
    new = mixed(rng, 80).with_columns(town=pl.Series([f"t{k}" for k in range(80)]))
    columns = columns_of(trained)
    wrong = new.with_columns(size=pl.Series(["12x"] + ["1"] * 79))
    strange = new.with_columns(kind=pl.Series(["z"] * 80))
    texts = [table.write_csv() for table in (new, wrong, strange)]
    body = "return encodedTables(rules, columns, texts);"
    made, bad, odd = in_page(body, rules=table_rules(), columns=columns, texts=texts)
    body = "return waited(rules, columns, [texts[0], texts[0]]);"
    first, second = in_page(body, rules=table_rules(), columns=columns, texts=texts)
    assert (first, second) == (["net", "data"], ["data"])
    X, y = prepared_rows(trained, open_source(new))
    assert made["names"]["inputs"] == [*trained.preparation.feature_names]
    assert made["same"]
    np.testing.assert_allclose(np.reshape(made["X"], X.shape), X, rtol=1e-5, atol=1e-6)
    got = np.array(made["labels"] if target == "kind" else made["y"])
    np.testing.assert_allclose(got, np.ravel(y), rtol=1e-6, atol=1e-7)
    assert made["said"][0][0] == "table.rows_without_y"
    assert (bad["word"], bad["holes"]["row"]) == ("model.stray", 1)
    assert odd.get("word") == ("model.no_class" if target == "kind" else None)


@pytest.mark.skipif(NODE is None, reason="there is no Node")
def test_what_only_python_encodes_is_refused_by_its_name():
    money = [f"${1000 + 37 * k:,}.50" for k in range(60)]
    frame = pl.DataFrame({"price": money, "y": [k / 7 for k in range(60)]})
    trained = cr.train(frame, "y", epochs=1, members=1, hidden=(3,))
    given = {"columns": columns_of(trained), "texts": [frame.write_csv()]}
    body = "return encodedTables(rules, columns, texts);"
    (got,) = in_page(body, rules=table_rules(), **given)
    assert got == {"word": "model.column", "holes": {"name": "price", "kind": "Number"}}


@pytest.fixture(scope="module")
def page(model, browser, tmp_path_factory):
    trained, path = model
    start = start_state.of_table_model(trained, open_source(str(path)), member=2)
    file = tmp_path_factory.mktemp("page") / "playground.html"
    file.write_text(playground(start), encoding="utf-8")
    own = Playground(browser, file)
    yield own, trained, start
    own.close()


def test_a_model_opens_with_its_columns_and_its_cost(page):
    own, trained, start = page
    given = start["given"]
    X = np.reshape(given["X"], (given["n"], -1)).astype(np.float32)
    y = np.reshape(given["y"], (given["n"], -1)).astype(np.float32)
    cost = float(cr.cost(trained.net, trained.members[1], X, y))
    assert own.stands("cost") == f"{cost:.4g}"
    assert "Network 2 of the model’s 2" in own.page.inner_text("#data")
    text = own.page.inner_text("#network")
    assert "piecewise_linear" in text
    assert f"of {trained.net.inputs} inputs" in text
    assert own.page.locator("#network select option[value=piecewise_linear]").count() == 0
    assert "values that the layers before make" not in own.page.inner_text("#working .note")
    own.page.wait_for_selector("#working li:has-text('in bin ')", state="attached")
    assert own.page.locator("#working li").count() > 4


def test_a_model_and_a_table_are_dropped(page, model, tmp_path):
    own, trained, _ = page
    rows = TABLE.splitlines()
    (tmp_path / "new.csv").write_text("\n".join(rows[:31]), encoding="utf-8")
    own.page.set_input_files("#data input[type=file]", tmp_path / "new.csv")
    own.page.get_by_text("30 examples in training").wait_for()
    X, y = prepared_rows(trained, open_source(str(tmp_path / "new.csv")))
    own.shown("cost", re.escape(f"{float(cr.cost(trained.net, trained.members[1], X, y)):.4g}"))
    trained.save(tmp_path / "houses.model")
    own.page.set_input_files("#files input[type=file]", tmp_path / "houses.model")
    own.page.get_by_text("Network 1 of the model’s 2").wait_for()
    own.shown("cost", re.escape(f"{float(cr.cost(trained.net, trained.params, X, y)):.4g}"))
    assert own.page.inner_text("#wrong") == ""


def test_a_model_is_trained_on_and_its_layer_stays(page):
    own, *_ = page
    own.press("step")
    own.wait_for_step(1)
    assert own.page.inner_text("#wrong") == ""
    own.page.click("#hyper button[data-say='hyper.draw']")
    own.trains()
    own.page.locator("#network [data-act=down]").first.click()
    assert "it must stand first" in own.page.inner_text("#network")
    own.page.select_option("#data select", "iris")
    assert "is made for a table" in own.page.inner_text("#data")
    own.page.locator("#network [data-act=remove]").first.click()
    own.trains()
