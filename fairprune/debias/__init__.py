"""Edits and recoveries of pruned models: SPIN, (U)NC3 and DENP, their data and their controls (`docs/debias.md`)."""
