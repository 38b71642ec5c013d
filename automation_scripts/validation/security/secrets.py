"""Hard-coded secrets: under telling names, in known token formats, in URLs, in command lines, in embedded text.

No finding ever shows a secret: at most its first two characters and its length (`secret_words.masked`).
CWE-798 (hard-coded credentials), CWE-312 (cleartext storage).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.pointing import path_text
from automation_scripts.validation.documents.scalars import is_null, text_of
from automation_scripts.validation.documents.selectors import Match
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.security.secret_candidates import Candidate, candidates, decoded, holds_credentials
from automation_scripts.validation.values.formats import is_template
from automation_scripts.validation.values.secret_words import (
    Name,
    Value,
    looks_random,
    masked,
    name_class,
    shown,
    value_class,
)
from automation_scripts.validation.values.token_formats import find_tokens
from automation_scripts.validation.values.word_lists import words

_ENV_KEYS = frozenset(("environment", "env", "Environment", "envs", "extraEnv", "extraEnvVars", "env_vars"))
_SCHEMAS = ("openapi", "json-schema", "package-json", "tsconfig", "github-issue-form")
_TRANSLATIONS = re.compile(
    r"(?:^|/)(?:locales?|i18n|lang(?:uage)?s?|translations?|messages|l10n)(?:[/.]|[_-][a-z]{2}(?:[_-][a-z]{2})?[./])",
    re.IGNORECASE,
)
_LOCK_FILES = re.compile(
    r"(?:^|/)(?:package-lock|composer\.lock|npm-shrinkwrap|pnpm-lock|yarn\.lock|Pipfile\.lock)", re.IGNORECASE
)
_SAMPLES = re.compile(
    r"(?:^|[/._-])(?:tests?|specs?|fixtures?|examples?|samples?|mocks?|testdata|integration|docs|ci|demo|e2e|template|dist)(?:[/._-]|$)",
    re.IGNORECASE,
)
_WELL_KNOWN = words("well-known passwords")
_PIPELINES = ("github-workflow", "github-action", "gitlab-ci", "circleci")
_SUGGESTION = "Take it from the environment, a secret store or a mounted file, and change it: it is in the history."


@dataclass(slots=True)
class _Found:
    """What is known of one place; of several findings in one place the first one made stays."""

    start: int
    end: int
    finding: Finding


def find_secrets(corpus: Corpus) -> list[Finding]:
    """Every literal secret of every document."""
    return [finding for document in corpus.documents for finding in _in_document(document)]


def _in_document(document: CheckedDocument) -> Iterator[Finding]:
    taken: dict[int, list[_Found]] = {}

    def add(node: Node, start: int, end: int, finding: Finding) -> None:
        spots = taken.setdefault(id(node), [])
        if not any(spot.start < end and start < spot.end for spot in spots):
            spots.append(_Found(start, end, finding))

    encrypted = _is_encrypted(document)
    silent: set[str] = set()
    for match in document.index.matches:
        node = match.node
        if node.kind is not Kind.SCALAR or len(node.value) < 12 or node.value in silent:
            continue
        tokens = list(_token_findings(document, match))
        for start, end, finding in tokens:
            add(node, start, end, finding)
        if encrypted or "://" not in node.value:
            # The same text under another key is judged again: what hides in base64 depends on the key.
            if not tokens and match.path[-2:-1] != ("data",):
                silent.add(node.value)
            continue
        for start, end in _url_passwords(node.value):
            add(node, start, end, _url_finding(document, match, start, end))
    if not encrypted and _judged_by_name(document):
        for candidate in candidates(document):
            if named := _named_finding(document, candidate):
                add(candidate.node, candidate.start, candidate.end, named)
    for spots in taken.values():
        yield from (spot.finding for spot in spots)


def _is_encrypted(document: CheckedDocument) -> bool:
    """SOPS files and sealed secrets hold ciphertext under telling names."""
    root = document.root
    sops = root.get("sops")
    if sops is not None and sops.kind is Kind.MAP and sops.entry("mac"):
        return True
    return text_of(root.get("kind")) in ("SealedSecret", "ExternalSecret", "ClusterExternalSecret", "SecretStore")


def _judged_by_name(document: CheckedDocument) -> bool:
    if document.kind in _SCHEMAS or (document.root.entry("$schema") and document.root.entry("properties")):
        return False
    if text_of(document.root.get("kind")) == "CustomResourceDefinition":
        return False
    return not (_TRANSLATIONS.search(document.file.name) or _LOCK_FILES.search(document.file.name))


# ----- findings --------------------------------------------------------------------------------------------------


def _tag(document: CheckedDocument, path: tuple[PathKey, ...]) -> str:
    """`secret-env` for what becomes a container's environment, `hardcoded-secret` for everything else."""
    if document.kind in ("compose", "kubernetes", "helm-values") and any(step in _ENV_KEYS for step in path):
        return "secret-env"
    return "hardcoded-secret"


