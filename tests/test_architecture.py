"""The rules of the house, as `docs/architecture.md` states them."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGE = ROOT / "fairprune"
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))
PAGES = [ROOT / "app.py", *sorted((ROOT / "pages").glob("*.py"))]
HEAVY = {"torch", "transformers", "sentence_transformers", "datasets"}

# Modules that a test file of another name covers.
COVERED_BY = {
    "corpora/__init__": "corpora/test_bundled",
    "corpora/movies": "corpora/test_bundled",
    "corpora/politics": "corpora/test_bundled",
    "corpora/products": "corpora/test_bundled",
    "corpora/stored": "corpora/test_user",
    "debias/__init__": "debias/test_data",
    "tables": "test_results",
    "generations": "test_worker",
    "part": "test_metric_spec",
    "scores": "test_worker",
    "cli_options": "test_cli",
    "executors/__init__": "executors/test_launch",
    "migrations/__init__": "test_store_database",
    "migrations/env": "test_store_database",
    "migrations/versions/r0001_first_tables": "test_store_database",
    "migrations/versions/r0002_library": "test_store_library",
    "migrations/versions/r0003_settings": "test_store_exchange",
    "migrations/versions/r0004_explorations": "test_store_explorations",
    "migrations/versions/r0005_audience": "test_store_audience",
    "migrations/versions/r0006_judgments": "test_store_judgments",
    "migrations/versions/r0008_reports": "test_store_reports",
    "debias_plan": "test_debias_stages",
    "migrations/versions/r0007_imported_votes": "test_store_judgments_imported",
    "__main__": "test_cli",
    "cli": "test_cli",
    "cli_preflight": "test_preflight",
    "identity": "test_statistics_cache",
    "folder_hash": "test_catalogue",
    "evaluation_job": "test_cli_evaluate",
    "gate_report": "test_gate",
    "gate_sides": "test_gate",
}


def imports(path: Path, *, everywhere: bool = True) -> Iterator[tuple[str, bool]]:
    """(imported top-level package, at module level) of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = {
        node
        for parent in ast.walk(tree)
        if isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(parent)
    }
    typing_only = {
        node
        for parent in ast.walk(tree)
        if isinstance(parent, ast.If) and "TYPE_CHECKING" in ast.dump(parent.test)
        for node in ast.walk(parent)
    }
    for node in ast.walk(tree):
        if node in typing_only:
            continue
        names = (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom) and not node.level
            else []
        )
        for name in names:
            yield name.split(".")[0], node not in functions


def test_streamlit_stands_only_in_the_pages_and_ui():
    found = {
        str(path.relative_to(ROOT)) for path in MODULES if "streamlit" in {name for name, _ in imports(path)}
    }
    assert found == {name for name in found if name.startswith(("fairprune/ui/", "fairprune/ui.py"))}


def test_sqlalchemy_stands_only_in_the_store():
    allowed = ("fairprune/store", "fairprune/migrations")
    for path in MODULES:
        if {"sqlalchemy", "alembic"} & {name for name, _ in imports(path)}:
            assert str(path.relative_to(ROOT)).startswith(allowed), path


