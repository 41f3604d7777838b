"""What `benchmarks.debias` measures, part by part: each yields rows of what came out, as JSON."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import torch

from benchmarks.debias_outcome import outcome
from benchmarks.debias_setup import Setup
from benchmarks.pruning import bare_forward, middle_of, ratio, timed
from fairprune.allocation import Target
from fairprune.calibration import CalibrationSet, calibration_set
from fairprune.debias.auroc import RESAMPLES, estimate_json
from fairprune.debias.collapse import class_totals
from fairprune.debias.collapse_job import Collapse
from fairprune.debias.collapse_report import ALL, CONTROL, GROUP
from fairprune.debias.contexts import check_apart, word_contexts
from fairprune.debias.denp import Text, affected_windows, rac_document, text_losses
from fairprune.debias.nc3 import Nc3Loss
from fairprune.debias.recovery import RecoveryReport, recover
from fairprune.debias.recovery_losses import held_back, loss_document
from fairprune.debias.spin_job import measure_dense, run_spin, time_selection
from fairprune.debias.words import load_words, single_tokens
from fairprune.debias_spec import EditSpec, RecoverySpec
from fairprune.methods import get_method
from fairprune.models import LoadedModel, load
from fairprune.opinions import Corpus
from fairprune.perplexity import held_out_windows
from fairprune.prune import Calibration, prune
from fairprune.spec import CalibrationSpec, EvaluationSpec
from fairprune.uncertainty import FloatArray, draw_resamples, estimate_difference, weighted_mean
from tests import denp_toys

Row = tuple[str, dict[str, Any]]  # name of the row, what was found


# The toys ---------------------------------------------------------------------------------------------------


def toys(setup: Setup) -> Iterator[Row]:
    """Both toys, as `tests/denp_toys.py` builds them."""
    n = len(setup.seeds)
    for done, seed in enumerate(setup.seeds):
        setup.report(done, 2 * n, f"toy classifier: seed {seed}")
        one = denp_toys.classifier_toy(seed)
        yield (
            f"toys/classifier/{seed}",
            {
                "seed": seed,
                "auroc": {"accumulated confidence": one.auroc_ac, "dense confidence": one.auroc_dense},
                "by path": list(one.auroc_paths),
                "split": one.splits.split.to_json(),
                "by class": {str(label): own.to_json() for label, own in one.splits.by_class.items()},
                "kept": [label for label, kept in one.splits.kept.items() if kept],
                "sizes": list(one.splits.sizes.values()),
                "accuracy": one.accuracy,
                "by round": list(one.auroc_by_round),
                "shortcut left": denp_toys.shortcut_left(seed),
                "worst": one.worst,
            },
        )
    for done, seed in enumerate(setup.seeds):
        setup.report(n + done, 2 * n, f"toy language model: seed {seed}")
        toy = denp_toys.language_model_toy(seed)
        found = denp_toys.affected(toy, seed=seed)
        pruned, _ = denp_toys.pruned_copy(toy)
        gaps = {"dense": denp_toys.gap(toy.loaded, toy.tested), "pruned": denp_toys.gap(pruned, toy.tested)}
        gaps["uniform"] = denp_toys.recovered_gap(toy, None)
        if found.split.accepted:
            weights = found.weights()
            gaps["weighted"] = denp_toys.recovered_gap(toy, weights)
            # As a run has it, whose windows hold texts of both sets.
            by_token = np.repeat(weights[:, None], toy.learned.ids.shape[1], axis=1)
            gaps["tokens weighed"] = denp_toys.recovered_gap(toy, by_token)
        yield (
            f"toys/language model/{seed}",
            {"seed": seed, "auroc": denp_toys.aurocs(found), "split": found.split.to_json(), "gap": gaps},
        )


# SPIN -------------------------------------------------------------------------------------------------------


def spin(setup: Setup) -> Iterator[Row]:
    """The edit after Wanda, beside both controls, on prompts that the choice has not read."""
    edit = edit_of(setup)
    loaded = load(setup.folder)
    dense = measure_dense(loaded, edit, setup.report, measured=setup.prompts) if setup.dense else None
    prune_by_wanda(setup, loaded, windows_of(setup, loaded, setup.corpora[0]))
    found = run_spin(loaded, edit, setup.report, dense=dense, measured=setup.prompts)
    choice = {name: value for name, value in found["choice"].items() if name != "matrices"}
    choice["matrices"] = sum(one["chosen"] > 0 for one in found["choice"]["matrices"])
    kept = ("edit", "sets", "controls", "measured_on", "quantities", "verdict", "hsic", "seconds")
    yield f"spin/{edit.ratio:g}", {**{name: found[name] for name in kept}, "choice": choice}


def edit_of(setup: Setup) -> EditSpec:
    return EditSpec(ratio=setup.ratio, general_ratio=setup.general_ratio, samples=setup.samples, **setup.sets)


def windows_of(setup: Setup, loaded: LoadedModel, corpus: Corpus) -> CalibrationSet:
    """Balanced windows of the calibration split."""
    assert loaded.tokenizer is not None
    spec = CalibrationSpec(
        name="balanced", corpus=corpus.info.name, samples=setup.windows, seqlen=setup.tokens
    )
    return calibration_set(spec, corpus, loaded.tokenizer)


def prune_by_wanda(setup: Setup, loaded: LoadedModel, windows: CalibrationSet) -> None:
    wanda = get_method("wanda")
    setup.report(0, 1, f"Wanda at {setup.sparsity:.0%}")
    for _ in prune(loaded, wanda, wanda.parse_options({}), Target(setup.sparsity), Calibration.of(windows)):
        pass


# Neural Collapse --------------------------------------------------------------------------------------------


def collapse(setup: Setup) -> Iterator[Row]:
    """UNC3 recoveries of the pruned model, one per setting, each from the same weights, beside as many steps without the term."""
    corpus = setup.corpora[0]
    loaded = load(setup.folder)
    assert loaded.tokenizer is not None
    looked = look_of(setup, loaded, corpus)
    looked.look("dense", loaded, setup.report)
    texts = perplexity_texts(loaded, corpus, setup)
    losses = {"dense": losses_of(loaded, texts)}
    prune_by_wanda(setup, loaded, windows_of(setup, loaded, corpus))
    looked.look("pruned", loaded, setup.report)
    losses["pruned"] = losses_of(loaded, texts)
    whole = {"setting": None, "least": setup.least, **compared(looked, losses, texts, "dense", "pruned")}
    place = f"collapse/{setup.words}/{len(looked.ids)} windows"
    yield f"{place}/pruned", whole
    words = single_tokens(loaded.tokenizer, load_words(setup.words))
    trained = word_contexts(
        loaded.tokenizer,
        corpus,
        "calibration",
        words.all_ids,
        tokens=setup.context_tokens,
        windows=setup.contexts,
    )
    check_apart(trained.ids, looked.ids)
    before = copy.deepcopy(loaded.model.state_dict())
    for strength, rate, moves in product((0.0, *setup.strengths), setup.rates, setup.moving):
        common = {
            "steps": setup.steps,
            "learning_rate": rate,
            "batch_size": setup.batch,
            "samples": len(trained.ids),
            "seqlen": setup.context_tokens,
        }
        asked = RecoverySpec(kind="nc3", strength=strength, words=setup.words, parameters=moves, **common)
        term = Nc3Loss(words.all_ids, strength)
        start = time.perf_counter()
        windows = Calibration(torch.from_numpy(trained.ids))
        done = recovered(setup, loaded, windows, None, asked, term)
        name = f"strength {strength:g}, rate {rate:g}, {moves}, {setup.steps} steps"
        looked.look("after", loaded, setup.report)
        losses["after"] = losses_of(loaded, texts)
        loaded.model.load_state_dict(before)
        yield (
            f"{place}/{name}",
            {
                "setting": asked.model_dump(mode="json"),
                "least": setup.least,
                "words": words.sentence(),
                "tied": done["tied"],
                "notes": done["notes"],
                # Of the control the term is measured and weighs nothing.
                "term": [[step, value / strength] for step, value in done["extra"]] if strength else None,
                "seconds": time.perf_counter() - start,
                **compared(looked, losses, texts, "pruned", "after"),
            },
        )


def look_of(setup: Setup, loaded: LoadedModel, corpus: Corpus) -> Collapse:
    return Collapse.of(
        loaded, corpus, setup.words, setup.contexts, tokens=setup.context_tokens, min_count=setup.least
    )


def perplexity_texts(loaded: LoadedModel, corpus: Corpus, setup: Setup) -> dict[str, list[Text]]:
    """Windows of held-out opinions and of general text, each a text whose loss counts."""
    asked = EvaluationSpec(perplexity_windows=setup.held_out, perplexity_tokens=64)
    return {
        name: [
            Text(f"window {row}", tuple(ids), (False, *(True for _ in ids[1:])))
            for row, ids in enumerate(windows.ids.tolist())
        ]
        for name, windows in held_out_windows(loaded, corpus, asked).items()
        if len(windows.ids)
    }


def losses_of(loaded: LoadedModel, texts: Mapping[str, Sequence[Text]]) -> dict[str, FloatArray]:
    return {name: text_losses(loaded, own) for name, own in texts.items()}


def perplexity_ratio(after: FloatArray, before: FloatArray) -> dict[str, Any]:
    """exp of the mean rise of the loss per token, over windows of equal length, with its interval over windows."""
    draws = draw_resamples([str(row) for row in range(len(after))], [""] * len(after), RESAMPLES, 0)
    found = estimate_json(estimate_difference(weighted_mean, after[:, None], before[:, None], draws))
    ends = {name: found[name] for name in ("value", "low", "high")}
    return found | {name: None if end is None else math.exp(end) for name, end in ends.items()}


def compared(
    looked: Collapse,
    losses: Mapping[str, Mapping[str, FloatArray]],
    texts: Mapping[str, Sequence[Text]],
    before: str,
    after: str,
) -> dict[str, Any]:
    """Neural Collapse of group and control words, and the perplexities, of one model beside another."""
    document = looked.document(before, after)
    return {
        "source": looked.source,
        "windows": document["windows"],
        "lists": {
            name: {
                "words": document["lists"][name]["words"],
                "features": document["lists"][name]["features"],
                **{measure: document["lists"][name]["measures"][measure] for measure in document["measures"]},
            }
            for name in (GROUP, CONTROL)
        },
        "against_control": document["against_control"],
        "perplexity": {name: perplexity_ratio(losses[after][name], losses[before][name]) for name in texts},
    }


def recovered(
    setup: Setup,
    loaded: LoadedModel,
    windows: Calibration,
    weights: FloatArray | None,
    asked: RecoverySpec,
    term: Nc3Loss | None = None,
) -> dict[str, Any]:
    """Recovers in place; what the recovery reports."""
    report: dict[str, Any] = {}
    for event in recover(loaded, None, windows, weights, asked, term):
        if isinstance(event, RecoveryReport):
            report = event.to_json()
        else:
            setup.report(event.step, event.steps, str(event))
    return report


# DENP -------------------------------------------------------------------------------------------------------


def denp(setup: Setup) -> Iterator[Row]:
    """On each corpus: the split of RAC, and the worst group's loss after as many weighted as uniform steps."""
    for corpus in setup.corpora:
        loaded = load(setup.folder)
        assert loaded.tokenizer is not None
        windows = windows_of(setup, loaded, corpus)
        found = affected_windows(loaded, windows, report=setup.report)
        told = rac_document(found)
        told.pop("texts")  # of other people
        # A refused split gives no run its weights; here they show what refusing has spared.
        weights = replace(found, split=replace(found.split, accepted=True)).weights()
        # As a run does: the prompt is read, and the opinions' tokens count.
        counts = np.zeros(windows.ids.shape, dtype=np.bool_)
        for text in found.places:
            counts[text.window] |= text.counts
        opinions = Calibration.of(replace(windows, weights=None, loss_mask=counts))
        texts = held_back(loaded.tokenizer, corpus, 0)
        losses = {"dense": text_losses(loaded, texts)}
        prune_by_wanda(setup, loaded, windows)
        losses["pruned"] = text_losses(loaded, texts)
        before = copy.deepcopy(loaded.model.state_dict())
        asked = RecoverySpec(kind="uniform", steps=setup.steps, learning_rate=setup.rate)
        reports = {}
        for name, own in {"uniform": None, "weighted": weights}.items():
            reports[name] = recovered(setup, loaded, opinions, own, asked)
            losses[name] = text_losses(loaded, texts)
            loaded.model.load_state_dict(before)
        yield (
            f"denp/{corpus.info.name}",
            {
                "rac": told,
                "weights": {"from": float(weights.min()), "to": float(weights.max())},
                "recovery": {
                    "steps": asked.steps,
                    "learning_rate": asked.learning_rate,
                    "batch_size": asked.batch_size,
                    "tokens": {name: one["tokens"] for name, one in reports.items()},
                },
                "recovered": {
                    name: loss_document(texts, losses["pruned"], losses[name], 0) for name in reports
                },
                "weighted_to_uniform": loss_document(texts, losses["uniform"], losses["weighted"], 0),
                "pruned_to_dense": loss_document(texts, losses["dense"], losses["pruned"], 0),
            },
        )


