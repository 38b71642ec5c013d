"""Names in GitHub, GitLab and CircleCI pipelines."""

from __future__ import annotations

from pathlib import Path

from automation_scripts.results import Severity
from automation_scripts.validation.parsing.files import parse_file
from automation_scripts.validation.references.check import check_references

from .marked import assert_marked, parsed

WORKFLOW = """\
on:
  workflow_dispatch:
    inputs: {target: {type: string}}
  workflow_call:
    inputs: {level: {type: string}}
    outputs:
      x: {value: "${{ jobs.build.outputs.verison }}"}       # expect: dangling-ref
      y: {value: "${{ jobs.bild.outputs.version }}"}        # expect: dangling-ref
      z: {value: "${{ jobs.build.outputs.version }}"}
jobs:
  build:
    runs-on: ${{ matrix.os }}
    strategy:
      matrix: {os: [ubuntu-24.04], include: [{os: ubuntu-22.04, extra: 1}]}
    outputs:
      version: ${{ steps.version.outputs.value }}
      other: ${{ steps.verison.outputs.value }}             # expect: dangling-ref
    steps:
      - id: version
        run: echo ${{ matrix.extra }} ${{ matrix.ox }}      # expect: dangling-ref
      - id: version                                         # expect: dup-name
        run: echo ${{ inputs.target }} ${{ inputs.level }} ${{ inputs.tarjet }}   # expect: dangling-ref
      - if: steps.version.outcome == 'success' && steps.nope.outcome == 'x'
        run: echo ${{ env.ANY }} ${{ secrets.ANY }} ${{ vars.ANY }}
  other:
    needs: [build, bulid]                                   # expect: dangling-ref
    runs-on: ubuntu-24.04
    steps: [{run: "echo ${{ needs.anything.result }}"}]
  test:
    needs: [build]
    runs-on: ubuntu-24.04
    steps:
      - run: echo ${{ needs.build.outputs.version }} ${{ needs.build.outputs.nothing }}   # expect: dangling-ref
      - run: echo ${{ needs.deploy.result }}                # expect: dangling-ref
  deploy:
    needs: publish
    runs-on: ubuntu-24.04
    steps: [{run: make}]
  publish:
    needs: [deploy]                                         # expect: cycle
    runs-on: ubuntu-24.04
    steps: [{run: make}]
"""

GOOD = """\
on: [push, pull_request]
jobs:
  plan:
    runs-on: ubuntu-24.04
    outputs: {matrix: "${{ steps.set.outputs.matrix }}"}
    steps: [{id: set, uses: some/action@v1}]
  build:
    needs: plan
    runs-on: ubuntu-24.04
    strategy: {matrix: "${{ fromJSON(needs.plan.outputs.matrix) }}"}
    steps:
      - run: echo ${{ matrix.anything }} ${{ needs.plan.outputs['matrix'] }}
      - if: github.event_name == 'push' && inputs.anything
        run: make
  call:
    needs: [plan, build]
    uses: org/repo/.github/workflows/x.yml@v1
  last:
    needs: [call]
    if: always() && needs.call.result == 'success'
    runs-on: ubuntu-24.04
    steps: [{run: "echo ${{ needs.call.outputs.any }}"}]
"""


def test_github_names() -> None:
    assert_marked(check_references, WORKFLOW, ".github/workflows/a.yml")
    assert check_references([parsed(GOOD, ".github/workflows/a.yml")]) == []


def test_the_place_of_a_name_in_an_expression_is_the_name() -> None:
    found = {f.line: f for f in check_references([parsed(WORKFLOW, ".github/workflows/a.yml")])}
    line = WORKFLOW.splitlines()[16]
    column, end = found[17].column, found[17].end_column
    assert column and end and line[column - 1 : end - 1] == "verison"
    assert found[17].suggestion == "Did you mean 'version'?"
    assert [edit.text for edit in found[26].fix] == ["build"]


