"""The built-in rules: their own examples both ways, exact places, fixes, and silence on clean files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from automation_scripts.results import Severity
from automation_scripts.validation.documents.edits import apply_edits
from automation_scripts.validation.rules.check import BUILT_IN, Rule, check_examples, check_rules, load_rules
from tests.validation.rules.rule_texts import parsed

RULES = load_rules([])

CLEAN = {
    "deploy.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {example.com/url: "https://example.com"}}
spec:
  replicas: 3
  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 25%, maxUnavailable: 0}}
  template:
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - name: web
          image: registry.example.com:5000/team/web:v1.2.3
          ports: [{name: http, containerPort: 8080}]
          env:
            - {name: PORT, value: "8080"}
            - {name: TIMEOUT, value: "30"}
          livenessProbe: {httpGet: {path: /, port: http}, periodSeconds: 10, timeoutSeconds: 1}
          resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 64Mi}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, minReplicas: 3, maxReplicas: 3}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {maxUnavailable: 1}
---
apiVersion: networking.k8s.io/v1beta1
kind: ServiceCIDR
metadata: {name: more}
spec: {cidrs: [10.0.0.0/16]}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: night}
spec: {schedule: "@daily", startingDeadlineSeconds: 200}
""",
    "docker-compose.yml": """\
services:
  web:
    image: ${REGISTRY:-example}/web:${TAG}
    build: .
    ports: ["${PORT:-80}:80", "127.0.0.1:8443:443/tcp", "3000-3005"]
    restart: "no"
    stop_grace_period: 1m30s
    depends_on: {db: {condition: service_healthy}}
    healthcheck: {test: [CMD, "true"], interval: 30s, timeout: 10s, retries: 3}
  db:
    image: postgres@sha256:0123456789012345678901234567890123456789012345678901234567890123
    shm_size: 256mb
""",
    ".github/workflows/ci.yml": """\
on:
  schedule: [{cron: "17 3 * * 0"}]
jobs:
  test:
    runs-on: ubuntu-24.04
    timeout-minutes: ${{ inputs.minutes }}
    strategy: {max-parallel: 1}
    services: {redis: {image: "redis:7", ports: ["6379:6379"]}}
    steps: [{run: make test}]
""",
    "app.json": """\
{"server": {"port": 0, "host": "0.0.0.0", "base_url": "http://localhost:8080/a", "x": 1}}
""",
    "settings.yaml": """\
http: {timeout: 30, read_timeout: 2.5, write_timeout: -1, idle_timeout: never, poll_interval: 5 minutes}
db: {url: "postgresql://user:pass@a:5432,b:5432/db", pool_size: 0, min_pool: 1, max_pool: 0, minPoolSize: 2, maxPoolSize: 2}
tls: {min_version: 1.2, max_version: 1.10}
mail: {email: "Ops <ops@example.com>", from_email: "%(user)s@example.com", reply_email: ops}
net: {cidr: "{{ vpc_cidr }}", allowed_cidr: any, ip: "2001:db8::1", client_ip: 1.2.3.4/32}
trace: {sample_rate: 1.0, audio: {sample_rate: 44100}}
report: {schedule: weekly, every_schedule: "0 0 * * *", interval: 3 months, cron: "cron(0 12 * * ? *)"}
grow: {growth_percent: 250, cpu_utilization_percent: 180, discount_percent: 12.5}
links: {url: /relative, uri: "urn:isbn:1", docs_url: "https://bücher.example/", wild_url: "https://*.example.com"}
""",
    "template.yaml": """\
AWSTemplateFormatVersion: "2010-09-09"
Parameters: {VpcCidr: {Type: String, Default: 10.0.0.0/16, MinLength: 9, MaxLength: 18}}
Resources:
  Vpc: {Type: "AWS::EC2::VPC", Properties: {CidrBlock: !Ref VpcCidr}}
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties: {SecurityGroupIngress: [{IpProtocol: "-1", FromPort: -1, ToPort: -1, CidrIp: !GetAtt Vpc.CidrBlock}]}
""",
    "openapi.yaml": """\
openapi: 3.0.3
info: {title: x, version: "1", contact: {email: a@example.com, url: "https://example.com"}}
servers: [{url: "https://{region}.example.com:{port}/v1"}]
paths: {}
components: {schemas: {A: {properties: {port: {type: integer, minimum: 1, maximum: 65535}, cidr: {type: string}}}}}
""",
}

