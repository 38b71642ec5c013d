"""Hard-coded secrets: under telling names, in known token formats, in URLs, in command lines, in embedded text.

No finding ever shows a secret: at most its first two characters and its length (`secret_words.masked`).
CWE-798 (hard-coded credentials), CWE-312 (cleartext storage).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.corpus import CheckedDocument, Corpus
from automation_scripts.validation.formats import is_template
from automation_scripts.validation.pointing import path_text
from automation_scripts.validation.scalars import text_of
from automation_scripts.validation.secret_words import Value, masked, name_class, shown, value_class
from automation_scripts.validation.selectors import Match
from automation_scripts.validation.token_formats import find_tokens
from automation_scripts.validation.tree import Kind, Node, PathKey

_ENV_KEYS = frozenset(("environment", "env", "Environment", "envs", "extraEnv", "extraEnvVars", "env_vars"))
_SCHEMAS = ("openapi", "json-schema", "package-json", "tsconfig", "github-issue-form")
_TRANSLATIONS = re.compile(
    r"(?:^|/)(?:locales?|i18n|lang(?:uage)?s?|translations?|messages|l10n)(?:[/._-]|$)", re.IGNORECASE
)
_LOCK_FILES = re.compile(
    r"(?:^|/)(?:package-lock|composer\.lock|npm-shrinkwrap|pnpm-lock|yarn\.lock|Pipfile\.lock)", re.IGNORECASE
)
_SAMPLES = re.compile(
    r"(?:^|[/._-])(?:tests?|specs?|fixtures?|examples?|samples?|mocks?|testdata|demo|e2e|template|dist)(?:[/._-]|$)",
    re.IGNORECASE,
)
_WELL_KNOWN = frozenset(
    [
        "password",
        "passw0rd",
        "postgres",
        "root",
        "admin",
        "test",
        "guest",
        "mysql",
        "mariadb",
        "mongo",
        "redis",
        "rabbitmq",
        "minio",
        "minioadmin",
        "user",
        "secret",
        "pass",
        "pwd",
        "token",
        "example",
        "django",
        "laravel",
        "app",
        "dev",
        "development",
        "local",
        "symfony",
        "1234",
        "12345",
        "123456",
        "12345678",
        "qwerty",
    ]
)
_SUGGESTION = "Take it from the environment, a secret store or a mounted file, and change it: it is in the history."


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A piece of a scalar that a name says something about."""

    name: str
    node: Node
    start: int
    end: int
    path: tuple[PathKey, ...]

    @property
    def value(self) -> str:
        return self.node.value[self.start : self.end]


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
    for match in document.index.matches:
        node = match.node
        if node.kind is not Kind.SCALAR or len(node.value) < 3:
            continue
        for token in find_tokens(node.value):
            add(node, token.start, token.end, _token_finding(document, match, token.start, token.end))
        if encrypted or "://" not in node.value:
            continue
        for start, end in _url_passwords(node.value):
            add(node, start, end, _url_finding(document, match, start, end))
    if not encrypted and _judged_by_name(document):
        for candidate in _candidates(document):
            finding = _named_finding(document, candidate)
            if finding is not None:
                add(candidate.node, candidate.start, candidate.end, finding)
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


# ----- what has a name -------------------------------------------------------------------------------------------


def _candidates(document: CheckedDocument) -> Iterator[_Candidate]:
    for match in document.index.matches:
        node, path = match.node, match.path
        if node.kind is Kind.MAP:
            yield from _named_pair(node, path)
        elif node.kind is Kind.SEQ:
            yield from _flag_and_value(node, path)
        elif node.value:
            if path and isinstance(path[-1], str) and not _is_schema_word(path):
                yield _Candidate(path[-1], node, 0, len(node.value), path)
            if not path or isinstance(path[-1], int):
                yield from _assignment_item(node, path)
            if len(node.value) > 8:
                yield from _embedded(node, path)
                yield from _authorization(node, path)


def _is_schema_word(path: tuple[PathKey, ...]) -> bool:
    """Below `properties`, `password: string` describes a value and is none; so do inputs of actions and forms."""
    return any(step in ("properties", "definitions", "$defs", "parameters", "inputs") for step in path[:-1]) and (
        path[-1] not in ("default", "Default")
    )


def _named_pair(node: Node, path: tuple[PathKey, ...]) -> Iterator[_Candidate]:
    """`{name: DB_PASSWORD, value: x}`, as container environments, parameters and settings are written."""
    for name_key, value_key in (("name", "value"), ("Name", "Value"), ("key", "value"), ("Key", "Value")):
        name, value = text_of(node.get(name_key)), node.get(value_key)
        if name and value is not None and value.kind is Kind.SCALAR and value.value:
            yield _Candidate(name, value, 0, len(value.value), (*path, value_key))


