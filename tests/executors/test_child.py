import os
import signal
import subprocess
import sys
import time

import pytest

from fairprune.executors.child import Child, failure_sentence, forget_abandoned
from tests.executors.place import gone


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("FAIRPRUNE_HOME", str(tmp_path))


def python(code):
    return [sys.executable, "-c", code]


def wait(child):
    deadline = time.monotonic() + 10
    while not child.ended():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_child_gets_the_run_id_and_its_exit_code_comes_back():
    with Child(
        "0123456789abcdef", python("import sys; sys.exit(7 if sys.argv[1] == '0123456789abcdef' else 8)")
    ) as child:
        wait(child)
        assert child.ended()  # looking does not reap
        assert child.end() == 7
        assert child.end() == 7
    assert child.ended()


def test_leaving_ends_a_child_that_sleeps():
    started = time.monotonic()
    with Child("0" * 16, python("import time; time.sleep(60)")) as child:
        assert not child.ended()
    assert child.end() == -signal.SIGTERM
    assert time.monotonic() - started < 3


def test_what_a_child_leaves_behind_is_ended_too(tmp_path):
    code = f"""
import subprocess, sys
process = subprocess.Popen([sys.executable, '-c', "import time; time.sleep(60)"])
open({str(tmp_path / "pid")!r}, "w").write(str(process.pid))
"""
    with Child("0" * 16, python(code)) as child:
        wait(child)
        assert child.end() == 0
    pid = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 5
    while not gone(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_last_lines_are_kept_and_the_states_of_a_progress_bar_folded():
    code = r"""
import sys
for number in range(100): sys.stderr.write(f"line {number}\n")
sys.stderr.write("10 %\r50 %\r100 %\n\n")
sys.stderr.buffer.write(b"bad \xff byte\n")
"""
    with Child("0" * 16, python(code)) as child:
        wait(child)
        lines = child.last_lines().split("\n")
        # 40 lines: the bar's last state, the bad byte and the 38 before them: 62 … 99.
        assert lines == [*(f"line {number}" for number in range(62, 100)), "100 %", "bad \ufffd byte"]
        child.forget_output()
    assert not child._errors.exists()


def test_a_command_that_is_not_there_is_an_error():
    with pytest.raises(FileNotFoundError):
        Child("0" * 16, ["/no/such/program"])


@pytest.mark.parametrize(
    ("code", "lines", "sentence"),
    [
        (-9, "", "probably out of memory"),
        (-11, "", "signal 11 (SIGSEGV)"),
        (-99, "", "signal 99 (unknown)"),
        (1, "Traceback\nValueError: no", "The run ended with exit code 1: ValueError: no"),
        (2, "", "exit code 2, and gave no reason."),
    ],
)
def test_a_failure_is_a_sentence(code, lines, sentence):
    assert sentence in failure_sentence(code, lines)


def test_a_child_that_stands_by_gets_its_run_later_and_its_output_is_the_runs(tmp_path):
    code = "import sys; print(sys.argv[1], sys.stdin.readline().strip(), file=sys.stderr)"
    with Child(None, python(code)) as child:
        time.sleep(0.1)
        assert not child.ended()
        child.take("0123456789abcdef")
        wait(child)
        assert child.last_lines() == "- 0123456789abcdef"
    assert [file.name for file in (tmp_path / "logs").iterdir()] == ["run-0123456789abcdef.log"]


def test_a_child_that_is_never_needed_is_ended(tmp_path):
    with Child(None, python("import sys; sys.stdin.readline()")) as child:
        pass
    assert child.end() == -signal.SIGTERM
    child.forget_output()
    assert not list((tmp_path / "logs").iterdir())


def test_what_a_killed_workers_standby_wrote_is_cleared_up(tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for name in (f"standby-{ended.pid}.log", f"standby-{os.getpid()}.log", "standby-x.log", "run-1.log"):
        (folder / name).write_text("")
    forget_abandoned()
    assert {file.name for file in folder.iterdir()} == {
        f"standby-{os.getpid()}.log",
        "standby-x.log",
        "run-1.log",
    }
