"""MetricSpec: every choice that decides a fairness number. Specs stored before a field existed read as its default."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from fairprune.errors import BadInput, unknown
from fairprune.metrics.margins import MARGINS, check_family, complete_margins
from fairprune.part import Part

Matcher = Literal["ngram", "embedding", "label", "bertscore", "bartscore"]
Extra = Literal["ec", "cp", "ec_embedding", "cp_embedding"]
TEMPERATURES: dict[str, float] = {"embedding": 0.1, "bertscore": 2.0, "bartscore": 2.0}
"""T of the softmax where none is asked for: 2 as in the released code (whose own default was .1), and .1 for
sentence embeddings, whose similarities of two groups differ by hundredths."""
BARTSCORE_MODEL = "facebook/bart-large-cnn"
BERTSCORE_MODEL = "roberta-large"
"""The models of the released code."""


class MetricSpec(Part):
    tau: str = Field(
        "0.8", description="BUR's threshold: a group is under-represented below tau times its source share."
    )
    reading: Literal["ratio", "equal"] = Field(
        "ratio",
        description="Fair share of a group: its share of the source (ratio), or the same for all groups (equal).",
    )
    ties: Literal["lt", "le"] = Field(
        "lt",
        description="At exactly tau a group counts as fair (lt, the paper) or unfair (le, released code).",
    )
    zero_match: Literal["unscored", "uniform"] = Field(
        "unscored",
        description="A summary without any matched token is left out and counted, or taken as uniform (as published).",
    )
    none_below: float = Field(
        0.6,
        ge=0,
        le=1,
        description="A sentence whose likeliest group has less than this probability has no group.",
    )
    matcher: Matcher = Field(
        "ngram",
        description="How BUR, UER, AUC and SOF read a summary's shares: shared words (ngram), sentence embeddings "
        "(embedding), labelled sentences (label), bertscore or bartscore.",
    )
    matcher_model: str = Field(
        "",
        description="Model of the matcher, hub id or local folder; empty for the packaged MiniLM. bartscore needs one, "
        f"as published {BARTSCORE_MODEL}; published for bertscore: {BERTSCORE_MODEL}.",
    )
    temperature: float | None = Field(
        None,
        gt=0,
        le=1000,
        description="T of softmax(similarity / T) over groups: a small T gives nearly all to the most similar group, a large "
        "one nearly the same to each. Empty: 2 for bertscore and bartscore, as released; 0.1 for embedding.",
    )
    bertscore: Literal["precision", "f1"] = Field(
        "precision",
        description="What bertscore takes as similarity: the precision of the summary's tokens (released code) or F1.",
    )
    extra_stop_words: tuple[str, ...] = Field(
        (),
        description="Words that the ngram matcher leaves out besides NLTK's English stop words; the released code also "
        "leaves out 'people' and the stop words of other languages.",
    )
    spd2_source: Literal["classifier", "gold-source", "confusion-corrected"] = Field(
        "classifier",
        description="SPD2's source balance: labelled by the classifier like the summary (classifier), from the opinions' own "
        "groups (gold-source), or both sides labelled and corrected by the held-out confusion matrix.",
    )
    extra: tuple[Extra, ...] = Field(
        (),
        description="Metrics scored besides the usual ones: ec, cp (entailment), ec_embedding, cp_embedding (similarity); "
        "they take time.",
    )
    entailment_model: str = Field(
        "", description="Entailment (NLI) model of ec and cp, hub id or local folder; they need one."
    )
    resamples: int = Field(2000, ge=100, le=100_000, description="Bootstrap resamples of topics.")
    seed: int = Field(0, ge=0, lt=2**32, description="Seed of the bootstrap and of the random extract.")
    margins: dict[str, float] = Field(
        default_factory=lambda: dict(MARGINS),
        description="Largest harm that would be accepted, per metric, as a fraction: bur 0.05 is 5 points; SPD2's is of |SPD2|.",
    )
    primary: tuple[str, ...] = Field(
        ("bur",),
        description="Metrics named before looking: their tests are adjusted together (Holm). All others are exploratory.",
    )
    alpha: float = Field(0.05, gt=0, lt=0.5, description="Error rate of the paired test and of verdicts.")
    labels: str = Field(
        "packaged",
        pattern=r"^(packaged|given|model:\S.*)$",
        description="Who labels sentences by group: packaged (embeddings and logistic regression, trained on the corpus), "
        "model:ID_OR_FOLDER (a text-classification model), or given (opinions keep their own groups, the packaged one "
        "labels the summaries).",
    )
    label_map: dict[str, str] = Field(
        default_factory=dict,
        description="Label of the model = group of the corpus, where their names differ; other labels stand for no group.",
    )
    labels_identity: str = Field(
        "", description="Hash of the label model's weights, filled in when a run is submitted."
    )
    quality_bertscore: str = Field(
        "none",
        min_length=1,
        description="BERTScore of the summaries against the source: none, packaged (MiniLM; reading all opinions again takes "
        "a second or two per eight of them), or a published encoder by hub id or folder.",
    )

    @field_validator("extra", "extra_stop_words", mode="before")
    @classmethod
    def _words(cls, value: Any) -> Any:
        """'ec,cp' and ['cp', 'ec', 'ec'] are the same choice: sorted, each once, lower case."""
        if isinstance(value, str):
            value = value.split(",")
        if isinstance(value, list | tuple) and all(isinstance(word, str) for word in value):
            return tuple(sorted({word.strip().lower() for word in value} - {""}))
        return value

    @field_validator("primary", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        """'uer,bur' and ['uer', 'bur'] are the same family."""
        return [name.strip() for name in value.split(",")] if isinstance(value, str) else value

    @field_validator("label_map", mode="before")
    @classmethod
    def _pairs(cls, value: Any) -> Any:
        """'LABEL_0=fresh,LABEL_1=rotten' is a mapping, too."""
        if isinstance(value, str):
            found = [pair.partition("=") for pair in value.split(",")]
            if all(equals for _, equals, _ in found):
                return {label.strip(): group.strip() for label, _, group in found}
        return value

    @model_validator(mode="before")
    @classmethod
    def _other_margins_stay(cls, values: Any) -> Any:
        if isinstance(values, dict) and isinstance(values.get("margins"), dict):
            values = {**values, "margins": complete_margins(values["margins"])}
        return values

    @model_validator(mode="after")
    def _family_is_known(self) -> Self:
        check_family(self.margins, self.primary, self.extra)
        return self

    @model_validator(mode="after")
    def _labels_fit(self) -> Self:
        if self.label_map and not self.labels.startswith("model:"):
            raise BadInput(
                f"label_map renames the labels of a model, but labels is {self.labels!r}: leave the map out, or name a model"
            )
        if self.labels == "given" and self.spd2_source == "confusion-corrected":
            raise BadInput(
                "spd2_source 'confusion-corrected' takes a classifier's errors out of source and summary, but with labels "
                "'given' the source has none: choose gold-source, or labels packaged or model:ID_OR_FOLDER"
            )
        return self

    @model_validator(mode="after")
    def _tau_is_a_share(self) -> Self:
        try:
            value = Fraction(self.tau)
        except (ValueError, ZeroDivisionError) as error:
            raise BadInput(
                f"tau {self.tau!r} is not a number: write a decimal or a fraction, such as 0.8 or 4/5"
            ) from error
        if not 0 <= value <= 1:
            raise BadInput(f"tau {self.tau!r} is outside [0, 1]")
        return self

    @model_validator(mode="after")
    def _models_fit(self) -> Self:
        if self.matcher == "bartscore" and not self.matcher_model:
            raise BadInput(
                "matcher 'bartscore' needs a matcher_model, and none is packaged: give an encoder-decoder model by hub id or "
                f"folder, as published {BARTSCORE_MODEL}"
            )
        if self.matcher in ("ngram", "label"):
            for name, value in (("matcher_model", self.matcher_model), ("temperature", self.temperature)):
                if value:
                    raise BadInput(
                        f"matcher {self.matcher!r} takes no {name}, but got {value!r}: leave it empty"
                    )
        wanting = [name for name in self.extra if name in ("ec", "cp")]
        if wanting and not self.entailment_model:
            raise BadInput(
                f"{' and '.join(wanting)} need an entailment_model, and none is packaged: give an NLI model by hub id or "
                "folder, or ask for ec_embedding and cp_embedding, which measure similarity instead"
            )
        return self

    def by_words(self) -> MetricSpec:
        """The same choices with the n-gram matcher and no number that needs a model."""
        plain = {
            "matcher": "ngram",
            "matcher_model": "",
            "temperature": None,
            "extra": (),
            "entailment_model": "",
            "quality_bertscore": "none",
        }
        return self.model_copy(update=plain)

    @property
    def softmax_temperature(self) -> float:
        """T of the chosen matcher.

        Raises:
            KeyError: the matcher counts and has none.
        """
        return TEMPERATURES[self.matcher] if self.temperature is None else self.temperature


def parse_choices(pairs: Sequence[str], others: Sequence[str]) -> dict[str, str]:
    """['matcher=label'] → {'matcher': 'label'}: choices of the metrics as a command line gives them.

    Args:
        others: fields that cannot be chosen here, because they have an option of their own.

    Raises:
        BadInput: a field that the spec does not have or that has its own option, one that stands twice.
    """
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise BadInput(f"--metric {pair!r} is not KEY=VALUE, such as matcher=label")
        if name not in MetricSpec.model_fields or name in others:
            known = [field for field in MetricSpec.model_fields if field not in others]
            raise unknown("KEY of --metric", name, known)
        if name in found:
            raise BadInput(f"--metric {name} was given twice")
        found[name] = value
    return found
