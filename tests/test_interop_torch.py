"""Modules of PyTorch as networks and back: the same outputs, and the gradient of its autograd."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest

import chainrule as cr
from chainrule.activations import ACTIVATIONS
from chainrule.interop import torch_activations
from chainrule.layers import Role
from chainrule.trees import leaves, named_leaves

torch = pytest.importorskip("torch", reason="torch is not installed")
nn, F = torch.nn, torch.nn.functional

DTYPES = {"float32": torch.float32, "float64": torch.float64}
NEAR = {"float32": {"rtol": 2e-4, "atol": 2e-5}, "float64": {"rtol": 1e-9, "atol": 1e-9}}
X = np.random.default_rng(0).normal(size=(6, 3))


class Skip(nn.Sequential):
    def forward(self, x):
        return x + super().forward(x)


class Written(nn.Module):
    """A forward that is written out, as people write it."""

    def __init__(self):
        super().__init__()
        self.enter, self.block, self.out = nn.Linear(3, 4), nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x):
        h = F.relu(self.enter(torch.flatten(x, 1)))
        inner = F.gelu(self.block(h), approximate="tanh")
        inner += h
        h = F.dropout(inner, 0.0, self.training)
        h = torch.add(h, torch.tanh(h).sigmoid())
        return self.out(F.leaky_relu(h, 0.3))


ACTIVATION_MODULES = {
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "relu in place": lambda: nn.ReLU(inplace=True),
    "leaky_relu(0.01)": nn.LeakyReLU,
    "leaky_relu(0.3)": lambda: nn.LeakyReLU(0.3),
    "elu(1)": nn.ELU,
    "elu(0.5)": lambda: nn.ELU(0.5),
    "selu": nn.SELU,
    "gelu": nn.GELU,
    "gelu_tanh": lambda: nn.GELU("tanh"),
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
    "softsign": nn.Softsign,
    "mish": nn.Mish,
    "hard_tanh": nn.Hardtanh,
    "softmax": lambda: nn.Softmax(dim=1),
}
LAYERS = {
    "linear": list,
    "without bias": lambda: [nn.Linear(4, 4, bias=False)],
    "layer norm": lambda: [nn.LayerNorm(4, eps=1e-3)],
    "layer norm, plain": lambda: [nn.LayerNorm(4, elementwise_affine=False)],
    "layer norm, no shift": lambda: [nn.LayerNorm(4, bias=False)],
    "rms norm": lambda: [nn.RMSNorm(4), nn.RMSNorm(4, 1e-4, elementwise_affine=False)],
    "batch norm": lambda: [nn.BatchNorm1d(4, eps=1e-3, momentum=0.2)],
    "batch norm, plain": lambda: [nn.BatchNorm1d(4, affine=False)],
    "residual": lambda: [Skip(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 4)), nn.Tanh()],
    "residuals": lambda: [Skip(Skip(nn.Linear(4, 4)), nn.BatchNorm1d(4)), Skip(nn.Tanh())],
    "dropout": lambda: [nn.Dropout(0.0)],
    "nothing": lambda: [nn.Identity(), nn.Flatten(), nn.Sequential()],
}


def model_of(layers, dtype):
    """A model between linear layers, whose numbers are all random."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), *layers, nn.Linear(4, 2)).to(DTYPES[dtype])
    for number in (*model.parameters(), *model.buffers()):
        if number.is_floating_point():
            number.data.add_(torch.rand_like(number) * 0.5)
    return model


def trained(net, params):
    return [p for name, p in named_leaves(params) if net.roles[name] is not Role.STATISTIC]


def gradients(model, net, params, y, loss, training, dtype):
    """The gradient of a loss by their autograd, and by backpropagation here."""
    model = copy.deepcopy(model).train(training)  # batch norm moves what it has seen
    X_of = torch.tensor(X.astype(dtype))
    value = loss(model(X_of), torch.tensor(y))
    theirs = torch.autograd.grad(value, list(model.parameters()))
    draw = cr.Draw(seed=0, step=1) if training else None
    ours = trained(net, cr.cost_and_gradient(net, params, X_of.numpy(), y, draw=draw)[1])
    return [g.numpy() for g in theirs], ours


def fitting(ours, theirs):
    """Ours without those of parameters that the module does without."""
    left = iter(ours)
    return [next(g for g in left if g.shape == h.shape) for h in theirs]


def check(model, dtype, training=False):
    """Outputs, gradient, dtype; and the way back makes the same."""
    net, params = cr.from_torch(model)
    assert {leaf.dtype for leaf in leaves(params)} == {np.dtype(dtype)}
    y = np.random.default_rng(1).normal(size=(len(X), net.outputs)).astype(dtype)
    theirs, ours = gradients(model, net, params, y, nn.MSELoss(), training, dtype)
    for one, other in zip(fitting(ours, theirs), theirs, strict=True):
        np.testing.assert_allclose(one, other, **NEAR[dtype])
    out = cr.forward(net, params, X.astype(dtype)).output
    for each in (model, cr.to_torch(net, params)):
        made = each.eval()(torch.tensor(X.astype(dtype))).detach().numpy()
        np.testing.assert_allclose(out, made, **NEAR[dtype])
    again, same = cr.from_torch(cr.to_torch(net, params))
    assert again == net
    assert all(map(np.array_equal, leaves(params), leaves(same)))
    return net


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ACTIVATION_MODULES)
def test_activations(name, dtype):
    net = check(model_of([ACTIVATION_MODULES[name]()], dtype), dtype)
    assert str(net.layers[0].activation) == name.removesuffix(" in place")


