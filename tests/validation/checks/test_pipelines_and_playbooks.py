"""GitLab and CircleCI pipelines, Ansible, plain-text protocols, ciphers, limits of compose services, pods."""

from __future__ import annotations

import pytest

from automation_scripts.results import Severity
from automation_scripts.validation.security.check import check_security
from automation_scripts.validation.security.plain_protocols import is_public

from .marked import assert_marked, parsed

WORKFLOW = ".github/workflows/a.yml"

GITLAB = """\
include:
  - {project: own/templates, file: a.yml}        # expect: latest-tag
  - {project: own/templates, ref: v1, file: a.yml}
  - remote: http://ci.shop.io/a.yml              # expect: unencrypted
image: node:latest                               # expect: latest-tag
variables:
  CI_DEBUG_TRACE: "true"                         # expect: secret-env
  DOCKER_TLS_CERTDIR: ""                         # expect: unencrypted
test:
  image: {name: python}                          # expect: latest-tag
  services: ["docker:27-dind", {name: "redis:latest"}]   # expect: latest-tag
  script:
    - echo "$CI_COMMIT_MESSAGE"
    - eval "run $CI_COMMIT_MESSAGE"              # expect: injection
    - bash -c "deploy ${CI_COMMIT_REF_NAME}"     # expect: injection
    - bash -c "deploy $CI_COMMIT_SHA"
    - ssh -o StrictHostKeyChecking=no host date  # expect: unencrypted
build:
  image: $CI_REGISTRY_IMAGE
  script: [make]
"""

PLAYBOOK = """\
- hosts: all
  tasks:
    - name: fetch
      get_url: {url: "http://files.shop.io/a.tgz", dest: /tmp/a}       # expect: unencrypted
    - name: fetch inside
      get_url: {url: "http://mirror.internal/a.tgz", dest: /tmp/a}
    - name: unsigned
      yum: {name: a, disable_gpg_check: yes}                           # expect: auth-off
    - name: repository
      yum_repository: {name: a, baseurl: "https://x.io", gpgcheck: no} # expect: auth-off
    - name: users
      user: {name: "{{ item.name }}", password: "{{ item.password }}"} # expect: hardcoded-secret
      loop: "{{ users }}"
    - name: hidden
      user: {name: "{{ item.name }}", password: "{{ item.password }}"}
      loop: "{{ users }}"
      no_log: true
    - name: show
      debug: {var: db_password}                                        # expect: hardcoded-secret
    - name: say
      debug: {msg: "the password is {{ db_password }}"}                # expect: hardcoded-secret
    - name: fine
      debug: {msg: "the user is {{ db_user }}"}
"""

SETTINGS = """\
issuer: http://login.shop.io/                    # expect: unencrypted
homepage: http://www.shop.io/
feed: ftp://files.shop.io/a                      # expect: unencrypted
ldap_url: ldap://ldap.corp.internal:389
namespace: http://www.w3.org/2001/XMLSchema
proxy: http://bob:${PASSWORD}@proxy.shop.io:80   # expect: unencrypted
ssl_ciphers: ECDHE-RSA-AES128-GCM-SHA256:!RC4:!MD5:!aNULL
old_ciphers: HIGH:DES-CBC3-SHA                   # expect: unencrypted
cipher_suites:
  - TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
  - TLS_RSA_WITH_RC4_128_SHA                     # expect: unencrypted
tls_versions: [TLSv1.2, TLSv1.3]
ssl_protocols: [TLSv1.2, TLSv1.1]                # expect: unencrypted
jwt_algorithm: none                              # expect: auth-off
debug: true
"""

