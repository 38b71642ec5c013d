"""Overlays and defaults: what a file says for an environment counts on top of what it inherits."""

from __future__ import annotations

from pathlib import Path

import pytest

from automation_scripts.results import Finding
from automation_scripts.validation.environments.check import check_environments
from automation_scripts.validation.input.discovery import ConfigFile
from automation_scripts.validation.input.file_kinds import FileKind
from tests.validation.environments.conftest import found_in, line_of, told

COMPOSE = """\
services:
  web:
    image: web:1.0.0
    environment:
      - MODE=fast
      - DEBUG=false
      - TIMEOUT=30
  db:
    image: postgres:16
"""


def test_compose_overrides_stand_on_their_base() -> None:
    production = "services:\n  web:\n    environment:\n      - DEBUG=true\n"
    staging = "services:\n  web:\n    environment:\n      - TIMEOUT=60\n"
    files = {"docker-compose.yml": COMPOSE, "docker-compose.staging.yml": staging}
    assert told(found_in({**files, "docker-compose.prod.yml": production})) == [
        ("drift/weaker-security", "docker-compose.prod.yml", 4, "services.web.environment[0]")
    ]
    assert found_in({**files, "docker-compose.prod.yml": production.replace("true", "false")}) == []


def test_lists_and_maps_of_variables_are_the_same_to_compose() -> None:
    production = "services:\n  web:\n    environment:\n      TIMEOUT: 90000\n"
    staging = "services:\n  web:\n    environment:\n      - TIMEOUT=60\n"
    found = found_in(
        {"compose.yml": COMPOSE, "compose.prod.yml": production, "compose.staging.yml": staging},
    )
    assert told(found) == [("drift/magnitude", "compose.prod.yml", 4, "services.web.environment.TIMEOUT")]


def test_a_variable_that_only_staging_adds_is_missing_in_production_but_a_service_is_not() -> None:
    production = "services:\n  web:\n    environment:\n      A: x\n"
    staging = "services:\n  web:\n    environment:\n      A: y\n      B: z\n  mailpit:\n    image: mailpit\n"
    found = found_in({"compose.yml": COMPOSE, "compose.prod.yml": production, "compose.staging.yml": staging})
    assert told(found) == [("drift/missing-key", "compose.prod.yml", 3, "services.web.environment.B")]


DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  template:
    spec:
      containers:
        - name: web
          image: web:1.0.0
          env:
            - name: DEBUG
              value: "false"
            - name: TIMEOUT
              value: 30s
          resources:
            limits:
              memory: 512Mi
"""
BASE = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - deployment.yaml\n"


def _patch(container: str) -> str:
    head = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  template:\n    spec:\n"
    return head + "      containers:\n        - name: web\n" + container


def _overlays(production: str, staging: str, more: str = "") -> list[Finding]:
    kustomization = BASE.replace("deployment.yaml", "../../base")
    return found_in(
        {
            "base/kustomization.yaml": BASE,
            "base/deployment.yaml": DEPLOYMENT,
            "overlays/production/kustomization.yaml": f"{kustomization}patches:\n  - path: web.yaml\n{more}",
            "overlays/production/web.yaml": production,
            "overlays/staging/kustomization.yaml": f"{kustomization}patchesStrategicMerge:\n  - web-patch.yaml\n",
            "overlays/staging/web-patch.yaml": staging,
        }
    )


MEMORY = "          resources:\n            limits:\n              memory: 1Gi\n"
UNSAFE = '          env:\n            - name: DEBUG\n              value: "true"\n'


def test_kustomize_patches_are_applied_to_their_base() -> None:
    assert _overlays(_patch(MEMORY), _patch(MEMORY)) == []
    found = _overlays(_patch(UNSAFE), _patch(MEMORY))
    # The patch's own line is told, by comparison with what staging has from the base.
    assert [(finding.rule_id, finding.file, finding.line) for finding in found] == [
        ("drift/weaker-security", "overlays/production/web.yaml", 12)
    ]
    assert "base/deployment.yaml:14" in found[0].message


def test_kustomize_json_patches_and_replicas() -> None:
    operations = (
        "- op: replace\n  path: /spec/template/spec/containers/0/env/0/value\n  value: 'true'\n"
        "- op: remove\n  path: /spec/replicas\n"
    )
    kustomization = BASE.replace("deployment.yaml", "../../base")
    target = "patches:\n  - path: ops.yaml\n    target:\n      kind: Deployment\n      name: web\n"
    files = {
        "base/kustomization.yaml": BASE,
        "base/deployment.yaml": DEPLOYMENT,
        "overlays/prod/kustomization.yaml": kustomization + target,
        "overlays/prod/ops.yaml": operations,
        "overlays/staging/kustomization.yaml": kustomization,
    }
    found = found_in(files)
    assert [(finding.rule_id, finding.file, finding.line) for finding in found] == [
        ("drift/weaker-security", "overlays/prod/ops.yaml", 3)
    ]
    replicas = kustomization + "replicas:\n  - name: web\n    count: 20000\n"
    found = found_in({**files, "overlays/prod/ops.yaml": "[]", "overlays/prod/kustomization.yaml": replicas})
    assert told(found) == [("drift/magnitude", "overlays/prod/kustomization.yaml", 7, "replicas[0].count")]


def test_generated_config_maps_are_compared() -> None:
    def overlay(literals: str) -> str:
        return f"configMapGenerator:\n  - name: web\n    literals:\n{literals}"

    found = found_in(
        {
            "overlays/prod/kustomization.yaml": overlay("      - LOG_LEVEL=debug\n      - MODE=a\n"),
            "overlays/staging/kustomization.yaml": overlay("      - LOG_LEVEL=info\n      - MODE=a\n"),
        }
    )
    assert told(found) == [
        ("drift/weaker-security", "overlays/prod/kustomization.yaml", 4, "configMapGenerator[0].literals[0]")
    ]


@pytest.mark.parametrize(
    "kustomization",
    [
        "resources:\n  - .\n",
        "resources:\n  - ../staging\n",
        "resources: 1\n",
        "patches:\n  - {}\n",
        "patches: {a: 1}\n",
    ],
)
def test_strange_kustomizations_end(kustomization: str) -> None:
    other = "resources:\n  - ../prod\n"
    assert found_in({"prod/kustomization.yaml": kustomization, "staging/kustomization.yaml": other}) == []


SPRING = """\
spring:
  application: {name: shop}
