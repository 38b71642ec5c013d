"""Corrections of security findings: the text afterwards, proved by looking again; and none where it could break something."""

from __future__ import annotations

from pathlib import Path

import pytest

from automation_scripts.results import Finding
from automation_scripts.validation.documents.edits import apply_edits
from automation_scripts.validation.documents.tree import ParsedFile
from automation_scripts.validation.parsing.files import parse_text
from automation_scripts.validation.security.check import check_security

WORKFLOW = ".github/workflows/a.yml"
HEAD = "on: issues\npermissions: {}\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n"
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n"


def _parsed(name: str, text: str) -> ParsedFile:
    return parse_text(Path("/nowhere") / name, name, text)


def _found(name: str, text: str, rule: str) -> list[Finding]:
    return [finding for finding in check_security([_parsed(name, text)]) if finding.rule_id == f"security/{rule}"]


MENDED = [
    (
        "untrusted text goes through a new env",
        "script-injection",
        WORKFLOW,
        HEAD + '      - run: echo "${{ github.event.issue.title }}"\n',
        HEAD
        + '      - env:\n          ISSUE_TITLE: ${{ github.event.issue.title }}\n        run: echo "${ISSUE_TITLE}"\n',
    ),
    (
        "and is quoted where it was not, in the env that is there",
        "script-injection",
        WORKFLOW,
        HEAD
        + "      - name: x\n        env:\n          A: b\n        run: |\n          echo a\n          echo ${{ github.head_ref }}\n",
        HEAD
        + "      - name: x\n        env:\n          HEAD_REF: ${{ github.head_ref }}\n          A: b\n        run: |\n"
        '          echo a\n          echo "${HEAD_REF}"\n',
    ),
    (
        "the checkout forgets the token",
        "checkout-keeps-token",
        WORKFLOW,
        HEAD + "      - uses: actions/checkout@v5   # why\n      - run: make\n",
        HEAD
        + "      - uses: actions/checkout@v5   # why\n        with:\n          persist-credentials: false\n      - run: make\n",
    ),
    (
        "beside its other options",
        "checkout-keeps-token",
        WORKFLOW,
        HEAD + "      - uses: actions/checkout@v5\n        with:\n          fetch-depth: 0\n",
        HEAD
        + "      - uses: actions/checkout@v5\n        with:\n          persist-credentials: false\n          fetch-depth: 0\n",
    ),
    (
        "a container may not escalate",
        "privilege-escalation",
        "pod.yaml",
        POD + "    - name: a\n      image: a:1\n      securityContext:\n        readOnlyRootFilesystem: true\n",
        POD
        + "    - name: a\n      image: a:1\n      securityContext:\n        allowPrivilegeEscalation: false\n        readOnlyRootFilesystem: true\n",
    ),
    (
        "one without a security context gets one",
        "privilege-escalation",
        "pod.yaml",
        POD + "    - image: a:1\n      name: a\n",
        POD + "    - image: a:1\n      name: a\n      securityContext:\n        allowPrivilegeEscalation: false\n",
    ),
    (
        "nor after privileged is turned off",
        "privileged",
        "pod.yaml",
        POD + "    - name: a\n      image: a:1\n      securityContext:\n        privileged: true\n",
        POD
        + "    - name: a\n      image: a:1\n      securityContext:\n        allowPrivilegeEscalation: false\n        privileged: false\n",
    ),
    (
        "a data store is published on loopback",
        "published-port",
        "compose.yaml",
        "services:\n  db:\n    image: db:1\n    ports: ['5432:5432']\n",
        "services:\n  db:\n    image: db:1\n    ports: ['127.0.0.1:5432:5432']\n",
    ),
    (
        "where every address was said",
        "published-port",
        "compose.yaml",
        "services:\n  db:\n    image: db:1\n    ports:\n      - 0.0.0.0:6379:6379\n",
        "services:\n  db:\n    image: db:1\n    ports:\n      - 127.0.0.1:6379:6379\n",
    ),
    (
        "and in the long form",
        "published-port",
        "compose.yaml",
        "services:\n  db:\n    image: db:1\n    ports: [{target: 5432, published: 5432, host_ip: '0.0.0.0'}]\n",
        "services:\n  db:\n    image: db:1\n    ports: [{target: 5432, published: 5432, host_ip: 127.0.0.1}]\n",
    ),
    ("a check is turned on", "certificate-check-off", "a.yaml", "http: {verify: false}\n", "http: {verify: true}\n"),
    ("debugging is turned off", "debug-on", "production.yaml", "debug: true\n", "debug: false\n"),
    (
        "storage is encrypted",
        "storage-not-encrypted",
        "a.json",
        '{"Resources": {"A": {"Type": "AWS::EC2::Volume", "Properties": {"Encrypted": false}}}}',
        '{"Resources": {"A": {"Type": "AWS::EC2::Volume", "Properties": {"Encrypted": true}}}}',
    ),
]


