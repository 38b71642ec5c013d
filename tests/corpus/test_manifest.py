"""The manifest and the labels: enough files of enough projects, all under licences that allow it."""

from __future__ import annotations

import re
from collections import defaultdict

from automation_scripts.validation.documents.classes import CLASSES
from tests.corpus.labels import labels
from tests.corpus.loader import manifest

PERMISSIVE = {"MIT", "Apache-2.0", "BSD-3-Clause", "CC0-1.0", "Apache-2.0 OR BSD-3-Clause"}


def test_each_repository_has_a_commit_and_a_permissive_licence() -> None:
    for name, entry in manifest()["repositories"].items():
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", name)
        assert re.fullmatch(r"[0-9a-f]{40}", entry["commit"]), name
        assert entry["licence"] in PERMISSIVE, name


def test_each_file_is_of_a_listed_repository_and_named_by_its_hash() -> None:
    repositories = set(manifest()["repositories"])
    for entry in manifest()["files"]:
        assert entry["repository"] in repositories
        assert re.fullmatch(r"[0-9a-f]{40}", entry["blob"])
    assert repositories == {entry["repository"] for entry in manifest()["files"]}


def test_there_are_eight_kinds_with_fifteen_files_of_many_projects() -> None:
    kinds: dict[str, list[str]] = defaultdict(list)
    for entry in manifest()["files"]:
        kinds[entry["kind"]].append(entry["repository"])
    assert len(kinds) >= 8
    for kind, repositories in kinds.items():
        assert len(repositories) >= 15, kind
        assert len(set(repositories)) >= 9, kind


def test_sixty_files_are_labelled_with_mistakes_and_without() -> None:
    hashes = {entry["blob"][:10] for entry in manifest()["files"]}
    known = labels()
    assert set(known) <= hashes
    assert len(known) >= 60
    assert sum(not label.mistakes for label in known.values()) >= 30
    for label in known.values():
        for mistake in (*label.mistakes, *label.arguable):
            assert mistake.cls in CLASSES
