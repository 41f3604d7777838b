"""Matchers: from texts to counts per group. The matcher is part of a metric's name."""
