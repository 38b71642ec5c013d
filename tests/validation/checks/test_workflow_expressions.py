"""Expressions of GitHub workflows: the parser, where each context can be read, and calls of local actions."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation_scripts.results import Finding
from automation_scripts.validation.documents.workflow_expressions import expressions_in, parse_expression
from automation_scripts.validation.parsing.files import parse_file
from automation_scripts.validation.references.check import check_references
from automation_scripts.validation.references.workflow_expressions import outputs_of_script

from .marked import assert_marked


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("github.event.pull_request.head.ref", [["github", "event", "pull_request", "head", "ref"]]),
        ("steps.a.outputs['b-c'] == 'x'", [["steps", "a", "outputs", "b-c"]]),
        ("needs.*.result", [["needs"]]),
        ("github.event.commits[0].id", [["github", "event", "commits"]]),
        ("matrix[format('{0}', inputs.key)].x", [["inputs", "key"], ["matrix"]]),
        ("fromJSON(needs.a.outputs.list)[0].name", [["needs", "a", "outputs", "list"]]),
        ("!cancelled() && (a.b || -1 < 0x1F)", [["a", "b"]]),
        ("'it''s' != \"\"".replace('""', "''"), []),
    ],
)
def test_what_an_expression_names(text: str, names: list[list[str]]) -> None:
    found = parse_expression(text)
    assert not found.error
    assert [[name.text for name in reference] for reference in found.references] == names
    for reference in found.references:
        for name in reference:
            assert text[name.start : name.end] == name.text


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("a = b", 2),
        ('a == "b"', 5),
        ("contains(a, b", 12),
        ("a ||", 3),
        ("", 0),
        ("a b", 2),
        ("a.", 1),
        ("(a", 1),
        ("'open", 0),
    ],
)
def test_what_is_no_expression(text: str, at: int) -> None:
    found = parse_expression(text)
    assert found.error and abs(found.error_at - at) <= 1


@given(st.text(alphabet="abc.[]()'!&|=<>,* 01\"-", max_size=60))
def test_every_text_is_answered(text: str) -> None:
    found = parse_expression(text)
    assert 0 <= found.error_at <= max(len(text) - 1, 0)


@given(st.integers(1, 5000))
def test_depth_is_bounded(depth: int) -> None:
    parse_expression("(" * depth + "a" + ")" * depth)
    parse_expression("!" * depth + "a")


def test_braces_in_quotes_do_not_end_an_expression() -> None:
    text = "x ${{ format('{{{0}}}', a) }} y ${{ b }}"
    assert [inner for _, _, inner in expressions_in(text)] == [" format('{{{0}}}', a) ", " b "]
    assert [inner for _, _, inner in expressions_in("${{ it's }} ${{ c }}")] == [" it's ", " c "]


WORKFLOW = """\
name: x
on: push
run-name: by ${{ github.actor }} ${{ env.A }}                           # expect: dangling-ref
env: {NAME_OF_IMAGE: x, B: "${{ runner.os }}"}                          # expect: dangling-ref
jobs:
  one:
    runs-on: ${{ env.B }}                                               # expect: dangling-ref
    if: secrets.TOKEN != ''                                             # expect: dangling-ref
    env: {C: "${{ secrets.TOKEN }}", D: "${{ steps.a.outcome }}"}       # expect: dangling-ref
    steps:
      - if: contains(github.ref) && startwith(github.ref, 'x')          # expect: dangling-ref, invalid-value
        run: echo ${{ github.reff }} ${{ runner.os }} ${{ job.status }}   # expect: dangling-ref
      - if: ${{ github.ref == 'x' }} && true                            # expect: invalid-value
        run: echo ${{ env.NAME_OF_IMGE }} ${{ env.SOMETHING }}          # expect: dangling-ref
      - run: echo ${{ steps.later.outputs.x }}                          # expect: dangling-ref
      - id: later
        run: |
          echo "value=1" >> "$GITHUB_OUTPUT"
          { echo "other=2"; echo "third=3"; } >> $GITHUB_OUTPUT
      - run: echo ${{ steps.later.outputs.value }} ${{ steps.later.outputs.third }} ${{ steps.later.outputs.valu }}   # expect: dangling-ref
      - run: echo ${{ steps.later.output.value }}                       # expect: dangling-ref
      - run: echo ${{ success() }}                                      # expect: invalid-value
      - run: echo ${{ github.ref == "x" }}                              # expect: syntax
      - run: echo ${{ secretz.TOKEN }}                                  # expect: dangling-ref
      - {if: "always() && !failure()", run: x}
      - {if: "${{ hashFiles('a') != '' }}", run: x, with: {if: anything at all}}
  two:
    needs: [one, one]                                                   # expect: dup-name
    strategy:
      matrix:
        os: [a, b, a]                                                   # expect: dup-name
        conf: [{name: x}, {name: y}]
        exclude:
          - {os: c}                                                     # expect: dangling-ref
          - {ox: a}                                                     # expect: dangling-ref
    runs-on: ${{ matrix.os }}
    steps:
      - run: echo ${{ matrix.conf.name }} ${{ matrix.conf.nme }}        # expect: dangling-ref
      - run: echo ${{ needs.one.results }}                              # expect: dangling-ref
