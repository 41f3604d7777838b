"""Studies of human judgments in the database: all of it, as one part of the store. `docs/judgments-store.md` tells how it goes."""

from __future__ import annotations

from fairprune.store.judgments_answers import Answers
from fairprune.store.judgments_imported import Imported
from fairprune.store.judgments_judges import Judges
from fairprune.store.judgments_links import Links
from fairprune.store.judgments_rows import Rows
from fairprune.store.judgments_studies import Studies


class Judgments(Studies, Links, Judges, Answers, Rows, Imported):
    """What leads plan, what judges answer, and what comes of it."""
