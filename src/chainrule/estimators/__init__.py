"""scikit-learn's interface: `MLPClassifier` and `MLPRegressor`.

| file | what it is for |
|---|---|
| classifier, regressor | the two estimators: what is theirs alone |
| base | what they share: the parameters, and a fit from its data to its end |
| reading | what a fitted estimator can be asked |
| parameters | what the parameters must be, and what rule and run they ask for |
| hidden | the layers that they ask for, and what those begin with |
| inputs | tables, sparse matrices and arrays of other libraries to NumPy, and back |
| validation | what a fit is measured by |
| descent, lbfgs | the two ways to train: the core's `fit`, and SciPy's L-BFGS |
| watching, progress | what is done after each epoch: scores, the end, callbacks, a bar |
| quantiles | several quantiles at once |
| displays | the course of a fit and the flow of gradients, drawn |
| html, counting | the layers in a notebook, with their numbers of parameters |
"""

from chainrule.estimators.classifier import MLPClassifier
from chainrule.estimators.displays import GradientFlowDisplay, LossCurveDisplay
from chainrule.estimators.regressor import MLPRegressor

__all__ = ["GradientFlowDisplay", "LossCurveDisplay", "MLPClassifier", "MLPRegressor"]