def _token_findings(document: CheckedDocument, match: Match) -> Iterator[tuple[int, int, Finding]]:
    """(start, end, finding) of every token in a scalar, and of those that its base64 text hides."""
    text = match.node.value
    tokens = [(token, text[token.start : token.end], token.start, token.end) for token in find_tokens(text)]
    if not tokens and match.path[-2:-1] == ("data",) and document.kind == "kubernetes":
        plain = decoded("".join(text.split())).decode("utf-8", "replace")
        tokens = [(token, plain[token.start : token.end], 0, len(text)) for token in find_tokens(plain)]
    for token, secret, start, end in tokens:
        form, sample = token.form, _SAMPLES.search(document.file.name)
        hint = "" if form.name == "private-key" else f" ({masked(secret)})"
        doubt = "" if token.is_certain else " Its checksum is wrong, so it may be made up."
        finding = document.finding(
            document.part(match.node, start, end),
            f"secret/{form.name}",
            Severity.HIGH if (sample or doubt) and form.severity is Severity.CRITICAL else form.severity,
            f"A {form.title} stands here in clear text{hint}.{doubt}",
            _tag(document, match.path),
            path=match.path,
            suggestion=_SUGGESTION.replace("change it", "revoke it"),
            cwe="CWE-798",
        )
        yield start, end, finding


_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}://([^\s/?#@:'\"]*):([^\s/?#@'\"]+)@(?=[\w.$\[{%-])")
_URL_EXAMPLES = words("url examples")


def _url_passwords(text: str) -> Iterator[tuple[int, int]]:
    for match in _URL.finditer(text):
        user, password = match.groups()
        if is_template(password) or password.startswith(("$", "<", "{", "%", "[")) or set(password) <= set("*xX."):
            continue
        # In documentation the pair reads as what it is; in a compose file `user:password` is the real one.
        if f"{user}:{password}".lower() in _URL_EXAMPLES and ("example" in text or "host" in text):
            continue
        yield match.span(2)


def _url_finding(document: CheckedDocument, match: Match, start: int, end: int) -> Finding:
    password = match.node.value[start:end]
    return document.finding(
        document.part(match.node, start, end),
        "secret/url-password",
        _weight(document, Severity.HIGH, password),
        f"The URL holds a password in clear text ({masked(password)}).",
        _tag(document, match.path),
        path=match.path,
        suggestion=_SUGGESTION,
        cwe="CWE-798",
    )


def _named_finding(document: CheckedDocument, candidate: Candidate) -> Finding | None:
    # A tag of its own, such as !vault or !Ref, says that the value comes from elsewhere.
    if candidate.node.tag and candidate.node.tag.startswith("!") and not candidate.node.tag.startswith("!!"):
        return None
    name, value = candidate.name, candidate.value
    if is_null(candidate.node):
        return None
    named = name_class(name)
    if section := _secret_object_section(document, candidate):
        value = decoded(value).decode("utf-8", "replace") or value if section == "data" else value
        # Whatever a Secret holds is one by declaration, when it looks like one, or holds one.
        named = named or (Name.TOKEN if looks_random(value) or holds_credentials(value) else None)
        if named and holds_credentials(value):
            return _literal(document, candidate, value)
    found = value_class(name, value, named) if named else None
    if found is None:
        return None
    severity, what = {
        Value.LITERAL: (_weight(document, Severity.HIGH, value), "a literal secret"),
        Value.PLACEHOLDER: (Severity.LOW, "a placeholder that must never be deployed"),
        Value.HASHED: (Severity.LOW, "a password hash, which can be attacked offline"),
    }[found]
    if value.lower() in _WELL_KNOWN:
        what = "a secret that everybody knows"
    return _named(document, candidate, severity, what)


def _literal(document: CheckedDocument, candidate: Candidate, value: str) -> Finding:
    return _named(document, candidate, _weight(document, Severity.HIGH, value), "credentials")


def _named(document: CheckedDocument, candidate: Candidate, severity: Severity, what: str) -> Finding:
    return document.finding(
        document.part(candidate.node, candidate.start, candidate.end),
        "secret/named",
        severity,
        f"'{shown('', candidate.name, 60)}' holds {what} ({masked(candidate.value)}).",
        _tag(document, candidate.path),
        path=candidate.path,
        suggestion=_advice(document, candidate),
        cwe="CWE-798",
    )


def _secret_object_section(document: CheckedDocument, candidate: Candidate) -> str:
    """`data` or `stringData` when the value is an entry of a Kubernetes Secret."""
    path = candidate.path
    if document.kind != "kubernetes" or len(path) < 2 or path[-2] not in ("data", "stringData"):
        return ""
    owner = document.root.at(path[:-2])
    return str(path[-2]) if owner is not None and text_of(owner.get("kind")) == "Secret" else ""


def _weight(document: CheckedDocument, severity: Severity, value: str) -> Severity:
    """Samples weigh less than what is deployed, and the throw-away databases of CI jobs weigh least."""
    in_pipeline = document.kind in _PIPELINES
    if in_pipeline and not looks_random(value):
        return Severity.LOW
    lighter = in_pipeline or _SAMPLES.search(document.file.name)
    return Severity.MEDIUM if severity is Severity.HIGH and lighter else severity


def _advice(document: CheckedDocument, candidate: Candidate) -> str:
    if document.kind == "compose":
        return f"Write ${{{_variable(candidate.name)}}} and set it in .env, or use `secrets:` with a _FILE variable."
    if document.kind == "kubernetes" and _secret_object_section(document, candidate):
        return "Base64 hides nothing: keep the Secret out of the repository, sealed, or synced from a secret store."
    if document.kind == "kubernetes":
        return "Take it from a Secret with valueFrom.secretKeyRef."
    if document.kind in ("github-workflow", "github-action"):
        return f"Store it as a repository secret and write ${{{{ secrets.{_variable(candidate.name)} }}}}."
    return _SUGGESTION


def _variable(name: str) -> str:
    return re.sub(r"\W+", "_", name).upper().strip("_")[:60] or path_text((name,))
