"""All numbers of a run and its samples as files: values → data frames → bytes, and the buttons that fetch them."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from fairprune.opinions import OpinionSet
from fairprune.spreadsheet import neutral

FORMATS = {
    "csv": ("CSV", "text/csv"),
    "parquet": ("Parquet", "application/vnd.apache.parquet"),
    "tex": ("LaTeX", "application/x-tex"),
}
"""Ending of a file → its name on the page and its type."""
CELL = (
    *("value", "low", "high", "bias", "absolute", "absolute_low", "absolute_high", "absolute_limit"),
    *(
        "matcher",
        "n",
        "n_unscored",
        "n_zero_match",
        "n_single_group",
        *("value_multi", "multi_low", "multi_high", "multi_limit"),
        "exclusive",
        "none_share",
    ),
    *("correction_low", "correction_high", "n_outside", "limit", "reason"),
    *("primary", "margin", "alpha", "p_value", "p_holm", "smallest_detectable", "verdict", "verdict_reason"),
)
COUNTS = ("n", "n_unscored", "n_zero_match", "n_single_group", "n_outside")
NUMBERS_TEX = (
    "run",
    "part",
    "name",
    "system",
    "value",
    "low",
    "high",
    "n",
    "n_unscored",
    "p_holm",
    "verdict",
)
SAMPLES_TEX = (
    "run",
    "sample",
    "topic",
    "composition",
    "n_opinions",
    "dense_bur",
    "pruned_bur",
    "dense_uer",
    "pruned_uer",
)
"""Columns of the LaTeX tables: what fits a page; CSV and Parquet have all."""
SAMPLE = (
    "bur",
    "uer",
    "auc",
    "spd2",
    "ec",
    "ec_embedding",
    "unscored",
    "words",
    "rouge_l",
    "copied",
    "repetition",
    "loss",
)


def draw_downloads(
    run_id: str, numbers: Callable[[], pd.DataFrame], samples: Callable[[], pd.DataFrame]
) -> None:
    """One button per table and format; a file is made when its button is pressed."""
    for label, name, frame, tex in (
        ("All numbers", "fairness", numbers, NUMBERS_TEX),
        ("Per-sample table", "samples", samples, SAMPLES_TEX),
    ):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{label}**", width=170)
            for ending, (title, mime) in FORMATS.items():
                st.download_button(
                    title,
                    partial(_made, frame, ending, tex, f"{label} of run {run_id}"),
                    f"{name}-{run_id}.{ending}",
                    mime,
                    key=f"download.{name}.{ending}",
                    icon=":material/download:",
                    on_click="ignore",
                )
    st.caption(
        "Fractions, not percent; empty where missing. Every row has the run, n and its interval. In CSV an apostrophe stands "
        "before a text that a spreadsheet would run."
    )


def _made(frame: Callable[[], pd.DataFrame], ending: str, tex: Sequence[str], caption: str) -> bytes:
    return file_of(frame(), ending, tex=tex, caption=caption)


def numbers_frame(
    run_id: str, evaluation: Mapping[str, Any], perplexity: Mapping[str, Any] | None = None
) -> pd.DataFrame:
    """Everything that was computed, a row per cell: fractions, empty where missing.

    n of a perplexity counts predicted tokens; `value` of a validity is the share of resamples in which the references keep
    their order, of a bound it is the end of its name.
    """
    frame = pd.DataFrame(list(_rows(evaluation, perplexity)), columns=["part", "name", "system", *CELL])
    frame.insert(0, "run", run_id)
    # Whole numbers stay whole beside missing ones.
    return frame.astype(dict.fromkeys(COUNTS, "Int64"))


def _rows(evaluation: Mapping[str, Any], perplexity: Mapping[str, Any] | None) -> Iterator[dict[str, Any]]:
    for part in ("metrics", "quality"):
        for name, cells in evaluation[part].items():
            for system, cell in cells.items():
                yield _row(part, name, system, cell)
                yield from _sides(name, system, cell)
    for row in evaluation["groups"]:
        yield _row("group difference", row["group"], row["system"], row)
    for row in evaluation.get("coverage") or ():
        yield _row("coverage", row["group"], row["system"], row)
    for name, found in (evaluation.get("validity") or {}).items():
        yield _row("validity", name, "oracle < random < one group", {**found, "value": found["share"]})
    for system, found in (evaluation.get("degenerate") or {}).items():
        yield _row("degenerate", "share", system, {"value": found["share"], "n": found["n"]})
    report = evaluation.get("classifier") or {}
    if "accuracy" in report:
        cell = {"value": report["accuracy"], **{key: report[key] for key in ("low", "high")}}
        yield _row("classifier", "accuracy", "held-out opinions", {**cell, "n": report["n_heldout"]})
    if report.get("spd2_bias"):
        yield _row("classifier", "spd2 of its own errors", "held-out opinions", report["spd2_bias"])
    for encoder, found in (evaluation.get("polarity") or {}).items():
        yield _row(
            "polarity", encoder, "minimal pairs", {**found, "value": found["auc"], "n": found["pairs"]}
        )
    for name, texts in (perplexity or {}).items():
        for system in ("dense", "pruned"):
            cell = texts[system]
            yield _row("perplexity", name, system, {**cell, "n": cell["tokens"] or None})
        yield _row("perplexity", name, "ratio", {"value": texts["ratio"]})


def _sides(name: str, system: str, cell: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Bounds for unscored summaries, and the distance from the best value of a signed metric, as rows of their own."""
    bounds = cell.get("bounds") or {}
    for end in ("low_fair", "high_unfair"):
        if bounds.get(end) is not None:
            yield _row("bounds", name, f"{system}, {end}", {"value": bounds[end], "n": bounds["n"]})
    if cell.get("distance"):
        yield _row("distance from the best value", name, system, {**cell["distance"], "n": cell.get("n")})


