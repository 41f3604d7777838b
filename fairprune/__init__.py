"""fairprune: prune a language model, and see whom its summaries stop hearing."""

import os

__version__ = "0.1.0"

# Torch's threads wait for each other many thousand times a second, by default without giving up their core. Where
# another process wants a core, that costs a factor of twenty (a backward pass: 144 s instead of 7 s); giving it up costs
# nothing that could be measured on quiet ones. Read by OpenMP when torch is imported, so it is said before.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