BROKEN = [
    # rule, file, text, line, column
    ("k8s/workload-api", "a.yaml", "apiVersion: apps/v1beta1\nkind: Deployment\n", 1, 13),
    (
        "k8s/no-limits",
        "a.yaml",
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: a\n    image: a:1\n",
        5,
        11,
    ),
    ("k8s/image-latest", "a.yaml", "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: a\n", 5, 12),
    (
        "k8s/replica-bounds",
        "a.yaml",
        "apiVersion: autoscaling/v2\nkind: A\nspec: {maxReplicas: 1, minReplicas: 2}\n",
        3,
        37,
    ),
    ("k8s/cron-schedule", "a.yaml", "apiVersion: batch/v1\nkind: CronJob\nspec:\n  schedule: '* * * *'\n", 4, 13),
    (
        "compose/depends-on-itself",
        "compose.yaml",
        "services:\n  a:\n    image: a:1\n    depends_on:\n      - a\n",
        5,
        9,
    ),
    ("compose/depends-on-itself", "compose.yaml", "services:\n  a:\n    depends_on:\n      a: {condition: x}\n", 4, 7),
    ("compose/port", "compose.yaml", "services:\n  a:\n    ports:\n      - 80:80000\n", 4, 9),
    ("general/port", "app.json", '{\n  "db": {"port": 65536}\n}\n', 2, 18),
    ("general/min-over-max", "a.yaml", "pool:\n  max_size: 2\n  min_size: 3\n", 3, 13),
    ("general/negative-time", "a.yaml", "a:\n  - timeout: -5\n", 2, 14),
    ("workflow/cron-schedule", ".github/workflows/a.yml", "on:\n  schedule:\n    - cron: 99 * * * *\n", 3, 13),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_each_rule_has_examples_and_they_prove_it(rule: Rule) -> None:
    assert rule.bad
    assert rule.good
    assert rule.suggestion
    assert check_examples(rule) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_examples_can_fail(rule: Rule) -> None:
    swapped = Rule(**{**{name: getattr(rule, name) for name in Rule.__slots__}, "bad": rule.good, "good": rule.bad})
    assert len(check_examples(swapped)) == len(rule.bad) + len(rule.good)


@pytest.mark.parametrize("name", CLEAN)
def test_a_clean_file_has_no_findings(name: str) -> None:
    assert [(f.rule_id, f.line, f.message) for f in check_rules([parsed(CLEAN[name], name)], RULES)] == []


@pytest.mark.parametrize(("rule_id", "name", "text", "line", "column"), BROKEN)
def test_a_mistake_is_found_where_it_stands(rule_id: str, name: str, text: str, line: int, column: int) -> None:
    found = [f for f in check_rules([parsed(text, name)], RULES) if f.rule_id == rule_id]
    assert [(f.line, f.column) for f in found] == [(line, column)]


@pytest.mark.parametrize(
    "text",
    ["apiVersion: 'batch/v1beta1'\nkind: CronJob  # nightly\n", '{"apiVersion": "batch/v1beta1", "kind": "CronJob"}'],
)
def test_a_fix_keeps_the_file_readable(text: str) -> None:
    file = parsed(text, "a.json" if text.startswith("{") else "a.yaml")
    (finding,) = check_rules([file], RULES)
    mended = apply_edits(text, finding.fix)
    assert yaml.safe_load(mended) == {"apiVersion": "batch/v1", "kind": "CronJob"}
    assert ("# nightly" in mended) == ("# nightly" in text)
    assert check_rules([parsed(mended, file.name)], RULES) == []


def test_a_rule_for_one_kind_of_object_leaves_others_alone() -> None:
    text = "apiVersion: networking.k8s.io/v1beta1\nkind: {}\n"
    assert check_rules([parsed(text.format("IPAddress"))], RULES) == []
    assert [f.tags for f in check_rules([parsed(text.format("Ingress"))], RULES)] == [("deprecated-api",)]


def test_secrets_in_urls_are_not_repeated() -> None:
    found = check_rules([parsed("api: {url: 'https://me:hunter2@host:99999/'}\n")], RULES)
    assert [f.rule_id for f in found] == ["general/url"]
    assert "hunter2" not in found[0].message


def test_every_message_reads_well() -> None:
    for rule in RULES:
        assert re.fullmatch(r"[a-z0-9]+/[a-z0-9-]+", rule.id), rule.id
        assert not rule.message.endswith("."), rule.id
        assert (
            rule.suggestion is not None
            and rule.suggestion[0].isupper()
            and rule.suggestion.rstrip().endswith((".", ")"))
        ), rule.id
        # What is missing may be low; what is wrong is medium at least.
        assert rule.severity.at_least(Severity.LOW if rule.tag == "no-limits" else Severity.MEDIUM), rule.id


def test_the_rules_are_where_a_wheel_takes_them_from() -> None:
    package = Path(check_rules.__code__.co_filename).parent
    assert package in BUILT_IN.parents
    assert len(list(BUILT_IN.glob("*.yaml"))) >= 5
