"""What a run will need, told before it starts: memory of accelerator and host, disk and time. Without torch.

    estimate(spec) -> Preflight        setting_that_fits(preflight) -> Setting | None

shapes: headers → matrices · asked: spec → the work, and what is stored already · memory: → stages · rates, duration: earlier
runs → a time range · machine: what is free here · flight: all of it together · fitting: a setting that fits, where the one
asked for does not · words: all of it for a person.
"""

from fairprune.preflight.duration import TimeRange
from fairprune.preflight.fitting import Setting, setting_that_fits
from fairprune.preflight.flight import Preflight, estimate, placement_of
from fairprune.preflight.machine import Machine, this_machine
from fairprune.preflight.memory import Part, Stage

__all__ = [
    "Machine",
    "Part",
    "Preflight",
    "Setting",
    "Stage",
    "TimeRange",
    "estimate",
    "placement_of",
    "setting_that_fits",
    "this_machine",
]
