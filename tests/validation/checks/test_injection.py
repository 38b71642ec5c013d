"""Strangers' text in scripts."""

from __future__ import annotations

from automation_scripts.results import Severity
from automation_scripts.validation.security.check import check_security

from .marked import assert_marked, parsed

WORKFLOW = """\
permissions: {}
on:
  issues:
  workflow_dispatch:
    inputs:
      name: {type: string}
      count: {type: number}
jobs:
  a:
    runs-on: ubuntu-24.04
    env:
      TITLE: ${{ github.event.issue.title }}
    steps:
      - run: echo "${{ github.event.issue.title }}"                     # expect: injection
      - run: |
          echo hello
          git checkout ${{ github.head_ref }}                           # expect: injection
      - run: echo '${{ toJSON(github.event) }}'                         # expect: injection
      - run: echo "${{ format('{0}', github.event.comment.body) }}"     # expect: injection
      - run: echo ${{ inputs.name }}                                    # expect: injection
      - uses: actions/github-script@v7
        with:
          script: |
            console.log("${{ github.event.pull_request.body }}")        // expect: injection
      - run: echo "$TITLE"
      - run: echo ${{ github.event.issue.number }} ${{ github.sha }} ${{ inputs.count }}
      - run: echo ${{ contains(github.event.issue.title, 'bug') }}
      - run: echo ${{ github.event.issue.title == 'x' && 'yes' || 'no' }}
      - uses: some/action@0123456789abcdef0123456789abcdef01234567
        with: {title: "${{ github.event.issue.title }}"}
      - if: contains(github.event.issue.body, 'please')
        run: make
"""

TARGET = """\
permissions: {}
on: {pull_request_target: {types: [opened]}}   # expect: injection
jobs:
  a:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v4
        with: {ref: "${{ github.event.pull_request.head.sha }}", persist-credentials: false}   # expect: injection
      - uses: actions/checkout@v4
        with: {persist-credentials: false}
"""

ACTION = """\
name: x
description: x
inputs: {name: {description: x}}
runs:
  using: composite
  steps:
    - run: echo ${{ inputs.name }}               # expect: injection
      shell: bash
    - run: echo ${{ github.event.review.body }}  # expect: injection
      shell: bash
"""


def test_untrusted_text_in_scripts() -> None:
    found = assert_marked(check_security, WORKFLOW, ".github/workflows/a.yml")
    by_line = {f.line: f for f in found}
    assert by_line[14].severity is Severity.HIGH
    assert by_line[20].severity is Severity.LOW  # only those who may start the workflow write it
    assert (by_line[17].column, by_line[17].end_column) == (24, 46)


def test_code_of_a_stranger_is_not_checked_out_with_secrets() -> None:
    assert_marked(check_security, TARGET, ".github/workflows/a.yml")
    harmless = TARGET.replace("pull_request_target", "pull_request").replace("   # expect: injection", "")
    assert check_security([parsed(harmless, ".github/workflows/a.yml")]) == []


def test_composite_actions() -> None:
    assert_marked(check_security, ACTION, "action.yml")


def test_an_expression_that_never_ends_costs_nothing() -> None:
    text = WORKFLOW.split('      - run: echo "${{ github', maxsplit=1)[0] + "      - run: '" + "${{ " * 50_000 + "'\n"
    assert check_security([parsed(text, ".github/workflows/a.yml")]) == []
