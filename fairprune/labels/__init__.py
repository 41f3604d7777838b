"""Which group a sentence speaks for, how sure that is, and how often it is wrong."""

from fairprune.labels.classifier import (
    MIN_PER_GROUP,
    MIN_TRAIN,
    TRAIN_OPINIONS,
    GroupClassifier,
    train_classifier,
    training_draw,
)
from fairprune.labels.embeddings import Embedder, cached, sentence_embedder
from fairprune.labels.labeller import Labeller, Probabilistic, checked, make_labeller
from fairprune.labels.sentences import MIXED, NONE, SentenceLabel, clauses, label_sentences

__all__ = [
    "MIN_PER_GROUP",
    "MIN_TRAIN",
    "MIXED",
    "NONE",
    "TRAIN_OPINIONS",
    "Embedder",
    "GroupClassifier",
    "Labeller",
    "Probabilistic",
    "SentenceLabel",
    "cached",
    "checked",
    "clauses",
    "label_sentences",
    "make_labeller",
    "sentence_embedder",
    "train_classifier",
    "training_draw",
]
