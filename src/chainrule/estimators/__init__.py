"""scikit-learn's interface: `MLPClassifier` and `MLPRegressor`.

| file | what it is for |
|---|---|
| `classifier.py`, `regressor.py` | the two estimators: what is theirs alone |
| `base_mlp.py` | what they share: a fit, from its data to its end |
| `mlp_parameters.py` | their parameters, with what each is for |
| `fitted.py` | what a fit leaves, and what a fitted estimator can be asked |
| `hyperparameters.py` | what the parameters must be, and the optimizer that they ask for |
| `hidden_layers.py` | the layers that they ask for, and what those begin with |
| `inputs.py` | tables, sparse matrices and arrays of other libraries to NumPy, and back |
| `fit_examples.py` | from what `fit` is given to its examples |
| `fit_data.py`, `fit_state.py` | what a solver is handed: the examples, and where the fit stands |
| `shared_rows.py`, `shared_cost.py` | rows that lie on several ranks, or in shards; what all cost |
| `gradient_descent.py`, `lbfgs.py` | the two solvers: steps by an optimizer, and SciPy's L-BFGS |
| `scorers.py`, `epoch_hooks.py` | what is done after each epoch: scores; a bar and callbacks |
| `quantiles.py` | several quantiles at once |
| `displays.py` | the course of a fit and the flow of gradients, drawn |
| `estimator_html.py`, `parameter_counts.py` | the layers in a notebook, and parameters counted |
"""

from chainrule.estimators.classifier import MLPClassifier
from chainrule.estimators.displays import GradientFlowDisplay, LossCurveDisplay
from chainrule.estimators.regressor import MLPRegressor

__all__ = ["GradientFlowDisplay", "LossCurveDisplay", "MLPClassifier", "MLPRegressor"]
