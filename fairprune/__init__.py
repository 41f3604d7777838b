"""fairprune: prune a language model, and see whom its summaries stop hearing."""

__version__ = "0.1.0"