_FLAG = re.compile(r"--?([A-Za-z][\w.-]*)")


def _flag_and_value(node: Node, path: tuple[PathKey, ...]) -> Iterator[_Candidate]:
    """`["--password", "x"]`: an argument list whose next item is the value."""
    texts = [child.resolved() for child in node.children]
    for i, (flag, value) in enumerate(zip(texts, texts[1:], strict=False)):
        if flag.kind is Kind.SCALAR and value.kind is Kind.SCALAR and (match := _FLAG.fullmatch(flag.value)):
            if value.value and not value.value.startswith("-"):
                yield _Candidate(match[1], value, 0, len(value.value), (*path, i + 1))


_ASSIGNMENT = re.compile(r"([A-Za-z_][\w.-]*)=(.*)", re.DOTALL)


def _assignment_item(node: Node, path: tuple[PathKey, ...]) -> Iterator[_Candidate]:
    if match := _ASSIGNMENT.fullmatch(node.value):
        start = match.start(2)
        text = match[2]
        if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
            start, text = start + 1, text[1:-1]
        yield _Candidate(match[1], node, start, start + len(text), path)


_SECRET_NOUN = r"[\w.-]*(?:passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|requirepass)[\w.-]*"
_EMBEDDED = re.compile(
    rf"(?P<name>(?<![\w$]){_SECRET_NOUN})[\"']?(?:\s*(?P<sign>=>|:=|=|:)\s*|[ ]+)(?P<quote>[\"']?)(?P<value>[^\s\"'`,;&|)}}\]]+)",
    re.IGNORECASE,
)
_SHELL_PASSWORD = re.compile(
    r"\b(?:mysql|mysqladmin|mysqldump|mariadb|mariadb-admin)\b[^\n|;&]*?\s-p(?P<a>[^\s\"';|&]{3,})"
    r"|\bsshpass\s+-p\s*[\"']?(?P<b>[^\s\"';|&]{3,})"
    r"|\b(?:curl|wget)\b[^\n|;&]*?\s(?:-u|--user)[ =][\"']?[\w.@-]+:(?P<c>[^\s\"'@;|&]{3,})"
)


def _embedded(node: Node, path: tuple[PathKey, ...]) -> Iterator[_Candidate]:
    """`--password=x`, `export API_KEY=x`, `Server=db;Password=x`, and properties files inside a value."""
    text = node.value
    for match in _EMBEDDED.finditer(text):
        name, sign = match["name"], match["sign"]
        # Only an option takes its value after a mere space; in prose the next word is just the next word.
        if sign is None and not name.startswith("-"):
            continue
        if sign == ":" and not _starts_line(text, match.start()):
            continue
        if match.start() == 0 and match.end() == len(text) and path and isinstance(path[-1], int):
            continue  # a whole `KEY=value` item
        yield _Candidate(name.lstrip("-"), node, match.start("value"), match.end("value"), path)
    for match in _SHELL_PASSWORD.finditer(text):
        group = match.lastgroup or "a"
        yield _Candidate("password", node, match.start(group), match.end(group), path)


def _starts_line(text: str, offset: int) -> bool:
    """`password: x` in an embedded YAML text; in the middle of a sentence the same characters are prose."""
    line = text.rfind("\n", 0, offset) + 1
    return text[line:offset].strip(" \t\"'-") == "" and "\n" in text


_AUTHORIZATION = re.compile(
    r"\b(?:Basic\s+(?P<basic>[A-Za-z0-9+/]{8,}={0,2})|Bearer\s+(?P<bearer>[A-Za-z0-9._~+/-]{16,}=*))(?![\w$])"
)


def _authorization(node: Node, path: tuple[PathKey, ...]) -> Iterator[_Candidate]:
    for match in _AUTHORIZATION.finditer(node.value):
        group = match.lastgroup or "bearer"
        if group == "basic" and b":" not in _decoded(match[group]):
            continue
        yield _Candidate("authorization", node, match.start(group), match.end(group), path)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


# ----- findings --------------------------------------------------------------------------------------------------


def _tag(document: CheckedDocument, path: tuple[PathKey, ...]) -> str:
    """`secret-env` for what becomes a container's environment, `hardcoded-secret` for everything else."""
    if document.kind in ("compose", "kubernetes", "helm-values") and any(step in _ENV_KEYS for step in path):
        return "secret-env"
    return "hardcoded-secret"


