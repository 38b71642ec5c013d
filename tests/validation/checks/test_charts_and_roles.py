"""Helm charts and Ansible roles: names across the files of a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from automation_scripts.results import Finding
from automation_scripts.validation.parsing.files import parse_file
from automation_scripts.validation.references.check import check_references


def _tree(folder: Path, files: dict[str, str]) -> list[Finding]:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    given = [name for name in files if name.endswith((".yaml", ".yml"))]
    return check_references([parse_file(folder / name, name) for name in given])


def _told(found: list[Finding]) -> list[tuple[str | None, int | None, str]]:
    return sorted((f.file, f.line, f.tags[0]) for f in found)


CHART = {
    "Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
    "values.yaml": "image: {repository: a, tag: b}\nservice: {port: 80}\n# optional:\nreplicas: 1\nempty: {}\n",
    "templates/_helpers.tpl": '{{ define "web.name" }}{{ .Values.replicas }}{{ end }}',
    "templates/a.yaml": """\
name: {{ include "web.name" . }}
image: "{{ .Values.image.repository }}:{{ $.Values.image.tag }}"
port: {{ .Values.service.port }}
{{- /* .Values.serivce.port in a comment */}}
{{- if .Values.optional }}
a: {{ .Values.optional.any }}
{{- end }}
b: {{ .Values.empty.anything }} {{ .Values.leaf }} {{ .Values.global.x }}
""",
}


def test_a_sound_chart_is_silent(tmp_path: Path) -> None:
    assert _tree(tmp_path, CHART) == []


def test_values_and_templates_that_do_not_exist(tmp_path: Path) -> None:
    bad = (
        CHART["templates/a.yaml"]
        .replace('"web.name"', '"web.nmae"')
        .replace(".Values.service.port", ".Values.serivce.port")
        .replace("$.Values.image.tag", "$.Values.absent.tag")
    )
    found = _tree(tmp_path, {**CHART, "templates/a.yaml": bad})
    told = [entry for entry in _told(found) if entry[2] == "dangling-ref"]
    assert told == [
        ("templates/a.yaml", 1, "dangling-ref"),
        ("templates/a.yaml", 2, "dangling-ref"),
        ("templates/a.yaml", 3, "dangling-ref"),
    ]
    port = next(f for f in found if f.line == 3)
    assert port.column is not None and bad.splitlines()[2][port.column - 1 :].startswith("serivce")
    assert port.suggestion == "Did you mean 'service'?"


def test_values_that_no_template_reads(tmp_path: Path) -> None:
    values = CHART["values.yaml"] + "unread: 1\n"
    assert _told(_tree(tmp_path / "a", {**CHART, "values.yaml": values})) == [("values.yaml", 6, "unused")]
    # Whatever is handed on as a whole may read it; so may a dependency.
    whole = CHART["templates/a.yaml"] + "c: {{ toYaml .Values | quote }}\n"
    assert _tree(tmp_path / "b", {**CHART, "values.yaml": values, "templates/a.yaml": whole}) == []
    chart = CHART["Chart.yaml"] + "dependencies: [{name: unread, version: 1.0.0}]\n"
    assert _tree(tmp_path / "c", {**CHART, "values.yaml": values, "Chart.yaml": chart}) == []


@pytest.mark.parametrize("old", ["replica", "Replicas"])
def test_an_old_name_that_is_still_taken_is_no_mistake(tmp_path: Path, old: str) -> None:
    text = (
        CHART["templates/a.yaml"]
        + f"n: {{{{ .Values.replicas }}}}\n{{{{ if .Values.{old} }}}}x: {{{{ .Values.{old} }}}}{{{{ end }}}}\n"
    )
    assert _tree(tmp_path, {**CHART, "templates/a.yaml": text}) == []


def test_conditions_of_dependencies(tmp_path: Path) -> None:
    chart = CHART["Chart.yaml"] + "dependencies:\n  - {name: redis, version: 1.0.0, condition: reids.enabled}\n"
    values = CHART["values.yaml"] + "redis: {enabled: true}\n"
    assert _told(_tree(tmp_path, {**CHART, "Chart.yaml": chart, "values.yaml": values})) == [
        ("Chart.yaml", 5, "dangling-ref")
    ]


ROLE = {
    "roles/web/tasks/main.yml": """\
- name: Configure
  ansible.builtin.template: {src: site.conf.j2, dest: /etc/site.conf}
  register: written
  notify: Restart web
- name: Check
  ansible.builtin.command: x
  when: written.changed or written is changed
  notify: [reload all, "other : theirs"]
""",
    "roles/web/handlers/main.yml": "- {name: Restart web, command: x}\n- {name: Reload, command: x, listen: reload all}\n",
    "roles/web/templates/site.conf.j2": "x",
    "site.yml": """\
- hosts: all
  roles: [web, {role: geerlingguy.docker}]
  tasks:
    - {name: a, command: x, notify: anything}
- hosts: all
  roles: [web]
  tasks:
    - {name: b, command: x, notify: Restart web}
""",
}


def test_a_sound_role_is_silent(tmp_path: Path) -> None:
    assert _tree(tmp_path, ROLE) == []


def test_names_in_roles_and_plays(tmp_path: Path) -> None:
    tasks = (
        ROLE["roles/web/tasks/main.yml"]
        .replace("site.conf.j2", "siet.conf.j2")
        .replace("notify: Restart web", "notify: Restart wbe")
        .replace("written is changed", "writen is changed")
    )
    play = (
        ROLE["site.yml"]
        .replace("roles: [web]", "roles: [wbe2, web]")
        .replace("notify: Restart web", "notify: Restrat web")
    )
    handlers = ROLE["roles/web/handlers/main.yml"] + "- {name: Reload, command: y}\n"
    found = _tree(
        tmp_path, {**ROLE, "roles/web/tasks/main.yml": tasks, "site.yml": play, "roles/web/handlers/main.yml": handlers}
    )
    assert _told(found) == [
        ("roles/web/handlers/main.yml", 3, "dup-name"),
        ("roles/web/tasks/main.yml", 2, "dangling-ref"),
        ("roles/web/tasks/main.yml", 4, "dangling-ref"),
        ("roles/web/tasks/main.yml", 7, "dangling-ref"),
        ("site.yml", 8, "dangling-ref"),
    ]


def test_a_role_with_dependencies_may_use_their_handlers(tmp_path: Path) -> None:
    tasks = ROLE["roles/web/tasks/main.yml"].replace("notify: Restart web", "notify: something of another role")
    files = {**ROLE, "roles/web/tasks/main.yml": tasks, "roles/web/meta/main.yml": "dependencies:\n  - role: base\n"}
    assert _tree(tmp_path / "a", files) == []
    files["roles/web/meta/main.yml"] = "dependencies: []\n"
    assert _told(_tree(tmp_path / "b", files)) == [("roles/web/tasks/main.yml", 4, "dangling-ref")]
