"""Whatever a file holds, the checks answer with findings that point into it, and never raise."""

from __future__ import annotations

import json
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automation_scripts.results import Finding
from automation_scripts.validation.documents.corpus import Corpus
from automation_scripts.validation.references.check import check_references
from automation_scripts.validation.security.check import check_security

from .marked import parsed

_WORDS = [
    "services",
    "image",
    "build",
    "depends_on",
    "networks",
    "volumes",
    "ports",
    "environment",
    "env_file",
    "secrets",
    "configs",
    "links",
    "extends",
    "include",
    "network_mode",
    "privileged",
    "cap_add",
    "security_opt",
    "user",
    "pid",
    "command",
    "healthcheck",
    "container_name",
    "profiles",
    "apiVersion",
    "kind",
    "metadata",
    "name",
    "namespace",
    "labels",
    "spec",
    "selector",
    "matchLabels",
    "template",
    "containers",
    "initContainers",
    "securityContext",
    "env",
    "value",
    "valueFrom",
    "secretKeyRef",
    "configMapKeyRef",
    "key",
    "volumeMounts",
    "hostPath",
    "path",
    "claimName",
    "persistentVolumeClaim",
    "serviceAccountName",
    "hostNetwork",
    "capabilities",
    "add",
    "rules",
    "verbs",
    "resources",
    "apiGroups",
    "subjects",
    "roleRef",
    "data",
    "stringData",
    "items",
    "backend",
    "service",
    "port",
    "number",
    "targetPort",
    "containerPort",
    "hostPort",
    "nodePort",
    "scaleTargetRef",
    "data",
    "ingress",
    "from",
    "ipBlock",
    "cidr",
    "on",
    "jobs",
    "steps",
    "run",
    "uses",
    "with",
    "needs",
    "outputs",
    "strategy",
    "matrix",
    "permissions",
    "if",
    "id",
    "inputs",
    "workflow_call",
    "workflow_dispatch",
    "options",
    "stages",
    "stage",
    "script",
    "needs",
    "extends",
    "dependencies",
    "workflows",
    "requires",
    "executor",
    "AWSTemplateFormatVersion",
    "Resources",
    "Parameters",
    "Conditions",
    "Outputs",
    "Type",
    "Properties",
    "DependsOn",
    "Condition",
    "Ref",
    "Fn::GetAtt",
    "Fn::Sub",
    "Statement",
    "Effect",
    "Action",
    "Principal",
    "CidrIp",
    "FromPort",
    "ToPort",
    "openapi",
    "info",
    "paths",
    "get",
    "parameters",
    "components",
    "schemas",
    "securitySchemes",
    "security",
    "operationId",
    "$ref",
    "$id",
    "route",
    "receiver",
    "receivers",
    "routes",
    "scrape_configs",
    "job_name",
    "hosts",
    "tasks",
    "handlers",
    "notify",
    "scripts",
    "password",
    "token",
    "verify",
    "tls",
    "insecure",
    "auth",
    "enabled",
    "url",
    "acl",
    "mode",
    "member",
    "bindIp",
    "<<",
    "x",
]
_VALUES = [
    "true",
    "false",
    "yes",
    "no",
    "null",
    "0",
    "1",
    "-1",
    "80",
    "8080:80",
    "0.0.0.0:5432:5432",
    "22",
    "host",
    "root",
    "*",
    "write-all",
    "0.0.0.0/0",
    "ALL",
    "SYS_ADMIN",
    "/var/run/docker.sock:/x",
    "/etc",
    "./a.env",
    "../x",
    "#",
    "#/a/b",
    "#x",
    "${X}",
    "${X:-y}",
    "$X",
    "{{x}}",
    "${{steps.a.outputs.b}}",
    "${{github.event.issue.title}}",
    "${{",
    "needs.a.outputs.b",
    "Deployment",
    "Service",
    "Pod",
    "Secret",
    "Ingress",
    "ClusterRole",
    "List",
    "ConfigMap",
    "v1",
    "apps/v1",
    "rbac.authorization.k8s.io/v1",
    "Allow",
    "3.0.0",
    "hunter22",
    "postgres://u:pass@h/d?sslmode=disable",
    "AKIAQWERTYUIOPASDFGH",
    "A=1",
    "KEY=value",
    "--password",
    "--tls-verify=false",
    "a",
    "b",
    "c",
    "service:a",
    "AWS::S3::Bucket",
    "AWS::Serverless-2016-10-31",
    "system:anonymous",
    "cluster-admin",
    "roles/owner",
    "allUsers",
    "aGVsbG8gd29ybGQ=",
    "latest",
]
_TREES = st.recursive(
    st.sampled_from(_VALUES)
    | st.sampled_from([None, True, 0, -1, 70000, 1.5, "", " ", "\n", "é\u2028\U0001f600", "a\nb: c\n"]),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.sampled_from(_WORDS), below, max_size=5),
    max_leaves=40,
)
_ROOTS = st.dictionaries(st.sampled_from(_WORDS), _TREES, max_size=6) | st.lists(_TREES, max_size=3)
_NAMES = st.sampled_from(
    ["compose.yaml", "compose.override.yaml", "app.yaml", ".github/workflows/a.yml", "action.yml", ".gitlab-ci.yml", ".circleci/config.yml",
     "kustomization.yaml", "package.json", "tsconfig.json", "openapi.yaml", "mkdocs.yml", "site.yml", "values.yaml", "alertmanager.yml"]
)  # fmt: skip
_KINDS: list[dict[str, Any]] = [
    {},
    {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}},
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}},
    {"AWSTemplateFormatVersion": "2010-09-09"},
    {"openapi": "3.0.0", "info": {}},
    {"on": "push", "jobs": {"a": {"runs-on": "x"}}},
]


def _check_all(texts: list[tuple[str, str]]) -> list[tuple[str, Finding]]:
    corpus = Corpus([parsed(text, name) for name, text in texts])
    by_name = dict(texts)
    return [(by_name[f.file or ""], f) for f in (*check_security(corpus), *check_references(corpus))]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=300)
@given(
    files=st.lists(st.tuples(_NAMES, _ROOTS, st.sampled_from(_KINDS)), min_size=1, max_size=2, unique_by=lambda f: f[0])
)
def test_checks_never_raise_and_point_into_the_file(files: list[tuple[str, Any, dict[str, Any]]]) -> None:
    texts = []
    for name, root, kind in files:
        document = {**kind, **root} if isinstance(root, dict) else root
        as_json = name.endswith(".json")
        texts.append((name, json.dumps(document) if as_json else yaml.safe_dump(document, allow_unicode=True)))
    for text, finding in _check_all(texts):
        lines = text.splitlines() or [""]
        assert finding.line and finding.column and finding.end_line and finding.end_column
        assert 1 <= finding.line <= finding.end_line <= len(lines) + 1
        assert (finding.line, finding.column) <= (finding.end_line, finding.end_column)
        assert len(finding.tags) == 1 and finding.message and finding.rule_id.count("/") == 1
        assert Finding.from_dict(json.loads(json.dumps(finding.to_dict()))) == finding


def test_aliases_and_merges_in_the_wrong_places() -> None:
    text = """\
x: &x {image: a, depends_on: [*x_name], <<: {privileged: true}}
x_name: &x_name b
services:
  a: *x
  b: {<<: [*x, *x], environment: *x_name, ports: *x, volumes: *x_name}
  c: *missing
"""
    from pathlib import Path

    from automation_scripts.validation.parsing.files import parse_text

    file = parse_text(Path("/nowhere/compose.yaml"), "compose.yaml", text)
    check_security([file])
    check_references([file])
