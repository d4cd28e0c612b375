"""Questions that an engineer asks of a network that does not learn, or that predicts.

| file | what it is for |
|---|---|
| `gradient_check.py` | is the gradient right: by central differences |
| `rate_finder.py` | which learning rate suits: the loss while it grows |
| `verdict.py` | why does it not learn: the verdict in sentences |
| `verdict_html.py` | the verdict as a part of a page |
| `diagnosis_page.py`, `diagnosis_plots.py` | the diagnosis as a page; its pictures |
| `watch.py` | a callback that watches a training, and says a verdict at its end |
| `rules.py`, `rule.py` | the table of what can be wrong; what a row is: when, why, what to change |
| `network_rules.py`, `data_rules.py`, `training_rules.py` | its rows, by where the cause lies |
| `course_rules.py` | those of what came of it: not finite, at chance, standing still |
| `evidence.py`, `network_pass.py` | all that rules look at, measured once; of one pass |
| `other_trainings.py` | what the same training comes to with one thing changed |
| `course_measures.py` | what the optimizer, the options and the history say |
| `layer_measures.py` | what a pass forward and back says of each layer |
| `example_measures.py` | what it says of the examples: who dominates, how far they agree |
| `data_measures.py` | what the examples and targets say before any network sees them |
| `looked_at.py` | what is told of the examples |
| `not_finite.py` | which quantity stopped being finite first, and why |
| `simple_models.py` | the costs of the best constant and of a linear model |
| `gradient_comparison.py` | is it that of another library: parameter by parameter |
| `path_integral.py` | what each input contributed to a prediction |
| `input_path.py`, `output_value.py` | the path that it is integrated along; the figure explained |
| `chord_slopes.py` | layers that go back along chords of the path |
| `shapley.py` | the same by all orders of the inputs, exactly |
| `mistake_search.py` | which known mistake gives the figures that somebody computed |
| `found_mistakes.py` | what it returns |
| `text_lint.py` | the figures and formulas of a text, held to a network |
| `text_report.py` | what it returns |
| `text_wordings.py` | slips of words and signs that no figure shows |
| `text_values.py`, `formula_values.py` | right values of names; of formulas |
| `text_tables.py`, `text_statements.py` | what tables, chains of equalities and sentences state |
| `text_scopes.py` | after how many updates, and of which example |
| `text_tokens.py`, `text_names.py` | numbers, names, signs; what quantities are called |
| `text_marks.py`, `text_source.py` | Markdown and LaTeX in one plain form; files and notebooks |
| `mistakes.py`, `mistake.py` | the catalogue of mistakes; what a row is |
| `pass_mistakes.py` | its rows that are made on the way forward and back |
| `procedure_mistakes.py` | those in steps, rates, data and figures |
| `rule_changes.py` | what its rows are made of: changes of the rules |
| `slopes.py` | layers whose slopes are taken wrongly, or of rounded numbers |
| `claims.py` | figures: which quantity each is of, and what its digits say |
| `worked_rules.py` | backpropagation layer by layer, by rules that mistakes change |
"""

from chainrule.diagnosis.gradient_check import GradientCheck, check_gradient
from chainrule.diagnosis.path_integral import Contributions, integrated_gradients
from chainrule.diagnosis.rate_finder import RateRange, rate_range
from chainrule.diagnosis.shapley import shapley_values

__all__ = [
    "Contributions",
    "GradientCheck",
    "RateRange",
    "check_gradient",
    "integrated_gradients",
    "rate_range",
    "shapley_values",
]
