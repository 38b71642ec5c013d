"""What a document is taken for: by path, by content, and above all what it is not taken for."""

from __future__ import annotations

from pathlib import Path

import pytest

from automation_scripts.validation.documents.kinds import DocumentKind, detect, known_kinds
from tests.validation.schemas.support import parse, write

KNOWN = {
    "deploy/web.yaml": ("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n", "kubernetes", "apps/v1"),
    "crd.yaml": (
        "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\n",
        "kubernetes",
        "monitoring.coreos.com/v1",
    ),
    "docker-compose.yml": ("services:\n  web: {image: nginx}\n", "compose", None),
    "docker-compose.override.yml": ("services:\n  web: {ports: ['80:80']}\n", "compose", None),
    "stacks/app.yml": ("version: '3.8'\nservices:\n  web: {image: nginx}\nx-a: 1\n", "compose", "3.8"),
    ".github/workflows/ci.yml": ("on: push\njobs: {}\n", "github-workflow", None),
    "templates/ci.yml": ("on: push\njobs:\n  a: {runs-on: x, steps: []}\n", "github-workflow", None),
    "setup/action.yml": ("name: a\ndescription: b\nruns: {using: composite, steps: []}\n", "github-action", None),
    ".gitlab-ci.yml": ("build: {script: make}\n", "gitlab-ci", None),
    "ci/jobs.gitlab-ci.yml": ("build: {script: make}\n", "gitlab-ci", None),
    "prefect.yaml": ("deployments: []\n", "prefect", None),
    ".github/dependabot.yml": ("version: 2\nupdates: []\n", "dependabot", "2"),
    ".pre-commit-config.yaml": ("repos: []\n", "pre-commit-config", None),
    "site.yml": ("- hosts: all\n  tasks: []\n- import_playbook: b.yml\n", "ansible-playbook", None),
    "roles/x/tasks/main.yml": ("- name: a\n  command: ls\n", "ansible-tasks", None),
    "stack.yaml": ("Resources:\n  B: {Type: 'AWS::S3::Bucket'}\n", "cloudformation", None),
    "api.yaml": ("openapi: 3.1.0\ninfo: {title: a, version: '1'}\n", "openapi", "3.1.0"),
    "old.json": ('{"swagger": "2.0", "paths": {}}', "openapi", "2.0"),
    "Chart.yaml": ("apiVersion: v2\nname: a\nversion: 1.0.0\n", "helm-chart", "v2"),
    "prometheus.yml": ("scrape_configs:\n  - job_name: a\n", "prometheus", None),
    "rules.yml": ("groups:\n  - name: a\n    rules: []\n", "prometheus-rules", None),
    "am.yml": ("route: {receiver: a}\nreceivers:\n  - name: a\n", "alertmanager", None),
    "package.json": ('{"name": "a", "version": "1.0.0"}', "package-json", None),
    "tsconfig.base.json": ('{"compilerOptions": {}}', "tsconfig", None),
    ".circleci/config.yml": ("version: 2.1\njobs: {}\n", "circleci", "2.1"),
}

UNKNOWN = {
    # Settings of applications that use the same words.
    "app.yaml": "services:\n  - name: db\n    image: x\n",
    "services.yaml": "services:\n  mailer: {class: App.Mailer, arguments: []}\n",
    "symfony.yaml": "services:\n  web: {image: a}\nparameters: {locale: en}\n",
    "jobs.yaml": "on: true\njobs:\n  nightly: {cron: '0 0 * * *'}\n",
    "versions.yaml": "version: 2\nupdates: [monday]\n",
    "api-settings.yaml": "apiVersion: 3\nkind: internal\n",
    "lower.yaml": "apiVersion: v1\nkind: some-thing\n",
    "hosts.yaml": "- hosts\n- names\n",
    "list.yaml": "- {hosts: a}\n- plain\n",
    "targets.json": '[{"targets": ["a:1"], "labels": {}}]',
    "resources.yaml": "Resources:\n  A: {Type: file}\n",
    "openapi-note.yaml": "openapi: true\ninfo: {}\n",
    "groups.yaml": "groups: [admins, users]\n",
    "route.yaml": "route: /home\nreceivers: [a]\n",
    "repos.yaml": "repos: [a, b]\n",
    "values.yaml": "image: nginx\n",
    "empty.yaml": "# nothing\n",
    "scalar.yaml": "just text\n",
    "data/package.yaml": "name: a\n",
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_documents_are_recognised(tmp_path: Path, name: str) -> None:
    text, kind, version = KNOWN[name]
    write(tmp_path, name, text)
    (file,) = parse(tmp_path, name)
    assert detect(file, file.documents[0]) == DocumentKind(kind, version)


@pytest.mark.parametrize("name", UNKNOWN)
def test_settings_of_applications_are_not(tmp_path: Path, name: str) -> None:
    write(tmp_path, name, UNKNOWN[name])
    (file,) = parse(tmp_path, name)
    assert [kind for document in file.documents if (kind := detect(file, document))] == []


def test_each_document_of_a_file_has_its_own_kind(tmp_path: Path) -> None:
    write(
        tmp_path,
        "all.yaml",
        "apiVersion: v1\nkind: Service\n---\nname: x\n---\napiVersion: apps/v1\nkind: Deployment\n",
    )
    (file,) = parse(tmp_path, "all.yaml")
    found = [detect(file, document) for document in file.documents]
    assert [kind.version if kind else None for kind in found] == ["v1", None, "apps/v1"]


def test_values_belong_to_helm_beside_a_chart_only(tmp_path: Path) -> None:
    write(tmp_path, "chart/Chart.yaml", "apiVersion: v2\nname: a\nversion: 1.0.0\n")
    write(tmp_path, "chart/values.prod.yaml", "image: nginx\n")
    (file,) = parse(tmp_path, "chart/values.prod.yaml")
    assert detect(file, file.documents[0]) == DocumentKind("helm-values")


def test_keys_count_through_merges_and_aliases(tmp_path: Path) -> None:
    write(tmp_path, "m.yaml", "base: &b {apiVersion: v1, kind: Service}\nother:\n  <<: *b\n")
    write(tmp_path, "n.yaml", "x: &s {image: a}\nservices:\n  web: *s\n")
    merged, aliased = parse(tmp_path, "m.yaml", "n.yaml")
    assert detect(merged, merged.documents[0]) is None
    assert detect(aliased, aliased.documents[0]) is None  # `x` is no key of compose files


def test_every_rule_says_something() -> None:
    for kind in known_kinds():
        assert kind.rules, kind.name
        for rule in kind.rules:
            assert rule.path or rule.conditions.all or rule.conditions.each, kind.name