def _row(part: str, name: str, system: str, cell: Mapping[str, Any]) -> dict[str, Any]:
    return {"part": part, "name": name, "system": system, **{key: cell.get(key) for key in CELL}}


def samples_frame(
    run_id: str, samples: Sequence[Mapping[str, Any]], sets: Sequence[OpinionSet], groups: Sequence[str]
) -> pd.DataFrame:
    """One row per sample, in the order in which they were drawn: scores and shares of both systems, empty where missing.

    Args:
        groups: of the corpus: each has its share of the source and of the summaries in columns of its own.
    """
    rows = []
    for place, (sample, one) in enumerate(zip(samples, sets, strict=True), start=1):
        row: dict[str, Any] = {
            "run": run_id,
            "sample": place,
            "set_id": one.id,
            "topic": one.topic,
            "composition": one.composition,
            "n_opinions": len(one.opinions),
            "loss_ratio": sample.get("loss_ratio"),
        }
        for system in ("dense", "pruned"):
            own = sample.get(system) or {}
            row |= {f"{system}_{key}": own.get(key) for key in SAMPLE}
            why = own.get("reasons") or {}
            row[f"{system}_missing"] = "; ".join(f"{key}: {why[key]}" for key in SAMPLE if key in why) or None
            row[f"{system}_degenerate"] = "; ".join(map(str, own.get("degenerate") or [])) or None
            for group in groups:
                row[f"{system}_share_{group}"] = (own.get("p_y") or {}).get(group)
        for group in groups:
            fair = [
                ((sample.get(system) or {}).get("p_x") or {}).get(group) for system in ("dense", "pruned")
            ]
            row[f"fair_share_{group}"] = fair[0] if fair[0] is not None else fair[1]
        rows.append(row)
    frame = pd.DataFrame(rows)
    return frame.astype(
        {f"{system}_{key}": "Int64" for system in ("dense", "pruned") for key in ("bur", "words")}
    )


def file_of(frame: pd.DataFrame, ending: str, *, tex: Sequence[str], caption: str) -> bytes:
    """The frame as CSV (UTF-8), Parquet, or a LaTeX table with booktabs' lines.

    Args:
        ending: one of FORMATS.
        tex: columns of the LaTeX table.
        caption: of the LaTeX table, plain text.
    """
    if ending == "parquet":
        buffer = io.BytesIO()
        frame.to_parquet(buffer, index=False)
        return buffer.getvalue()
    if ending == "csv":
        safe = frame.rename(columns=neutral)
        for name in safe.columns:
            if not pd.api.types.is_numeric_dtype(safe[name]):
                safe[name] = safe[name].map(neutral, na_action="ignore")
        return safe.to_csv(index=False).encode()
    shown = frame[[name for name in tex if name in frame.columns]].copy()
    for name in shown.columns:
        if not pd.api.types.is_numeric_dtype(shown[name]):
            shown[name] = shown[name].map(lambda text: re.sub(r"\s+", " ", str(text)), na_action="ignore")
    header = "% needs \\usepackage{booktabs} and \\usepackage{longtable}\n"
    table = shown.to_latex(
        index=False,
        escape=True,
        longtable=True,
        float_format="%.4f",
        na_rep="--",
        caption=_escaped(caption),
    )
    return (header + table).encode()


def _escaped(text: str) -> str:
    """Plain text for LaTeX; pandas escapes cells, not captions."""
    signs = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return "".join(signs.get(sign, f"\\{sign}" if sign in "&%$#_{}" else sign) for sign in text)
