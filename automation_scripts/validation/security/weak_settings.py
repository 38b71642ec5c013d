"""Settings that turn a protection off: TLS checks, authentication, encryption. The table is `weak_settings.yaml`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from automation_scripts.results import Finding, Severity, TextEdit
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.pointing import replace
from automation_scripts.validation.documents.scalars import text_of
from automation_scripts.validation.documents.settings_found import Setting
from automation_scripts.validation.documents.tree import Kind, Style
from automation_scripts.validation.security.production import is_production
from automation_scripts.validation.security.setting_scan import settings
from automation_scripts.validation.values.secret_words import words_of
from automation_scripts.validation.values.word_lists import words

_TABLE = Path(__file__).parent / "weak_settings.yaml"
_ON = re.compile(r"true|yes|on|1|enabled?", re.IGNORECASE)
_OFF = re.compile(r"false|no|off|0|disabled?", re.IGNORECASE)
# These kinds describe settings, or hold words that look like some, and switch nothing.
_NO_SETTINGS = frozenset(
    ("openapi", "package-json", "tsconfig", "json-schema", "github-issue-form", "prometheus-rules")
)
_NEGATIONS = words("negations")
_DESCRIPTIONS = frozenset(
    ("properties", "parameters", "definitions", "$defs", "inputs", "options", "schema", "example", "examples")
)


@dataclass(frozen=True, slots=True)
class Weakness:
    """One row of the table; `weak_settings.yaml` explains the fields."""

    id: str
    tag: str
    severity: Severity
    cwe: str
    names: tuple[str, ...]
    exact: frozenset[str]
    near: frozenset[str]
    value: re.Pattern[str]
    message: str
    suggestion: str
    flag: bool = False
    kinds: frozenset[str] = frozenset()
    not_kinds: frozenset[str] = frozenset()
    fix: str | None = None
    unless_beside: tuple[tuple[str, str], ...] = ()
    production: bool = False

    def met_by(self, setting: Setting, kind: str) -> bool:
        """True when the setting is this weakness."""
        if (self.kinds and kind not in self.kinds) or kind in self.not_kinds:
            return False
        if setting.is_flag and not self.flag:
            return False
        if not self.value.fullmatch(setting.value.strip()) or self._is_excused(setting):
            return False
        for name in self.names:
            if setting.words == name or setting.words.endswith(f"_{name}"):
                return not self._is_negated(setting, name)
        return setting.own_words in self.exact and (not self.near or self._is_near(setting))

    def _is_excused(self, setting: Setting) -> bool:
        beside = setting.parent
        return beside is not None and any(text_of(beside.get(key)) == value for key, value in self.unless_beside)

    def _is_negated(self, setting: Setting, name: str) -> bool:
        """`no_auth: false` and `disable_tls: false` say the opposite of `auth: false`."""
        before = set(setting.own_words.split("_")) - set(name.split("_"))
        return bool(before & _NEGATIONS)

    def _is_near(self, setting: Setting) -> bool:
        around = {word for step in setting.path[:-1] if isinstance(step, str) for word in words_of(step[:120])}
        if setting.parent is not None:
            for key, _ in setting.parent.entries:
                if key.kind is Kind.SCALAR and key.value != setting.name:
                    around |= {*words_of(key.value[:120]), "_".join(words_of(key.value[:120]))}
        if setting.is_flag or setting.parent is None:
            around |= set(words_of(setting.name))
        return bool(around & self.near)


def check_settings(corpus: Corpus) -> list[Finding]:
    """Every weak setting of every document."""
    return [finding for document in corpus.documents for finding in _in_document(document)]


def _in_document(document: CheckedDocument) -> Iterator[Finding]:
    if document.kind in _NO_SETTINGS:
        return
    by_last_word = _index()
    seen: set[tuple[int, int]] = set()
    for setting in settings(document, by_last_word, _matters):
        last = setting.own_words.rpartition("_")[2]
        for weakness in by_last_word.get(last, ()):
            spot = (id(setting.node), setting.start)
            if spot in seen or not weakness.met_by(setting, document.kind) or _only_described(document, setting):
                continue
            if not weakness.production or is_production(document, setting):
                seen.add(spot)
                yield _finding(document, setting, weakness)


def _only_described(document: CheckedDocument, setting: Setting) -> bool:
    if document.kind == "kubernetes" and setting.path[:1] == ("status",):
        return True
    return any(step in _DESCRIPTIONS for step in setting.path[:-1])


def _finding(document: CheckedDocument, setting: Setting, weakness: Weakness) -> Finding:
    return document.finding(
        document.part(setting.node, setting.start, setting.end),
        f"security/{weakness.id}",
        weakness.severity,
        weakness.message.format(name=_shown_name(setting)),
        weakness.tag,
        path=setting.path,
        suggestion=weakness.suggestion,
        fix=_fix(document, setting, weakness),
        cwe=weakness.cwe,
    )


def _shown_name(setting: Setting) -> str:
    """`tls.enabled` rather than `enabled`, which says nothing."""
    keys = [step for step in setting.path if isinstance(step, str)]
    if len(keys) > 1 and keys[-1] == setting.name and "_" not in setting.own_words:
        return f"{keys[-2]}.{keys[-1]}"[-80:]
    return setting.name


def _fix(document: CheckedDocument, setting: Setting, weakness: Weakness) -> tuple[TextEdit, ...]:
    node = setting.node
    plain = node.style is Style.PLAIN and node.anchor is None and setting.start == 0 and setting.end == len(node.value)
    if (
        weakness.fix is None
        or not plain
        or setting.value not in ("true", "false", "disable", "allow-all", "PublicRead")
    ):
        return ()
    return (replace(document.file, node.span, weakness.fix),)


@lru_cache(maxsize=1)
def weaknesses() -> tuple[Weakness, ...]:
    """The table, in its order: of two rows that are met the first one speaks."""
    raw = yaml.load(_TABLE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["settings"]
    return tuple(_weakness(row) for row in raw)


def _weakness(row: dict[str, Any]) -> Weakness:
    value = row["value"]
    pattern = {"on": _ON, "off": _OFF}.get(value) or re.compile(value, re.IGNORECASE)
    return Weakness(
        id=row["id"],
        tag=row["class"],
        severity=Severity(row["severity"]),
        cwe=row["cwe"],
        names=tuple(row.get("names", ())),
        exact=frozenset(row.get("exact", ())),
        near=frozenset(row.get("near", ())),
        value=pattern,
        message=row["message"],
        suggestion=row["suggestion"],
        flag=row.get("flag", False),
        kinds=frozenset(row.get("kinds", ())),
        not_kinds=frozenset(row.get("not_kinds", ())),
        fix=row.get("fix"),
        unless_beside=tuple(row.get("unless_beside", {}).items()),
        production=row.get("production", False),
    )


@lru_cache(maxsize=20_000)
def _matters(last: str, value: str) -> bool:
    """False for a value that is no weakness under any name that ends with this word."""
    return any(weakness.value.fullmatch(value.strip()) for weakness in _index().get(last, ()))


@lru_cache(maxsize=1)
def _index() -> dict[str, list[Weakness]]:
    found: dict[str, list[Weakness]] = {}
    for weakness in weaknesses():
        for name in {*weakness.names, *weakness.exact}:
            rows = found.setdefault(name.rpartition("_")[2], [])
            if weakness not in rows:
                rows.append(weakness)
    return found
