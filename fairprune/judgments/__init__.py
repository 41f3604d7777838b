"""Human judgments of fairness: the plan of a study, and what its votes say. Values in, values out: no page, no torch.

Five modules take a `Store`: `material`, `building` and `registering` make a study of stored runs; `closed` reads a closed study, and
`wins` the closed studies of runs. `checks` and `facts` know the store's values of items alone. `results`, `report_file` and
`closed_files` work on what `closed` has read.
"""
