"""Formats of other tools: what is right is left alone, and what is wrong is found at its exact place."""

from __future__ import annotations

from pathlib import Path

import pytest

from automation_scripts.results import Severity
from automation_scripts.validation.schemas.store import shipped
from automation_scripts.validation.strictness import Strictness
from tests.validation.schemas.support import brief, check

CLEAN = {
    "prometheus.yml": """
        global: {scrape_interval: 15s, external_labels: {env: 1}, scrape_protocols: [PrometheusProto]}
        rule_files: [rules/*.yml]
        alerting:
          alertmanagers: [{static_configs: [{targets: ['alertmanager:9093']}], timeout: 10s}]
        scrape_configs:
          - job_name: nodes
            scrape_native_histograms: true
            enable_compression: true
            static_configs: [{targets: ['a:9100'], labels: {zone: 3}}]
            relabel_configs: [{source_labels: [__address__], regex: (.*), target_label: x}]
            nomad_sd_configs: [{server: http://a}]
        storage: {tsdb: {out_of_order_time_window: 30m}}
        otlp: {promote_resource_attributes: [a]}
        """,
    "rules/a.yml": """
        groups:
          - name: a
            interval: 30s
            partial_response_strategy: warn
            rules:
              - {record: 'a:b', expr: sum(x), labels: {team.name: a}}
              - {alert: Down, expr: 1, for: 5m, annotations: {summary: '{{ $labels.x }}'}}
        """,
    "alertmanager.yml": """
        global: {resolve_timeout: 5m, slack_app_token: x}
        route: {receiver: a, group_by: [job], routes: [{matchers: [a="b"], receiver: b, labels: {x: y}}]}
        receivers:
          - name: a
            slack_configs: [{channel: '#x', send_resolved: true, update_message: true}]
          - name: b
            mattermost_configs: [{webhook_url: x}]
        """,
    "site.yml": """
        - name: All
          hosts: all
          become: yes
          gather_facts: "{{ facts }}"
          vars_files: [vars/a.yml]
          pre_tasks:
            - apt: update_cache=yes
              when: ansible_os_family == "Debian"
          roles:
            - common
            - {role: web, port: 80, when: is_web | bool, tags: [a]}
          tasks:
            - name: Block
              block:
                - community.docker.docker_container: {name: a}
                  register: made
                  retries: "3"
                  until: made is success
              rescue:
                - debug: msg=x
              when: x
            - include_tasks: more.yml
              loop: [1, 2]
              loop_control: {loop_var: one}
          handlers:
            - name: restart
              service: {name: a, state: restarted}
              listen: again
        - import_playbook: other.yml
          vars: {a: b}
        """,
    "roles/web/tasks/main.yml": """
        - name: Install
          ansible.builtin.package: {name: nginx}
          notify: restart
          become: true
          no_log: false
          tags: always
        - shell: echo hi
          args: {chdir: /tmp}
          changed_when: no
          delegate_to: localhost
        """,
    "roles/web/meta/main.yml": """
        galaxy_info:
          author: a
          license: MIT
          min_ansible_version: 2.10
          platforms: [{name: Debian, versions: [all]}]
          galaxy_tags: []
        dependencies: []
        """,
    "requirements.yml": """
        roles: [{src: geerlingguy.docker, version: 1.2.3}, other.role]
        collections: [{name: community.general, version: '>=5'}, ansible.posix]
        """,
    "inventory/hosts.yml": """
        all:
          vars: {a: b}
          children:
            web: {hosts: {a.example.com: , b.example.com: {port: 1}}}
        """,
    "kustomization.yaml": """
        apiVersion: kustomize.config.k8s.io/v1beta1
        kind: Kustomization
        resources: [a.yaml]
        components:
        images: [{name: a, newTag: "1"}]
        patches: [{path: p.yaml, target: {kind: Deployment}}]
        configMapGenerator: [{name: a, literals: [a=b], behavior: merge}]
        """,
    "base/kustomization.yaml": "resources: [a.yaml]\nnamePrefix: a-\n",
    "azure-pipelines.yml": """
        trigger: [main]
        pool: {vmImage: ubuntu-latest}
        jobs:
          - job: a
            timeoutInMinutes: 60
            steps:
              - script: make
                displayName: Make
              - task: Anything@1
                inputs: {any: thing, Other: 1}
        """,
    ".travis.yml": "language: go\ngo: [1.20, 1.x]\nscript:\n  - make\ncompiler: gcc-12\n",
    "cloudbuild.yaml": """
        steps: [{name: gcr.io/x, args: [a], waitFor: ['-']}]
        options: {substitution_option: ALLOW_LOOSE, machineType: E2_HIGHCPU_8}
        timeout: 1200
        """,
    "bitbucket-pipelines.yml": "pipelines:\n  default:\n    - step: {name: a, script: [make]}\n",
    ".buildkite/pipeline.yml": "steps:\n  - command: make\n    label: a\n  - wait\n",
    "Taskfile.yml": "version: 3\ntasks:\n  a: {cmds: [echo], deps: [b]}\n  b: echo b\n",
    ".golangci.yml": 'version: "2"\nlinters: {default: none, enable: [govet], settings: {govet: {enable-all: true}}}\n',
    "mkdocs.yml": "site_name: A\nnav: [{Home: index.md}]\ntheme: {name: material, features: [a]}\nplugins: [search]\n",
    "codecov.yml": "coverage: {status: {project: {default: {threshold: 1}}, patch: off, changes: false}}\n",
    "renovate.json": '{"extends": ["config:recommended"], "schedule": ["weekly"], "newOption": 1}',
    "grafana/dash.json": '{"title": "a", "schemaVersion": 39, "panels": [{"type": "stat", "any": 1}], "uid": null}',
    ".github/labeler.yml": "a:\n  - src/**\nb:\n  - changed-files: [{any-glob-to-any-file: [x]}]\n",
    ".github/FUNDING.yml": "github: [a]\npatreon: # nobody\ncustom: ['https://x.example']\n",
    ".woodpecker.yml": "steps:\n  - name: a\n    image: golang\n    commands: [make]\nwhen: {event: push}\n",
    "kind.yaml": "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnodes: [{role: control-plane}]\n",
    "helmfile.yaml": "releases: [{name: a, chart: b/c, namespace: d, values: [x.yaml]}]\n",
    "pnpm-workspace.yaml": "packages: ['packages/*']\n",
    ".eslintrc.json": '{"root": true, "extends": ["x"], "rules": {"a/b": ["error", {}]}, "overrides": []}',
}


