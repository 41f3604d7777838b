"""What the server imports before pages need it: nothing of torch, and after it no page has anything heavy left to import."""

from __future__ import annotations

import subprocess
import sys

import psutil

from tests.browser import server
from tests.conftest import ROOT

AFTER = """
import sys, threading
from fairprune.ui import loading
asked, page = threading.Event(), threading.Event()
script = threading.Thread(target=lambda: (loading.load_soon(), loading.load_soon(), asked.set(), page.wait(20)))
script.start()
assert asked.wait(20)
waiting = [one for one in threading.enumerate() if one.name == "load"]
assert len(waiting) == 1, waiting  # asked for twice
assert "pandas" not in sys.modules, "it must not import beside a page that is being drawn"
page.set()
waiting[0].join(60)
assert {"pandas", "plotly.basedatatypes", "scipy.optimize"} <= set(sys.modules)
assert not {"torch", "transformers"} & set(sys.modules)
loading.load()
print("loaded")
"""


def test_the_first_page_comes_before_the_imports():
    found = subprocess.run(
        [sys.executable, "-c", AFTER], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert found.stdout == "loaded\n", found.stderr


def test_the_server_has_imported_before_it_listens(tmp_path):
    """Asked of the running process: the libraries that it has mapped before anybody has opened a page."""
    with server(tmp_path, FAIRPRUNE_EXAMPLES="0"):
        (process,) = [one for one in psutil.Process().children() if "fairprune.ui.serve" in one.cmdline()]
        mapped = "\n".join(one.path for one in process.memory_maps())
    for library in ("pandas/_libs", "scipy/optimize", "pyarrow"):
        assert library in mapped, library
    assert "libtorch" not in mapped
    assert "Warning" not in (tmp_path / "server.log").read_text()