server:
  port: 8080
  compression: true
logging.level.root: info
---
spring.config.activate.on-profile: staging
shop: {timeout: 5s, retries: 3, cache: true}
---
spring:
  config:
    activate:
      on-profile: prod
shop: {timeout: 500s, retries: 3, cache: true}
logging:
  level:
    root: debug
"""


def test_profiles_in_one_file_of_spring() -> None:
    found = found_in({"src/main/resources/application.yml": SPRING})
    name = "src/main/resources/application.yml"
    assert told(found) == [
        ("drift/magnitude", name, 15, "shop.timeout"),
        ("drift/weaker-security", name, 18, "logging.level.root"),
    ]
    assert "line" not in found[0].message
    assert f"{name}:6" in found[1].message


def test_profile_files_of_spring_stand_on_the_common_one() -> None:
    base = "server:\n  port: 8080\n  ssl: {enabled: true}\nmanagement: {a: 1}\n"
    production = "server:\n  ssl:\n    enabled: false\n"
    found = found_in(
        {"application.yml": base, "application-prod.yml": production, "application-staging.yml": "server: {port: 1}\n"}
    )
    assert told(found) == [("drift/weaker-security", "application-prod.yml", 3, "server.ssl.enabled")]


@pytest.mark.parametrize(
    ("base", "production", "staging"),
    [
        ("config/default.json", "config/production.json", "config/staging.json"),
        ("appsettings.json", "appsettings.Production.json", "appsettings.Staging.json"),
        ("group_vars/all.yml", "group_vars/production.yml", "group_vars/staging.yml"),
        ("chart/values.yaml", "chart/values-production.yaml", "chart/values-staging.yaml"),
    ],
)
def test_defaults_are_resolved(base: str, production: str, staging: str) -> None:
    defaults = '{"cache": {"ttl": 60, "size": 5}, "tls": {"verify": true}, "a": 1}'
    files = {base: defaults, production: '{\n "cache": {"ttl": 90}\n}', staging: '{"cache": {"ttl": 30}}'}
    assert found_in(files) == []
    unsafe = '{\n "cache": {"ttl": 90},\n "tls": {"verify": false}\n}'
    assert told(found_in({**files, production: unsafe})) == [("drift/weaker-security", production, 3, "tls.verify")]


def test_a_map_that_an_overlay_replaces_is_gone_with_all_below_it() -> None:
    base = "cache:\n  verify: true\n  size: 5\nother: {a: 1, b: 2}\n"
    found = found_in({"app.yaml": base, "app.production.yaml": "cache: none\n", "app.staging.yaml": "x: 1\n"})
    assert ("drift/type", "app.production.yaml", 1, "cache") in told(found)
    assert not [finding for finding in found if finding.resource == "cache.verify"]


def _env(folder: Path, **texts: str) -> list[Finding]:
    files = []
    for environment, text in texts.items():
        path = folder / f".env.{environment}"
        path.write_text(text, encoding="utf-8")
        files.append(ConfigFile(path.name, path, FileKind.ENV))
    return check_environments([], files)


def test_environment_files_are_compared(tmp_path: Path) -> None:
    staging = "# hosts\nAPI_URL=https://api.staging.example.com\nDEBUG=0\nTIMEOUT=30\nMODE=a\nRETRIES='3'\nPOOL=5\n"
    production = staging.replace("staging.", "")
    assert _env(tmp_path, production=production, staging=staging) == []
    changed = production.replace("DEBUG=0", "DEBUG=true").replace("TIMEOUT=30", "export TIMEOUT=30000")
    found = _env(tmp_path, production=changed.replace("MODE=a\n", ""), staging=staging)
    assert [(finding.rule_id, finding.file, finding.line, finding.column) for finding in found] == [
        ("drift/missing-key", ".env.production", 1, 1),
        ("drift/weaker-security", ".env.production", 3, 7),
        ("drift/magnitude", ".env.production", 4, 16),
    ]


def test_samples_of_environment_files_are_not_compared(tmp_path: Path) -> None:
    path = tmp_path / ".env.production.example"
    path.write_text("DEBUG=true\nA=1\n", encoding="utf-8")
    other = tmp_path / ".env.staging.example"
    other.write_text("DEBUG=false\nA=1\n", encoding="utf-8")
    files = [ConfigFile(one.name, one, FileKind.ENV) for one in (path, other)]
    assert check_environments([], files) == []


def test_lines_of_layers_are_those_of_the_patch() -> None:
    patch = _patch(UNSAFE)
    assert line_of(patch, '              value: "true"') == 12