NOT_SHIPPED = {
    "prometheus.yml": "prometheus",
    "rules.yml": "prometheus-rules",
    "alertmanager.yml": "alertmanager",
    "kustomization.yaml": "kustomization",
    "mkdocs.yml": "mkdocs",
}
"""Files whose schemas come from a repository."""


@pytest.mark.parametrize("name", CLEAN)
def test_what_is_right_is_left_alone(tmp_path: Path, name: str) -> None:
    assert [(f.line, f.message) for f in check(tmp_path, {name: CLEAN[name]}, strictness=Strictness.STRICT)] == []


WRONG = {
    "prometheus.yml": (
        """
        global: {scrape_intervall: 15s}
        scrape_configs:
          - job_name: a
            scheme: htps
            honor_labels: "abc"
            static_config: []
          - metrics_path: /x
            basic_auth: {username: a}
            bearer_token: x
        """,
        [
            (1, 10, "unknown-key"),
            (4, 13, "invalid-enum"),
            (5, 19, "wrong-type"),
            (6, 5, "unknown-key"),
            (7, 5, "missing-required"),
            (9, 5, "conflict"),
        ],
    ),
    "rules.yml": (
        """
        groups:
          - name: a
            interval: soon
            rules:
              - {alert: A, exp: x}
              - {alert: B}
              - {alert: C, expr: y, for: 5}
              - {record: d, expr: z, anotations: {}}
        """,
        [
            (3, 15, "invalid-value"),
            (5, 20, "unknown-key"),
            (6, 9, "missing-required"),
            (8, 30, "unknown-key"),
        ],
    ),
    "alertmanager.yml": (
        """
        route: {group_by: job, repeat_intervl: 3h}
        receivers:
          - slack_configs: [{chanel: x}]
        """,
        [
            (1, 1, "missing-required"),
            (1, 19, "wrong-type"),
            (1, 24, "unknown-key"),
            (3, 5, "missing-required"),
            (3, 22, "unknown-key"),
        ],
    ),
    "site.yml": (
        """
        - name: One
          hosts: all
          gather_fact: no
          become: maybe
          tasks:
            - naem: x
              debug: msg=x
              regsiter: y
            - block: [{debug: msg=x}]
              rescu: []
            - command: ls
              loop_control: {loopvar: x}
        - name: Two
          roles: [a]
        """,
        [
            (3, 3, "unknown-key"),
            (4, 11, "wrong-type"),
            (6, 7, "unknown-key"),
            (8, 7, "unknown-key"),
            (10, 7, "unknown-key"),
            (12, 22, "unknown-key"),
            (13, 3, "missing-required"),
        ],
    ),
    "requirements.yml": (
        "roles: [{src: a, verison: 1}]\ncollections: [{name: b, tpye: git}]\ncolections: []\n",
        [(1, 18, "unknown-key"), (2, 25, "unknown-key"), (3, 1, "unknown-key")],
    ),
    "inventory/hosts.yml": ("all:\n  hosts: [a, b]\n  childern: {}\n  children: {}\n", []),
    "kustomization.yaml": (
        """
        apiVersion: kustomize.config.k8s.io/v1beta1
        kind: Kustomization
        resource: [a.yaml]
        images: [{name: a, newtag: "1"}]
        configMapGenerator: [{name: a, behavior: mrge}]
        namespace: [a]
        """,
        [(3, 1, "unknown-key"), (4, 20, "unknown-key"), (5, 42, "invalid-enum"), (6, 1, "wrong-type")],
    ),
    ".golangci.yml": (
        "run: {timout: 5m, tests: maybe}\nlinter: {}\nissues: {exclude-rules: [{pth: a}]}\n",
        [(1, 7, "unknown-key"), (1, 26, "wrong-type"), (2, 1, "unknown-key"), (3, 27, "unknown-key")],
    ),
    "Taskfile.yml": (
        "version: 3\ntasks:\n  a: {cmd: [echo], desp: x}\n",
        [(3, 7, "wrong-type"), (3, 20, "unknown-key")],
    ),
    "mkdocs.yml": (
        "site_name: A\nuse_directory_urls: maybe\nplugin: []\n",
        [(2, 21, "wrong-type"), (3, 1, "unknown-key")],
    ),
    "cloudbuild.yaml": (
        "steps: [{name: a, arg: [b]}]\noptions: {loging: NONE}\n",
        [(1, 19, "unknown-key"), (2, 11, "unknown-key")],
    ),
    "grafana/dash.json": (
        '{"title": 1, "schemaVersion": "x", "panels": []}',
        [(1, 11, "wrong-type"), (1, 31, "wrong-type")],
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_found_at_its_place(tmp_path: Path, name: str) -> None:
    text, expected = WRONG[name]
    if (wanted := NOT_SHIPPED.get(name)) is not None and shipped(wanted) is None:
        pytest.skip(f"the schema {wanted} is not shipped: bring it with the update command")
    assert brief(check(tmp_path, {name: text})) == expected


def test_deprecated_keys_are_told_softly(tmp_path: Path) -> None:
    text = "services: {a: {image: x}}\nnetworks:\n  a:\n    external: {name: b}\n"
    (finding,) = check(tmp_path, {"compose.yml": text})
    assert (finding.line, finding.tags, finding.severity) == (4, ("deprecated-api",), Severity.LOW)
    assert check(tmp_path, {"compose.yml": "version: '3'\nservices: {a: {image: x}}\n"}) == []
