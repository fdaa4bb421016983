"""The text files contain no old name and no unclear phrase, and the links in the documents lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SUFFIXES = {".css", ".example", ".html", ".in", ".md", ".py", ".sh", ".sql", ".toml", ".yaml", ".yml"}
NAMES = {"Dockerfile", "Makefile", "run"}
NOT_OURS = re.compile(r"\..*(?<!\.ci)|__pycache__|build|dist|.*\.egg-info")
"""Folders that are not part of the repository."""

OLD_NAMES = {
    r"\blaptop(/|\.\w|_)": "devtools",
    r"\bmishaps\b": "fault_hooks",
    r"\blloyd\b": "kmeans",
    r"\bSTARTS=": "N_INIT=",
    r"\bPatientOperator\b": "IdempotentAwsOperator",
    r"\bFindings\b": "ReportData",
    r"\bobjections?\b": "validate_params",
    r"\bdescribed\(": "task_docs",
    r"\bReconcile\w+|\breconcile\.sql\b": "verify_row_counts",
    r"\bemr[./](fleet|guard|views|wire)\b|\bFleet\(": "cluster_registry, supervisor, serializers, protocol",
    r"\bemr_pipeline[./]usage\b": "cost",
    r"\bemr_pipeline[./](link|marked|note|waiting)\b": "extra_links, listener, triggers.base",
    r"\boperators[./](storage|waiting)\b": "publish_report, stage_jobs, base",
}
"""Patterns of names that have been replaced, with the new names."""

UNCLEAR = {
    "only door": "entry point",
    "more doors": "other commands",
    "stands there": "is ready",
    "to be told of": "to be notified of",
    "what AWS is asked": "API calls",
    "there is no param": "unknown param ...; valid params: ...",
    "takes those behind it along": "also cancels queued steps",
    "for of": "because ... of",
    "belt": "safety net",
    "maker was lost": "creating task died",
    "a lost worker": "a crashed worker",
    "last words": "last output",
    "that is there tells": "marks the outputs as complete",
    "whoever": "every client, a user who",
    "is told": "is notified, is given",
    "are told": "are notified, are given",
    "anew": "again",
    "asks back": "compares the request",
    "in spite of": "despite",
    "lies there": "exists",
}
"""Phrases that a reader has to guess, with the usual words; as the texts of the tests, in one line."""


def texts() -> dict[str, str]:
    """Return the text files of the repository, except this one, by their paths."""

    def walk(folder: Path) -> list[Path]:
        inner = [path for path in folder.iterdir() if path.is_dir() and not NOT_OURS.fullmatch(path.name)]
        return [
            *(path for path in folder.iterdir() if path.suffix in SUFFIXES or path.name in NAMES),
            *(path for other in inner for path in walk(other)),
        ]

    files = sorted(path for path in walk(ROOT) if path.is_file() and path != Path(__file__))
    return {str(path.relative_to(ROOT)): path.read_text() for path in files}


TEXTS = texts()
IN_ONE_LINE = {path: re.sub(r"\s+(?:#:?|--|//)?\s*", " ", text).lower() for path, text in TEXTS.items()}
DOCUMENTS = [path for path in TEXTS if path.endswith(".md")]


def anchors(document: str) -> set[str]:
    """Return the anchors that GitHub makes of the headings of a Markdown text."""
    text = re.sub(r"^```.*?^```", "", document, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def test_the_text_files_are_found() -> None:
    assert {
        "README.md",
        "Makefile",
        ".ci/run",
        "docker/airflow/Dockerfile",
        "spark/kmeans.py",
    } <= TEXTS.keys()


@pytest.mark.parametrize("pattern", OLD_NAMES)
def test_an_old_name_is_not_used(pattern: str) -> None:
    used = [path for path, text in TEXTS.items() if re.search(pattern, text)]
    assert not used, f"write {OLD_NAMES[pattern]}"


@pytest.mark.parametrize("phrase", UNCLEAR)
def test_an_unclear_phrase_is_not_used(phrase: str) -> None:
    pattern = re.compile(rf"\b{re.escape(phrase.lower())}")
    used = [path for path, text in IN_ONE_LINE.items() if pattern.search(text)]
    assert not used, f"write {UNCLEAR[phrase]}"


@pytest.mark.parametrize("path", DOCUMENTS)
def test_relative_links_of_a_document_lead_to_files_and_headings(path: str) -> None:
    text = re.sub(r"^```.*?^```", "", TEXTS[path], flags=re.MULTILINE | re.DOTALL)
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (ROOT / path).parent / name if name else ROOT / path
        if not target.exists() or (anchor and anchor not in anchors(target.read_text())):
            broken.append(link)
    assert not broken


@pytest.mark.parametrize("path", TEXTS)
def test_files_that_are_mentioned_exist(path: str) -> None:
    """In texts a file is named by its path from the root of the repository, or from the folder of the text."""
    tops = "benchmarks|dags|devtools|docker|docs|infra|localaws|plugins|spark|tests"
    named = re.findall(rf"(?<![\w./-])(?:{tops})/[\w./-]+\.(?:html|md|py|sh|sql)\b", TEXTS[path])
    folder = (ROOT / path).parent
    assert not [name for name in named if not (ROOT / name).exists() and not (folder / name).exists()]


def test_no_conflict_marker_is_left() -> None:
    markers = re.compile(r"^(<{7}|>{7}) ", re.MULTILINE)
    assert [path for path, text in TEXTS.items() if markers.search(text)] == []
