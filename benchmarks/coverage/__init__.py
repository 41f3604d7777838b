"""Do the 95 % intervals cover, and do the tests err as rarely as they say? 1,000 made-up data sets per case and size.

    python -m benchmarks.coverage [--sets 1000] [--write]

worlds.py makes up whole populations of samples, whose rows the metrics themselves compute; study.py draws data sets from
them and counts; calibration.py does so for several calibration draws; tables.py writes what was found.
"""
