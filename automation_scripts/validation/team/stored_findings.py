"""Findings as JSON for the cache; what would carry a secret of the checked files is not stored."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from automation_scripts.results import Finding
from automation_scripts.validation.documents.tree import ParsedFile
from automation_scripts.validation.input.text import LineIndex
from automation_scripts.validation.team.comments import keys_of, scalars_of

_SECRETS = frozenset({"hardcoded-secret", "secret-env"})
_SHORTEST = 4
"""A shorter secret stands in any sentence."""
_SHORTEST_LINE = 12
_OUR_WORDS = ("password", "secret", "token", "credential")
"""Passwords that some people have and every finding about a password says."""


def to_json(families: Mapping[str, Sequence[Finding]]) -> bytes:
    """Lists of findings by name."""
    return json.dumps(
        {name: [_brief(finding) for finding in findings] for name, findings in families.items()},
        separators=(",", ":"),
    ).encode()


def from_json(data: bytes, names: Iterable[str]) -> dict[str, list[Finding]] | None:
    """The lists of `to_json` again; None when the data is something else."""
    try:
        read = json.loads(data)
        return {name: [Finding.from_dict(finding) for finding in read[name]] for name in names}
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def secrets_in(file: ParsedFile, findings: Iterable[Finding]) -> set[str]:
    """The texts in a file that findings call secrets: as they stand, as they are read, and their longer lines.

    A password that is also part of a key or of the file's name (`wordpress` of the service `wordpress`) is not among
    them: findings name keys.
    """
    found: set[str] = set()
    places = [finding for finding in findings if finding.file == file.name and _is_secret(finding)]
    if not places:
        return found
    index = LineIndex(file.text)
    values = {node.span.start: node.value for node in scalars_of(file)}
    said = "\n".join([file.name, *keys_of(file), *_OUR_WORDS]).lower()
    for finding in places:
        try:
            start = index.offset(finding.line or 0, finding.column or 0)
            end = index.offset(finding.end_line or 0, finding.end_column or 0)
        except ValueError:
            continue
        found |= {file.text[start:end], values.get(start, "")}
    lines = {line.strip() for text in found for line in text.splitlines() if len(line.strip()) >= _SHORTEST_LINE}
    return {text for text in found | lines if len(text) >= _SHORTEST and text.lower() not in said}


def holds_any(findings: Iterable[Finding], secrets: Iterable[str]) -> bool:
    """Whether a sentence, suggestion or edit of a finding holds one of the secrets."""
    needles = list(secrets)
    if not needles:
        return False
    for finding in findings:
        texts = (
            finding.message,
            finding.suggestion or "",
            finding.resource or "",
            *(edit.text for edit in finding.fix),
        )
        if any(needle in text for needle in needles for text in texts):
            return True
    return False


def _is_secret(finding: Finding) -> bool:
    return not _SECRETS.isdisjoint(finding.tags) or finding.rule_id.startswith("secret/")


def _brief(finding: Finding) -> dict[str, Any]:
    """Without the fields that say nothing."""
    return {name: value for name, value in finding.to_dict().items() if value not in (None, [])}
