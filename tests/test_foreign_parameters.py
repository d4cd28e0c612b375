"""What is given in place of parameters, or of a network: every function says in one line what."""

import numpy as np
import pytest

import chainrule as cr

NET = cr.Network(2, [cr.Dense(3, "tanh"), cr.Dense(1)], loss="half_squared_error")
PARAMS = NET.init(0)
X, Y = np.zeros((4, 2)), np.zeros((4, 1))
STATE = {"0.weight": PARAMS[0].W, "0.bias": PARAMS[0].b}

CALLS = {
    "check_gradient": lambda net, params: cr.check_gradient(net, params, X, Y),
    "forward": lambda net, params: cr.forward(net, params, X),
    "predict": lambda net, params: cr.predict(net, params, X),
    "cost": lambda net, params: cr.cost(net, params, X, Y),
    "cost_and_gradient": lambda net, params: cr.cost_and_gradient(net, params, X, Y),
    "fit": lambda net, params: cr.fit(net, params, X, Y, cr.SGD(0.1), epochs=1),
    "explain": lambda net, params: cr.explain(net, params, X[0], Y[0], of="w1"),
    "paths": lambda net, params: cr.paths(net, params, X[0], Y[0], of="w1"),
    "save": lambda net, params: cr.save("never.model", net, params),
}

FOREIGN = {
    "state_dict": (STATE, "a dict of '0.weight', '0.bias'; for arrays, write net.parameters("),
    "pairs": ([tuple(part) for part in PARAMS], "an object of type list; for arrays, write"),
    "array": (PARAMS[0].W, "an object of type ndarray; for arrays, write net.parameters("),
    "none": (None, "got None"),
    "network": (NET, "got Network"),
    "arrays": (tuple(STATE.values()), "got 0, 1"),
}


@pytest.mark.parametrize("given", FOREIGN)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_parameters_of_another_kind_are_named(call, given):
    params, said = FOREIGN[given]
    with pytest.raises(ValueError, match=r"^params must be made by net.init") as caught:
        call(NET, params)
    assert "with the entries 0.W, 0.b, 1.W, 1.b; got" in str(caught.value)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("net", "said"), [(PARAMS, "tuple"), (STATE, "dict"), (None, "None")])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_what_is_no_network_is_named(call, net, said):
    with pytest.raises(TypeError, match=f"^net must be a Network, such as .*, got {said}$"):
        call(net, PARAMS)
