"""Rights without limits, and rights that are limited."""

from __future__ import annotations

import pytest

from automation_scripts.results import Severity
from automation_scripts.validation.security.check import check_security

from .marked import assert_marked, parsed

RBAC = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: everything}
rules:
  - {apiGroups: ["*"], resources: ["*"], verbs: ["*"]}                   # expect: wildcard-perm
  - {apiGroups: ["apps"], resources: ["deployments"], verbs: ["*"]}      # expect: wildcard-perm
  - {apiGroups: [""], resources: ["*"], verbs: [get, list]}              # expect: wildcard-perm
  - {apiGroups: [""], resources: [pods], verbs: [get, list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: admins}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}   # expect: wildcard-perm
subjects:
  - {kind: User, name: "system:anonymous", apiGroup: rbac.authorization.k8s.io}          # expect: auth-off
  - {kind: Group, name: ops, apiGroup: rbac.authorization.k8s.io}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: readers}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: Group, name: all, apiGroup: rbac.authorization.k8s.io}]
"""

POLICY = """\
Version: "2012-10-17"
Statement:
  - {Effect: Allow, Action: "*", Resource: "*"}                          # expect: wildcard-perm
  - Effect: Allow
    Action:
      - s3:GetObject
      - ec2:*                                                            # expect: wildcard-perm
    Resource: "*"
  - {Effect: Allow, NotAction: "iam:*", Resource: "*"}                   # expect: wildcard-perm
  - {Effect: Allow, Principal: "*", Action: "s3:GetObject", Resource: "arn:aws:s3:::b/*"}   # expect: wildcard-perm
  - {Effect: Allow, Principal: {AWS: "*"}, Action: "sqs:SendMessage", Resource: q, Condition: {ArnEquals: {a: b}}}
  - {Effect: Allow, Action: "s3:*", Resource: "arn:aws:s3:::mine/*"}
  - {Effect: Allow, Action: "ec2:Describe*", Resource: "*"}
  - {Effect: Deny, Action: "*", Resource: "*"}
"""

WORKFLOW = """\
on: push
permissions: write-all           # expect: wildcard-perm
jobs:
  a:
    permissions: write-all       # expect: wildcard-perm
    runs-on: ubuntu-24.04
    steps:
      - run: chmod -R 777 build  # expect: wildcard-perm
      - run: chmod 755 build
  b:
    permissions: {contents: read}
    runs-on: ubuntu-24.04
    steps: [{run: make}]
"""

PLAYBOOK = """\
- hosts: all
  tasks:
    - file: {path: /srv, mode: "0777"}     # expect: wildcard-perm
    - copy: {src: a, dest: b, mode: "0644"}
    - file: {path: /tmp/x, state: directory, mode: "1777"}
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rbac.yaml", RBAC),
        ("policy.yaml", POLICY),
        (".github/workflows/ci.yml", WORKFLOW),
        ("site.yml", PLAYBOOK),
    ],
)
def test_wildcards_are_found_and_lists_are_not(name: str, text: str) -> None:
    assert_marked(check_security, text, name)


def test_everything_weighs_more_than_every_verb_of_one_group() -> None:
    by_line = {f.line: f.severity for f in check_security([parsed(RBAC, "rbac.yaml")])}
    assert by_line[5] is Severity.HIGH
    assert by_line[6] is Severity.MEDIUM
    assert by_line[7] is Severity.LOW


def test_a_workflow_token_is_reduced_by_a_fix() -> None:
    found = [f for f in check_security([parsed(WORKFLOW, ".github/workflows/ci.yml")]) if f.line == 2]
    assert [edit.text for edit in found[0].fix] == ["read-all"]
