"""Everything of Streamlit outside app.py and pages/.

address: what one looks at, in the address · page: frame, navigation, store, errors · markup: escaped HTML ·
gate: who looks, the login of leads · session: what Streamlit keeps of a browser · serve, loading: the server, and what it imports first ·
runs: choosing a run, flags · form, form_metrics, method, widgets, upload, preview, one_run: a new run · sweep_form: a new
sweep · explore, explore_answer: a setting explored live · prefill: the form and its address · progress: a run on its way ·
run_list, run_rows, run_filters, run_live, run_edit: the
page Runs · fairness, inference: tables of numbers · layers, matrix: where weights went · panels, curve: figures with their
words · samples, sample_table: the per-sample table · summaries, leafing, beside, voices: one sample's opinions and summaries ·
downloads, bundle, caption: what leaves the app, and comes back · start: the first page's story ·
tradeoffs, tradeoffs_choice, tradeoffs_numbers: figures over many runs · judge: a judge's session and what its buttons do;
judge_item, judge_steps, judge_words, judge_top: what a judge sees · study: the list of studies; study_plan, study_form,
study_claims: a draft; study_preview, study_opening: its items, what it promises; study_links, study_run: judges come in and work.
"""

from fairprune.ui.page import open_page, refusals, refuse

__all__ = ["open_page", "refusals", "refuse"]
