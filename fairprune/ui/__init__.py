"""Everything of Streamlit outside app.py and pages/.

address: what one looks at, in the address · page: frame, navigation, store, errors · markup: escaped HTML ·
runs: choosing and listing runs, flags · form, form_metrics, method, widgets, upload, preview: a new run · progress: a run on
its way · fairness, inference, layers: tables of numbers · panels, curve: figures with their words · samples, sample_table: the
per-sample table · downloads: files.
"""

from fairprune.ui.page import open_page, refusals, refuse

__all__ = ["open_page", "refusals", "refuse"]