"""


def test_contexts_and_functions() -> None:
    assert_marked(check_references, WORKFLOW, ".github/workflows/x.yml")


def test_filters_that_exclude_each_other() -> None:
    text = """\
on:
  push:
    branches: [main]
    branches-ignore: [dev]                                              # expect: conflict
    paths: [a]
jobs: {a: {runs-on: x, steps: [{run: x}]}}
"""
    assert_marked(check_references, text, ".github/workflows/x.yml")


def test_parallel_steps_are_steps() -> None:
    text = """\
on: push
jobs:
  a:
    runs-on: x
    steps:
      - parallel: [{id: one, run: x}, {id: two, run: x}]
      - run: echo ${{ steps.one.outcome }} ${{ steps.tow.outcome }}     # expect: dangling-ref
"""
    assert_marked(check_references, text, ".github/workflows/x.yml")


@pytest.mark.parametrize(
    ("script", "outputs"),
    [
        ('echo "a=1" >> $GITHUB_OUTPUT\necho "b-c=$(x)" >> "$GITHUB_OUTPUT"', {"a", "b-c"}),
        ("echo '::set-output name=old::1'", {"old"}),
        ('echo "text<<EOF" >> $GITHUB_OUTPUT', {"text"}),
        ('{\n  echo "a=1"\n} >> $GITHUB_OUTPUT', None),
        ('echo "a=1" >> $GITHUB_OUTPUT\npython more.py', None),
        ("cat file >> $GITHUB_OUTPUT", None),
        ("make", None),
    ],
)
def test_outputs_that_a_script_sets(script: str, outputs: set[str] | None) -> None:
    found = outputs_of_script(script)
    assert (set(found) if found is not None else None) == outputs


def _tree(folder: Path, files: dict[str, str]) -> list[Finding]:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return check_references([parse_file(folder / name, name) for name in files])


def test_local_actions_and_workflows(tmp_path: Path) -> None:
    found = _tree(
        tmp_path,
        {
            ".github/workflows/main.yml": """\
on: push
jobs:
  call:
    uses: ./.github/workflows/called.yml
    with: {level: 1, lvl: 2}
  after:
    needs: call
    runs-on: x
    steps:
      - uses: ./.github/actions/own
        id: own
        with: {nme: x}
      - run: echo ${{ needs.call.outputs.done }} ${{ needs.call.outputs.don }}
      - run: echo ${{ steps.own.outputs.result }} ${{ steps.own.outputs.reslt }}
""",
            ".github/workflows/called.yml": """\
on:
  workflow_call:
    inputs: {level: {type: number, required: true}}
    secrets: {token: {required: true}}
    outputs: {done: {value: x}}
jobs: {a: {runs-on: x, steps: [{run: "echo ${{ inputs.level }} ${{ inputs.levl }}"}]}}
""",
            ".github/actions/own/action.yml": """\
name: own
description: x
inputs: {name: {required: true}, idle: {default: x}}
outputs: {result: {value: "${{ steps.a.outputs.b }}"}}
runs: {using: composite, steps: [{id: a, shell: bash, run: "echo ${{ inputs.name }}"}]}
""",
        },
    )
    told = sorted((f.file, f.line, f.tags[0]) for f in found)
    main, action = ".github/workflows/main.yml", ".github/actions/own/action.yml"
    assert told == [
        (action, 3, "unused"),
        (".github/workflows/called.yml", 6, "dangling-ref"),
        (main, 4, "missing-required"),
        (main, 5, "dangling-ref"),
        (main, 10, "missing-required"),
        (main, 12, "dangling-ref"),
        (main, 13, "dangling-ref"),
        (main, 14, "dangling-ref"),
    ]
