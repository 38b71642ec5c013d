"""A finding stays the same finding while lines shift, and only then."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automation_scripts.validation.team.identity import fingerprint, loose, stable_message
from tests.validation.team.trees import finding, validated, write

TREE = {
    "compose.yaml": (
        "services:\n  web:\n    image: nginx:latest\n    privileged: true\n    environment:\n      - A=1\n      - A=2\n"
        "    ports: ['8080:80']\n  other:\n    image: nginx:latest\n    ports: ['8080:80']\n    depends_on: [nobody]\n"
    ),
    "twice.yaml": "a: 1\nb: 2\na: 3\nswitch: yes\n",
    "values.production.yaml": "database:\n  timeout: 30\n  pool: 5\ndebug: true\nlog: info\n",
    "values.staging.yaml": "database:\n  timeout: 30\n  pool: 5\n  tls: true\ndebug: false\nlog: info\n",
}


@pytest.mark.parametrize(
    ("message", "stable"),
    [
        ("the first value of line 158 is ignored", "the first value of line is ignored"),
        ("Line 3 has it already.", "Line has it already."),
        ("lines 3, 4 and 7 repeat it", "lines repeat it"),
        ("see conf/values.staging.yaml:12 for it", "see conf/values.staging.yaml for it"),
        ("published by 'db' (b.yml:4:7)", "published by 'db' (b.yml)"),
        ("image nginx:1.25 and port 8080:80", "image nginx:1.25 and port 8080:80"),
        ("the server a.env:8080.internal", "the server a.env:8080.internal"),
        ("22:22 reads as 1342 on port 5", "22:22 reads as 1342 on port 5"),
    ],
)
def test_lines_are_taken_out_of_messages_and_values_stay(message: str, stable: str) -> None:
    assert stable_message(message) == stable


def test_loose_texts_lack_items_and_counts_but_no_values() -> None:
    assert loose("spec.containers[3].image") == "spec.containers[].image"
    assert loose("5 of 6 files say so") == "# of # files say so"
    assert loose("port 22 is open to the world") == "port 22 is open to the world"


def test_rule_file_place_and_sentence_each_make_another_finding() -> None:
    base = finding(resource="a.b")
    others = [
        finding(resource="a.c"),
        finding("k8s/other", resource="a.b"),
        finding(message="other", resource="a.b"),
        finding(file="b.yaml", resource="a.b"),
    ]
    assert len({fingerprint(base), *map(fingerprint, others)}) == 5
    assert fingerprint(base) == fingerprint(finding(resource="a.b", line=99))


@settings(max_examples=5, deadline=None)
@given(st.fixed_dictionaries({name: st.integers(1, 7) for name in TREE}))
def test_lines_above_change_no_fingerprint(tmp_path_factory: pytest.TempPathFactory, shifts: dict[str, int]) -> None:
    before = validated(write(tmp_path_factory.mktemp("before"), TREE)).findings
    shifted = {name: "# a comment\n" * shifts[name] + text for name, text in TREE.items()}
    after = validated(write(tmp_path_factory.mktemp("after"), shifted)).findings
    assert any("line 1 " in f.message for f in before)
    assert any("staging.yaml:5" in f.message for f in before)
    assert sorted(map(fingerprint, before)) == sorted(map(fingerprint, after))
    assert [f.message for f in before] != [f.message for f in after]


def test_the_evidence_of_an_outlier_is_not_its_identity() -> None:
    before = "66 of 67 Jobs have 'spec.retry'; this one lacks it. Wilson lower bound 0.92; examples: a.yaml, b.yaml."
    after = "70 of 71 Jobs have 'spec.retry'; this one lacks it. Wilson lower bound 0.93; examples: c.yaml, b.yaml."
    other = before.replace("spec.retry", "spec.wait")
    told = [fingerprint(finding("outlier/x", message, tags=("outlier",))) for message in (before, after, other)]
    assert told[0] == told[1] != told[2]


def test_a_file_in_a_renamed_folder_is_another_one(tmp_path: Path) -> None:
    assert fingerprint(finding()) != fingerprint(finding(), "conf/a.yaml")
