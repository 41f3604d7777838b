"""The server of the app, which has imported what its pages need before anybody waits for it.

`python -m fairprune.ui.serve run app.py …` is `python -m streamlit run app.py …` that imports first (`loading`) and listens then.
Nothing imports this module: Python warns where the one that it runs is there already.
"""

from __future__ import annotations

import gc
import sys

SWITCH = 0.0005
"""Seconds after which a thread that computes lets another one go on. Every statement to the database gives the interpreter away and has to
get it back; with Python's own 5 ms, and many judges at once, a vote waits that long for each of its statements."""

if __name__ == "__main__":
    from streamlit.web.cli import main

    from fairprune.ui.loading import load

    load()
    sys.setswitchinterval(SWITCH)
    gc.freeze()  # what is imported stays: the collector need not walk through it again
    sys.exit(main())
