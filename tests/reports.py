"""Trainings to report on, and their pages read again as a person reads them."""

import functools
from html.parser import HTMLParser

import numpy as np
import polars as pl

from chainrule.tabular import Options
from chainrule.tabular.block_checkpoints import NoKeeper
from chainrule.tabular.budget import Budget
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.prepare import prepare
from chainrule.tabular.report import report
from chainrule.tabular.report.findings import find
from chainrule.tabular.table_training import TableTraining, first_stage
from chainrule.tabular.trained_model import judged, trained_model
from chainrule.tabular.training_options import completed
from chainrule.tabular.training_stages import train_in_stages


def trained(table, target, **options):
    """What a report takes: the prepared examples, what is judged, the model, the source."""
    source = open_source(table)
    asked = Options.from_mapping({"epochs": 8, "hidden": [16], "effort": "fast", **options})
    prepared = prepare(source, target, asked)
    chosen = completed(asked, prepared.target.task, int((~prepared.is_held_out).sum()))
    training = TableTraining(source, prepared, chosen, [first_stage(prepared, chosen)])
    train_in_stages(training, NoKeeper(), Budget(None), ())
    return prepared, judged(training), trained_model(training), source


def measured(judged, model):
    """The model that has not seen the examples held out."""
    return model.with_members(judged.model.members)


def flats(n=400, seed=0):
    """Flats with numbers, categories, dates and values that are missing."""
    draw = np.random.default_rng(seed)
    area, city = draw.lognormal(4, 0.4, n).round(1), draw.choice(["Lyon", "Nice", "Paris"], n)
    price = area * np.where(city == "Paris", 9.0, 4.0) * np.exp(draw.normal(0, 0.05, n))
    first = pl.date(1990, 1, 1)
    return pl.DataFrame(
        {
            "area": area,
            "rooms": pl.Series(np.where(draw.random(n) < 0.1, np.nan, draw.integers(1, 6, n))),
            "city": city,
            "garden": pl.Series(draw.random(n) < 0.4),
            "built": pl.date_range(first, first + pl.duration(days=n - 1), eager=True),
            "share": draw.integers(1, 4, n),
            "price": price.round(2),
            "dear": np.where(price > 250, "dear", "fair"),
        }
    )


EVIL = """</style><script>alert("1")</script><img src=x onerror='alert(2)'>&amp;$title"""
LONG = "x" * 200


def hostile(n=200):
    """A table whose names, classes and values would like to be more than text."""
    draw = np.random.default_rng(0)
    kinds = [EVIL, LONG, "\u202eright to left", "a\nb\x1b[31m", "$x_{1}$ <b>"]
    column = pl.Series(draw.choice(kinds, n))
    return pl.DataFrame(
        {
            EVIL: draw.standard_normal(n),
            LONG: column,
            "\u202e<i>": draw.standard_normal(n),
            "'\"<script>": [f"{kind}{'<' * (k % 2)}" for k, kind in enumerate(column)],
        }
    )


TRAININGS = {
    "classes": (flats().drop("price"), "dear", {"dropout": 0.0}),
    "weighted": (flats().drop("dear"), "price", {"weight": "share"}),
    "quantity": (flats().drop("dear"), "price", {}),
    "quantiles": (flats().drop("dear"), "price", {"quantiles": (0.1, 0.5, 0.9)}),
    "one quantile": (flats().drop("dear"), "price", {"loss": "quantile(0.8)", "weight": "share"}),
    "metric": (flats().drop("price"), "dear", {"metric": "f1_macro", "class_weight": "balanced"}),
    "raced": (
        flats().drop("dear"),
        "price",
        {"effort": "default", "interval": 0.8, "dropout": 0.0},
    ),
    "sets": (flats().drop("price"), "city", {"effort": "default", "interval": 0.8, "dropout": 0.0}),
    "ten": ("sklearn:digits", "target", {}),
    "hostile": (hostile(), "'\"<script>", {"categories": [LONG]}),
}


@functools.cache
def made(name):
    """A training with its findings and its page, made once in a process."""
    table, target, options = TRAININGS[name]
    given = trained(table, target, **options)
    return given, find(*given), report(*given)


class Page(HTMLParser):
    """A page: its tables by caption, its facts, its text, its tags and their attributes."""

    def __init__(self, html):
        super().__init__()
        self.tables, self.facts, self.tags, self.words = {}, {}, [], []
        self.row, self.cell, self.term, self.inside = [], None, None, []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "use"):
            self.inside.append(tag)
        if tag in ("td", "th", "caption", "dt", "dd"):
            self.cell = ""
        if tag == "tr":
            self.row = []

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.inside.pop() == tag, "tags must be nested"
        if tag in ("td", "th"):
            self.row.append(self.cell)
        elif tag == "caption":
            self.rows = self.tables.setdefault(self.cell, [])
        elif tag == "tr":
            self.rows.append(self.row)
        elif tag == "dt":
            self.term = self.cell
        elif tag == "dd":
            self.facts[self.term] = self.cell

    def handle_data(self, data):
        self.words.append(data)
        if self.cell is not None:
            self.cell += data

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    def table(self, beginning):
        """The head and the rows of the table whose caption begins so."""
        (found,) = [own for name, own in self.tables.items() if name.startswith(beginning)]
        return found[0], found[1:]

    def of(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


def read(text):
    """The number that a cell shows."""
    return float("nan") if text == "–" else float(text.replace(",", "").replace("−", "-"))
