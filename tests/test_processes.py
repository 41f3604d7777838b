"""Which processes are there."""

import os
import subprocess
import sys

from fairprune.processes import lives


def test_a_process_lives_until_it_has_ended_and_was_waited_for():
    assert lives(os.getpid())
    assert lives(1)  # of the system
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert not lives(process.pid)