@pytest.mark.parametrize(("rule", "name", "text", "after"), [row[1:] for row in MENDED], ids=[row[0] for row in MENDED])
def test_the_text_afterwards(rule: str, name: str, text: str, after: str) -> None:
    (finding,) = _found(name, text, rule)
    assert apply_edits(text, finding.fix) == after
    before = {(f.rule_id, f.message) for f in check_security([_parsed(name, text)])}
    left = check_security([_parsed(name, after)])
    assert not [f for f in left if f.rule_id == finding.rule_id]
    assert {(f.rule_id, f.message) for f in left} <= before


@pytest.mark.parametrize("ending", ["\r\n", "\n"])
def test_line_endings_stay(ending: str) -> None:
    text = (POD + "    - name: a\n      image: a:1\n").replace("\n", ending)
    (finding,) = _found("pod.yaml", text, "privilege-escalation")
    after = apply_edits(text, finding.fix)
    assert after.count(ending) == after.count("\n") == text.count("\n") + 2


@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        # The shell expands nothing within single quotes.
        (WORKFLOW, HEAD + "      - run: echo '${{ github.event.issue.title }}'\n", "script-injection"),
        (WORKFLOW, HEAD + "      - run: |\n          # ${{ github.head_ref }}\n          make\n", "script-injection"),
        (
            WORKFLOW,
            HEAD + "      - run: |\n          cat <<'E'\n          ${{ github.head_ref }}\n          E\n",
            "script-injection",
        ),
        # Other shells read variables in another way.
        (WORKFLOW, HEAD + "      - {run: 'echo ${{ github.head_ref }}', shell: bash}\n", "script-injection"),
        (WORKFLOW, HEAD + "      - run: echo ${{ github.head_ref }}\n        shell: pwsh\n", "script-injection"),
        (
            WORKFLOW,
            HEAD.replace("ubuntu-24.04", "windows-2025") + "      - run: echo ${{ github.head_ref }}\n",
            "script-injection",
        ),
        # The name is taken by something else.
        (
            WORKFLOW,
            HEAD + "      - env:\n          ISSUE_TITLE: x\n        run: echo ${{ github.event.issue.title }}\n",
            "script-injection",
        ),
        # A later step needs the token.
        (WORKFLOW, HEAD + "      - uses: actions/checkout@v5\n      - run: git push\n", "checkout-keeps-token"),
        (
            WORKFLOW,
            HEAD + "      - uses: actions/checkout@v5\n      - uses: x/create-release@v1\n",
            "checkout-keeps-token",
        ),
        (WORKFLOW, HEAD + "      - {uses: actions/checkout@v5}\n", "checkout-keeps-token"),
        # Kubernetes refuses the two together.
        (
            "pod.yaml",
            POD + "    - name: a\n      image: a:1\n      securityContext:\n        capabilities: {add: [SYS_ADMIN]}\n",
            "privilege-escalation",
        ),
        ("pod.yaml", POD + "    - {name: a, image: 'a:1'}\n", "privilege-escalation"),
        # A program that writes to its own folder would stop working.
        ("pod.yaml", POD + "    - name: a\n      image: a:1\n", "writable-root-filesystem"),
    ],
)
def test_nothing_is_offered_where_it_could_break_something(name: str, text: str, rule: str) -> None:
    found = _found(name, text, rule)
    assert found and all(finding.fix == () for finding in found)
