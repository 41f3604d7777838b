"""One run's child process: in a process group of its own, ended with all its descendants."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

from fairprune.executors.lifeline import VARIABLE
from fairprune.paths import subfolder
from fairprune.processes import lives

TERM_SECONDS = 2.0
"""How long a child has to end by itself after SIGTERM."""
DETAIL_LINES = 40
DETAIL_CHARACTERS = 8000


STANDBY = "-"
"""Instead of a run id: get ready (import what every run needs), then read the id from standard input."""
EXPLORE = "explore-"
"""Before the name of a device, instead of a run id: answer questions about a model that stays in memory."""
REPORT = "report-"
"""Before a kind of report, '-' and a run id, instead of a run id: make a report on a run that is done."""


class Child:
    """The process that executes a run. `end()` or leaving the `with` block leaves nothing of it behind."""

    def __init__(self, run_id: str | None, command: Sequence[str] | None = None) -> None:
        """Starts it.

        Args:
            run_id: None: it gets ready and waits for `take`, so that a run does not wait for its imports.
            command: the command before the run id; None: `python -m fairprune.worker`.

        Raises:
            OSError: the command cannot be started.
        """
        arguments = [*(command or (sys.executable, "-m", "fairprune.worker")), run_id or STANDBY]
        self._errors = subfolder("logs") / (f"run-{run_id}.log" if run_id else f"standby-{os.getpid()}.log")
        read_end, self._write_end = os.pipe()  # neither is inherited unless passed
        try:
            with self._errors.open("wb") as errors:
                self._process = subprocess.Popen(
                    arguments,
                    stdin=subprocess.DEVNULL if run_id else subprocess.PIPE,
                    stderr=errors,
                    start_new_session=True,
                    pass_fds=(read_end,),
                    env={**os.environ, VARIABLE: str(read_end)},
                )
        except OSError:
            os.close(self._write_end)
            raise
        finally:
            os.close(read_end)

    def take(self, run_id: str) -> None:
        """Gives a waiting child its run.

        Raises:
            OSError: it has ended.
        """
        assert self._process.stdin is not None
        with self._process.stdin as line:
            line.write(f"{run_id}\n".encode())
        self._errors = self._errors.replace(self._errors.with_name(f"run-{run_id}.log"))

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def pid(self) -> int:
        return self._process.pid

    def ended(self) -> bool:
        """Whether it has ended. It is not yet reaped, so its group's number cannot go to another process."""
        if self._process.returncode is not None:
            return True
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def end(self) -> int:
        """Ends the child and all that it started: SIGTERM, 2 s later SIGKILL. The child's exit code."""
        if self._process.returncode is None:
            if not self.ended():
                self._signal(signal.SIGTERM)
                deadline = time.monotonic() + TERM_SECONDS
                while not self.ended() and time.monotonic() < deadline:
                    time.sleep(0.05)
            # Descendants may have ignored SIGTERM, or been left behind by a child that ended.
            self._signal(signal.SIGKILL)
            self._process.wait()
            os.close(self._write_end)
            if self._process.stdin is not None:
                with suppress(OSError):  # what was not read by a child that has ended
                    self._process.stdin.close()
        return self._process.returncode

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def last_lines(self) -> str:
        """The end of what it wrote to its standard error."""
        with self._errors.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 4 * DETAIL_CHARACTERS))
            text = file.read().decode("utf-8", "replace")
        # A progress bar rewrites its line after every \r: only the last state of it is kept.
        lines = [re.split(r"\r(?!$)", line)[-1].rstrip() for line in text.split("\n")]
        return "\n".join([line for line in lines if line][-DETAIL_LINES:])[-DETAIL_CHARACTERS:]

    def forget_output(self) -> None:
        """Deletes the file of its standard error."""
        self._errors.unlink(missing_ok=True)


def forget_abandoned() -> None:
    """Deletes what children wrote that stood by for a worker which was killed."""
    for file in subfolder("logs").glob("standby-*.log"):
        number = file.stem.removeprefix("standby-")
        if number.isdecimal() and not lives(int(number)):
            file.unlink(missing_ok=True)


def failure_sentence(code: int, last_lines: str, what: str = "run") -> str:
    """What an exit code other than 0 and 3 means, for a person.

    >>> failure_sentence(1, "Traceback …\\nValueError: no")
    'The run ended with exit code 1: ValueError: no'
    """
    if code == -signal.SIGKILL:
        return (
            f"The system ended the {what}'s process (signal 9): probably out of memory. "
            "Choose a smaller model, a smaller batch or shorter calibration windows."
            if what == "run"
            else f"The {what}'s process was ended (signal 9): by somebody, or because memory ran out."
        )
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = "unknown"
        return f"The {what}'s process was ended by signal {-code} ({name})."
    last = last_lines.rsplit("\n", 1)[-1].strip()
    return f"The {what} ended with exit code {code}" + (
        f": {last[:300]}" if last else ", and gave no reason."
    )
