"""What else the rows of the tables are called, in textbooks and in other libraries.

A name that no table holds is looked up here for the row that it means. One table serves all kinds:
what counts is which of the names the asked table holds.
"""

from __future__ import annotations

from collections.abc import Collection

_MEANT: dict[str, str] = {
    # activations
    "identity": "linear lin purelin none id passthrough",
    "sigmoid": "logistic expit sigm logsig",
    "bipolar_sigmoid": "bipolar bipolarlogistic symmetricsigmoid",
    "tanh": "tansig hyperbolictangent tanhyperbolic",
    "relu": "rectifier rectified rectifiedlinear rectifiedlinearunit ramp poslin relu6",
    "leaky_relu": "lrelu leaky prelu",
    "silu": "swish swish1",
    "gelu_tanh": "gelunew gelufast gelupytorchtanh approximategelu",
    "softplus": "smoothrelu softrelu",
    "hard_tanh": "satlins clip",
    "softmax": "logsoftmax softargmax",
    # losses
    "half_squared_error": "mse l2 quadratic leastsquares ols se",
    "mean_squared_error": "mse rmse l2 meansquarederrorloss",
    "squared_error": "mse rmse l2 sse rss ols leastsquares",
    "absolute_error": "mae l1 lad meanabsoluteerror",
    "huber": "smoothl1",
    "quantile": "pinball tilted",
    "poisson": "poissonnll poissondeviance",
    "hinge": "svm maxmargin",
    "binary_cross_entropy": "bce bcewithlogits logloss logistic sigmoidcrossentropy deviance",
    "cross_entropy": "nll ce xent logloss negativeloglikelihood categoricalcrossentropy "
    "sparsecategoricalcrossentropy softmaxcrossentropy multinomial logistic deviance kld "
    "kldivergence",
    # scores
    "accuracy": "acc precision recall",
    "balanced_accuracy": "bacc balanced recall",
    "f1_macro": "f1 f1score macrof1 fscore fmeasure",
    "log_loss": "ce nll bce crossentropy binarycrossentropy categoricalcrossentropy logistic",
    "roc_auc": "auc auroc",
    "rmse": "mse squarederror meansquarederror rootmeansquarederror l2",
    "mae": "absoluteerror meanabsoluteerror l1",
    "r2": "r2score rsquared determination",
    "pinball": "quantile",
    "poisson_deviance": "poisson",
    # optimizers
    "sgd": "momentum nesterov nag gd gradientdescent stochasticgradientdescent",
    "adam": "adamax amsgrad radam adabelief",
    "rmsprop": "rms adadelta",
    "rprop": "irprop resilient resilientbackpropagation",
    "lbfgs": "bfgs newton quasinewton",
    # initialisers
    "glorot_uniform": "glorot xavier xavieruniform",
    "glorot_normal": "glorot xavier xaviernormal",
    "he_uniform": "he kaiming kaiminguniform msra",
    "he_normal": "he kaiming kaimingnormal msra",
    "lecun_uniform": "lecun",
    "lecun_normal": "lecun",
    "zeros": "zero",
    # schedules
    "step": "steplr stepdecay multistep piecewise",
    "exponential": "exp exponentiallr exponentialdecay",
    "inverse_scaling": "invscaling inversetime inversetimedecay time",
    "cosine": "cosineannealing cosinedecay sgdr",
    "warm_up": "linearwarmup ramp",
    "resumed": "shifted later offset",
    "one_cycle": "onecyclelr superconvergence",
    # keys of a network file
    "rate": "learningrate lr eta alpha stepsize",
    "layers": "sizes architecture neurons units",
    "weights": "weight kernel kernels matrices",
    "biases": "bias intercepts offsets",
    "inputs": "x input features",
    "targets": "y target labels outputs",
    "loss": "cost error objective criterion",
    "epsilon": "eps",
    # reductions
    "mean": "average avg",
    "sum": "total",
}


def meant(name: str, known: Collection[str]) -> list[str]:
    """Return the known names that a name of the field's stands for, however it is spelled.

    >>> meant("MSELoss", ["mean_squared_error", "huber"]), meant("LeakyReLU", ["leaky_relu"])
    (['mean_squared_error'], ['leaky_relu'])
    """
    plain = _plain(name)
    spelled = [each for each in known if _plain(each) == plain]
    return spelled or [
        each for each in known if plain and plain in map(_plain, _MEANT.get(each, "").split())
    ]


def _plain(name: str) -> str:
    """The letters and digits of a name, without what says only that it is a loss.

    >>> _plain("Smooth-L1_loss")
    'smoothl1'
    """
    letters = "".join(filter(str.isalnum, name)).casefold()
    return letters.removesuffix("loss") or letters