def imported(path: Path) -> set[str]:
    """Whole names of the modules that a file imports from."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return found | {
        alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }


def knows(path: Path, package: str) -> set[str]:
    return {name for name in imported(path) if f"{name}.".startswith(f"{package}.")}


def test_who_knows_the_store_among_the_judgments():
    values = "fairprune.store.judgments_values"
    known = {
        path.stem: found
        for path in (PACKAGE / "judgments").glob("*.py")
        if (found := knows(path, "fairprune.store"))
    }
    assert {name for name, found in known.items() if found - {values}} == {
        *("material", "building", "registering", "closed", "wins")
    }
    assert {name for name, found in known.items() if found == {values}} == {"checks", "facts", "elsewhere"}


def test_the_page_of_judges_knows_no_plan_and_no_result():
    files = [*(PACKAGE / "ui").glob("judge*.py"), *(page for page in PAGES if page.stem.endswith("Judge"))]
    assert len(files) > 4
    for path in files:
        assert not knows(path, "fairprune.judgments"), path


@pytest.mark.parametrize(
    "module",
    [
        "fairprune.jobs",
        "fairprune.plan",
        "fairprune.preflight",
        "fairprune.debias_plan",
        "fairprune.debias_compare",
        "fairprune.debias.relation",
        "fairprune.debias_stages",
        "fairprune.calibration",
        "fairprune.charts",
        "fairprune.corpora.user",
        "fairprune.debias.awareness",
        "fairprune.debias.words",
        "fairprune.labels.prepared",
        "fairprune.metrics",
        "fairprune.store",
        "fairprune.ui",
        "fairprune.cli",
        "fairprune.results",
        "fairprune.specifications",
        "fairprune.pareto",
        "fairprune.tradeoffs_table",
        "fairprune.audience.server",
        "fairprune.audience.launch",
        "fairprune.talk.document",
        "fairprune.talk.story",
        "fairprune.bundle",
        "fairprune.captions",
        "fairprune.debias.collapse_report",
        "fairprune.debias.contexts",
        "fairprune.debias.relation",
        "fairprune.examples",
        "fairprune.charts_judgments",
        "fairprune.judgments.closed_files",
        "fairprune.judgments.export",
        "fairprune.judgments.importing",
        "fairprune.judgments.labelling",
        "fairprune.judgments.metric_agreement",
        "fairprune.judgments.primary",
        "fairprune.judgments.report",
        "fairprune.judgments.report_file",
        "fairprune.judgments.results",
    ],
)
def test_what_a_page_can_reach_imports_no_torch(module):
    code = f"import sys, {module}; found = {HEAVY!r} & set(sys.modules); assert not found, found"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_pages_import_nothing_heavy_and_no_database():
    for path in PAGES:
        assert not (HEAVY | {"sqlalchemy", "alembic"}) & {name for name, _ in imports(path)}, path


def test_every_module_has_its_test_file():
    names = {
        str(path.relative_to(ROOT / "tests").with_suffix("")) for path in (ROOT / "tests").rglob("test_*.py")
    }
    missing = []
    for path in MODULES:
        module = str(path.relative_to(PACKAGE).with_suffix(""))
        if module in COVERED_BY:
            assert COVERED_BY[module] in names, module
            continue
        folder = path.relative_to(PACKAGE).parent
        # A file of its own, or one of its package: tests/test_store_documents.py, tests/executors/test_child.py, tests/test_metrics.py
        stem = path.stem if path.stem != "__init__" else folder.name
        candidates = {
            f"{folder}/test_{stem}",
            f"test_{stem}",
            *(f"test_{part}" for part in folder.parts),
            *(f"{part}/test_{part}" for part in folder.parts),
        }
        prefixed = any(Path(name).name.startswith(f"test_{part}_") for part in folder.parts for name in names)
        if (
            not candidates & names
            and not prefixed
            and path.read_text().strip()
            and stem not in ("fairprune", "")
        ):
            missing.append(module)
    assert not missing


def test_no_file_is_more_than_one_room():
    long = {
        str(path.relative_to(ROOT)): n for path in MODULES if (n := len(path.read_text().splitlines())) > 400
    }
    assert not long
    long_pages = {path.name: n for path in PAGES if (n := len(path.read_text().splitlines())) > 150}
    assert not long_pages


@pytest.mark.parametrize(
    "word",
    ["pickle.load", "torch.load(", "read_pickle", "eval(", "trust_remote_code=True", "except Exception:\n"],
)
def test_words_that_are_never_written(word):
    for path in [*MODULES, *PAGES]:
        text = path.read_text(encoding="utf-8").replace(".eval(", "").replace("literal_eval(", "")
        text = text.replace("pandas.read_pickle({pickled!r})", "")  # told to the person, in an error
        assert word not in text, f"{word!r} in {path}"


def test_no_field_cuts_what_is_pasted():
    """Streamlit's `max_chars` makes a browser drop what is longer without a word: what reads the value says why it is too long."""
    assert not [str(path) for path in [*MODULES, *PAGES] if "max_chars" in path.read_text(encoding="utf-8")]


def test_requirements_are_pinned():
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / name).read_text().splitlines():
            if line and not line.startswith(("#", "-r")):
                assert "==" in line, line


def test_every_requirement_is_used():
    used = {name for path in [*MODULES, *PAGES] for name, _ in imports(path)}
    names = {
        "scikit-learn": "sklearn",
        "rouge-score": "rouge_score",
        "sqlalchemy": "sqlalchemy",
        "jinja2": "jinja2",
        "sentence-transformers": "sentence_transformers",
        "huggingface_hub": "huggingface_hub",
    }
    # transformers reads GGUF, pandas reads Parquet, SQLAlchemy reaches PostgreSQL, Streamlit logs in through them
    backends = {"gguf", "pyarrow", "psycopg[binary]", "authlib", "httpx"}
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        if "==" in line and not line.startswith("#"):
            package = line.split("==")[0].lower()
            assert package in backends or names.get(package, package) in used, (
                f"{package} is pinned but nothing imports it"
            )
