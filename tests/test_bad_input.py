"""What users get wrong: the type of the error, what its message says, and that nothing changes."""

import numpy as np

import chainrule as cr
from chainrule.trees import tree_map
from refusals import CLASSES, INF, NAN, ONE, REGRESSION, XP, T, V, put, refuses, table

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
    ("masked", lambda u: u.fit(X=np.ma.masked_less(u.X, 0)), V, "X must have no masked values"),
    (
        "masked, to predict from",
        lambda u: cr.predict(REGRESSION, u.params, np.ma.masked_equal(u.X, u.X[2, 1])),
        V,
        "X must have no masked values, got one at (2, 1)",
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
    ("masked", lambda u: u.fit(y=np.ma.masked_equal(u.y, u.y[3, 1])), V, "got one at (3, 1)"),
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
    ("backward", lambda u: cr.backward(u.trace, u.y[:6]), V, ROWS),
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
        (
            "y must hold labels 0 to 0, one for each of the network's 1 outputs, got 1 at row 1",
            "of one output the softmax is always 1: give two, or take 'binary_cross_entropy'",
        ),
    ),
    (
        "cross-entropy with one output, a column",
        lambda u: u.fit(cr.Network(4, [cr.Dense(1)], "cross_entropy"), y=u.labels[:, None] % 2),
        V,
        ("row 0 sums to 0", "take 'binary_cross_entropy'"),
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
        lambda u: cr.backward(u.trace, u.y, u.w[:1]),
        V,
        (ONE_EACH, "(1,)"),
    ),
]


@table(WEIGHTS)
def test_sample_weights(call, error, parts):
    refuses(call, error, parts)


FIRST = "net must be a Network, such as cr.Network(2, ...), got "

PARAMS = [
    (
        "no trace",
        lambda u: cr.backward(u.params, u.y),
        T,
        "backward: trace must be what forward returned, got tuple",
    ),
    ("before", lambda u: cr.fit(u.params, REGRESSION, u.X, u.y, cr.SGD(), epochs=1), T, FIRST),
    ("to predict with", lambda u: cr.predict(u.params, REGRESSION, u.X), T, FIRST),
    ("a name", lambda u: cr.cost("2-2-2", u.params, u.X, u.y), T, FIRST),
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
