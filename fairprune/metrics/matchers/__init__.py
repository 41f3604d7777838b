"""Matchers: whom a summary speaks for. One file each; the matcher is part of a metric's name."""
