"""What the page is made of: its scripts in order, its wings, and what its worker runs.

A wing is one function in a script of its own, `{ state, run, words, known, root }` in, and shown in
a section of the page; it calls no other wing.
"""

from __future__ import annotations

import html
from functools import cache
from typing import NamedTuple

from chainrule.explanation.line_patterns import pattern_script
from chainrule.html_page.joined_scripts import closed, file_of, joined_scripts
from chainrule.playground.schedule_rules import schedule_rules

PACKAGE = "chainrule.playground"
LANGUAGES = ("en", "de", "es", "zh")

ENGINE = ("wasm_engine.js", "run_edits.js", "wasm_run.js")
WORKER = ("network/schedule_rates.js", "run/messages.js", "run/run_worker.js")

SCRIPTS = (
    "packed_part.js",
    "state/checks.js",
    "state/streams.js",
    "state/state.js",
    "state/address.js",
    "state/address_field.js",
    "state/fields.js",
    "words/words.js",
    "words/figures.js",
    "run/messages.js",
    "run/first_weights.js",
    "run/given_examples.js",
    "run/told_run.js",
    "run/run_clock.js",
    "run/training_bar.js",
    "network/schedule_rates.js",
    "network/suited_network.js",
    "network/row_fields.js",
    "data/added_features.js",
    "data/plane_sets.js",
    "data/cell_numbers.js",
    "data/table_heading.js",
    "data/csv_column.js",
    "data/csv_text.js",
    "data/column_kinds.js",
    "data/own_table.js",
    "data/examples.js",
    "data/date_text_columns.js",
    "data/model_columns.js",
    "state/state_check.js",
    "files/save_as.js",
    "files/model_file_bytes.js",
    "files/page_file.js",
    "views/plane_colours.js",
    "views/view_parts.js",
    "views/picture_files.js",
    "views/network_columns.js",
    "views/layer_flow.js",
    "views/flow_words.js",
    "playground.js",
)
"""What all wings share, in an order in which each finds those before it.

What the scripts of a wing declare, no other wing sees.
"""


class Wing(NamedTuple):
    """A part of the page: its section's id, its column, its function, and its scripts.

    >>> Wing("data", "left", "dataPanel", ("data/data_panel.js",)).function
    'dataPanel'
    """

    id: str
    column: str
    function: str
    scripts: tuple[str, ...]


STYLES = (
    "playground.css",
    "data/data.css",
    "network/network.css",
    "views/views.css",
    "lessons/lessons.css",
    "working/working.css",
)

FILE_SCRIPTS = (
    "files/toml_text.js",
    "files/network_toml.js",
    "files/file_state.js",
)
LESSON_SCRIPTS = ("lessons/lesson_text.js", "lessons/lesson_figures.js")

WINGS: tuple[Wing, ...] = (
    Wing("data", "left", "dataPanel", ("data/data_panel.js",)),
    Wing("network", "left", "layerList", ("network/layer_card.js", "network/layer_list.js")),
    Wing("lessons", "middle", "lessonPanel", (*LESSON_SCRIPTS, "lessons/lesson_panel.js")),
    Wing("units", "middle", "unitsView", ("views/unit_pictures.js",)),
    Wing("hyper", "middle", "hyperPanel", ("network/schedule_fields.js", "network/hyper_panel.js")),
    Wing(
        "outcome",
        "right",
        "outcomeView",
        (
            "views/plane_view.js",
            "views/prediction_counts.js",
            "views/prediction_view.js",
            "views/outcome_view.js",
        ),
    ),
    Wing(
        "course",
        "right",
        "courseView",
        ("views/loss_course.js", "views/slider.js", "views/loss_view.js"),
    ),
    Wing(
        "working",
        "below",
        "workingPanel",
        (
            "working/look_numbers.js",
            "working/subject_fields.js",
            "working/matrix_form.js",
            "working/working_panel.js",
        ),
    ),
    Wing("flow", "below", "flowView", ("views/flow_view.js",)),
    Wing("weights", "below", "weightTable", ("network/weight_table.js",)),
    Wing("files", "right", "filesPanel", (*FILE_SCRIPTS, "files/file_panel.js")),
)
"""In the order of reading; the titles are said by `id.title`."""

COLUMNS = ("left", "middle", "right", "below")


@cache
def worker_script() -> str:
    """Return what the worker runs: the engine's wrapper, a run, and what it answers.

    >>> worker_script().startswith("'use strict'")
    True
    """
    engine = (file_of("chainrule.engine.wasm", name) for name in ENGINE)
    return joined_scripts([*engine, schedule_rules(), *(file_of(PACKAGE, name) for name in WORKER)])


@cache
def page_script() -> str:
    """Return all scripts of the page as one, and the call that starts it with its wings.

    >>> "startPlayground(" in page_script().splitlines()[-2]
    True
    """
    scripts = [
        pattern_script(),
        file_of("chainrule.engine.wasm", "wasm_lowering.js"),
        file_of("chainrule.engine.wasm", "run_edits.js"),
        schedule_rules(),
    ]
    scripts += [file_of(PACKAGE, name) for name in SCRIPTS]
    scripts += [closed(wing.function, _scripts_of(wing)) for wing in WINGS]
    wings = ", ".join(f"{wing.id}: {wing.function}" for wing in WINGS)
    return joined_scripts([*scripts, f"startPlayground({{ {wings} }});"])


@cache
def loader_script() -> str:
    """Return the script that runs the other one, or says what the browser lacks.

    >>> loader_script().splitlines()[-2]
    'loadPage();'
    """
    return joined_scripts(
        file_of(PACKAGE, name) for name in ("packed_part.js", "words/words.js", "page_loader.js")
    )


def _scripts_of(wing: Wing) -> list[str]:
    return [file_of(PACKAGE, name) for name in wing.scripts]


def sections() -> str:
    """Return the sections that wings fill, column by column.

    >>> sections().count("<section") == len(WINGS)
    True
    """
    return "\n".join(
        f'<div class="{column}">{"".join(_section(w) for w in WINGS if w.column == column)}</div>'
        for column in COLUMNS
    )


def _section(wing: Wing) -> str:
    title = f"{html.escape(wing.id)}-title"
    heading = f'<h2 id="{title}" data-say="{wing.id}.title"></h2>'
    return (
        f'<section class="card" id="{wing.id}" aria-labelledby="{title}">'
        f'{heading}<div class="wing"></div></section>'
    )
