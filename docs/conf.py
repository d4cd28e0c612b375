"""How Sphinx builds the site, by `make docs`: nothing is loaded from elsewhere, then or later."""

import sys
from importlib.util import find_spec
from pathlib import Path

import chainrule

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "Chainrule"
author = "The Chainrule developers"
copyright = author
release = version = chainrule.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_nb",
    "sphinx_click",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    # of our own, in _extensions
    "chain_rule_picture",
    "command_help",
    "docstring_markup",
    "internal_links",
    "mathml_equations",
    "measured",
    "named_blocks",
    "playground_page",
    "table_rows",
    "worked_figures",
]

exclude_patterns = ["_build", "_extensions", "_static", "_templates", "gallery/*.ipynb"]
nitpicky = True
default_role = "literal"  # `name` in a docstring is code
smartquotes = False  # options and strings stand as they are written
templates_path = ["_templates"]

# Markdown; code is run by the tests, not by the build
myst_enable_extensions = ["attrs_block", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"
html_math_renderer = "mathml"
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# docstrings
autosummary_generate = True
autodoc_inherit_docstrings = False  # a method that says nothing of its own is its base's
autodoc_typehints = "none"
numpydoc_show_class_members = False

# the gallery
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    # without PyTorch, its example is shown and not run
    "filename_pattern": r"\.py$" if find_spec("torch") else r"/(?!pytorch)\w+\.py$",
    "within_subsection_order": "gallery_settings.InOrder",
    "reset_modules": ("matplotlib", "gallery_settings.strict"),
    "reset_modules_order": "both",
    "download_all_examples": False,
    "image_srcset": ["2x"],
    "min_reported_time": 3600,  # how long an example took is no news
    "show_signature": False,
    "write_computation_times": False,
}

# pages
html_theme = "pydata_sphinx_theme"
html_title = "Chainrule"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_copy_source = False
html_show_sphinx = False
html_sidebars = {"index": [], "about/changelog": []}
html_theme_options = {
    "logo": {"text": "Chainrule"},
    "header_links_before_dropdown": 7,
    "navbar_end": ["theme-switcher"],
    "navigation_with_keys": True,
    "secondary_sidebar_items": {"**": ["page-toc"], "index": []},
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
