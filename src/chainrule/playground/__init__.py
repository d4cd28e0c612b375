"""The playground: a page that trains any small network with the engine, and works out its numbers.

| file | what it is for |
|---|---|
| `page_parts.py` | the scripts in order, and the wings |
| `choices.py` | what can be chosen, from the tables |
| `start_state.py` | what the page begins with, of a file |
| `network_rows.py` | rows of a table for a network that knows no columns |
| `page_arrays.py` | the arrays of it as a model file has them |
| `playground.html`, `playground.css`, `playground.js` | what it looks like, and how it starts |
| `page_loader.js`, `packed_part.js` | its first script, which unpacks the rest |
| `state/` | `state.js`, what the page is in; `address.js`, `address_field.js`, the same as the \
end of an address; `streams.js`, all that is random; `checks.js`, `fields.js`, what is typed; \
`state_check.js`, what a state may be |
| `run/` | `messages.js`, what page and worker say to each other; `run_worker.js`, the worker; \
`run_clock.js`, its page's side; `told_run.js`, `first_weights.js`, what a run is told; \
`training_bar.js`, what starts and ends it; `given_examples.js`, those that came with the page |
| `flow_rules.py` | the thresholds by which the flow of gradients is judged |
| `views/` | what is seen of a run: `unit_pictures.js`, the network and its units' pictures, \
`network_columns.js` lays it out; `outcome_view.js`, what comes of it, of `plane_view.js`, \
`plane_colours.js`, `prediction_view.js`, `prediction_counts.js`; `loss_view.js`, \
`loss_course.js`, `slider.js`, costs by step; `flow_view.js`, `layer_flow.js`, `flow_words.js`, \
what signals and gradients do; `picture_files.js`, pictures as files; `view_parts.js`, \
`views.css`, what they share |
| `files/` | `network_toml.js`, `toml_text.js`, network files; `model_file_bytes.js`, models; \
`page_file.js`, the page itself; \
`file_state.js`, what both change in the state; `file_panel.js`, `save_as.js`, out and in |
| `lessons/` | `lesson_text.js`, a lesson's text; `lesson_figures.js`, what it asks for; \
`lesson_panel.js`, `lessons.css`, the lesson beside the page; `xor.en.txt` and others, the \
lessons, and `xor.de.txt` and others, their words |
| `data/` | what a network is trained with: drawn, known, or one's own |
| `network/` | `layer_list.js`, `layer_card.js`, layers; `hyper_panel.js`, `schedule_fields.js`, \
how they are trained; `weight_table.js`, every weight; `suited_network.js`, what suits the data; \
`row_fields.js`, rows of the tables with their numbers; \
`schedule_rates.js`, learning rates |
| `schedule_rules.py` | the schedules in JavaScript, from their own lines |
| `working/` | `working_panel.js`, the working of any number; `look_numbers.js`, the numbers of a \
pass; `subject_fields.js`, what it can be of; `matrix_form.js`, that of all examples at once; \
`working.css` |
| `words/` | `words.js`, sentences by language, of `en.json`, `de.json`, `es.json`, `zh.json`, and \
phrases of Python's lines, of `lines.de.json` and so on; `figures.js`, numbers |
"""

from __future__ import annotations

import html
import json
import string
from importlib import metadata
from typing import Any

from chainrule.engine.wasm import engine_data
from chainrule.engine.wasm.lowering_patterns import lowering_patterns
from chainrule.explanation.line_patterns import pattern_data
from chainrule.html_page.joined_scripts import file_of, inert_json, packed, packed_json, policy
from chainrule.html_page.notebook_part import Page
from chainrule.playground.choices import choices as all_choices
from chainrule.playground.data.known_sets import known_sets
from chainrule.playground.data.table_rules import table_rules
from chainrule.playground.flow_rules import thresholds
from chainrule.playground.page_arrays import arrays_apart
from chainrule.playground.page_parts import (
    LANGUAGES,
    PACKAGE,
    STYLES,
    loader_script,
    page_script,
    sections,
    worker_script,
)

SPIRAL = {"data": {"set": "spiral", "n": 400, "test": 0.25}}
"""What the page begins with by itself: points enough for the spiral to be learnt."""

LESSONS = ("one-step", "xor", "rate", "symmetry", "vanishing", "overfitting", "adam")
"""In the order in which they are offered."""


def lesson_texts(name: str) -> dict[str, str]:
    """Return a lesson in English and, by language, the words that stand in place of its own.

    >>> lesson_texts("xor")["en"].splitlines()[0]
    'title: XOR needs a hidden layer'
    """
    return {own: file_of(PACKAGE, f"lessons/{name}.{own}.txt") for own in LANGUAGES}


def playground(start: dict[str, Any] | None = None) -> Page:
    """Return the playground as one page of HTML, which asks for nothing and sends nothing.

    Parameters
    ----------
    start
        What it begins with, as `start_state.py` makes it; left out, it is a spiral.

    Examples
    --------
    >>> playground().splitlines()[0]
    '<!doctype html>'
    """
    loader, script = loader_script(), page_script()
    styles = (file_of(PACKAGE, name) for name in STYLES)
    style = "\n".join([file_of("chainrule.html_page", "cards.css"), *styles])
    words = {name: _words(name) for name in LANGUAGES}
    before = ("browser.none", "frame.this_language")  # what is said before anything is unpacked
    first = {name: {word: words[name][word] for word in before} for name in words}
    same = {
        "choices": all_choices(),
        "patterns": lowering_patterns(),
        "lines": pattern_data(),
        "flow": thresholds(),
        "lessons": {name: lesson_texts(name) for name in LESSONS},
        "version": metadata.version("chainrule"),
        "sets": known_sets(),
        "rules": table_rules(),
        "words": words,
        "phrases": {name: _words(f"lines.{name}") for name in LANGUAGES[1:]},
        "worker": worker_script(),
    }
    own = arrays_apart(dict(start or {"state": SPIRAL}))
    working = html.escape(own.pop("working", ""))
    said = (f'<p lang="{name}">{html.escape(words[name]["browser.scripts"])}</p>' for name in words)
    return Page(
        string.Template(file_of(PACKAGE, "playground.html")).substitute(
            policy=policy([loader, script], style, compiles=True, worker=True),
            title=html.escape(words["en"]["frame.title"]),
            style=style,
            wings=sections(),
            noscript="".join(said) + (f'<pre lang="en">{working}</pre>' if working else ""),
            engine32=engine_data("float32"),
            engine64=engine_data("float64"),
            known=inert_json({"words": first, **own}),
            packed=packed_json(same),
            script=packed(script),
            loader=loader,
        )
    )


def _words(name: str) -> dict[str, str]:
    made: dict[str, str] = json.loads(file_of(PACKAGE, f"words/{name}.json"))
    return made
