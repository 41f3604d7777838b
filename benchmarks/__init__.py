"""What is promised of speed and memory, measured."""

import fairprune  # noqa: F401 - before torch: it says how torch's threads wait
