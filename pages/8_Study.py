"""Study: people judge which summaries are fairer. Planned, looked at, opened, watched and closed here."""

from __future__ import annotations

from fairprune.store import Store
from fairprune.ui import open_page, refusals
from fairprune.ui.address import carried
from fairprune.ui.study import IMPORT, NEW, STUDY, chosen, draw_head, draw_list, draw_refused, draw_said
from fairprune.ui.study_import import draw_import
from fairprune.ui.study_links import draw_links
from fairprune.ui.study_opening import draw_opening, draw_promise
from fairprune.ui.study_plan import draw_plan
from fairprune.ui.study_preview import draw_preview
from fairprune.ui.study_results import show
from fairprune.ui.study_run import draw_judges, draw_progress


def draw(store: Store) -> None:
    draw_said()
    draw_refused()
    study = chosen(store)
    if study is None:
        {NEW: lambda: draw_plan(store, None), IMPORT: lambda: draw_import(store)}.get(
            carried(STUDY) or "", lambda: draw_list(store)
        )()
        return
    part = draw_head(store, study)
    {
        "plan": draw_plan,
        "preview": draw_preview,
        "open": draw_opening,
        "links": draw_links,
        "progress": draw_progress,
        "judges": draw_judges,
        "promise": draw_promise,
        "results": show,
    }[part](store, study)


page_store = open_page("Study")
with refusals():
    draw(page_store)
