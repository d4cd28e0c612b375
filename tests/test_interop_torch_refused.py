"""What is no network of Chainrule's in PyTorch, and the other way round: refused with its place."""

import pytest

import chainrule as cr

torch = pytest.importorskip("torch", reason="torch is not installed")
nn, F = torch.nn, torch.nn.functional


class Skip(nn.Sequential):
    def forward(self, x):
        return x + super().forward(x)


class Doubles(nn.Linear):
    """A layer that fx does not know, and that computes something of its own."""

    def forward(self, x):
        return 2 * super().forward(x)


class Calls(nn.Module):
    """A module of one layer and a function."""

    def __init__(self, function):
        super().__init__()
        self.layer, self.function = nn.Linear(3, 3), function

    def forward(self, x):
        return self.function(self.layer, x)


def twice_used(y):
    return y + F.relu(y, inplace=True)


def hooked():
    model = nn.Linear(3, 2)
    model.register_forward_hook(lambda module, args, out: 2 * out)
    return model


def nan():
    model = nn.Sequential(nn.Linear(3, 2))
    model[0].bias.data[1] = torch.nan
    return model


def tied(same):
    model = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3))
    model[2].weight = model[0].weight
    return nn.Sequential(model[0], model[1], model[0]) if same else model


PLAIN = nn.Linear(3, 3)
REFUSED = {
    "convolution": (
        lambda: nn.Sequential(nn.Linear(3, 3), nn.Sequential(nn.ReLU(), nn.Conv2d(3, 8, 3))),
        r"model\.1\.1: Conv2d\(3, 8, .*\) is nothing that Chainrule has: its networks are of",
    ),
    "another softplus": (lambda: nn.Sequential(PLAIN, nn.Softplus(2)), r"model\.1: Softplus\(b"),
    "another dim": (lambda: nn.Sequential(PLAIN, nn.Softmax(0)), r"model\.1: Softmax\(dim=0"),
    "early logarithm": (lambda: nn.Sequential(nn.LogSoftmax(1), PLAIN), r"model\.0: LogSoftmax"),
    "dropout of all": (lambda: nn.Sequential(PLAIN, nn.Dropout(1.0)), r"model\.1: Dropout: rate"),
    "no statistics": (
        lambda: nn.BatchNorm1d(3, track_running_stats=False),
        "model: BatchNorm1d must keep running statistics, by a momentum that is a number",
    ),
    "norm over more": (lambda: nn.LayerNorm((2, 3)), "model: .* must go over the features of a"),
    "own forward": (lambda: Doubles(3, 2), "model: mul in its forward"),
    "number added": (lambda: Calls(lambda f, x: f(x) + 1), "add_?.* in its forward: add"),
    "two branches": (
        lambda: Calls(lambda f, x: torch.tanh(x) + f(x)),
        r"model: add in its forward: must be x \+ F\(x\), .* neither comes of the other",
    ),
    "twice": (lambda: Calls(lambda f, x: f(x) + f(x)), "model: add in its forward: must be x"),
    "narrow sum": (lambda: Skip(nn.Linear(3, 1)), r"Residual\(Dense\(1, .* must lead back to 3"),
    "condition": (
        lambda: Calls(lambda f, x: f(x) if x.sum() > 0 else x),
        "model: Calls cannot be traced by torch.fx: .*; it must compute its output from one input",
    ),
    "always drops": (
        lambda: Calls(lambda f, x: F.dropout(f(x), 0.5)).eval(),
        r"drops in evaluation mode too; write training=self\.training",
    ),
    "several outputs": (lambda: Calls(lambda f, x: (f(x), x)), "model: Calls must have one input"),
    "hook": (hooked, "predicts something else than its layers say, .* look for hooks"),
    "in place": (
        lambda: Calls(lambda f, x: twice_used(f(x))),
        "predicts something else than its layers say",
    ),
    "no layers": (lambda: nn.Sequential(nn.ReLU()), "has no layer with parameters"),
    "nan": (nan, r"model\.0: bias must be finite, got nan at \(1,\)"),
    "meta": (lambda: nn.Linear(3, 2, device="meta"), "weight is on the device 'meta'"),
    "tied": (lambda: tied(False), r"model\.0: its weight is that of model\.2 too"),
    "used twice": (lambda: tied(True), r"model\.0: its weight is that of model\.0 too"),
    "widths": (lambda: nn.Sequential(nn.Linear(3, 2), PLAIN), r"1\.W must have shape \(3, 2\)"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_anything_else_is_refused_with_its_place(case):
    make, message = REFUSED[case]
    with pytest.raises(ValueError, match=f"^from_torch: .*{message}"):
        cr.from_torch(make())


def test_two_dtypes_are_refused():
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2).double())
    with pytest.raises(TypeError, match=r"^from_torch: .*1\.W must have the dtype of the others"):
        cr.from_torch(model)


def test_a_loss_that_does_not_fit_the_logarithm_is_refused():
    with pytest.raises(ValueError, match=r"ends in a LogSoftmax, so that loss must be 'cross_ent"):
        cr.from_torch(nn.Sequential(PLAIN, nn.LogSoftmax(1)), loss="squared_error")


OWN = cr.Activation("sine", f=lambda z, xp: xp.sin(z), df=lambda z, a, xp: xp.cos(z))


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (cr.Dense(2, "bipolar_sigmoid"), "no module for the activation 'bipolar_sigmoid'"),
        (cr.Dense(2, "sigmoid(4)"), r"no module for the activation 'sigmoid\(4\)'"),
        (cr.Residual(cr.Dense(3, OWN)), "no module for the activation 'sine'"),
        (cr.Members(2, cr.Dense(2)), r"no module like Members\("),
    ],
)
def test_what_pytorch_has_not_is_refused_with_its_place(layer, message):
    net = cr.Network(3, [cr.Dense(3), layer], "huber")
    with pytest.raises(ValueError, match=rf"^to_torch: layer 1, .*: PyTorch has {message}"):
        cr.to_torch(net, net.init())


@pytest.mark.parametrize("given", ["a.pt", b"a.pt"])
def test_a_path_is_refused_and_nothing_opened(given):
    with pytest.raises(TypeError, match=r"got the path .*any code .* weights_only=True"):
        cr.from_torch(given)


@pytest.mark.parametrize(
    ("given", "message"),
    [({}, "got dict; make the module"), (nn.Linear, "got <class"), (3, "got 3")],
)
def test_what_is_no_module_is_refused(given, message):
    with pytest.raises(TypeError, match=f"^from_torch: model must be a module .*{message}"):
        cr.from_torch(given)