def _token_finding(document: CheckedDocument, match: Match, start: int, end: int) -> Finding:
    form = next(token.form for token in find_tokens(match.node.value) if token.start == start)
    secret = match.node.value[start:end]
    hint = "" if form.name == "private-key" else f" ({masked(secret)})"
    severity = form.severity
    if _SAMPLES.search(document.file.name) and severity is Severity.CRITICAL:
        severity = Severity.HIGH
    return document.finding(
        document.part(match.node, start, end),
        f"secret/{form.name}",
        severity,
        f"A {form.title} stands here in clear text{hint}.",
        _tag(document, match.path),
        path=match.path,
        suggestion=_SUGGESTION.replace("change it", "revoke it"),
        cwe="CWE-798",
    )


_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}://([^\s/?#@:'\"]*):([^\s/?#@'\"]+)@(?=[\w.$\[{%-])")
_URL_EXAMPLES = frozenset(
    [
        "user:pass",
        "user:password",
        "username:password",
        "user:secret",
        "user:passwd",
        "login:password",
        "name:password",
        "foo:bar",
    ]
)


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
    known = password.lower() in _WELL_KNOWN
    return document.finding(
        document.part(match.node, start, end),
        "secret/url-password",
        _weight(document, Severity.MEDIUM if known else Severity.HIGH, known),
        f"The URL holds a password in clear text ({masked(password)}).",
        _tag(document, match.path),
        path=match.path,
        suggestion=_SUGGESTION,
        cwe="CWE-798",
    )


def _named_finding(document: CheckedDocument, candidate: _Candidate) -> Finding | None:
    name, value = candidate.name, candidate.value
    in_secret = _in_secret_object(document, candidate)
    if in_secret and in_secret != "stringData":
        value = _decoded(value).decode("utf-8", "replace") or value
    # `<<` and anchors aside, a tag such as !vault or !Ref says that the value comes from elsewhere.
    if candidate.node.tag and candidate.node.tag.startswith("!") and not candidate.node.tag.startswith("!!"):
        return None
    found = value_class(name, value, name_class(name))
    if found is None:
        return None
    known = value.lower() in _WELL_KNOWN
    severity, what = {
        Value.LITERAL: (Severity.HIGH, "a literal secret"),
        Value.PLACEHOLDER: (Severity.LOW, "a placeholder that must never be deployed"),
        Value.HASHED: (Severity.LOW, "a password hash, which can be attacked offline"),
    }[found]
    if known:
        what = "a secret that everybody knows"
    return document.finding(
        document.part(candidate.node, candidate.start, candidate.end),
        "secret/named",
        _weight(document, severity, known) if found is Value.LITERAL else severity,
        f"'{shown('', name, 60)}' holds {what} ({masked(candidate.value)}).",
        _tag(document, candidate.path),
        path=candidate.path,
        suggestion=_advice(document, candidate),
        cwe="CWE-798",
    )


def _in_secret_object(document: CheckedDocument, candidate: _Candidate) -> str:
    """`data` or `stringData` when the value is an entry of a Kubernetes Secret."""
    path = candidate.path
    if document.kind != "kubernetes" or len(path) < 2 or path[-2] not in ("data", "stringData"):
        return ""
    owner = document.root.at(path[:-2])
    return str(path[-2]) if owner is not None and text_of(owner.get("kind")) == "Secret" else ""


def _weight(document: CheckedDocument, severity: Severity, known: bool) -> Severity:
    """Throw-away databases of CI jobs and samples weigh less than what is deployed."""
    if known and document.kind in ("github-workflow", "gitlab-ci", "circleci"):
        return Severity.LOW
    if severity is Severity.HIGH and (known or document.kind in ("github-workflow", "gitlab-ci", "circleci")):
        return Severity.MEDIUM if _SAMPLES.search(document.file.name) or document.kind != "compose" else severity
    return Severity.MEDIUM if severity is Severity.HIGH and _SAMPLES.search(document.file.name) else severity


def _advice(document: CheckedDocument, candidate: _Candidate) -> str:
    if document.kind == "compose":
        return f"Write ${{{_variable(candidate.name)}}} and set it in .env, or use `secrets:` with a _FILE variable."
    if document.kind == "kubernetes" and _in_secret_object(document, candidate):
        return "Base64 hides nothing: keep the Secret out of the repository, sealed, or synced from a secret store."
    if document.kind == "kubernetes":
        return "Take it from a Secret with valueFrom.secretKeyRef."
    if document.kind in ("github-workflow", "github-action"):
        return f"Store it as a repository secret and write ${{{{ secrets.{_variable(candidate.name)} }}}}."
    return _SUGGESTION


def _variable(name: str) -> str:
    return re.sub(r"\W+", "_", name).upper().strip("_")[:60] or path_text((name,))
