"""A run as a talk: the question → one summary that changed → the trade-off → the layers → you judge.

pair: the two summaries of a sample · story: stored runs → slides, plain values · figures: their charts · document: slides → one
file that needs nothing else. The app draws the same slides with the same script.
"""
