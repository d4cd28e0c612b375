"""What users get wrong in names, networks, options of fit and histories; see test_bad_input.py."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.trees import tree_map
from refusals import CLASSES, DENSE, NAN, T, User, V, put, refuses, table

NAMES = [
    (
        "activation",
        lambda u: cr.Dense(3, "sigmiod"),
        V,
        (
            "unknown activation 'sigmiod'; did you mean 'sigmoid'",
            "Known: bipolar_sigmoid, elu, ",
            "tanh",
        ),
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
        ("unknown engine of fit 'referense'; did you mean 'reference'", "Known: auto, native, ref"),
    ),
    (
        "engine none",
        lambda u: u.fit(engine=None),
        T,
        "fit: engine must be one of auto, native, reference, got None",
    ),
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
    (
        "outputs",
        lambda u: cr.Network(2, [cr.Dense(4), cr.Dropout(0.5)], "quantile(0.1, 0.5, 0.9)"),
        V,
        "loss 'quantile(0.1, 0.5, 0.9)' expects a multiple of 3 outputs, got 4 from layer 1, Dro",
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
    ("shuffle a word", lambda u: u.fit(shuffle="no"), T, "fit: shuffle must be True or False, got"),
    ("shuffle none", lambda u: u.fit(shuffle=None), T, "fit: shuffle must be True or False, got N"),
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
