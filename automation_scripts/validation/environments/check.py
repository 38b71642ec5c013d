"""Differences between environments: the same configuration for production and staging, compared key by key.

What belongs together is found by `groups` and `kustomize`; how two values differ is judged by `values` and `safety`,
what must not be the same by `leaks`. Intentional differences are declared in the file (`# drift-ignore` on a key's line,
or `# drift-ignore-file` above the first line of content), or in a `drift.yaml` (see `declared`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import chain

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.pointing import head, path_text
from automation_scripts.validation.documents.tree import Kind, ParsedFile, PathKey
from automation_scripts.validation.environments.configurations import Configuration, Path
from automation_scripts.validation.environments.declared import apply_declarations
from automation_scripts.validation.environments.env_files import KIND as ENV_FILE
from automation_scripts.validation.environments.env_files import documents_of
from automation_scripts.validation.environments.groups import groups
from automation_scripts.validation.environments.kustomize import overlay_groups
from automation_scripts.validation.environments.leaks import shared, strangers
from automation_scripts.validation.environments.missing import lacking, parent_place
from automation_scripts.validation.environments.names import DEVELOPERS, PRODUCTION
from automation_scripts.validation.environments.safety import is_unsafe_switch, weaker
from automation_scripts.validation.environments.values import amount, apart, same_type, shape, unit_doubt
from automation_scripts.validation.input.spans import Span
from automation_scripts.validation.references.env_files import NamedFile
from automation_scripts.validation.values.secret_words import shown

_LEAST_SHARED = 0.5
"""Configurations that share less than this part of their key paths are not the same one."""
_AS_TEXT = frozenset({"environment", "labels", "annotations", "args"})
"""Maps of services and objects in which every value becomes a text."""
_RANK = (PRODUCTION, "preprod", "staging", "uat", "qa")
"""Which environment the others are held against, the first one that a group has."""


def check_environments(
    files: Sequence[ParsedFile] | Corpus, env_files: Sequence[NamedFile] = (), today: date | None = None
) -> list[Finding]:
    """What environments lack, what differs in type, magnitude or safety, and what must not be the same.

    Args:
        files: the files to compare, or a corpus of them.
        env_files: `.env` files, compared with each other.
        today: when declarations expire; by default the day of the call.

    Returns:
        Findings with the tag `drift`, by file and line: `drift/missing-key`, `drift/type`, `drift/magnitude`,
        `drift/weaker-security`, `drift/shared-secret`, `drift/shared-database` and `drift/other-environment`. Each
        names the key path as its resource and the other file's line in its message. `drift/declaration` and
        `drift/unused-declaration` are about `drift.yaml`.
    """
    corpus = Corpus.of_files(files)
    compared = chain(overlay_groups(corpus), groups(corpus, documents_of(env_files)))
    found = [finding for group in compared for finding in _compare(group)]
    unique = {(finding.rule_id, finding.file, finding.line, finding.resource): finding for finding in reversed(found)}
    left = apply_declarations(unique.values(), corpus, today or datetime.now(tz=UTC).date())
    return sorted(left, key=lambda finding: (finding.file or "", finding.line or 0, finding.rule_id))


def _compare(group: list[Configuration]) -> Iterator[Finding]:
    first = min(group, key=lambda member: _rank(member.environment))
    members = [first, *(member for member in group if member is not first and _alike(member, first))]
    # One environment in two files says nothing about another one.
    environments = {member.environment for member in members}
    if len(environments) < 2:
        return
    yield from lacking(members)
    for member in members:
        yield from strangers(member, environments)
    for path in dict.fromkeys(path for member in members for path in member.own):
        if any(member.ignores(path) for member in members):
            continue
        holders = [member for member in members if path in member.effective]
        if len(holders) < 2:
            yield from _unsafe_alone(members, path)
            continue
        weak = list(_weaker(holders, path))
        yield from weak or _other_type(holders, path) or _other_magnitude(holders, path)
        yield from shared(holders, path)


def _unsafe_alone(members: list[Configuration], path: Path) -> Iterator[Finding]:
    """A switch of production that no other environment has, and that takes protection away."""
    production = next((member for member in members if path in member.own), members[0])
    if production.environment != PRODUCTION or not is_unsafe_switch(path, production.own[path].node):
        return
    yield _finding(
        production,
        path,
        "weaker-security",
        Severity.HIGH,
        f"is {_text(production, path)} in production, and no other environment has it",
        "Remove it, or add the comment 'drift-ignore' to its line.",
    )


def _rank(environment: str) -> int:
    return _RANK.index(environment) if environment in _RANK else len(_RANK)


def _alike(one: Configuration, other: Configuration) -> bool:
    mine, theirs = one.effective.keys(), other.effective.keys()
    return bool(mine and theirs) and len(mine & theirs) >= _LEAST_SHARED * max(len(mine), len(theirs))


def _weaker(holders: list[Configuration], path: Path) -> Iterator[Finding]:
    """Production with less protection than any other environment has."""
    for production in holders:
        if production.environment != PRODUCTION:
            continue
        mine = production.effective[path]
        for other in holders:
            if other.environment == PRODUCTION or not weaker(
                path, mine, other.effective[path], production.document.kind
            ):
                continue
            inherited = path not in production.own
            where = f" (inherited from {production.place(path)})" if inherited else ""
            yield _finding(
                production,
                path,
                "weaker-security",
                Severity.HIGH,
                f"is less safe in production than in {other.environment}: {_text(production, path)} here{where}, "
                f"{_text(other, path)} in {other.place(path)}",
                f"Set it in production as it is in {other.environment}, or add the comment 'drift-ignore' to its line.",
            )
            break


def _other_type(holders: list[Configuration], path: Path) -> list[Finding]:
    """Values of another type than most have; without a majority, than the first one of the order has not."""
    shapes = {member: what for member in holders if (what := shape(member.effective[path].node))}
    # In the environment of a process everything is text: `1` and `"1"` are the same there.
    if any(member.document.kind == ENV_FILE for member in holders) or not _AS_TEXT.isdisjoint(path[:-1]):
        return []
    # Of patches and of lists that can be written as maps only plain values can be compared.
    if any(member.is_partial or member.is_manifest for member in holders):
        shapes = {member: what for member, what in shapes.items() if what in ("number", "boolean", "text")}
    if len(set(shapes.values())) < 2:
        return []
    usual = max(shapes.values(), key=lambda what: list(shapes.values()).count(what))
    if 2 * list(shapes.values()).count(usual) <= len(shapes):
        # No majority: the first member is the one that is told of it.
        first = next(iter(shapes))
        usual = next((what for what in shapes.values() if what != shapes[first]), usual)
        odd = [first]
    else:
        odd = [member for member in shapes if shapes[member] != usual]
    usual_one = next(member for member in shapes if shapes[member] == usual)
    return [
        _differs(
            member,
            usual_one,
            path,
            "type",
            f"is a {shapes[member]} in {member.environment}, and a {usual} in {usual_one.environment}",
        )
        for member in odd
        if path in member.own and not same_type(path, shapes[member], usual)
    ]


def _other_magnitude(holders: list[Configuration], path: Path) -> list[Finding]:
    """An amount that is far from that of the first of the order, told where it is odd."""
    amounts = {member: much for member in holders if (much := amount(member.effective[path].node, path))}
    if len(amounts) < 2:
        return []
    first, *others = amounts
    far = [
        other
        for other in others
        if apart(
            path,
            amounts[first],
            amounts[other],
            with_developers=bool({first.environment, other.environment} & DEVELOPERS),
        )
    ]
    if not far:
        return []
    pairs = [(first, far[0])] if 2 * len(far) >= len(others) else [(other, first) for other in far]
    return [
        _differs(
            odd,
            usual,
            path,
            "magnitude",
            f"is of another magnitude in {odd.environment} than in {usual.environment}",
        )
        for odd, usual in pairs
        if path in odd.own
    ]


def _differs(odd: Configuration, usual: Configuration, path: Path, rule: str, what: str) -> Finding:
    mine, theirs = odd.effective[path], usual.effective[path]
    hint = unit_doubt(path, mine.node, theirs.node)
    return _finding(
        odd,
        path,
        rule,
        Severity.MEDIUM if PRODUCTION in (odd.environment, usual.environment) else Severity.LOW,
        f"{what}: {_text(odd, path)} here, {_text(usual, path)} in {usual.place(path)}{hint}",
        "Write both in the same way and unit, or add the comment 'drift-ignore' to the line if the difference is meant.",
    )


def _finding(
    member: Configuration, path: Path, rule: str, severity: Severity, message: str, suggestion: str
) -> Finding:
    document, span, where = _place(member, path)
    return document.finding(
        span,
        f"drift/{rule}",
        severity,
        f"'{path_text(path)}' {message}.",
        "drift",
        path=where,
        suggestion=suggestion,
    )


def _place(member: Configuration, path: Path) -> tuple[CheckedDocument, Span, tuple[PathKey, ...]]:
    value = member.own.get(path)
    if value is not None:
        return value.document, head(value.key, value.node), value.where
    return *parent_place(member, path), (*member.section, *path)


def _text(member: Configuration, path: Path) -> str:
    node = member.effective[path].node
    if node.kind is Kind.SCALAR:
        return shown(path[-1], node.value, 60)
    return f"a {shape(node)}"
