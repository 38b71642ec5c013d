"""Differences between environments, and what is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automation_scripts.results import Finding
from automation_scripts.validation.environments.check import check_environments
from automation_scripts.validation.parsing.files import parse_text

STAGING = """\
server:
  host: staging.example.com
  port: 8443
  timeout_seconds: 30
  debug: false
cache:
  enabled: true
  ttl_seconds: 600
database:
  url: postgres://staging/db
  verify: true
log_level: info
"""
PRODUCTION = STAGING.replace("staging", "www")


def _check(**files: str) -> list[Finding]:
    named = {name.replace("__", "/").replace("_", ".") + ".yaml": text for name, text in files.items()}
    return check_environments([parse_text(Path("/x") / name, name, text) for name, text in named.items()])


def _told(findings: list[Finding]) -> list[tuple[str, str | None, int | None]]:
    return [(finding.rule_id, finding.file, finding.line) for finding in findings]


def test_hosts_and_urls_may_differ() -> None:
    assert _check(app_production=PRODUCTION, app_staging=STAGING) == []


@pytest.mark.parametrize(
    ("change", "rule", "line"),
    [
        (("  ttl_seconds: 600\n", ""), "drift/missing-key", 6),
        (("timeout_seconds: 30", "timeout_seconds: 30000"), "drift/magnitude", 4),
        (("timeout_seconds: 30", "timeout_seconds: 30s"), "drift/type", 4),
        (("debug: false", "debug: true"), "drift/weaker-security", 5),
        (("verify: true", "verify: false"), "drift/weaker-security", 11),
        (("log_level: info", "log_level: debug"), "drift/weaker-security", 12),
        (("cache:\n  enabled: true\n  ttl_seconds: 600\n", "cache: none\n"), "drift/type", 6),
    ],
)
def test_what_is_odd_in_production_is_found_at_its_line(change: tuple[str, str], rule: str, line: int) -> None:
    found = _told(_check(app_production=PRODUCTION.replace(*change), app_staging=STAGING))
    assert (rule, "app.production.yaml", line) in found
    assert len(found) == 1


def test_folders_name_environments_too() -> None:
    found = _check(production__app=PRODUCTION.replace("  debug: false\n", ""), staging__app=STAGING)
    assert _told(found) == [("drift/missing-key", "production/app.yaml", 1)]


def test_a_base_file_provides_what_production_lacks() -> None:
    without = PRODUCTION.replace("log_level: info\n", "")
    assert _check(app_production=without, app_staging=STAGING)
    assert _check(app_production=without, app_staging=STAGING, app="log_level: info\n") == []


def test_declared_differences_are_no_findings() -> None:
    changed = PRODUCTION.replace("debug: false", "debug: true # drift-ignore: until Friday")
    assert _check(app_production=changed, app_staging=STAGING) == []
    assert _check(app_production="# drift-ignore-file\n" + changed, app_staging="a: 1\n" + STAGING) == []


def test_what_only_developers_have_is_not_missing() -> None:
    found = _check(app_production=PRODUCTION, app_staging=STAGING, app_development=STAGING + "profiler: true\n")
    assert found == []


@pytest.mark.parametrize(
    "files",
    [
        {"app_production": PRODUCTION},
        {"app_production": PRODUCTION, "other_staging": STAGING},
        {"app_production": PRODUCTION, "app_staging": "entirely: {different: 1, thing: 2}\n"},
        {"contest_a": PRODUCTION, "contest_b": "a: 1\n"},
    ],
)
def test_files_that_do_not_belong_together_are_not_compared(files: dict[str, str]) -> None:
    assert _check(**files) == []


NAMES = st.text(st.sampled_from("abcdefgh"), min_size=3, max_size=6)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(NAMES, st.dictionaries(NAMES, st.integers(1, 9), min_size=1), min_size=2, max_size=5), st.data())
def test_any_key_that_production_lacks_is_found(config: dict[str, dict[str, int]], data: st.DataObject) -> None:
    lines = {outer: [f"  {inner}: {value}\n" for inner, value in below.items()] for outer, below in config.items()}
    whole = "".join(f"{outer}:\n{''.join(below)}" for outer, below in lines.items())
    assert _check(app_production=whole, app_staging=whole) == []
    outer = data.draw(st.sampled_from(sorted(config)))
    if len(lines[outer]) < 2:
        return
    removed = data.draw(st.sampled_from(lines[outer]))
    less = {**lines, outer: [line for line in lines[outer] if line != removed]}
    text = "".join(f"{name}:\n{''.join(below)}" for name, below in less.items())
    found = _check(app_production=text, app_staging=whole)
    where = text.splitlines().index(f"{outer}:") + 1
    assert ("drift/missing-key", "app.production.yaml", where) in _told(found)
