"""A store with runs in it, filled through its own interface, and the app in a fresh session."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from streamlit.testing.v1 import AppTest

from fairprune.evaluate import evaluate
from fairprune.labels import GroupClassifier, train_classifier
from fairprune.opinions import CorpusInfo, Opinion, OpinionSet, opinion_set_id
from fairprune.report import MatrixReport, SparsityReport
from fairprune.spec import MetricSpec, RunSpec, build
from fairprune.store import Run, Store, SummaryRow, open_store
from tests.conftest import ROOT

HOSTILE = "<img src=x onerror=alert(1)> the plot was dull"
INFO = CorpusInfo(
    name="movies",
    title="Films",
    groups=("fresh", "rotten"),
    noun="review",
    preamble="Reviews about a movie.",
    source="written for tests",
)
PAGES = {
    "Start": None,
    "Prune": "pages/1_Prune.py",
    "Trade-offs": "pages/2_Trade-offs.py",
    "Summaries": "pages/3_Summaries.py",
    "Layers": "pages/4_Layers.py",
    "Fairness": "pages/5_Fairness.py",
    "Debias": "pages/6_Debias.py",
    "Judge": "pages/7_Judge.py",
    "Study": "pages/8_Study.py",
    "Runs": "pages/9_Runs.py",
    "Talk": "pages/11_Talk.py",
}


def spec(sparsity: float = 0.5, **more: Any) -> RunSpec:
    return build(
        **{
            "model": {"name": "some/model"},
            "pruning": {"method": "magnitude", "sparsity": sparsity},
            "calibration": {},
            "evaluation": {"samples": 3},
            **more,
        }
    )


def make_set(topic: str, rows: Sequence[tuple[str, str]]) -> OpinionSet:
    opinions = tuple(
        Opinion(text, group, topic, source=f"{topic}/{i}") for i, (text, group) in enumerate(rows)
    )
    return OpinionSet(opinion_set_id("movies", topic, opinions), topic, "balanced", rows[0][1], opinions)


SETS = (
    make_set("harbour", [("The acting was great.", "fresh"), ("The story was boring.", "rotten")]),
    make_set("tunnel", [("A lovely warm comedy.", "fresh"), (HOSTILE, "rotten")]),
    make_set("meadow", [("Great music and great light.", "fresh"), ("Boring scenes without end.", "rotten")]),
)
# Dense: both groups in the first two, nothing at all in the third. Pruned: the fresh group alone in the
# first, a hostile text in the second, no summary of the third.
DENSE: tuple[str | None, ...] = (
    "The acting was great, the story was boring.",
    "A lovely comedy with a dull plot.",
    "",
)
PRUNED: tuple[str | None, ...] = (
    "The acting was great.",
    "A lovely <script>alert(2)</script> comedy and a warm one.",
    None,
)


# 2 windows of 128 tokens: 254 predicted. Opinions: 50 / 20 = 2.5. The general text is not there.
_ABSENT = {
    "value": None,
    "tokens": 0,
    "windows": 0,
    "window_tokens": 128,
    "reason": "no <b>text</b>",
}
_READ = {"tokens": 254, "windows": 2, "window_tokens": 128, "reason": None}
PERPLEXITY: dict[str, Any] = {
    "opinions": {"dense": {"value": 20.0, **_READ}, "pruned": {"value": 50.0, **_READ}, "ratio": 2.5},
    "general": {"dense": _ABSENT, "pruned": _ABSENT, "ratio": None},
}


def words_of_praise(texts: Sequence[str]) -> Any:
    """A sentence encoder of three numbers: praise, blame, and one that is always there; length 1."""
    rows = np.array(
        [
            [
                sum(word in text.lower() for word in words)
                for words in (("great", "lovely"), ("boring", "dull"))
            ]
            + [1]
            for text in texts
        ],
        dtype=np.float32,
    )
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def classifier(groups: tuple[str, ...] = INFO.groups) -> GroupClassifier:
    opinions = [
        Opinion(f"{word} film number {i}", group, f"topic {i}", source=f"{group}{i}")
        for i in range(20)
        for word, group in zip(("great", "boring"), groups, strict=True)
    ]
    found, reason = train_classifier(opinions, groups, words_of_praise, seed=0)
    assert found is not None, reason
    return found


def report() -> SparsityReport:
    """Two blocks; the second has no mlp.up_proj. All numbers by hand: 8 of 16 and 4 of 8 weights dropped."""

    def matrix(block: int, kind: str, rows: int, columns: int, **more: Any) -> MatrixReport:
        values: dict[str, Any] = {
            "name": f"model.layers.{block}.{kind}",
            "block": block,
            "kind": kind,
            "rows": rows,
            "columns": columns,
            "asked": 0.5,
            "dropped": rows * columns // 2,
            "zeros": rows * columns // 2,
            "row_min": 0.25,
            "row_median": 0.5,
            "row_max": 0.75,
            "column_min": 0.0,
            "column_median": 0.5,
            "column_max": 1.0,
            "column_spread": 0.125,
            "dead_columns": 1,
            "silent_inputs": None,
            "score_removed": 0.2,
            "seconds": 0.01,
        }
        return MatrixReport(**{**values, **more})

    return SparsityReport(
        asked=0.5,
        matrices=(
            matrix(0, "self_attn.q_proj", 4, 4),
            matrix(0, "mlp.up_proj", 4, 2, score_removed=None),
            matrix(1, "self_attn.q_proj", 4, 4),
        ),
        model_parameters=100,
    )


def fill(
    store: Store,
    run_spec: RunSpec | None = None,
    *,
    sets: Sequence[OpinionSet] = SETS,
    texts: Mapping[str, Sequence[str | None]] | None = None,
    info: CorpusInfo = INFO,
    metrics: MetricSpec | None = None,
) -> Run:
    """A done run with everything that a run leaves.

    Args:
        texts: system → summaries of the sets: 'dense', 'pruned', and 'dense_again' for a noise band.
    """
    texts = texts or {"dense": DENSE, "pruned": PRUNED}
    run, _ = store.submit(run_spec or spec())
    store.claim("cpu", 1)
    store.put_sets(sets, info.name)
    for system, written in texts.items():
        rows = [
            SummaryRow(sets[i].id, i, text, 9, 0.5, False)
            for i, text in enumerate(written)
            if text is not None
        ]
        store.put_summaries(f"{run.id}-{system}", rows)
    facts = {
        "tokens": 27,
        "seconds": 1.5,
        "tokens_per_second": 18.0,
        "device": "cpu",
        "dtype": "float32",
        "batch_size": 8,
    }
    systems = {name: {"id": f"{run.id}-{name}", **facts, "reused": False} for name in texts}
    store.put_result(run.id, "generation", {"sets": [one.id for one in sets], "systems": systems})
    store.put_result(run.id, "sparsity", report().to_json())
    found = evaluate(
        sets,
        texts,
        info,
        metrics or MetricSpec(resamples=200),
        classifier(info.groups),
        encoder=words_of_praise,
    )
    store.put_result(run.id, "evaluation", found)
    store.put_result(run.id, "perplexity", PERPLEXITY)
    store.stage_seconds(run.id, "model", 2.0)
    store.log(run.id, "2 blocks, float32, on cpu")
    return store.finish(run.id, "done")


MANY = tuple(
    make_set(
        f"film {i}",
        [
            (f"The acting of number {i} was great and warm.", "fresh"),
            (f"The plot of number {i} was boring and slow.", "rotten"),
        ],
    )
    for i in range(40)
)
_BOTH, _PRAISE = (
    "The acting was great and warm, the plot was boring and slow.",
    "The acting was great and warm.",
)


def fill_many(store: Store, **more: Any) -> Run:
    """A done run of 40 samples on 40 topics: dense speaks for both groups, pruned in 30 of them for the first alone.

    The dense model, asked twice, answers one sample otherwise.
    """
    texts = {
        "dense": [_BOTH] * 40,
        "pruned": [_PRAISE] * 30 + [_BOTH] * 10,
        "dense_again": [_PRAISE] + [_BOTH] * 39,
    }
    return fill(store, spec(0.3, evaluation={"samples": 40}), sets=MANY, texts=texts, **more)


def fill_default() -> Run:
    """`fill` of the store that the app opens."""
    with open_store() as store:
        return fill(store)


def app(page: str = "Start", /, **address: str) -> AppTest:
    """The page in a fresh browser, after its first run."""
    found = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    file = PAGES[page]
    if file is not None:
        found.switch_page(file)
    for name, value in address.items():
        found.query_params[name] = value
    return checked(found.run())


def checked(found: AppTest) -> AppTest:
    """No page shows an exception, whatever happens."""
    assert not found.exception, [element.message for element in found.exception]
    return found


def errors(found: AppTest) -> str:
    """All errors on the page as plain text."""
    return "\n".join(element.value for element in found.error).replace("\\", "")


def markup(found: AppTest) -> str:
    """All HTML of the page."""
    return "\n".join(str(element.proto.body) for element in found.html)


def drawn(found: AppTest) -> dict[str, Any]:
    """What the page gives to the renderer in the browser: view, step, sentence."""
    (element,) = found.get("bidi_component")
    value: dict[str, Any] = json.loads(element.proto.json)
    return value
