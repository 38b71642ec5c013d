"""What a suppression comment says: `automation: ignore[rule or class, …] reason (until 2026-12-31)`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from automation_scripts.suggest import distance

_FORM = re.compile(r"(?P<word>[A-Za-z-]+)[ \t]*(?:\[(?P<rules>[^\]]*)\])?[ \t]*(?P<rest>.*)", re.DOTALL)
_UNTIL = re.compile(r"\(\s*until\b[ \t:]*(?P<day>[^()]*)\)", re.IGNORECASE)
_RULE = re.compile(r"[A-Za-z0-9_.-]+(?:/(?:[A-Za-z0-9_.-]+|\*))?")
EXAMPLE = "# automation: ignore[rule-id] why (until 2026-12-31)"


class Reach(StrEnum):
    """What a suppression speaks of."""

    LINE = "ignore"
    FILE = "ignore-file"
    START = "ignore-start"
    END = "ignore-end"


@dataclass(frozen=True, slots=True)
class Directive:
    """One suppression as written. `wrong` says what keeps it from working; then nothing else counts."""

    reach: Reach
    rules: tuple[str, ...] = ()
    reason: str = ""
    until: date | None = None
    wrong: str = ""


def read_directive(text: str) -> Directive | None:
    """The suppression that stands behind `automation:`; None when the comment is about something else."""
    found = _FORM.match(text)
    if found is None:
        return None
    word, listed, rest = found["word"].lower(), found["rules"], found["rest"]
    reach = next((reach for reach in Reach if reach.value == word), None)
    if reach is None:
        near = min(Reach, key=lambda known: distance(word, known.value))
        if listed is None or distance(word, near.value) > 2:
            return None
        return Directive(near, wrong=f"'{word}' is unknown; did you mean '{near.value}'?")
    if reach is Reach.END:
        return Directive(reach)
    if listed is None:
        return Directive(reach, wrong="it does not say in brackets what it ignores")
    rules = tuple(dict.fromkeys(rule.strip() for rule in listed.split(",") if rule.strip()))
    if not rules:
        return Directive(reach, wrong="its brackets are empty")
    for rule in rules:
        if not _RULE.fullmatch(rule):
            return Directive(reach, wrong=f"{rule[:60]!r} is no rule id, no class and no family such as k8s/*")
    return _with_reason(reach, rules, rest)


def _with_reason(reach: Reach, rules: tuple[str, ...], rest: str) -> Directive:
    until = None
    if found := _UNTIL.search(rest):
        try:
            until = date.fromisoformat(found["day"].strip())
        except ValueError:
            return Directive(reach, rules, wrong=f"{found['day'].strip()[:40]!r} is no day such as 2026-12-31")
        rest = rest[: found.start()] + rest[found.end() :]
    reason = " ".join(rest.split()).strip(" :;,.-–—")
    return Directive(reach, rules, reason, until)
