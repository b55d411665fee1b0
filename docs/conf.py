"""How Sphinx builds the documentation site; ``make docs`` runs it, with every warning an error."""

from __future__ import annotations

import os
import tempfile

from airflow_provider_ittybit import __version__

# autodoc imports Airflow, which would read and write the home of whoever builds the site
_home = tempfile.TemporaryDirectory(prefix="ittybit-docs-")
os.environ["AIRFLOW_HOME"] = _home.name

project = "airflow-provider-ittybit"
author = "the authors of airflow-provider-ittybit"
release = __version__
html_title = f"{project} {release}"

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]

html_theme = "furo"
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False

myst_heading_anchors = 4
"""Headings can be linked to by the names that code browsers give them."""

autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_preserve_defaults = True

nitpicky = True
nitpick_ignore_regex = [
    # other packages: their documentation is elsewhere, and the build asks no other host
    (r"py:.*", r"(?!airflow_provider_ittybit|Ittybit).*"),
]
