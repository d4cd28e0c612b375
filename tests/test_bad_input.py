"""What users get wrong: the type of the error, what its message says, and that nothing changes."""

import copy

import array_api_strict
import numpy as np
import pytest

import chainrule as cr
from chainrule.trees import named_leaves, tree_map

XP = array_api_strict
NAN, INF = np.nan, np.inf
T, V = TypeError, ValueError

DENSE = cr.Dense(3, "tanh")
REGRESSION = cr.Network(4, [DENSE, cr.Dropout(0.1), cr.Dense(2)], loss="half_squared_error")
CLASSES = cr.Network(4, [DENSE, cr.Dense(3)], loss="cross_entropy")
ONE = cr.Network(4, [DENSE, cr.Dense(1)], loss="half_squared_error")


def put(array, place, value, dtype=None):
    """A copy with one other value."""
    array = np.array(array, dtype)
    array[place] = value
    return array


class User:
    """What a user has in hand: data for seven examples, networks, and a run already made."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.X, self.y = rng.normal(size=(7, 4)), rng.normal(size=(7, 2))
        self.w, self.labels = np.ones(7), np.arange(7) % 3
        self.held = rng.normal(size=(5, 4)), rng.normal(size=(5, 2))
        self.params, self.start = REGRESSION.init(0), CLASSES.init(0)
        self.trained, self.history = self.fit(epochs=2)
        self.trace = cr.forward(REGRESSION, self.params, self.X)

    def fit(self, net=REGRESSION, optimizer=cr.SGD(0.1), **given):  # noqa: B008 - frozen
        start = {REGRESSION: self.params, CLASSES: self.start}.get(net)
        params = given.pop("params", net.init(0) if start is None else start)
        X, y = given.pop("X", self.X), given.pop("y", self.labels if net == CLASSES else self.y)
        return cr.fit(net, params, X, y, optimizer, **{"epochs": 1, **given})

    def weights(self, name, place, value):
        """The parameters with one other value."""
        layer, field = name.split(".")
        params = list(self.params)
        own = params[int(layer)]
        params[int(layer)] = own._replace(**{field: put(getattr(own, field), place, value)})
        return tuple(params)


def holdings(user):
    arrays = (user.X, user.y, user.w, user.labels, user.held, user.params, user.start, user.trained)
    figures = (list(user.history.loss), user.history.epochs, user.history.stopped)
    states = (user.history.last.params, tuple(user.history.last.states))
    return [(n, a.dtype, a.tobytes()) for n, a in named_leaves((arrays, states))], figures


def refuses(call, error, parts):
    """A user makes the call: it fails, says all the parts, and leaves all as it was."""
    user = User()
    before = copy.deepcopy(holdings(user))
    with pytest.raises(error) as caught:
        call(user)
    assert caught.type is error
    for part in parts if isinstance(parts, tuple) else (parts,):
        assert part in str(caught.value)
    assert holdings(user) == before


def table(rows):
    """Each row is (name, call, type of the error, parts of the message)."""
    return pytest.mark.parametrize(
        ("call", "error", "parts"), [pytest.param(*row[1:], id=row[0]) for row in rows]
    )


EXPECTS = "layer 0, Dense(3, 'tanh'), expects inputs of width 4, got X with shape "

INPUTS = [
    ("five columns", lambda u: u.fit(X=np.ones((7, 5))), V, EXPECTS + "(7, 5)"),
    ("transposed", lambda u: u.fit(X=u.X.T), V, EXPECTS + "(4, 7)"),
    ("1-D", lambda u: u.fit(X=u.X[0]), V, (EXPECTS + "(4,)", "one example is X[None, :]")),
    ("3-D", lambda u: u.fit(X=u.X[None]), V, EXPECTS + "(1, 7, 4)"),
    ("a number", lambda u: u.fit(X=1.0), V, EXPECTS + "()"),
    ("none", lambda u: u.fit(X=None), T, "X must be an array of numbers, got dtype object"),
    ("empty", lambda u: u.fit(X=u.X[:0], y=u.y[:0]), V, "X must hold at least one example"),
    ("strings", lambda u: u.fit(X=u.X.astype(str)), T, ("X must be an array of numbers", "encode")),
    ("objects", lambda u: u.fit(X=u.X.astype(object)), T, "X must be an array of numbers"),
    ("complex", lambda u: u.fit(X=u.X + 0j), T, "X must be an array of numbers, got dtype complex"),
    ("dates", lambda u: u.fit(X=u.X.astype("M8[s]")), T, "X must be an array of numbers"),
    ("ragged", lambda u: u.fit(X=[[1, 2], [3]]), V, "X must"),
    ("NaN", lambda u: u.fit(X=put(u.X, (2, 3), NAN)), V, "X must be finite, got nan at (2, 3)"),
    ("infinity", lambda u: u.fit(X=put(u.X, (6, 0), -INF)), V, "X must be finite, got -inf at (6,"),
    (
        "too large",
        lambda u: u.fit(X=put(u.X, (1, 1), 1e300)),
        V,
        ("X must fit into float32", "1e+300 at (1, 1)"),
    ),
    ("forward", lambda u: cr.forward(REGRESSION, u.params, u.X[:, :3]), V, EXPECTS + "(7, 3)"),
    ("predict", lambda u: cr.predict(REGRESSION, u.params, u.X[0]), V, EXPECTS + "(4,)"),
    ("cost", lambda u: cr.cost(REGRESSION, u.params, u.X[:, :2], u.y), V, EXPECTS + "(7, 2)"),
    (
        "check_gradient",
        lambda u: cr.check_gradient(REGRESSION, u.params, u.X[0], u.y),
        V,
        EXPECTS + "(4,)",
    ),
    (
        "dropout first",
        lambda u: cr.predict(cr.Network(2, [cr.Dropout(0.5), cr.Dense(1)], "huber"), (), u.X),
        V,
        "params must be made by net.init or net.parameters",
    ),
    (
        "strict NaN",
        lambda u: cr.predict(REGRESSION, u.params, XP.asarray(put(u.X, (0, 1), NAN))),
        V,
        "X must be finite, got nan at (0, 1)",
    ),
]


@table(INPUTS)
def test_inputs(call, error, parts):
    refuses(call, error, parts)


ROWS = "y must have one row for each of the 7 rows of X and one column for each of the 2 outputs"
LABELS = "y must hold labels 0 to 2, one for each of the network's 3 outputs, got "

TARGETS = [
    ("too few", lambda u: u.fit(y=u.y[:6]), V, (ROWS, "shape (7, 2)", "got shape (6, 2)")),
    ("too narrow", lambda u: u.fit(y=u.y[:, :1]), V, (ROWS, "got shape (7, 1)")),
    ("1-D", lambda u: u.fit(y=u.y[:, 0]), V, (ROWS, "got shape (7,)")),
    ("1-D, too few", lambda u: u.fit(ONE, y=u.y[:6, 0]), V, ("shape (7, 1)", "got shape (6,)")),
    ("NaN", lambda u: u.fit(y=put(u.y, (3, 1), NAN)), V, "y must be finite, got nan at (3, 1)"),
    (
        "infinity",
        lambda u: u.fit(y=put(u.y, (0, 0), INF)),
        V,
        "y must be finite, got inf at (0, 0)",
    ),
    (
        "too large",
        lambda u: u.fit(y=put(u.y, (1, 1), 1e300)),
        V,
        ("y must fit into float32", "1e+300 at (1, 1)"),
    ),
    ("strings", lambda u: u.fit(CLASSES, y=["a"] * 7), T, ("y must be an array of n", "integers")),
    ("none", lambda u: u.fit(y=None), T, "y must be an array of numbers, got dtype object"),
    ("backward", lambda u: cr.backward(REGRESSION, u.params, u.trace, u.y[:6]), V, ROWS),
    ("cost", lambda u: cr.cost(REGRESSION, u.params, u.X, u.y[:6]), V, ROWS),
    ("check_gradient", lambda u: cr.check_gradient(REGRESSION, u.params, u.X, [1]), V, ROWS[:40]),
    ("label too high", lambda u: u.fit(CLASSES, y=u.labels + 1), V, LABELS + "3 at row 2"),
    ("label negative", lambda u: u.fit(CLASSES, y=u.labels - 1), V, LABELS + "-1 at row 0"),
    (
        "label that would wrap",
        lambda u: u.fit(CLASSES, y=put(u.labels, 4, 2**32, "uint64")),
        V,
        LABELS + "4294967296 at row 4",
    ),
    (
        "label beyond 64 bits",
        lambda u: u.fit(CLASSES, y=[2**70] * 7),
        T,
        ("y must be an array of numbers", "64 bits"),
    ),
    (
        "float labels",
        lambda u: u.fit(CLASSES, y=u.labels * 1.0),
        T,
        ("y must hold integer labels 0 to 2, got dtype float64", "y.astype(int)"),
    ),
    (
        "column of labels",
        lambda u: u.fit(CLASSES, y=u.labels[:, None]),
        V,
        ("shape (7, 3), or integer labels (n,)", "got shape (7, 1)"),
    ),
    ("too few labels", lambda u: u.fit(CLASSES, y=[0, 1]), V, "one label for each of the 7 rows"),
    (
        "rows that do not sum to 1",
        lambda u: u.fit(CLASSES, y=put(np.eye(3)[u.labels], (2, 0), 0.5)),
        V,
        ("y must hold", "sum to 1", "row 2 sums to 1.5"),
    ),
    (
        "probability of 2",
        lambda u: u.fit(cr.Network(4, [cr.Dense(1)], "binary_cross_entropy"), y=u.labels),
        V,
        ("y must hold labels 0 and 1, or probabilities between them, got 2 at row 2",),
    ),
    (
        "labels 0 and 1 for hinge",
        lambda u: u.fit(cr.Network(4, [cr.Dense(1)], "hinge"), y=u.labels % 2),
        V,
        ("y must hold -1 or 1", "2 * y - 1", "got 0 at row 0"),
    ),
    (
        "negative count",
        lambda u: u.fit(cr.Network(4, [cr.Dense(1)], "poisson"), y=-u.labels),
        V,
        "y must hold numbers >= 0, got -1 at row 1",
    ),
    (
        "cross-entropy with one output",
        lambda u: u.fit(cr.Network(4, [cr.Dense(1)], "cross_entropy"), y=u.labels % 2),
        V,
        ("y must hold labels 0 to 0, one for each of the network's 1 outputs", "got 1 at row 1"),
    ),
]


@table(TARGETS)
def test_targets(call, error, parts):
    refuses(call, error, parts)


def weigh(place, value):
    return lambda u: u.fit(sample_weight=put(u.w, place, value))


ONE_EACH = "sample_weight must hold one weight for each of the 7 examples"

WEIGHTS = [
    ("too few", lambda u: u.fit(sample_weight=u.w[:6]), V, (ONE_EACH, "(7,)", "(6,)")),
    ("2-D", lambda u: u.fit(sample_weight=u.w[:, None]), V, ("sample_weight must", "got (7, 1)")),
    ("a number", lambda u: u.fit(sample_weight=2.0), V, ("sample_weight must hold one", "got ()")),
    ("NaN", weigh(4, NAN), V, "sample_weight must be finite, got nan at (4,)"),
    ("infinity", weigh(0, INF), V, "sample_weight must be finite, got inf at (0,)"),
    ("negative", weigh(5, -2), V, ("sample_weight must hold weights >= 0", "-2", "5")),
    ("all 0", lambda u: u.fit(sample_weight=0 * u.w), V, ("sample_weight", "at least one")),
    ("strings", lambda u: u.fit(sample_weight=["a"] * 7), T, "sample_weight must"),
    ("objects", lambda u: u.fit(sample_weight=[None] * 7), T, "sample_weight must"),
    ("names", lambda u: u.fit(sample_weight="balanced"), T, "sample_weight must"),
    ("of cost", lambda u: cr.cost(REGRESSION, u.params, u.X, u.y, [1.0]), V, (ONE_EACH, "(1,)")),
    (
        "of backward",
        lambda u: cr.backward(REGRESSION, u.params, u.trace, u.y, u.w[:1]),
        V,
        (ONE_EACH, "(1,)"),
    ),
]


@table(WEIGHTS)
def test_sample_weights(call, error, parts):
    refuses(call, error, parts)


PARAMS = [
    (
        "NaN",
        lambda u: u.fit(params=u.weights("0.W", (2, 1), NAN)),
        V,
        "layer 0, Dense(3, 'tanh'): 0.W must be finite, got nan at (2, 1)",
    ),
    (
        "infinity",
        lambda u: u.fit(params=u.weights("2.b", 1, INF)),
        V,
        "layer 2, Dense(2, 'identity'): 2.b must be finite, got inf at (1,)",
    ),
    (
        "of another network",
        lambda u: u.fit(params=u.start),
        V,
        ("params must be made by net.init", "entries 0.W, 0.b, 2.W, 2.b", "got 0.W, 0.b, 1.W, 1.b"),
    ),
    (
        "of another width",
        lambda u: u.fit(params=cr.Network(5, REGRESSION.layers, "huber").init()),
        V,
        "layer 0, Dense(3, 'tanh'): 0.W must have shape (3, 4), got (3, 5)",
    ),
    ("a list", lambda u: u.fit(params=list(u.params)), V, "params must be made by net.init"),
    ("none", lambda u: u.fit(params=None), V, ("params must be made by net.init", "got None")),
    ("data first", lambda u: u.fit(params=u.X), V, "params must be made by net.init"),
    (
        "integers",
        lambda u: u.fit(params=tree_map(lambda leaf: leaf.astype("int64"), u.params)),
        T,
        "layer 0, Dense(3, 'tanh'): 0.W must be of a floating dtype, got int64",
    ),
    (
        "two dtypes",
        lambda u: u.fit(params=(*u.params[:2], REGRESSION.init(0, "float64")[2])),
        T,
        "2.W must have the dtype of the others, float32, got float64",
    ),
    (
        "NaN in a cost",
        lambda u: cr.cost(REGRESSION, u.weights("0.b", 2, NAN), u.X, u.y),
        V,
        "0.b must be finite, got nan at (2,)",
    ),
]


@table(PARAMS)
def test_parameters(call, error, parts):
    refuses(call, error, parts)


NAMES = [
    (
        "activation",
        lambda u: cr.Dense(3, "sigmiod"),
        V,
        ("unknown activation 'sigmiod'; did you mean 'sigmoid'?", "Known: elu, ", "tanh"),
    ),
    (
        "loss",
        lambda u: cr.Network(2, [DENSE], "squared_eror"),
        V,
        ("unknown loss 'squared_eror'; did you mean 'squared_error'", "Known: absolute_error, "),
    ),
    (
        "initialiser",
        lambda u: cr.Dense(3, "tanh", "he_norml"),
        V,
        ("unknown initialiser 'he_norml'; did you mean 'he_normal'", "glorot_uniform"),
    ),
    (
        "engine",
        lambda u: u.fit(engine="referense"),
        V,
        ("unknown engine 'referense'; did you mean 'reference'", "Known: auto, native, reference"),
    ),
    ("engine none", lambda u: u.fit(engine=None), V, "unknown engine 'None'"),
    (
        "freeze",
        lambda u: u.fit(freeze=["0.w"]),
        V,
        ("unknown parameter to freeze '0.w'; did you mean", "'0.W'", "Known: 0.W, 0.b, 2.W, 2.b"),
    ),
    (
        "freeze, one of two",
        lambda u: u.fit(freeze=["*.b", "1.*"]),
        V,
        ("unknown parameter to freeze '1.*'", "Known: 0.W, 0.b, 2.W, 2.b"),
    ),
    (
        "activation without parameter",
        lambda u: cr.Dense(3, "tanh(2)"),
        V,
        "activation 'tanh' takes no parameter, got 'tanh(2)'; write 'tanh'",
    ),
    ("activation a function", lambda u: cr.Dense(3, np.tanh), T, "must be a name such as 'relu'"),
    ("activation a list", lambda u: cr.Dense(3, ["tanh"]), T, "must be a name such as 'relu'"),
    ("loss a number", lambda u: cr.Network(2, [DENSE], 5), T, "a loss must be a name such as"),
    (
        "loss a list",
        lambda u: cr.Network(2, [DENSE], ["huber"]),
        T,
        "a loss must be a name such as",
    ),
]


@table(NAMES)
def test_names(call, error, parts):
    refuses(call, error, parts)


NETWORKS = [
    ("no layers", lambda u: cr.Network(2, [], "huber"), V, "at least one layer, got none"),
    ("no inputs", lambda u: cr.Network(0, [DENSE], "huber"), V, "Network: inputs must be a whole"),
    ("inputs a float", lambda u: cr.Network(2.0, [DENSE], "huber"), T, "got 2.0 of type float"),
    ("inputs True", lambda u: cr.Network(True, [DENSE], "huber"), T, "got True of type bool"),
    (
        "a number as layer",
        lambda u: cr.Network(2, [DENSE, 3], "huber"),
        T,
        "Network: layer 1 must be a layer such as Dense(3, 'tanh'), got 3",
    ),
    (
        "a class as layer",
        lambda u: cr.Network(2, [cr.Dense], "huber"),
        T,
        "layer 0 must be a layer",
    ),
    ("a number as layers", lambda u: cr.Network(2, 3, "huber"), T, "layer 0 must be a layer"),
    ("widths as layers", lambda u: cr.Network(2, (64, 32), "huber"), T, "layer 0 must be a layer"),
    ("l1", lambda u: cr.Network(2, [DENSE], "huber", l1=-1), V, "l1 must be a finite number >= 0"),
    (
        "l2",
        lambda u: cr.Network(2, [DENSE], "huber", l2=-0.1),
        V,
        "l2 must be a finite number >= 0",
    ),
    ("l2 NaN", lambda u: cr.Network(2, [DENSE], "huber", l2=NAN), V, "l2 must be a finite number"),
    ("l2 text", lambda u: cr.Network(2, [DENSE], "huber", l2="1"), T, "Network: l2 must be a fin"),
    ("units 0", lambda u: cr.Dense(0), V, "Dense: units must be a whole number >= 1, got 0"),
    ("units -1", lambda u: cr.Dense(-1), V, "Dense: units must be a whole number >= 1, got -1"),
    ("rate 1", lambda u: cr.Dropout(1), V, "rate must be a finite number >= 0 and < 1, got 1"),
    ("rate -0.1", lambda u: cr.Dropout(-0.1), V, "rate must be a finite number >= 0 and < 1"),
    ("rate 50", lambda u: cr.Dropout(50), V, "rate must be a finite number >= 0 and < 1, got 50"),
    ("init seed", lambda u: CLASSES.init(-1), V, "init: seed must be a whole number >= 0"),
    ("init seed text", lambda u: CLASSES.init("a"), T, "init: seed must be a whole number >= 0"),
    ("init dtype", lambda u: CLASSES.init(0, "float16"), V, "dtype must be 'float32' or 'float64'"),
    ("init no dtype", lambda u: CLASSES.init(0, "foo"), V, "dtype must be 'float32' or 'float64'"),
]


@table(NETWORKS)
def test_networks(call, error, parts):
    refuses(call, error, parts)


def hold(*validation):
    return lambda u: u.fit(validation=validation)


SEED = "fit: seed must be a whole number >= 0 and < 18446744073709551616, got "
FRACTION = "fit: validation must be "
STOP = cr.EarlyStopping(2)

OPTIONS = [
    ("epochs 0", lambda u: u.fit(epochs=0), V, "fit: epochs must be a whole number >= 1, got 0"),
    ("epochs -1", lambda u: u.fit(epochs=-1), V, "fit: epochs must be a whole number >= 1, got -1"),
    ("epochs True", lambda u: u.fit(epochs=True), T, ("fit: epochs must", "True of type bool")),
    ("epochs 1.5", lambda u: u.fit(epochs=1.5), T, ("fit: epochs must", "1.5 of type float")),
    ("epochs text", lambda u: u.fit(epochs="9"), T, ("fit: epochs must", "'9' of type str")),
    ("batch 0", lambda u: u.fit(batch_size=0), V, "batch_size must be a whole number >= 1, got 0"),
    ("batch 0.5", lambda u: u.fit(batch_size=0.5), T, "fit: batch_size must be a whole number"),
    ("batch text", lambda u: u.fit(batch_size="auto"), T, "fit: batch_size must be a whole"),
    ("seed -1", lambda u: u.fit(seed=-1), V, SEED + "-1"),
    ("seed 2⁶⁴", lambda u: u.fit(seed=2**64), V, SEED + str(2**64)),
    ("seed None", lambda u: u.fit(seed=None), T, ("fit: seed must be a whole", "NoneType")),
    ("clip_value 0", lambda u: u.fit(clip_value=0), V, "clip_value must be a finite number > 0"),
    ("clip_norm -1", lambda u: u.fit(clip_norm=-1), V, "clip_norm must be a finite number > 0"),
    ("clip_norm True", lambda u: u.fit(clip_norm=True), T, "fit: clip_norm must be a finite"),
    ("threads 0", lambda u: u.fit(threads=0), V, "threads must be a whole number >= 1, got 0"),
    ("threads -1", lambda u: u.fit(threads=-1), V, "fit: threads must be a whole number >= 1"),
    ("patience 0", lambda u: cr.EarlyStopping(0), V, "patience must be a whole number >= 1, got 0"),
    (
        "rate",
        lambda u: cr.SGD(-0.1),
        V,
        "SGD: learning_rate must be a finite number >= 0, got -0.1",
    ),
    (
        "momentum",
        lambda u: cr.SGD(0.1, momentum=1),
        V,
        "SGD: momentum must be a finite number >= 0",
    ),
    (
        "optimizer's name",
        lambda u: u.fit(optimizer="adam"),
        T,
        "fit: optimizer must be one such as cr.Adam(1e-3), got 'adam'",
    ),
    ("optimizer's class", lambda u: u.fit(optimizer=cr.Adam), T, "optimizer must be one such as"),
    ("rate as optimizer", lambda u: u.fit(optimizer=0.1), T, "optimizer must be one such as"),
    (
        "freeze a string",
        lambda u: u.fit(freeze="*.b"),
        T,
        "fit: freeze must be a list of patterns of names, got '*.b'",
    ),
    ("freeze a number", lambda u: u.fit(freeze=[0]), T, "fit: freeze must be a list of patterns"),
    ("freeze none", lambda u: u.fit(freeze=None), T, "fit: freeze must be a list of patterns"),
    ("callback a string", lambda u: u.fit(callbacks=["print"]), T, "callbacks must hold functions"),
    ("callback bare", lambda u: u.fit(callbacks=print), T, "fit: callbacks must"),
    ("callbacks none", lambda u: u.fit(callbacks=None), T, "fit: callbacks must"),
    ("validation 0", lambda u: u.fit(validation=0), V, (FRACTION, "> 0 and < 1", "got 0")),
    ("validation 1", lambda u: u.fit(validation=1), V, (FRACTION, "> 0 and < 1", "got 1")),
    ("validation True", lambda u: u.fit(validation=True), T, (FRACTION, "got True")),
    (
        "validation of one example",
        lambda u: u.fit(X=u.X[:1], y=u.y[:1], validation=0.1),
        V,
        ("fit: validation=0.1 of 1 examples leaves none to train with", "more examples"),
    ),
    (
        "validation of all",
        lambda u: u.fit(validation=0.99),
        V,
        ("fit: validation=0.99 of 7 examples leaves none to train with", "smaller fraction"),
    ),
    ("validation X alone", lambda u: u.fit(validation=u.X), T, (FRACTION, "(X, y)")),
    ("validation of 1", hold(1), V, (FRACTION, "(X, y, sample_weight)", "got 1 entries")),
    (
        "validation X",
        lambda u: u.fit(validation=(u.held[0][:, :3], u.held[1])),
        V,
        "expects inputs of width 4, got validation X with shape (5, 3)",
    ),
    (
        "validation NaN",
        lambda u: u.fit(validation=(put(u.held[0], (1, 2), NAN), u.held[1])),
        V,
        "validation X must be finite, got nan at (1, 2)",
    ),
    (
        "validation y",
        lambda u: u.fit(validation=(u.held[0], u.y)),
        V,
        ("validation y must have one row for each of the 5 rows", "got shape (7, 2)"),
    ),
    (
        "validation y NaN",
        lambda u: u.fit(validation=(u.held[0], put(u.held[1], (4, 1), NAN))),
        V,
        "validation y must be finite, got nan at (4, 1)",
    ),
    (
        "validation weights",
        lambda u: u.fit(validation=(*u.held, [1.0])),
        V,
        ("validation sample_weight must hold one weight for each of the 5", "got (1,)"),
    ),
    (
        "early stopping without validation",
        lambda u: u.fit(early_stopping=STOP),
        V,
        "fit: early_stopping needs validation data; give validation=(X, y) or a fraction",
    ),
    (
        "early stopping a number",
        lambda u: u.fit(validation=0.2, early_stopping=5),
        T,
        ("fit: early_stopping must be an EarlyStopping or None, got 5",),
    ),
    ("early stopping True", lambda u: u.fit(validation=0.2, early_stopping=True), T, "EarlyStopp"),
]


@table(OPTIONS)
def test_options(call, error, parts):
    refuses(call, error, parts)


MADE = "fit: params must be those that the call returned which made the history"

HISTORIES = [
    ("other parameters", lambda u: u.fit(history=u.history), V, (MADE, "leave history out")),
    (
        "of another network",
        lambda u: u.fit(CLASSES, history=u.history),
        V,
        (MADE, "leave history out"),
    ),
    (
        "of a deeper network",
        lambda u: u.fit(
            cr.Network(4, [DENSE, DENSE, DENSE, cr.Dense(2)], "huber"), history=u.history
        ),
        V,
        (MADE, "leave history out"),
    ),
    (
        "of another optimizer",
        lambda u: u.fit(optimizer=cr.Adam(), params=u.trained, history=u.history),
        V,
        ("fit: history", "optimizer"),
    ),
    (
        "with momentum now",
        lambda u: u.fit(optimizer=cr.SGD(0.1, 0.9), params=u.trained, history=u.history),
        V,
        ("fit: history", "optimizer"),
    ),
    (
        "of another dtype",
        lambda u: u.fit(
            params=tree_map(lambda leaf: leaf.astype("float64"), u.trained), history=u.history
        ),
        V,
        (MADE,),
    ),
    (
        "what fit returns, whole",
        lambda u: u.fit(params=u.trained, history=(u.trained, u.history)),
        T,
        "fit: history must be what an earlier fit returned, got (",
    ),
    ("losses", lambda u: u.fit(history=[0.5]), T, "history must be what an earlier fit returned"),
    ("empty", lambda u: u.fit(history=cr.History()), V, "holds no run; fit makes histories"),
]


@table(HISTORIES)
def test_histories(call, error, parts):
    refuses(call, error, parts)


def test_the_first_thing_wrong_is_found_before_anything_is_computed():
    called = []
    with pytest.raises(ValueError, match="epochs"):
        User().fit(epochs=0, callbacks=[called.append])
    assert called == []