def test_local_actions_and_workflows(tmp_path: Path) -> None:
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (tmp_path / ".github" / "actions" / "setup").mkdir(parents=True)
    (tmp_path / ".github" / "actions" / "setup" / "action.yml").write_text("name: x\nruns: {using: composite}\n")
    (folder / "called.yml").write_text(
        "on: {workflow_call: {outputs: {a: {value: '1'}}}}\njobs: {j: {runs-on: x, steps: [{run: a}]}}\n"
    )
    text = """\
on: push
jobs:
  a:
    runs-on: x
    steps:
      - uses: ./.github/actions/setup
      - uses: ./.github/actions/gone
      - uses: ./.github/actions
  b: {uses: ./.github/workflows/called.yml}
  c: {uses: ./.github/workflows/caled.yml}
  d:
    needs: b
    runs-on: x
    steps: [{run: "echo ${{ needs.b.outputs.a }} ${{ needs.b.outputs.b }}"}]
"""
    (folder / "ci.yml").write_text(text)
    files = [parse_file(folder / name, f".github/workflows/{name}") for name in ("ci.yml", "called.yml")]
    found = {f.line: f for f in check_references(files)}
    assert sorted(found) == [7, 8, 10, 14]
    assert "none of action.yml" in found[8].message
    assert found[10].suggestion == "Did you mean 'called.yml'?"


def test_composite_actions() -> None:
    text = """\
name: x
description: x
inputs: {version: {description: v}}
outputs: {path: {value: "${{ steps.instal.outputs.path }}"}}     # expect: dangling-ref
runs:
  using: composite
  steps:
    - id: install
      run: echo ${{ inputs.version }} ${{ inputs.versoin }}       # expect: dangling-ref
      shell: bash
"""
    assert_marked(check_references, text, "action.yml")


GITLAB = """\
stages: [build, test]
.base: {image: "x:1"}
compile:
  stage: biuld                      # expect: dangling-ref
  extends: .bsae                    # expect: dangling-ref
  script: [make]
test:
  stage: test
  extends: [.base]
  needs: [compile, {job: lint, artifacts: true}, {job: maybe, optional: true}]   # expect: dangling-ref
  dependencies: [compile]
  before_script: [!reference [.base, script], !reference [.nope, script]]        # expect: dangling-ref
  script: [make]
one: {stage: .pre, script: [a], needs: [two]}
two: {stage: .post, script: [a], needs: [one]}     # expect: cycle
three: {script: [a], needs: ["compile: [linux, amd64]"]}
four: {stage: $STAGE, script: [a], needs: [{pipeline: $ID, job: x}]}
"""


def test_gitlab_names() -> None:
    assert_marked(check_references, GITLAB, ".gitlab-ci.yml")


def test_a_pipeline_that_includes_others_is_open() -> None:
    text = "include: [{project: a/b, file: x.yml}]\nlint: {script: [a]}\ncompile: {stage: any, extends: .there, needs: [lnit], script: [a]}\n"
    (finding,) = check_references([parsed(text, ".gitlab-ci.yml")])
    assert (finding.suggestion, finding.severity) == ("Did you mean 'lint'?", Severity.MEDIUM)


def test_the_files_of_one_pipeline_are_read_together() -> None:
    root = "stages: [check]\ninclude: [{local: /ci/jobs.gitlab-ci.yml}]\n"
    jobs = "lint: {stage: check, script: [a]}\nbuild: {stage: chekc, needs: [lint], script: [a]}\n"
    found = check_references([parsed(root, ".gitlab-ci.yml"), parsed(jobs, "ci/jobs.gitlab-ci.yml")])
    assert [f.message for f in found if f.tags == ("dangling-ref",) and "stage" in f.message] == [
        "Job 'build' is in the stage 'chekc', which `stages` does not list."
    ]


CIRCLE = """\
version: 2.1
executors: {small: {docker: [{image: "x:1"}]}}
jobs:
  build: {executor: small, steps: [checkout]}
  test: {executor: smal, steps: [checkout]}      # expect: dangling-ref
workflows:
  main:
    jobs:
      - build
      - test: {requires: [bulid]}                # expect: dangling-ref
      - hold: {type: approval, requires: [test]}
      - deploy: {requires: [hold]}               # expect: dangling-ref
      - node/run: {requires: [build], name: lint}
"""


def test_circleci_names() -> None:
    assert_marked(check_references, CIRCLE, ".circleci/config.yml")
