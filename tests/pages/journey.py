"""A visit from the empty store to the last page, run by a test in its own process: `journey MODEL_FOLDER`.

Prints 'no torch' at the end, or ends with an error.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from fairprune.store import ENDED, open_store
from tests.pages.filled import PAGES, app, checked, drawn, errors, markup

HEAVY = ("torch", "transformers", "sentence_transformers", "datasets")
SECONDS = 300.0
ROWS = "text,group,topic\n" + "\n".join(
    f'"The film was {word} and plot {i} of topic {topic} was {word} too.",{group},topic {topic}'
    for topic in range(4)
    for i in range(12)
    for word, group in (("great", "fans"), ("dull", "critics"))
)


def journey(model: Path) -> None:
    for page in PAGES:
        app(page)
    page = app("Prune")
    page = checked(page.file_uploader[0].upload("films.csv", ROWS.encode(), "text/csv").run())
    page = checked(next(b for b in page.button if b.label == "Use these opinions").click().run())
    assert not errors(page), errors(page)
    page = checked(page.selectbox(key="prune.model").select("other").run())
    page = checked(page.text_input(key="prune.model_typed").input(str(model)).run())
    for name, value in (("seqlen", 200), ("calibration_samples", 2), ("samples", 2), ("max_new_tokens", 8)):
        page = checked(page.number_input(key=f"prune.{name}").set_value(value).run())
    page = checked(page.toggle(key="prune.preview").set_value(True).run())
    assert "2 × 200" in markup(page), errors(page)
    page = checked(page.button(key="prune.start").click().run())
    assert not errors(page), errors(page)
    run_id = page.query_params["run"]
    with open_store() as store:
        end = time.monotonic() + SECONDS
        while (run := store.run(run_id)).state not in ENDED:
            assert time.monotonic() < end, f"still {run.state} in stage {run.stage}"
            checked(page.run())
            time.sleep(1)
        assert run.state == "done", run.error_detail
    for name in PAGES:
        page = app(name, run=run_id)
        # Summaries and Talk give the browser data, Fairness has no sparsity, Judge shows no run, Study lists studies, Debias offers more.
        without = ("Summaries", "Fairness", "Debias", "Judge", "Study", "Talk")
        assert "50.00" in markup(page) or name in without, name
    page = app("Summaries", run=run_id)
    assert "The film was" in drawn(page)["view"]["opinions"][0]["text"]
    page = app("Summaries", run=run_id, view="drag")
    assert [step["value"] for step in drawn(page)["view"]["steps"]] == ["0", "0.5"]
    for lab in ("spin", "collapse", "denp", "recovery"):
        page = app("Debias", run=run_id, lab=lab)
        assert page.button(key="debias.start").label.startswith("Start "), errors(page)
    page = app("Fairness", run=run_id, curve="bur", filter="text=film&sort=uer")
    assert any("specifications" in element.value for element in page.markdown), errors(page)
    assert len(page.get("download_button")) == 6


if __name__ == "__main__":
    journey(Path(sys.argv[1]))
    loaded = [name for name in HEAVY if name in sys.modules]
    assert not loaded, f"the server process has imported {', '.join(loaded)}"
    print("no torch")
