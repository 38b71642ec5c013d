"""Protections that are turned off, wherever the setting is written, and settings that only sound like it."""

from __future__ import annotations

import pytest

from automation_scripts.validation.security.check import check_security
from automation_scripts.validation.security.weak_settings import weaknesses

from .marked import assert_marked, parsed

SETTINGS = """\
http:
  verify: false                         # expect: unencrypted
  verify_ssl: "no"                      # expect: unencrypted
client: {insecureSkipVerify: true}      # expect: unencrypted
tls:
  insecure: true                        # expect: unencrypted
  enabled: false                        # expect: unencrypted
  min_version: TLSv1.1                  # expect: unencrypted
db:
  host: db.internal
  ssl: false                            # expect: unencrypted
  sslmode: disable                      # expect: unencrypted
  url: postgres://db/app?sslmode=disable   # expect: unencrypted
jdbc: jdbc:sqlserver://x;encrypt=true;trustServerCertificate=true   # expect: unencrypted
storage: {encrypted: false}             # expect: unencrypted
session: {cookie_secure: false}         # expect: unencrypted
kafka: {security_protocol: PLAINTEXT}   # expect: unencrypted
security: {authorization: disabled}     # expect: auth-off
auth: none                              # expect: auth-off
auth_enabled: false                     # expect: auth-off
grafana: {auth: {anonymous: {enabled: true}}}   # expect: auth-off
disable_auth: true                      # expect: auth-off
csrf_protection: false                  # expect: auth-off
"""

GOOD = """\
http: {verify: true, verify_ssl: yes, timeout: 30}
goss: {verify: false}
client: {insecureSkipVerify: false}
tls: {insecure: false, enabled: true, min_version: TLSv1.2, ciphers: ECDHE-RSA-AES128-GCM-SHA256}
policy: ELBSecurityPolicy-TLS-1-2-2017-01
protocols: {ssl_protocols: "TLSv1.2 TLSv1.3"}
db: {ssl: true, sslmode: verify-full, url: "postgres://db/app?sslmode=require"}
storage: {encrypted: true, encryption: aws:kms}
security: {authorization: enabled}
auth: oauth2
no_auth: false
disable_tls: false
auth_enabled: true
denyAnonymousAccess: true
always_auth: false
anonymous: {enabled: false}
description: "set verify_ssl to false only for tests"
template: {verify_ssl: "${VERIFY}"}
schema:
  properties: {verify_ssl: {default: false}}
"""

COMPOSE = """\
services:
  a:
    image: a:1
    environment:
      NODE_TLS_REJECT_UNAUTHORIZED: "0"           # expect: unencrypted
      MYSQL_ALLOW_EMPTY_PASSWORD: "yes"           # expect: auth-off
      POSTGRES_HOST_AUTH_METHOD: trust            # expect: auth-off
      GIT_SSL_NO_VERIFY: "true"                   # expect: unencrypted
    command:
      - --api.insecure=true                       # expect: auth-off
      - --tls-verify=false                        # expect: unencrypted
  b:
    image: b:1
    environment:
      - ALLOW_ANONYMOUS_LOGIN=yes                 # expect: auth-off
      - xpack.security.enabled=false              # expect: auth-off
      - DISABLE_SECURITY_PLUGIN=true              # expect: auth-off
      - ALLOW_PLAINTEXT_LISTENER=yes              # expect: unencrypted
      - VERIFY_SSL=true
"""

SCRIPTS = """\
permissions: {}
on: push
jobs:
  a:
    runs-on: ubuntu-24.04
    steps:
      - run: |
          curl -fsSLk https://example.com/x.sh    # expect: unencrypted
          curl -fsSL https://example.com/x.sh -o k
      - run: kubectl --insecure-skip-tls-verify get pods   # expect: unencrypted
      - run: git clone https://example.com/a.git
"""

GATEWAY = """\
AWSTemplateFormatVersion: "2010-09-09"
Resources:
  Get:
    Type: AWS::ApiGateway::Method
    Properties: {HttpMethod: GET, AuthorizationType: NONE}       # expect: auth-off
  Preflight:
    Type: AWS::ApiGateway::Method
    Properties: {HttpMethod: OPTIONS, AuthorizationType: NONE}
  Keyed:
    Type: AWS::ApiGateway::Method
    Properties: {HttpMethod: GET, AuthorizationType: NONE, ApiKeyRequired: true}
  Policy:
    Type: AWS::S3::BucketPolicy
    Properties:
      PolicyDocument:
        Statement: [{Effect: Deny, Principal: "*", Action: "s3:*", Condition: {Bool: {"aws:SecureTransport": false}}}]
"""

KUBERNETES = """\
apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers:
    - name: a
      image: a:1
      securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true}
      args: ["--kubelet-insecure-tls", "--port=1", "--anonymous-auth=true"]   # expect: unencrypted, auth-off
      env:
        - {name: SSL_VERIFY, value: "false"}   # expect: unencrypted
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("settings.yaml", SETTINGS),
        ("good.yaml", GOOD),
        ("compose.yaml", COMPOSE),
        (".github/workflows/ci.yml", SCRIPTS),
        ("gateway.yaml", GATEWAY),
        ("pod.yaml", KUBERNETES),
    ],
)
def test_weak_settings_are_found_and_strong_ones_are_not(name: str, text: str) -> None:
    assert_marked(check_security, text, name)


def test_every_row_of_the_table_can_be_met() -> None:
    """Each name of each row, written plainly, is found: a row that nothing can meet would be dead."""
    values = {"off": "false", "on": "true"}
    for weakness in weaknesses():
        if weakness.kinds or not weakness.names:
            continue
        example = next(
            (v for v in (*values.values(), "none", "plaintext", "TLSv1.0", "1.0", "allow-all", "public-read", "disable", "*", "md5")
             if weakness.value.fullmatch(v)),
            None,
        )  # fmt: skip
        assert example is not None, weakness.id
        for name in weakness.names:
            file = "production.yaml" if weakness.production else "x.yaml"
            found = check_security([parsed(f"{name}: '{example}'\n", file)])
            assert weakness.tag in {f.tags[0] for f in found}, (weakness.id, name)


def test_the_place_is_the_value_and_the_fix_turns_it() -> None:
    (finding,) = check_security([parsed("client:\n  verify_ssl: false\n", "x.yaml")])
    assert (finding.line, finding.column, finding.end_column) == (2, 15, 20)
    assert [edit.text for edit in finding.fix] == ["true"]
    (finding,) = check_security([parsed("url: postgres://h/d?a=b&sslmode=disable&x=y\n", "x.yaml")])
    assert (finding.column, finding.end_column) == (33, 40)
    assert finding.fix == ()
