"""Any text, however broken: no exception, findings inside the text, and fixes that mend what they say they mend."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automation_scripts.validation.schemas.check import check_schemas
from tests.validation.schemas.support import check, mended, parse, write
from tests.validation.schemas.test_formats import BAD, CLEAN

NAMES = [name for name in CLEAN if name != "crd.yaml"]


@pytest.mark.parametrize("name", BAD)
def test_each_fix_ends_its_own_finding(tmp_path: Path, name: str) -> None:
    text = BAD[name][0]
    for finding in check(tmp_path, {name: text}):
        if not finding.fix:
            continue
        write(tmp_path, name, text)
        after = check(tmp_path, {name: mended(tmp_path, finding)})
        assert finding.fingerprint not in {other.fingerprint for other in after}


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(NAMES),
    st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 30), st.sampled_from(["", "x", ":", "- ", "[", "{", '"', "&a ", "*a", "!t ", "null", "\n"])), max_size=4),
)  # fmt: skip
def test_damaged_files_are_judged_without_trouble(name: str, cuts: list[tuple[int, int, str]]) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        path = write(folder, name, CLEAN[name])
        text = path.read_text(encoding="utf-8")
        for start, length, replacement in cuts:
            start = min(start, len(text))  # noqa: PLW2901
            text = text[:start] + replacement + text[start + length :]
        path.write_text(text, encoding="utf-8")
        found = check_schemas(parse(folder, name), root=folder)
    lines = text.split("\n")
    for finding in found:
        assert finding.message and finding.tags and finding.suggestion
        assert finding.line and finding.column and 1 <= finding.line <= len(lines)
        assert finding.column <= len(lines[finding.line - 1]) + 1
        for edit in finding.fix:
            assert (edit.start_line, edit.start_column) <= (edit.end_line, edit.end_column)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="abc:-[]{}&*!|>\"'#%$ \n\t0123456789", max_size=200))
def test_any_text_under_a_known_name_is_judged_without_trouble(text: str) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in ("docker-compose.yml", ".github/workflows/a.yml", "package.json", ".gitlab-ci.yml"):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            check_schemas(parse(folder, name), root=folder)