LIMITS = """\
services:
  a: {image: "a:1", mem_limit: 1g}
  b: {image: "b:1", deploy: {resources: {limits: {memory: 1g}}}}
  c: {image: "c:1", mem_limit: 1g}
  d: {image: "d:1"}   # expect: no-limits
"""

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  securityContext:
    sysctls:
      - {name: kernel.msgmax, value: "65536"}                # expect: priv-escalation
      - {name: net.ipv4.tcp_syncookies, value: "1"}
  containers:
    - name: a
      image: a:1
      ports:
        - {containerPort: 22}                                # expect: open-to-world
        - {containerPort: 8080, hostPort: 8080}              # expect: host-namespace
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {add: [CHOWN]}                         # expect: dangerous-cap
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: a
  annotations:
    nginx.ingress.kubernetes.io/server-snippet: "return 200;"   # expect: injection
    nginx.ingress.kubernetes.io/rewrite-target: /
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: a}
rules:
  - {apiGroups: [""], resources: [users], verbs: [impersonate]}          # expect: wildcard-perm
  - {apiGroups: [""], resources: [users], verbs: [impersonate], resourceNames: [ci]}
  - {apiGroups: [""], resources: ["nodes/proxy"], verbs: [get]}          # expect: wildcard-perm
  - {apiGroups: [""], resources: [pods], verbs: [get, list]}
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".gitlab-ci.yml", GITLAB),
        ("play.yml", PLAYBOOK),
        ("app.yaml", SETTINGS),
        ("compose.yaml", LIMITS),
        ("pod.yaml", POD),
    ],
)
def test_what_is_bad_is_found_on_its_line_and_what_is_good_is_not(name: str, text: str) -> None:
    assert_marked(check_security, text, name)


def test_limits_are_a_habit_of_the_file_or_none() -> None:
    assert (
        check_security([parsed("services: {a: {image: 'a:1', mem_limit: 1g}, b: {image: 'b:1'}}\n", "compose.yaml")])
        == []
    )


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("config/production.yaml", "debug: true\n", True),
        ("config/development.yaml", "debug: true\n", False),
        ("app.yaml", "env: {NODE_ENV: production, DEBUG: 'true'}\n", True),
        ("app.yaml", "env: {NODE_ENV: test, DEBUG: 'true'}\n", False),
        ("compose.yaml", "services: {a: {image: 'a:1', environment: [APP_ENV=production, APP_DEBUG=true]}}\n", True),
    ],
)
def test_debugging_counts_in_production_only(name: str, text: str, found: bool) -> None:
    assert ["security/debug-on"] * found == [f.rule_id for f in check_security([parsed(text, name)])]


def test_the_status_of_an_object_is_no_setting() -> None:
    text = "apiVersion: x.io/v1\nkind: A\nmetadata: {name: a}\nspec: {}\nstatus: {tls: {enabled: false}}\n"
    assert check_security([parsed(text, "a.yaml")]) == []


@pytest.mark.parametrize(
    ("host", "public"),
    [
        ("api.shop.io", True),
        ("8.8.8.8", True),
        ("10.0.0.1", False),
        ("db", False),
        ("db.prod.svc", False),
        ("db.prod.svc.cluster.local", False),
        ("a.example.com", False),
        ("{{ host }}.io", False),
        ("127.0.0.1", False),
        (".", False),
        ("a..", False),
    ],
)
def test_public_hosts(host: str, public: bool) -> None:
    assert is_public(host) is public


def test_an_old_password_form_in_a_secret_file() -> None:
    # {"auths":{"r.io":{"auth":"Ym90Omh1bnRlcjIy"}}}
    text = (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata:\n"
        "  .dockerconfigjson: eyJhdXRocyI6eyJyLmlvIjp7ImF1dGgiOiJZbTkwT21oMWJuUmxjakl5In19fQ==\n"
    )
    (found,) = check_security([parsed(text, "a.yaml")])
    assert (found.line, found.tags, found.severity) == (5, ("hardcoded-secret",), Severity.HIGH)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("app.yaml", "ciphers: " + "A_" * 1_900 + "\nssl_protocols: [" + "TLSv" * 900 + "]\n"),
        ("app.yaml", "issuer: http://" + "a." * 900 + "\nurl: '" + "http://a:" * 200 + "'\n"),
        (".gitlab-ci.yml", "test: {script: ['" + 'eval "' * 5_000 + "', '" + "ssh " * 5_000 + "']}\n"),
        (WORKFLOW, "on: push\njobs: {a: {runs-on: x, steps: [{uses: 'a/b@" + "1" * 20_000 + "'}]}}\n"),
        (WORKFLOW, "on: issue_comment\njobs: {a: {runs-on: x, steps: [{run: '" + "GITHUB_ >> " * 5_000 + "'}]}}\n"),
    ],
)
def test_long_runs_end(name: str, text: str) -> None:
    """Nothing here may try every way to read a text: the test's own time limit would end it."""
    check_security([parsed(text, name)])
