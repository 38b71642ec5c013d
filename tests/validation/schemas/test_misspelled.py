"""Keys by which a document is known, misspelled or missing: the document is still understood."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.validation.schemas.support import brief, check, mended


@pytest.mark.parametrize(
    ("name", "text", "line", "meant"),
    [
        ("a.yaml", "apiVersion: v1\nknid: Pod\nmetadata: {name: a}\nspec: {}\n", 2, "kind"),
        ("a.yaml", "apiversion: v1\nkind: Pod\nmetadata: {name: a}\n", 1, "apiVersion"),
        ("a.yaml", "servcies:\n  web: {image: x}\n", 1, "services"),
        ("compose.yml", "service:\n  web: {image: x}\n", 1, "services"),
        ("a.yaml", "groups:\n  - name: a\n    rulse: []\n", 3, "rules"),
        ("a.yaml", "- hsots: all\n  tasks: []\n", 1, "hosts"),
        ("a.yaml", "scrape_configs:\n  - job_nam: a\n", 2, "job_name"),
        ("a.yaml", "openapii: 3.0.0\ninfo: {title: a, version: b}\npaths: {}\n", 1, "openapi"),
        ("a.json", '{"swager": "2.0",\n "info": {}, "paths": {}}', 1, "swagger"),
        ("mkdocs.yml", "site_nam: x\nnav: []\n", 1, "site_name"),
        ("a.yaml", "AWSTemplateFormatVersio: 2010-09-09\nResources: {}\n", 1, "AWSTemplateFormatVersion"),
    ],
)
def test_the_misspelled_key_is_found_and_mended(tmp_path: Path, name: str, text: str, line: int, meant: str) -> None:
    (finding,) = check(tmp_path, {name: text})
    assert (finding.line, finding.tags) == (line, ("unknown-key",))
    assert finding.suggestion == f"Did you mean `{meant}`?"
    assert meant in mended(tmp_path, finding)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("app.yaml", "service:\n  web: {image: x}\n"),  # an application's own settings, not a compose file
        ("app.yaml", "service: {name: a}\nresource: {}\n"),
        ("app.yaml", "group: [{name: a, rules: []}]\n"),
        ("app.yaml", "apiVersion: v1\nkinds: [a]\n"),
        ("app.json", '{"version": 2, "update": []}'),
        ("list.yaml", "- host: a\n  port: 1\n"),
        ("list.yaml", "- host: all\n  task: []\n"),
        ("values.yaml", "kind: Deployment\nmetadata: {labels: {}}\nreplicas: 2\n"),
        ("config.yaml", "open_api: {title: a}\ninfos: {}\n"),
    ],
)
def test_what_is_only_similar_is_left_alone(tmp_path: Path, name: str, text: str) -> None:
    assert check(tmp_path, {name: text}) == []


def test_an_object_without_kind_or_version(tmp_path: Path) -> None:
    assert brief(check(tmp_path, {"a.yaml": "apiVersion: apps/v1\nmetadata: {name: a}\nspec: {}\n"})) == [
        (1, 1, "missing-required")
    ]
    (finding,) = check(tmp_path, {"b.yaml": "kind: Deployment\nmetadata: {name: a}\nspec: {}\n"})
    assert finding.suggestion == "Add `apiVersion: apps/v1`."
    assert check(tmp_path, {"patches/a.yaml": "kind: Deployment\nmetadata: {name: a}\nspec: {}\n"}) == []


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (".gitlab-ci.yml", "inlude:\n  - local: a.yml\nbuild: {script: [x]}\n", (1, 1, "unknown-key")),
        (".gitlab-ci.yml", "varibles: {A: b, C: d}\nbuild: {script: [x]}\n", (1, 1, "unknown-key")),
        ("tasks/main.yml", "- name: a\n  shell: b\n  wehn: c\n", (3, 3, "unknown-key")),
        (
            ".github/workflows/a.yml",
            "on:\n  issues: {typs: [opened]}\njobs: {a: {runs-on: x, steps: [{run: a}]}}\n",
            (2, 12, "unknown-key"),
        ),
        (
            ".github/workflows/a.yml",
            "on:\n  issues: {types: [opned]}\njobs: {a: {runs-on: x, steps: [{run: a}]}}\n",
            (2, 20, "invalid-enum"),
        ),
        (
            ".github/ISSUE_TEMPLATE/a.yml",
            "name: a\ndescription: b\nbody:\n  - tpye: input\n    attributes: {label: x}\n",
            (4, 5, "unknown-key"),
        ),
    ],
)
def test_one_mistake_is_one_finding(tmp_path: Path, name: str, text: str, expected: tuple[int, int, str]) -> None:
    assert brief(check(tmp_path, {name: text})) == [expected]


def test_names_of_jobs_that_resemble_keywords_are_names(tmp_path: Path) -> None:
    text = "stage1: {script: [a]}\ncaches: {script: [b], stage: test}\nvariable: {script: [c]}\n"
    assert check(tmp_path, {".gitlab-ci.yml": text}) == []


def test_objects_of_unknown_kinds_are_known_by_their_frame(tmp_path: Path) -> None:
    text = "apiVersion: example.com/v1\nkind: Thing\nmetadata: {nmae: a, labels: {}}\n%s: {any: thing}\n"
    assert brief(check(tmp_path, {"a.yaml": text % "sepc"})) == [(3, 12, "unknown-key"), (4, 1, "unknown-key")]
    catalogue = (
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: a, title: b, tags: [c], links: []}\n"
    )
    assert check(tmp_path, {"catalog-info.yaml": catalogue}) == []


def test_an_object_of_an_unknown_api_without_kind(tmp_path: Path) -> None:
    text = "apiVersion: example.com/v1\nmetadata: {name: a}\nspec: {}\n"
    assert brief(check(tmp_path, {"a.yaml": text})) == [(1, 1, "missing-required")]
