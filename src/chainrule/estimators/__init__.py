"""scikit-learn's interface: `MLPClassifier` and `MLPRegressor`.

| file | what it is for |
|---|---|
| classifier, regressor | the two estimators: what is theirs alone |
| base_mlp | what they share: a fit, from its data to its end |
| mlp_parameters | their parameters, with what each is for |
| fitted | what a fit leaves, and what a fitted estimator can be asked |
| hyperparameters | what the parameters must be, and the optimizer that they ask for |
| hidden_layers | the layers that they ask for, and what those begin with |
| inputs | tables, sparse matrices and arrays of other libraries to NumPy, and back |
| fit_data, fit_state | what a solver is handed: the examples, and where the fit stands |
| gradient_descent, lbfgs | the two solvers: steps by an optimizer, and SciPy's L-BFGS |
| scorers, epoch_hooks | what is done after each epoch: scores; a bar and callbacks |
| quantiles | several quantiles at once |
| displays | the course of a fit and the flow of gradients, drawn |
| estimator_html, parameter_counts | the layers in a notebook, with their numbers of parameters |
"""

from chainrule.estimators.classifier import MLPClassifier
from chainrule.estimators.displays import GradientFlowDisplay, LossCurveDisplay
from chainrule.estimators.regressor import MLPRegressor

__all__ = ["GradientFlowDisplay", "LossCurveDisplay", "MLPClassifier", "MLPRegressor"]
