"""The page of quantiles, and of a training that went by a metric."""

import numpy as np
import pytest

from chainrule.formatting import number
from chainrule.tabular.report import report
from chainrule.tabular.report.findings import find
from reports import Page, flats, read, trained

TRAININGS = {
    "quantiles": (flats().drop("dear"), "price", {"quantiles": (0.1, 0.5, 0.9)}),
    "metric": (flats().drop("price"), "dear", {"metric": "f1_macro", "class_weight": "balanced"}),
}


@pytest.fixture(scope="module")
def made():
    """Each training with its findings and its page, made once."""
    every = {}
    for name, (table, target, options) in TRAININGS.items():
        given = trained(table, target, **options)
        every[name] = given, find(*given), report(*given)
    return every.__getitem__


def test_the_page_of_quantiles_tells_their_shares_and_losses(made):
    _, found, html = made("quantiles")
    _, rows = Page(html).table("each quantile")
    assert [read(row[0]) for row in rows] == [0.1, 0.5, 0.9]
    for row, q, p in zip(rows, (0.1, 0.5, 0.9), found.p.T, strict=True):
        gap = found.y - p
        assert read(row[1]) == pytest.approx(np.mean(gap <= 0), rel=1e-3)
        assert read(row[2]) == pytest.approx(np.mean(np.maximum(q * gap, (q - 1) * gap)), rel=1e-3)
    width = np.median(found.p[:, 2] - found.p[:, 0])
    assert f"the quantiles 0.1 to 0.9: they lie {number(float(width))} apart" in html
    _, rows = Page(html).table("scores of the rows held out")
    assert [row[0] for row in rows] == ["pinball loss", "coverage"]
    assert "quantile 0.5" in Page(html).table("validation")[0]


def test_the_importance_for_quantiles_is_what_the_pinball_loss_loses(made):
    found = made("quantiles")[1]
    assert found.importances.score == "R¹"
    assert "R¹ is one less the pinball loss over that of the baseline." in made("quantiles")[2]
    best, *others = found.importances.columns
    assert best.column == "area"
    assert best.mean > 0.03 > max(abs(other.mean) for other in others if other.column != "city")


def test_the_page_shows_the_metric_by_epoch(made):
    (_, _, model, _), _, html = made("metric")
    best = model.about["best_epoch"]
    value = number(float(model.curves["validation_f1_macro"][best - 1]))
    assert f"of the rows held out: best after epoch {best}, {value}." in html
