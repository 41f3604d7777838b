import os
import signal
import subprocess
import sys

import pytest

from fairprune.errors import BadInput
from fairprune.executors.lifeline import VARIABLE, watch

# Ties itself to the pipe, starts a grandchild, says both pids, sleeps.
CHILD = """
import os, subprocess, sys, time
from fairprune.executors.lifeline import VARIABLE, watch
assert watch()
assert VARIABLE not in os.environ
grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(os.getpid(), grandchild.pid, flush=True)
time.sleep(60)
"""


def test_without_a_worker_nothing_is_watched(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert watch() is False


@pytest.mark.parametrize("value", ["seven", "987654"])
def test_a_wrong_descriptor_is_named(monkeypatch, value):
    monkeypatch.setenv(VARIABLE, value)
    with pytest.raises(BadInput, match=f"{VARIABLE}='{value}' is not an open file descriptor"):
        watch()


def test_the_group_dies_with_the_other_end_of_the_pipe():
    read_end, write_end = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        pass_fds=(read_end,),
        env={**os.environ, VARIABLE: str(read_end)},
    )
    os.close(read_end)
    child, _grandchild = (int(number) for number in process.stdout.readline().split())
    assert child == process.pid
    assert process.poll() is None
    os.close(write_end)
    # The grandchild holds the other end of this output too: its end is read only when both are gone.
    assert process.stdout.read() == ""
    assert process.wait(5) == -signal.SIGKILL
    process.stdout.close()
