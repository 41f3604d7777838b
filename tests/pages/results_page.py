"""A page that shows the results of the newest study, and nothing else."""

import streamlit as st

from fairprune.store import open_store
from fairprune.ui import refusals
from fairprune.ui.study_results import show

st.set_page_config(page_title="Results", layout="wide")
with refusals():
    store = open_store()
    show(store, store.studies()[0])