# Time -------------------------------------------------------------------------------------------------------


def speed(setup: Setup) -> Iterator[Row]:
    """SPIN beside its bare passes, and the collapse report beside a bare forward, each in one process, one after the other."""
    loaded = load(setup.folder)
    edit = edit_of(setup)
    timing = time_selection(loaded, edit)
    yield "speed/spin", {"samples": setup.samples, **timing.to_json()}
    corpus = setup.corpora[0]
    looked = look_of(setup, loaded, corpus)
    ids = torch.from_numpy(looked.ids.astype(np.int64))
    parts = ids.split(max(1, 2048 // ids.shape[1]))
    times: dict[str, list[Any]] = {"forward": [], "without logits": [], "pass": [], "document": []}
    looked.look("dense", loaded, setup.report)

    def walk() -> None:
        with torch.no_grad():
            for part in parts:
                loaded.model.base_model(input_ids=part, use_cache=False)

    works: dict[str, Callable[[], Any]] = {
        "forward": lambda: [bare_forward(loaded.model, part) for part in parts],
        "without logits": walk,
        "pass": lambda: class_totals(loaded, looked.ids, looked.lists.ids, whole=(ALL,)),
        "document": lambda: looked.document("dense", "dense"),
    }
    for done in range(setup.rounds):
        for name, work in works.items():
            setup.report(done, setup.rounds, f"collapse report: {name}, round {done + 1}")
            times[name].append(timed(work))
    middle = {name: middle_of(one) for name, one in times.items()}
    both = middle["pass"]
    yield (
        "speed/collapse",
        {
            "windows": len(looked.ids),
            "tokens": int(looked.ids.shape[1]),
            "rounds": setup.rounds,
            "seconds": {name: one._asdict() for name, one in middle.items()},
            "pass / forward": ratio(both, middle["forward"])._asdict(),
            "pass / forward without logits": ratio(both, middle["without logits"])._asdict(),
            # A report is two passes and one document, beside two forward passes.
            "report / forwards": {
                kind: (2 * getattr(both, kind) + getattr(middle["document"], kind))
                / (2 * getattr(middle["forward"], kind))
                for kind in ("wall", "processor")
            },
        },
    )


PARTS: dict[str, Callable[[Setup], Iterator[Row]]] = {
    "toys": toys,
    "spin": spin,
    "collapse": collapse,
    "outcome": outcome,
    "denp": denp,
    "speed": speed,
}
