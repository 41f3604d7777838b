"""The server of the app, which has imported what its pages need before anybody waits for it.

`python -m fairprune.ui.serve run app.py …` is `python -m streamlit run app.py …` that imports first (`loading`) and listens then.
Nothing imports this module: Python warns where the one that it runs is there already.
"""

from __future__ import annotations

import gc
import sys

if __name__ == "__main__":
    from streamlit.web.cli import main

    from fairprune.ui.loading import load

    load()
    gc.freeze()  # what is imported stays: the collector need not walk through it again
    sys.exit(main())
