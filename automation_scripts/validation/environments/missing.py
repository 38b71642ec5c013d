"""Keys that one environment lacks and others have.

Production is held to every key that another environment has and that its base does not provide. The other
environments lack things for good reasons (no monitoring, no backup), so there only a clear exception is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import CheckedDocument
from automation_scripts.validation.documents.pointing import head, path_text
from automation_scripts.validation.documents.tree import Kind
from automation_scripts.validation.environments.configurations import Configuration, Path
from automation_scripts.validation.environments.names import DEVELOPERS, PRODUCTION, has_environment
from automation_scripts.validation.environments.words import listed
from automation_scripts.validation.input.spans import Span
from automation_scripts.validation.values.secret_words import words_of

_KEPT_BY_MANIFESTS = listed("kept by manifests")
_FREE_NAMES = listed("free names")
_PARTS_OF_A_URL = listed("parts of a url")
_URLS = listed("whole urls")
_FOR_DEVELOPERS = re.compile(
    r"debug|mock|fake|stub|seed|fixture|reload|watch|profil|toolbar|dev_?tools|source_?map|mailhog|mailcatcher|mailpit"
    r"|swagger|verbose|^echo|sandbox|(?:^|_)(?:dev|test|local)(?:_|$)"
)
_NAME_OF_A_THING = re.compile(
    r"[\w.-]+\.(?:com|net|org|io|dev|local|internal|example|co|eu|cloud|app|test)(?::\d+)?|\d[\d.:/-]*|.*\s.*|.*[/@].*"
)
_ENOUGH_SHARED = 6
"""With fewer keys than this, two configurations that are equal but for one key are no sign of anything."""
_MOST_FROM_DEVELOPERS = 0.25
"""When production lacks a greater part of what developers have, the two are different by design."""


def lacking(members: list[Configuration]) -> Iterator[Finding]:
    """Findings for what members of a group lack; the members are comparable, two or more environments."""
    for member in members:
        others = [other for other in members if other.environment != member.environment and not other.is_partial]
        if member.is_partial or not others:
            continue
        lacks = _lacks(member, others)
        for path, holders in lacks.items():
            severity = _severity(member, others, holders, lacks)
            if severity is not None:
                yield _finding(member, holders, path, severity)


def parent_place(member: Configuration, path: Path) -> tuple[CheckedDocument, Span]:
    """Where something that a configuration lacks would stand: the nearest key above it, else its first line."""
    for end in range(len(path) - 1, 0, -1):
        if path[:end] in member.own:
            value = member.own[path[:end]]
            return value.document, value.key.span
    return member.document, head(member.heading, member.root)


def _lacks(member: Configuration, others: list[Configuration]) -> dict[Path, list[Configuration]]:
    """The topmost key paths that are not there, with those that have them."""
    found: dict[Path, list[Configuration]] = {}
    for path in dict.fromkeys(path for other in others for path in other.own):
        parent = member.effective.get(path[:-1])
        parent_is_map = len(path) == 1 or (parent is not None and parent.node.kind is Kind.MAP)
        if path in member.effective or not parent_is_map or _names_a_thing(path):
            continue
        holders = [other for other in others if path in other.effective]
        if member.is_manifest and not _is_protection(path):
            continue
        if member.ignores(path[:-1]) or any(holder.ignores(path) for holder in holders):
            continue
        if not _is_another_spelling(member, holders, path):
            found[path] = holders
    return found


def _is_protection(path: Path) -> bool:
    """True for what a service loses by lacking it: a variable, a limit, a probe."""
    return any(step in _KEPT_BY_MANIFESTS for step in path)


def _names_a_thing(path: Path) -> bool:
    key = path[-1]
    if len(key) > 120 or has_environment(key) or _NAME_OF_A_THING.fullmatch(key) or key.startswith(("x-", "$", "_")):
        return True
    return any(words and words[-1] in _FREE_NAMES for step in path[:-1] if (words := words_of(step[:120])))


def _is_another_spelling(member: Configuration, holders: list[Configuration], path: Path) -> bool:
    """True when the same thing stands there in another way: `password_file` for `password`, `url` for `host`."""
    mine = {step[-1] for step in member.effective if step[:-1] == path[:-1]}
    theirs = {step[-1] for holder in holders for step in holder.effective if step[:-1] == path[:-1]}
    words = words_of(path[-1][:120])
    for name in mine - theirs:
        other = words_of(name[:120])
        if words and other and (other[: len(words)] == words or words[: len(other)] == other):
            return True
        if other and other[-1] in _URLS and words and words[-1] in _PARTS_OF_A_URL:
            return True
        if words and words[-1] in _URLS and other and other[-1] in _PARTS_OF_A_URL:
            return True
    return False


def _severity(
    member: Configuration,
    others: list[Configuration],
    holders: list[Configuration],
    lacks: dict[Path, list[Configuration]],
) -> Severity | None:
    """How bad a lack is; None when it is by design as far as can be seen."""
    deployed = [holder for holder in holders if holder.environment not in DEVELOPERS]
    if member.environment == PRODUCTION:
        if not deployed:
            return _only_developers_have_it(member, others, holders, lacks)
        return Severity.HIGH if len(holders) >= 2 and len(holders) == len(others) else Severity.MEDIUM
    if len(holders) < len(others) or not deployed:
        return None
    if member.environment in DEVELOPERS:
        return Severity.LOW if len(holders) >= 3 and len(deployed) < len(holders) else None
    if len(holders) >= 2:
        return Severity.LOW
    return Severity.LOW if _is_sole_difference(member, holders[0], lacks) else None


def _only_developers_have_it(
    member: Configuration,
    others: list[Configuration],
    holders: list[Configuration],
    lacks: dict[Path, list[Configuration]],
) -> Severity | None:
    """A key that only development has is often a tool, and what staging runs without production does not need."""
    if len(holders) < len(others) or member.bases:
        return None
    path = next(path for path, found in lacks.items() if found is holders)
    if any(_FOR_DEVELOPERS.search("_".join(words_of(step[:120]))) for step in path):
        return None
    if len(lacks) > max(2, _MOST_FROM_DEVELOPERS * len(holders[0].effective)):
        return None
    return Severity.MEDIUM


def _is_sole_difference(member: Configuration, other: Configuration, lacks: dict[Path, list[Configuration]]) -> bool:
    """True when two configurations have the same keys but for one plain value: that one was forgotten."""
    if len(lacks) != 1 or len(member.effective) < _ENOUGH_SHARED:
        return False
    (path,) = lacks
    return other.effective[path].node.kind is Kind.SCALAR and member.effective.keys() <= other.effective.keys()


def _finding(member: Configuration, holders: list[Configuration], path: Path, severity: Severity) -> Finding:
    places = ", ".join(holder.place(path) for holder in holders[:3])
    have = "has" if len(holders) == 1 else "have"
    document, span = parent_place(member, path)
    return document.finding(
        span,
        "drift/missing-key",
        severity,
        f"'{path_text(path)}' is missing in {member.environment}; {places} {have} it.",
        "drift",
        path=(*member.section, *path),
        suggestion=f"Add '{path_text(path[-1:])}' here or to a base file, or add the comment 'drift-ignore' to the line "
        "that has it if it is meant to be missing.",
    )
