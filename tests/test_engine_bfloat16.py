"""Products in bfloat16: of what they are, and what stays in float32."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.datasets import load_digits

import chainrule as cr
from chainrule import engine
from chainrule.engine import bfloat16, native_run
from chainrule.layers.ensemble import EnsembleDense
from chainrule.optimizers import OPTIMIZERS
from chainrule.trees import leaves, tree_map
from kinds import ALL
from strategies import problem

needs = pytest.mark.skipif(bool(bfloat16.missing()), reason=bfloat16.missing())
HOW = {"engine": "native", "precision": "bfloat16"}


def rounded(x):
    """x to the nearest number of 8 binary digits, of two the even one; 0 below the normal ones."""
    bits = np.asarray(x, np.float32).view(np.uint32)
    upper = (bits + 0x7FFF + (bits >> 16 & 1)) & np.uint32(0xFFFF0000)
    near = upper.view(np.float32)
    return np.where(np.abs(near) < np.finfo(np.float32).tiny, np.float32(0), near)


@pytest.mark.parametrize(
    ("x", "near"),
    [
        (1.0, 1.0),
        (1 + 2**-8, 1.0),  # between 1 and 1 + 2⁻⁷: the even one
        (1 + 3 * 2**-8, 1 + 2**-6),
        (1 + 2**-8 + 2**-20, 1 + 2**-7),
        (-3.14159, -3.140625),
        (1e-40, 0.0),
    ],
)
def test_rounding_by_hand(x, near):
    assert rounded(x) == near


class Rounding(np.ndarray):
    """An array whose products are of rounded numbers."""

    def __matmul__(self, other):
        return np.asarray(rounded(self)) @ np.asarray(rounded(other))


FEW = 8
"""The most outputs of which a layer, of more inputs, has products in float32."""


def of_rounded_operands(monkeypatch):
    """Let the reference loop make its products as the engine does in bfloat16; return of whom."""
    rounding = []

    def seen(given):
        arrays = isinstance(given, tuple | np.ndarray) and not isinstance(given, cr.Draw)
        return tree_map(lambda leaf: leaf.view(Rounding), given) if arrays else given

    def replaced(function):
        def made(self, first, *rest):
            units = getattr(self, "dense", self).units
            inputs = (first.W if hasattr(first, "W") else first.x).shape[1]
            if units <= FEW and units < inputs:
                return function(self, first, *rest)
            rounding.append(self)
            return tree_map(np.asarray, function(self, *map(seen, (first, *rest))))

        return made

    for kind in (cr.Dense, EnsembleDense):
        for name in ("forward", "dx", "gradient"):
            monkeypatch.setattr(kind, name, replaced(getattr(kind, name)))
    return rounding


def dense(*units, activation="tanh"):
    return [*(cr.Dense(n, activation) for n in units[:-1]), cr.Dense(units[-1])]


def summed(inputs, layers, loss="half_squared_error", **more):
    """A network whose delta has no factor: the engine rounds with it, the reference without."""
    return cr.Network(inputs, layers, loss, reduction="sum", **more)


WIDTHS = {
    "small": (3, dense(7, 9)),
    "odd": (33, dense(51, 17, 9)),
    "panels": (70, dense(64, 100, 40)),
    "blocks": (250, dense(200, 21)),
    "pieces": (1600, dense(40, 8)),
}
NETS = {
    **{
        name: (summed(inputs, layers), n)
        for (name, (inputs, layers)), n in zip(WIDTHS.items(), (5, 23, 64, 201, 30), strict=True)
    },
    "batch of one": (summed(9, dense(12, 6)), 1),
    "silu, dropout": (
        summed(
            20, [cr.Dense(40, "silu"), cr.Dropout(0.3), *dense(33, 10)], "cross_entropy", l2=0.01
        ),
        31,
    ),
    "softmax": (summed(9, dense(12, 18, activation="softmax")), 7),
    "wide members": (summed(19, [cr.Members(3, *dense(21, 40, 12))]), 15),
    "with all scales": (summed(19, [cr.Members(2, *dense(21, 40, 12), full=True)]), 15),
    "wide residual": (summed(19, [cr.Residual(*dense(40, 19)), cr.LayerNorm(), cr.Dense(9)]), 33),
    "by blocks": (summed(9, dense(16, 12)), 3001),
    **{name: (summed(3, layers), 9) for name, layers in ALL.items()},
}


def float32(p):
    return p._replace(
        params=tree_map(lambda leaf: leaf.astype(np.float32), p.params), X=np.float32(p.X)
    )


def flat(params):
    return np.concatenate([np.ravel(leaf).astype(np.float64) for leaf in leaves(params)])


def gradient_of(p, **options):
    """The gradient of the first step, to the digits of float32: the step is too long for more."""
    rate = 2.0**20
    params, _ = cr.fit(
        p.net, p.params, p.X, p.y, cr.SGD(rate), epochs=1, batch_size=None, seed=3, **options
    )
    return (flat(p.params) - flat(params)) / rate


@needs
@pytest.mark.parametrize("name", NETS)
def test_the_gradient_is_of_rounded_operands(name, monkeypatch):
    net, n = NETS[name]
    p = float32(problem(net, n=n, seed=1))
    got, exact = gradient_of(p, **HOW), gradient_of(p, engine="native")
    rounding = of_rounded_operands(monkeypatch)
    expected = gradient_of(p, engine="reference")
    # A number halfway between two may be rounded to either, by the last bits of float32.
    near, far = (np.linalg.norm(each - expected) for each in (got, exact))
    assert near <= max(0.2 * far, 1e-5 * np.linalg.norm(expected))
    assert not rounding or far > 1e-4 * np.linalg.norm(expected)


@needs
@pytest.mark.parametrize("rule", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("bounds", [{}, {"clip_norm": 0.1, "clip_value": 0.05}])
def test_a_training_is_that_of_rounded_operands(rule, bounds, monkeypatch):
    p = float32(problem(NETS["silu, dropout"][0], n=61, seed=2))
    options = {"epochs": 2, "batch_size": 13, "seed": 3, **bounds}

    def trained(**how):
        return cr.fit(p.net, p.params, p.X, p.y, rule(1e-3), **options, **how)

    params, history = trained(**HOW)
    of_rounded_operands(monkeypatch)
    expected, reference = trained(engine="reference")
    np.testing.assert_allclose(history.loss, reference.loss, rtol=1e-3)
    moved = np.linalg.norm(flat(expected) - flat(p.params))
    assert np.linalg.norm(flat(params) - flat(expected)) <= 0.05 * moved


def large(n=1000):
    """A run that keeps several threads busy."""
    net = cr.Network(200, dense(300, 300, 10, activation="relu"), "cross_entropy")
    rng = np.random.default_rng(0)
    return net, net.init(0), np.float32(rng.normal(size=(n, 200))), rng.integers(10, size=n)


def assert_same(a, b):
    assert all(x.tobytes() == y.tobytes() for x, y in zip(leaves(a), leaves(b), strict=True))


@needs
@pytest.mark.parametrize("batch", [127, 1000])
def test_threads_change_no_bit(batch, monkeypatch):
    net, params, X, y = large()
    made = []
    for threads in (1, 2, 3):
        monkeypatch.setattr(native_run, "useful_threads", lambda *_, k=threads: k)
        monkeypatch.setattr(engine, "cores", lambda k=threads: k)
        made.append(
            cr.fit(net, params, X, y, cr.Adam(), epochs=2, batch_size=batch, validation=0.1, **HOW)
        )
    for params, history in made[1:]:
        assert_same(params, made[0][0])
        assert history.loss == made[0][1].loss


@needs
def test_sparse_rows_come_to_the_bits_of_dense_ones():
    net, start, X, y = large(100)
    X[X < 1] = 0
    (dense_rows, _), (entries, _) = (
        cr.fit(net, start, rows, y, cr.Adam(), epochs=1, **HOW) for rows in (X, csr_array(X))
    )
    assert_same(dense_rows, entries)


@needs
def test_a_epochs_and_b_more_are_a_plus_b():
    net, start, X, y = large(300)
    once, whole = cr.fit(net, start, X, y, cr.Adam(), epochs=5, **HOW)
    params, history = cr.fit(net, start, X, y, cr.Adam(), epochs=2, **HOW)
    params, history = cr.fit(net, params, X, y, cr.Adam(), epochs=3, history=history, **HOW)
    assert_same(params, once)
    assert history.loss == whole.loss


@needs
def test_a_recorded_step_is_made_again_to_the_bit():
    from chainrule.explanation.replay import before_recorded_step

    net, start, X, y = large(100)
    _, history = cr.fit(net, start, X, y, cr.Adam(), epochs=1, record=True, **HOW)
    (run,) = history.runs
    assert_same(
        before_recorded_step(history, run, history.at.step).params,
        cr.fit(
            net,
            start,
            X[run_order(run, 3)],
            y[run_order(run, 3)],
            cr.Adam(),
            epochs=1,
            shuffle=False,
            **HOW,
        )[0],
    )


def run_order(run, steps):
    """The examples of the first steps of an epoch, in their order."""
    from chainrule.streams import shuffled

    return shuffled(len(run.X), run.plan.seed, 1)[: steps * run.batch_size]


@needs
def test_validation_and_predictions_are_of_the_weights_as_they_are():
    net, start, X, y = large(300)
    params, history = cr.fit(
        net, start, X, y, cr.Adam(), epochs=1, validation=(X[:99], y[:99]), **HOW
    )
    cost = cr.cost(net, tree_map(np.float64, params), np.float64(X[:99]), y[:99])
    np.testing.assert_allclose(history.validation_loss, cost, rtol=2e-6)  # bfloat16 has 4e-3
    expected = cr.predict(net, params, X, engine="reference")
    np.testing.assert_allclose(cr.predict(net, params, X), expected, rtol=1e-4, atol=1e-6)


@needs
def test_a_run_that_diverges_leaves_nothing_behind():
    net, start, X, y = large(33)
    options = {"epochs": 50, "batch_size": 11, "seed": 1, **HOW}
    with pytest.raises(cr.DivergenceError) as caught:
        cr.fit(net, start, X, y, cr.SGD(1e4), **options)
    history = caught.value.history
    assert all(np.isfinite(leaf).all() for leaf in leaves(caught.value.params))
    assert history.at.step > 0


@needs
def test_what_is_saved_is_in_float32(tmp_path):
    net, start, X, y = large(50)
    params, history = cr.fit(net, start, X, y, cr.Adam(), epochs=1, **HOW)
    cr.save(tmp_path / "a.model", net, params, history)
    net, loaded, history = cr.load(tmp_path / "a.model")
    assert {leaf.dtype for leaf in leaves(loaded)} == {np.dtype(np.float32)}
    assert_same(loaded, params)


@needs
def test_a_checkpoint_is_of_its_precision(tmp_path):
    net, start, X, y = large(50)
    checkpoint = cr.Checkpoint(tmp_path / "run", every=0)
    given = net, start, X, y, cr.Adam()
    checkpoint.fit(*given, epochs=2, **HOW)
    params, _ = checkpoint.fit(*given, epochs=4, **HOW)
    assert_same(params, cr.fit(*given, epochs=4, **HOW)[0])
    with pytest.raises(cr.CheckpointError, match="precision is bfloat16 there, missing here"):
        checkpoint.fit(*given, epochs=5)


def digits():
    X, y = load_digits(return_X_y=True)
    return np.float32(X / 16), y


@needs
def test_estimators_and_tables_train_in_it():
    X, y = digits()
    plain, fast = (
        cr.MLPClassifier((64,), max_iter=30, tol=1, random_state=0, precision=precision).fit(X, y)
        for precision in (None, "bfloat16")
    )
    assert abs(plain.score(X, y) - fast.score(X, y)) < 0.005
    assert not np.array_equal(plain.coefs_[0], fast.coefs_[0])
    options = {"epochs": 2, "refit": False, "members": 1, "learning_rate": 0.003}
    plain, fast = (
        cr.train("sklearn:wine", "target", precision=precision, **options)
        for precision in (None, "bfloat16")
    )
    assert not np.array_equal(*(leaves(model.params)[-1] for model in (plain, fast)))
    assert fast.about["options"]["precision"] == "bfloat16"