def test_every_activation_that_pytorch_has_is_among_them():
    named = {name.partition("(")[0].partition(" ")[0] for name in ACTIVATION_MODULES}
    assert named | {"identity"} == set(torch_activations.ROWS)
    assert set(ACTIVATIONS) - set(torch_activations.ROWS) == {"bipolar_sigmoid"}


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", LAYERS)
def test_layers(name, dtype, training):
    check(model_of(LAYERS[name](), dtype), dtype, training)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_forward_that_is_written_out(dtype):
    net = check(Written().to(DTYPES[dtype]), dtype, training=True)
    assert net.layers == (
        cr.Dense(4, "relu"),
        cr.Residual(cr.Dense(4, "gelu_tanh")),
        cr.Dropout(0.0),
        cr.Residual(cr.Activate("tanh"), cr.Activate("sigmoid")),
        cr.Activate("leaky_relu(0.3)"),
        cr.Dense(2),
    )


def test_running_statistics_move_as_theirs():
    model = model_of(LAYERS["batch norm"](), "float64")
    net, params = cr.from_torch(model)
    moved, _ = cr.fit(net, params, X, np.zeros((6, 2)), cr.SGD(1e-9), epochs=1, batch_size=None)
    model.train()(torch.tensor(X))
    for name in ("running_mean", "running_var"):
        mine = getattr(moved[1], name.replace("var", "variance"))
        np.testing.assert_allclose(mine, getattr(model[1], name).numpy(), rtol=1e-6)


ENDS = {
    "softmax": (nn.Softmax(dim=1), "cross_entropy", lambda a, y: F.nll_loss(a.log(), y)),
    "log-softmax": (nn.LogSoftmax(dim=-1), "cross_entropy", F.nll_loss),
    "logits": (nn.Identity(), None, F.cross_entropy),
    "sigmoid": (nn.Sigmoid(), "binary_cross_entropy", F.binary_cross_entropy),
}


@pytest.mark.parametrize("end", ENDS)
def test_an_end_that_the_loss_applies_itself(end):
    last, suggested, loss = ENDS[end]
    model = model_of([nn.Tanh()], "float64").append(last)
    net, params = cr.from_torch(model, loss=None if suggested else "cross_entropy")
    assert net.loss == suggested or suggested is None
    assert net.layers[-1] == cr.Dense(2)
    if end == "sigmoid":  # theirs is the mean over the outputs, ours is their sum
        y, scale = np.array([[0.0, 1.0]] * 6), 2
    else:
        y, scale = np.array([0, 1, 1, 0, 1, 0]), 1
    theirs, ours = gradients(model, net, params, y, loss, False, "float64")
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, scale * other, rtol=1e-9, atol=1e-12)
    made = model(torch.tensor(X)).detach().numpy()
    made = np.exp(made) if end == "log-softmax" else made
    if end != "logits":
        np.testing.assert_allclose(cr.predict(net, params, X), made, rtol=1e-12)


def test_another_loss_leaves_the_end():
    net, _ = cr.from_torch(nn.Sequential(nn.Linear(3, 2), nn.Sigmoid()), loss="squared_error")
    assert net.layers == (cr.Dense(2, "sigmoid"),)


def test_modes_gradients_and_random_numbers_are_left_as_they_were():
    model = model_of([nn.BatchNorm1d(4), nn.Dropout(0.5)], "float32")
    model[2].eval()
    before, state = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    net, params = cr.from_torch(model)
    cr.to_torch(net, params)
    assert [m.training for m in model] == [True, True, False, True]
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())


def test_parameters_are_copies_in_both_directions():
    model = nn.Linear(3, 2)
    net, params = cr.from_torch(model)
    out = cr.to_torch(net, params)
    kept = params[0].W.copy()
    with torch.no_grad():
        model.weight.zero_()
        out[0].weight.fill_(2.0)
    np.testing.assert_array_equal(params[0].W, kept)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_becomes_float32_with_the_same_numbers(dtype):
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).to(dtype)
    _, params = cr.from_torch(model)
    np.testing.assert_array_equal(params[0].W, model[0].weight.detach().float().numpy())
    assert params[0].W.dtype == np.float32


def test_frozen_parameters_come_over():
    model = nn.Linear(3, 2).requires_grad_(False)
    np.testing.assert_array_equal(cr.from_torch(model)[1][0].W, model.weight.numpy())


def test_a_module_outlives_copies_of_itself():
    net = cr.Network(3, [cr.Residual(cr.Dense(3, "tanh"))], "huber")
    model = cr.to_torch(net, net.init())
    assert torch.equal(copy.deepcopy(model)(torch.ones(1, 3)), model(torch.ones(1, 3)))
    assert pickle.loads(pickle.dumps(model.state_dict())).keys() == model.state_dict().keys()


def test_without_pytorch_the_error_says_what_to_install():
    code = (
        "import sys; sys.modules['torch'] = None; import chainrule as cr\n"
        "try: cr.from_torch(object())\nexcept ImportError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == (
        "from_torch needs torch, which is not installed: pip install 'chainrule[torch]'"
    )
