"""Network files: what is refused, with file, line and key."""

import re

import pytest

from chainrule.explanation.network_file import read_network_file
from network_files import BASE, SHORT, changed, read

ERRORS = [
    # not TOML
    ("layers = [2, 2", 1, "unclosed array"),
    ("layers = [2, 2]\nrate 0.5", 2, "expected '=' after a key"),
    ("a = 1\na = 2", 2, "cannot overwrite a value: the key 'a' stands twice"),
    ("layers = [2, 2]\nw = [.5]", 2, "a number needs a digit before its point, such as 0.5"),
    ("w = [5., 1]", 1, "; a number needs a digit behind its point, such as 1.0"),
    ("w = [1, \u22120.5]", 1, "; a minus is written -"),
    ("w = [1, \u20130.5]", 1, "; a minus is written -"),
    ("loss = \u201chuber\u201d", 1, '; quotes are written "'),
    ("layers = [2, 2]\nrate = 1/2", 2, "; a fraction is written as a number, such as 0.5"),
    ("nesterov = True", 1, "; true and false are in lower case"),
    ("rate = None", 1, "; a key without a value is left out"),
    ("rate: 0.5", 1, "; between a key and its value stands ="),
    ("layers = [2, 2]\nrate\u00a0= 0.5", 2, "; a blank here is another space than that of the"),
    ("activation = sigmoid # the word", 1, "; a word stands in quotes"),
    (f"layers = {'[' * 5000}", None, "nested too deeply"),
    (b"layers = [2, 2] # \xff", None, "must be text in UTF-8"),
    ("", None, "the key 'layers' is missing"),
    # keys
    (BASE + "eta = 0.5", 14, "unknown key 'eta'; did you mean 'rate'?"),
    (BASE + "learning_rate = 0.5", 14, "unknown key 'learning_rate'; did you mean 'rate'?"),
    (BASE + "cost = 'huber'", 14, "unknown key 'cost'; did you mean 'loss'?"),
    (BASE + "layer = 3", 14, "unknown key 'layer'; did you mean 'layers'"),
    (BASE + "[optimiser]\nname = 1", 14, "unknown key 'optimiser'; did you mean 'optimizer'"),
    (BASE + '"\\u001b[31m" = 1', None, "unknown key '\\x1b[31m'"),
    (changed("inputs", None), None, "the key 'inputs' is missing"),
    (BASE + "w = [1]", 14, "weights and w exclude each other"),
    (BASE + "seed = 1", 14, "weights and seed exclude each other"),
    (BASE + "b = [1]", 14, "biases and b exclude each other"),
    (BASE + 'optimizer = "rprop"\neta_minus = 5', 15, "eta_minus must be a finite number > 0 and"),
    ("layers = [1, 1]\ninputs = [1]\ntargets = 1", None, "the weights are missing: give 'weights'"),
    # the network
    (changed("layers", "[2]"), 2, "layers must be sizes, from the inputs to the outputs"),
    (changed("layers", "3"), 2, "layers must be sizes"),
    (changed("layers", "[2, 0, 1]"), 2, "layers[1] must be a whole number >= 1"),
    (changed("layers", "[2, 2.5, 1]"), 2, "layers[1] must be a whole number >= 1"),
    (changed("layers", "[5000, 5000]"), 2, "at most 10,000,000 weights and biases, got 25,005,000"),
    (changed("layers", f"[2, {10**30}]"), 2, "layers[1] must be a whole number >= 1 and < 10000"),
    (changed("activation", '"sigmiod"'), 3, "unknown activation 'sigmiod'; did you mean 'sigmoid'"),
    (changed("activation", "3"), 3, "activation"),
    (changed("activation", '["tanh"]'), 3, "one for each of the 2 layers behind the inputs, got 1"),
    *[
        (
            changed("loss", f'"{of}"').replace('"identity"]', f'"{kind}"]'),
            3,
            f'the last layer must be "identity" or "{link}", which {of} applies itself, got '
            f"'{kind}'",
        )
        for of, link, kind in (
            ("binary_cross_entropy", "sigmoid", "relu"),
            ("binary_cross_entropy", "sigmoid", "softmax"),
            ("cross_entropy", "softmax", "sigmoid"),
            ("poisson", "exp", "softplus"),
        )
    ],
    (changed("loss", '"mse"'), 4, "unknown loss 'mse'"),
    (changed("loss", '"quantile(0.1, 0.9)"'), 4, "expects a multiple of 2 outputs, got 1"),
    (changed("reduction", '"summ"'), 14, "unknown reduction 'summ'; did you mean 'sum'?"),
    (changed("reduction", "2"), 14, "reduction must be one of mean, sum, got 2"),
    (changed("loss", '["hinge"]'), 4, "a loss must be a name"),
    (changed("dropout", "1.0"), 14, "dropout must be a finite number >= 0 and < 1, got 1.0"),
    (changed("dropout", '""'), 14, "dropout must be a finite number"),
    (changed("dropout", "[0.1, 0.2]"), 14, "one for each of the 1 hidden layers, got 2"),
    (changed("l1", "-1"), 14, "l1 must be a finite number >= 0, got -1"),
    (changed("l2", "inf"), 14, "l2 must be a finite number >= 0, got inf"),
    # the weights
    (
        BASE.replace(", 0.6]]", "]]"),
        6,
        "weights[0] must have shape (3, 2), for the layer of 3 units",
    ),
    (BASE.replace(", 0.6]]", "]]"), 6, "got lists of different lengths"),
    (BASE.replace("[[0.7, 0.8, -0.9]]", "[[0.7, 0.8]]"), 6, "weights[1] must have shape (1, 3)"),
    (BASE.replace("[[0.7, 0.8, -0.9]]", "[[0.7, 0.8]]"), 6, "got shape (1, 2)"),
    (
        BASE.replace("[[0.7, 0.8, -0.9]]", "[[0.7], [0.8], [-0.9]]"),
        6,
        'for each before it (weights_are = "inputs_by_units" has them the other way); got shape '
        "(3, 1)",
    ),
    (
        BASE + 'weights_are = "inputs_by_units"',
        6,
        "weights[0] must have shape (2, 3), for the layer of 3 units: a row for each input, with a "
        'number for each unit (weights_are = "units_by_inputs" has them the other way)',
    ),
    (BASE + 'weights_are = "rows"', 14, 'weights_are must be "units_by_inputs" or "inputs_by_uni'),
    (
        SHORT.format(targets=5, more='weights_are = "inputs_by_units"'),
        6,
        "weights_are is of matrices, and the file has w, not weights",
    ),
    (BASE.replace("    [[0.7, 0.8, -0.9]],\n", ""), 6, "each of the 2 layers behind the inputs"),
    (BASE.replace("-0.9", "nan"), 6, "weights[1][0][2] must be a finite number, got nan"),
    (BASE.replace("-0.9", '"0.9"'), 6, "weights[1][0][2] must be a finite number, got '0.9'"),
    (BASE.replace("-0.9", "true"), 6, "weights[1][0][2] must be a finite number, got True"),
    (BASE.replace("-0.9", "9" * 400), 6, "weights[1][0][2] must be a finite number"),
    (changed("biases", "[[0.1, 0.2], [0.4]]"), 10, "biases[0] must have shape (3,)"),
    (changed("biases", "0.5"), 10, "biases must hold one list for each of the 2 layers"),
    (SHORT.format(targets=5, more="").replace("[1, 2]", "[1]"), 3, "of the numbers w1 to w2"),
    (SHORT.format(targets=5, more="b = [1, 2]"), 6, "b must have shape (1,), of the numbers b1"),
    ("layers = [1, 1]\ninputs = [1]\ntargets = 1\nseed = -1", 4, "seed must be a whole number"),
    # the data
    (changed("inputs", "[]"), 11, "inputs must have shape (1, 2), a row for each example"),
    (changed("inputs", "[[]]"), 11, "inputs must have shape (1, 2)"),
    (changed("inputs", "[1, 2, 3]"), 11, "got shape (1, 3)"),
    (changed("inputs", "[[1, 2], [3]]"), 11, "got lists of different lengths"),
    (
        changed("inputs", "[[1, 2], [3, -inf]]"),
        11,
        "inputs[1][1] must be a finite number, got -inf",
    ),
    (changed("inputs", '"x"'), 11, "inputs must have shape (1, 2)"),
    (changed("targets", "[[1], [2], [3]]"), 12, "targets must have shape (2, 1)"),
    (changed("targets", "[[1], [nan]]"), 12, "targets[1][0] must be a finite number, got nan"),
    (changed("loss", '"hinge"'), 12, "targets must hold -1 or 1"),
    (changed("sample_weight", "[1]"), 14, "sample_weight must have shape (2,), a weight for each"),
    (changed("sample_weight", "[1, -1]"), 14, "sample_weight must hold weights >= 0, got -1"),
    (changed("sample_weight", "[0, 0]"), 14, "at least one weight above zero"),
    # the update
    (changed("rate", "-0.5"), 13, "rate must be a finite number >= 0, got -0.5"),
    (changed("rate", "{ steps = 3 }"), 13, "rate: unknown kind of schedule 'None'"),
    (changed("rate", '{ kind = "cosin" }'), 13, "did you mean 'cosine'?"),
    (changed("rate", '{ kind = "cosine", rate = 1 }'), 13, "rate: the key 'steps' is missing"),
    (changed("rate", '{ kind = "step", rat = 1 }'), 13, "rate: unknown key 'rat'; did you mean"),
    (changed("rate", '{ kind = "constant", rate = -1 }'), 13, "rate must be a finite number >= 0"),
    (changed("rate", '"fast"'), 13, "rate must be a finite number >= 0, got 'fast'"),
    (BASE + 'optimizer = "adm"', 14, "unknown optimizer 'adm'; did you mean 'adam'"),
    (BASE + "optimizer = [1]", 14, "unknown optimizer '[1]'"),
    (BASE + "beta1 = 0.9", 14, "sgd takes no beta1; it takes rate, momentum, nesterov"),
    (BASE + 'optimizer = "adam"\nbeta2 = 1', 15, "beta2 must be a finite number >= 0 and < 1"),
    (BASE + "nesterov = 1", 14, "nesterov must be True or False"),
    (BASE + 'freeze = "*.b"', 14, "freeze must be a list of words in quotes, got '*.b'"),
    (BASE + 'freeze = ["2.b"]', 14, "unknown parameter to freeze '2.b'"),
    # the names
    (BASE + 'names = ["age"]', 14, "names must be { inputs"),
    (BASE + "[names]\ninput = []", 14, "names must be { inputs"),
    (BASE + '[names]\n\ninputs = ["age"]', 16, "names.inputs must hold a name for each of the 2"),
    (BASE + 'names.outputs = "yes"', 14, "names.outputs must be a list of words in quotes"),
]


CASES = [
    pytest.param(*error, id=f"{number} {error[2][:30]}") for number, error in enumerate(ERRORS)
]


@pytest.mark.parametrize(("text", "line", "message"), CASES)
def test_an_error_names_file_line_and_key(tmp_path, text, line, message):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        read(tmp_path, text)
    where = f"network.toml:{line}: " if line else "network.toml: "
    assert str(caught.value).startswith(where)
    assert "\n" not in str(caught.value)
    assert caught.type is ValueError


def test_a_file_that_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_network_file(tmp_path / "network.toml")
